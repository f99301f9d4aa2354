/**
 * Routes, as envoy/config/route/v3 has them in proto3's JSON form, cut down to what Trestle reads.
 *
 * A Dubbo call is routed as the HTTP call `/interface/method` with its attachments as headers. The authority of a call is its
 * printed service key (`group/interface:version`): every virtual host of a Dubbo route names its key among its domains.
 */
import type { AuthzConfigs, MetadataMatcher } from "./authz.ts";
import type { Duration, FractionalPercent, HeaderMatcher, Metadata, RegexMatcher, StringMatcher } from "./core.ts";
import type { LimitConfigs, RateLimit } from "./rate-limit.ts";

export type { HeaderMatcher } from "./core.ts";

/** The domain of a virtual host that takes whatever no other does. */
export const ANY_DOMAIN = "*";

/** Name of the typed config of a route that holds its {@link HttpFault}. */
export const FAULT_FILTER = "envoy.filters.http.fault";

/** Name of the typed config of a gateway's route that holds its {@link CorsPolicy}. */
export const CORS_FILTER = "envoy.filters.http.cors";

/** A condition on one query parameter, its name in any place of the query; one of the two is set. */
export interface QueryParameterMatcher {
  readonly name: string;
  readonly stringMatch?: StringMatcher;
  readonly presentMatch?: boolean;
}

/** Exactly one of the path forms is set. Query parameters are of calls that come in by a gateway. */
export interface RouteMatch {
  readonly path?: string;
  readonly prefix?: string;
  readonly safeRegex?: RegexMatcher;
  readonly caseSensitive?: boolean;
  readonly headers?: readonly HeaderMatcher[];
  readonly queryParameters?: readonly QueryParameterMatcher[];
  /** On the claims of the call's token: what is chosen by the virtual host's own issuers, before anything else is asked of the call. */
  readonly dynamicMetadata?: readonly MetadataMatcher[];
}

/** One attachment to write, and what becomes of a value that the call has already. */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string };
  /** `OVERWRITE_IF_EXISTS_OR_ADD` is "set", `APPEND_IF_EXISTS_OR_ADD` is "add". */
  readonly appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" | "APPEND_IF_EXISTS_OR_ADD";
}

/** Changes to a call's attachments on the way to its callee, and to its answer's on the way back; what is removed is removed before anything is added. */
export interface HeaderMutations {
  readonly requestHeadersToAdd?: readonly HeaderValueOption[];
  readonly requestHeadersToRemove?: readonly string[];
  readonly responseHeadersToAdd?: readonly HeaderValueOption[];
  readonly responseHeadersToRemove?: readonly string[];
}

/** One destination of several and its share of the calls; its mutations come after the route's. */
export interface ClusterWeight extends HeaderMutations {
  readonly name: string;
  /** Any integer from 0; the sum over the list is the whole. */
  readonly weight: number;
}

/**
 * When a call is sent again: `numRetries` counts the tries after the first, `retriableStatusCodes` HTTP codes of the
 * answer table.
 */
export interface RetryPolicy {
  /** Comma list of Envoy's words. */
  readonly retryOn: string;
  readonly numRetries: number;
  readonly perTryTimeout?: Duration;
  readonly retriableStatusCodes?: readonly number[];
  readonly retryBackOff?: { readonly baseInterval: Duration; readonly maxInterval?: Duration };
  /** {@link PREVIOUS_HOSTS}: providers that had a try get no other one. Absent: each may be chosen again. */
  readonly retryHostPredicate?: readonly { readonly name: string; readonly typedConfig?: object }[];
  /** int64 as text. How often Envoy draws again for the predicate; Trestle leaves out the tried ones at once and needs no number. */
  readonly hostSelectionRetryMaxAttempts?: string;
  /** {@link PREVIOUS_PRIORITIES}: further tries go to another priority's providers. */
  readonly retryPriority?: { readonly name: string; readonly typedConfig?: object };
}

/** Name of the retry predicate that leaves out providers which were tried. */
export const PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts";

/** Name of the retry extension that leaves out priorities which were tried. */
export const PREVIOUS_PRIORITIES = "envoy.retry_priorities.previous_priorities";

/** A cluster that a share of the calls, all where there is no fraction, is sent to as well; its answers are thrown away. */
export interface RequestMirrorPolicy {
  readonly cluster: string;
  readonly runtimeFraction?: { readonly defaultValue: FractionalPercent };
  /** True: the Host goes on as it is, without `-shadow` behind its name. */
  readonly disableShadowHostSuffixAppend?: boolean;
}

/** What of a path is replaced, each place that matches (RE2); `\1` in the substitution is what a group matched. */
export interface RegexRewrite {
  readonly pattern: RegexMatcher;
  readonly substitution: string;
}

/** A cookie that a hash is made from. With `ttl` a caller without it is given one; `"0s"` ends with the session. */
export interface HashCookie {
  readonly name: string;
  readonly ttl?: Duration;
  readonly path?: string;
  readonly attributes?: readonly { readonly name: string; readonly value?: string }[];
}

/** One input of a call's hash; exactly one of the four is set. `header.headerName` may be `dubbo-arg-N[.field...]`. */
export interface HashPolicy {
  readonly header?: { readonly headerName: string };
  readonly cookie?: HashCookie;
  readonly connectionProperties?: { readonly sourceIp: boolean };
  readonly queryParameter?: { readonly name: string };
  /** Inputs behind this one do not count where it gave something. */
  readonly terminal?: boolean;
}

/** One of `cluster` and `weightedClusters` is set. */
export interface RouteAction {
  readonly cluster?: string;
  readonly weightedClusters?: { readonly clusters: readonly ClusterWeight[] };
  /** What the matched prefix, or the whole of a path that was matched otherwise, becomes. Of a Dubbo call the path names interface and method. */
  readonly prefixRewrite?: string;
  /** The same by a pattern; at most one of the two is set. */
  readonly regexRewrite?: RegexRewrite;
  /** Whole call, all tries; absent or `"0s"`: no limit of the route's own. */
  readonly timeout?: Duration;
  readonly retryPolicy?: RetryPolicy;
  /** The Host, or `:authority`, that the provider sees; Dubbo2 has none. */
  readonly hostRewriteLiteral?: string;
  readonly requestMirrorPolicies?: readonly RequestMirrorPolicy[];
  /** Inputs of the hash that balancers with a ring or a table choose by, in order. */
  readonly hashPolicy?: readonly HashPolicy[];
}

/** Which pages of other origins may call; lists are joined by commas, `maxAge` is seconds. Gateways alone. */
export interface CorsPolicy {
  readonly allowOriginStringMatch: readonly StringMatcher[];
  readonly allowMethods?: string;
  readonly allowHeaders?: string;
  readonly exposeHeaders?: string;
  readonly maxAge?: string;
  readonly allowCredentials?: boolean;
  /** Whether preflight requests of other origins go on as any request does; true unless told. */
  readonly forwardNotMatchingPreflights?: boolean;
}

/** Faults to inject; a call that gets both waits first and is aborted then. */
export interface HttpFault {
  readonly delay?: { readonly fixedDelay: Duration; readonly percentage: FractionalPercent };
  /** One of the two statuses is set. */
  readonly abort?: {
    readonly httpStatus?: number;
    readonly grpcStatus?: number;
    readonly percentage: FractionalPercent;
  };
}

/** An answer that no provider gives: `status` is an HTTP status, turned into Dubbo2's as that of a fault abort is. */
export interface DirectResponse {
  readonly status: number;
  /** One of the two is set; bytes are in base64. */
  readonly body?: { readonly inlineString?: string; readonly inlineBytes?: string };
}

/** Where callers of HTTP are sent in place of being led on; what is absent stays as the request has it. Names are Envoy's. */
export interface RedirectAction {
  readonly schemeRedirect?: string;
  readonly hostRedirect?: string;
  readonly portRedirect?: number;
  /** The whole path; with the request's query unless it has its own. At most one of the two is set. */
  readonly pathRedirect?: string;
  /** In place of the matched prefix, or of a path that was matched otherwise. */
  readonly prefixRewrite?: string;
  /** 301 where it is absent. */
  readonly responseCode?: RedirectCode;
}

/** The statuses of redirects, by Envoy's words for them. */
export const REDIRECT_STATUS = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

/** A redirect's status. */
export type RedirectCode = keyof typeof REDIRECT_STATUS;

/** One of `route`, `redirect` and `directResponse` is set. */
export interface Route extends HeaderMutations {
  /** For metrics and `explain`; such as `order-rules/createOrder`. */
  readonly name?: string;
  readonly match: RouteMatch;
  readonly route?: RouteAction;
  readonly redirect?: RedirectAction;
  readonly directResponse?: DirectResponse;
  readonly typedPerFilterConfig?: { readonly [FAULT_FILTER]?: HttpFault; readonly [CORS_FILTER]?: CorsPolicy };
  /** `filterMetadata[TRESTLE_METADATA]` is a {@link RouteOrigin}. */
  readonly metadata?: Metadata<RouteOrigin>;
}

/** Which rule a route came from. */
export interface RouteOrigin {
  readonly rule?: string;
  readonly file?: string;
  readonly line?: number;
  /** Of a gateway's route: all that it leads to speaks HTTP alone, so that requests are carried as they are; or it redirects them. */
  readonly protocol?: "http";
}

/** The routes of one service, in order: the first that matches a call decides. */
export interface VirtualHost {
  /** The entry's host. */
  readonly name: string;
  /** The entry's host and its printed service key; `*` for all else. */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  /** Who may call the service, and how often. */
  readonly typedPerFilterConfig?: AuthzConfigs & LimitConfigs;
  /** What limits count by. */
  readonly rateLimits?: readonly RateLimit[];
  /** Of a gateway's: requests in plain text are sent to the same place by https. */
  readonly requireTls?: "ALL";
}

/** The routes of every service that a listener carries; listeners name it. */
export interface RouteConfiguration {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  /** Where there is one, virtual hosts come as resources of their own too (VHDS), by the names of {@link virtualHostName}. */
  readonly vhds?: { readonly configSource: { readonly ads: object; readonly resourceApiVersion: "V3" } };
}

/** The name by which a virtual host that is a resource of its own says which RouteConfiguration it is of. */
export function virtualHostName(routes: string, host: string): string {
  return `${routes}/${host}`;
}
