/** A map or a set: both keep the order in which things were put in. */
export interface Ordered<K> {
  readonly size: number;
  keys(): Iterable<K>;
  delete(key: K): unknown;
}

/**
 * Forgets what was put in first, until no more than `most` are left. Where a key is deleted before it is set anew, that is what was used
 * least lately. `forget` takes one out; it deletes it, unless told.
 */
export function forgetOldest<K>(
  kept: Ordered<K>,
  most: number,
  forget: (key: K) => void = (key) => void kept.delete(key),
): void {
  if (kept.size <= most) return;
  for (const oldest of kept.keys()) {
    forget(oldest);
    if (kept.size <= most) return;
  }
}
