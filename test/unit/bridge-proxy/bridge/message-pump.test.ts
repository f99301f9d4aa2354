import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { MessagePump } from "../../../../src/bridge-proxy/bridge/message-pump.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";

const framed = (text: string, flags = 0) =>
  Buffer.concat([encodeEnvelope(Buffer.byteLength(text), flags), Buffer.from(text)]);

/** A pump that writes what it is given in capitals. */
function setUp(more: { maxMessageBytes?: number; maxHeldBytes?: number; encoding?: string } = {}) {
  const account = { heldBytes: 0, limits: { maxHeldBytes: more.maxHeldBytes ?? 1_000_000 } };
  const state = { free: true, later: 0, sent: [] as string[], ended: 0 };
  const pump: MessagePump = new MessagePump({
    account,
    maxMessageBytes: more.maxMessageBytes ?? 100_000,
    encoding: more.encoding ?? "identity",
    translate: (message) => Buffer.from(message.toString().toUpperCase()),
    isFree: () => state.free,
    send: (bytes, end) => {
      if (bytes.length > 0) state.sent.push(bytes.subarray(5).toString());
      if (end) state.ended++;
    },
    later: () => {
      state.later++;
    },
  });
  return { account, state, pump };
}

test("messages are translated in their order, however they are cut, out of chunks that are used again", () => {
  const bytes = Buffer.concat([framed("a"), framed(""), framed("b".repeat(9000))]);
  for (let size = 1; size < bytes.length; size = size * 3 + 1) {
    const { pump, state, account } = setUp();
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = Buffer.from(bytes.subarray(at, at + size));
      pump.push(chunk);
      chunk.fill(0);
    }
    pump.end();
    expect(state.sent).toEqual(["A", "", "B".repeat(9000)]);
    expect([state.ended, pump.isOver, account.heldBytes]).toEqual([1, true, 0]);
  }
});

test("messages wait while the far side has not taken those before, and the end waits for them", () => {
  const { pump, state, account } = setUp();
  state.free = false;
  pump.push(Buffer.concat([framed("a"), framed("b")]));
  pump.end();
  expect([state.sent, state.ended, pump.waits, pump.isOver]).toEqual([[], 0, true, false]);
  expect(account.heldBytes).toBeGreaterThan(0);
  state.free = true;
  pump.resume();
  expect([state.sent, state.ended, pump.waits, pump.isOver]).toEqual([["A", "B"], 1, false, true]);
  expect(account.heldBytes).toBe(0);
});

test("no turn translates more than 128 messages: the rest is for another one", () => {
  const { pump, state } = setUp();
  pump.push(Buffer.concat(Array.from({ length: 300 }, (_, n) => framed(String(n)))));
  expect([state.sent.length, state.later, pump.waits]).toEqual([128, 1, true]);
  pump.push(framed("300"));
  pump.end();
  expect([state.sent.length, state.later, state.ended]).toEqual([128, 1, 0]);
  pump.resume();
  expect([state.sent.length, state.later, state.ended]).toEqual([256, 2, 0]);
  pump.resume();
  expect([state.sent.length, state.later, state.ended]).toEqual([301, 2, 1]);
  expect(state.sent.map(Number)).toEqual(Array.from({ length: 301 }, (_, n) => n));
});

test("no turn translates on once it has read 256 KiB, however small they came", () => {
  const { pump, state } = setUp({ encoding: "gzip", maxMessageBytes: 300_000 });
  const bomb = gzipSync("x".repeat(300_000));
  const bytes = Buffer.concat([encodeEnvelope(bomb.length, 1), bomb]);
  pump.push(Buffer.concat([bytes, bytes]));
  pump.push(bytes);
  expect([state.sent.length, state.later]).toEqual([1, 1]);
  pump.resume();
  expect([state.sent.length, state.later]).toEqual([2, 2]);
  pump.resume();
  expect([state.sent.length, state.later, pump.waits]).toEqual([3, 2, false]);
});

test("compressed messages are inflated", () => {
  const { pump, state } = setUp({ encoding: "gzip" });
  const packed = gzipSync("abc");
  pump.push(Buffer.concat([encodeEnvelope(packed.length, 1), packed]));
  expect(state.sent).toEqual(["ABC"]);
});

const packed = gzipSync("x".repeat(1000));

test.each([
  ["longer than allowed", framed("x".repeat(101)), "grpc message of 101 bytes is over maxMessageBytes 100"],
  [
    "of that length when it is inflated",
    Buffer.concat([encodeEnvelope(packed.length, 1), packed]),
    "is over the limit 100 when",
  ],
  ["with unknown flags", framed("x", 4), "grpc message has flags 0x04"],
])("a message %s is refused", (_name, bytes, message) => {
  const { pump } = setUp({ maxMessageBytes: 100, encoding: "gzip" });
  expect(() => pump.push(bytes)).toThrow(message);
});

test("an end inside a message is refused", () => {
  const { pump } = setUp();
  pump.push(framed("abc").subarray(0, 7));
  expect(() => pump.end()).toThrow("grpc message is cut off");
});

test("what waits is counted, and refused where there is no room for it", () => {
  const { pump, account } = setUp({ maxHeldBytes: 100 });
  expect(() => pump.push(framed("x".repeat(200)).subarray(0, 150))).toThrow("hold over maxHeldBytes 100");
  pump.close();
  expect(account.heldBytes).toBe(0);
});

test("nothing is sent after it was closed", () => {
  const { pump, state } = setUp();
  state.free = false;
  pump.push(framed("a"));
  pump.close();
  state.free = true;
  pump.push(framed("b"));
  pump.resume();
  pump.end();
  expect([state.sent, state.ended, pump.isOver]).toEqual([[], 0, true]);
});
