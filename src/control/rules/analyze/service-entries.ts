import type { Entry } from "../../../model/entry.ts";
import { printPosition, type Rule, type ServiceEntry } from "../../../model/rule.ts";
import type { Report } from "../findings.ts";
import { RULES_ORIGIN } from "../service-entries.ts";

/** Checks ServiceEntries: hosts that a registry has already, and those that two of them name. */
export function analyzeServiceEntries(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  report: Report,
): void {
  const known = new Map((entries ?? []).map((entry) => [entry.host, entry]));
  const first = new Map<string, ServiceEntry>();
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry") continue;
    rule.hosts.forEach((text, i) => {
      const host = text.toLowerCase();
      const position = rule.at.fields[`hosts[${i}]`] ?? rule.at.position;
      const other = first.get(host);
      if (other === undefined) first.set(host, rule);
      else
        report(
          "TR0251",
          position,
          `host ${host} has a ServiceEntry at ${printPosition(other.at.position)} already; that one holds`,
        );
      const origins = new Set(known.get(host)?.endpoints.map(({ origin }) => origin));
      origins.delete(RULES_ORIGIN);
      if (origins.size > 0)
        report("TR0250", position, `host ${host} is known by registry ${[...origins].sort().join(", ")}, which holds`);
    });
  }
}
