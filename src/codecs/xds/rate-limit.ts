/**
 * Rate limits, as Envoy has them in proto3's JSON form: typed configs of a virtual host, and the `rateLimits` that say of what they count.
 * Source: envoy/extensions/filters/http/{local_ratelimit,ratelimit}/v3, envoy/config/route/v3 (RateLimit).
 *
 * A Dubbo call is seen as in routes: its path is `/interface/method`, attachments are headers. A condition on the path is one on `:path`.
 */
import type { Duration, HeaderMatcher } from "./core.ts";

/** Name of the filter that counts by itself. */
export const LOCAL_LIMIT_FILTER = "envoy.filters.http.local_ratelimit";
/** Name of the filter that asks a rate limit service. */
export const GLOBAL_LIMIT_FILTER = "envoy.filters.http.ratelimit";

/** The stage of `rateLimits` that belong to {@link LOCAL_LIMIT_FILTER}. */
export const LOCAL_STAGE = 1;
/** The stage of `rateLimits` that belong to {@link GLOBAL_LIMIT_FILTER}. */
export const GLOBAL_STAGE = 2;

/** The key of a descriptor that says which condition of a rule a call met. */
export const CONDITION_KEY = "header_match";

/** Filled by `tokensPerFill` every `fillInterval`, up to `maxTokens`, which it has at first. */
export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillInterval: Duration;
}

/** A bucket for the calls that met one condition: its one entry has {@link CONDITION_KEY} and the condition's name. */
export interface LocalDescriptor {
  readonly entries: readonly [{ readonly key: string; readonly value: string }];
  readonly tokenBucket: TokenBucketConfig;
}

/**
 * LocalRateLimit, cut to what rules ask for. A call takes a token of the descriptor that it meets, where it meets none of `tokenBucket`;
 * of several a Trestle proxy takes the first, an Envoy a token of each.
 */
export interface LocalRateLimit {
  readonly statPrefix: string;
  readonly stage: number;
  readonly tokenBucket?: TokenBucketConfig;
  readonly descriptors?: readonly LocalDescriptor[];
  readonly alwaysConsumeDefaultTokenBucket: false;
}

/** RateLimit, cut to gRPC servers that are clusters. */
export interface GlobalRateLimit {
  readonly "@type": typeof GLOBAL_LIMIT_TYPE;
  readonly domain: string;
  readonly stage: number;
  readonly timeout: Duration;
  /** A server that does not answer stops the call. */
  readonly failureModeDeny: boolean;
  readonly rateLimitService: {
    readonly grpcService: { readonly envoyGrpc: { readonly clusterName: string } };
    readonly transportApiVersion: "V3";
  };
}

/** The type of {@link GlobalRateLimit}. An Envoy takes it in a listener alone: `compile/envoy` puts it there. */
export const GLOBAL_LIMIT_TYPE = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";

/** One step in making a descriptor; one of the two is set. */
export interface LimitAction {
  /** The value of a header, `method` or `interface` of a Dubbo call. Without it there is no descriptor. */
  readonly requestHeaders?: { readonly headerName: string; readonly descriptorKey: string };
  /** An entry for calls that meet all of `headers`; for others there is no descriptor. */
  readonly headerValueMatch?: { readonly descriptorValue: string; readonly headers: readonly HeaderMatcher[] };
}

/** What calls are counted by. Of {@link GLOBAL_STAGE} a first action `headerValueMatch` is a condition alone: it makes no entry. */
export interface RateLimit {
  readonly stage: number;
  readonly actions: readonly LimitAction[];
}

/** The typed configs of a virtual host that limit how often it is called. */
export interface LimitConfigs {
  readonly [LOCAL_LIMIT_FILTER]?: LocalRateLimit;
  readonly [GLOBAL_LIMIT_FILTER]?: GlobalRateLimit;
}

/** The typed configs of a virtual host that say something else; undefined for none. */
export function withoutLimits<T extends LimitConfigs>(configs: T | undefined): Omit<T, keyof LimitConfigs> | undefined {
  if (configs === undefined) return undefined;
  const { [LOCAL_LIMIT_FILTER]: _, [GLOBAL_LIMIT_FILTER]: __, ...others } = configs;
  return Object.keys(others).length === 0 ? undefined : others;
}
