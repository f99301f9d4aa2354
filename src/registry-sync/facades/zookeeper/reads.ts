import { ERRORS } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import { OPEN_ACL, type ReplyHeader } from "../../../codecs/zookeeper/records.ts";
import { decodeReply, type Reply } from "../../../codecs/zookeeper/replies.ts";
import type { Directory, DirectoryChild } from "../../present/directory.ts";
import { isHidden, mayBeVirtual } from "../../present/present.ts";
import type { ReplyHandler, SessionCore } from "./core.ts";
import type { Listing } from "./listings.ts";
import {
  eventPacket,
  missingStat,
  replyPacket,
  requestPacket,
  trailingStat,
  virtualStat,
  withNumChildren,
} from "./packets.ts";
import { type NodeWatch, settleNodes } from "./tracked.ts";

/** One read of the client, as its packet and what that says. */
export interface Read {
  readonly packet: Uint8Array;
  readonly xid: number;
  readonly op: "exists" | "getData" | "getACL" | "getChildren" | "getChildren2";
  readonly path: string;
  readonly watch: boolean;
}

/** getChildren and getChildren2 of a presented directory. Both are asked as getChildren2, whose Stat names the state. */
export function readList(core: SessionCore, directory: Directory, read: Read): void {
  const request = { op: "getChildren2", path: read.path, watch: read.watch } as const;
  const onReply: ReplyHandler = (packet, header) => {
    const listing = core.readListing(directory, packet, header);
    if (!read.watch && showsThoughMissing(header, listing)) {
      core.shared.counters.rewritten++;
      const children = [...listing.presented.shown];
      const list: Reply =
        read.op === "getChildren2"
          ? { op: "getChildren2", children, stat: missingStat(children.length) }
          : { op: "getChildren", children };
      core.outbox.add(replyPacket({ ...header, err: ERRORS.ok }, list));
      return;
    }
    if (header.err !== 0 || listing === undefined) {
      core.outbox.add(packet);
      return;
    }
    noteListing(core, directory, listing, read.watch);
    const tracked = core.tracked.get(directory.path);
    if (tracked !== undefined) tracked.known = true;
    const { shown } = listing.presented;
    const stat = listing.stat;
    if (read.op === "getChildren2" && sameAsHeld(listing)) {
      core.outbox.add(packet);
      return;
    }
    core.shared.counters.rewritten++;
    const children = [...shown];
    const reply: Reply =
      read.op === "getChildren2" && stat !== undefined
        ? { op: "getChildren2", children, stat: { ...trailingStat(packet)!, numChildren: shown.size } }
        : { op: "getChildren", children };
    core.outbox.add(replyPacket(header, reply));
  };
  core.forward(requestPacket(read.xid, request), read.xid, onReply, directory);
}

/**
 * Whether a directory that the registry does not have shows something all the same: services that exist by rules alone. Only who sets
 * no watch is told, since the registry keeps none there; consumers that follow a service make its directory first. `exists` says the
 * registry's truth, for Java's consumers make it only where that says that it is missing (AbstractZookeeperClient.create, 2.7 and 3.x).
 */
function showsThoughMissing(header: ReplyHeader, listing: Listing | undefined): listing is Listing {
  return header.err === ERRORS.noNode && listing !== undefined && listing.presented.shown.size > 0;
}

function noteListing(core: SessionCore, directory: Directory, listing: Listing, watch: boolean): void {
  const tracked = watch ? core.track(directory) : core.trackedAt(directory.path);
  if (tracked === undefined) return;
  tracked.listing = core.shared.listings.again(listing, core.contextOf(tracked), core.askerIn(directory));
  tracked.presented = tracked.listing.presented;
  tracked.early.clear();
  if (!watch) return;
  tracked.arm();
  tracked.upstreamArmed = true;
}

/** A request about a presented directory itself whose reply ends in its Stat: exists, getData, setData, getACL, setACL. */
export function readDirectoryStat(
  core: SessionCore,
  directory: Directory,
  packet: Uint8Array,
  xid: number,
  op: string,
  watch: boolean,
): void {
  let shownCount: number | undefined;
  let asked: Listing | undefined;
  core.list(directory, false, (listing) => {
    asked = listing;
    shownCount = listing?.stat === undefined ? undefined : listing.presented.shown.size;
  });
  core.forward(packet, xid, (reply, header) => {
    if (watch && (header.err === 0 || (op === "exists" && header.err === ERRORS.noNode))) {
      core.track(directory).dataWatch = true;
    }
    const stat = header.err === 0 ? trailingStat(reply) : undefined;
    if (stat === undefined || shownCount === undefined || stat.numChildren === shownCount) {
      core.outbox.add(reply);
    } else {
      core.shared.counters.rewritten++;
      core.outbox.add(withNumChildren(reply, shownCount));
    }
    if (header.err === ERRORS.ok && (op === "exists" || op === "getData")) tellVirtual(core, directory, asked);
  });
}

/**
 * A client with a recursive watch that is back (Curator's CuratorCache) reads the directory's Stat and lists the names again only where
 * `cversion` is another one, which names that only we show never change. So it is told of these as nodes that come, once in a session.
 */
function tellVirtual(core: SessionCore, directory: Directory, listing: Listing | undefined): void {
  if (listing === undefined || !core.coveredRecursively(directory.path)) return;
  const tracked = core.track(directory);
  if (tracked.known) return;
  if (tracked.presented === undefined) noteListing(core, directory, listing, false);
  tracked.known = true;
  for (const name of tracked.presented?.virtual ?? []) {
    core.shared.counters.artificial++;
    core.outbox.add(eventPacket("created", `${directory.path}/${name}`));
  }
}

/** A read of a node right below a presented directory. What must be known for its answer is asked before it. */
export function readChild(core: SessionCore, child: DirectoryChild, read: Read): void {
  const { directory, name } = child;
  let asked: Listing | undefined;
  let sent = read.packet;
  if (isHidden(directory, name, core.context, core.askerIn(directory))) {
    if (read.watch) watchShadows(core, directory);
    // Only getChildren's reply does not say whose the node is.
    if (read.op === "getChildren")
      sent = requestPacket(read.xid, { op: "getChildren2", path: read.path, watch: read.watch });
  } else if (mayBeVirtual(directory, name, core.context)) {
    if (read.watch) core.track(directory);
    core.list(directory, read.watch && needsOneShot(core, directory), (listing) => {
      asked = listing;
      if (listing !== undefined && read.watch) noteListing(core, directory, listing, false);
    });
  }
  core.forward(sent, read.xid, (packet, header) => {
    const plain = sent !== read.packet && header.err === 0 ? asGetChildren(packet, header) : packet;
    answerChild(core, child, read, { packet, plain, header, asked });
  });
}

/** The server's reply to a read of a node: as it came, and as it passes on. */
interface ChildAnswer {
  readonly packet: Uint8Array;
  readonly plain: Uint8Array;
  readonly header: ReplyHeader;
  /** The directory's state just before, where it was asked for. */
  readonly asked: Listing | undefined;
}

/**
 * Answers by what holds now, not by what held when the client asked: a hidden node is its owner's alone, a name that only we show
 * is there, and what the client's watch believes is noted.
 */
function answerChild(core: SessionCore, child: DirectoryChild, read: Read, answer: ChildAnswer): void {
  const { directory, name } = child;
  const { packet, plain, header, asked } = answer;
  const hidden = isHidden(directory, name, core.context, core.askerIn(directory));
  const note = (kind: NodeWatch["kind"]): void => {
    if (read.watch) core.track(directory).nodes.set(name, { kind, persistent: false });
  };
  if (header.err === ERRORS.ok) {
    const owner = hidden ? trailingStat(packet)?.ephemeralOwner : undefined;
    if (!hidden || core.owns(read.path) || (owner !== 0n && owner === core.sessionId)) {
      if (read.op === "exists" || read.op === "getData") note(hidden ? "own" : "real");
      core.outbox.add(plain);
      return;
    }
    if (read.op === "exists") note("absent");
    core.shared.counters.rewritten++;
    core.outbox.add(replyPacket({ ...header, err: ERRORS.noNode }));
    return;
  }
  const listing = header.err === ERRORS.noNode ? current(core, directory, asked) : undefined;
  const stat = listing?.stat ?? (read.watch ? undefined : missingStat(0));
  if (stat === undefined || listing?.presented.virtual.has(name) !== true) {
    if (header.err === ERRORS.noNode && read.op === "exists") note("absent");
    core.outbox.add(plain);
    return;
  }
  if (read.op === "exists" || read.op === "getData") note("virtual");
  core.shared.counters.rewritten++;
  const data = listing.presented.data.get(name) ?? new Uint8Array(0);
  core.outbox.add(replyPacket({ ...header, err: ERRORS.ok }, virtualReply(read.op, virtualStat(stat, data), data)));
}

/** The state of a directory as it is known for certain, under the context of now. */
function current(core: SessionCore, directory: Directory, asked: Listing | undefined): Listing | undefined {
  const tracked = core.tracked.get(directory.path);
  const followed = tracked?.upstreamArmed || tracked?.persistent || core.coveredRecursively(directory.path);
  const listing = asked ?? (followed ? tracked?.listing : undefined);
  if (listing === undefined || listing.context === core.context) return listing;
  return core.shared.listings.again(listing, core.context, core.askerIn(directory));
}

function asGetChildren(packet: Uint8Array, header: ReplyHeader): Uint8Array {
  const { reply } = decodeReply(packetBody(packet), "getChildren2");
  return replyPacket(header, { op: "getChildren", children: reply?.op === "getChildren2" ? reply.children : [] });
}

function virtualReply(op: Read["op"], stat: ReturnType<typeof virtualStat>, data: Uint8Array): Reply {
  switch (op) {
    case "exists":
      return { op, stat };
    case "getData":
      return { op, data, stat };
    case "getACL":
      return { op, acl: OPEN_ACL, stat };
    case "getChildren":
      return { op, children: [] };
    case "getChildren2":
      return { op, children: [], stat };
    default:
      return op satisfies never;
  }
}

/** Sees to it that the server tells of changes in a directory whose virtual or hidden nodes the client watches. */
export function watchShadows(core: SessionCore, directory: Directory): void {
  const tracked = core.track(directory);
  if (tracked.upstreamArmed && tracked.listing !== undefined) return;
  core.list(directory, needsOneShot(core, directory), (listing) => {
    if (listing === undefined) return;
    noteListing(core, directory, listing, false);
    for (const event of settleNodes(tracked, listing)) {
      core.shared.counters.artificial++;
      core.outbox.add(event);
    }
  });
}

/**
 * Whether a one-shot child watch may be set. Servers before 3.9 keep one kind of watch for a path and session: a one-shot one
 * would take a persistent one's place, which tells of the same changes anyway.
 */
export function needsOneShot(core: SessionCore, directory: Directory): boolean {
  return core.tracked.get(directory.path)?.persistent !== true && !core.recursive.has(directory.path);
}

function sameAsHeld(listing: Listing): boolean {
  return listing.presented.virtual.size === 0 && listing.presented.shown.size === listing.names.length;
}
