import { type AuthzConfigs, EXT_AUTHZ_FILTER, EXT_AUTHZ_TRIAL_FILTER } from "../../codecs/xds/authz.ts";
import type { EntryIndex } from "../rules/hosts.ts";
import type { ClusterNeed } from "./clusters.ts";
import { type CompiledCluster, named } from "./compile-need.ts";
import { parseClusterName } from "./targets.ts";

const NOTHING: readonly never[] = [];

/** The clusters of the external servers that a service's policies have asked, under the names that the configs give them. */
export function askedServers(policies: AuthzConfigs | undefined, index: EntryIndex): readonly ClusterNeed[] {
  const asked = [policies?.[EXT_AUTHZ_FILTER], policies?.[EXT_AUTHZ_TRIAL_FILTER]].filter((one) => one !== undefined);
  if (asked.length === 0) return NOTHING;
  return asked.map(({ grpcService }) => {
    const name = grpcService.envoyGrpc.clusterName;
    const { host } = parseClusterName(name)!;
    return { name, entry: index.byHost(host), host, subset: "" };
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
