import type { Locality } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import type { TrafficPolicy } from "../../model/rules/destination-rule.ts";
import type { ProxyNode } from "./listeners.ts";

/** What of a node its resources can depend on, by the rules there are. */
export interface ClientFacts {
  ofNode(node: Pick<ProxyNode, "labels" | "locality">): {
    readonly labels: Readonly<Record<string, string>>;
    readonly locality: Locality | undefined;
  };
}

/**
 * Finds the labels that rules ask of clients, and whether any rule asks where they are. Of a label that is only compared with values, other
 * values count as none: clients that no rule means are all alike. Which Sidecar holds for a client is said apart.
 */
export function clientFacts(rules: readonly Rule[]): ClientFacts {
  const names = new Set<string>();
  const compared = new Map<string, Set<string>>();
  const note = (labels: Readonly<Record<string, string>> | undefined) => {
    for (const [name, value] of Object.entries(labels ?? {})) {
      const values = compared.get(name);
      if (values === undefined) compared.set(name, new Set([value]));
      else values.add(value);
    }
  };
  let asksWhere = false;
  const notePolicy = (policy: TrafficPolicy | undefined) => {
    for (const one of [policy, ...(policy?.portLevelSettings ?? [])]) {
      const { localityLbSetting, zoneAwareLbSetting } = one?.loadBalancer ?? {};
      const setting = localityLbSetting ?? zoneAwareLbSetting;
      if (one?.outlierDetection !== undefined || setting !== undefined) asksWhere = true;
      for (const text of setting?.failoverPriority ?? []) names.add(text.split("=", 1)[0]!);
    }
  };
  for (const rule of rules) {
    if (rule.kind === "VirtualService")
      for (const { match = [] } of rule.http) for (const { sourceLabels } of match) note(sourceLabels);
    if (rule.kind === "Gateway") note(rule.selector);
    if (rule.kind !== "DestinationRule") continue;
    note(rule.workloadSelector);
    notePolicy(rule.trafficPolicy);
    for (const { trafficPolicy } of rule.subsets) notePolicy(trafficPolicy);
  }
  const wanted = [...new Set([...names, ...compared.keys()])].sort();
  const counts = (name: string, value: string) => names.has(name) || compared.get(name)?.has(value) === true;
  return {
    ofNode: ({ labels = {}, locality }) => ({
      labels: Object.fromEntries(
        wanted.flatMap((name) =>
          Object.hasOwn(labels, name) && counts(name, labels[name]!) ? [[name, labels[name]!] as const] : [],
        ),
      ),
      locality: asksWhere ? locality : undefined,
    }),
  };
}
