import type { Position } from "../../../base/errors.ts";
import type { Entry } from "../../../model/entry.ts";
import { type Gateway, printPosition, type ServiceEntry, type VirtualService } from "../../../model/rule.ts";
import type { DestinationRule } from "../../../model/rules/destination-rule.ts";
import { printServiceKey } from "../../../model/service.ts";
import { isCarried } from "../../compile/endpoints.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { commonDomain, namesGateway, takesNamespace } from "../gateway-binding.ts";
import { type HostIndex, hostMatches } from "../hosts.ts";

/** Checks what rules say they are for: hosts that two rules claim, hosts that nothing has, subsets defined twice. */
export function analyzeHosts(bindings: Bindings, report: Report): void {
  const { virtualServices, destinationRules, gateways, rules } = bindings;
  reportClaims("TR0224", rules.virtualServices, virtualServices, report);
  reportClaims("TR0225", rules.destinationRules, destinationRules, report);
  for (const rule of [...virtualServices, ...destinationRules]) reportNotCarried(rule, bindings, report);
  for (const rule of virtualServices) {
    reportGateways(rule, gateways, report);
    if (!rule.inMesh) continue;
    rule.hosts.forEach((host, i) => {
      reportUnknown(host, rule.at.fields[`hosts[${i}]`] ?? rule.at.position, bindings, report);
    });
  }
  for (const rule of destinationRules) {
    reportUnknown(rule.host, rule.at.fields.host ?? rule.at.position, bindings, report);
    const names = new Set<string>();
    for (const subset of rule.subsets) {
      if (names.has(subset.name))
        report("TR0237", subset.at.position, `subset ${subset.name} of ${rule.host} is defined twice; the first holds`);
      names.add(subset.name);
    }
  }
}

/** Gateways that are not there, and hosts that a rule for gateways alone has at none of them. */
function reportGateways(rule: VirtualService, gateways: readonly Gateway[], report: Report): void {
  const bound: Gateway[] = [];
  for (const text of rule.gateways) {
    const named = gateways.filter((gateway) => namesGateway(text, rule, gateway));
    bound.push(...named);
    const position = rule.at.fields.gateways ?? rule.at.position;
    if (named.length === 0)
      report("TR0241", position, `VirtualService ${rule.name} names gateway ${text}, which is not defined`);
  }
  if (rule.inMesh || bound.length === 0) return;
  const taken = bound.flatMap((gateway) =>
    gateway.servers.flatMap(({ hosts }) => hosts.map((of) => ({ of, gateway }))),
  );
  // Why there are none, TR0240 says.
  if (taken.length === 0) return;
  rule.hosts.forEach((host, i) => {
    if (taken.some(({ of, gateway }) => takesNamespace(of, rule, gateway) && commonDomain(host, of) !== undefined))
      return;
    const position = rule.at.fields[`hosts[${i}]`] ?? rule.at.position;
    report(
      "TR0242",
      position,
      `host ${host} of ${rule.name} is none that its gateways take: ${taken.map(({ of }) => of).join(", ")}`,
    );
  });
}

/** A rule that names the hosts that it is for. */
type HostRule = VirtualService | DestinationRule | ServiceEntry;

/** Rules act in the proxy alone: calls in protocols that it does not carry, and of services that are not led through it, go past them. */
function reportNotCarried(rule: HostRule, bindings: Bindings, report: Report): void {
  for (const entry of bindings.servicesOf(rule)) {
    const why = whyNotCarried(entry, bindings);
    if (why === undefined) continue;
    report(
      "TR0238",
      rule.kind === "VirtualService" ? hostPosition(rule, entry.host) : (rule.at.fields.host ?? rule.at.position),
      `${rule.kind} ${rule.name} has no effect on ${printServiceKey(entry.service)}: ${why}`,
    );
  }
}

function whyNotCarried(entry: Entry, { protocols, notLed }: Bindings): string | undefined {
  const passes = notLed.get(printServiceKey(entry.service));
  if (passes !== undefined) return `consumers are shown its real addresses (${passes})`;
  if (isCarried(entry, protocols)) return undefined;
  const spoken = [...new Set(entry.endpoints.map(({ protocol }) => protocol))].sort().join(", ");
  return `its providers speak ${spoken} only, which is not led through the proxy`;
}

/** `byAge`: all rules of the kind, the oldest first. */
function reportClaims<R extends HostRule>(
  code: "TR0224" | "TR0225",
  index: HostIndex<R>,
  byAge: readonly R[],
  report: Report,
): void {
  const ages = new Map(byAge.map((rule, age) => [rule, age]));
  for (const [host, [oldest, ...younger]] of index.claims) {
    for (const rule of younger) {
      const isNearer = ages.get(oldest!)! > ages.get(rule)!;
      const why = isNearer ? "the one that is for fewer callers wins" : "the older wins";
      report(
        code,
        hostPosition(rule, host),
        `host ${host} of ${rule.kind} ${rule.name} already belongs to ${oldest!.name} (${printPosition(oldest!.at.position)}); ${why}`,
      );
    }
  }
}

function hostPosition(rule: HostRule, host: string): Position {
  if (rule.kind === "DestinationRule") return rule.at.fields.host ?? rule.at.position;
  const found = rule.hosts.findIndex((text) => text.toLowerCase() === host);
  const i = Math.max(0, found);
  return rule.at.fields[`hosts[${i}]`] ?? rule.at.position;
}

function reportUnknown(host: string, position: Position, { entries, meantBy }: Bindings, report: Report): void {
  if (entries === undefined || entries.entries.some((entry) => hostMatches(host, entry))) return;
  const text = `host ${host} matches no service that is known; the rule waits for one${meantBy(host)}`;
  report("TR0220", position, text);
}
