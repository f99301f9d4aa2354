import { ProtocolError } from "../../base/errors.ts";
import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { Fields } from "../../codecs/fields.ts";
import { Skipper } from "../../codecs/hessian2/skip.ts";
import { printAnswerHead } from "../../codecs/triple/answer.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { ArgumentWalk, encodeMovedValue, hasAt } from "../../codecs/triple/moves.ts";
import { encodeFields, FieldCursor } from "../../codecs/triple/protobuf.ts";
import type { ServiceKey } from "../../model/service.ts";

/** Forms that are kept for one head: its destinations, times the types of overloads. */
const MAX_FORMS = 8;
/** Frames whose head and attachments are over this are not worth keeping. */
const MAX_KEPT_BYTES = 4096;

/** Where a call goes, and how long it may take. */
interface Destination {
  readonly service: ServiceKey;
  readonly timeoutMs: number;
  readonly token: string;
}

/** What calls with one head have in common: all but their arguments. */
interface DubboForm {
  readonly to: Destination;
  /** As the attachment says it. */
  readonly timeoutMs: number;
  /** The wrapper up to its arguments, and behind them. */
  readonly before: Buffer;
  readonly types: Buffer;
  readonly count: number;
  /** The frame up to the arguments, and behind them. */
  readonly front: Buffer;
  readonly back: Buffer;
}

const FORMS = Symbol("dubbo forms");

/** The forms of calls with this head; undefined for its first call: most heads that no call shares have no second one. */
export function formsOf({ kept }: CallHead): DubboForms | undefined {
  const known = kept?.get(FORMS);
  if (known instanceof DubboForms) return known;
  const made = known === null ? new DubboForms() : undefined;
  kept?.set(FORMS, made ?? null);
  return made;
}

const walk = new ArgumentWalk();
const scanned = new RequestHead();

/** The Dubbo2 forms of Triple calls that all have one head: only their arguments are new, and moved behind what is known. */
export class DubboForms {
  readonly #list: DubboForm[] = [];
  #next = 0;

  /** The frame for `message`; undefined where no call like it was made to this destination, or its arguments cannot be moved. */
  like(message: Buffer, to: Destination): Buffer | undefined {
    const timeoutMs = Math.ceil(to.timeoutMs);
    for (const form of this.#list) {
      if (form.timeoutMs !== timeoutMs || form.to.service !== to.service || form.to.token !== to.token) continue;
      if (!hasAt(message, 0, form.before)) continue;
      if (!walk.inWrapper(message, form.before.length, message.length)) return undefined;
      const { end, count } = walk;
      if (count !== form.count || message.length - end !== form.types.length || !hasAt(message, end, form.types)) {
        continue;
      }
      const frame = walk.encodeFrame(form.front, form.back, HEADER_BYTES);
      walk.release();
      return frame;
    }
    return undefined;
  }

  /** Keeps what `message` has that became `frame` with its arguments moved as they are. */
  keep(message: Buffer, frame: Buffer, to: Destination): void {
    const cursor = new FieldCursor(message);
    if (!cursor.next() || cursor.field !== 1) return;
    const start = cursor.stop;
    if (!walk.inWrapper(message, start, message.length)) return;
    const { end, count } = walk;
    // Arguments and types by turns are allowed, and written by nobody.
    for (const rest = new FieldCursor(message, end); rest.next(); ) if (rest.field === 2) return;
    scanned.scan(frame, HEADER_BYTES, frame.length);
    const { argsStart, argumentCount } = scanned;
    scanned.release();
    if (argumentCount !== count || !walk.inBody(frame, argsStart, frame.length, count)) return;
    const keptBytes = start + (message.length - end) + argsStart + (frame.length - walk.end);
    if (keptBytes > MAX_KEPT_BYTES) return;
    this.#list[this.#next] = {
      to,
      timeoutMs: Math.ceil(to.timeoutMs),
      before: Buffer.from(message.subarray(0, start)),
      types: Buffer.from(message.subarray(end)),
      count,
      front: Buffer.from(frame.subarray(0, argsStart)),
      back: Buffer.from(frame.subarray(walk.end)),
    };
    this.#next = (this.#next + 1) % MAX_FORMS;
    walk.release();
  }
}

/** What the wrapper of an answer names where the declared type is not known: consumers then take the value as it is written. */
export const ANY_TYPE = "java.lang.Object";
const ANY_TYPE_FIELD = encodeFields([[3, ANY_TYPE]]);
/** Of value answers; always the same list, which encoders of heads know again. */
const VALUE_HEAD: Fields = printAnswerHead();
const VALUE_WITH_ATTACHMENTS = 0x94;
/** Attachments of answers that are kept, with the trailers that they became. */
const MAX_TRAILERS = 16;

const keptTrailers: { readonly bytes: Buffer; readonly trailers: Fields }[] = [];
let nextTrailers = 0;
const skipper = new Skipper();

/** A value in Triple's form; see `TripleReply`. */
interface MovedReply {
  readonly head: Fields;
  readonly body: Buffer;
  readonly trailers: Fields;
  readonly isException: false;
}

/**
 * The answer frame `bytes[start, end)`, of status 20 in Hessian2, for a Triple caller, where it has a value and attachments that an answer
 * before had too. Undefined for every other one.
 */
export function replyLikeBefore(bytes: Buffer, start: number, end: number): MovedReply | undefined {
  const from = start + HEADER_BYTES + 1;
  if (from >= end || bytes[from - 1] !== VALUE_WITH_ATTACHMENTS) return undefined;
  try {
    skipper.reset(bytes, from, end).skipValues(1);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
  const at = skipper.offset;
  skipper.release();
  for (const { bytes: known, trailers } of keptTrailers) {
    if (end - at !== known.length || !hasAt(bytes, at, known)) continue;
    const body = encodeMovedValue(bytes, from, at, ANY_TYPE_FIELD);
    return { head: VALUE_HEAD, body, trailers, isException: false };
  }
  return undefined;
}

/** Keeps the trailers that attachments at `at` to `end`, all of them texts, became. */
export function keepTrailers(bytes: Buffer, end: number, at: number, trailers: Fields): void {
  if (at >= end || end - at > MAX_KEPT_BYTES) return;
  keptTrailers[nextTrailers] = { bytes: Buffer.from(bytes.subarray(at, end)), trailers };
  nextTrailers = (nextTrailers + 1) % MAX_TRAILERS;
}
