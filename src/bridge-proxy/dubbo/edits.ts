import { editRequest, type RequestEdits } from "../../codecs/dubbo2/edit.ts";
import { HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Mutations, Target } from "../route.ts";

const head = new RequestHead();

/**
 * Applies a request's edits; gives the frame itself where there is nothing to change. Undefined where the body cannot be read,
 * so that nothing can be changed in it.
 */
export function editFrame(frame: Buffer, edits: RequestEdits | undefined): Buffer | undefined {
  if (edits === undefined) return frame;
  if (serializationId(frame, 0) !== HESSIAN2) return undefined;
  try {
    head.scan(frame, HEADER_BYTES, frame.length);
    return editRequest(head, edits);
  } catch {
    return undefined;
  } finally {
    head.release();
  }
}

/** What a route and its chosen destination change in a call for `key`; undefined for nothing. */
export function editsFor(key: ServiceKey, mutations: Mutations | undefined, target: Target): RequestEdits | undefined {
  const { service } = target.cluster;
  const isOther = service.interface !== key.interface || service.group !== key.group || service.version !== key.version;
  if (!isOther && mutations === undefined && target.mutations === undefined) return undefined;
  return {
    ...(isOther && { service: service.interface, group: service.group, version: service.version }),
    remove: [...(mutations?.remove ?? []), ...(target.mutations?.remove ?? [])],
    set: [...(mutations?.set ?? []), ...(target.mutations?.set ?? [])],
    add: [...(mutations?.add ?? []), ...(target.mutations?.add ?? [])],
  };
}
