import type { RequestHead } from "../../codecs/http1/head.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import { checkpointTo, type Ruling } from "../authz/checkpoint.ts";
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
  const plain = plainPath(path);
  const bare = barePath(plain);
  // What ALLOW says of the bare path is not asked: it is not what was sent.
  const others = bare === plain ? [] : [{ path: bare, strict: false }];
  return checkpointTo(routes, { peer, decision, route, path: plain }, others)?.judge({ header });
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
