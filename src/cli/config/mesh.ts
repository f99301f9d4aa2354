import { DEFAULT_MESH, type Locality, type MeshSettings, parseLocality } from "../../model/mesh.ts";
import { type RawProvider, resolveProviders } from "./extension-providers.ts";
import type { Fail } from "./registries.ts";

/** What the file says of `mesh`. */
export interface RawMesh extends Partial<Omit<MeshSettings, "extensionProviders">> {
  readonly extensionProviders?: readonly RawProvider[];
}

/** The service account of proxies unless told: Kubernetes' own name for it. */
export const DEFAULT_SERVICE_ACCOUNT = "default";

/** What `mesh` says, with Istio's defaults for the rest. */
export function resolveMesh({ extensionProviders = [], ...raw }: RawMesh, fail: Fail): MeshSettings {
  const { namespace, rootNamespace, trustDomain, trustDomainAliases = [] } = { ...DEFAULT_MESH, ...raw };
  const providers = resolveProviders(extensionProviders, fail);
  requireDomain(trustDomain, "mesh.trustDomain", fail);
  for (const [i, alias] of trustDomainAliases.entries()) requireDomain(alias, `mesh.trustDomainAliases[${i}]`, fail);
  return {
    namespace: nameIn(namespace, "mesh.namespace", fail),
    rootNamespace: nameIn(rootNamespace, "mesh.rootNamespace", fail),
    trustDomain,
    ...(trustDomainAliases.length > 0 && { trustDomainAliases }),
    extensionProviders: providers,
  };
}

function requireDomain(domain: string, path: string, fail: Fail): void {
  const isDomain = domain.length <= 253 && domain.split(".").every((part) => /^[a-z0-9_-]+$/.test(part));
  if (!isDomain) fail(path, `"${domain}" is no trust domain; it is made of lower case letters, digits, - and .`);
}

/** A name as Kubernetes has them for namespaces and service accounts; anything else is a fault of the key at `path`. */
export function nameIn(text: string, path: string, fail: Fail): string {
  const isName = text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
  if (!isName) fail(path, `"${text}" is no name; it is made of lower case letters, digits, - and .`);
  return text;
}

/** The locality that a text says; nothing for none. */
export function localityIn(text: string | undefined): { readonly locality?: Locality } {
  const locality = text === undefined ? undefined : parseLocality(text);
  return locality === undefined ? {} : { locality };
}
