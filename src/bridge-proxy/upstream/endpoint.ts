import type { UpstreamHost } from "./host.ts";

/** One endpoint of a cluster; the host behind it may be shared with other clusters. */
export interface ClusterEndpoint {
  readonly host: UpstreamHost;
  readonly weight: number;
  readonly warmupMs: number;
  /** Wall clock, ms since 1970; 0 where unknown. */
  readonly startedAtMs: number;
  readonly tag: string;
  readonly token: string;
  /** 0 where it did not say. */
  readonly payloadBytes: number;
}
