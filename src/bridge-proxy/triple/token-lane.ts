import { ProtocolError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { Denial } from "../authz/asked.ts";
import type { TokenWord } from "../authz/jwt.ts";
import type { Peer } from "../authz/peer.ts";
import { askToken, isRefused, matchRoute } from "../match.ts";
import type { CompiledRoute } from "../route.ts";
import { noRule, type TripleLane } from "./lanes.ts";
import { isFramed, policyLookup } from "./readings.ts";

const led = new WeakMap<TripleLane, Map<CompiledRoute, TripleLane>>();

/**
 * The lane of one call whose routes go by its token: that of all calls with its header list, with the route that the token chooses now. A message
 * that decides too is told what the token says. `hasWaited`: a key that is not known is waited for no longer.
 */
export function leadByToken(lane: TripleLane, peer: Peer, fields: Fields, hasWaited: boolean): TripleLane {
  const decision = lane.decision!;
  const head = lane.head!;
  let word: TokenWord | undefined;
  const token = (): TokenWord => {
    word ??= askToken(decision, policyLookup(fields, head, lane.header), hasWaited);
    return word;
  };
  try {
    if (lane.needsMessage) {
      const { denial } = token();
      return denial === undefined ? { ...lane, token } : refuse(lane, denial, peer);
    }
    const route = matchRoute(decision, lane.header, token, lane.lines);
    if (route === undefined) return { ...lane, refusal: noRule(decision) };
    if (isRefused(route)) return refuse(lane, route, peer);
    if (lane.guard?.asksArguments(decision, route) === true && isFramed(head))
      return { ...lane, needsMessage: true, token };
    return withRoute(lane, route);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { ...lane, needsMessage: false, refusal: { reason: "undecodable", message: error.message } };
  }
}

/** One for all calls of the lane that tokens lead there. */
function withRoute(lane: TripleLane, route: CompiledRoute): TripleLane {
  let routes = led.get(lane);
  if (routes === undefined) {
    routes = new Map();
    led.set(lane, routes);
  }
  let made = routes.get(route);
  if (made === undefined) {
    made = { ...lane, route };
    routes.set(route, made);
  }
  return made;
}

function refuse(lane: TripleLane, { reason, message, policy, later }: Denial, peer: Peer): TripleLane {
  const { host, method } = lane.decision!;
  const token = { later, policy, facts: { peer, path: `/${host.key.interface}/${method}` } };
  return { ...lane, needsMessage: false, refusal: { reason, message, token } };
}
