import type { Cluster } from "../../codecs/xds/cluster.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { NamedResource, XdsResource } from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { contentVersion } from "../../model/snapshot.ts";
import type { RuleClient } from "../rules/client.ts";
import { effectivePolicy, findSubset } from "../rules/lower-traffic.ts";
import { type ClusterNeed, compileCluster, compileUnknownCluster } from "./clusters.ts";
import { compileEndpoints, liveEndpoints, usualPort } from "./endpoints.ts";
import { dependsOnClient, groupEndpoints, type LocalityChoice } from "./localities.ts";

/** A cluster with its endpoints, and what both were made under. */
export interface CompiledCluster {
  readonly rule: DestinationRule | undefined;
  /** The protocols of its endpoints, joined. */
  readonly protocols: string;
  readonly cluster: NamedResource<Cluster>;
  readonly endpoints: NamedResource<ClusterLoadAssignment>;
}

/** Clusters that were compiled, by service and subset. */
export type ClusterCache = WeakMap<Entry, Map<string, CompiledCluster>>;

/** Clusters that look the same to all clients, and those that do not. */
export interface ClusterCaches {
  readonly shared: ClusterCache;
  readonly own: ClusterCache;
}

/** Compiles a cluster with its endpoints, or gives what was compiled where nothing that it depends on changed. */
export function compileNeed(
  { entry, subset, name, host }: ClusterNeed,
  rule: DestinationRule | undefined,
  { wire, client }: { readonly wire: readonly string[]; readonly client: RuleClient },
  caches: ClusterCaches,
): CompiledCluster {
  const protocols = wire.join();
  if (entry === undefined) {
    return {
      rule,
      protocols,
      cluster: named(compileUnknownCluster(name, host, subset)),
      endpoints: namedEndpoints(compileEndpoints(name, [])),
    };
  }
  const selected = subset === "" ? undefined : findSubset(rule, subset);
  const choice = choiceOf(entry, rule, selected);
  const cache = dependsOnClient(choice) ? caches.own : caches.shared;
  const known = cache.get(entry)?.get(subset);
  if (known?.rule === rule && known?.protocols === protocols) return known;
  // An unknown subset has no endpoints: calls meant for it must not reach other versions.
  const endpoints = subset !== "" && selected === undefined ? [] : liveEndpoints(entry, selected?.labels, wire);
  const compiled = {
    rule,
    protocols,
    cluster: named(compileCluster(entry, subset, rule, client.mesh)),
    endpoints: namedEndpoints({ clusterName: name, endpoints: groupEndpoints(endpoints, choice, client) }),
  };
  const ofEntry = cache.get(entry) ?? new Map<string, CompiledCluster>();
  ofEntry.set(subset, compiled);
  cache.set(entry, ofEntry);
  return compiled;
}

function choiceOf(
  entry: Entry,
  rule: DestinationRule | undefined,
  subset: ReturnType<typeof findSubset>,
): LocalityChoice {
  const policy = rule === undefined ? undefined : effectivePolicy(rule, subset, usualPort(entry));
  return {
    setting: policy?.loadBalancer?.localityLbSetting,
    ejects: policy?.outlierDetection !== undefined,
  };
}

/** A resource with its name and the version of its content. */
export function named<T extends XdsResource & { readonly name: string }>(resource: T): NamedResource<T> {
  return { name: resource.name, version: contentVersion(resource), resource };
}

function namedEndpoints(resource: ClusterLoadAssignment): NamedResource<ClusterLoadAssignment> {
  return { name: resource.clusterName, version: contentVersion(resource), resource };
}
