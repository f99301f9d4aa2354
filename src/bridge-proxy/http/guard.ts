import type { RequestHead } from "../../codecs/http1/head.ts";
import { printServiceKey } from "../../model/service.ts";
import { checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import type { Denial } from "../authz/gate.ts";
import type { Peer } from "../authz/peer.ts";
import type { CompiledRoute, HostDecision, RouteTable, Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";
import { cutTarget, lookupOf } from "./head.ts";

/** What servers read in different ways: encoded slashes, dots, zeros and number signs, backslashes, fragments, empty segments and dots for segments. */
const AMBIGUOUS = /%(?:2[ef3]|5c|00|25)|[\\#]|\/\/|\/\.{1,2}(?:[/;]|$)/i;

const TWO_WAYS: Denial = {
  reason: "undecodable",
  message: "the path can be read in several ways, and policies hold for this service",
  policy: "",
};

/** A request that a route was chosen for. */
export interface LedRequest {
  readonly peer: Peer;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  readonly head: RequestHead;
}

/**
 * Whether policies let a request through. Paths that servers read in different ways are refused where there are policies; one that DENY matches
 * without its `;parameters`, or without slashes and dots at its end, is denied, since servers may drop them.
 */
export function ruleRequest(routes: RouteTable, { peer, decision, route, head }: LedRequest): Ruling | undefined {
  if (!routes.hasPolicies) return undefined;
  const copies = (route.mirrors ?? []).flatMap(({ route: mirror }) => mirror.targets);
  const isGuarded = ({ cluster }: Target) =>
    routes.hostOf(printServiceKey(serviceFor(cluster.service, decision.host.key)))?.policies !== undefined;
  const guarded = [...route.targets, ...copies].filter(isGuarded);
  if (guarded.length === 0) return undefined;
  const { path, query } = cutTarget(head);
  if (AMBIGUOUS.test(path)) {
    const denied = new Map(guarded.map((target) => [target, TWO_WAYS]));
    return { denial: route.targets.some(isGuarded) ? TWO_WAYS : undefined, denied };
  }
  const header = lookupOf(head, query);
  const judge = (as: string) => checkpointTo(routes, { peer, decision, route, path: as })?.judge({ header });
  const plain = plainPath(path);
  const ruling = judge(plain);
  const bare = barePath(plain);
  if (ruling?.denial !== undefined || bare === plain) return ruling;
  return joinRulings(route, ruling, judge(bare));
}

/** What is decided of the path as it was sent, and what DENY says of the bare one: what ALLOW says of that is not asked, it is not what was sent. */
function joinRulings(route: CompiledRoute, sent: Ruling | undefined, bare: Ruling | undefined): Ruling | undefined {
  if (bare === undefined) return sent;
  if (bare.denial !== undefined && bare.denied === undefined) return bare.denial.policy === "" ? sent : bare;
  const denied = new Map(sent?.denied);
  for (const [target, denial] of bare.denied ?? [])
    if (denial.policy !== "" && !denied.has(target)) denied.set(target, denial);
  if (denied.size === 0) return sent;
  const isAll = route.targets.every((target) => denied.has(target));
  return { denial: isAll ? denied.get(route.targets[0]!) : undefined, denied };
}

/** Letters, digits and `-`, `_` and `~` that nobody needed to encode. */
const NEEDLESS = /%(?:[46][1-9a-f]|[57][0-9a]|3[0-9]|2d|5f|7e)/gi;

/** The same path without what nobody needed to encode: to every server one and the same. */
function plainPath(path: string): string {
  return path.replace(NEEDLESS, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

/** A path as servers take it that decode it, and drop parameters of segments, and slashes and dots at the end. */
export function barePath(path: string): string {
  const bare = plainPath(path)
    .replace(/;[^/]*/g, "")
    .replace(/[./]+$/, "");
  return bare === "" ? "/" : bare;
}
