import type { Position } from "../../../base/errors.ts";
import type { Entry } from "../../../model/entry.ts";
import { printPosition, type Rule, type ServiceEntry, type ServiceEntryEndpoint } from "../../../model/rule.ts";
import type { Report } from "../findings.ts";
import { RULES_ORIGIN, selectedBy } from "../service-entries.ts";

/** Checks ServiceEntries: hosts that a registry has already, those that two of them name, and endpoints that are not there or name other ports. */
export function analyzeServiceEntries(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  report: Report,
): void {
  const known = new Map((entries ?? []).map((entry) => [entry.host, entry]));
  const first = new Map<string, ServiceEntry>();
  const workloads = rules.filter((rule) => rule.kind === "WorkloadEntry");
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry") continue;
    checkEndpoints(rule, report);
    checkPortNames(rule, rule.endpoints, rule.at.fields.endpoints ?? rule.at.position, report);
    for (const { endpoint, at } of rule.workloadSelector === undefined ? [] : selectedBy(rule, workloads))
      checkPortNames(rule, [endpoint], at.fields.ports ?? at.position, report);
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

/** One that neither lists nor selects endpoints, and whose name is no address. */
function checkEndpoints({ name, byName, endpoints, workloadSelector, at }: ServiceEntry, report: Report): void {
  if (byName || endpoints.length > 0 || workloadSelector !== undefined) return;
  const cure = "list them, select WorkloadEntries, or let resolution DNS look its hosts up";
  report("TR0252", at.fields.resolution ?? at.position, `ServiceEntry ${name} has no endpoints: ${cure}`);
}

function checkPortNames(
  { name, ports, tcp = [] }: ServiceEntry,
  endpoints: readonly ServiceEntryEndpoint[],
  position: Position,
  report: Report,
): void {
  const known = [...ports, ...tcp].map((port) => port.name);
  for (const { address, ports: own = {} } of endpoints)
    for (const [other, number] of Object.entries(own))
      if (!known.includes(other))
        report(
          "TR0228",
          position,
          `port ${number} of endpoint ${address} is left out: ServiceEntry ${name} has no port of the name ${other}, but ${known.join(", ")}`,
        );
}
