import type { Finding } from "../../model/entry.ts";

/** Most findings that are told of at a time. */
const MAX_FINDINGS = 1_000;

/** What is to be said of many clients of one world, each finding once however many clients it is true of. */
export class ToldFindings {
  readonly #all = new Map<string, Finding>();
  /** Clients that are alike are said of by the same lists. */
  #taken = new WeakSet<readonly Finding[]>();
  #world: object | undefined;

  /** What is said of one client in a world; what was said in another world counts no more. */
  tell(world: object, ...lists: readonly (readonly Finding[])[]): void {
    if (world !== this.#world) {
      this.#world = world;
      this.#all.clear();
      this.#taken = new WeakSet();
    }
    for (const list of lists) {
      if (list.length === 0 || this.#taken.has(list)) continue;
      this.#taken.add(list);
      for (const one of list) if (this.#all.size < MAX_FINDINGS) this.#all.set(`${one.code} ${one.message}`, one);
    }
  }

  /** All that was said in a world. */
  of(world: object | undefined): readonly Finding[] {
    return world === this.#world ? [...this.#all.values()] : [];
  }
}
