/**
 * Changes to a map of attachments where it stands, without decoding it: strings are cut out and put in, everything else is copied.
 *
 * Hessian2 numbers lists, maps, objects, class definitions and type names over the whole body, and strings not at all. So
 * string (and other scalar) attachments can be set, put in and taken out at will. An attachment whose value is a container
 * may be what a later reference or instance points back to: it is cut out only where nothing behind it can, else it stays
 * under another key. Reference: spec of Hessian 2.0 on references; docs/dubbo2.md.
 */
import { Hessian2Writer } from "../hessian2/writer.ts";
import type { Attachments } from "./attachments.ts";

/** Changes to one map of attachments. What is left out stays as it is. */
export interface AttachmentEdits {
  /** The interface (and path) that is meant, in every place where callees read it. */
  readonly service?: string;
  /** `""` for none. */
  readonly group?: string;
  /** `""` for none. */
  readonly version?: string;
  /** Upper bound for the caller's `timeout` and remaining `_TO`, ms; never raises them, never adds them. */
  readonly timeoutMs?: number;
  /** Attachments to take out, by name in any case. Done before `set` and `add`. */
  readonly remove?: readonly string[];
  /** Attachments to set; one that is there in another case of letters keeps its own spelling. */
  readonly set?: readonly (readonly [name: string, value: string])[];
  /** Attachments to append to: the old value, a comma, the new one; set where there is none. */
  readonly add?: readonly (readonly [name: string, value: string])[];
}

/** Key under which a container stays that could not be cut out; the old key follows. */
export const REMOVED_PREFIX = "trestle-removed-";

/** What becomes of each attachment of a body in Hessian2, and the bytes that it makes. */
export class AttachmentPlan {
  readonly #bytes: Buffer;
  readonly #map: Attachments;
  readonly #bodyEnd: number;
  readonly #cut = new Set<number>();
  /** New values by entry: their bytes, and the text where it is one. */
  readonly #values = new Map<number, Buffer>();
  readonly #texts = new Map<number, string>();
  readonly #appended = new Map<string, string>();

  constructor(bytes: Buffer, map: Attachments, bodyEnd: number) {
    this.#bytes = bytes;
    this.#map = map;
    this.#bodyEnd = bodyEnd;
  }

  /** Takes changes, after those that it took before. */
  make(edits: AttachmentEdits): void {
    for (const name of edits.remove ?? []) this.#remove(name, true);
    if (edits.service !== undefined) {
      // Where a key is missing callees take the leading strings, so nothing is added.
      this.#setWherePresent("path", edits.service);
      this.#setWherePresent("interface", edits.service);
    }
    if (edits.version !== undefined) this.#setWherePresent("version", wireVersion(edits.version));
    if (edits.group === "") this.#remove("group", false);
    else if (edits.group !== undefined) this.#set("group", edits.group, false);
    if (edits.timeoutMs !== undefined) {
      const limitMs = Math.min(0x7fffffff, Math.max(0, Math.ceil(edits.timeoutMs)));
      for (const name of ["timeout", "_TO", "_to"]) this.#lower(name, limitMs);
    }
    for (const [name, value] of edits.set ?? []) this.#set(name, value, true);
    for (const [name, value] of edits.add ?? []) {
      const old = this.#current(name);
      this.#set(name, old === undefined ? value : `${old},${value}`, true);
    }
  }

  /** Puts the map behind the pieces, and whatever stands behind the map. */
  write(pieces: Buffer[]): void {
    const { form, size, mapStart, mapEnd } = this.#map;
    const pairs = this.#appendedPairs();
    if (form !== "map") {
      if (pairs.length > 0) pieces.push(Buffer.of(0x48), pairs, Buffer.of(0x5a));
      pieces.push(this.#bytes.subarray(pairs.length > 0 ? mapEnd : mapStart, this.#bodyEnd));
      return;
    }
    let kept = mapStart;
    for (let i = 0; i < size; i++) {
      const value = this.#values.get(i);
      const entryStart = this.#map.entryStart(i);
      const entryEnd = this.#map.entryEnd(i);
      if (this.#cut.has(i)) {
        pieces.push(this.#bytes.subarray(kept, entryStart));
        kept = entryEnd;
        if (!this.#isFree(i)) {
          pieces.push(encodeString(REMOVED_PREFIX + (this.#map.keyText(i) ?? "")));
          kept = this.#map.valueStart(i);
        }
      } else if (value !== undefined) {
        pieces.push(this.#bytes.subarray(kept, this.#map.valueStart(i)), value);
        kept = entryEnd;
      }
    }
    pieces.push(this.#bytes.subarray(kept, mapEnd), pairs, this.#bytes.subarray(mapEnd, this.#bodyEnd));
  }

  #setWherePresent(name: string, value: string): void {
    for (let i = 0; i < this.#map.size; i++) {
      if (this.#isNamed(i, name, false)) {
        this.#set(name, value, false);
        return;
      }
    }
  }

  /** Gives the last entry of this name the value and takes the others out; appends one where there is none to take it. */
  #set(name: string, value: string, anyCase: boolean): void {
    for (const key of [...this.#appended.keys()]) if (sameName(key, name, anyCase)) this.#appended.delete(key);
    let spelling = name;
    let found = false;
    let placed = false;
    for (let i = this.#map.size - 1; i >= 0; i--) {
      if (!this.#isNamed(i, name, anyCase)) continue;
      if (!found) spelling = this.#map.keyText(i) ?? name;
      if (!found && this.#isScalar(i)) {
        this.#values.set(i, encodeString(value));
        this.#texts.set(i, value);
        placed = true;
      } else {
        this.#cut.add(i);
      }
      found = true;
    }
    if (!placed) this.#appended.set(spelling, value);
  }

  #remove(name: string, anyCase: boolean): void {
    for (let i = 0; i < this.#map.size; i++) if (this.#isNamed(i, name, anyCase)) this.#cut.add(i);
  }

  /** The value that callees would see after the edits so far. */
  #current(name: string): string | undefined {
    for (const [key, value] of this.#appended) if (sameName(key, name, true)) return value;
    for (let i = this.#map.size - 1; i >= 0; i--) {
      if (this.#isNamed(i, name, true)) return this.#texts.get(i) ?? this.#map.valueText(i);
    }
    return undefined;
  }

  /** A timeout keeps its form: decimal text, int or long. */
  #lower(name: string, limitMs: number): void {
    const i = this.#map.indexOf(name);
    if (i < 0 || this.#cut.has(i) || this.#map.getNumber(name) <= limitMs) return;
    const tag = this.#bytes[this.#map.valueStart(i)]!;
    const isLong = tag >= 0xd8 || tag === 0x4c || tag === 0x59 || (tag >= 0x38 && tag <= 0x3f);
    const writer = new Hessian2Writer();
    if (tag <= 0x1f) writer.writeString(String(limitMs));
    else if (isLong) writer.writeLong(BigInt(limitMs));
    else writer.writeInt(limitMs);
    this.#values.set(i, writer.takeOutput());
    this.#texts.set(i, String(limitMs));
  }

  #isNamed(i: number, name: string, anyCase: boolean): boolean {
    if (this.#cut.has(i)) return false;
    const key = this.#map.keyText(i);
    return key !== undefined && sameName(key, name, anyCase);
  }

  /** Whether the value is in no table of the body: no container, and no class definition before it. */
  #isScalar(i: number): boolean {
    const tag = this.#bytes[this.#map.valueStart(i)]!;
    if (tag === 0x43 || tag === 0x48 || tag === 0x4d || tag === 0x4f || tag === 0x51) return false;
    return !(tag >= 0x55 && tag <= 0x58) && !(tag >= 0x60 && tag <= 0x7f);
  }

  /**
   * Whether entry `i` can be cut out: no number behind it counts anything in it. A container is judged by its bytes alone
   * (no class definition or type name inside, no reference behind), so letters in strings may say no where yes were true.
   */
  #isFree(i: number): boolean {
    if (this.#isScalar(i)) return true;
    const inside = this.#bytes.subarray(this.#map.entryStart(i), this.#map.entryEnd(i));
    if (
      inside.some(
        (byte) => byte === 0x43 || byte === 0x4d || byte === 0x55 || byte === 0x56 || (byte >= 0x70 && byte <= 0x77),
      )
    ) {
      return false;
    }
    return !this.#bytes.subarray(this.#map.entryEnd(i), this.#bodyEnd).includes(0x51);
  }

  #appendedPairs(): Buffer {
    const writer = new Hessian2Writer();
    for (const [name, value] of this.#appended) writer.writeString(name).writeString(value);
    return writer.takeOutput();
  }
}

function sameName(a: string, b: string, anyCase: boolean): boolean {
  return a === b || (anyCase && a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

/** A string in Hessian2. */
export function encodeString(text: string): Buffer {
  return new Hessian2Writer().writeString(text).takeOutput();
}

/** "No version" as callees expect it on the wire. */
export function wireVersion(version: string): string {
  return version === "" ? "0.0.0" : version;
}
