import type { Position } from "../base/errors.ts";
import type { AuthorizationPolicy } from "./rules/authorization.ts";
import type { ConnectionRoute } from "./rules/connection-route.ts";
import type { DestinationRule } from "./rules/destination-rule.ts";
import type { GatewayRoute } from "./rules/gateway-route.ts";
import type { HttpRoute } from "./rules/http-route.ts";
import type { ExportTo, Located, RuleIdentity } from "./rules/located.ts";
import type { MetaRouter } from "./rules/meta-router.ts";
import type { PeerAuthentication } from "./rules/peer-authentication.ts";
import type { RequestAuthentication } from "./rules/request-authentication.ts";
import type { SerializationGuard } from "./rules/serialization-guard.ts";
import type { Sidecar } from "./rules/sidecar.ts";
import type { RestMapping } from "./schema.ts";
import type { ServiceKey } from "./service.ts";

/** Istio's VirtualService, as far as it says something about calls in the mesh. */
export interface VirtualService extends RuleIdentity {
  readonly kind: "VirtualService";
  /** Empty for one that others delegate to. */
  readonly hosts: readonly string[];
  /** False where its `gateways` leave out `mesh`. */
  readonly inMesh: boolean;
  /** The gateways by which calls come in that it is for too, `name` or `namespace/name`; `mesh` is not among them. */
  readonly gateways: readonly string[];
  readonly http: readonly HttpRoute[];
  /** Routes of connections, by the server name that callers ask TLS for; absent for none. */
  readonly tls?: readonly ConnectionRoute[];
  /** Routes of other connections; absent for none. */
  readonly tcp?: readonly ConnectionRoute[];
  /** The objects of other APIs that it is made of: their weights are shares, whatever they add up to. */
  readonly attached?: readonly (GatewayRoute | MetaRouter)[];
  /** Absent or empty for all namespaces. */
  readonly exportTo?: ExportTo;
}

/** How a port of a Gateway proves itself, and whether callers must. Its certificates are a credential by its name, or files where the proxy runs. */
export interface GatewayTls {
  readonly mode: "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL" | "PASSTHROUGH";
  readonly credentialName?: string;
  /** Where there are two, both of them. */
  readonly credentialNames?: readonly string[];
  readonly serverCertificate?: string;
  readonly privateKey?: string;
  /** A second certificate beside that, of another kind of key. */
  readonly moreFiles?: readonly { readonly serverCertificate: string; readonly privateKey: string }[];
  /** What callers' certificates must be signed by. */
  readonly caCertificates?: string;
  /** The credential whose roots those are, in place of the one that the port shows. */
  readonly caCertCredentialName?: string;
  /** File with lists of callers' certificates that are revoked. */
  readonly caCrl?: string;
  /** Names of which a caller's certificate has to have one. */
  readonly subjectAltNames?: readonly string[];
  /** SHA-256 of callers' public keys (base64) or certificates (hex): one of all of them has to be a caller's. */
  readonly verifyCertificateSpki?: readonly string[];
  readonly verifyCertificateHash?: readonly string[];
  /** Callers' certificates are looked at, and taken whatever is wrong with them. */
  readonly insecureSkipVerify?: boolean;
  readonly minProtocolVersion?: string;
  readonly maxProtocolVersion?: string;
  /** Suites of TLS 1.2 and before, by OpenSSL's names. */
  readonly cipherSuites?: readonly string[];
}

/** A port by which calls come in from outside the mesh, and the hosts that they may ask for. */
export interface GatewayServer extends Located {
  readonly port: Located & { readonly number: number; readonly name?: string; readonly protocol: string };
  /** DNS names; `*` and `*.example.com` stand for many. */
  readonly hosts: readonly string[];
  /** The address to listen on; the proxy's own where it is not written. */
  readonly bind?: string;
  /** Absent for plain text. */
  readonly tls?: GatewayTls;
  /** Of plain text: requests are sent to the same place by https. */
  readonly sendsToHttps?: boolean;
}

/** Istio's Gateway. */
export interface Gateway extends RuleIdentity {
  readonly kind: "Gateway";
  /** Labels of the proxies elsewhere that serve it; absent for all. The proxy beside the facades serves every one. */
  readonly selector?: Readonly<Record<string, string>>;
  /** Those that can be served. */
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
  /** `region/zone/subzone`. */
  readonly locality?: string;
  readonly serviceAccount?: string;
}

/** A port of a ServiceEntry whose bytes are carried as they are, by a stock Envoy alone. */
export type TcpPort = Omit<ServiceEntryPort, "carried">;

/** Istio's ServiceEntry: a service that no registry knows. */
export interface ServiceEntry extends RuleIdentity {
  readonly kind: "ServiceEntry";
  readonly hosts: readonly string[];
  /** Those that are carried. */
  readonly ports: readonly ServiceEntryPort[];
  /** Those of other protocols; absent for none. */
  readonly tcp?: readonly TcpPort[];
  /** The host itself is the address. */
  readonly byName: boolean;
  readonly endpoints: readonly ServiceEntryEndpoint[];
  /** In place of `endpoints`: the WorkloadEntries of its namespace with these labels. */
  readonly workloadSelector?: Readonly<Record<string, string>>;
  readonly exportTo?: ExportTo;
  /** Names of which the certificate of an endpoint must have one. */
  readonly subjectAltNames?: readonly string[];
  /** It is said to be outside the mesh: nobody asks its endpoints for the mesh's mutual TLS. */
  readonly isExternal?: boolean;
}

/** Istio's WorkloadEntry: one instance, for the ServiceEntries of its namespace that select it. */
export interface WorkloadEntry extends RuleIdentity {
  readonly kind: "WorkloadEntry";
  readonly endpoint: ServiceEntryEndpoint;
}

/** A rule that says who may call, and how they must prove who they are. */
export type PolicyRule = AuthorizationPolicy | PeerAuthentication | RequestAuthentication | SerializationGuard;

/** A rule that is applied, told apart by `kind`. */
export type Rule =
  | VirtualService
  | GatewayRoute
  | MetaRouter
  | DestinationRule
  | Gateway
  | ServiceEntry
  | WorkloadEntry
  | Sidecar
  | RestMappingRule
  | PolicyRule;

/** Prints a place as compilers do: `file:line:column`; an object that has no lines as it is called. */
export function printPosition({ file, line, column }: Position): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}

/** Prints where a route stands, `file:line`; of an object that has no lines as {@link printPosition} does, empty for one without a place. */
export function printPlace(place: { readonly file?: string; readonly line?: number } | undefined): string {
  const { file = "", line = 0 } = place ?? {};
  return line === 0 ? file : `${file}:${line}`;
}
