import { ERRORS } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import { OPEN_ACL, type ReplyHeader } from "../../../codecs/zookeeper/records.ts";
import { decodeReply, type Reply } from "../../../codecs/zookeeper/replies.ts";
import type { Directory, DirectoryChild } from "../../present/directory.ts";
import { isHidden, mayBeVirtual } from "../../present/present.ts";
import type { SessionCore } from "./core.ts";
import type { Listing } from "./listings.ts";
import { replyPacket, requestPacket, trailingStat, virtualStat, withNumChildren } from "./packets.ts";
import { settleNodes } from "./tracked.ts";

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
  core.forward(requestPacket(read.xid, request), read.xid, (packet, header) => {
    const listing = core.readListing(directory, packet, header);
    if (header.err !== 0 || listing === undefined) {
      core.outbox.add(packet);
      return;
    }
    noteListing(core, directory, listing, read.watch);
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
  });
}

function noteListing(core: SessionCore, directory: Directory, listing: Listing, watch: boolean): void {
  const tracked = watch ? core.track(directory) : core.trackedAt(directory.path);
  if (tracked === undefined) return;
  tracked.listing = listing;
  tracked.presented = listing.presented;
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
  core.list(directory, false, (listing) => {
    shownCount = listing?.stat === undefined ? undefined : listing.presented.shown.size;
  });
  core.forward(packet, xid, (reply, header) => {
    if (watch && (header.err === 0 || (op === "exists" && header.err === ERRORS.noNode))) {
      core.track(directory).dataWatch = true;
    }
    const stat = header.err === 0 ? trailingStat(reply) : undefined;
    if (stat === undefined || shownCount === undefined || stat.numChildren === shownCount) {
      core.outbox.add(reply);
      return;
    }
    core.shared.counters.rewritten++;
    core.outbox.add(withNumChildren(reply, shownCount));
  });
}

/** A read of a node right below a presented directory. */
export function readChild(core: SessionCore, child: DirectoryChild, read: Read): void {
  const { directory, name } = child;
  if (isHidden(directory, name, core.context, core.unledIn(directory))) readHidden(core, child, read);
  else if (mayBeVirtual(directory, name, core.context)) readMaybeVirtual(core, child, read);
  else {
    core.forward(read.packet, read.xid, (packet, header) => {
      if (read.watch && header.err === 0 && read.op !== "getChildren" && read.op !== "getChildren2") {
        core.track(directory).nodes.set(name, { kind: "real", persistent: false });
      } else if (read.watch && header.err === ERRORS.noNode && read.op === "exists") {
        core.track(directory).nodes.set(name, { kind: "absent", persistent: false });
      }
      core.outbox.add(packet);
    });
  }
}

/** A hidden node is its owner's alone; to all others there is none. */
function readHidden(core: SessionCore, child: DirectoryChild, read: Read): void {
  const { directory, name } = child;
  if (read.watch) watchShadows(core, directory);
  const asList = read.op === "getChildren";
  const sent = asList
    ? requestPacket(read.xid, { op: "getChildren2", path: read.path, watch: read.watch })
    : read.packet;
  core.forward(sent, read.xid, (packet, header) => {
    const owner = header.err === 0 ? trailingStat(packet)?.ephemeralOwner : undefined;
    const own = core.owns(read.path) || (owner !== undefined && owner !== 0n && owner === core.sessionId);
    const missing = header.err === ERRORS.noNode || (header.err === 0 && !own);
    if (read.watch && (own || (missing && read.op === "exists"))) {
      core.track(directory).nodes.set(name, { kind: own ? "own" : "absent", persistent: false });
    }
    if (header.err === 0 && !own) {
      core.shared.counters.rewritten++;
      core.outbox.add(replyPacket({ ...header, err: ERRORS.noNode }));
    } else if (asList && header.err === 0) core.outbox.add(asGetChildren(packet, header));
    else core.outbox.add(packet);
  });
}

function asGetChildren(packet: Uint8Array, header: ReplyHeader): Uint8Array {
  const { reply } = decodeReply(packetBody(packet), "getChildren2");
  return replyPacket(header, { op: "getChildren", children: reply?.op === "getChildren2" ? reply.children : [] });
}

/** A name with a proxy's address: there when it is shown, and else whatever the registry says. */
function readMaybeVirtual(core: SessionCore, child: DirectoryChild, read: Read): void {
  const { directory, name } = child;
  let listing: Listing | undefined;
  if (read.watch) core.track(directory);
  core.list(directory, read.watch && needsOneShot(core, directory), (found) => {
    listing = found;
    if (found !== undefined && read.watch) noteListing(core, directory, found, false);
  });
  core.forward(read.packet, read.xid, (packet, header) => {
    const stat = listing?.stat;
    const virtual = header.err === ERRORS.noNode && stat !== undefined && listing?.presented.virtual.has(name) === true;
    if (read.watch && read.op === "exists" && header.err === ERRORS.noNode && !virtual) {
      core.track(directory).nodes.set(name, { kind: "absent", persistent: false });
    }
    if (!virtual || stat === undefined) {
      core.outbox.add(packet);
      return;
    }
    if (read.watch) core.track(directory).nodes.set(name, { kind: "virtual", persistent: false });
    core.shared.counters.rewritten++;
    core.outbox.add(replyPacket({ ...header, err: 0 }, virtualReply(read.op, virtualStat(stat))));
  });
}

function virtualReply(op: Read["op"], stat: ReturnType<typeof virtualStat>): Reply {
  switch (op) {
    case "exists":
      return { op, stat };
    case "getData":
      return { op, data: new Uint8Array(0), stat };
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
