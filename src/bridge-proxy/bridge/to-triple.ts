import { CallError, ProtocolError } from "../../base/errors.ts";
import { encodeExceptionAnswer, encodeStatusAnswer } from "../../codecs/dubbo2/answer.ts";
import { PROTOCOL_VERSION, supportsResponseAttachments } from "../../codecs/dubbo2/body.ts";
import { HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import { OK } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { encodeHessian2 } from "../../codecs/hessian2/writer.ts";
import { type Answer, parseAnswer } from "../../codecs/triple/answer.ts";
import { decodeResponseWrapper, encodeRequestWrapper } from "../../codecs/triple/body.ts";
import { encodeEnvelope } from "../../codecs/triple/envelope.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import { encodeMovedResult } from "../../codecs/triple/moves.ts";
import { dubbo2OfGrpc } from "../../codecs/triple/status.ts";
import { resultKind, wrapArguments } from "../../codecs/triple/transcode.ts";
import { mapValue } from "../../codecs/value.ts";
import type { ServiceKey } from "../../model/service.ts";
import { keepForm, likeBefore } from "./triple-forms.ts";

const scanned = new RequestHead();

/** A Dubbo2 call in Triple's form, and what its answer has to look like. */
export interface TripleRequest {
  readonly fields: Fields;
  /** The one message, in its envelope. */
  readonly body: Buffer;
  /** The caller reads attachments of answers. */
  readonly readsAttachments: boolean;
}

/** Where a translated call goes. */
export interface TripleDestination {
  /** `host:port` */
  readonly authority: string;
  readonly service: ServiceKey;
  /** What is left of the call's time, ms; Infinity for no bound. */
  readonly timeoutMs: number;
  /** The provider's own token, `""` for none. */
  readonly token: string;
}

/**
 * The request frame as a Triple call to an interface-style service: each argument in the wrapper, attachments as fields. Throws
 * CallError for a body that is not Hessian2 and for text that no field can carry, `ProtocolError` for one that cannot be read.
 */
export function toTripleRequest(frame: Buffer, to: TripleDestination): TripleRequest {
  if (serializationId(frame, 0) !== HESSIAN2) {
    const text = `serialization ${serializationId(frame, 0)} is not translated to triple`;
    throw new CallError("unimplemented", "untranslatable", text);
  }
  const known = likeBefore(frame, to);
  if (known !== undefined) return known;
  try {
    scanned.scan(frame, HEADER_BYTES, frame.length);
    const { wrapper, attachments } = wrapArguments(scanned);
    const said = new Map(attachments);
    const application = said.get("remote.application");
    if (to.token !== "") said.set("token", to.token);
    const { fields } = printRequestHead({
      authority: to.authority,
      path: to.service.interface,
      method: scanned.method,
      group: to.service.group,
      version: to.service.version,
      timeoutMs: Number.isFinite(to.timeoutMs) ? Math.max(1, to.timeoutMs) : undefined,
      consumerApplication: typeof application === "string" ? application : undefined,
      attachments: said,
    });
    const message = encodeRequestWrapper(wrapper);
    const request = {
      fields,
      body: Buffer.concat([encodeEnvelope(message.length), message]),
      readsAttachments: supportsResponseAttachments(scanned.protocolVersion),
    };
    const textOnly = attachments.every(([, value]) => typeof value === "string");
    keepForm(scanned, to, request, wrapper.argTypes, textOnly);
    return request;
  } finally {
    scanned.release();
  }
}

/** A Triple answer, whole: its head (null where there were trailers alone), its message, its trailers. */
export interface TripleAnswer {
  readonly head: Fields | null;
  readonly message: Buffer | undefined;
  readonly trailers: Fields | null;
}

/**
 * The answer as a Dubbo2 frame for the request with this id. A value and an exception are moved unread; an error without a
 * Throwable is a RuntimeException with its text where Dubbo2 has no status for it. Throws `ProtocolError` for an answer that is
 * no wrapper.
 */
export function toDubboAnswer(
  idHigh: number,
  idLow: number,
  request: Pick<TripleRequest, "readsAttachments">,
  { head, message, trailers }: TripleAnswer,
): Buffer {
  const { answer, tail } = knownAnswer(head, trailers);
  if (answer.type === "error") return errorFrame(idHigh, idLow, answer);
  if (message === undefined) throw new ProtocolError("triple", "answer without a message");
  const wrapper = decodeResponseWrapper(message);
  const kind = resultKind(wrapper, answer.type === "exception");
  return request.readsAttachments
    ? encodeMovedResult(idHigh, idLow, kind + 3, wrapper.data, tail)
    : encodeMovedResult(idHigh, idLow, kind, wrapper.data, NO_TAIL);
}

const NO_TAIL = Buffer.alloc(0);

/** What an answer's head and trailers say, with its attachments as they follow a value in Dubbo2. */
interface KnownAnswer {
  readonly head: Fields | null;
  readonly trailers: Fields | null;
  readonly answer: Answer;
  readonly tail: Buffer;
}

/** Those of the last answers: decoders give the same lists again where an answer is like one before. */
const KNOWN_ANSWERS = 16;
const knownAnswers: KnownAnswer[] = [];
let nextAnswer = 0;

function knownAnswer(head: Fields | null, trailers: Fields | null): KnownAnswer {
  for (const known of knownAnswers) if (known.trailers === trailers && known.head === head) return known;
  const answer = parseAnswer(head, trailers);
  // Every Dubbo2 provider says its protocol version there.
  const attachments = new Map<string, string | Uint8Array>(answer.attachments).set("dubbo", PROTOCOL_VERSION);
  const made = { head, trailers, answer, tail: encodeHessian2(mapValue([...attachments])) };
  knownAnswers[nextAnswer] = made;
  nextAnswer = (nextAnswer + 1) % KNOWN_ANSWERS;
  return made;
}

/** The frame of an answer that is an error without a Throwable. */
export function errorFrame(idHigh: number, idLow: number, { grpc, message, details }: Answer): Buffer {
  const status = dubbo2OfGrpc(grpc);
  const text = details?.detail || message || details?.message || `grpc status ${grpc} without a text`;
  return status === OK
    ? encodeExceptionAnswer(idHigh, idLow, HESSIAN2, text)
    : encodeStatusAnswer(idHigh, idLow, HESSIAN2, status, text);
}
