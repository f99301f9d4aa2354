/**
 * HPACK blocks to fields (RFC 7541 sections 5 and 6).
 *
 * | first octet | means |
 * |---|---|
 * | 1xxxxxxx | indexed field |
 * | 01xxxxxx | literal, added to the table |
 * | 001xxxxx | table size update, only before the first field |
 * | 0001xxxx | literal, never to be indexed by anybody |
 * | 0000xxxx | literal, not added |
 */
import { ProtocolError } from "../../base/errors.ts";
import type { Fields } from "../fields.ts";
import { isSoundField } from "./header-rules.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import { DynamicTable, ENTRY_OVERHEAD, FIRST_DYNAMIC, STATIC_NAMES, STATIC_VALUES } from "./hpack-table.ts";

/** One decoded header list. Blocks of the same bytes give the same object from their third time on. */
export interface HeaderBlock {
  readonly fields: Fields;
  /** Names of the fields that no hop may index (RFC 7541 section 7.1.3). */
  readonly never: readonly string[];
  /** Size as RFC 9113 section 6.5.2 counts it. */
  readonly listBytes: number;
  /** The list is over `maxListBytes`: `fields` is cut short, the table is as the peer thinks it is. */
  readonly oversize: boolean;
  /** No field has an octet that its name or value may not have; see header-rules.ts. */
  readonly sound: boolean;
  /** The block is kept and given out again. */
  readonly shared: boolean;
}

const CACHE_SLOTS = 64;
const CACHE_BYTES = 128;
const NONE: readonly string[] = [];
/** A list that is this many times too large ends the connection: counting on would be the peer's work on our time. */
const BOMB_FACTOR = 4;

/** Decodes the blocks of one direction of one connection, in their order. After an error it can't be used. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  readonly #maxListBytes: number;
  #at = 0;
  #end = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #cleared = false;
  #cached: (HeaderBlock | undefined)[] = [];
  #cachedAt: number[] = [];
  #cachedLength: number[] = [];
  #cache: Buffer | undefined;
  /** By slot, the hash of the block that was read there last: only what comes twice is worth keeping. */
  readonly #noted = new Int32Array(CACHE_SLOTS);

  /** `maxTableBytes` is what our SETTINGS_HEADER_TABLE_SIZE says, `maxListBytes` SETTINGS_MAX_HEADER_LIST_SIZE. */
  constructor(maxTableBytes = 4096, maxListBytes = 64 * 1024) {
    this.#table = new DynamicTable(maxTableBytes);
    this.#maxTableBytes = maxTableBytes;
    this.#maxListBytes = maxListBytes;
  }

  /** Decodes the block `bytes[start, end)`, which nothing else is in. Throws `ProtocolError`: the connection is over. */
  decode(bytes: Buffer, start: number, end: number): HeaderBlock {
    if (end - start > CACHE_BYTES) return this.#read(bytes, start, end, false);
    const code = hash(bytes, start, end);
    const slot = code & (CACHE_SLOTS - 1);
    const hit = this.#cached[slot];
    if (hit !== undefined && this.#cachedAt[slot] === this.#table.next && this.#isCached(slot, bytes, start, end)) {
      return hit;
    }
    const block = this.#read(bytes, start, end, this.#noted[slot] === code);
    this.#noted[slot] = code;
    if (block.shared) {
      this.#cache ??= Buffer.allocUnsafeSlow(CACHE_SLOTS * CACHE_BYTES);
      bytes.copy(this.#cache, slot * CACHE_BYTES, start, end);
      this.#cached[slot] = block;
      this.#cachedAt[slot] = this.#table.next;
      this.#cachedLength[slot] = end - start;
    }
    return block;
  }

  #isCached(slot: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#cachedLength[slot] !== end - start || this.#cache === undefined) return false;
    const base = slot * CACHE_BYTES - start;
    for (let i = start; i < end; i++) if (this.#cache[base + i] !== bytes[i]) return false;
    return true;
  }

  /** `keep`: whether the block shall be given out again where that is possible. */
  #read(bytes: Buffer, start: number, end: number, keep: boolean): HeaderBlock {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const fields: string[] = [];
    let never: string[] | undefined;
    let listBytes = 0;
    let updates = 0;
    let sound = true;
    const { next } = this.#table;
    this.#cleared = false;
    while (this.#at < end) {
      const first = bytes[this.#at];
      if ((first & 0xe0) === 0x20) {
        if (listBytes > 0 || ++updates > 2) throw this.#error("table size update is not at the start of the block");
        this.#resize();
        continue;
      }
      let name: string;
      let value: string;
      if (first & 0x80) {
        let index = first & 0x7f;
        if (index < 0x7f) this.#at++;
        else index = this.#integer(7);
        name = this.#name(index);
        if (index < FIRST_DYNAMIC) value = STATIC_VALUES[index];
        else {
          value = this.#table.value(index);
          sound &&= this.#table.isSound(index);
        }
      } else {
        const index = this.#integer(first & 0x40 ? 6 : 4);
        name = index === 0 ? this.#string() : this.#name(index);
        value = this.#string();
        const isSound = isSoundField(name, value);
        sound &&= isSound;
        if (first & 0x40) this.#add(name, value, isSound);
        else if (first & 0x10) {
          never ??= [];
          never.push(name);
        }
      }
      listBytes += name.length + value.length + ENTRY_OVERHEAD;
      if (listBytes <= this.#maxListBytes) fields.push(name, value);
      else if (listBytes > this.#maxListBytes * BOMB_FACTOR) {
        throw this.#error(`header list of over ${listBytes} bytes is far over maxListBytes ${this.#maxListBytes}`);
      }
    }
    const oversize = listBytes > this.#maxListBytes;
    // An insertion or a size update changes the table: such a block means something else the next time.
    const shared = keep && next === this.#table.next && !this.#cleared && !oversize;
    return { fields, never: never ?? NONE, listBytes, oversize, sound, shared };
  }

  /** An entry that is evicted at once leaves an emptied table with the same count: the cache must not outlive that. */
  #add(name: string, value: string, sound: boolean): void {
    const before = this.#table.next;
    this.#table.add(name, value, sound);
    if (this.#table.next === before) this.#clear();
  }

  #resize(): void {
    const size = this.#integer(5);
    if (size > this.#maxTableBytes) {
      throw this.#error(`table size update to ${size} is over the announced ${this.#maxTableBytes}`);
    }
    this.#table.resize(size);
    this.#clear();
  }

  #clear(): void {
    this.#cached = [];
    this.#cleared = true;
  }

  #name(index: number): string {
    const name = index < FIRST_DYNAMIC ? STATIC_NAMES[index] : this.#table.name(index);
    if (name === undefined || index === 0) throw this.#error(`index ${index} is in no table`);
    return name;
  }

  #integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = this.#bytes[this.#at++] & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) throw this.#error("block ends inside an integer");
      if (shift > 21) throw this.#error("integer is over 28 bits");
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    if (this.#at >= this.#end) throw this.#error("block ends before a string");
    const huffman = this.#bytes[this.#at] >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) throw this.#error(`string of ${length} bytes is longer than its block`);
    this.#at = start + length;
    if (huffman) return decodeHuffman(this.#bytes, start, this.#at);
    return this.#bytes.latin1Slice(start, this.#at);
  }

  #error(message: string): ProtocolError {
    return new ProtocolError("http2", `hpack ${message}`, this.#at);
  }
}

function hash(bytes: Buffer, start: number, end: number): number {
  let sum = end - start;
  for (let i = start; i < end; i++) sum = (Math.imul(sum, 31) + bytes[i]) | 0;
  return sum ^ (sum >>> 15);
}
