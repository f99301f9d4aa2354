import type { Callee } from "../dubbo/callee.ts";
import type { HttpCallee } from "../http/callee.ts";
import type { TripleCallee } from "../triple/callee.ts";
import type { UpstreamConnection, UpstreamHost } from "./host.ts";
import type { EndpointRecord } from "./records.ts";

/** One endpoint of a cluster; the host behind it may be shared with other clusters. */
export interface EndpointOf<C extends UpstreamConnection> {
  readonly host: UpstreamHost<C>;
  readonly weight: number;
  readonly warmupMs: number;
  /** Wall clock, ms since 1970; 0 where unknown. */
  readonly startedAtMs: number;
  readonly tag: string;
  readonly token: string;
  /** 0 where it did not say. */
  readonly payloadBytes: number;
  /** What the service's routers ask of it; absent where there are none. */
  readonly values?: Readonly<Record<string, string>>;
  /** It is known to take Triple's wrapper; else what is known of the service's messages says what it takes. */
  readonly takesWrapper: boolean;
  /** It is known to take no JSON. */
  readonly refusesJson: boolean;
  /** From 0 on: the first ones take all calls while enough of them are healthy. */
  readonly priority: number;
  /** `region/zone/subzone`, `""` where it is not known. */
  readonly locality: string;
  /** The locality's share where localities are weighed; 0 where it has none. */
  readonly localityWeight: number;
  /** Whoever listed it calls it healthy. */
  readonly healthy: boolean;
  /** When it came into its cluster, time of day, ms; 0 for the first ones there. */
  readonly addedAtMs: number;
  /** What the cluster's tries showed; undefined where it does not ask. */
  readonly record: EndpointRecord | undefined;
}

/** An endpoint that speaks Dubbo2. */
export type DubboEndpoint = EndpointOf<Callee>;
/** An endpoint that speaks Triple or gRPC. */
export type TripleEndpoint = EndpointOf<TripleCallee>;
/** An endpoint that speaks HTTP/1.1. */
export type HttpEndpoint = EndpointOf<HttpCallee>;
