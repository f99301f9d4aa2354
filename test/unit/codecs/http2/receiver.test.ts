import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { Http2Connection } from "../../../../src/codecs/http2/connection.ts";
import { PREFACE } from "../../../../src/codecs/http2/frame.ts";

const frame = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const START = Buffer.concat([PREFACE, frame("000000 04 00 00000000"), frame("000000 04 01 00000000")]);
const REQUEST = "000003 01 04 00000001 828684";

function server(limits = {}): Http2Connection {
  const machine = new Http2Connection("server", 0, limits);
  machine.receive(START, 0);
  machine.takeOutput();
  return machine;
}

test.each([
  ["DATA on an idle stream", "000000 00 00 00000001", "DATA on an idle stream"],
  ["DATA without stream", "000000 00 00 00000000", "DATA without a stream"],
  ["HEADERS on an even stream", "000003 01 04 00000002 828684", "HEADERS on stream 2"],
  ["PUSH_PROMISE", "000004 05 04 00000001 00000002", "PUSH_PROMISE"],
  ["CONTINUATION alone", "000000 09 04 00000001", "without a header block"],
  ["a frame inside a block", "000003 01 00 00000001 828684 000000 04 00 00000000", "inside a header block"],
  ["padding over its frame", REQUEST + "000001 00 08 00000001 01", "padding"],
  ["PING of 7", "000007 06 00 00000000 00000000000000", "PING of the wrong length"],
  ["SETTINGS of 5", "000005 04 00 00000000 0000000000", "SETTINGS of the wrong length"],
  ["numbers that go down", "000003 01 05 00000005 828684 000003 01 05 00000003 828684", "stream numbers go down"],
  ["RST_STREAM on an idle stream", "000004 03 00 00000001 00000000", "idle stream"],
  ["window over 2^31-1", "000004 08 00 00000000 7fffffff", "over 2^31-1"],
  ["an hpack error", "000001 01 05 00000001 80", "index 0"],
])("%s ends the connection", (_name, hex, text) => {
  expect(() => server().receive(frame(hex), 0)).toThrow(text);
});

test.each([
  ["a malformed request", "000002 01 05 00000001 8286", "00000001"],
  ["a stream that depends on itself", "000008 01 25 00000001 0000000100 828684", "00000001"],
  ["window by 0", REQUEST + "000004 08 00 00000001 00000000", "00000001"],
  ["content after the end", "000003 01 05 00000001 828684" + "000001 00 00 00000001 61", "00000005"],
  ["HEADERS amid content", REQUEST + "000001 01 04 00000001 88", "00000001"],
])("%s resets the stream alone", (_name, hex, code) => {
  const machine = server();
  machine.receive(frame(hex), 0);
  expect(machine.takeOutput().toString("hex")).toBe("000004030000000001" + code);
  expect(machine.receive(frame("000003 01 05 00000007 828684"), 0)).toMatchObject([{ type: "head", end: true }]);
});

test("streams over the limit are refused", () => {
  const machine = server({ maxStreams: 1 });
  machine.receive(frame(REQUEST + "000003 01 04 00000003 828684"), 0);
  expect([machine.takeOutput().toString("hex"), machine.openStreams]).toEqual(["00000403000000000300000007", 1]);
});

test("a header list over the limit resets its stream with ENHANCE_YOUR_CALM", () => {
  const machine = server({ maxHeaderListBytes: 150 });
  machine.receive(frame("00000d 01 05 00000001 828684 0001610162 0001610162"), 0);
  expect(machine.takeOutput().toString("hex")).toBe("0000040300000000010000000b");
});

test("what still comes for a stream that we reset is read over, and its window given back", () => {
  const machine = server();
  const [head] = machine.receive(frame(REQUEST), 0);
  if (head.type !== "head") throw new Error(head.type);
  machine.reset(head.stream, 8);
  machine.takeOutput();
  expect(machine.receive(frame("000001 00 00 00000001 61 000001 01 05 00000001 be".replace("be", "88")), 0)).toEqual(
    [],
  );
  expect(machine.takeOutput().length).toBe(0);
});

test("a stream may not pass its window", () => {
  const machine = server({ streamWindowBytes: 10 });
  machine.receive(frame(REQUEST), 0);
  const events = machine.receive(Buffer.concat([frame("00000b 00 00 00000001"), Buffer.alloc(11)]), 0);
  expect(events).toMatchObject([{ type: "reset", code: 3, why: "DATA over the stream's window" }]);
});

test("any bytes give events or a ProtocolError", () => {
  let seed = 11;
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  for (let round = 0; round < 2000; round++) {
    const machine = server();
    const bytes = frame(
      REQUEST + "000004 00 08 00000001 01616200 000001 01 05 00000001 be 000004 08 00 00000000 00000001",
    );
    for (let i = 0; i < 4; i++) bytes[next() % bytes.length] = next();
    try {
      machine.receive(bytes, 0);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});

test("content that waited for a wider initial window goes out behind the acknowledgement of it", () => {
  const machine = server();
  machine.receive(frame("000006 04 00 00000000 0004 00000000"), 0);
  const [head] = machine.receive(frame(REQUEST), 0);
  if (head?.type !== "head") throw new Error("no head");
  machine.head(head.stream, [":status", "200"], false);
  machine.data(head.stream, Buffer.from("ab"), false);
  machine.takeOutput();
  machine.receive(frame("000006 04 00 00000000 0004 00000001"), 0);
  expect(machine.takeOutput().toString("hex")).toBe("000000040100000000" + "000001000000000001" + "61");
});
