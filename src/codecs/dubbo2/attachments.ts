/**
 * The attachments of a request: the one map behind the arguments, read in place.
 *
 * | bytes | meaning |
 * |---|---|
 * | `48` (key value)* `5a` | a HashMap; keys are strings, values mostly strings, from 2.7 on anything |
 * | `4d` type (key value)* `5a` | the same with a map class |
 * | `4e`, `00`, nothing | no attachments (dubbo-go and odd clients) |
 *
 * Where a key repeats the last value counts, as in Java's HashMap. Reference: DecodeableRpcInvocation of Apache Dubbo 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { Skipper } from "../hessian2/skip.ts";
import { skipUnits } from "../hessian2/strings.ts";
import { decodeText, equalsAscii, equalsAsciiIgnoreCase, printScalar, smallDecimal } from "./text.ts";

/** More attachments than this in one request are refused: real ones carry a few dozen. */
export const MAX_ATTACHMENTS = 4096;

/** Shared: an empty buffer for each call is what the collector notices. */
const NO_BYTES = Buffer.alloc(0);

/** Whether the request has a map, a null (or empty string) in its place, or ends before it. */
export type AttachmentForm = "map" | "null" | "absent";

/** A view over one request's attachments; good until the next `load`. All offsets are into `bytes`. */
export class Attachments {
  form: AttachmentForm = "absent";
  /** Number of entries, repeated keys counted each. */
  size = 0;
  /** Where the map's tag stands; the end of the arguments where there is no map. */
  mapStart = 0;
  /** Where the map's final `5a` stands; for null and absent the offset behind them. */
  mapEnd = 0;
  #bytes: Buffer = NO_BYTES;
  readonly #entryStart: number[] = [];
  readonly #keyStart: number[] = [];
  readonly #keyEnd: number[] = [];
  readonly #valueStart: number[] = [];
  readonly #chunkedKeys = new Map<number, string>();

  /** Walks the map at the walker's offset in a body that ends at `end`; what comes behind it is not looked at. Throws `ProtocolError` on a malformed one. */
  load(skipper: Skipper, bytes: Buffer, end: number): void {
    this.#bytes = bytes;
    this.size = 0;
    if (this.#chunkedKeys.size > 0) this.#chunkedKeys.clear();
    this.mapStart = skipper.offset;
    this.mapEnd = skipper.offset;
    const tag = skipper.peek();
    if (tag < 0 || tag === 0x00 || tag === 0x4e) {
      this.form = tag < 0 ? "absent" : "null";
      if (tag >= 0) this.mapEnd++;
      return;
    }
    skipper.beginMap();
    this.form = "map";
    let at = skipper.offset;
    for (let i = 0; ; i++) {
      this.mapEnd = at;
      const tag = at < end ? bytes[at]! : -1;
      if (tag === 0x5a) break;
      if (i === MAX_ATTACHMENTS) throw new ProtocolError("dubbo2", `more than ${MAX_ATTACHMENTS} attachments`, at);
      this.#entryStart[i] = at;
      // Short strings, which nearly all keys and values are, are passed by here; the walker does the rest.
      if (tag >= 0 && tag <= 0x1f) {
        this.#keyStart[i] = at + 1;
        at = skipUnits(bytes, at + 1, tag, end);
        this.#keyEnd[i] = at;
      } else {
        at = this.#loadKey(skipper, i, at);
      }
      this.#valueStart[i] = at;
      if (at < end && bytes[at]! <= 0x1f) {
        at = skipUnits(bytes, at + 1, bytes[at]!, end);
      } else {
        skipper.offset = at;
        skipper.skipValues(1);
        at = skipper.offset;
      }
      this.size = i + 1;
    }
  }

  /** A key in chunks is read out, so that it cannot hide its name; one that is no string is matched by no name. */
  #loadKey(skipper: Skipper, i: number, at: number): number {
    skipper.offset = at;
    this.#keyStart[i] = -1;
    this.#keyEnd[i] = -1;
    if (!skipper.isString()) {
      skipper.skipValues(1);
    } else if (skipper.readStringRange() === "whole") {
      this.#keyStart[i] = skipper.rangeStart;
      this.#keyEnd[i] = skipper.rangeStart + skipper.rangeLength;
    } else {
      skipper.offset = at;
      this.#chunkedKeys.set(i, skipper.readString() ?? "");
    }
    return skipper.offset;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.#bytes = NO_BYTES;
    this.size = 0;
    this.form = "absent";
  }

  /** The value of a key, the last where it repeats: strings as they are, scalars printed; undefined for null, containers, absence. */
  get(name: string): string | undefined {
    const i = this.indexOf(name);
    return i < 0 ? undefined : this.valueText(i);
  }

  /** As {@link get}, but the key's ASCII letters may have any case. */
  getIgnoreCase(name: string): string | undefined {
    const i = this.indexOfIgnoreCase(name);
    return i < 0 ? undefined : this.valueText(i);
  }

  /** A non-negative whole number up to 2^31-1, from an int, a long or its decimal text, without building a string; else -1. */
  getNumber(name: string): number {
    const i = this.indexOf(name);
    return i < 0 ? -1 : smallDecimal(this.#bytes, this.#valueStart[i]!, this.entryEnd(i));
  }

  /** Whether there is a value with this name that is not `text`; an ASCII one is compared as it stands. */
  differs(name: string, text: string): boolean {
    const i = this.indexOf(name);
    if (i < 0) return false;
    const start = this.#valueStart[i]!;
    const tag = this.#bytes[start]!;
    if (tag <= 0x1f && equalsAscii(this.#bytes, start + 1, this.entryEnd(i), text)) return false;
    const said = this.valueText(i);
    return said !== undefined && said !== text;
  }

  /** How many keys, 2 for all above one, are this name but for the case of their letters; one that repeats counts once. */
  countCases(name: string): 0 | 1 | 2 {
    const last = this.indexOfIgnoreCase(name);
    if (last < 0) return 0;
    let key: string | undefined;
    for (let i = 0; i < last; i++) {
      if (!this.#isIgnoreCase(i, name)) continue;
      key ??= this.keyText(last);
      if (this.keyText(i) !== key) return 2;
    }
    return 1;
  }

  /** Index of the last entry with this key, -1 where there is none. */
  indexOf(name: string): number {
    for (let i = this.size - 1; i >= 0; i--) {
      if (this.isKey(i, name)) return i;
    }
    return -1;
  }

  /** Index of the last entry with this key in any case of its ASCII letters, -1 where there is none. */
  indexOfIgnoreCase(name: string): number {
    for (let i = this.size - 1; i >= 0; i--) if (this.#isIgnoreCase(i, name)) return i;
    return -1;
  }

  #isIgnoreCase(i: number, name: string): boolean {
    const start = this.#keyStart[i]!;
    if (start >= 0) return equalsAsciiIgnoreCase(this.#bytes, start, this.#keyEnd[i]!, name);
    return this.#chunkedKeys.get(i)?.toLowerCase() === name.toLowerCase();
  }

  /** The key of entry `i`; undefined where it is no string. */
  keyText(i: number): string | undefined {
    return this.#keyStart[i]! < 0
      ? this.#chunkedKeys.get(i)
      : decodeText(this.#bytes, this.#keyStart[i]!, this.#keyEnd[i]!);
  }

  /** The value of entry `i` as {@link get} shows it. */
  valueText(i: number): string | undefined {
    return printScalar(this.#bytes, this.#valueStart[i]!, this.entryEnd(i));
  }

  /** Where entry `i` starts: its key's tag. */
  entryStart(i: number): number {
    return this.#entryStart[i]!;
  }

  /** Where the value of entry `i` starts: its tag, or the class definition before it. */
  valueStart(i: number): number {
    return this.#valueStart[i]!;
  }

  /** The offset behind entry `i`. */
  entryEnd(i: number): number {
    return i + 1 < this.size ? this.#entryStart[i + 1]! : this.mapEnd;
  }

  /** Whether entry `i` has key `name`, exact case. */
  isKey(i: number, name: string): boolean {
    const start = this.#keyStart[i]!;
    return start < 0 ? this.#chunkedKeys.get(i) === name : equalsAscii(this.#bytes, start, this.#keyEnd[i]!, name);
  }

  /** All readable pairs, the last of repeated keys; for listings and logs. */
  toRecord(): Record<string, string> {
    const record: Record<string, string> = Object.create(null);
    for (let i = 0; i < this.size; i++) {
      const key = this.keyText(i);
      const value = this.valueText(i);
      if (key === undefined) continue;
      if (value === undefined) delete record[key];
      else record[key] = value;
    }
    return record;
  }
}
