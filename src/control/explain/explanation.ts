import type { Claims } from "../../codecs/xds/claims.ts";
import type { EndpointShare } from "./endpoints.ts";
import type { Authorization } from "./passages.ts";
import type { RouterVerdict } from "./routers.ts";

/** Who makes a made-up call, and what it says beside what it is for. */
export interface MadeUpCaller {
  /** Attachments, headers, and arguments as `dubbo-arg-N`; names in any case of letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** IP address of the caller; undefined: nothing is known of it. */
  readonly caller?: string;
  /** SPIFFE id of the caller; `""` for one without; undefined: whom listeners hold the address for. */
  readonly principal?: string;
  /** What its token says, which counts as verified; undefined for a call without one. */
  readonly claims?: Claims;
}

/** A call that nobody makes. */
export interface MadeUpCall extends MadeUpCaller {
  /** Host, printed key or interface, in any case of letters. */
  readonly service: string;
  /** Picks one of an interface's services; undefined: any. */
  readonly group?: string;
  readonly version?: string;
  /** The Java method. */
  readonly method: string;
}

/** A request of HTTP that nobody sends, or with `tls` a connection that nobody opens. */
export interface MadeUpRequest extends MadeUpCaller {
  readonly scheme: "http" | "https" | "tls";
  /** What it is sent to: the name that TLS is asked for, and Host where no header says another. */
  readonly authority: string;
  /** Without the query. */
  readonly path: string;
  /** With its question mark; `""` for none. */
  readonly query: string;
  readonly verb: string;
}

/** Which gateway a request comes to. */
export interface AskedGateway {
  /** `namespace/name`, or a name alone where one Gateway has it; undefined for any. */
  readonly gateway?: string;
  /** Undefined for the one that the request's authority and scheme mean. */
  readonly port?: number;
}

/** What became of one route of the service. */
export interface RouteVerdict {
  readonly route: string;
  /** `file:line` of its rule; `""` for a service without one. */
  readonly at: string;
  readonly verdict: "taken" | "does not match" | "not reached";
  /** What the call lacks for it; empty unless it does not match. */
  readonly why: readonly string[];
}

/** A rule that names the service, or the Host, and is not in force for the call. */
export interface PassedOver {
  /** Its kind, namespace and name: `VirtualService default/orders`. */
  readonly rule: string;
  readonly at: string;
  readonly why: string;
}

/** One place that the call may go to. */
export interface Destination {
  readonly cluster: string;
  readonly host: string;
  /** `""` for all of the service. */
  readonly subset: string;
  /** Of the route's calls, percent. */
  readonly share: number;
  readonly loadBalancer: string;
  /** The DestinationRule in force with its place; `""` for none. */
  readonly rule: string;
  /** The ServiceEntry that lists the service, with its place, or the registries that know it; `""` where that is not known. */
  readonly listedBy: string;
  /** What that and the mesh say of connections, limits and ejection, in words; `""` for nothing. */
  readonly policies: string;
  /** Conditions of Dubbo's routers in the registry, in the order in which they are tried; absent for none. */
  readonly routers?: readonly RouterVerdict[];
  /** Why none of its providers is called; absent where some may be. */
  readonly refusal?: string;
  /** Those that routers leave for the call. */
  readonly endpoints: readonly EndpointShare[];
}

/** Where a call from outside comes in. */
export interface GatewayPlace {
  /** `namespace/name` of the Gateway whose server takes the Host; `""` where none does, or Gateways are not known here. */
  readonly gateway: string;
  /** `file:line` of that server. */
  readonly at: string;
  /** `address:port`. */
  readonly address: string;
  /** Plain text, or how TLS is ended there and for which names. */
  readonly tls: string;
  /** The domain among those of the port whose routes count: `*`, `*.example.com` or a name; `""` for none. */
  readonly domain: string;
}

/** What the call is told without a provider; a connection that is ended without an answer has no status. */
export interface OwnAnswer {
  readonly status?: number;
  readonly reason: string;
}

/** What becomes of a made-up call, and why. */
export interface Explanation {
  /** The proxy elsewhere that it is said of, in words; absent for that of the instance itself. */
  readonly from?: string;
  /** The service's host; of a call from outside the Host that it names. */
  readonly host: string;
  /** Printed key of the service that is called; `""` where a call from outside calls none. */
  readonly service: string;
  /** `/interface/method`; of a request its method and path. */
  readonly path: string;
  /** Of a call from outside. */
  readonly gateway?: GatewayPlace;
  /** The listeners that take calls of the service, by name. */
  readonly listeners: readonly string[];
  /** Name of the VirtualService in force; `""` for none. */
  readonly rule: string;
  /** In the order in which they are tried. */
  readonly routes: readonly RouteVerdict[];
  /** Rules that name the service, or the Host, all the same; absent for none. */
  readonly passedOver?: readonly PassedOver[];
  /** Absent where the call goes on. */
  readonly answer?: OwnAnswer;
  /** `Interface.method` that a request from outside becomes; absent where it stays a request. */
  readonly calls?: string;
  readonly destinations: readonly Destination[];
  /** Timeout, retries, faults and changes of the route that was taken, and the limits that count the call, in words; `""` for none. */
  readonly policies: string;
  /** Who may make the call, by each proxy on its way; empty where it goes nowhere. */
  readonly authorization: readonly Authorization[];
}
