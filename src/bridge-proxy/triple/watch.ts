import { fieldValue } from "../../codecs/fields.ts";
import type { ProxyContext } from "../context.ts";
import { TripleCall } from "./call.ts";
import { HeldRequest } from "./held-request.ts";
import type { TripleLane } from "./lanes.ts";
import { messageFault } from "./message-fault.ts";
import { isFramed } from "./readings.ts";
import type { Arrived, ServedRequest } from "./served.ts";
import { WatchedCall } from "./watched-call.ts";

/** What is answered to a call whose service became known when parts of it had gone by unseen. */
const UNSEEN = {
  reason: "no_route",
  message: "the service is known since a moment alone: try again",
  isUnknown: true,
} as const;

/**
 * The call of a request, its messages looked at where a guard stands before what its lane leads to. `laneOf` gives its lane, as it is now; a call
 * whose token's key is not known waits for that first, and is decided for good then (`hasWaited`).
 */
export function serveCall(
  context: ProxyContext,
  arrived: Arrived,
  laneOf: (hasWaited?: boolean) => TripleLane,
): ServedRequest {
  const { port, stream, head, sinceMs } = arrived;
  const lane = laneOf();
  const token = lane.refusal?.token;
  if (token?.later !== undefined) {
    const serve = (again: Arrived) => serveCall(context, again, () => laneOf(true));
    const { later, facts } = token;
    const caller = facts.peer.address;
    return new HeldRequest({ context, arrived, later, caller, timeLeftMs: lane.callerTimeoutMs, serve });
  }
  if (token !== undefined) context.authz.denied(token.policy, token.facts);
  if (!lane.config.routes.hasGuards) return new TripleCall(context, port, stream, head, laneOf, sinceMs);
  const target = fieldValue(head.fields, ":path") ?? "";
  const query = target.includes("?") ? target.slice(target.indexOf("?")) : "";
  let isUnseen = false;
  const relane = (): TripleLane => {
    const now = laneOf();
    return isUnseen && now.guard?.inspects === true ? { ...now, refusal: UNSEEN } : now;
  };
  return new WatchedCall({
    context,
    port,
    stream,
    fields: head.fields,
    decision: lane.decision,
    framed: lane.head === undefined || isFramed(lane.head),
    end: head.end,
    watch(message, compressed) {
      const { guard, head: called, config, header } = laneOf();
      if (guard === undefined || called === undefined) isUnseen = true;
      if (guard?.inspects !== true || called === undefined) return undefined;
      const { maxBodyBytes: maxBytes } = context.frameLimits;
      const generic = header("generic");
      const seen = {
        head: called,
        generic,
        schema: config.schemaOf(called.interface),
        message,
        compressed,
        maxBytes,
        query,
        contentType: header("content-type") ?? "",
      };
      return guard.inspect((check) => messageFault(check, seen));
    },
    serve: (caller, before) => new TripleCall(context, caller, before, head, relane, sinceMs),
  });
}
