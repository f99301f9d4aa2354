import { DEFAULT_MESH, type Locality, type MeshSettings, parseLocality } from "../../model/mesh.ts";
import type { Fail } from "./registries.ts";

/** The service account of proxies unless told: Kubernetes' own name for it. */
export const DEFAULT_SERVICE_ACCOUNT = "default";

/** What `mesh` says, with Istio's defaults for the rest. */
export function resolveMesh(raw: Partial<MeshSettings>, fail: Fail): MeshSettings {
  const { namespace, rootNamespace, trustDomain } = { ...DEFAULT_MESH, ...raw };
  const isDomain = trustDomain.length <= 253 && trustDomain.split(".").every((part) => /^[a-z0-9_-]+$/.test(part));
  if (!isDomain)
    fail("mesh.trustDomain", `"${trustDomain}" is no trust domain; it is made of lower case letters, digits, - and .`);
  return {
    namespace: nameIn(namespace, "mesh.namespace", fail),
    rootNamespace: nameIn(rootNamespace, "mesh.rootNamespace", fail),
    trustDomain,
  };
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
