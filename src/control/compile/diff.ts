import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  type ResourceSet,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  SECRET_TYPE,
  type TypeUrl,
  VIRTUAL_HOST_TYPE,
} from "../../codecs/xds/resources.ts";

const NOTHING: ResourceSet = {
  version: "",
  listeners: [],
  routes: [],
  virtualHosts: [],
  clusters: [],
  endpoints: [],
  schemas: [],
};

/**
 * The steps that lead a proxy from one set to another (undefined: from nothing) without a moment in which a route leads
 * nowhere: secrets, schemas, clusters, endpoints, listeners, routes and virtual hosts are added or changed in this order, then what no route names any
 * more goes: listeners, virtual hosts, routes, endpoints, clusters, schemas, secrets. Steps without content are left out. All lists are in order of names.
 */
export function diffResources(old: ResourceSet | undefined, next: ResourceSet): DeltaResources[] {
  const from = old ?? NOTHING;
  if (from.version === next.version) return [];
  const pairs: readonly [TypeUrl, ListChanges][] = [
    [SECRET_TYPE, compareLists(from.secrets ?? [], next.secrets ?? [])],
    [SCHEMA_TYPE, compareLists(from.schemas, next.schemas)],
    [CLUSTER_TYPE, compareLists(from.clusters, next.clusters)],
    [ENDPOINT_TYPE, compareLists(from.endpoints, next.endpoints)],
    [LISTENER_TYPE, compareLists(from.listeners, next.listeners)],
    [ROUTE_TYPE, compareLists(from.routes, next.routes)],
    [VIRTUAL_HOST_TYPE, compareLists(from.virtualHosts, next.virtualHosts)],
  ];
  const made = pairs.map(([typeUrl, { changed }]) => ({ typeUrl, resources: changed, removedResources: [] }));
  const broken = [4, 6, 5, 3, 2, 1, 0].map((at) => {
    const [typeUrl, { removed }] = pairs[at]!;
    return { typeUrl, resources: [], removedResources: removed };
  });
  return [...made, ...broken].filter((delta) => delta.resources.length + delta.removedResources.length > 0);
}

interface ListChanges {
  readonly changed: readonly NamedResource[];
  readonly removed: readonly string[];
}

/** Lists in order of names are walked side by side: what stays costs a comparison of references. */
function compareLists(before: readonly NamedResource[], after: readonly NamedResource[]): ListChanges {
  if (before === after) return { changed: [], removed: [] };
  const changed: NamedResource[] = [];
  const removed: string[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length && right < after.length) {
    const old = before[left]!;
    const now = after[right]!;
    if (old === now || old.name === now.name) {
      if (old !== now && old.version !== now.version) changed.push(now);
      left++;
      right++;
    } else if (old.name < now.name) {
      removed.push(old.name);
      left++;
    } else {
      changed.push(now);
      right++;
    }
  }
  for (; left < before.length; left++) removed.push(before[left]!.name);
  for (; right < after.length; right++) changed.push(after[right]!);
  return { changed, removed };
}
