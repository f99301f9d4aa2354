import type { Endpoint } from "../../../model/entry.ts";
import type { LocalityLb, TrafficPolicy, ZoneAwareLb } from "../../../model/rules/destination-rule.ts";
import { isLocalityLabel, labelOf, labelOfClient } from "../../compile/localities.ts";
import type { Bindings } from "../bindings.ts";
import type { RuleClient } from "../client.ts";
import type { Report } from "../findings.ts";

/** What a proxy has by which rules choose endpoints for it. */
export type KnownProxy = Pick<RuleClient, "labels"> & Partial<Pick<RuleClient, "locality">>;

type Places = LocalityLb | ZoneAwareLb;

/** Names labels of `failoverPriority` by which no endpoint, or nothing of the proxy, is told apart; `proxy` is the one whose rules these are, where it is known. */
export function analyzeFailoverLabels(
  { destinationRules, servicesOf }: Bindings,
  proxy: KnownProxy | undefined,
  report: Report,
): void {
  for (const rule of destinationRules) {
    const places = [rule.trafficPolicy, ...rule.subsets.map(({ trafficPolicy }) => trafficPolicy)].flatMap(placesOf);
    if (places.length === 0) continue;
    const endpoints = servicesOf(rule).flatMap((entry) => entry.endpoints);
    for (const one of places) checkLabels(rule.name, one, { endpoints, proxy }, report);
  }
}

function placesOf(policy: TrafficPolicy | undefined): Places[] {
  if (policy === undefined) return [];
  return [policy, ...(policy.portLevelSettings ?? [])].flatMap(({ loadBalancer }) => {
    const { localityLbSetting: setting, zoneAwareLbSetting: zones } = loadBalancer ?? {};
    return [
      ...(setting === undefined || setting.enabled === false ? [] : [setting]),
      ...(zones?.enabled ? [zones] : []),
    ];
  });
}

interface Known {
  readonly endpoints: readonly Endpoint[];
  readonly proxy: KnownProxy | undefined;
}

function checkLabels(path: string, { at, failoverPriority = [] }: Places, known: Known, report: Report): void {
  const { endpoints, proxy } = known;
  for (const text of failoverPriority) {
    const name = text.split("=", 1)[0]!;
    const say = (why: string) =>
      report(
        "TR0247",
        at.fields.failoverPriority ?? at.position,
        `failoverPriority of ${path} goes by ${name}, ${why}`,
      );
    const isWithout = (value: string | undefined) => (value ?? "") === "";
    if (endpoints.length > 0 && endpoints.every((one) => isWithout(labelOf(one, name))))
      say(`which none of ${endpoints.length} endpoints has: it tells none of them apart`);
    else if (text === name && proxy !== undefined && isWithout(labelOfClient(proxy, name))) {
      const where = isLocalityLabel(name) ? "locality" : "labels";
      say(
        `which the proxy does not have, so that endpoints with it come last: say it in proxy.${where}, or write ${name}=VALUE`,
      );
    }
  }
}
