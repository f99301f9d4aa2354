import type { NamedResource } from "../../codecs/xds/resources.ts";
import { markListVersion, placeIn, versionNumbers } from "../../codecs/xds/served.ts";

/** Lists that were made since the last change of the world, by their versions: what has the same content becomes the same list. */
export type KnownLists = Map<string, readonly NamedResource[]>;

const EMPTY: readonly never[] = Object.freeze([]);

/** From how many changes on the list is merged instead of being patched. */
const MERGE_FROM = 16;

/**
 * Resources in order of their names, with a version of them all that depends on names and versions alone. It keeps nothing but the list:
 * there may be thousands of them. A resource that comes with the version it had stays the object that it was.
 */
export class SortedList<T extends NamedResource> {
  #list: readonly T[] = EMPTY;
  #changes = new Map<string, T | undefined>();
  /** Of the list as it is: the sum over its resources, so that one of many is added or taken away without a look at the others. */
  readonly #sum = new Uint32Array(4);
  readonly #known: KnownLists | undefined;

  /** Lists are looked up among, and added to, `known`. */
  constructor(known?: KnownLists) {
    this.#known = known;
  }

  /** Puts a resource in place of the one of that name; undefined takes it away. */
  put(name: string, one: T | undefined): void {
    this.#changes.set(name, one);
  }

  /** The same list while nothing changed. */
  get list(): readonly T[] {
    if (this.#changes.size > 0) this.#apply();
    return this.#list;
  }

  get version(): string {
    if (this.#changes.size > 0) this.#apply();
    return Array.from(this.#sum, (part) => part.toString(16).padStart(8, "0")).join("");
  }

  #apply(): void {
    const real: (readonly [string, T | undefined])[] = [];
    for (const [name, one] of this.#changes) {
      const at = placeIn(this.#list, name);
      const before = this.#list[at]?.name === name ? this.#list[at] : undefined;
      if (before?.version === one?.version) continue;
      if (before !== undefined) this.#add(before, -1);
      if (one !== undefined) this.#add(one, 1);
      real.push([name, one]);
    }
    this.#changes = new Map();
    if (real.length === 0) return;
    this.#list = real.length < MERGE_FROM ? patch(this.#list, real) : merge(this.#list, real);
    const { version } = this;
    const same = this.#known?.get(version) as readonly T[] | undefined;
    if (same !== undefined && same.length === this.#list.length) this.#list = same;
    else {
      Object.freeze(this.#list);
      markListVersion(this.#list, version);
      this.#known?.set(version, this.#list);
    }
  }

  #add(one: T, sign: 1 | -1): void {
    const numbers = versionNumbers(one);
    for (let i = 0; i < 4; i++) this.#sum[i]! += sign * numbers[i]!;
  }
}

type Change<T> = readonly [name: string, one: T | undefined];

function patch<T extends NamedResource>(list: readonly T[], changes: readonly Change<T>[]): readonly T[] {
  const made = list.slice();
  for (const [name, one] of changes) {
    const at = placeIn(made, name);
    const isThere = made[at]?.name === name;
    made.splice(at, isThere ? 1 : 0, ...(one === undefined ? [] : [one]));
  }
  return made;
}

function merge<T extends NamedResource>(list: readonly T[], changes: readonly Change<T>[]): readonly T[] {
  const sorted = [...changes].sort(([a], [b]) => (a < b ? -1 : 1));
  const made: T[] = [];
  let at = 0;
  for (const [name, one] of sorted) {
    while (at < list.length && list[at]!.name < name) made.push(list[at++]!);
    if (list[at]?.name === name) at++;
    if (one !== undefined) made.push(one);
  }
  while (at < list.length) made.push(list[at++]!);
  return made;
}
