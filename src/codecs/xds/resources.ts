/**
 * The xDS v3 resources that configure a Trestle proxy, in proto3's JSON form: the same fields and names that Envoy takes,
 * cut down to what Trestle reads. Source: envoy/config/{listener,route,cluster,endpoint}/v3 and extensions/filters/http/fault/v3.
 *
 * A Dubbo call is routed as the HTTP call `/interface/method` with its attachments as headers. The authority of a call is its
 * printed service key (`group/interface:version`): every virtual host of a Dubbo route names its key among its domains.
 */
import type { ServiceSchema } from "../../model/schema.ts";

/** Type URL of a {@link Listener}; this and the next three are those of xDS v3, the prefix included. */
export const LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener";
/** Type URL of a {@link RouteConfiguration}. */
export const ROUTE_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
/** Type URL of a {@link Cluster}. */
export const CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
/** Type URL of a {@link ClusterLoadAssignment}. */
export const ENDPOINT_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

/** Type URL of a {@link ServiceSchema}: Trestle's own, since Envoy has none. */
export const SCHEMA_TYPE = "type.googleapis.com/io.trestle.ServiceSchema";

/** The types that a Trestle proxy takes; there is no other. */
export type TypeUrl =
  | typeof LISTENER_TYPE
  | typeof ROUTE_TYPE
  | typeof CLUSTER_TYPE
  | typeof ENDPOINT_TYPE
  | typeof SCHEMA_TYPE;

/** Name of the typed config of a route that holds its {@link HttpFault}. */
export const FAULT_FILTER = "envoy.filters.http.fault";

/** Name of the typed config of a gateway's route that holds its {@link CorsPolicy}. */
export const CORS_FILTER = "envoy.filters.http.cors";

/** Metadata namespace under which Trestle's own facts stand in a resource. */
export const TRESTLE_METADATA = "io.trestle";

/** proto3 JSON duration: decimal seconds with `s`, such as `"0.250s"`. */
export type Duration = string;

/** A share of calls: `numerator` out of what `denominator` spells. */
export interface FractionalPercent {
  readonly numerator: number;
  readonly denominator: "HUNDRED" | "TEN_THOUSAND" | "MILLION";
}

/** RE2 syntax; a match is always of the full text. */
export interface RegexMatcher {
  readonly regex: string;
}

/** Exactly one of the five is set. */
export interface StringMatcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly safeRegex?: RegexMatcher;
  readonly ignoreCase?: boolean;
}

/** One of `stringMatch` and `presentMatch` is set. A missing header matches nothing; with `invertMatch` a missing header matches when `presentMatch` is set or `treatMissingHeaderAsEmpty` is true (Istio writes both for `withoutHeaders`). */
export interface HeaderMatcher {
  /** Lower case. `dubbo-group`, `dubbo-version`, `dubbo-application`, `dubbo-arg-N[.field...]` mean what product docs say. */
  readonly name: string;
  readonly stringMatch?: StringMatcher;
  readonly presentMatch?: boolean;
  readonly invertMatch?: boolean;
  readonly treatMissingHeaderAsEmpty?: boolean;
}

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
}

/** One attachment to write, and what becomes of a value that the call has already. */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string };
  /** `OVERWRITE_IF_EXISTS_OR_ADD` is "set", `APPEND_IF_EXISTS_OR_ADD` is "add". */
  readonly appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" | "APPEND_IF_EXISTS_OR_ADD";
}

/** Changes to a call's attachments on the way to its callee; what is removed is removed before anything is added. */
export interface HeaderMutations {
  readonly requestHeadersToAdd?: readonly HeaderValueOption[];
  readonly requestHeadersToRemove?: readonly string[];
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
}

/** One of `cluster` and `weightedClusters` is set. */
export interface RouteAction {
  readonly cluster?: string;
  readonly weightedClusters?: { readonly clusters: readonly ClusterWeight[] };
  /** What the matched prefix, or the whole of a path that was matched otherwise, becomes; gateways alone. */
  readonly prefixRewrite?: string;
  /** Whole call, all tries; absent or `"0s"`: no limit of the route's own. */
  readonly timeout?: Duration;
  readonly retryPolicy?: RetryPolicy;
  /** Of HTTP calls only: the Host that the provider sees. */
  readonly hostRewriteLiteral?: string;
}

/** Which pages of other origins may call; lists are joined by commas, `maxAge` is seconds. Gateways alone. */
export interface CorsPolicy {
  readonly allowOriginStringMatch: readonly StringMatcher[];
  readonly allowMethods?: string;
  readonly allowHeaders?: string;
  readonly exposeHeaders?: string;
  readonly maxAge?: string;
  readonly allowCredentials?: boolean;
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
  readonly body?: { readonly inlineString: string };
}

/** One of `route` and `directResponse` is set. */
export interface Route extends HeaderMutations {
  /** For metrics and `explain`; such as `order-rules/createOrder`. */
  readonly name?: string;
  readonly match: RouteMatch;
  readonly route?: RouteAction;
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
}

/** Where Trestle's own facts stand in a resource, beside what Envoy reads. */
export interface Metadata<T> {
  readonly filterMetadata: { readonly [TRESTLE_METADATA]: T };
}

/** The routes of one service, in order: the first that matches a call decides. */
export interface VirtualHost {
  /** The entry's host. */
  readonly name: string;
  /** The entry's host and its printed service key; `*` for all else. */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
}

/** The routes of every service that a listener carries; listeners name it. */
export interface RouteConfiguration {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
}

/** Cut to the fields that Trestle reads: where to listen and which routes hold there. */
export interface Listener {
  readonly name: string;
  readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } };
  readonly metadata: Metadata<ListenerFacts>;
}

/**
 * Which codec a listener speaks, its RouteConfiguration's name, and what consumers said of themselves when they registered from an
 * address, where all of that address agree: their application, and the tag that their calls of a service ask for.
 */
export interface ListenerFacts {
  readonly protocol: CarriedProtocol | "gateway";
  readonly routeConfigName: string;
  /** Printed key of the service that every call on an HTTP listener is for. */
  readonly service?: string;
  readonly applications?: Readonly<Record<string, string>>;
  /** Printed service key -> address -> tag. */
  readonly tags?: CallerTags;
}

/** The protocols of Dubbo's own, as registries name them: a proxy carries them and translates between them. */
export type WireProtocol = "dubbo" | "tri";

/** All protocols that a proxy carries: Dubbo's own, and HTTP/1.1 as it is. */
export type CarriedProtocol = WireProtocol | "http";

/** By printed service key and address: the tag (`dubbo.tag`) of the consumers of that service there. */
export type CallerTags = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Envoy's words for how endpoints are picked; Dubbo's weights, warm-up and tags count in all of them. */
export type LbPolicy = "ROUND_ROBIN" | "RANDOM" | "LEAST_REQUEST";

/** Which service a cluster's endpoints serve: a call for another key is rewritten to it. */
export interface ClusterService {
  readonly interface: string;
  readonly group: string;
  readonly version: string;
  readonly host: string;
  readonly subset: string;
  /** Methods whose providers call back through a parameter (their URLs say `METHOD.INDEX.callback=true`). */
  readonly callbackMethods?: readonly string[];
  /** Every method that a provider names; absent where one does not say, or there are very many. */
  readonly methods?: readonly string[];
}

/** Always an EDS cluster, whose ClusterLoadAssignment has the same name: `outbound|PORT|SUBSET|HOST`. */
export interface Cluster {
  readonly name: string;
  readonly type: "EDS";
  readonly lbPolicy: LbPolicy;
  readonly circuitBreakers?: { readonly thresholds: readonly [{ readonly maxRequests?: number }] };
  readonly metadata: Metadata<ClusterService>;
}

/** What a Dubbo provider said of itself that the balancer and the rewrite need; see Endpoint in model/entry.ts. */
export interface DubboEndpointFacts {
  /** What the provider speaks; Dubbo2 where it is missing. */
  readonly protocol?: CarriedProtocol;
  /** A Triple provider's service is a Java interface: it takes Triple's wrapper, whatever .proto file has a service of that name. */
  readonly takesWrapper?: true;
  /** A Triple provider that is known to take nothing but gRPC's content: JSON has to be translated for it. */
  readonly refusesJson?: true;
  readonly tag?: string;
  readonly token?: string;
  readonly warmupMs?: number;
  readonly startedAtMs?: number;
  readonly payloadBytes?: number;
}

/** One provider: `address` is an IP or a host name, and a missing `healthStatus` means healthy; others take no call. */
export interface LbEndpoint {
  readonly endpoint: {
    readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } };
  };
  readonly healthStatus?: "HEALTHY" | "UNHEALTHY" | "DRAINING";
  /** At least 0 here (Envoy asks for 1): 0 takes no call while another has weight. */
  readonly loadBalancingWeight: number;
  readonly metadata?: Metadata<DubboEndpointFacts>;
}

/** The endpoints of the cluster of the same name, the groups of `endpoints` taken together. */
export interface ClusterLoadAssignment {
  readonly clusterName: string;
  readonly endpoints: readonly { readonly lbEndpoints: readonly LbEndpoint[] }[];
}

/** Which shape a resource of each type has. */
export interface ResourceOf {
  readonly [LISTENER_TYPE]: Listener;
  readonly [ROUTE_TYPE]: RouteConfiguration;
  readonly [CLUSTER_TYPE]: Cluster;
  readonly [ENDPOINT_TYPE]: ClusterLoadAssignment;
  readonly [SCHEMA_TYPE]: ServiceSchema;
}

/** Any resource; its type URL travels beside it. */
export type XdsResource = ResourceOf[TypeUrl];

/** A resource with its name and a version that depends on its content alone. */
export interface NamedResource<T extends XdsResource = XdsResource> {
  readonly name: string;
  readonly version: string;
  readonly resource: T;
}

/** What one proxy needs, all types together, each list sorted by name; `version` depends on the content alone. */
export interface ResourceSet {
  readonly version: string;
  readonly listeners: readonly NamedResource<Listener>[];
  readonly routes: readonly NamedResource<RouteConfiguration>[];
  readonly clusters: readonly NamedResource<Cluster>[];
  readonly endpoints: readonly NamedResource<ClusterLoadAssignment>[];
  readonly schemas: readonly NamedResource<ServiceSchema>[];
}

/** One delta answer of the xDS stream: what was added or changed, and what is gone, of one type. */
export interface DeltaResources {
  readonly typeUrl: TypeUrl;
  readonly resources: readonly NamedResource[];
  readonly removedResources: readonly string[];
}
