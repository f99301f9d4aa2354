import { type Clock, realClock, type Timer } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { EVENT_TYPES, WATCH_MODES } from "../../../codecs/zookeeper/constants.ts";
import { childPath, nodeName, parentPath } from "../../../codecs/zookeeper/paths.ts";
import type { WatcherEvent } from "../../../codecs/zookeeper/records.ts";
import { isZooKeeperError } from "../../../codecs/zookeeper/status.ts";
import type { Outcome, ZooKeeperSession } from "./session.ts";

/** What is kept of one node; a part that the plan does not want is undefined. */
export interface TreeNode {
  readonly children: ReadonlySet<string> | undefined;
  readonly data: Uint8Array | null | undefined;
}

/** What to keep of a node: the names of its children, its data, or (undefined) nothing. */
export type Plan = (path: string) => { readonly children: boolean; readonly data: boolean } | undefined;

/** What to watch, and how. */
export interface TreeWatchOptions {
  /** Where to start; they need not exist. */
  readonly roots: readonly string[];
  readonly plan: Plan;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Nodes that are read at a time. */
  readonly maxReads?: number;
  /** Nodes that are kept; over it the rest is left out, and the log says so. */
  readonly maxNodes?: number;
  /** Changes are told at once, and then not more often than this, ms. */
  readonly quietMs?: number;
  /** Changes are held back while more of them is being read, but not longer than this, ms. */
  readonly maxDelayMs?: number;
  /** Roots without which nothing is known: there is no first notice while the server denies reading one of them. */
  readonly needed?: readonly string[];
  /** Told which nodes the server denies reading, whenever that changes; at most {@link MAX_DENIED}. They are tried again. */
  readonly onDenied?: (paths: readonly string[]) => void;
}

/** Nodes whose reading is denied that are kept track of; of more, the rest is tried again with the next connection. */
export const MAX_DENIED = 1_000;

/** How often nodes are tried again whose reading is denied, ms: no event tells that an ACL was changed. */
const DENIED_RETRY_MS = 10_000;

/** A live copy of parts of a tree. */
export interface TreeWatch {
  /** The nodes by path. It changes in place; between two notices of `onChange` it may be ahead of what was told. */
  readonly tree: ReadonlyMap<string, TreeNode>;
  /** Resolves when everything was read once. */
  readonly ready: Promise<void>;
  /** Whether persistent recursive watches are in use; undefined before that is known. */
  readonly isRecursive: boolean | undefined;
  /** Whether reads are under way or wanted, or changes were not told yet. */
  readonly isBusy: boolean;
  /**
   * Calls `listener` with the paths of nodes whose kept parts came, changed or went; first when all was read once, with everything.
   * Returns how to stop that.
   */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void;
  /** The plan for a node is another now: it is read, or let go with all below it. */
  replan(path: string): void;
  close(): void;
}

interface Kept {
  children: Set<string> | undefined;
  data: Uint8Array | null | undefined;
  /** The pass over the whole tree that last saw the node. */
  pass: number;
}

/**
 * Keeps a copy of the planned nodes below the roots. Where the server has persistent recursive watches (3.6 and later) a change
 * costs one event and at most one small read, however large the directory is; elsewhere one-shot watches are used, and a changed
 * directory is read again. While the server is away the copy stays as it was; after a reconnect it is compared with what is there.
 */
export function watchTree(session: ZooKeeperSession, options: TreeWatchOptions): TreeWatch {
  return new LiveTree(session, options);
}

/** Attempts to set a recursive watch that may end in a lost connection before the server is taken for an old one. */
const MAX_LOST_ATTEMPTS = 2;

class LiveTree implements TreeWatch {
  readonly tree = new Map<string, Kept>();
  readonly ready: Promise<void>;
  readonly #session: ZooKeeperSession;
  readonly #options: TreeWatchOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #maxReads: number;
  readonly #maxNodes: number;
  readonly #roots: ReadonlySet<string>;
  readonly #listeners = new Set<(changed: ReadonlySet<string>) => void>();
  readonly #stops: (() => void)[];
  /** Paths to read, oldest first. */
  readonly #dirty = new Set<string>();
  readonly #denied = new Set<string>();
  #deniedTimer: Timer | undefined;
  readonly #reading = new Set<string>();
  #changed = new Set<string>();
  #pass = 0;
  #isRecursive: boolean | undefined;
  #lostAttempts = 0;
  #isReady = false;
  #isClosed = false;
  #resolveReady: () => void = () => {};
  #timer: Timer | undefined;
  #firstChangeMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #isFull = false;
  #isUnreadable = false;

  constructor(session: ZooKeeperSession, options: TreeWatchOptions) {
    this.#session = session;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#log = options.log ?? silentLogger;
    this.#maxReads = options.maxReads ?? 128;
    this.#maxNodes = options.maxNodes ?? 1_000_000;
    this.#roots = new Set(options.roots);
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#stops = [
      session.onState((state, isNewSession) => {
        if (state === "connected") this.#connected(isNewSession);
      }),
      session.onEvent((event) => this.#event(event)),
    ];
    if (session.state === "connected") this.#connected(true);
  }

  get isRecursive(): boolean | undefined {
    return this.#isRecursive;
  }

  get isBusy(): boolean {
    return this.#isReading || this.#changed.size > 0;
  }

  get #isReading(): boolean {
    return this.#reading.size > 0 || this.#dirty.size > 0;
  }

  onChange(listener: (changed: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replan(path: string): void {
    if (this.#options.plan(path) === undefined) this.#drop(path);
    else if (!this.tree.has(path) && this.tree.get(parentPath(path))?.children?.has(nodeName(path)) === true)
      this.#readSoon(path);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#deniedTimer?.cancel();
    for (const stop of this.#stops) stop();
  }

  #connected(isNewSession: boolean): void {
    // One-shot watches were set again with the last change seen, and tell what was missed; recursive ones don't.
    if (this.#isRecursive === undefined) this.#tryRecursive();
    else if (this.#isRecursive || isNewSession) this.#readAll();
    else this.#pump();
  }

  #tryRecursive(): void {
    if (this.#lostAttempts >= MAX_LOST_ATTEMPTS) {
      this.#isRecursive = false;
      this.#readAll();
      return;
    }
    let waiting = this.#roots.size;
    for (const path of this.#roots) {
      this.#session.submit({ op: "addWatch", path, mode: WATCH_MODES.persistentRecursive }, ({ error }) => {
        if (this.#isRecursive !== undefined || this.#isClosed) return;
        if (error instanceof TransientError) {
          if (--waiting === 0) this.#lostAttempts++;
        } else if (error !== undefined) {
          this.#log.info("zookeeper server has no recursive watches; one-shot ones are used");
          this.#isRecursive = false;
          this.#readAll();
        } else if (--waiting === 0) {
          this.#isRecursive = true;
          this.#readAll();
        }
      });
    }
  }

  #readAll(): void {
    this.#pass++;
    for (const path of this.#roots) this.#dirty.add(path);
    this.#pump();
  }

  #event({ type, path }: WatcherEvent): void {
    if (this.#isRecursive !== true) {
      if (type !== EVENT_TYPES.none && this.#options.plan(path) !== undefined) this.#readSoon(path);
      return;
    }
    switch (type) {
      case EVENT_TYPES.created:
        this.#created(path);
        return;
      case EVENT_TYPES.deleted: {
        this.#drop(path);
        const parent = this.tree.get(parentPath(path));
        if (parent?.children?.delete(nodeName(path)) === true) this.#touch(parentPath(path));
        return;
      }
      case EVENT_TYPES.dataChanged:
        if (this.#options.plan(path)?.data === true) this.#readSoon(path);
        return;
      default:
    }
  }

  /** Events come in the order of the changes and before every reply that shows them, so a new node is known to be empty. */
  #created(path: string): void {
    const parent = this.tree.get(parentPath(path));
    const isRoot = this.#roots.has(path);
    if (!isRoot) {
      // Nothing is known of the parent yet: its read is still to come and will show this node.
      if (parent?.children === undefined) return;
      parent.children.add(nodeName(path));
      this.#touch(parentPath(path));
    }
    const plan = this.#options.plan(path);
    if (plan === undefined || this.#isOverLimit(path)) return;
    if (plan.children) this.#keep(path).children = new Set();
    this.#touch(path);
    if (plan.data) this.#readSoon(path);
  }

  #readSoon(path: string): void {
    this.#dirty.add(path);
    this.#pump();
  }

  #pump(): void {
    if (this.#session.state !== "connected") return;
    for (const path of this.#dirty) {
      if (this.#reading.size >= this.#maxReads) return;
      // A read on its way may miss what made the path dirty again: it must end first.
      if (this.#reading.has(path)) continue;
      this.#dirty.delete(path);
      this.#read(path);
    }
    if (this.#isReading || this.#isReady || this.#pass === 0) return;
    if (this.#options.needed?.some((path) => this.#denied.has(path)) === true) return;
    this.#isReady = true;
    this.#tell();
    this.#resolveReady();
  }

  #read(path: string): void {
    const plan = this.#options.plan(path);
    if (plan === undefined) return;
    const pass = this.#pass;
    const watch = this.#isRecursive !== true;
    let waiting = Number(plan.children) + Number(plan.data);
    const done = (outcome: Outcome) => {
      waiting--;
      this.#take(path, outcome, pass);
      if (waiting > 0) return;
      this.#reading.delete(path);
      this.#pump();
    };
    this.#reading.add(path);
    if (plan.children) this.#session.submit({ op: "getChildren", path, watch }, done);
    if (plan.data) this.#session.submit({ op: "getData", path, watch }, done);
  }

  #take(path: string, { reply, error }: Outcome, pass: number): void {
    if (this.#isClosed) return;
    if (error instanceof TransientError) {
      this.#dirty.add(path);
    } else if (isZooKeeperError(error, "noAuth")) {
      this.#deny(path);
    } else if (isZooKeeperError(error, "noNode")) {
      this.#allow(path);
      this.#drop(path);
      if (this.#roots.has(path) && this.#isRecursive !== true) this.#awaitRoot(path);
    } else if (error !== undefined) {
      this.#warnUnreadable(error);
    } else if (reply.op === "getChildren") {
      this.#allow(path);
      this.#takeChildren(path, reply.children, pass);
    } else if (reply.op === "getData") {
      this.#allow(path);
      const kept = this.#keep(path);
      const isSame = kept.data === reply.data || (kept.data && reply.data && !Buffer.compare(kept.data, reply.data));
      kept.data = reply.data;
      kept.pass = pass;
      if (!isSame) this.#touch(path);
    }
  }

  #takeChildren(path: string, names: readonly string[], pass: number): void {
    if (!this.tree.has(path) && this.#isOverLimit(path)) return;
    const kept = this.#keep(path);
    const before = kept.children;
    kept.children = new Set(names);
    kept.pass = pass;
    let isChanged = before === undefined || before.size !== kept.children.size;
    for (const name of kept.children) {
      if (before?.has(name) !== true) isChanged = true;
      const child = childPath(path, name);
      if (this.tree.get(child)?.pass !== pass && this.#options.plan(child) !== undefined) this.#dirty.add(child);
    }
    for (const name of before ?? []) if (!kept.children.has(name)) this.#drop(childPath(path, name));
    if (isChanged) this.#touch(path);
  }

  /** Leaves a watch for the creation of a root that is missing; other nodes are told of by their parent. */
  #awaitRoot(path: string): void {
    this.#session.submit({ op: "exists", path, watch: true }, ({ error }) => {
      // It may have come between the two requests.
      if (error === undefined || error instanceof TransientError) this.#readSoon(path);
    });
  }

  #deny(path: string): void {
    if (this.#denied.size >= MAX_DENIED && !this.#roots.has(path)) return;
    this.#deniedTimer ??= this.#clock.after(DENIED_RETRY_MS, () => {
      this.#deniedTimer = undefined;
      for (const one of this.#denied) this.#dirty.add(one);
      this.#pump();
    });
    if (this.#denied.has(path)) return;
    this.#denied.add(path);
    this.#options.onDenied?.([...this.#denied]);
  }

  #allow(path: string): void {
    if (this.#denied.delete(path)) this.#options.onDenied?.([...this.#denied]);
  }

  #drop(path: string): void {
    this.#allow(path);
    const kept = this.tree.get(path);
    if (kept === undefined) return;
    this.tree.delete(path);
    this.#dirty.delete(path);
    this.#touch(path);
    for (const name of kept.children ?? []) this.#drop(childPath(path, name));
  }

  #keep(path: string): Kept {
    let kept = this.tree.get(path);
    if (kept === undefined) {
      kept = { children: undefined, data: undefined, pass: this.#pass };
      this.tree.set(path, kept);
    }
    return kept;
  }

  #isOverLimit(path: string): boolean {
    if (this.tree.size < this.#maxNodes) return false;
    if (!this.#isFull) this.#log.error("zookeeper tree is over maxNodes", { maxNodes: this.#maxNodes, path });
    this.#isFull = true;
    return true;
  }

  #warnUnreadable(error: Error): void {
    if (!this.#isUnreadable) this.#log.warn("zookeeper node can't be read", { error: error.message });
    this.#isUnreadable = true;
  }

  #touch(path: string): void {
    if (this.#changed.size === 0) this.#firstChangeMs = this.#clock.now();
    this.#changed.add(path);
    if (!this.#isReady || this.#timer !== undefined) return;
    const quietMs = this.#options.quietMs ?? 20;
    this.#tellAfter(Math.max(0, this.#toldMs + quietMs - this.#clock.now()));
  }

  #tellAfter(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      const waitedMs = this.#clock.now() - this.#firstChangeMs;
      if (this.#isReading && waitedMs < (this.#options.maxDelayMs ?? 500)) this.#tellAfter(2);
      else this.#tell();
    });
  }

  #tell(): void {
    if (this.#isClosed || (this.#changed.size === 0 && this.#toldMs > 0)) return;
    const changed = this.#changed;
    this.#changed = new Set();
    this.#toldMs = this.#clock.now();
    for (const listener of this.#listeners) listener(changed);
  }
}
