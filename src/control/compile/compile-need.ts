import type { Cluster } from "../../codecs/xds/cluster.ts";
import type { AssignmentFacts, ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import { noteOrigin } from "../../codecs/xds/origins.ts";
import type { NamedResource, XdsResource } from "../../codecs/xds/resources.ts";
import type { Endpoint, Entry } from "../../model/entry.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { contentVersion } from "../../model/snapshot.ts";
import type { RuleClient } from "../rules/client.ts";
import { effectivePolicy, findSubset } from "../rules/lower/traffic.ts";
import { type ClusterNeed, compileCluster, compileUnknownCluster } from "./clusters.ts";
import { compileEndpoints, isOfTag, liveEndpoints, usualPort } from "./endpoints.ts";
import { dependsOnClient, groupEndpoints, type LocalityChoice } from "./localities.ts";
import { withRouting } from "./routing.ts";
import type { Variants } from "./variants.ts";

/** A cluster with its endpoints. */
export interface CompiledCluster {
  readonly cluster: NamedResource<Cluster>;
  readonly endpoints: NamedResource<ClusterLoadAssignment>;
}

/**
 * Compiles a cluster with its endpoints, or gives what was compiled where nothing that it depends on changed. `isRuled` says that a
 * VirtualService leads the service's calls.
 */
export function compileNeed(
  { entry, subset, name, host }: ClusterNeed,
  rule: DestinationRule | undefined,
  {
    wire,
    client,
    isRuled,
  }: { readonly wire: readonly string[]; readonly client: RuleClient; readonly isRuled?: boolean },
  cache: Variants<CompiledCluster>,
): CompiledCluster {
  if (entry === undefined) {
    return {
      cluster: named(compileUnknownCluster(name, host, subset)),
      endpoints: namedEndpoints(compileEndpoints(name, [])),
    };
  }
  const selected = subset === "" ? undefined : findSubset(rule, subset);
  const choice = choiceOf(entry, rule, selected);
  const keepsSteps = isRuled !== true && subset === "";
  const form = [subset, wire.join(), keepsSteps ? "routed" : "", placeOf(choice, client)].join("\n");
  return cache.get(entry, rule, form, () => {
    // An unknown subset has no endpoints: calls meant for it must not reach other versions.
    const endpoints = subset !== "" && selected === undefined ? [] : liveEndpoints(entry, selected?.labels, wire);
    const facts = choosers(entry, selected?.labels, endpoints, keepsSteps);
    const groups = withRouting(groupEndpoints(endpoints, choice, client), endpoints, facts);
    const cluster = compileCluster(entry, subset, rule, client.mesh);
    if (rule !== undefined) noteOrigin(cluster, { rule: rule.name, ...positionOf(rule) });
    return {
      cluster: named(cluster),
      endpoints: namedEndpoints({ clusterName: name, endpoints: groups }),
    };
  });
}

/**
 * What chooses among endpoints. As in Dubbo 3, which asks its mesh rules before its tag router, and that before conditions, the tags of a registry
 * hold in what a VirtualService leads to; conditions are what it stands in place of. A subset that is one of a tag has made the choice itself.
 */
function choosers(
  { routing }: Entry,
  labels: Readonly<Record<string, string>> | undefined,
  endpoints: readonly Endpoint[],
  keepsSteps: boolean,
): AssignmentFacts {
  if (labels !== undefined && isOfTag(labels, endpoints)) return { isOfTag: true };
  if (routing === undefined || keepsSteps) return { ...(routing && { routing }) };
  return routing.tags === undefined ? {} : { routing: { steps: [], tags: routing.tags } };
}

function positionOf({ at }: DestinationRule): { readonly file: string; readonly line: number } {
  const { file, line } = at.position;
  return { file, line };
}

/** What of a client the groups of endpoints depend on; `""` for nothing. */
function placeOf(choice: LocalityChoice, { locality, labels }: RuleClient): string {
  if (!dependsOnClient(choice)) return "";
  const names = ((choice.zones ?? choice.setting)?.failoverPriority ?? []).map((text) => text.split("=", 1)[0]!);
  return JSON.stringify([locality, names.map((name) => labels[name])]);
}

function choiceOf(
  entry: Entry,
  rule: DestinationRule | undefined,
  subset: ReturnType<typeof findSubset>,
): LocalityChoice {
  const policy = rule === undefined ? undefined : effectivePolicy(rule, subset, usualPort(entry));
  return {
    setting: policy?.loadBalancer?.localityLbSetting,
    zones: policy?.loadBalancer?.zoneAwareLbSetting,
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
