import { expect, test } from "vitest";
import { Sender } from "../../../../src/codecs/http2/sender.ts";
import { Http2Stream } from "../../../../src/codecs/http2/stream.ts";

function sender(onContent = () => {}) {
  const said: string[] = [];
  const events = {
    onDrain: (stream: Http2Stream) => void said.push("drain " + stream.id),
    onEnded: (stream: Http2Stream) => void said.push("ended " + stream.id),
    onContent,
  };
  return { said, machine: new Sender(events, 0, 4096) };
}

test("content beyond a stream's window waits, and trailers behind it", () => {
  const { said, machine } = sender();
  const stream = new Http2Stream(1, 3, 0);
  expect(machine.data(stream, Buffer.from("abcdef"), false)).toBe(3);
  machine.trailers(stream, ["a", "b"], []);
  expect(machine.out.take().toString("hex")).toBe("000003000000000001616263");
  machine.widenStream(stream, 10);
  expect(machine.out.take().toString("hex")).toBe("0000030000000000016465660000050105000000010001610162");
  expect(said).toEqual(["drain 1", "ended 1"]);
});

test("streams that wait take turns, and a blocked sender frames no content", () => {
  const { machine } = sender();
  machine.setBlocked(true);
  const streams = [new Http2Stream(1, 100_000, 0), new Http2Stream(3, 100_000, 0)];
  for (const stream of streams) machine.data(stream, Buffer.alloc(20_000), true);
  expect(machine.out.length).toBe(0);
  machine.setBlocked(false);
  const bytes = machine.out.take();
  const order: string[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    order.push(bytes[at + 8] + ":" + bytes[at + 4]);
  expect(order).toEqual(["1:0", "3:0", "1:1", "3:1"]);
});

test("long header lists go on in CONTINUATION", () => {
  const { machine } = sender();
  machine.headers(1, ["a", "x".repeat(40_000)], [], true);
  const bytes = machine.out.take();
  const order: string[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    order.push([bytes.readUIntBE(at, 3), bytes[at + 3], bytes[at + 4]].join(" "));
  }
  expect(order).toEqual(["16384 1 1", "16384 9 0", "7239 9 4"]);
});

test("windows over 2^31-1 are refused", () => {
  const { machine } = sender();
  expect(() => machine.widen(0x7fffffff)).toThrow("connection window is over 2^31-1");
  expect(machine.widenStream(new Http2Stream(1, 10, 0), 0x7fffffff)).toBe(false);
});

test("window by the byte has one stream looked at, and its frames earn the peer nothing", () => {
  let earned = 0;
  const { said, machine } = sender(() => earned++);
  const filler = new Http2Stream(1, 100_000, 0);
  machine.data(filler, Buffer.alloc(65_535), false);
  earned = 0;
  const streams = Array.from({ length: 500 }, (_, n) => new Http2Stream(2 * n + 3, 0, 0));
  let looks = 0;
  for (const stream of streams) {
    let window = 10;
    Object.defineProperty(stream, "sendWindow", {
      get: () => {
        looks++;
        return window;
      },
      set: (value: number) => {
        window = value;
      },
    });
    machine.data(stream, Buffer.alloc(3), false);
  }
  looks = 0;
  machine.widen(1);
  machine.widen(1);
  expect(earned).toBe(0);
  machine.widenStream(streams[400]!, 1);
  expect(looks).toBeLessThan(20);
  machine.widen(1);
  expect([earned, said]).toEqual([1, ["drain 3"]]);
  machine.widen(10_000);
  expect(said).toHaveLength(500);
});

test("a stream's own window moves that stream, to its end", () => {
  const { said, machine } = sender();
  const streams = [new Http2Stream(1, 0, 0), new Http2Stream(3, 0, 0)];
  for (const stream of streams) machine.data(stream, Buffer.alloc(40_000), true);
  machine.setBlocked(true);
  machine.widenStream(streams[1]!, 50_000);
  expect(machine.out.length).toBe(0);
  machine.setBlocked(false);
  expect([said, machine.queuedBytes]).toEqual([["drain 3", "ended 3"], 40_000]);
  machine.widenStream(streams[0]!, 10_000);
  machine.widenStream(streams[0]!, 30_000);
  expect(machine.queuedBytes).toBe(40_000 - 25_535);
  machine.widen(100_000);
  expect([said.slice(2), machine.queuedBytes, machine.waiting]).toEqual([["drain 1", "ended 1"], 0, []]);
});
