import { CallError, ProtocolError } from "../../base/errors.ts";
import { decodeErrorText } from "../../codecs/dubbo2/answer.ts";
import { isException, PROTOCOL_VERSION } from "../../codecs/dubbo2/body.ts";
import {
  encodeFrame,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  HESSIAN2,
  serializationId,
  status as statusOf,
} from "../../codecs/dubbo2/frame.ts";
import { OK } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { exceptionCodeFor, printAnswerHead, printTrailers } from "../../codecs/triple/answer.ts";
import {
  decodeRequestWrapper,
  encodeResponseWrapper,
  looksWrapped,
  namesObserver,
  refuseBrokenWrapper,
} from "../../codecs/triple/body.ts";
import { ENVELOPE_BYTES, encodeEnvelope, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import { isFastjson2, withHessianArguments } from "../../codecs/triple/fastjson2.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { grpcOfDubbo2 } from "../../codecs/triple/status.ts";
import { unwrapArguments, wrapResult } from "../../codecs/triple/transcode.ts";
import type { ServiceKey } from "../../model/service.ts";
import { inflated } from "./compression.ts";
import { ANY_TYPE, formsOf, keepTrailers, replyLikeBefore } from "./dubbo-forms.ts";

/** Attachments of an answer over this are refused: callers end the connection, with all its calls, over trailers that are too long. */
const MAX_TRAILERS_BYTES = 64 * 1024;

/** Where a translated call goes. */
export interface DubboDestination {
  readonly service: ServiceKey;
  /** What is left of the call's time, ms; Infinity for no bound. */
  readonly timeoutMs: number;
  /** The provider's own token, `""` for none. */
  readonly token: string;
}

/**
 * The one message of a gRPC-framed request, `body` being all of its content; inflated up to `maxBytes` where it is compressed, by what
 * the head's `encoding` says. Throws `ProtocolError` where it is none, CallError `unimplemented` where there are more than one, and as
 * {@link inflated}.
 */
export function onlyMessage(body: Buffer, encoding: string, maxBytes: number): Buffer {
  if (body.length < ENVELOPE_BYTES) throw new ProtocolError("triple", "request without a message");
  const flags = body[0]!;
  if ((flags & ~FLAG_COMPRESSED) !== 0)
    throw new ProtocolError("triple", `grpc message has flags 0x${flags.toString(16)}`);
  const length = body.readUInt32BE(1);
  if (length > body.length - ENVELOPE_BYTES) throw new ProtocolError("triple", "request ends inside a message");
  if (length < body.length - ENVELOPE_BYTES) {
    throw untranslatable("streams cannot be carried to a dubbo2 provider");
  }
  const message = body.subarray(ENVELOPE_BYTES);
  return flags === 0 ? message : inflated(message, encoding, maxBytes);
}

/**
 * A Triple call with a wrapped message as a Dubbo2 request frame, id 0. Throws CallError `unimplemented` for a message that is no
 * wrapper: a protobuf message names no types that a Dubbo2 provider knows; `ProtocolError` for one that cannot be read.
 */
export function toDubboRequest(head: CallHead, message: Buffer, to: DubboDestination): Buffer {
  const forms = formsOf(head);
  const known = forms?.like(message, to);
  if (known !== undefined) return known;
  const isWrapped = looksWrapped(message);
  if (!isWrapped) refuseBrokenWrapper(message);
  if (!isWrapped || namesObserver(message)) {
    throw untranslatable("a protobuf message, or a stream, cannot be translated for a dubbo2 provider");
  }
  const { interface: path, version } = to.service;
  const call = {
    protocolVersion: PROTOCOL_VERSION,
    path,
    version: version === "" ? "0.0.0" : version,
    method: head.method,
    attachments: dubboAttachments(head, to),
  };
  const { body, decoded } = unwrapArguments(call, withHessianArguments(decodeRequestWrapper(message)));
  const flags = FLAG_REQUEST | FLAG_TWO_WAY | HESSIAN2;
  const frame = encodeFrame({ flags, status: 0, idHigh: 0, idLow: 0 }, body);
  if (decoded === 0 && !isFastjson2(message)) forms?.keep(message, frame, to);
  return frame;
}

/** What a Dubbo2 provider reads beside the arguments: the caller's own attachments, and where the call goes. */
export function dubboAttachments(head: CallHead, to: DubboDestination): Map<string, string | Uint8Array> {
  const { interface: path, group, version } = to.service;
  const attachments = new Map<string, string | Uint8Array>(head.attachments);
  attachments.set("path", path).set("interface", path);
  attachments.set("version", version === "" ? "0.0.0" : version);
  if (group === "") attachments.delete("group");
  else attachments.set("group", group);
  if (Number.isFinite(to.timeoutMs)) attachments.set("timeout", String(Math.max(1, Math.ceil(to.timeoutMs))));
  if (head.consumerApplication !== undefined) attachments.set("remote.application", head.consumerApplication);
  if (to.token !== "") attachments.set("token", to.token);
  return attachments;
}

/** A Dubbo2 answer in Triple's form; `body` is undefined where the head is all. */
export interface TripleReply {
  readonly head: Fields;
  readonly body: Buffer | undefined;
  readonly trailers: Fields | undefined;
  readonly isException: boolean;
}

/**
 * The answer frame `bytes[start, end)`, in Hessian2, for a Triple caller; Java's take that where they asked in fastjson2, too. Throws
 * `ProtocolError` for a frame in another format or one that cannot be read.
 */
export function toTripleReply(bytes: Buffer, start: number, end: number): TripleReply {
  const status = statusOf(bytes, start);
  const serialization = serializationId(bytes, start);
  if (status !== OK) {
    const message = decodeErrorText(bytes, start + HEADER_BYTES, end, serialization);
    const { fields } = printTrailers({ grpc: grpcOfDubbo2(status), message }, true);
    return { head: fields, body: undefined, trailers: undefined, isException: false };
  }
  if (serialization !== HESSIAN2) {
    throw new ProtocolError("dubbo2", `answer in serialization ${serialization}, which is not translated to triple`);
  }
  const moved = replyLikeBefore(bytes, start, end);
  if (moved !== undefined) return moved;
  const { wrapper, exceptionGrpc, attachments, attachmentsAt } = wrapResult(bytes, start, end, ANY_TYPE);
  const message = encodeResponseWrapper(wrapper);
  const thrown = isException(bytes, start, end);
  const trailers = checkedTrailers(printTrailers({ grpc: 0, attachments }).fields);
  if (attachments.every(([, value]) => typeof value === "string")) keepTrailers(bytes, end, attachmentsAt, trailers);
  return {
    head: printAnswerHead(thrown ? exceptionCodeFor(exceptionGrpc) : 0),
    body: Buffer.concat([encodeEnvelope(message.length), message]),
    trailers,
    isException: thrown,
  };
}

/** The trailers, as they are. Throws `ProtocolError` where they are over what callers take. */
export function checkedTrailers(fields: Fields): Fields {
  const bytes = fields.reduce((sum, text) => sum + text.length + 16, 0);
  if (bytes <= MAX_TRAILERS_BYTES) return fields;
  throw new ProtocolError(
    "dubbo2",
    `attachments of the answer are ${bytes} bytes, over the limit ${MAX_TRAILERS_BYTES}`,
  );
}

function untranslatable(text: string): CallError {
  return new CallError("unimplemented", "untranslatable", text);
}
