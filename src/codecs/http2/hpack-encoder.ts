/**
 * Fields to HPACK blocks, made for relaying: what repeats is indexed from its second time on, everything else is sent as it is.
 *
 * | field | form |
 * |---|---|
 * | in a table, name and value | indexed |
 * | the value was seen before under this name, or its name is in the static table and its value is short and fixed | literal, added |
 * | credentials, and names that the sender marked | literal, never indexed |
 * | others | literal, not added |
 */

import type { Fields } from "../fields.ts";
import type { Output } from "./frame.ts";
import { encodeHuffman, huffmanLength } from "./hpack-huffman.ts";
import { DynamicTable, FIRST_DYNAMIC, STATIC_NAMES, STATIC_VALUES } from "./hpack-table.ts";

const MAX_NAMES = 128;
const MAX_VALUES = 32;
/** Longer values are not worth the table's room. */
const MAX_INDEXED_BYTES = 256;
const SEEN = -1;
const SHORT_TEXT = 24;
/** For how long values of a name are taken for new, once as many as are remembered were. */
const SKIPS = 512;

/** What is known of one name. */
interface Name {
  /** Its first index in the static table, or 0. */
  readonly index: number;
  /** Static indexes by value. */
  readonly fixed: ReadonlyMap<string, number> | undefined;
  /** Number in the dynamic table by value, or SEEN. */
  values: Map<string, number>;
  /** Number in the dynamic table of any entry with this name, or SEEN. */
  number: number;
  readonly secret: boolean;
  /** Values that were seen again since `values` was made. */
  repeats: number;
  /** So many times values are not looked up: those before were all new, as the rest of a deadline is. */
  skips: number;
}

/** Heads of one connection are much alike: what was said last is remembered for so many places of the list. */
const PLACES = 32;

const SECRET = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);
const INDEXED_VALUES = staticValues();

function staticValues(): ReadonlyMap<string, { index: number; fixed: Map<string, number> | undefined }> {
  const names = new Map<string, { index: number; fixed: Map<string, number> | undefined }>();
  for (let index = 1; index < FIRST_DYNAMIC; index++) {
    const known = names.get(STATIC_NAMES[index]) ?? { index, fixed: undefined };
    if (STATIC_VALUES[index] !== "") {
      known.fixed ??= new Map();
      known.fixed.set(STATIC_VALUES[index], index);
    }
    names.set(STATIC_NAMES[index], known);
  }
  return names;
}

/** Encodes the blocks of one direction of one connection, in their order. */
export class HpackEncoder {
  readonly #table: DynamicTable;
  readonly #mostBytes: number;
  #names = new Map<string, Name>();
  readonly #placeNames: string[] = new Array(PLACES).fill("");
  readonly #placeValues: string[] = new Array(PLACES).fill("");
  /** An index of the static table, below zero; or a number in the dynamic table. */
  readonly #placeNumbers: number[] = new Array(PLACES).fill(0);
  /** Sizes that the peer must be told at the next block: the smallest and the last. */
  #smallest = -1;
  #resized = -1;

  /** `maxTableBytes` is the most we use, whatever the peer allows; before its SETTINGS that is at most 4096. */
  constructor(maxTableBytes = 4096) {
    this.#mostBytes = maxTableBytes;
    this.#table = new DynamicTable(Math.min(maxTableBytes, 4096));
    if (maxTableBytes < 4096) this.#smallest = this.#resized = maxTableBytes;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerTableBytes(bytes: number): void {
    const size = Math.min(bytes, this.#mostBytes);
    if (size === this.#table.maxBytes) return;
    this.#table.resize(size);
    this.#smallest = this.#smallest < 0 ? size : Math.min(size, this.#smallest);
    this.#resized = size;
  }

  /** Appends one block to `out`. Fields are latin1; names in `never` are sent as never indexed. */
  encode(fields: Fields, never: readonly string[], out: Output): void {
    if (this.#resized >= 0) this.#tellSize(out);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i];
      const value = fields[i + 1];
      out.reserve(name.length + value.length + 24);
      if (never.length === 0 && this.#sayAgain(i >> 1, name, value, out)) continue;
      const known = this.#names.get(name) ?? this.#learn(name);
      if (known === undefined) this.#literal(name, value, 0, 0, out);
      else if (known.secret || (never.length > 0 && never.includes(name))) {
        this.#literal(name, value, this.#nameIndex(known), 0x10, out);
      } else this.#field(i >> 1, name, value, known, out);
    }
  }

  /** Whether the field is what was said last at this place of a list and is still in a table; it is written then. */
  #sayAgain(place: number, name: string, value: string, out: Output): boolean {
    if (place >= PLACES || this.#placeValues[place] !== value || this.#placeNames[place] !== name) return false;
    const number = this.#placeNumbers[place];
    if (number < 0) out.buffer[out.at++] = 0x80 | -number;
    else if (number < this.#table.oldest) return false;
    else integer(out, 0x80, 7, this.#table.next - 1 - number + FIRST_DYNAMIC);
    return true;
  }

  #remember(place: number, name: string, value: string, number: number): void {
    if (place >= PLACES) return;
    this.#placeNames[place] = name;
    this.#placeValues[place] = value;
    this.#placeNumbers[place] = number;
  }

  #field(place: number, name: string, value: string, known: Name, out: Output): void {
    const fixed = known.fixed?.get(value);
    if (fixed !== undefined) {
      this.#remember(place, name, value, -fixed);
      out.buffer[out.at++] = 0x80 | fixed;
      return;
    }
    const index = this.#nameIndex(known);
    if (known.skips > 0) {
      known.skips--;
      this.#literal(name, value, index, 0, out);
      return;
    }
    const number = known.values.get(value);
    if (number !== undefined) known.repeats++;
    if (number !== undefined && number >= this.#table.oldest) {
      this.#remember(place, name, value, number);
      integer(out, 0x80, 7, this.#table.next - 1 - number + FIRST_DYNAMIC);
      return;
    }
    const size = name.length + value.length + 32;
    if (number === undefined) {
      if (known.values.size >= MAX_VALUES) {
        if (known.repeats === 0) known.skips = SKIPS;
        known.repeats = 0;
        known.values = new Map();
      }
      if (value.length <= MAX_INDEXED_BYTES) known.values.set(value, SEEN);
      this.#literal(name, value, index, 0, out);
      return;
    }
    if (size > this.#table.maxBytes >> 1) {
      this.#literal(name, value, index, 0, out);
      return;
    }
    this.#literal(name, value, index, 0x40, out);
    known.number = this.#table.next;
    known.values.set(value, this.#table.next);
    this.#table.add(name, value);
  }

  #nameIndex(known: Name): number {
    if (known.index > 0) return known.index;
    return known.number >= this.#table.oldest && known.number !== SEEN
      ? this.#table.next - 1 - known.number + FIRST_DYNAMIC
      : 0;
  }

  /** Undefined when too many names are known: this one is sent in full each time. */
  #learn(name: string): Name | undefined {
    if (this.#names.size >= MAX_NAMES) return undefined;
    const { index, fixed } = INDEXED_VALUES.get(name) ?? { index: 0, fixed: undefined };
    const known = {
      index,
      fixed,
      values: new Map<string, number>(),
      number: SEEN,
      secret: SECRET.has(name),
      repeats: 0,
      skips: 0,
    };
    this.#names.set(name, known);
    return known;
  }

  #literal(name: string, value: string, index: number, form: number, out: Output): void {
    integer(out, form, form === 0x40 ? 6 : 4, index);
    // What goes into the table is sent once: the shorter form pays. Else the cheap one.
    if (index === 0) text(out, name, form === 0x40);
    text(out, value, form === 0x40);
  }

  #tellSize(out: Output): void {
    out.reserve(12);
    if (this.#smallest < this.#resized) integer(out, 0x20, 5, this.#smallest);
    integer(out, 0x20, 5, this.#resized);
    this.#smallest = -1;
    this.#resized = -1;
  }
}

function integer(out: Output, form: number, prefixBits: number, value: number): void {
  const most = (1 << prefixBits) - 1;
  if (value < most) {
    out.buffer[out.at++] = form | value;
    return;
  }
  out.buffer[out.at++] = form | most;
  let rest = value - most;
  while (rest >= 128) {
    out.buffer[out.at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out.buffer[out.at++] = rest;
}

function text(out: Output, value: string, shortest: boolean): void {
  if (shortest) {
    const length = huffmanLength(value);
    if (length < value.length) {
      integer(out, 0x80, 7, length);
      out.at = encodeHuffman(value, out.buffer, out.at);
      return;
    }
  }
  integer(out, 0, 7, value.length);
  if (value.length > SHORT_TEXT) {
    out.at += out.buffer.latin1Write(value, out.at, value.length);
    return;
  }
  // A call out of the engine costs more than so many characters.
  for (let i = 0; i < value.length; i++) out.buffer[out.at++] = value.charCodeAt(i);
}
