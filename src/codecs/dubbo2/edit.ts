/** Changes a request where it stands, without decoding it: see attachment-plan.ts. */
import { ProtocolError } from "../../base/errors.ts";
import { Skipper } from "../hessian2/skip.ts";
import { type AttachmentEdits, AttachmentPlan, encodeString, wireVersion } from "./attachment-plan.ts";
import { HEADER_BYTES, isMagic, writeBodyLength } from "./frame.ts";
import { asDubbo2, type RequestHead } from "./head.ts";

/** Changes to one request. What is left out stays as it is. */
export interface RequestEdits extends AttachmentEdits {
  /** The method that is meant; of a generic call the one that its first argument names. */
  readonly method?: string;
}

/**
 * A new frame with the edits made: the request's header with its new length, then its body. The request starts 16 bytes
 * before `head.bodyStart`; its bytes stay as they are. Throws `ProtocolError("dubbo2", ...)` where the body is no Hessian2
 * up to the end of its attachments.
 */
export function editRequest(head: RequestHead, edits: RequestEdits): Buffer {
  const start = head.bodyStart - HEADER_BYTES;
  if (start < 0 || !isMagic(head.bytes, start)) {
    throw new ProtocolError("dubbo2", "request to edit has no header before its body", head.bodyStart);
  }
  try {
    const { bytes } = head;
    const plan = new AttachmentPlan(bytes, head.attachments(), head.bodyEnd);
    plan.make(edits);
    const pieces = [bytes.subarray(start, head.protocolEnd)];
    pieces.push(
      edits.service === undefined ? bytes.subarray(head.protocolEnd, head.serviceEnd) : encodeString(edits.service),
    );
    const versionEnd = head.versionStart < 0 ? head.serviceEnd + 1 : head.versionEnd;
    pieces.push(
      edits.version === undefined
        ? bytes.subarray(head.serviceEnd, versionEnd)
        : encodeString(wireVersion(edits.version)),
    );
    const { mapStart } = head.attachments();
    if (edits.method === undefined) pieces.push(bytes.subarray(versionEnd, mapStart));
    else pieces.push(...withMethod(head, edits.method, versionEnd, mapStart));
    plan.write(pieces);
    const frame = Buffer.concat(pieces);
    writeBodyLength(frame, 0, frame.length - HEADER_BYTES);
    return frame;
  } catch (error) {
    throw asDubbo2(error);
  }
}

/** What stands between version and attachments, with another method; a generic call without a name for it stays as it is. */
function withMethod(head: RequestHead, method: string, from: number, to: number): Buffer[] {
  const { bytes, methodEnd, argsStart } = head;
  if (!head.isGeneric) return [encodeString(method), bytes.subarray(methodEnd, to)];
  const skipper = new Skipper().reset(bytes, argsStart, to);
  if (!skipper.isString()) return [bytes.subarray(from, to)];
  skipper.skipValues(1);
  return [bytes.subarray(from, argsStart), encodeString(method), bytes.subarray(skipper.offset, to)];
}
