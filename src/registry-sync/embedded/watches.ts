import { EVENT_TYPES, WATCHER_TYPES } from "../../codecs/zookeeper/constants.ts";
import { parentPath } from "../../codecs/zookeeper/paths.ts";
import { zooKeeperError } from "../../codecs/zookeeper/status.ts";
import type { Change } from "./tree.ts";

/**
 * Who is told of what: one-shot, persistent and recursive watches of any number of watchers (connections). No I/O.
 *
 * As WatchManager and DataTree of ZooKeeper 3.8, save that there a one-shot watch takes the place of a persistent one of the same
 * watcher on the same path (ZOOKEEPER-4466); here, as in 3.9, both stand.
 */

/** One message to one watcher; `type` is one of `EVENT_TYPES`. */
export interface Notice<W> {
  readonly watcher: W;
  readonly type: number;
  readonly path: string;
}

const ONE_SHOT = 1;
const PERSISTENT = 2;
const RECURSIVE = 4;

/** The watches of one registry. At most `maxPerWatcher` paths a watcher: over that adding throws systemError. */
export class Watches<W> {
  readonly #data: Table<W>;
  readonly #children: Table<W>;

  constructor(maxPerWatcher: number) {
    this.#data = new Table(maxPerWatcher);
    this.#children = new Table(maxPerWatcher);
  }

  /** Pairs of watcher and path. */
  get count(): number {
    return this.#data.count + this.#children.count;
  }

  /** Every watched path with its watchers, of one-shot and of staying watches. */
  byPath(): ReadonlyMap<string, ReadonlySet<W>> {
    const all = new Map<string, Set<W>>();
    for (const table of [this.#data, this.#children]) {
      for (const [path, watchers] of table.entries()) {
        const known = all.get(path) ?? new Set<W>();
        for (const watcher of watchers) known.add(watcher);
        all.set(path, known);
      }
    }
    return all;
  }

  /** A one-shot watch for a node's creation, data and removal. */
  addData(path: string, watcher: W): void {
    this.#data.add(path, watcher, ONE_SHOT);
  }

  /** A one-shot watch for a node's list of children, and its removal. */
  addChildren(path: string, watcher: W): void {
    this.#children.add(path, watcher, ONE_SHOT);
  }

  /** A watch that stays: for one node, or for it and everything below. */
  addPersistent(path: string, watcher: W, recursive: boolean): void {
    const bit = recursive ? RECURSIVE : PERSISTENT;
    this.#data.add(path, watcher, bit);
    this.#children.add(path, watcher, bit);
  }

  /** Whether the watcher has a watch of that kind (of `WATCHER_TYPES`) on that very path. */
  has(path: string, watcher: W, kind: number): boolean {
    return this.#tables(kind).some((table) => table.has(path, watcher));
  }

  /** Takes the watcher's watches of that kind off that path; false when there were none. */
  remove(path: string, watcher: W, kind: number): boolean {
    return this.#tables(kind).filter((table) => table.remove(path, watcher)).length > 0;
  }

  /** Forgets a watcher. */
  drop(watcher: W): void {
    this.#data.drop(watcher);
    this.#children.drop(watcher);
  }

  /** Uses up the watches that a change concerns; returns what to say to whom, in the order a server says it. */
  fire(change: Change): Notice<W>[] {
    const { path } = change;
    switch (change.type) {
      case "created":
        return [
          ...notices(this.#data.trigger(path, EVENT_TYPES.created), EVENT_TYPES.created, path),
          ...this.#fireParent(path),
        ];
      case "dataChanged":
        return notices(this.#data.trigger(path, EVENT_TYPES.dataChanged), EVENT_TYPES.dataChanged, path);
      case "deleted": {
        const told = this.#data.trigger(path, EVENT_TYPES.deleted);
        // Who watched both is told once.
        const more = [...this.#children.trigger(path, EVENT_TYPES.deleted)].filter((watcher) => !told.has(watcher));
        return [...notices([...told, ...more], EVENT_TYPES.deleted, path), ...this.#fireParent(path)];
      }
      default:
        return change.type satisfies never;
    }
  }

  #fireParent(path: string): Notice<W>[] {
    const parent = parentPath(path);
    return notices(this.#children.trigger(parent, EVENT_TYPES.childrenChanged), EVENT_TYPES.childrenChanged, parent);
  }

  #tables(kind: number): Table<W>[] {
    if (kind === WATCHER_TYPES.data) return [this.#data];
    if (kind === WATCHER_TYPES.children) return [this.#children];
    return [this.#data, this.#children];
  }
}

function notices<W>(watchers: Iterable<W>, type: number, path: string): Notice<W>[] {
  return [...watchers].map((watcher) => ({ watcher, type, path }));
}

class Table<W> {
  readonly #byPath = new Map<string, Map<W, number>>();
  readonly #byWatcher = new Map<W, Set<string>>();
  readonly #maxPerWatcher: number;
  /** Pairs with a recursive watch; while there are none no ancestor has to be looked at. */
  #recursive = 0;
  count = 0;

  constructor(maxPerWatcher: number) {
    this.#maxPerWatcher = maxPerWatcher;
  }

  *entries(): Iterable<[string, Iterable<W>]> {
    for (const [path, watchers] of this.#byPath) yield [path, watchers.keys()];
  }

  add(path: string, watcher: W, bit: number): void {
    let paths = this.#byWatcher.get(watcher);
    if (paths === undefined) {
      paths = new Set();
      this.#byWatcher.set(watcher, paths);
    }
    if (!paths.has(path)) {
      if (paths.size >= this.#maxPerWatcher) throw zooKeeperError("systemError", path);
      paths.add(path);
      this.count++;
    }
    let watchers = this.#byPath.get(path);
    if (watchers === undefined) {
      watchers = new Map();
      this.#byPath.set(path, watchers);
    }
    const bits = watchers.get(watcher) ?? 0;
    if (bit === RECURSIVE && (bits & RECURSIVE) === 0) this.#recursive++;
    watchers.set(watcher, bits | bit);
  }

  has(path: string, watcher: W): boolean {
    return this.#byPath.get(path)?.has(watcher) === true;
  }

  remove(path: string, watcher: W): boolean {
    const watchers = this.#byPath.get(path);
    const bits = watchers?.get(watcher);
    if (watchers === undefined || bits === undefined) return false;
    if ((bits & RECURSIVE) !== 0) this.#recursive--;
    watchers.delete(watcher);
    if (watchers.size === 0) this.#byPath.delete(path);
    this.#byWatcher.get(watcher)?.delete(path);
    this.count--;
    return true;
  }

  drop(watcher: W): void {
    for (const path of this.#byWatcher.get(watcher) ?? []) this.remove(path, watcher);
    this.#byWatcher.delete(watcher);
  }

  /** Whom a change of that type at that path concerns; one-shot watches among them are used up. */
  trigger(path: string, type: number): Set<W> {
    const told = new Set<W>();
    const isList = type === EVENT_TYPES.childrenChanged;
    for (const [watcher, bits] of this.#byPath.get(path) ?? []) {
      if ((bits & (ONE_SHOT | PERSISTENT)) !== 0 || !isList) told.add(watcher);
      const kept = bits & ~ONE_SHOT;
      if (kept === 0) this.remove(path, watcher);
      else if (kept !== bits) this.#byPath.get(path)?.set(watcher, kept);
    }
    if (this.#recursive === 0 || isList) return told;
    for (let above = path; above !== "/"; ) {
      above = parentPath(above);
      for (const [watcher, bits] of this.#byPath.get(above) ?? []) if ((bits & RECURSIVE) !== 0) told.add(watcher);
    }
    return told;
  }
}
