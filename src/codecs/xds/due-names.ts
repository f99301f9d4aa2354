/** Names that a client is to be told of. Most streams begin with all that there is: that is kept as the list itself. */
import type { ServedList } from "./served.ts";

/** A set that was larger than this is not kept for the next names. */
const LARGE = 64;

/** See the head of the file. */
export class DueNames {
  /** All of these are due, and nothing else. */
  #all: ServedList | undefined;
  #names = new Set<string>();

  get size(): number {
    return this.#all?.length ?? this.#names.size;
  }

  add(name: string): void {
    this.#spread().add(name);
  }

  delete(name: string): void {
    if (this.size > 0) this.#spread().delete(name);
  }

  /** Those of a list at whose places there is a 1. */
  deleteAll(list: ServedList, places: Uint8Array): void {
    if (!places.includes(1)) return;
    if (this.#all === list) {
      this.#all = undefined;
      this.#names = new Set();
      for (let at = 0; at < list.length; at++) if (places[at] === 0) this.#names.add(list[at]!.name);
    } else if (this.size > 0) {
      const names = this.#spread();
      for (let at = 0; at < list.length; at++) if (places[at] === 1) names.delete(list[at]!.name);
    }
  }

  /** All of a list. */
  addAll(list: ServedList): void {
    if (list.length === 0) return;
    if (this.size === 0) {
      this.clear();
      this.#all = list;
    } else for (const { name } of list) this.add(name);
  }

  /** A list took another's place: true where all of the one were due, and all of the other are. */
  moveAll(before: ServedList, next: ServedList): boolean {
    if (this.#all === undefined || this.#all !== before) return false;
    this.#all = next;
    return true;
  }

  /** Keeps those alone of which it is true. */
  keep(isKept: (name: string) => boolean): void {
    const names = this.#spread();
    for (const name of [...names]) if (!isKept(name)) names.delete(name);
  }

  list(): readonly string[] {
    return this.#all?.map(({ name }) => name) ?? [...this.#names];
  }

  /** Takes all names, where they are those of a list that is no longer than `most`: that list. */
  takeAll(most: number): ServedList | undefined {
    const all = this.#all;
    if (all === undefined || all.length > most) return undefined;
    this.#all = undefined;
    return all;
  }

  /** Takes at most so many names. */
  take(most: number): readonly string[] {
    const names = this.#spread();
    if (names.size <= most) {
      const all = [...names];
      this.clear();
      return all;
    }
    const taken: string[] = [];
    for (const name of names) {
      if (taken.length >= most) break;
      taken.push(name);
      names.delete(name);
    }
    return taken;
  }

  clear(): void {
    this.#all = undefined;
    if (this.#names.size > LARGE) this.#names = new Set();
    else this.#names.clear();
  }

  #spread(): Set<string> {
    const all = this.#all;
    if (all === undefined) return this.#names;
    this.#all = undefined;
    this.#names = new Set(all.map(({ name }) => name));
    return this.#names;
  }
}
