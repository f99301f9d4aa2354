import type { RequestHead } from "../../codecs/http1/head.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import { limitRuling } from "../authz/limit-question.ts";
import type { Peer } from "../authz/peer.ts";
import type { ProxyContext } from "../context.ts";
import { askToken, isRefused } from "../match.ts";
import type { CompiledRoute, HostDecision, RouteTable } from "../route.ts";
import { ruleRequest } from "./guard.ts";
import { cutTarget, limitFacts, lookupOf, matchHttp } from "./head.ts";

/** A request to a service, before its route is known. */
export interface AskedRequest {
  readonly decision: HostDecision;
  readonly routes: RouteTable;
  readonly peer: Peer;
  readonly head: RequestHead;
}

/** Where a request goes, and what policies and limits say of that; without a route and a denial no rule takes it. */
export interface ChosenRoute {
  readonly route: CompiledRoute | undefined;
  readonly ruling: Ruling | undefined;
}

/**
 * Chooses a request's route and asks policies: at once, or when the key is there by which the token is signed that a route goes by. What is
 * returned then gives up the waiting.
 */
export function leadRequest(
  context: Pick<ProxyContext, "nowMs" | "authz">,
  asked: AskedRequest,
  done: (led: ChosenRoute) => void,
  hasWaited = false,
): (() => void) | undefined {
  const { decision, routes, peer, head } = asked;
  const token = decision.asksClaims === true ? () => askToken(decision, lookupOf(head), hasWaited) : undefined;
  const route = matchHttp(decision, head, token);
  if (isRefused(route)) {
    if (route.later !== undefined)
      return route.later(
        Number.POSITIVE_INFINITY,
        () => {
          context.nowMs = performance.now();
          leadRequest(context, asked, done, true);
        },
        peer.address,
      );
    context.authz.denied(route.policy, { peer, path: cutTarget(head).path });
    done({ route: undefined, ruling: { denial: route, denied: undefined } });
    return undefined;
  }
  const { limits } = decision.host;
  const ruling = route && ruleRequest(routes, { peer, decision, route, head });
  const isLimited = route !== undefined && limits !== undefined;
  const { nowMs } = context;
  done({
    route,
    ruling: isLimited ? limitRuling(limits, { ruling, decision, route, nowMs, ...limitFacts(head) }) : ruling,
  });
  return undefined;
}
