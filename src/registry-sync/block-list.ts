interface Block<T> {
  readonly key: string;
  readonly items: readonly T[];
  /** Where the block's items start in the flat list. */
  start: number;
}

/**
 * A flat list made of keyed blocks, in order of their keys. Replacing one block costs a search and a move of references,
 * never a look at the other blocks' items; a list handed out is never changed afterwards.
 */
export class BlockList<T> {
  readonly #blocks: Block<T>[] = [];
  #flat: readonly T[] = [];

  /** Puts `items` in place of the block of that key (none for an empty list). Says whether anything changed. */
  replace(key: string, items: readonly T[]): boolean {
    const index = this.#search(key);
    const found = this.#blocks[index];
    const old = found?.key === key ? found : undefined;
    if (sameItems(old?.items ?? [], items)) return false;
    const start = old?.start ?? found?.start ?? this.#flat.length;
    const flat = this.#flat.slice();
    flat.splice(start, old?.items.length ?? 0, ...items);
    this.#blocks.splice(index, old ? 1 : 0, ...(items.length > 0 ? [{ key, items, start }] : []));
    const moved = items.length - (old?.items.length ?? 0);
    if (moved !== 0) {
      for (let later = index + (items.length > 0 ? 1 : 0); later < this.#blocks.length; later++) {
        this.#blocks[later]!.start += moved;
      }
    }
    this.#flat = Object.freeze(flat);
    return true;
  }

  /** All items, frozen; the same array as before while nothing changed. */
  get(): readonly T[] {
    return this.#flat;
  }

  /** Index of the first block whose key is not before `key`. */
  #search(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]!.key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether two lists hold the very same items in the same order. */
export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
