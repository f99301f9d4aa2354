/**
 * What a client says that it has from an earlier stream: field 5 of a DeltaDiscoveryRequest, initial_resource_versions, each an entry of a
 * map: name 1, version 2. Source: envoy/service/discovery/v3/discovery.proto.
 *
 * It is thousands of names and versions, and when a server comes back all clients say it at once, each in an order of its own. Most of it is
 * what the server has too: so entries stay bytes and are looked up as such, in a table that all clients of a list share, and only those
 * that are not in it become text.
 */
import { placeIn, type ServedList, type ServedResource } from "./served.ts";

/** The tags of fields with a length: number * 8 + 2. */
const INITIAL_VERSION = 42;
const KEY = 10;
const VALUE = 18;

/** Bytes of a hash: so many digits do versions have. */
const HASHED = 16;

/** Entries as they came: where each begins in `bytes`, and where it ends, in turn. They are well-formed. */
export interface VersionEntries {
  readonly bytes: Buffer;
  readonly bounds: readonly number[];
}

/** Versions by name, or the bytes of them. */
export type InitialVersions = Readonly<Record<string, string>> | VersionEntries;

/** Versions, and the bytes of the rest of the request. */
export interface TakenVersions {
  readonly initialVersions: VersionEntries;
  readonly rest: Uint8Array;
}

/** What of a list a client has: `held` has a 1 at the place of each resource that it has in its version, `others` is all else. */
export interface HeldVersions {
  readonly held: Uint8Array;
  readonly others: readonly (readonly [name: string, version: string])[];
}

/** A place in bytes, which moves on as they are read. */
class Reader {
  at = 0;
  /** Whether a number was cut off or too long. */
  isBroken = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  varint(): number {
    for (let value = 0, factor = 1; factor < 2 ** 35; factor *= 128) {
      const byte = this.#bytes[this.at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    this.isBroken = true;
    return 0;
  }
}

/** Takes them out of a request's bytes. Undefined where there are none, or anything but what such a request is commonly made of. */
export function takeInitialVersions(bytes: Uint8Array): TakenVersions | undefined {
  const rest: Uint8Array[] = [];
  const bounds: number[] = [];
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const tag = reader.varint();
    const length = reader.varint();
    const from = reader.at;
    const end = from + length;
    if (reader.isBroken || tag % 8 !== 2 || end > bytes.length) return undefined;
    if (tag !== INITIAL_VERSION) rest.push(bytes.subarray(start, end));
    else if (isEntry(reader, end)) bounds.push(from, end);
    else return undefined;
    reader.at = end;
  }
  if (bounds.length === 0) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { initialVersions: { bytes: buffer, bounds }, rest: Buffer.concat(rest) };
}

function isEntry(reader: Reader, end: number): boolean {
  while (reader.at < end) {
    const part = reader.varint();
    const size = reader.varint();
    reader.at += size;
    if (reader.isBroken || reader.at > end || (part !== KEY && part !== VALUE)) return false;
  }
  return reader.at === end;
}

/** All versions by name. */
export function versionsByName(initial: InitialVersions): Readonly<Record<string, string>> {
  if (!isEntries(initial)) return initial;
  const versions: Record<string, string> = Object.create(null);
  for (let i = 0; i < initial.bounds.length; i += 2) {
    const [name, version] = entryAt(initial, i);
    versions[name] = version;
  }
  return versions;
}

/** Compares what a client has with a list. */
export function compareVersions(initial: InitialVersions, list: ServedList): HeldVersions {
  const held = new Uint8Array(list.length);
  const others: (readonly [string, string])[] = [];
  const take = (name: string, version: string): void => {
    const place = placeIn(list, name);
    const isHeld = list[place]?.name === name && list[place].version === version;
    if (list[place]?.name === name) held[place] = isHeld ? 1 : 0;
    if (!isHeld) others.push([name, version]);
  };
  if (!isEntries(initial)) {
    for (const [name, version] of Object.entries(initial)) take(name, version);
    return { held, others };
  }
  const { bytes, bounds } = initial;
  const table = tableOf(list);
  for (let i = 0; i < bounds.length; i += 2) {
    const place = table.placeOf(bytes, bounds[i]!, bounds[i + 1]!);
    if (place < 0) take(...entryAt(initial, i));
    else held[place] = 1;
  }
  return { held, others };
}

function isEntries(initial: InitialVersions): initial is VersionEntries {
  return Buffer.isBuffer(initial["bytes"]);
}

function entryAt({ bytes, bounds }: VersionEntries, i: number): [name: string, version: string] {
  const reader = new Reader(bytes);
  reader.at = bounds[i]!;
  let [name, version] = ["", ""];
  while (reader.at < bounds[i + 1]!) {
    const part = reader.varint();
    const size = reader.varint();
    const text = bytes.utf8Slice(reader.at, reader.at + size);
    if (part === KEY) name = text;
    else version = text;
    reader.at += size;
  }
  return [name, version];
}

/** A list's resources by the bytes of their entries, as they are commonly written: the name, then the version. */
class EntryTable {
  readonly #entries: readonly Entry[];
  /** Places in the list and 1, each at its hash or the next free row after it. */
  readonly #rows: Int32Array;

  constructor(list: ServedList) {
    this.#entries = list.map(entryOf);
    let size = 16;
    while (size < list.length * 2) size *= 2;
    this.#rows = new Int32Array(size);
    for (const [place, { hash }] of this.#entries.entries()) {
      let row = hash & (size - 1);
      while (this.#rows[row] !== 0) row = (row + 1) & (size - 1);
      this.#rows[row] = place + 1;
    }
  }

  /** The place of the resource with this entry; -1 where there is none. */
  placeOf(bytes: Buffer, start: number, end: number): number {
    const rows = this.#rows;
    const hash = hashOf(bytes, start, end);
    for (let row = hash & (rows.length - 1); ; row = (row + 1) & (rows.length - 1)) {
      const place = rows[row]! - 1;
      if (place < 0) return -1;
      const one = this.#entries[place]!;
      if (one.hash === hash && one.bytes.compare(bytes, start, end) === 0) return place;
    }
  }
}

interface Entry {
  readonly bytes: Buffer;
  readonly hash: number;
}

const entries = new WeakMap<ServedResource, Entry>();
/** Of the lists that were compared last. */
const tables = new Map<ServedList, EntryTable>();
const MAX_TABLES = 64;

function tableOf(list: ServedList): EntryTable {
  let table = tables.get(list);
  if (table === undefined) {
    if (tables.size >= MAX_TABLES) tables.clear();
    table = new EntryTable(list);
    tables.set(list, table);
  }
  return table;
}

function entryOf(one: ServedResource): Entry {
  let entry = entries.get(one);
  if (entry === undefined) {
    const bytes = Buffer.concat([...fieldOf(KEY, one.name), ...fieldOf(VALUE, one.version)]);
    entry = { bytes, hash: hashOf(bytes, 0, bytes.length) };
    entries.set(one, entry);
  }
  return entry;
}

function fieldOf(tag: number, text: string): [head: Buffer, value: Buffer] {
  const value = Buffer.from(text);
  const head = [tag];
  let length = value.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  head.push(length);
  return [Buffer.from(head), value];
}

/** Of an entry's end, which is its version: one of those tells resources apart. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = Math.max(start, end - HASHED); at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return hash;
}
