import { ERRORS, WATCH_MODES, WATCHER_TYPES } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import {
  type AddWatchRequest,
  decodeRequest,
  type SetWatchesRequest,
  type WatchesRequest,
} from "../../../codecs/zookeeper/requests.ts";
import { childAt, type Directory, directoryAt } from "../../present/directory.ts";
import { isHidden, mayBeVirtual, type Presented } from "../../present/present.ts";
import type { SessionCore } from "./core.ts";
import { resumeMappings } from "./mappings.ts";
import { eventPacket, replyPacket, requestPacket, trailingStat } from "./packets.ts";
import { needsOneShot, watchShadows } from "./reads.ts";
import { settle } from "./tracked.ts";

/** addWatch: a watch that stays, on one node or on all below it. */
export function addWatch(core: SessionCore, packet: Uint8Array, xid: number): void {
  const { request } = decodeRequest(packetBody(packet));
  const { path, mode } = request as AddWatchRequest;
  core.forward(packet, xid, (reply, header) => {
    if (header.err === 0) notePersistent(core, path, mode === WATCH_MODES.persistentRecursive);
    core.outbox.add(reply);
  });
}

function notePersistent(core: SessionCore, path: string, recursive: boolean): void {
  const directory = directoryAt(path, core.context);
  if (recursive) core.recursive.add(path);
  if (directory !== undefined) {
    const tracked = core.track(directory);
    if (!recursive) tracked.persistent = true;
    core.list(directory, false, (listing) => {
      if (listing === undefined) return;
      tracked.listing = listing;
      tracked.presented ??= listing.presented;
    });
    return;
  }
  const child = recursive ? undefined : childAt(path, core.context);
  if (child === undefined) return;
  const hidden = isHidden(child.directory, child.name, core.context, core.askerIn(child.directory));
  const virtual = mayBeVirtual(child.directory, child.name, core.context);
  if (!hidden && !virtual) return;
  const tracked = core.track(child.directory);
  const kind = core.owns(path) ? "own" : "absent";
  tracked.nodes.set(child.name, { kind, persistent: true });
  core.list(child.directory, needsOneShot(core, child.directory), (listing) => {
    if (listing === undefined) return;
    tracked.listing = listing;
    tracked.presented = listing.presented;
    if (listing.presented.virtual.has(child.name)) tracked.nodes.set(child.name, { kind: "virtual", persistent: true });
  });
}

/** removeWatches and checkWatches: what the client has decides, not what the server was asked to tell us. */
export function changeWatches(core: SessionCore, packet: Uint8Array, xid: number): void {
  const { request } = decodeRequest(packetBody(packet));
  const { op, path, type } = request as WatchesRequest;
  core.forward(packet, xid, (reply, header) => {
    const has = clientHas(core, path, type);
    if (op === "removeWatches" && (has ?? header.err === 0)) forget(core, path, type);
    const err = has === undefined ? header.err : has ? ERRORS.ok : ERRORS.noWatcher;
    core.outbox.add(err === header.err ? reply : replyPacket({ ...header, err }));
  });
}

/** Whether the client has such a watch; undefined where the server knows best. */
function clientHas(core: SessionCore, path: string, type: number): boolean | undefined {
  const tracked = core.tracked.get(path);
  if (tracked !== undefined && !core.recursive.has(path)) {
    const children = tracked.armed || tracked.persistent;
    if (type === WATCHER_TYPES.children) return children;
    if (type === WATCHER_TYPES.any) return children || tracked.dataWatch;
  }
  const child = childAt(path, core.context);
  const watch = child === undefined ? undefined : core.tracked.get(child.directory.path)?.nodes.get(child.name);
  if (watch === undefined || watch.kind === "real") return undefined;
  return type === WATCHER_TYPES.children ? undefined : true;
}

function forget(core: SessionCore, path: string, type: number): void {
  if (type !== WATCHER_TYPES.children && type !== WATCHER_TYPES.data) core.recursive.delete(path);
  const tracked = core.tracked.get(path);
  if (tracked !== undefined) {
    if (type !== WATCHER_TYPES.data) {
      tracked.armed = false;
      tracked.upstreamArmed = false;
    }
    if (type !== WATCHER_TYPES.children) tracked.dataWatch = false;
    if (type === WATCHER_TYPES.any || type === WATCHER_TYPES.persistent) tracked.persistent = false;
    if (tracked.idle) core.tracked.delete(path);
    else if (tracked.watchesShadows) watchShadows(core, tracked.directory);
  }
  const child = childAt(path, core.context);
  if (child !== undefined && type !== WATCHER_TYPES.children) {
    core.tracked.get(child.directory.path)?.nodes.delete(child.name);
  }
}

/**
 * setWatches and setWatches2 of a client that is back. The server answers for what it holds; for what only we show, and for
 * directories whose list we change, the state is read behind it and the client told of what it does not know.
 */
export function setWatches(core: SessionCore, packet: Uint8Array, xid: number): void {
  const { request } = decodeRequest(packetBody(packet));
  const asked = request as SetWatchesRequest;
  const directories = new Map<string, Directory>();
  const data: string[] = [];
  const exist: string[] = [];
  const owned: string[] = [];
  const split = (paths: readonly string[], kept: string[], kind: "virtual" | "absent"): void => {
    for (const path of paths) {
      const child = childAt(path, core.context);
      const own = directoryAt(path, core.context);
      if (own !== undefined) core.track(own).dataWatch = true;
      if (child === undefined) {
        kept.push(path);
        continue;
      }
      const { directory, name } = child;
      const hidden = isHidden(directory, name, core.context, core.askerIn(directory));
      if (hidden && kind === "virtual") {
        core.track(directory).nodes.set(name, { kind: "own", persistent: false });
        kept.push(path);
        owned.push(path);
      } else if (hidden || mayBeVirtual(directory, name, core.context)) {
        core.track(directory).nodes.set(name, { kind, persistent: false });
        directories.set(directory.path, directory);
      } else {
        core.track(directory).nodes.set(name, { kind: kind === "virtual" ? "real" : "absent", persistent: false });
        kept.push(path);
      }
    }
  };
  split(asked.data, data, "virtual");
  split(asked.exist, exist, "absent");
  for (const path of [...asked.child, ...asked.persistent, ...asked.recursive]) {
    const directory = directoryAt(path, core.context);
    if (directory !== undefined) directories.set(path, directory);
  }
  for (const path of asked.recursive) core.recursive.add(path);
  for (const path of asked.persistent) {
    const directory = directories.get(path);
    if (directory !== undefined) core.track(directory).persistent = true;
  }
  for (const path of asked.child) {
    const directory = directories.get(path);
    if (directory === undefined) continue;
    const tracked = core.track(directory);
    tracked.arm();
    tracked.upstreamArmed = true;
  }
  const same = data.length === asked.data.length && exist.length === asked.exist.length;
  core.forward(same ? packet : requestPacket(xid, { ...asked, data, exist }), xid);
  for (const path of owned) checkOwned(core, path);
  resumeMappings(core, asked.data, asked.exist);
  for (const directory of directories.values()) catchUp(core, directory, core.remembered?.shown.get(directory.path));
}

/**
 * Reads a directory that the client watched before and tells it of what changed while it was away, or may have. An event that the
 * server sends by itself goes on without being judged: what a client last saw of a list that changed since cannot be known.
 */
function catchUp(core: SessionCore, directory: Directory, remembered: Presented | undefined): void {
  const tracked = core.track(directory);
  core.list(directory, needsOneShot(core, directory) || tracked.armed, (listing) => {
    if (listing === undefined) return;
    const recursive = core.coveredRecursively(directory.path);
    const moment = tracked.moment();
    const before = { ...moment, presented: moment.presented ?? (tracked.persistent ? undefined : remembered) };
    const events = settle(tracked, before, listing, "context", recursive);
    core.shared.counters.artificial += events.length;
    for (const event of events) core.outbox.add(event);
  });
}

/** A data watch on a hidden node: the session's own goes on; another's was shown before it was hidden, and is gone for the client. */
function checkOwned(core: SessionCore, path: string): void {
  core.inject({ op: "exists", path, watch: false }, (packet, header) => {
    const child = childAt(path, core.context);
    if (header.err !== 0 || child === undefined) return;
    if (core.owns(path) || trailingStat(packet)?.ephemeralOwner === core.sessionId) return;
    if (core.tracked.get(child.directory.path)?.nodes.delete(child.name) === true) {
      core.shared.counters.artificial++;
      core.outbox.add(eventPacket("deleted", path));
    }
  });
}
