import type { Position } from "../base/errors.ts";
import type { RestMapping } from "./schema.ts";
import type { ServiceKey } from "./service.ts";

/** Where an object of a rule file and each of its fields stand. */
export interface SourceMap {
  readonly position: Position;
  /** By field name; elements of a list of texts as `hosts[0]`. */
  readonly fields: Readonly<Record<string, Position>>;
}

/** A parsed object that still knows its place. */
export interface Located {
  readonly at: SourceMap;
}

/** How a text is compared. `present` asks only that there is one; a regex is RE2 and of the full text. */
export type TextMatch =
  | { readonly type: "exact" | "prefix" | "regex"; readonly value: string }
  | { readonly type: "present" };

/** One `match` entry: all of its conditions hold together. Istio's HTTPMatchRequest, under its own field names. */
export interface HttpMatch extends Located {
  readonly name?: string;
  readonly uri?: TextMatch;
  readonly ignoreUriCase?: boolean;
  /** On a Dubbo host the Java method's name. */
  readonly method?: TextMatch;
  readonly authority?: TextMatch;
  readonly headers?: Readonly<Record<string, TextMatch>>;
  readonly withoutHeaders?: Readonly<Record<string, TextMatch>>;
  readonly gateways?: readonly string[];
  /** Conditions that no Dubbo call can meet: a match that has one never applies. */
  readonly scheme?: TextMatch;
  readonly queryParams?: Readonly<Record<string, TextMatch>>;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
}

/** Where calls go. A plain interface name keeps the caller's group and version; no subset means every endpoint. */
export interface Destination extends Located {
  /** An entry's host, or the plain interface name in any case. */
  readonly host: string;
  readonly subset?: string;
}

/** Changes to a call's attachments. */
export interface HeaderOperations extends Located {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** Changes to a call's attachments; Istio's changes to responses are not applied and not kept. */
export interface Headers extends Located {
  readonly request?: HeaderOperations;
}

/** One of a route's destinations. A weight is a share of the route's sum; one that is not written is 0 unless it stands alone. */
export interface RouteDestination extends Located {
  readonly destination: Destination;
  readonly weight?: number;
  readonly headers?: Headers;
}

/** When a call is tried again; `retryOn` is a comma list of Envoy's words and HTTP status codes. */
export interface Retries extends Located {
  /** Tries after the first; 0 for none. */
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  readonly retryOn?: string;
  readonly backoffMs?: number;
}

/** A share of calls; one without a value is 0, as proto3 has it. */
export interface Percent extends Located {
  /** From 0 to 100. */
  readonly value?: number;
}

/** Holds back a share of calls, all of them where neither share is written. */
export interface Delay extends Located {
  readonly fixedDelayMs: number;
  readonly percentage?: Percent;
  /** Istio's older whole-number form. */
  readonly percent?: number;
}

/** Answers a share of calls with an error, all of them where neither share is written; no provider sees them. */
export interface Abort extends Located {
  /** One of the two is set. */
  readonly httpStatus?: number;
  /** A gRPC code by name, in capitals, or by number. */
  readonly grpcStatus?: string;
  readonly percentage?: Percent;
  readonly percent?: number;
}

/** Faults for calls of a route; a call that both hit waits before it is aborted. */
export interface Fault extends Located {
  readonly delay?: Delay;
  readonly abort?: Abort;
}

/** An answer without a provider; `status` is an HTTP status from 100 to 599. */
export interface DirectResponseRule extends Located {
  readonly status: number;
  readonly body?: Located & { readonly string?: string };
}

/** How a path changes on its way in through a gateway: the matched prefix, or the whole path of another match, becomes `uri`. */
export interface Rewrite extends Located {
  readonly uri?: string;
  /** Of calls to a service that speaks HTTP: the Host that it sees. */
  readonly authority?: string;
}

/** Which web pages of other origins a browser lets call through a gateway. */
export interface CorsPolicy extends Located {
  readonly allowOrigins: readonly TextMatch[];
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAgeMs?: number;
  readonly allowCredentials?: boolean;
}

/** One entry of `http`: the first that matches a call decides. */
export interface HttpRoute extends Located {
  readonly name?: string;
  /** Any of them; absent or empty for every call. */
  readonly match?: readonly HttpMatch[];
  /** Absent where the entry asks for something that no Dubbo call can get, such as a redirect. */
  readonly route?: readonly RouteDestination[];
  readonly directResponse?: DirectResponseRule;
  /** 0 for none. */
  readonly timeoutMs?: number;
  readonly retries?: Retries;
  readonly fault?: Fault;
  readonly headers?: Headers;
  /** Both hold for calls that come in by a gateway alone. */
  readonly rewrite?: Rewrite;
  readonly corsPolicy?: CorsPolicy;
}

interface RuleIdentity extends Located {
  readonly name: string;
  readonly namespace: string;
  /** `metadata.creationTimestamp`, ms since 1970; undefined where there is none. */
  readonly createdAtMs: number | undefined;
}

/** Istio's VirtualService, as far as it says something about calls in the mesh. */
export interface VirtualService extends RuleIdentity {
  readonly kind: "VirtualService";
  readonly hosts: readonly string[];
  /** False where its `gateways` leave out `mesh`. */
  readonly inMesh: boolean;
  /** The gateways by which calls come in that it is for too, `name` or `namespace/name`; `mesh` is not among them. */
  readonly gateways: readonly string[];
  readonly http: readonly HttpRoute[];
}

/** Istio's words; LEAST_CONN counts as LEAST_REQUEST, and the last two as no word at all: at random by weight. */
export type SimpleBalancer = "ROUND_ROBIN" | "RANDOM" | "LEAST_REQUEST" | "LEAST_CONN" | "PASSTHROUGH" | "UNSPECIFIED";

/** Limits towards providers, for each proxy worker by itself. */
export interface ConnectionPool extends Located {
  readonly http?: Located & { readonly http2MaxRequests?: number };
}

/** How calls are spread and bounded; a subset's balancer and its pool each stand in for the host's as a whole. */
export interface TrafficPolicy extends Located {
  readonly loadBalancer?: Located & { readonly simple?: SimpleBalancer };
  readonly connectionPool?: ConnectionPool;
}

/** A named part of a host's endpoints. */
export interface Subset extends Located {
  readonly name: string;
  /** All must hold; none selects every endpoint. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
}

/** Istio's DestinationRule. */
export interface DestinationRule extends RuleIdentity {
  readonly kind: "DestinationRule";
  readonly host: string;
  readonly subsets: readonly Subset[];
  readonly trafficPolicy?: TrafficPolicy;
}

/** A port by which calls come in from outside the mesh, and the hosts that they may ask for. */
export interface GatewayServer extends Located {
  readonly port: Located & { readonly number: number; readonly name?: string; readonly protocol: string };
  /** DNS names; `*` and `*.example.com` stand for many. */
  readonly hosts: readonly string[];
  /** The address to listen on; the proxy's own where it is not written. */
  readonly bind?: string;
}

/** Istio's Gateway. */
export interface Gateway extends RuleIdentity {
  readonly kind: "Gateway";
  /** Those that can be served: without TLS. */
  readonly servers: readonly GatewayServer[];
  /** Services that are exposed as `/interface/method` without a VirtualService: hosts as rules write them. */
  readonly expose: readonly string[];
}

/** One address of a REST service. */
export interface RestEndpoint extends Located {
  readonly address: string;
  readonly port: number;
  /** Subsets select by these. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Trestle's own RestMapping: an interface whose calls are made at a REST service. */
export interface RestMappingRule extends RuleIdentity {
  readonly kind: "RestMapping";
  readonly service: ServiceKey;
  /** The service that serves it, by a host of the mesh; undefined where `endpoints` say where it is. */
  readonly host: string | undefined;
  readonly endpoints: readonly RestEndpoint[];
  readonly mapping: RestMapping;
}

/** A port of a ServiceEntry. */
export interface ServiceEntryPort {
  readonly number: number;
  readonly name: string;
  /** Istio's word. */
  readonly protocol?: string;
  readonly targetPort?: number;
  /** What is spoken there, as registries name it. */
  readonly carried: "dubbo" | "tri" | "http";
}

/** An address of a ServiceEntry. */
export interface ServiceEntryEndpoint {
  /** An IP address or a DNS name. */
  readonly address: string;
  /** By port name, where they are other ones than the service's. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Subsets select by these. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly weight?: number;
}

/** Istio's ServiceEntry: a service that no registry knows. */
export interface ServiceEntry extends RuleIdentity {
  readonly kind: "ServiceEntry";
  readonly hosts: readonly string[];
  /** Those that are carried, one for each protocol. */
  readonly ports: readonly ServiceEntryPort[];
  /** The host itself is the address. */
  readonly byName: boolean;
  readonly endpoints: readonly ServiceEntryEndpoint[];
}

/** A rule that is applied, told apart by `kind`. */
export type Rule = VirtualService | DestinationRule | Gateway | ServiceEntry | RestMappingRule;

/** Prints a place as compilers do: `file:line:column`. */
export function printPosition(position: Position): string {
  return `${position.file}:${position.line}:${position.column}`;
}
