import { CallError, ProtocolError } from "../../base/errors.ts";
import { encodeExceptionAnswer, encodeFastjson2Result, encodeStatusAnswer } from "../../codecs/dubbo2/answer.ts";
import { PROTOCOL_VERSION, supportsResponseAttachments } from "../../codecs/dubbo2/body.ts";
import { countdownMs } from "../../codecs/dubbo2/countdown.ts";
import { Fastjson2Head } from "../../codecs/dubbo2/fastjson2-head.ts";
import { FASTJSON2, HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { OK } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { encodeHessian2 } from "../../codecs/hessian2/writer.ts";
import { type Answer, parseAnswer } from "../../codecs/triple/answer.ts";
import {
  argTypesOf,
  decodeResponseWrapper,
  encodeRequestWrapper,
  type RequestWrapper,
} from "../../codecs/triple/body.ts";
import { encodeEnvelope } from "../../codecs/triple/envelope.ts";
import { FASTJSON2_TYPE, fastjson2Value } from "../../codecs/triple/fastjson2.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import { encodeMovedResult } from "../../codecs/triple/moves.ts";
import { dubbo2OfGrpc, exceptionIn } from "../../codecs/triple/status.ts";
import { resultKind, wrapArguments } from "../../codecs/triple/transcode.ts";
import { mapValue, type Value } from "../../codecs/value.ts";
import type { ServiceKey } from "../../model/service.ts";
import { keepForm, likeBefore } from "./triple-forms.ts";

const scanned = new RequestHead();
const fastjson2Head = new Fastjson2Head();

/** A Dubbo2 call in Triple's form, and what its answer has to look like. */
export interface TripleRequest {
  readonly fields: Fields;
  /** The one message, in its envelope. */
  readonly body: Buffer;
  /** The caller reads attachments of answers. */
  readonly readsAttachments: boolean;
  /** The caller speaks fastjson2 instead of Hessian2. */
  readonly inFastjson2?: true;
}

/** Where a translated call goes. */
export interface TripleDestination {
  /** `host:port` */
  readonly authority: string;
  readonly service: ServiceKey;
  /** What is left of the call's time, ms; Infinity for no bound. */
  readonly timeoutMs: number;
  /** How long ago the call came, ms. */
  readonly spentMs: number;
  /** The provider's own token, `""` for none. */
  readonly token: string;
}

/**
 * The request frame as a Triple call to an interface-style service: each argument in the wrapper, attachments as fields. Throws
 * CallError for a body that is neither Hessian2 nor fastjson2 and for text that no field can carry, `ProtocolError` for one that cannot be read.
 */
export function toTripleRequest(frame: Buffer, to: TripleDestination): TripleRequest {
  const serialization = serializationId(frame, 0);
  if (serialization === FASTJSON2) return fastjson2ToTriple(frame, to);
  if (serialization !== HESSIAN2) {
    throw new CallError(
      "unimplemented",
      "untranslatable",
      `serialization ${serialization} is not translated to triple`,
    );
  }
  const known = likeBefore(frame, to);
  if (known !== undefined) return known;
  try {
    scanned.scan(frame, HEADER_BYTES, frame.length);
    const { wrapper, attachments } = wrapArguments(scanned);
    const readsAttachments = supportsResponseAttachments(scanned.protocolVersion);
    const bounded = withCountdown(to, scanned);
    const request = { ...requestOf(scanned.method, wrapper, attachments, bounded), readsAttachments };
    const textOnly = bounded === to && attachments.every(([, value]) => typeof value === "string");
    keepForm(scanned, to, request, wrapper.argTypes, textOnly);
    return request;
  } finally {
    scanned.release();
  }
}

/** Arguments in fastjson2 are values of their own there too: they are moved, and so is the answer's. */
function fastjson2ToTriple(frame: Buffer, to: TripleDestination): TripleRequest {
  try {
    fastjson2Head.scan(frame, HEADER_BYTES, frame.length);
    const args = fastjson2Head.argumentBytes();
    const wrapper = { serializeType: FASTJSON2_TYPE, args, argTypes: argTypesOf(fastjson2Head.descriptor) };
    const attachments = fastjson2Head.attachments();
    const request = requestOf(fastjson2Head.method, wrapper, attachments.entries, withCountdown(to, fastjson2Head));
    return { ...request, readsAttachments: true, inFastjson2: true };
  } finally {
    fastjson2Head.release();
  }
}

/** The destination with what is left of the caller's time, where the call itself says it. */
export function withCountdown(to: TripleDestination, head: Pick<RequestView, "attachments">): TripleDestination {
  const leftMs = countdownMs(head.attachments()) - to.spentMs;
  return leftMs < to.timeoutMs ? { ...to, timeoutMs: Math.max(1, leftMs) } : to;
}

/** What a translated call's head says beside its destination. */
export interface HeadParts {
  /** The service as the provider names it. */
  readonly path: string;
  readonly method: string;
  readonly application: string | undefined;
  readonly attachments: Iterable<readonly [string, Value]>;
}

/** The head of a translated call as its provider takes it. Throws CallError for what no field can carry. */
export function providerHead(to: Omit<TripleDestination, "spentMs">, call: HeadParts): Fields {
  const attachments = new Map(call.attachments);
  if (to.token !== "") attachments.set("token", to.token);
  return printRequestHead({
    authority: to.authority,
    path: call.path,
    method: call.method,
    group: to.service.group,
    version: to.service.version,
    timeoutMs: Number.isFinite(to.timeoutMs) ? Math.max(1, to.timeoutMs) : undefined,
    consumerApplication: call.application,
    attachments,
  }).fields;
}

function requestOf(
  method: string,
  wrapper: RequestWrapper,
  attachments: Iterable<readonly [string, Value]>,
  to: TripleDestination,
): Pick<TripleRequest, "fields" | "body"> {
  const said = new Map(attachments);
  const named = said.get("remote.application");
  const application = typeof named === "string" ? named : undefined;
  const fields = providerHead(to, { path: to.service.interface, method, application, attachments: said });
  const message = encodeRequestWrapper(wrapper);
  return { fields, body: Buffer.concat([encodeEnvelope(message.length), message]) };
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
  request: Pick<TripleRequest, "readsAttachments" | "inFastjson2">,
  { head, message, trailers }: TripleAnswer,
): Buffer {
  const { answer, tail } = knownAnswer(head, trailers);
  const { inFastjson2 = false } = request;
  if (answer.type === "error") return errorFrame(idHigh, idLow, answer, inFastjson2 ? FASTJSON2 : HESSIAN2);
  if (message === undefined) throw new ProtocolError("triple", "answer without a message");
  const wrapper = decodeResponseWrapper(message);
  if (inFastjson2) {
    const attachments = new Map<string, string | Uint8Array>(answer.attachments).set("dubbo", PROTOCOL_VERSION);
    const isException = answer.type === "exception";
    return encodeFastjson2Result(idHigh, idLow, isException, fastjson2Value(wrapper), attachments);
  }
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

/** The frame of an answer that is an error without a Throwable: of a provider to 3.1, the exception that its details name. */
export function errorFrame(
  idHigh: number,
  idLow: number,
  { grpc, message, details }: Answer,
  serialization: number = HESSIAN2,
): Buffer {
  const status = dubbo2OfGrpc(grpc);
  const text = details?.detail || message || details?.message || `grpc status ${grpc} without a text`;
  if (status !== OK) return encodeStatusAnswer(idHigh, idLow, serialization, status, text);
  const thrown = details === undefined ? undefined : exceptionIn(details);
  if (thrown === undefined) return encodeExceptionAnswer(idHigh, idLow, serialization, text);
  return encodeExceptionAnswer(idHigh, idLow, serialization, thrown.message, thrown.className);
}
