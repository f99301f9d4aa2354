import { ProtocolError } from "../../base/errors.ts";
import type { RequestHead } from "../../codecs/http1/head.ts";
import { barePath, isAmbiguous, plainPath } from "../../codecs/request-path.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import { checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import type { CompiledRoute, HostDecision, RouteTable, Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";
import { cutTarget, lookupOf } from "./head.ts";

/** Lists that are the same in one line and in several. */
const LISTS: ReadonlySet<string> = new Set(["x-forwarded-for", "forwarded", "via"]);

const TWO_WAYS = "can be read in several ways, and policies hold for this service";

/** A request that a route was chosen for. */
export interface LedRequest {
  readonly peer: Peer;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  readonly head: RequestHead;
}

/**
 * Whether policies let a request through. Paths that servers read in different ways are refused where there are policies, and so are lines of
 * one header that differ, of which servers take the first, the last or all, where a policy asks for it; a path that DENY matches without its
 * `;parameters`, blanks around segments, or slashes and dots at its end, is denied, since servers may drop them.
 */
export function ruleRequest(routes: RouteTable, { peer, decision, route, head }: LedRequest): Ruling | undefined {
  if (!routes.hasPolicies) return undefined;
  const copies = (route.mirrors ?? []).flatMap(({ route: mirror }) => mirror.targets);
  const isGuarded = ({ cluster }: Target) =>
    routes.hostOf(printServiceKey(serviceFor(cluster.service, decision.host.key)))?.policies !== undefined;
  const guarded = [...route.targets, ...copies].filter(isGuarded);
  if (guarded.length === 0) return undefined;
  const { path, query } = cutTarget(head);
  const refuse = (message: string): Ruling => {
    const denial: Denial = { reason: "undecodable", message, policy: "" };
    const denied = new Map(guarded.map((target) => [target, denial]));
    return { denial: route.targets.some(isGuarded) ? denial : undefined, denied };
  };
  const rewritten = route.rewrite?.path?.(path);
  if (isAmbiguous(path) || (rewritten !== undefined && isAmbiguous(rewritten))) return refuse(`the path ${TWO_WAYS}`);
  const plain = plainPath(path);
  const bare = barePath(plain);
  if (isAmbiguous(bare)) return refuse(`the path ${TWO_WAYS}`);
  // What ALLOW says of the bare path is not asked: it is not what was sent.
  const others = bare === plain ? [] : [{ path: bare, strict: false }];
  const checkpoint = checkpointTo(routes, { peer, decision, route, path: plain }, others);
  try {
    return checkpoint?.judge({ header: policyLookup(head, query, peer.scheme) });
  } catch (error) {
    if (error instanceof ProtocolError) return refuse(error.message);
    throw error;
  }
}

/** A request's headers as policies see them. Throws `ProtocolError` for one whose lines differ. */
export function policyLookup(head: RequestHead, query: string, scheme: Peer["scheme"]): HeaderLookup {
  const lookup = lookupOf(head, query, scheme);
  return (name) => {
    const value = lookup(name);
    // Only what was joined of several lines has a comma.
    if (value?.includes(",") !== true || LISTS.has(name)) return value;
    const lines = head.fields.all(name);
    if (lines.some((line) => line !== lines[0])) throw new ProtocolError("http", `header ${name} ${TWO_WAYS}`);
    return value;
  };
}
