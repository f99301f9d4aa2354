import type { Entry } from "../../model/entry.ts";
import { type MeshSettings, namespaceOf } from "../../model/mesh.ts";
import type { Rule, ServiceEntry } from "../../model/rule.ts";
import type { PolicyScope, PolicyTarget } from "../../model/rules/authorization.ts";
import { hostMatches } from "../rules/hosts.ts";
import { selects } from "./endpoints.ts";

/** Policies by the services that they are for. */
export interface PolicyIndex<P> {
  /** Those that hold for the service, in the order given. */
  find(entry: Entry): readonly P[];
}

/** A policy as far as its scope goes. */
export type Scoped = PolicyScope & { readonly namespace: string };

/**
 * Sorts policies by namespace; those of the root namespace hold for all. `rules` tell which hosts a ServiceEntry that a policy names has.
 * A selector is met by a service that has an endpoint with its labels: the proxy decides before it picks one.
 */
export function createPolicyIndex<P extends Scoped>(
  policies: readonly P[],
  rules: readonly Rule[],
  mesh: MeshSettings,
): PolicyIndex<P> {
  const byNamespace = new Map<string, { readonly place: number; readonly policy: P }[]>();
  policies.forEach((policy, place) => {
    const known = byNamespace.get(policy.namespace);
    if (known === undefined) byNamespace.set(policy.namespace, [{ place, policy }]);
    else known.push({ place, policy });
  });
  const written = rules.filter((rule) => rule.kind === "ServiceEntry");
  return {
    find(entry) {
      const own = namespaceOf(entry, mesh);
      const ofRoot = byNamespace.get(mesh.rootNamespace) ?? [];
      const ofOwn = own === mesh.rootNamespace ? [] : (byNamespace.get(own) ?? []);
      return [...ofRoot, ...ofOwn]
        .filter(({ policy }) => isFor(policy, entry, written))
        .sort((a, b) => a.place - b.place)
        .map(({ policy }) => policy);
    },
  };
}

/** How many of a service's endpoints a selector chooses; one that knows no endpoint yet may have all. */
export function chosenEndpoints(
  selector: Readonly<Record<string, string>>,
  { endpoints }: Entry,
): "all" | "some" | "none" {
  const count = endpoints.filter((endpoint) => selects(selector, endpoint)).length;
  return count === endpoints.length ? "all" : count > 0 ? "some" : "none";
}

function isFor({ selector, targets, namespace }: Scoped, entry: Entry, written: readonly ServiceEntry[]): boolean {
  if (selector !== undefined) return chosenEndpoints(selector, entry) !== "none";
  if (targets.length === 0) return true;
  return targets.some((target) => isTarget(target, namespace, entry, written));
}

/** A ServiceEntry by the name of its object or by its host; a Service by its name, which is its host's first label. */
function isTarget(
  { kind, name }: PolicyTarget,
  namespace: string,
  entry: Entry,
  written: readonly ServiceEntry[],
): boolean {
  if (hostMatches(name, entry)) return kind === "ServiceEntry" || kind === "Service";
  if (kind === "Service") return entry.host.startsWith(`${name.toLowerCase()}.${namespace}.svc.`);
  if (kind !== "ServiceEntry") return false;
  const object = written.find((rule) => rule.name === name && rule.namespace === namespace);
  return object?.hosts.some((host) => hostMatches(host, entry)) === true;
}
