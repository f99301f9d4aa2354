import type { Endpoint, Entry } from "../../../model/entry.ts";
import { printPosition, type Rule } from "../../../model/rule.ts";
import type { PeerAuthentication } from "../../../model/rules/peer-authentication.ts";
import { compareText, type Report } from "../findings.ts";
import { selects } from "../kinds/peer-authentication.ts";

/** Labels of providers that inbound listeners stand in front of. */
export type InboundLabels = readonly Readonly<Record<string, string>>[];

/** What of the mesh the analysis must know. */
export interface PeerScope {
  readonly inboundLabels?: InboundLabels;
  /** Namespace of entries that name none. */
  readonly namespace: string;
  readonly rootNamespace: string;
}

/** Checks PeerAuthentications: two for one scope, a selector that chooses nothing. `rules` are in order of age, oldest first. */
export function analyzePeerAuthentications(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  scope: PeerScope,
  report: Report,
): void {
  const first = new Map<string, PeerAuthentication>();
  for (const rule of rules) {
    if (rule.kind !== "PeerAuthentication") continue;
    const { namespace, selector } = rule;
    const position = rule.at.fields.selector ?? rule.at.position;
    const key = JSON.stringify([namespace, sorted(selector)]);
    const older = first.get(key);
    if (older !== undefined) {
      const at = printPosition(older.at.position);
      report(
        "TR0280",
        rule.at.position,
        `${rule.name} is passed over: ${older.name} at ${at} is older and for the same`,
      );
      continue;
    }
    first.set(key, rule);
    const modes = [rule.mode, ...Object.values(rule.portModes)];
    if (modes.includes("STRICT"))
      report(
        "TR0282",
        rule.at.fields.mtls ?? rule.at.fields.portLevelMtls ?? rule.at.position,
        "STRICT holds at inbound listeners of proxies: who calls a provider at its own port is asked for nothing",
      );
    if (selector === undefined) continue;
    if (namespace === scope.rootNamespace)
      report(
        "TR0281",
        position,
        `selector chooses nothing in the root namespace ${namespace}: it holds in others alone`,
      );
    else if (entries !== undefined && !choosesAny(rule, entries, scope))
      report("TR0281", position, `no endpoint that is known in namespace ${namespace} has these labels`);
  }
}

function choosesAny({ namespace, selector }: PeerAuthentication, entries: readonly Entry[], scope: PeerScope): boolean {
  return (
    (namespace === scope.namespace && choosesInbound(selector!, scope)) ||
    entries.some(
      (entry) =>
        (entry.namespace ?? scope.namespace) === namespace &&
        entry.endpoints.some((endpoint) => selects(selector!, labelsOf(endpoint))),
    )
  );
}

/** Whether a selector takes a provider that an inbound listener stands in front of. */
export function choosesInbound(
  selector: Readonly<Record<string, string>>,
  { inboundLabels = [] }: Pick<PeerScope, "inboundLabels">,
): boolean {
  return inboundLabels.some((labels) => selects(selector, labels));
}

/** As subsets select: what configuration calls an endpoint stands before what it registered. */
function labelsOf({ labels, params }: Endpoint): Readonly<Record<string, string>> {
  return labels === undefined ? params : { ...params, ...labels };
}

function sorted(selector: Readonly<Record<string, string>> | undefined): unknown {
  return selector === undefined ? null : Object.entries(selector).sort(([a], [b]) => compareText(a, b));
}
