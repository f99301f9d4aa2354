import { type CallReason, ProtocolError } from "../../base/errors.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { type Checkpoint, checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";

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
  /** Checkpoints that calls of the same lane have passed; undefined where each call's method is its own. */
  readonly known: Map<CompiledRoute, Checkpoint | undefined> | undefined;
}

/**
 * Whether policies let a call through. Calls that name one service at their head and another in their attachments are refused as soon as
 * there are policies at all: a provider goes by the attachments. Throws `ProtocolError` where the call cannot be read that far.
 */
export function rulingOf(call: LedCall): Ruling | undefined {
  const { config, peer, decision, route, head, header, known } = call;
  if (!config.routes.hasPolicies) return undefined;
  if (head !== undefined) refuseDoubleNames(head, decision);
  const checkpoint =
    known?.has(route) === true
      ? known.get(route)
      : checkpointTo(config.routes, { peer, decision, route, ...pathOf(head) });
  known?.set(route, checkpoint);
  try {
    return checkpoint?.judge({ header, inspect: (check) => (head === undefined ? UNREAD : check.faultOf(head)) });
  } catch (error) {
    // A frame that is only carried has nothing that policies could ask for.
    if (head !== undefined || !(error instanceof ProtocolError)) throw error;
    return { denial: { reason: "denied", message: "RBAC: access denied", policy: "" }, denied: undefined };
  }
}

const UNREAD = "its serialization is not read";

/** The lookup of a frame that cannot be read. */
export const UNREADABLE: HeaderLookup = (name) => {
  throw new ProtocolError("dubbo2", `a policy asks for ${name} of a call that is only carried`);
};

function pathOf(head: RequestView | undefined): { readonly path?: { readonly unknown: true } } {
  return head === undefined ? { path: { unknown: true } } : {};
}

/**
 * Providers find their service by `path`, `group` and `version` among the attachments (DubboProtocol.getInvoker, all lines to 3.3), and call
 * what argument 0 of `$invoke` names with any three arguments (2.6 and 2.7.0 to 2.7.6).
 */
function refuseDoubleNames(head: RequestView, { host }: HostDecision): void {
  const attachments = head.attachments();
  const differ = (name: string, is: string, said: string | undefined, at: string) => {
    if (said === undefined || said === is) return;
    throw new ProtocolError(
      "dubbo2",
      `attachment ${name} names ${JSON.stringify(said.slice(0, 100))}, and the ${at} ${JSON.stringify(is.slice(0, 100))}`,
    );
  };
  differ("path", head.service, attachments.get("path"), "call's head");
  differ("version", plainVersion(head.version ?? ""), versionOf(attachments.get("version")), "call's head");
  differ("group", host.key.group, attachments.get("group"), "service");
  if (head.method.startsWith("$invoke") && (!head.isGeneric || head.effectiveMethod === head.method))
    throw new ProtocolError("dubbo2", `call of ${head.method} does not say which method is meant`);
}

function versionOf(said: string | undefined): string | undefined {
  return said === undefined ? undefined : plainVersion(said);
}

function plainVersion(version: string): string {
  return version === "0.0.0" ? "" : version;
}
