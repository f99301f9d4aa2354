/** What an xDS server has for a client, and what changed between two of such sets. Lists are never changed: a new one takes their place. */
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

/** A version of a whole list, by its content alone: the same on every server. Made once a list. */
export function listVersion(list: ServedList): string {
  let version = versions.get(list);
  if (version === undefined) {
    version = hashText(list.map((one) => `${one.name} ${one.version}`).join("\n"));
    versions.set(list, version);
  }
  return version;
}
