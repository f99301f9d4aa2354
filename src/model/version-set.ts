import { hashText } from "./hash-text.ts";

const BUCKETS = 256;

/**
 * A version of many named things, each with a version of its own, that depends on names and versions alone: the same for the same
 * things in whatever order they came. After one of many changed only the few that share its bucket are read again.
 */
export class VersionSet {
  readonly #buckets: (Map<string, string> | undefined)[] = [];
  readonly #hashes: string[] = new Array(BUCKETS).fill("");
  readonly #dirty = new Set<number>();
  #version: string | undefined;

  /** Adds a thing, or gives it another version. */
  set(name: string, version: string): void {
    const at = bucketOf(name);
    let bucket = this.#buckets[at];
    if (bucket === undefined) {
      bucket = new Map();
      this.#buckets[at] = bucket;
    }
    if (bucket.get(name) === version) return;
    bucket.set(name, version);
    this.#touch(at);
  }

  delete(name: string): void {
    const at = bucketOf(name);
    if (this.#buckets[at]?.delete(name) === true) this.#touch(at);
  }

  /** 16 hexadecimal digits. */
  get version(): string {
    if (this.#version === undefined) {
      for (const at of this.#dirty) {
        const things = [...this.#buckets[at]!].map(([name, version]) => `${name}\n${version}`);
        this.#hashes[at] = things.length === 0 ? "" : hashText(things.sort().join("\n"));
      }
      this.#dirty.clear();
      this.#version = hashText(this.#hashes.join());
    }
    return this.#version;
  }

  #touch(at: number): void {
    this.#dirty.add(at);
    this.#version = undefined;
  }
}

/** FNV-1a, folded to a bucket's number. */
function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
}
