/** What an xDS server has for a client, and what changed between two of such sets. Lists are never changed: a new one takes their place. */
import { createHash } from "node:crypto";
import { hashText } from "../../model/hash-text.ts";

/** A resource in proto3's JSON form; of two with the same name and version the content is the same. */
export interface ServedResource {
  readonly name: string;
  readonly version: string;
  readonly resource: object;
}

/** All resources of one type, in order of names (by UTF-16 units), each name once. */
export type ServedList = readonly ServedResource[];

/** All that one client may be given. What two sets have in common should be the same lists and resources: they are told apart by identity first. */
export interface ServedSet {
  /** Depends on the content alone. */
  readonly version: string;
  /** By type URL. */
  readonly types: ReadonlyMap<string, ServedList>;
  /** Types whose changes a delta client takes all at once or not at all: each response has every change since the last one that it took. */
  readonly together?: ReadonlySet<string>;
  /** For names that are asked for and not in the lists: a resource that is made on demand, such as an empty assignment. */
  readonly find?: (typeUrl: string, name: string) => ServedResource | undefined;
}

/** What leads from one list to another, in order of names. */
export interface ListDiff {
  /** New or of another version. */
  readonly changed: ServedList;
  /** As they were in the former list. */
  readonly removed: ServedList;
}

const NOTHING: ListDiff = { changed: [], removed: [] };
const diffs = new WeakMap<ServedList, { readonly next: ServedList; readonly diff: ListDiff }>();
const indexes = new WeakMap<ServedList, ReadonlyMap<string, ServedResource>>();
const versions = new WeakMap<ServedList, string>();
const numbers = new WeakMap<object, Uint32Array>();

/** What changed between two lists. All clients that go from one list to the next share one walk over both. */
export function diffLists(before: ServedList, next: ServedList): ListDiff {
  if (before === next) return NOTHING;
  const known = diffs.get(before);
  if (known?.next === next) return known.diff;
  const diff = compare(before, next);
  diffs.set(before, { next, diff });
  return diff;
}

function compare(before: ServedList, next: ServedList): ListDiff {
  const changed: ServedResource[] = [];
  const removed: ServedResource[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length && right < next.length) {
    const old = before[left]!;
    const now = next[right]!;
    if (old === now || old.name === now.name) {
      if (old !== now && old.version !== now.version) changed.push(now);
      left++;
      right++;
    } else if (old.name < now.name) {
      removed.push(old);
      left++;
    } else {
      changed.push(now);
      right++;
    }
  }
  for (; left < before.length; left++) removed.push(before[left]!);
  for (; right < next.length; right++) changed.push(next[right]!);
  return { changed, removed };
}

/** A list's resources by name; made once a list. */
export function indexOf(list: ServedList): ReadonlyMap<string, ServedResource> {
  let index = indexes.get(list);
  if (index === undefined) {
    index = new Map(list.map((one) => [one.name, one]));
    indexes.set(list, index);
  }
  return index;
}

/** Where a name stands in a list, or would stand: lists are in order of names. */
export function placeIn(list: ServedList, name: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The resource of a name in a list. */
export function findIn(list: ServedList, name: string): ServedResource | undefined {
  const one = list[placeIn(list, name)];
  return one?.name === name ? one : undefined;
}

/** Four numbers of 32 bits that depend on a resource's name and version alone. */
export function versionNumbers(one: ServedResource): Uint32Array {
  let known = numbers.get(one);
  if (known === undefined) {
    const hash = createHash("sha256").update(`${one.name}\n${one.version}`).digest();
    known = Uint32Array.from([0, 4, 8, 12], (at) => hash.readUInt32LE(at));
    numbers.set(one, known);
  }
  return known;
}

/** Says the version of a list to {@link listVersion}; it has to depend on names and versions alone. */
export function markListVersion(list: ServedList, version: string): void {
  versions.set(list, version);
}

/** A version of a whole list, by its content alone: the same on every server. Made once a list. */
export function listVersion(list: ServedList): string {
  let version = versions.get(list);
  if (version === undefined) {
    version = hashText(list.map((one) => `${one.name} ${one.version}`).join("\n"));
    versions.set(list, version);
  }
  return version;
}
