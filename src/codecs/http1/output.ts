import { CallError } from "../../base/errors.ts";
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  type FieldLines,
  HOP,
  TOKEN_BYTES,
  TRANSFER_ENCODING,
  UPGRADE,
  VALUE_BYTES,
} from "./fields.ts";

/** A header line to send. */
export type Field = readonly [name: string, value: string];

/**
 * Header lines to send: the end-to-end lines of a head that came in, as they were (`from`), but for those that `without` names,
 * then `fields`. Lines about framing and the connection are the machine's own and are left out of both.
 */
export interface FieldsToSend {
  readonly from?: ForwardedHead | undefined;
  /** Lower case. */
  readonly without?: readonly string[] | undefined;
  readonly fields?: readonly Field[] | undefined;
}

/** A head whose lines are passed on. */
export interface ForwardedHead {
  readonly fields: FieldLines;
  /** Names that are for the last hop alone, lower case. */
  readonly nominated: readonly string[];
}

/** How the body that is being sent is framed: none, by length, in chunks, or as it comes. */
export const NO_BODY = 0;
/** See {@link NO_BODY}. */
export const BY_LENGTH = 1;
/** See {@link NO_BODY}. */
export const CHUNKED = 2;
/** See {@link NO_BODY}. */
export const RAW = 3;

const SLAB_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);
const OWN_NAMES = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

const OWN_LENGTHS: boolean[] = [];
for (const { length } of OWN_NAMES) OWN_LENGTHS[length] = true;
/** Texts up to this are written by themselves: a call out of the engine costs more than their characters. */
const SHORT_TEXT = 96;

/** Output of one connection: text and bytes appended to one buffer, taken as a whole. Bytes taken are not written again before `reuse`. */
export class Output {
  #slab: Buffer = EMPTY;
  #start = 0;
  #end = 0;

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Bytes appended since the last call; the caller owns them. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  /** What was taken is of no use any more: its place is written again, which a cache likes better than new memory. */
  reuse(): void {
    if (this.#start !== this.#end) return;
    if (this.#slab.length > SLAB_BYTES) this.#slab = EMPTY;
    this.#start = 0;
    this.#end = 0;
  }

  /** Appends characters of ISO 8859-1. */
  text(text: string): void {
    const { length } = text;
    this.#reserve(length);
    if (length > SHORT_TEXT) {
      this.#end += this.#slab.latin1Write(text, this.#end);
      return;
    }
    const slab = this.#slab;
    let at = this.#end;
    for (let i = 0; i < length; i++) slab[at++] = text.charCodeAt(i);
    this.#end = at;
  }

  /** Appends `bytes[start, end)`. */
  bytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    this.#reserve(length);
    if (length < 32) for (let i = 0; i < length; i++) this.#slab[this.#end + i] = bytes[start + i]!;
    else this.#slab.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#end);
    this.#end += length;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#slab.length - this.#end) return;
    const waiting = this.#end - this.#start;
    const size = Math.max(SLAB_BYTES, waiting + bytes > SLAB_BYTES ? 2 * (waiting + bytes) : 0);
    const slab = Buffer.allocUnsafeSlow(size);
    this.#slab.copy(slab, 0, this.#start, this.#end);
    this.#slab = slab;
    this.#start = 0;
    this.#end = waiting;
  }
}

/** Appends header lines, then `last`. Throws `CallError` (`undecodable`) for a name or value that would not stay one line. */
export function writeFields(output: Output, send: FieldsToSend, last = ""): void {
  if (send.from !== undefined) forward(output, send.from, send.without);
  if (send.fields !== undefined) {
    for (const [name, value] of send.fields) {
      if (isOwnName(name)) continue;
      output.text(name);
      output.text(": ");
      output.text(value);
      output.text("\r\n");
    }
  }
  output.text(last);
}

function isOwnName(name: string): boolean {
  return OWN_LENGTHS[name.length] === true && OWN_NAMES.has(name.toLowerCase());
}

/** Checks names and values that are to be sent. Throws `CallError` (`undecodable`). */
export function checkFields(fields: readonly Field[] | undefined): void {
  if (fields === undefined) return;
  for (const [name, value] of fields) {
    if (!isToken(name)) throw new CallError("invalid_argument", "undecodable", "header name is not a token");
    for (let i = 0; i < value.length; i++) {
      const char = value.charCodeAt(i);
      if (char > 255 || VALUE_BYTES[char] !== 1) {
        throw new CallError(
          "invalid_argument",
          "undecodable",
          `header ${name} has a character that no header can carry`,
        );
      }
    }
  }
}

/** Whether a text is a token: one or more of the characters that names and methods are made of. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN_BYTES[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** Neighbouring lines that stay are copied as one piece. */
function forward(output: Output, head: ForwardedHead, without: readonly string[] | undefined): void {
  const { fields } = head;
  const { count } = fields;
  let first = -1;
  for (let i = 0; i < count; i++) {
    if (!isDropped(head, i, without)) {
      if (first === -1) first = i;
    } else if (first !== -1) {
      output.bytes(fields.bytes, fields.lineStart(first), fields.lineStart(i));
      first = -1;
    }
  }
  if (first !== -1) output.bytes(fields.bytes, fields.lineStart(first), fields.lineEnd(count - 1));
}

function isDropped(head: ForwardedHead, index: number, without: readonly string[] | undefined): boolean {
  switch (head.fields.kind(index)) {
    case CONTENT_LENGTH:
    case TRANSFER_ENCODING:
    case CONNECTION:
    case UPGRADE:
    case EXPECT:
    case HOP:
      return true;
  }
  return isOneOf(head, index, head.nominated) || (without !== undefined && isOneOf(head, index, without));
}

function isOneOf(head: ForwardedHead, index: number, names: readonly string[]): boolean {
  for (let i = 0; i < names.length; i++) if (head.fields.isNamed(index, names[i]!)) return true;
  return false;
}

/** Body bytes still owed after some are sent. Throws `CallError` for more than were announced. */
export function owedAfter(owed: number, bytes: number): number {
  if (bytes > owed) throw new CallError("internal", "internal", `http1 body is ${bytes - owed} bytes over its length`);
  return owed - bytes;
}

/** The text, when it can stand in a first line or a value; else throws `CallError` (`undecodable`). */
export function checkedText(text: string): string {
  if (!/^[\t -~\x80-\xff]*$/.test(text)) {
    throw new CallError("invalid_argument", "undecodable", "http1 text has a character that no header can carry");
  }
  return text;
}
