import { ProtocolError } from "../../base/errors.ts";
import { Skipper } from "../hessian2/skip.ts";
import { skipUnits } from "../hessian2/strings.ts";
import type { RequestHead } from "./head.ts";
import { equalsAsciiIgnoreCase } from "./text.ts";

/** What a request said in the attachments that are asked for. */
export interface SaidEntries {
  /** Its bytes from the method's end to the first argument: the types of its arguments. */
  readonly types: Buffer;
  readonly argumentCount: number;
  /** The entries that are asked for, one behind the other as they stood, keys and values. */
  readonly entries: Buffer;
}

/** Longer ones are not remembered. */
const MAX_SAID_BYTES = 512;
/** Requests with more attachments are read in full. */
const MAX_ENTRIES = 256;
const TAG_MAP = 0x48;
const TAG_END = 0x5a;
/** Longest key, in bytes: what a string of one byte of length may have. */
const MAX_KEY = 0x1f;
const NO_ASCII = 0x80;

const skipper = new Skipper();

/**
 * Tells requests apart by some of their attachments, without making anything of them: two that say the same in these, in the same order, are
 * the same for whoever reads no more. The arguments before them are walked over value by value, so that nothing in them can pass for an attachment;
 * what is not as consumers write it is never the same.
 */
export class AskedEntries {
  readonly #names: readonly string[];
  /** A bit for each length that a name has. */
  readonly #lengths: number;

  /** `names` in any case of letters: an entry whose key is one but for the case of its letters is asked for. */
  constructor(names: readonly string[]) {
    this.#names = names;
    this.#lengths = names.reduce((lengths, { length }) => lengths | (1 << length), 0);
  }

  /** Whether keys that are one of these names can be told by their bytes. */
  static canTell(names: readonly string[]): boolean {
    return names.every((name) => name.length <= MAX_KEY && /^[\x20-\x7e]+$/.test(name));
  }

  /** What this request says; undefined for one that is to be read in full. Throws `ProtocolError` where it cannot be read. */
  said(head: RequestHead): SaidEntries | undefined {
    const attachments = head.attachments();
    const { bytes, bodyEnd, methodEnd, argsStart } = head;
    const found: Buffer[] = [];
    for (let i = 0; i < attachments.size; i++) {
      const key = attachments.entryStart(i);
      if (this.#isAsked(bytes, key + 1, bytes[key]!)) found.push(bytes.subarray(key, attachments.entryEnd(i)));
    }
    const entries = Buffer.concat(found);
    if (entries.length + argsStart - methodEnd > MAX_SAID_BYTES) return undefined;
    const types = Buffer.from(bytes.subarray(methodEnd, argsStart));
    const said: SaidEntries = { types, argumentCount: head.argumentCount, entries };
    return this.says(said, bytes, methodEnd, bodyEnd) ? said : undefined;
  }

  /** Whether the request whose method ends at `at`, in a body that ends at `end`, says this. */
  says(said: SaidEntries, bytes: Buffer, at: number, end: number): boolean {
    const { types } = said;
    if (end - at < types.length || !isSame(bytes, at, at + types.length, types, 0)) return false;
    try {
      return this.#walk(said, bytes, at + types.length, end);
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    } finally {
      skipper.release();
    }
  }

  #walk({ argumentCount, entries }: SaidEntries, bytes: Buffer, start: number, end: number): boolean {
    skipper.reset(bytes, start, end);
    if (argumentCount > 0) skipper.skipValues(argumentCount);
    let at = skipper.offset;
    if (at >= end || bytes[at] !== TAG_MAP) return false;
    at++;
    let met = 0;
    for (let i = 0; i <= MAX_ENTRIES && at < end; i++) {
      const length = bytes[at]!;
      if (length === TAG_END) return met === entries.length;
      const key = at + 1;
      const value = key + length;
      if (length > MAX_KEY || value >= end || !isAscii(bytes, key, value)) return false;
      const entry = at;
      if (bytes[value]! <= 0x1f) {
        at = skipUnits(bytes, value + 1, bytes[value]!, end);
      } else {
        skipper.offset = value;
        skipper.skipValues(1);
        at = skipper.offset;
      }
      if (!this.#isAsked(bytes, key, length)) continue;
      if (at - entry > entries.length - met || !isSame(bytes, entry, at, entries, met)) return false;
      met += at - entry;
    }
    return false;
  }

  #isAsked(bytes: Buffer, start: number, length: number): boolean {
    if (length > MAX_KEY || ((this.#lengths >>> length) & 1) === 0) return false;
    const names = this.#names;
    for (let i = 0; i < names.length; i++)
      if (names[i]!.length === length && equalsAsciiIgnoreCase(bytes, start, start + length, names[i]!)) return true;
    return false;
  }
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  let all = 0;
  for (let at = start; at < end; at++) all |= bytes[at]!;
  return all < NO_ASCII;
}

/** Whether `bytes[start, end)` stands in `other` from `from`, which has so many. */
function isSame(bytes: Buffer, start: number, end: number, other: Buffer, from: number): boolean {
  for (let at = start, i = from; at < end; at++, i++) if (bytes[at] !== other[i]) return false;
  return true;
}
