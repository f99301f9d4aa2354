import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, LbEndpoint } from "../../codecs/xds/endpoint.ts";
import { isMeant, takenBy, type ValueOf } from "../../codecs/xds/routing.ts";

/** What became of a call at one condition of a registry's routers. */
export interface RouterVerdict {
  /** The rule's place in the registry. */
  readonly rule: string;
  /** The condition as it is written. */
  readonly condition: string;
  readonly verdict: "not for this call" | "narrows" | "finds nobody and is passed over" | "leaves nobody";
}

/** What routers made of a call, and the endpoints that it may have: all that it may be drawn to where they have shares. */
export interface RouterChoice {
  readonly verdicts: readonly RouterVerdict[];
  readonly assignment: ClusterLoadAssignment | undefined;
}

/** Takes a call through the routers that stand with its endpoints. */
export function explainRouters(assignment: ClusterLoadAssignment | undefined, call: ValueOf): RouterChoice {
  const routing = assignment?.endpoints[0]?.metadata?.filterMetadata[TRESTLE_METADATA].routing;
  if (assignment === undefined || routing === undefined) return { verdicts: [], assignment };
  let left: readonly LbEndpoint[] = assignment.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints);
  const verdicts = routing.steps.map((step): RouterVerdict => {
    const told = { rule: step.rule, condition: step.text };
    if (left.length === 0 || !isMeant(step, call)) return { ...told, verdict: "not for this call" };
    const taken = takenBy(step, left, valueOfEndpoint, call);
    if (taken === undefined) return { ...told, verdict: "finds nobody and is passed over" };
    const some = new Set(taken.flatMap(({ providers }) => providers));
    left = left.filter((one) => some.has(one));
    return { ...told, verdict: left.length === 0 ? "leaves nobody" : "narrows" };
  });
  const kept = new Set(left);
  const endpoints = assignment.endpoints.map((group) => ({
    ...group,
    lbEndpoints: group.lbEndpoints.filter((one) => kept.has(one)),
  }));
  return { verdicts, assignment: { ...assignment, endpoints } };
}

function valueOfEndpoint({ metadata }: LbEndpoint, key: string): string | undefined {
  return metadata?.filterMetadata[TRESTLE_METADATA]?.values?.[key];
}
