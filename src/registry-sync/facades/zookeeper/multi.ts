import { ERRORS } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import { decodeReply, type MultiResult } from "../../../codecs/zookeeper/replies.ts";
import { decodeRequest, type MultiOp, type MultiRequest } from "../../../codecs/zookeeper/requests.ts";
import { childAt, directoryAt } from "../../present/directory.ts";
import { isHidden, mayBeVirtual, present } from "../../present/present.ts";
import type { SessionCore } from "./core.ts";
import type { Listing } from "./listings.ts";
import { replyPacket, requestPacket, trailingStat, virtualStat } from "./packets.ts";

/** What was read of the places that a multi names, before it. */
interface Known {
  readonly listings: Map<string, Listing>;
  /** Hidden nodes (by path) that are there and are not the session's own. */
  readonly others: Set<string>;
}

/**
 * multi and multiRead. Those that name nothing presented pass as they are. For others the directories are read first and the
 * answers agree with what is shown. A check on a name that only we show, or that we hide, must decide the whole: such a multi
 * waits (`pause`) until that is known, and what the client sent behind it waits, too.
 */
export function forwardMulti(
  core: SessionCore,
  packet: Uint8Array,
  xid: number,
  pause: (paused: boolean) => void,
): void {
  const { request } = decodeRequest(packetBody(packet));
  const multi = request as MultiRequest;
  const places = multi.ops.map((op) => placeOf(core, op));
  if (places.every((place) => place === "elsewhere")) {
    core.forward(packet, xid);
    return;
  }
  const known: Known = { listings: new Map(), others: new Set() };
  const asked = new Set<string>();
  const checked: string[] = [];
  for (const op of multi.ops) {
    const directory = directoryAt(op.path, core.context) ?? childAt(op.path, core.context)?.directory;
    if (directory !== undefined && !asked.has(directory.path)) {
      asked.add(directory.path);
      core.list(directory, false, (listing) => {
        if (listing !== undefined) known.listings.set(directory.path, listing);
      });
    }
    if (op.op === "check" && placeOf(core, op) === "child") checked.push(op.path);
  }
  if (checked.length === 0) {
    send(core, xid, multi, packet, known);
    return;
  }
  pause(true);
  let left = checked.length;
  for (const path of checked) {
    core.inject({ op: "exists", path, watch: false }, (reply, header) => {
      const owner = header.err === 0 ? trailingStat(reply)?.ephemeralOwner : undefined;
      if (header.err === 0 && owner !== core.sessionId && !core.owns(path)) known.others.add(path);
      if (--left > 0) return;
      send(core, xid, multi, undefined, known);
      pause(false);
    });
  }
}

function placeOf(core: SessionCore, op: MultiOp): "directory" | "child" | "elsewhere" {
  if (directoryAt(op.path, core.context) !== undefined) return "directory";
  const child = childAt(op.path, core.context);
  if (child === undefined) return "elsewhere";
  if (isHidden(child.directory, child.name, core.context, core.askerIn(child.directory))) return "child";
  return mayBeVirtual(child.directory, child.name, core.context) ? "child" : "elsewhere";
}

/** Sends a multi with its checks put as the registry must be asked, and answers with the results put back. */
function send(core: SessionCore, xid: number, multi: MultiRequest, packet: Uint8Array | undefined, known: Known): void {
  const kept: MultiOp[] = [];
  /** For each operation of the client its index in what is sent; -1 for a check that holds here without asking. */
  const indexes: number[] = [];
  for (const op of multi.ops) {
    if (op.op === "check" && holdsVirtually(core, op, known)) {
      indexes.push(-1);
      continue;
    }
    indexes.push(kept.length);
    // No node has such a name below a node of that kind: the check fails as one of a missing node does.
    kept.push(op.op === "check" && known.others.has(op.path) ? { ...op, path: `${op.path}/missing` } : op);
    if (isCreateOp(op) && placeOf(core, op) === "child") core.addOwn(op.path);
  }
  const changed = packet === undefined;
  core.forward(changed ? requestPacket(xid, { ...multi, ops: kept }) : packet, xid, (answer, header) => {
    const { reply } = decodeReply(packetBody(answer), multi.op);
    if (reply === undefined || (reply.op !== "multi" && reply.op !== "multiRead")) {
      core.outbox.add(answer);
      return;
    }
    const failedAt = reply.results.findIndex((result) => result.op === "error" && result.err !== ERRORS.ok);
    const results = multi.ops.map((op, at): MultiResult => {
      const result = indexes[at] < 0 ? heldCheck(failedAt, indexes, at) : reply.results[indexes[at]];
      return result === undefined
        ? { op: "error", err: ERRORS.runtimeInconsistency }
        : rewrite(core, op, result, known);
    });
    if (failedAt < 0) core.noteRemoval(multi.ops.filter(({ op }) => op === "delete").map(({ path }) => path));
    core.shared.counters.rewritten++;
    core.outbox.add(replyPacket(header, { op: reply.op, results }));
  });
}

/** A good check, or in a failed multi what stands for a part before (0) or after (-2) the one that failed. */
function heldCheck(failedAt: number, indexes: readonly number[], at: number): MultiResult {
  if (failedAt < 0) return { op: "check" };
  const failedIn = indexes.indexOf(failedAt);
  return { op: "error", err: at < failedIn ? ERRORS.ok : ERRORS.runtimeInconsistency };
}

function holdsVirtually(core: SessionCore, op: MultiOp, known: Known): boolean {
  const child = op.op === "check" ? childAt(op.path, core.context) : undefined;
  if (child === undefined || op.op !== "check" || (op.version !== -1 && op.version !== 0)) return false;
  return known.listings.get(child.directory.path)?.presented.virtual.has(child.name) === true;
}

/** One result as the client is to see it. */
function rewrite(core: SessionCore, op: MultiOp, result: MultiResult, known: Known): MultiResult {
  if (result.op === "error" && result.err !== ERRORS.noNode) {
    if (isCreateOp(op)) core.own.delete(op.path);
    return result;
  }
  const directory = directoryAt(op.path, core.context);
  if (directory !== undefined) {
    if (result.op === "getChildren") {
      const shown = present(directory, result.children, core.context, core.askerIn(directory)).shown;
      return { op: "getChildren", children: [...shown] };
    }
    const shown = known.listings.get(directory.path)?.presented.shown.size;
    if ((result.op === "getData" || result.op === "setData") && shown !== undefined) {
      return { ...result, stat: { ...result.stat, numChildren: shown } };
    }
    return result;
  }
  const child = childAt(op.path, core.context);
  if (child === undefined) return result;
  if (op.op === "delete" && result.op === "delete") core.own.delete(op.path);
  if (op.op !== "getData" && op.op !== "getChildren") return result;
  const listing = known.listings.get(child.directory.path);
  if (result.op === "error" && listing?.stat !== undefined && listing.presented.virtual.has(child.name)) {
    if (op.op === "getChildren") return { op: "getChildren", children: [] };
    const data = listing.presented.data.get(child.name) ?? new Uint8Array(0);
    return { op: "getData", data, stat: virtualStat(listing.stat, data) };
  }
  const hidden = isHidden(child.directory, child.name, core.context, core.askerIn(child.directory));
  if (!hidden || result.op === "error") return result;
  const own = core.owns(op.path) || (result.op === "getData" && result.stat.ephemeralOwner === core.sessionId);
  return own ? result : { op: "error", err: ERRORS.noNode };
}

function isCreateOp(op: MultiOp): boolean {
  return op.op === "create" || op.op === "create2" || op.op === "createContainer" || op.op === "createTTL";
}
