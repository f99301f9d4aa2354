import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { RouteAction } from "../../codecs/xds/route.ts";

/**
 * What a proxy could not follow in a set of resources: routes to clusters that are not there, clusters without endpoint
 * sets, listeners without routes, names given twice. Empty for a set that may be published.
 */
export function checkConsistent(resources: ResourceSet): readonly string[] {
  const problems: string[] = [];
  const names = (list: readonly { readonly name: string }[], what: string): Set<string> => {
    const set = new Set<string>();
    for (const { name } of list) {
      if (set.has(name)) problems.push(`${what} ${name} is there twice`);
      set.add(name);
    }
    return set;
  };
  const clusters = names(resources.clusters, "cluster");
  const endpoints = names(resources.endpoints, "endpoint set");
  const routes = names(resources.routes, "route configuration");
  names(resources.listeners, "listener");

  for (const name of clusters) if (!endpoints.has(name)) problems.push(`cluster ${name} has no endpoint set`);
  for (const name of endpoints) if (!clusters.has(name)) problems.push(`endpoint set ${name} belongs to no cluster`);
  for (const { name, resource } of resources.listeners) {
    const own = resource.metadata.filterMetadata["io.trestle"].routeConfigName;
    const chains = (resource.filterChains ?? []).flatMap((chain) => chain.name ?? []);
    for (const wanted of new Set([own, ...chains]))
      if (!routes.has(wanted))
        problems.push(`listener ${name} asks for route configuration ${wanted}, which is not there`);
  }
  names(resources.virtualHosts, "virtual host");
  for (const { name } of resources.virtualHosts) {
    const of = name.slice(0, name.indexOf("/"));
    if (!routes.has(of)) problems.push(`virtual host ${name} is of route configuration ${of}, which is not there`);
  }
  for (const { name } of resources.routes) {
    const domains = new Set<string>();
    for (const host of virtualHostsOf(resources, name)) {
      for (const domain of host.domains) {
        if (domains.has(domain)) problems.push(`domain ${domain} stands in two virtual hosts of ${name}`);
        domains.add(domain);
      }
      for (const route of host.routes) {
        for (const cluster of clustersOf(route.route))
          if (!clusters.has(cluster))
            problems.push(`route ${route.name} of ${host.name} leads to cluster ${cluster}, which is not there`);
      }
    }
  }
  return problems;
}

function clustersOf(action: RouteAction | undefined): readonly string[] {
  if (action === undefined) return [];
  if (action.cluster !== undefined) return [action.cluster];
  return (action.weightedClusters?.clusters ?? []).map(({ name }) => name);
}
