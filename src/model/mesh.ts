/** What holds for a mesh as a whole: what Istio says in its MeshConfig, under names of its own. */
export interface MeshSettings {
  /** Namespace of services that name none, and of proxies that name none. */
  readonly namespace: string;
  /** Rules of this namespace hold for all namespaces, where those of a kind may. */
  readonly rootNamespace: string;
  /** Trust domain of the identities that this mesh gives. */
  readonly trustDomain: string;
  /** Others whose identities are taken like those of {@link trustDomain}; absent for none. */
  readonly trustDomainAliases?: readonly string[];
  /** External authorization servers, which AuthorizationPolicies of action CUSTOM name; absent where they are not known. */
  readonly extensionProviders?: readonly ExtensionProvider[];
}

/** An external authorization server, as Istio's `envoyExtAuthzGrpc` has it. */
export interface ExtensionProvider {
  readonly name: string;
  /** Host of the service that answers. */
  readonly service: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Calls pass while it does not answer. */
  readonly failOpen: boolean;
  /** What callers are told while it does not answer, as an HTTP status. */
  readonly statusOnError: number;
}

/** Istio's own defaults. */
export const DEFAULT_MESH: MeshSettings = Object.freeze({
  namespace: "default",
  rootNamespace: "istio-system",
  trustDomain: "cluster.local",
});

/** The trust domains whose identities are the mesh's own, its first. */
export function trustDomainsOf({ trustDomain, trustDomainAliases = [] }: MeshSettings): readonly string[] {
  return [...new Set([trustDomain, ...trustDomainAliases])];
}

/** The namespace of a service, a rule or a proxy that may name none. */
export function namespaceOf(thing: { readonly namespace?: string }, mesh: MeshSettings): string {
  return thing.namespace ?? mesh.namespace;
}

/** Where something runs, from the widest to the narrowest; an empty part is not known. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Reads Istio's `region/zone/subzone`, of which the last two may be left out; undefined for an empty text. */
export function parseLocality(text: string): Locality | undefined {
  const [region = "", zone = "", ...rest] = text.split("/");
  return text === "" ? undefined : { region, zone, subZone: rest.join("/") };
}

/** Prints a locality as {@link parseLocality} reads it, without empty parts at its end. */
export function printLocality({ region, zone, subZone }: Locality): string {
  return [region, zone, subZone].join("/").replace(/\/+$/, "");
}
