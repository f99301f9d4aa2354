import { EVENT_STATES, EVENT_TYPES } from "../../../codecs/zookeeper/constants.ts";
import { encodePacket, packetBody } from "../../../codecs/zookeeper/frame.ts";
import { JuteReader } from "../../../codecs/zookeeper/jute.ts";
import {
  type ReplyHeader,
  readReplyHeader,
  readStat,
  STAT_BYTES,
  type Stat,
} from "../../../codecs/zookeeper/records.ts";
import type { Reply } from "../../../codecs/zookeeper/replies.ts";
import { writeEvent, writeReply } from "../../../codecs/zookeeper/replies.ts";
import { type Request, writeRequest } from "../../../codecs/zookeeper/requests.ts";

/** Whole packets, with their length, that a session makes itself. */

/** A request as a client sends it, whole with its length. */
export function requestPacket(xid: number, request: Request): Uint8Array {
  return encodePacket((writer) => writeRequest(writer, xid, request));
}

/** A reply as a server sends it, whole with its length; a header alone where `reply` is left out, as for an error. */
export function replyPacket(header: ReplyHeader, reply?: Reply): Uint8Array {
  return encodePacket((writer) => writeReply(writer, header, reply));
}

/** An event as a server sends it: xid -1, zxid -1, state connected. */
export function eventPacket(type: keyof typeof EVENT_TYPES, path: string): Uint8Array {
  return encodePacket((writer) => writeEvent(writer, { type: EVENT_TYPES[type], state: EVENT_STATES.connected, path }));
}

/** The header of a reply packet. */
export function replyHeader(packet: Uint8Array): ReplyHeader {
  return readReplyHeader(new JuteReader(packetBody(packet)));
}

/** The Stat at the end of a good reply whose last record is one (exists, getData, setData, getACL, setACL, create2, getChildren2). */
export function trailingStat(packet: Uint8Array): Stat | undefined {
  const start = packet.length - STAT_BYTES;
  return start < 0 ? undefined : readStat(new JuteReader(packet, start));
}

/** Bytes from the end of a Stat back to its numChildren. */
const NUM_CHILDREN_FROM_END = 12;

/** The same packet with another numChildren in the Stat at its end; everything else, every zxid too, stays the server's. */
export function withNumChildren(packet: Uint8Array, numChildren: number): Uint8Array {
  const copy = Uint8Array.from(packet);
  new DataView(copy.buffer).setInt32(copy.length - NUM_CHILDREN_FROM_END, numChildren);
  return copy;
}

/**
 * The Stat of a directory that the registry does not hold and that shows services which exist by rules alone. It names no state of the
 * registry: zxids and times are 0.
 */
export function missingStat(numChildren: number): Stat {
  return {
    ...{ czxid: 0n, mzxid: 0n, ctime: 0n, mtime: 0n, version: 0, cversion: 0, aversion: 0 },
    ...{ ephemeralOwner: 0n, dataLength: 0, numChildren, pzxid: 0n },
  };
}

/**
 * The Stat of a name that consumers are shown and the registry does not hold. Its zxids and times are those of the directory's
 * own creation: real ones, older than anything the client waits for, and the same as long as the directory lives. Data that may change
 * (`data` not empty) has an mzxid made from it, since caches know a change by that number (Curator's CuratorCache and TreeCache).
 */
export function virtualStat(directory: Stat, data: Uint8Array = NO_DATA): Stat {
  const { czxid, ctime } = directory;
  return {
    czxid,
    mzxid: czxid + BigInt(sumOf(data)),
    ctime,
    mtime: ctime,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: data.length,
    numChildren: 0,
    pzxid: czxid,
  };
}

const NO_DATA = new Uint8Array(0);

/** FNV-1a, folded to 16 bits; 0 of nothing. */
function sumOf(data: Uint8Array): number {
  if (data.length === 0) return 0;
  let hash = 0x811c9dc5;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 16)) & 0xffff;
}
