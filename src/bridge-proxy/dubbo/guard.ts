import { type CallReason, ProtocolError } from "../../base/errors.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { type Checkpoint, checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import { limitRuling } from "../authz/limit-question.ts";
import type { Peer } from "../authz/peer.ts";
import { askedAsServed, servedLookup } from "../authz/served.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { otherReadings, policyLookup, refuseDoubleNames, refuseOtherNames } from "./readings.ts";

/** Why a call does not go on. */
export interface Refusal {
  readonly reason: CallReason;
  readonly message: string;
}

/** What is known of a call when its route has been chosen. */
export interface LedCall {
  readonly config: RuntimeConfig;
  readonly peer: Peer;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  /** Undefined where the frame cannot be read. */
  readonly head: RequestView | undefined;
  readonly header: HeaderLookup;
  readonly nowMs: number;
  /** Checkpoints that calls of the same lane have passed; undefined where each call's method is its own. */
  readonly known: Map<CompiledRoute, Checkpoint | undefined> | undefined;
}

/** What policies and limits say of a call; to be asked once. Throws `ProtocolError` where the call cannot be read that far. */
export function rulingOf(call: LedCall): Ruling | undefined {
  const ruling = policyRuling(call);
  const { limits } = call.decision.host;
  return limits === undefined ? ruling : limitRuling(limits, { ...call, ruling });
}

/**
 * Whether policies let a call through. Calls that name one service at their head and another in their attachments are refused as soon as
 * there are policies at all: a provider goes by the attachments. Throws `ProtocolError` where the call cannot be read that far.
 */
function policyRuling(call: LedCall): Ruling | undefined {
  const { config, peer, decision, route, head, header, known } = call;
  if (!config.routes.hasPolicies) return undefined;
  // Calls of one lane begin alike.
  const isKnown = known?.has(route) === true;
  if (isKnown && head !== undefined) refuseOtherNames(head, decision);
  else if (head !== undefined) refuseDoubleNames(config.routes, head, decision);
  const checkpoint = isKnown
    ? known!.get(route)
    : checkpointTo(config.routes, { peer, decision, route, ...pathOf(head) }, head && otherReadings(head));
  if (!isKnown) known?.set(route, checkpoint);
  if (checkpoint === undefined) return undefined;
  try {
    const isTriple =
      config.servedOf !== undefined && route.targets.some(({ cluster }) => cluster.tri.listed.length > 0);
    const { key } = decision.host;
    const seen = isTriple ? servedLookup(config, key, header) : header;
    const ruling = checkpoint.judge({
      header: head === undefined ? header : policyLookup(head, seen),
      inspect: (check) => (head === undefined ? UNREAD : check.faultOf(head)),
    });
    return isTriple && ruling !== undefined ? askedAsServed(config, key, ruling) : ruling;
  } catch (error) {
    // A frame that is only carried has nothing that policies could ask for.
    if (head !== undefined || !(error instanceof ProtocolError)) throw error;
    return { denial: { reason: "denied", message: "RBAC: access denied", policy: "" }, denied: undefined };
  }
}

/** What a guard that looks into calls is told of a frame that cannot be read. */
export const UNREAD = "its serialization is not read";

/** The lookup of a frame that cannot be read. */
export const UNREADABLE: HeaderLookup = (name) => {
  throw new ProtocolError("dubbo2", `a policy asks for ${name} of a call that is only carried`);
};

function pathOf(head: RequestView | undefined): { readonly path?: { readonly unknown: true } } {
  return head === undefined ? { path: { unknown: true } } : {};
}
