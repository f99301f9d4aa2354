import type { PresentContext } from "../../present/context.ts";
import type { Directory } from "../../present/directory.ts";
import type { Presented } from "../../present/present.ts";
import type { Listing } from "./listings.ts";
import { eventPacket } from "./packets.ts";

/**
 * A client's watch on a node right below a presented directory.
 * `virtual`: it believes in a node that the registry does not hold. `absent`: it believes there is none.
 * `real`: it was shown the registry's own node. `own`: the node is hidden, but the session made it.
 */
export interface NodeWatch {
  readonly kind: "virtual" | "absent" | "real" | "own";
  readonly persistent: boolean;
}

/** What stood when an event came in; the truth about it is asked later. */
export interface Moment {
  presented: Presented | undefined;
  readonly armed: boolean;
  readonly armCount: number;
}

/** What made a listing be looked at again. */
export type Cause = "registry" | "context";

/** All that a session knows of one presented directory that its client watches. */
export class Tracked {
  readonly directory: Directory;
  /** The newest state that was read; undefined until the first. */
  listing: Listing | undefined;
  /** What the client was last shown, or told of. */
  presented: Presented | undefined;
  /** The client has a one-shot child watch. */
  armed = false;
  /** How often it set one: tells a watch from a later one. */
  armCount = 0;
  /** The client has a data watch on the directory itself. */
  dataWatch = false;
  /** The client has a persistent watch on the directory itself. */
  persistent = false;
  /** The client has read the names in this session, or was told of those that only we show. */
  known = false;
  /** The server has a one-shot child watch of this session. */
  upstreamArmed = false;
  readonly nodes = new Map<string, NodeWatch>();
  /** Names created and deleted by events that came before the first listing. */
  readonly early = new Map<string, "created" | "deleted">();

  /** Events that came in and are not judged yet, oldest first. */
  readonly #open: Moment[] = [];
  /** The context was replaced while events were open: that is told behind them. */
  #contextWaits = false;

  constructor(directory: Directory) {
    this.directory = directory;
  }

  /** The context by which everything is judged while events are open; undefined when none are. */
  heldContext: PresentContext | undefined;

  /** Notes that an event came in; `judged` must follow. `context` is the one of now. */
  opened(context: PresentContext): Moment {
    const moment = this.moment();
    this.heldContext ??= context;
    this.#open.push(moment);
    return moment;
  }

  /** The oldest open event was found to lead to `now`, where the later ones start from. Whether a new context is to be told now. */
  judged(moment: Moment, now: Presented | undefined): boolean {
    this.#open.shift();
    for (const later of this.#open) if (later.presented === moment.presented) later.presented = now ?? later.presented;
    if (this.#open.length > 0) return false;
    this.heldContext = undefined;
    const waited = this.#contextWaits;
    this.#contextWaits = false;
    return waited;
  }

  /** Whether a new context must wait to be told of until the events before it are judged; `judged` says when. */
  holdsContext(): boolean {
    if (this.#open.length > 0) this.#contextWaits = true;
    return this.#contextWaits;
  }

  moment(): Moment {
    return { presented: this.presented, armed: this.armed, armCount: this.armCount };
  }

  arm(): void {
    this.armed = true;
    this.armCount++;
  }

  /** Watches that need to hear of every real change of the children. */
  get needsChildren(): boolean {
    return this.armed || this.persistent || this.watchesShadows;
  }

  /** Watches on nodes whose coming and going the server cannot report. */
  get watchesShadows(): boolean {
    for (const watch of this.nodes.values()) if (watch.kind === "virtual" || watch.kind === "absent") return true;
    return false;
  }

  get idle(): boolean {
    return !this.armed && !this.persistent && !this.dataWatch && this.nodes.size === 0;
  }
}

/**
 * The events that a client must get when what it is shown goes from `before` to `listing`; watches that fire are taken off.
 * `recursive` says that a recursive watch of the client covers the directory. Names that the registry holds and shows are
 * reported by the server itself unless the cause is the context.
 */
export function settle(
  tracked: Tracked,
  before: Moment,
  listing: Listing,
  cause: Cause,
  recursive: boolean,
): Uint8Array[] {
  const now = listing.presented;
  const was = before.presented;
  tracked.listing = listing;
  tracked.presented = now;
  const events: Uint8Array[] = [];
  const { path } = tracked.directory;
  if (was === undefined) {
    for (const [name, watch] of [...tracked.nodes]) {
      if (watch.kind !== "virtual" || now.shown.has(name)) continue;
      nodeGone(tracked, name);
      events.push(eventPacket("deleted", `${path}/${name}`));
    }
  } else {
    for (const name of was.shown) {
      if (now.shown.has(name) || (cause === "registry" && !was.virtual.has(name))) continue;
      if (nodeGone(tracked, name) || recursive) events.push(eventPacket("deleted", `${path}/${name}`));
    }
  }
  const appeared: string[] = [];
  for (const name of now.shown) {
    if (was?.shown.has(name) === true || (cause === "registry" && !now.virtual.has(name))) continue;
    if (nodeCame(tracked, name) || (recursive && was !== undefined)) appeared.push(name);
  }
  for (const [name, data] of now.data) {
    const old = was?.data.get(name);
    if (old === undefined || sameBytes(old, data)) continue;
    if (nodeChanged(tracked, name) || recursive) events.push(eventPacket("dataChanged", `${path}/${name}`));
  }
  // New names first: whoever keeps a list from these events must not find it empty in between.
  events.unshift(...appeared.map((name) => eventPacket("created", `${path}/${name}`)));
  if (was !== undefined && sameNames(was.shown, now.shown)) return events;
  const fired = tracked.armCount === before.armCount && !tracked.armed;
  if ((before.armed && !fired) || tracked.persistent) {
    events.push(eventPacket("childrenChanged", path));
    if (tracked.armCount === before.armCount) tracked.armed = false;
  }
  return events;
}

/** As {@link settle}, for the watches on single nodes alone: brings each belief in line with what is shown. */
export function settleNodes(tracked: Tracked, { presented: { shown } }: Listing): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (const name of [...tracked.nodes.keys()]) {
    const path = `${tracked.directory.path}/${name}`;
    if (shown.has(name)) {
      if (nodeCame(tracked, name)) events.push(eventPacket("created", path));
    } else if (nodeGone(tracked, name)) events.push(eventPacket("deleted", path));
  }
  return events;
}

/** Takes off a watch that believes in `name`; whether there was one. */
function nodeGone(tracked: Tracked, name: string): boolean {
  const watch = tracked.nodes.get(name);
  if (watch === undefined || (watch.kind !== "virtual" && watch.kind !== "real")) return false;
  if (watch.persistent) tracked.nodes.set(name, { kind: "absent", persistent: true });
  else tracked.nodes.delete(name);
  return true;
}

/** Takes off a watch that waits for `name`; whether there was one. */
function nodeCame(tracked: Tracked, name: string): boolean {
  const watch = tracked.nodes.get(name);
  if (watch?.kind !== "absent") return false;
  if (watch.persistent) tracked.nodes.set(name, { kind: "virtual", persistent: true });
  else tracked.nodes.delete(name);
  return true;
}

/** Takes off a watch that knows `name` as ours; whether there was one. */
function nodeChanged(tracked: Tracked, name: string): boolean {
  const watch = tracked.nodes.get(name);
  if (watch?.kind !== "virtual") return false;
  if (!watch.persistent) tracked.nodes.delete(name);
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, index) => byte === b[index]));
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
