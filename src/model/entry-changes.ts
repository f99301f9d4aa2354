import type { Entry } from "./entry.ts";

/** What became of a list of entries. An entry that is another object now stands in both. */
export interface EntryListChanges {
  readonly gone: readonly Entry[];
  readonly came: readonly Entry[];
}

const NOTHING: EntryListChanges = { gone: [], came: [] };

/**
 * Compares two lists of entries by identity. Lists in order of hosts are walked side by side, a comparison of references for each entry that
 * stays; of lists in another order entries that stay may be told as gone and come as well. What is in one list but not in the
 * other is told always.
 */
export function entryChanges(before: readonly Entry[], after: readonly Entry[]): EntryListChanges {
  if (before === after) return NOTHING;
  const gone: Entry[] = [];
  const came: Entry[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length && right < after.length) {
    const old = before[left]!;
    const now = after[right]!;
    if (old === now) {
      left++;
      right++;
    } else if (old.host === now.host) {
      gone.push(old);
      came.push(now);
      left++;
      right++;
    } else if (old.host < now.host) {
      gone.push(old);
      left++;
    } else {
      came.push(now);
      right++;
    }
  }
  for (; left < before.length; left++) gone.push(before[left]!);
  for (; right < after.length; right++) came.push(after[right]!);
  return { gone, came };
}
