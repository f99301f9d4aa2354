import { type AuthzConfigs, EXT_AUTHZ_FILTER, EXT_AUTHZ_TRIAL_FILTER } from "../../codecs/xds/authz.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import { furtherHost } from "../../model/entry.ts";
import type { EntryIndex } from "../rules/hosts.ts";
import type { ClusterNeed } from "./clusters.ts";
import { type CompiledCluster, named } from "./compile-need.ts";
import { parseClusterName } from "./targets.ts";

const NOTHING: readonly never[] = [];

function filtersOf(policies: AuthzConfigs | undefined) {
  return [policies?.[EXT_AUTHZ_FILTER], policies?.[EXT_AUTHZ_TRIAL_FILTER]].filter((one) => one !== undefined);
}

/** The clusters of the external servers that a service's policies have asked, under the names that the configs give them. */
export function askedServers(policies: AuthzConfigs | undefined, index: EntryIndex): readonly ClusterNeed[] {
  const asked = filtersOf(policies);
  if (asked.length === 0) return NOTHING;
  return asked.map(({ grpcService }) => {
    const name = grpcService.envoyGrpc.clusterName;
    const { host, port } = parseClusterName(name)!;
    const entry = index.byHost(furtherHost(host, port)) ?? index.byHost(host);
    return { name, entry, host: entry?.host ?? host, subset: "" };
  });
}

/** What of a set stands for servers that policies ask under other names than their clusters have there. */
export function serversIn(
  set: Pick<ResourceSet, "clusters" | "endpoints">,
  policies: readonly (AuthzConfigs | undefined)[],
): readonly CompiledCluster[] {
  const asked = policies.flatMap((one) => filtersOf(one).map(({ grpcService }) => grpcService.envoyGrpc.clusterName));
  if (asked.length === 0) return NOTHING;
  const known = new Set(set.clusters.map(({ name }) => name));
  return [...new Set(asked)].flatMap((name) => {
    if (known.has(name)) return [];
    const { host, port } = parseClusterName(name)!;
    const clusterOf = (wanted: string) =>
      set.clusters.find(({ resource }) => {
        const facts = resource.metadata.filterMetadata[TRESTLE_METADATA];
        return facts.host === wanted && facts.subset === "";
      });
    const cluster = clusterOf(furtherHost(host, port)) ?? clusterOf(host);
    const endpoints = set.endpoints.find((one) => one.name === cluster?.name);
    return cluster && endpoints ? [underName({ cluster, endpoints }, name)] : [];
  });
}

/** A cluster under the name that it is asked for by: a service's own cluster has the name of its first port. */
export function underName(compiled: CompiledCluster, name: string): CompiledCluster {
  if (compiled.cluster.name === name) return compiled;
  const endpoints = { ...compiled.endpoints.resource, clusterName: name };
  return {
    ...compiled,
    cluster: named({ ...compiled.cluster.resource, name }),
    endpoints: { name, version: compiled.endpoints.version, resource: endpoints },
  };
}
