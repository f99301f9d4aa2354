import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, LbEndpoint } from "../../codecs/xds/endpoint.ts";
import { isMeant, takenBy, type ValueOf } from "../../codecs/xds/routing.ts";
import { type AskedTag, tagFor } from "../../codecs/xds/tags.ts";
import type { RouterTags } from "../../model/routing.ts";

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

/** Takes a call through the tags of its endpoints, then through the routers that stand with them. */
export function explainRouters(
  assignment: ClusterLoadAssignment | undefined,
  call: ValueOf,
  wish: AskedTag = NO_TAG,
): RouterChoice {
  const { routing, isOfTag } = assignment?.endpoints[0]?.metadata?.filterMetadata[TRESTLE_METADATA] ?? {};
  const all: readonly LbEndpoint[] = (assignment?.endpoints ?? []).flatMap(({ lbEndpoints }) => lbEndpoints);
  const byTag = isOfTag === true ? undefined : takeTag(all, wish, routing?.tags);
  if (assignment === undefined || (routing === undefined && byTag === undefined)) return { verdicts: [], assignment };
  let left = byTag?.left ?? all;
  const steps = (routing?.steps ?? []).map((step): RouterVerdict => {
    const told = { rule: step.rule, condition: step.text };
    if (left.length === 0 || !isMeant(step, call)) return { ...told, verdict: "not for this call" };
    const taken = takenBy(step, left, valueOfEndpoint, call);
    if (taken === undefined) return { ...told, verdict: "finds nobody and is passed over" };
    const some = new Set(taken.flatMap(({ providers }) => providers));
    left = left.filter((one) => some.has(one));
    return { ...told, verdict: left.length === 0 ? "leaves nobody" : "narrows" };
  });
  const verdicts = [...(byTag === undefined ? [] : [byTag.verdict]), ...steps];
  const kept = new Set(left);
  const endpoints = assignment.endpoints.map((group) => ({
    ...group,
    lbEndpoints: group.lbEndpoints.filter((one) => kept.has(one)),
  }));
  return { verdicts, assignment: { ...assignment, endpoints } };
}

/** What tags make of a call; undefined where no endpoint has one, and no rule says any. */
function takeTag(
  all: readonly LbEndpoint[],
  wish: AskedTag,
  rule: RouterTags | undefined,
): { readonly verdict: RouterVerdict; readonly left: readonly LbEndpoint[] } | undefined {
  const tagOf = ({ metadata }: LbEndpoint) => metadata?.filterMetadata[TRESTLE_METADATA]?.tag ?? "";
  const tags = new Set(all.map(tagOf));
  if (rule === undefined && [...tags].every((tag) => tag === "")) return undefined;
  const taken = wish.tag === "" ? "" : tagFor(wish.tag, wish.tagForced, rule, tags);
  const left = all.filter((one) => tagOf(one) === taken);
  const asked = wish.tag === "" ? "a call without a tag" : `tag ${wish.tag}${wish.tagForced ? ", forced" : ""}`;
  const instead = taken === wish.tag || taken === undefined ? "" : `: ${taken === "" ? "those without one" : taken}`;
  const verdict = left.length === 0 ? "leaves nobody" : "narrows";
  return { verdict: { rule: rule?.rule ?? "dubbo.tag", condition: `${asked}${instead}`, verdict }, left };
}

const NO_TAG: AskedTag = { tag: "", tagForced: false };

function valueOfEndpoint({ metadata }: LbEndpoint, key: string): string | undefined {
  return metadata?.filterMetadata[TRESTLE_METADATA]?.values?.[key];
}
