import { BlockList } from "../../base/block-list.ts";
import { VersionSet } from "../../model/version-set.ts";

/** Things by name, in order of their names, with the version of them all. One that comes with the version it had stays the object that it was. */
export class VersionedList<T> {
  readonly #blocks = new BlockList<T>();
  readonly #versions = new VersionSet();
  readonly #known = new Map<string, string>();

  /** Puts a thing in place of the one of that name; undefined takes it away. */
  put(name: string, thing: T | undefined, version: string | undefined): void {
    if (thing === undefined || version === undefined) {
      this.#known.delete(name);
      this.#versions.delete(name);
      this.#blocks.replace(name, []);
    } else if (this.#known.get(name) !== version) {
      this.#known.set(name, version);
      this.#versions.set(name, version);
      this.#blocks.replace(name, [thing]);
    }
  }

  /** The same list while nothing changed. */
  get list(): readonly T[] {
    return this.#blocks.get();
  }

  get version(): string {
    return this.#versions.version;
  }
}
