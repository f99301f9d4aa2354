interface Block<T> {
  readonly key: string;
  readonly items: readonly T[];
  /** Where the block's items start in the flat list. */
  start: number;
}

/** From how many changed blocks on the flat list is built anew instead of being patched. */
const REBUILD_FROM = 16;

/**
 * A flat list made of keyed blocks, in order of their keys. Changing a few blocks costs a search and one copy of
 * references, never a look at the other blocks' items; a list handed out is frozen.
 */
export class BlockList<T> {
  #blocks: Block<T>[] = [];
  #flat: readonly T[] = Object.freeze([]);
  readonly #byKey = new Map<string, readonly T[]>();
  readonly #changed = new Set<string>();

  /** Puts `items` in place of the block of that key (none for an empty list). Says whether anything changed. */
  replace(key: string, items: readonly T[]): boolean {
    if (sameItems(this.#byKey.get(key) ?? [], items)) return false;
    if (items.length > 0) this.#byKey.set(key, items);
    else this.#byKey.delete(key);
    this.#changed.add(key);
    return true;
  }

  /** All items; the same array as before while nothing changed. */
  get(): readonly T[] {
    if (this.#changed.size >= REBUILD_FROM) this.#rebuild();
    else if (this.#changed.size > 0) this.#patch();
    this.#changed.clear();
    return this.#flat;
  }

  #rebuild(): void {
    const flat: T[] = [];
    this.#blocks = [...this.#byKey.keys()].sort().map((key) => {
      const block = { key, items: this.#byKey.get(key)!, start: flat.length };
      for (const item of block.items) flat.push(item);
      return block;
    });
    this.#flat = Object.freeze(flat);
  }

  #patch(): void {
    const flat = this.#flat.slice();
    for (const key of this.#changed) {
      const items = this.#byKey.get(key) ?? [];
      const index = this.#search(key);
      const found = this.#blocks[index];
      const length = found?.key === key ? found.items.length : 0;
      const start = found?.start ?? flat.length;
      flat.splice(start, length, ...items);
      this.#blocks.splice(index, length > 0 ? 1 : 0, ...(items.length > 0 ? [{ key, items, start }] : []));
      const moved = items.length - length;
      for (let later = index + (items.length > 0 ? 1 : 0); moved !== 0 && later < this.#blocks.length; later++) {
        this.#blocks[later]!.start += moved;
      }
    }
    this.#flat = Object.freeze(flat);
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
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}
