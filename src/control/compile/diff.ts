import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  type ResourceSet,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  type TypeUrl,
} from "../../codecs/xds/resources.ts";

const NOTHING: ResourceSet = { version: "", listeners: [], routes: [], clusters: [], endpoints: [], schemas: [] };

/**
 * The steps that lead a proxy from one set to another (undefined: from nothing) without a moment in which a route leads
 * nowhere: schemas, clusters, endpoints, listeners and routes are added or changed in this order, then what no route names any
 * more goes: listeners, routes, endpoints, clusters, schemas. Steps without content are left out.
 */
export function diffResources(old: ResourceSet | undefined, next: ResourceSet): DeltaResources[] {
  const from = old ?? NOTHING;
  if (from.version === next.version) return [];
  const pairs: readonly [TypeUrl, readonly NamedResource[], readonly NamedResource[]][] = [
    [SCHEMA_TYPE, from.schemas, next.schemas],
    [CLUSTER_TYPE, from.clusters, next.clusters],
    [ENDPOINT_TYPE, from.endpoints, next.endpoints],
    [LISTENER_TYPE, from.listeners, next.listeners],
    [ROUTE_TYPE, from.routes, next.routes],
  ];
  const made = pairs.map(([typeUrl, before, after]) => ({
    typeUrl,
    resources: changed(before, after),
    removedResources: [],
  }));
  const broken = [pairs[3]!, pairs[4]!, pairs[2]!, pairs[1]!, pairs[0]!].map(([typeUrl, before, after]) => ({
    typeUrl,
    resources: [],
    removedResources: removed(before, after),
  }));
  return [...made, ...broken].filter((delta) => delta.resources.length + delta.removedResources.length > 0);
}

function changed(before: readonly NamedResource[], after: readonly NamedResource[]): NamedResource[] {
  const versions = new Map(before.map(({ name, version }) => [name, version]));
  return after.filter(({ name, version }) => versions.get(name) !== version);
}

function removed(before: readonly NamedResource[], after: readonly NamedResource[]): string[] {
  const names = new Set(after.map(({ name }) => name));
  return before.filter(({ name }) => !names.has(name)).map(({ name }) => name);
}
