import type { HttpMatch, HttpRoute } from "./http-route.ts";
import type { Located, RuleIdentity } from "./located.ts";

/** Aeraki's MetaRouter: the routes of services of a protocol of their own, such as Dubbo's, and how often they may be called. */
export interface MetaRouter extends RuleIdentity {
  readonly kind: "MetaRouter";
  readonly hosts: readonly string[];
  /** As a VirtualService names them; empty for the mesh alone. */
  readonly gateways: readonly string[];
  readonly http: readonly HttpRoute[];
  readonly localRateLimit?: LocalLimit;
  readonly globalRateLimit?: GlobalLimit;
}

/** Filled by `tokensPerFill` every interval, up to `maxTokens`, which it has at first. */
export interface TokenBucket extends Located {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

/** How often a proxy lets calls of a service through: the first condition that a call meets, else the service's own bucket, else no bound. */
export interface LocalLimit extends Located {
  readonly bucket?: TokenBucket;
  readonly conditions: readonly LimitCondition[];
}

/** A bucket of their own for the calls that meet a match. */
export interface LimitCondition extends Located {
  readonly match?: HttpMatch;
  readonly bucket: TokenBucket;
}

/** A rate limit service that is asked for each call. */
export interface GlobalLimit extends Located {
  readonly domain: string;
  /** Absent for all calls. */
  readonly match?: HttpMatch;
  /** Host of the service, from the name of a cluster where the rule has one. */
  readonly service: string;
  /** Which of its ports, where the rule says one. */
  readonly port?: { readonly number: number };
  readonly timeoutMs: number;
  readonly denyOnFail: boolean;
  /** In order: what of a call is told under which name. */
  readonly descriptors: readonly { readonly property: string; readonly descriptorKey: string }[];
}

/** Whether a rule says how often services may be called. */
export function limitsCalls({ localRateLimit, globalRateLimit }: MetaRouter): boolean {
  return localRateLimit !== undefined || globalRateLimit !== undefined;
}
