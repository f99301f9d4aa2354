import type { Callee } from "../dubbo/callee.ts";
import type { HttpCallee } from "../http/callee.ts";
import type { TripleCallee } from "../triple/callee.ts";
import type { UpstreamConnection, UpstreamHost } from "./host.ts";

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
  /** It is known to take Triple's wrapper; else what is known of the service's messages says what it takes. */
  readonly takesWrapper: boolean;
  /** It is known to take no JSON. */
  readonly refusesJson: boolean;
}

/** An endpoint that speaks Dubbo2. */
export type DubboEndpoint = EndpointOf<Callee>;
/** An endpoint that speaks Triple or gRPC. */
export type TripleEndpoint = EndpointOf<TripleCallee>;
/** An endpoint that speaks HTTP/1.1. */
export type HttpEndpoint = EndpointOf<HttpCallee>;
