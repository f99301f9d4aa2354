import { ProtocolError } from "../../base/errors.ts";
import { checkpointTo } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import { UNREAD, UNREADABLE } from "../dubbo/guard.ts";
import { decideHost } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";

/** What a stream is refused for that no policy allows whatever it holds. */
const UNSEEN = "policies hold here, and not each of its calls is allowed whatever it is";

/**
 * Why a stream that cannot be read may not go to the provider behind an inbound listener; undefined where it may. Policies are asked of its
 * connection: what they ask for beyond that is not known, which DENY takes for met and ALLOW for unmet.
 */
export function streamFault({ routes }: RuntimeConfig, peer: Peer): string | undefined {
  if (!routes.hasPolicies) return undefined;
  const host = routes.onlyHost();
  const decision = host && decideHost(host, "");
  if (decision?.fixed === undefined) return UNSEEN;
  const passage = { peer, decision, route: decision.fixed, path: { unknown: true } } as const;
  try {
    const ruling = checkpointTo(routes, passage)?.judge({ header: UNREADABLE, inspect: () => UNREAD });
    return ruling === undefined ? undefined : UNSEEN;
  } catch (error) {
    if (error instanceof ProtocolError) return UNSEEN;
    throw error;
  }
}
