import { ProtocolError } from "../../base/errors.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { hashOf } from "../policies/hash.ts";
import { routedCall } from "../policies/router-call.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import type { CallWish } from "../upstream/endpoint-group.ts";
import { headerLookup } from "./header-lookup.ts";
import { NO_TAG, tagOf } from "./resolve.ts";

/** What endpoints of a call are chosen by. */
export interface CallFacts extends CallWish {
  /** Of the inputs that its route names; undefined where it names none. */
  readonly hash: number | undefined;
}

/**
 * Reads from a Dubbo2 call what its route's destinations choose by, and nothing that they do not ask for. Of a call without a `head`, which
 * cannot be read, only its caller's `address` is known. Throws `ProtocolError` where the body cannot be read that far.
 */
export function callFacts(
  head: RequestView | undefined,
  route: Pick<CompiledRoute, "targets" | "hash">,
  decision: HostDecision,
  config: Pick<RuntimeConfig, "applicationOf" | "tagOf" | "callerOf">,
  address: string,
): CallFacts {
  const { key } = decision.host;
  const header = headerLookup(head, key, config.applicationOf(address));
  const isTagged = route.targets.some(({ cluster }) => cluster.hasTags);
  return {
    ...(isTagged ? tagOf(head, config.tagOf(address, key)) : NO_TAG),
    routed: routedCall({ route, decision, header, address, config }),
    hash: route.hash && hashOf(route.hash, header, address),
  };
}

/**
 * The same for the copies of a call, by the routes that lead them: what their destinations choose by is theirs. A copy of which that cannot be read
 * has none, and is not made.
 */
export function copyFacts(
  route: Pick<CompiledRoute, "mirrors">,
  factsOf: (route: CompiledRoute) => CallFacts,
): ReadonlyMap<CompiledRoute, CallFacts> | undefined {
  if (route.mirrors === undefined) return undefined;
  const facts = new Map<CompiledRoute, CallFacts>();
  for (const mirror of route.mirrors) {
    try {
      facts.set(mirror.route, factsOf(mirror.route));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return facts;
}
