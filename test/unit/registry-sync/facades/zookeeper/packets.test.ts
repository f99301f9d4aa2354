import { expect, test } from "vitest";
import { encodePacket } from "../../../../../src/codecs/zookeeper/frame.ts";
import { type Stat, writeReplyHeader, writeStat } from "../../../../../src/codecs/zookeeper/records.ts";
import {
  eventPacket,
  missingStat,
  replyHeader,
  replyPacket,
  requestPacket,
  trailingStat,
  virtualStat,
  withNumChildren,
} from "../../../../../src/registry-sync/facades/zookeeper/packets.ts";

const stat: Stat = {
  czxid: 5n,
  mzxid: 6n,
  ctime: 7n,
  mtime: 8n,
  version: 1,
  cversion: 2,
  aversion: 3,
  ephemeralOwner: 9n,
  dataLength: 4,
  numChildren: 11,
  pzxid: 12n,
};
const header = { xid: 3, zxid: 4n, err: 0 };
const existsReply = encodePacket((writer) => {
  writeReplyHeader(writer, header);
  writeStat(writer, stat);
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("an event is what a server sends: xid -1, zxid -1, connected", () => {
  expect(hex(eventPacket("childrenChanged", "/a"))).toBe(
    "0000001e" + "ffffffff" + "ffffffffffffffff" + "00000000" + "00000004" + "00000003" + "00000002" + "2f61",
  );
});

test("a request has its length, xid and operation", () => {
  expect(hex(requestPacket(-1_000_000, { op: "exists", path: "/a", watch: true }))).toBe(
    "0000000f" + "fff0bdc0" + "00000003" + "00000002" + "2f61" + "01",
  );
});

test("the Stat at the end of a reply is found and its numChildren changed, nothing else", () => {
  expect(trailingStat(existsReply)).toEqual(stat);
  const changed = withNumChildren(existsReply, 2);
  expect(trailingStat(changed)).toEqual({ ...stat, numChildren: 2 });
  expect(replyHeader(changed)).toEqual(header);
  expect(trailingStat(existsReply)?.numChildren).toBe(11);
});

test("a packet too short for a Stat has none", () => {
  expect(trailingStat(replyPacket(header))).toBeUndefined();
});

test("the Stat of a shown name has no zxid that the directory's own does not have", () => {
  const made = virtualStat(stat);
  expect([made.czxid, made.mzxid, made.pzxid]).toEqual([5n, 5n, 5n]);
  expect([made.ctime, made.mtime]).toEqual([7n, 7n]);
  expect([made.ephemeralOwner, made.numChildren, made.dataLength, made.version]).toEqual([0n, 0, 0, 0]);
});

test("the Stat of a directory that is not there names no state", () => {
  const { numChildren, ...others } = missingStat(2);
  expect(numChildren).toBe(2);
  expect(Object.values(others).every((value) => Number(value) === 0)).toBe(true);
});
