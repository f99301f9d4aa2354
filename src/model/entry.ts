import type { Application } from "./application.ts";
import type { Locality } from "./mesh.ts";
import type { Routing } from "./routing.ts";
import type { ServiceSchema } from "./schema.ts";
import type { ServiceKey } from "./service.ts";

/** One provider process's address for one service and protocol. */
export interface Endpoint {
  /** IP address or host name, without port. */
  readonly address: string;
  readonly port: number;
  /** The wire protocol as the registry names it: `dubbo`, `tri`, `rest`, ... */
  readonly protocol: string;
  /** Dubbo's weight after overrides: 100 unless said; 0 takes no calls while another endpoint has weight. */
  readonly weight: number;
  /** When the provider started, ms since 1970 (its `timestamp`); 0 where it did not say. */
  readonly startedAtMs: number;
  /** How long its weight grows from 1 to full after the start, ms; 0 for at once. */
  readonly warmupMs: number;
  /** Static tag (`dubbo.tag`); `""` where it has none. */
  readonly tag: string;
  /** `disabled` by an override: listed, but takes no calls. */
  readonly disabled: boolean;
  /** The token that calls to it must carry; `""` where it asks for none. */
  readonly token: string;
  /** Largest body it takes, bytes (its `payload`); 0 where it did not say. */
  readonly payloadBytes: number;
  /** All registry parameters, raw, as the registry has them. Subsets select by these. */
  readonly params: Readonly<Record<string, string>>;
  /** What configuration calls it beside its parameters: subsets select by these first. Absent for none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it runs, as it is said elsewhere than in its parameters (a WorkloadEntry's `locality`); absent where they tell. */
  readonly locality?: Locality;
  /** The service account that it runs under, where that is known: whose identity its TLS must show. */
  readonly serviceAccount?: string;
  /** Name of the registry it came from. */
  readonly origin: string;
}

/** What is always known of an endpoint. */
export type KnownEndpoint = Pick<Endpoint, "address" | "port" | "protocol" | "weight" | "params" | "origin">;

/** An endpoint of which nothing else is known: no tag, no token, no warm-up, not disabled. */
export function plainEndpoint(known: KnownEndpoint): Endpoint {
  return { startedAtMs: 0, warmupMs: 0, tag: "", disabled: false, token: "", payloadBytes: 0, ...known };
}

/** A further port of a service, of a protocol that an earlier one speaks. */
export interface FurtherPort {
  readonly protocol: string;
  /** By which callers know it. */
  readonly port: number;
  /** Sorted as an entry's are. */
  readonly endpoints: readonly Endpoint[];
}

/** One service with its endpoints: what becomes one ServiceEntry. */
export interface Entry {
  /** DNS name of the service in the mesh: depends on the key alone (registry-sync/naming/naming.ts). Unique among entries. */
  readonly host: string;
  /** The host in the case of letters that other tools write it in; absent where that is `host`. */
  readonly writtenHost?: string;
  readonly service: ServiceKey;
  /** Sorted by address, port and protocol; no two alike. */
  readonly endpoints: readonly Endpoint[];
  /** Its namespace in the mesh; absent: the mesh's own (`MeshSettings.namespace`). */
  readonly namespace?: string;
  /** Names of which its providers' certificates have one, where an object says so. */
  readonly subjectAltNames?: readonly string[];
  /** The namespaces that see it: names, `.` for its own, `*` for all; absent or empty for all. */
  readonly exportTo?: readonly string[];
  /** The ports by which callers know it, one for each protocol, where an object says them; absent: those of its providers. */
  readonly ports?: readonly Pick<Endpoint, "protocol" | "port">[];
  /** Its further ports, where a registry knows any; control makes an entry of each. */
  readonly further?: readonly FurtherPort[];
  /**
   * It is a further port of the service of that host, of a protocol that an earlier one speaks: `host` is {@link furtherHost} then, the key's
   * version is the number, and `ports` has it alone.
   */
  readonly portOf?: string;
  /** Its calls are Dubbo's although its providers speak HTTP: a RestMapping says how they are made there. */
  readonly mapped?: true;
  /** What the routers of its registry say of which providers a call may have; absent for nothing. */
  readonly routing?: Routing;
}

/** The host of an entry that is a further port of the service `host`. */
export function furtherHost(host: string, port: number): string {
  return `${host}:${port}`;
}

/** The name by which callers and rules know an entry: a further port has that of its service. */
export function hostnameOf({ host, portOf }: Pick<Entry, "host" | "portOf">): string {
  return portOf ?? host;
}

/** Something a person should know about a registry, a rule or a configuration; it never stops the rest. */
export interface Finding {
  /** Stable code, such as `TR0103`; docs/findings.md lists them. */
  readonly code: string;
  readonly severity: "error" | "warning" | "info";
  /** One line that names the thing and what to do. */
  readonly message: string;
  /** What it is about: a file with line and column, a service key, a registry path. */
  readonly at: string;
}

/** A consumer process that subscribed to a service in a registry. */
export interface Consumer {
  readonly service: ServiceKey;
  readonly address: string;
  readonly application: string;
  readonly params: Readonly<Record<string, string>>;
}

/** Everything one registry holds now; a source yields it whole each time. */
export interface World {
  /** The registry's name. */
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly consumers: readonly Consumer[];
  readonly findings: readonly Finding[];
  /** What the registry says of the types of calls; sorted by name. */
  readonly schemas?: readonly ServiceSchema[];
  /** The applications that it lists at application level, sorted by name; their services are among the entries. */
  readonly applications?: readonly Application[];
}
