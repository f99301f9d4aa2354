import { describe, expect, test } from "vitest";
import { encodePacket, fourLetterWord, PacketSplitter, packetBody } from "../../../../src/codecs/zookeeper/frame.ts";
import { readZooKeeperRecordings } from "../../../support/zookeeper-recording.ts";

const recorded = readZooKeeperRecordings()
  .slice(0, 40)
  .map(({ packet }) => packet);
const stream = Buffer.concat(recorded);

function hexes(packets: readonly Uint8Array[]): string[] {
  return packets.map((packet) => Buffer.from(packet).toString("hex"));
}

test("a recorded stream in one chunk gives its packets, whole", () => {
  expect(hexes(new PacketSplitter(1 << 20).push(stream))).toEqual(hexes(recorded));
});

test("a recorded stream byte by byte gives the same packets", () => {
  const splitter = new PacketSplitter(1 << 20);
  const packets: Uint8Array[] = [];
  for (const byte of stream) packets.push(...splitter.push(Uint8Array.of(byte)));
  expect(hexes(packets)).toEqual(hexes(recorded));
  expect(splitter.heldBytes).toBe(0);
});

test("every split of two packets gives the same two", () => {
  const [first, second] = recorded;
  const both = Buffer.concat([first, second]);
  for (let at = 0; at <= both.length; at++) {
    const splitter = new PacketSplitter(1 << 20);
    const packets = [...splitter.push(both.subarray(0, at)), ...splitter.push(both.subarray(at))];
    expect(hexes(packets)).toEqual(hexes([first, second]));
  }
});

test("every truncation waits for more and holds no more than it got", () => {
  const packet = recorded[0];
  for (let end = 0; end < packet.length; end++) {
    const splitter = new PacketSplitter(1 << 20);
    expect(splitter.push(packet.subarray(0, end))).toEqual([]);
    expect(splitter.heldBytes).toBe(end);
    expect(hexes([splitter.rest()])).toEqual(hexes([packet.subarray(0, end)]));
  }
});

test("held bytes are copies: the chunk may be used again", () => {
  const chunk = Uint8Array.from(recorded[0].subarray(0, 10));
  const splitter = new PacketSplitter(1 << 20);
  splitter.push(chunk);
  chunk.fill(0xee);
  expect(hexes(splitter.push(recorded[0].subarray(10)))).toEqual(hexes([recorded[0]]));
});

describe("lengths", () => {
  const rows = [
    { name: "at the limit", length: "00000008", error: undefined },
    { name: "over it", length: "00000009", error: "zookeeper packet of 9 bytes is over maxPacketBytes 8" },
    { name: "of 2^31-1", length: "7fffffff", error: "zookeeper packet of 2147483647 bytes is over maxPacketBytes 8" },
    { name: "below zero", length: "ffffffff", error: "zookeeper packet has the negative length -1" },
  ];
  test.each(rows)("$name: $length", ({ length, error }) => {
    const splitter = new PacketSplitter(8);
    const bytes = Buffer.from(length, "hex");
    if (error === undefined) expect(splitter.push(bytes)).toEqual([]);
    else expect(() => splitter.push(bytes)).toThrow(error);
    const late = new PacketSplitter(8);
    late.push(bytes.subarray(0, 3));
    if (error === undefined) expect(late.push(bytes.subarray(3))).toEqual([]);
    else expect(() => late.push(bytes.subarray(3))).toThrow(error);
  });
});

test("a packet is its length and its body", () => {
  const packet = encodePacket((writer) => writer.int(5).string("ab"), 1);
  expect(hexes([packet, packetBody(packet)])).toEqual(["0000000a00000005000000026162", "00000005000000026162"]);
});

test("four letters are told from a length", () => {
  expect(fourLetterWord(Buffer.from("srvr"))).toBe("srvr");
  expect(fourLetterWord(Buffer.from("srv"))).toBeUndefined();
  expect(fourLetterWord(Buffer.from("abcd"))).toBeUndefined();
  expect(fourLetterWord(recorded[0])).toBeUndefined();
});
