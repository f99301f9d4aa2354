import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { withAttachedRules } from "../rules/attached-rules.ts";
import { meshClient } from "../rules/client.ts";
import { indexRules } from "../rules/hosts.ts";
import type { RuleView } from "./views.ts";

/** The finding of a rule of a registry whose newest text cannot be read. */
const UNREADABLE = "TR0136";

/** Lists the rules of Dubbo's that registries hold and that are applied, by their places. A VirtualService of a service stands in place of conditions. */
export function viewRegistryRules({ entries, rules, mesh }: Snapshot, findings: readonly Finding[]): RuleView[] {
  const index = indexRules(withAttachedRules(rules), meshClient(mesh));
  const old = new Set(findings.filter(({ code }) => code === UNREADABLE).map(({ at }) => at));
  const found = new Map<string, { kind: string; hosts: Set<string>; services: Set<string> }>();
  for (const entry of entries) {
    if (entry.routing === undefined) continue;
    const { steps, tags } = entry.routing;
    const isRuled = index.virtualServices.find(entry) !== undefined;
    const note = (at: string, kind: "DubboConditions" | "DubboTags") => {
      const known = found.get(at) ?? { kind, hosts: new Set<string>(), services: new Set<string>() };
      known.hosts.add(entry.service.interface);
      if (!isRuled || kind === "DubboTags") known.services.add(entry.host);
      found.set(at, known);
    };
    for (const { rule } of steps) note(rule, "DubboConditions");
    if (tags !== undefined) note(tags.rule, "DubboTags");
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([at, { kind, hosts, services }]) => ({
      kind,
      name: at.slice(at.lastIndexOf("/") + 1),
      namespace: "",
      hosts: [...hosts],
      at,
      services: [...services],
      newest: !old.has(at),
    }));
}
