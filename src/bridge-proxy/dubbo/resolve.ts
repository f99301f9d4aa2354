import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { type ServiceKey, serviceKey } from "../../model/service.ts";
import { decideHost, type HostDecision } from "../route.ts";
import type { Lane } from "./lanes.ts";

/** The virtual host of a call whose lane does not fix it: by its group, and by the method that a generic call names. */
export function hostOf(lane: Lane, head: RequestView): HostDecision | undefined {
  const { decision } = lane;
  if (decision === undefined) return undefined;
  const found = decision.byGroup.get(head.attachments().get("group") ?? "");
  if (found === undefined || !head.isGeneric) return found;
  return decideHost(found.host, head.effectiveMethod);
}

/** The service that a call names, as far as its body can be read. */
export function calledKey(head: RequestView): ServiceKey {
  let group: string | undefined;
  try {
    group = head.attachments().get("group");
  } catch {
    // A body that is no Hessian2 after its head: its group stays unknown.
  }
  return serviceKey(head.service, group, head.version);
}

/** A call's tag and whether it must be met, from its attachments. */
export interface CallTag {
  readonly tag: string;
  readonly tagForced: boolean;
}

/** Asks for no tag: what counts for calls to a service of which no provider has one. */
export const NO_TAG: CallTag = { tag: "", tagForced: false };

/**
 * Reads `dubbo.tag` and `dubbo.force.tag`. A call that names no tag has the one that its consumer `registered` with, as Dubbo's
 * tag routers read it (2.7 TagRouter, 3.x TagStateRouter); so has one without a `head`, which cannot be read.
 */
export function tagOf(head: RequestView | undefined, registered = ""): CallTag {
  const attachments = head?.attachments();
  return {
    tag: attachments?.get("dubbo.tag") || registered,
    tagForced: attachments?.get("dubbo.force.tag") === "true",
  };
}
