import { editAnswer } from "../../codecs/dubbo2/answer-edit.ts";
import { supportsResponseAttachments } from "../../codecs/dubbo2/body.ts";
import { editRequest, type RequestEdits } from "../../codecs/dubbo2/edit.ts";
import { FASTJSON2, HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { Callable } from "../../codecs/xds/path-rewrite.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Mutations } from "../policies/mutations.ts";
import type { Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";

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

/** Changes an answer's frame; undefined where that cannot be done. */
export type EditAnswer = (answer: Buffer) => Buffer | undefined;

/**
 * Changes the attachments of an answer to `request`, of which nothing is kept, in turn. No answer can have any that is an error, in a
 * serialization that is only carried, to a request whose protocol version knows none of answers, or that cannot be read.
 */
export function answerEditor(request: Buffer, changes: readonly Mutations[]): EditAnswer {
  const isRead = readsAttachments(request);
  return (answer) => {
    try {
      return isRead === undefined ? undefined : editAnswer(answer, 0, answer.length, changes, isRead);
    } catch {
      return undefined;
    }
  };
}

/** Whether a request's caller reads attachments of answers; undefined where the request cannot be read. */
function readsAttachments(request: Buffer): boolean | undefined {
  try {
    // Whoever speaks fastjson2, 3.x, does.
    return serializationId(request, 0) === FASTJSON2 || supportsResponseAttachments(protocolOf(request));
  } catch {
    return undefined;
  }
}

function protocolOf(request: Buffer): string {
  if (serializationId(request, 0) !== HESSIAN2) return "";
  head.scan(request, HEADER_BYTES, request.length);
  const { protocolVersion } = head;
  head.release();
  return protocolVersion;
}

/** What a route and its chosen destination change in a call. */
export interface Change {
  readonly mutations: Mutations | undefined;
  readonly target: Target;
  /** The interface and method that the route's rewrite names; undefined where it has none. */
  readonly named?: Callable | undefined;
}

/** The edits of a call for `key` and `method`; undefined for nothing. */
export function editsFor(
  key: ServiceKey,
  method: string,
  { mutations, target, named }: Change,
): RequestEdits | undefined {
  const { group, version, ...service } = serviceFor(target.cluster.service, key);
  const name = named?.interface ?? service.interface;
  const isOther = name !== key.interface || group !== key.group || version !== key.version;
  const isRenamed = named !== undefined && named.method !== method;
  if (!isOther && !isRenamed && mutations === undefined && target.mutations === undefined) return undefined;
  return {
    ...(isOther && { service: name, group, version }),
    ...(isRenamed && { method: named.method }),
    remove: [...(mutations?.remove ?? []), ...(target.mutations?.remove ?? [])],
    set: [...(mutations?.set ?? []), ...(target.mutations?.set ?? [])],
    add: [...(mutations?.add ?? []), ...(target.mutations?.add ?? [])],
  };
}
