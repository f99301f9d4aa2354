import { expect, test } from "vitest";
import { Http2Connection } from "../../../../src/codecs/http2/connection.ts";
import { PREFACE } from "../../../../src/codecs/http2/frame.ts";

const START = Buffer.concat([PREFACE, Buffer.from("000000040000000000", "hex")]);
const frame = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
/** GET / in one frame on stream `id`, without its end. */
const request = (id: number) => frame("000003 01 04 " + id.toString(16).padStart(8, "0") + "828684");

function server(): Http2Connection {
  const machine = new Http2Connection("server", 0);
  machine.receive(START, 0);
  machine.receive(frame("000000 04 01 00000000"), 0);
  machine.takeOutput();
  return machine;
}

/** The code and text of the GOAWAY that ends the output. */
function goodbye(machine: Http2Connection): string {
  const bytes = machine.takeOutput();
  let last = "";
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 7)
      last = bytes.readUInt32BE(at + 13) + " " + bytes.latin1Slice(at + 17, at + 9 + bytes.readUIntBE(at, 3));
  }
  return last;
}

test("a wrong preface and a first frame that is not SETTINGS end the connection", () => {
  expect(() => new Http2Connection("server", 0).receive(Buffer.from("GET / HTTP/1.1"), 0)).toThrow(
    "client preface is wrong",
  );
  const machine = new Http2Connection("server", 0);
  expect(() => machine.receive(Buffer.concat([PREFACE, request(1)]), 0)).toThrow("the first frame is not SETTINGS");
  expect(() => machine.receive(START, 0)).toThrow("the connection is over");
});

test("a peer that never settles is given up", () => {
  const machine = new Http2Connection("server", 0);
  expect(machine.deadline()).toBe(10_000);
  expect(machine.tick(9_999)).toEqual([]);
  expect(() => machine.tick(10_000)).toThrow("no settings and acknowledgement within 10000 ms");
  expect(goodbye(machine)).toMatch(/^4 /);
});

test.each([
  [
    "rapid reset",
    (id: number) => Buffer.concat([request(id), frame("000004 03 00" + id.toString(16).padStart(8, "0") + "00000008")]),
    600,
  ],
  [
    "resets made by us",
    (id: number) => Buffer.concat([request(id), frame("000004 08 00" + id.toString(16).padStart(8, "0") + "00000000")]),
    600,
  ],
  ["pings", () => frame("000008 06 00 00000000 0000000000000000"), 2100],
  ["settings", () => frame("000000 04 00 00000000"), 210],
  ["priorities", () => frame("000005 02 00 00000001 0000000000"), 2100],
  ["unknown frames", () => frame("000000 ee 00 00000000"), 2100],
] as const)("a flood of %s ends in ENHANCE_YOUR_CALM", (_name, make, count) => {
  const machine = server();
  const flood = () => {
    for (let i = 0; i < count; i++) machine.receive(make(2 * i + 1), 1);
  };
  expect(flood).toThrow(/^over (500|2000) /);
  expect(goodbye(machine)).toMatch(/^11 over/);
});

test("empty DATA and CONTINUATION without end are cut off", () => {
  const data = server();
  data.receive(request(1), 1);
  expect(() => data.receive(Buffer.concat(Array(200).fill(frame("000000 00 00 00000001"))), 1)).toThrow(
    "without content",
  );
  const block = server();
  block.receive(frame("000003 01 00 00000001 828684"), 1);
  expect(block.deadline()).toBe(10_001);
  expect(() => block.receive(Buffer.concat(Array(20).fill(frame("000000 09 00 00000001"))), 1)).toThrow(
    "maxContinuations 16",
  );
  const slow = server();
  slow.receive(frame("000003 01 00 00000001 828684"), 1);
  expect(() => slow.tick(10_001)).toThrow("header block not complete");
});

test("a peer that never reads is left when its answers pile up", () => {
  const machine = new Http2Connection("server", 0, { maxOutputBytes: 1000 });
  machine.receive(START, 0);
  machine.setBlocked(true);
  const flood = () => {
    for (let i = 0; i < 100; i++) machine.receive(frame("000008 06 00 00000000 0000000000000000"), 1);
  };
  expect(flood).toThrow("unread output is over maxOutputBytes 1000");
});

test("content that nobody takes resets its stream", () => {
  const machine = server();
  machine.receive(frame("000006 04 00 00000000 000400000000"), 5);
  const [head] = machine.receive(request(1), 5);
  if (head.type !== "head") throw new Error(head.type);
  machine.head(head.stream, [":status", "200"], false);
  expect(machine.data(head.stream, Buffer.from("abc"), true)).toBe(3);
  expect(machine.tick(60_004)).toEqual([]);
  expect(machine.tick(60_005)).toMatchObject([{ type: "reset", code: 8, why: "content was not taken for 60000 ms" }]);
});
