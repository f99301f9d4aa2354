import { type Cluster, type ClusterService, TRESTLE_METADATA } from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import type { DestinationRule, Subset } from "../../model/rule.ts";
import { DEFAULT_POLICY, type LoweredPolicy, lowerPolicy } from "../rules/lower-policies.ts";
import { usualPort } from "./endpoints.ts";

/** A cluster that routes lead to: of a service, or of a destination that no service is known for. */
export interface ClusterNeed {
  readonly name: string;
  readonly entry: Entry | undefined;
  readonly host: string;
  readonly subset: string;
}

/** The name that Istio's users know: `outbound|PORT|SUBSET|HOST`. */
export function clusterName(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** Name of a service's cluster for a subset (`""` for all its endpoints). */
export function clusterNameOf(entry: Entry, subset: string): string {
  return clusterName(usualPort(entry), subset, entry.host);
}

/** Compiles the cluster of a service and subset under the DestinationRule in force. */
export function compileCluster(entry: Entry, subsetName: string, rule: DestinationRule | undefined): Cluster {
  return build(
    clusterNameOf(entry, subsetName),
    { ...keyOf(entry), host: entry.host, subset: subsetName, ...callbacksOf(entry), ...methodsOf(entry) },
    lowerPolicy(rule, subsetName === "" ? undefined : findSubset(rule, subsetName)),
  );
}

/** A cluster for a destination that no entry is known for: it has no endpoints, calls to it are answered "no endpoint". */
export function compileUnknownCluster(name: string, host: string, subset: string): Cluster {
  return build(name, { interface: host, group: "", version: "", host, subset }, DEFAULT_POLICY);
}

/** The subset of that name; the first where there are two. */
export function findSubset(rule: DestinationRule | undefined, name: string): Subset | undefined {
  return rule?.subsets.find((subset) => subset.name === name);
}

/** The methods with a callback parameter, by any provider's `METHOD.INDEX.callback=true`; nothing where there are none. */
function callbacksOf({ endpoints }: Entry): Pick<ClusterService, "callbackMethods"> {
  const methods = new Set<string>();
  for (const { params } of endpoints) {
    for (const name in params) {
      if (!name.endsWith(".callback") || params[name] !== "true") continue;
      const method = /^(.+)\.\d+\.callback$/.exec(name)?.[1];
      if (method !== undefined) methods.add(method);
    }
  }
  return methods.size === 0 ? {} : { callbackMethods: [...methods].sort() };
}

/** Most methods that a cluster names. */
const MAX_METHODS = 1_000;

/** What the providers' `methods` name, all together; nothing where one does not say or takes any (`*`). */
function methodsOf({ endpoints }: Entry): Pick<ClusterService, "methods"> {
  const methods = new Set<string>();
  for (const list of new Set(endpoints.map(({ params }) => params.methods ?? ""))) {
    if (list === "" || list === "*") return {};
    for (const name of list.split(",")) methods.add(name);
    if (methods.size > MAX_METHODS) return {};
  }
  return methods.size === 0 ? {} : { methods: [...methods].sort() };
}

function keyOf({ service }: Entry): Pick<ClusterService, "interface" | "group" | "version"> {
  return { interface: service.interface, group: service.group, version: service.version };
}

function build(name: string, service: ClusterService, policy: LoweredPolicy): Cluster {
  return {
    name,
    type: "EDS",
    lbPolicy: policy.lbPolicy,
    ...(policy.maxRequests !== undefined && {
      circuitBreakers: { thresholds: [{ maxRequests: policy.maxRequests }] as const },
    }),
    metadata: { filterMetadata: { [TRESTLE_METADATA]: service } },
  };
}
