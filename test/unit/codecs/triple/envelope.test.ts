import { expect, test } from "vitest";
import { CallError } from "../../../../src/base/errors.ts";
import {
  ENVELOPE_BYTES,
  EnvelopeSplitter,
  encodeEnvelope,
  FLAG_COMPRESSED,
  FLAG_END_STREAM,
} from "../../../../src/codecs/triple/envelope.ts";
import { seeded } from "../../../support/mutate.ts";
import { recordedCalls } from "../../../support/triple-calls.ts";

function splitter(maxMessageBytes = 100_000, allowedFlags = FLAG_COMPRESSED) {
  const found: string[] = [];
  const take = (bytes: Buffer, start: number, end: number, flags: number) =>
    void found.push(`${flags} ${bytes.toString("hex", start, end)}`);
  return { found, machine: new EnvelopeSplitter(take, { maxMessageBytes, allowedFlags }) };
}

function message(hex: string, flags = 0): Buffer {
  const bytes = Buffer.from(hex, "hex");
  return Buffer.concat([encodeEnvelope(bytes.length, flags), bytes]);
}

const RESPONSES = recordedCalls("3.3.6").map((call) => call.response);
const STREAM = Buffer.concat(RESPONSES);
const EXPECTED = RESPONSES.filter((bytes) => bytes.length > 0).map(
  (bytes) => `0 ${bytes.toString("hex", ENVELOPE_BYTES)}`,
);

test.each([1, 2, 4, 5, 6, 100, 4095, 4096, 5000, 65536])(
  "finds the recorded messages in pieces of %i bytes",
  (step) => {
    const { found, machine } = splitter();
    for (let at = 0; at < STREAM.length; at += step) machine.push(STREAM.subarray(at, at + step));
    machine.finish();
    expect(found).toEqual(EXPECTED);
    expect([machine.heldBytes, machine.heldPieces]).toEqual([0, 0]);
  },
);

test("finds messages in pieces of sizes that change from small to large and back", () => {
  const below = seeded(7);
  const { found, machine } = splitter();
  for (let at = 0; at < STREAM.length; ) {
    const step = 1 + below(below(2) === 0 ? 20 : 9000);
    machine.push(STREAM.subarray(at, at + step));
    at += step;
  }
  expect(found).toEqual(EXPECTED);
});

test("finds two messages and an empty one however their bytes are cut in three", () => {
  const all = Buffer.concat([message("0a0b", 1), message(""), message("ff")]);
  for (let a = 0; a <= all.length; a++) {
    for (let b = a; b <= all.length; b++) {
      const { found, machine } = splitter();
      machine.push(all.subarray(0, a));
      machine.push(all.subarray(a, b));
      machine.push(all.subarray(b));
      expect(found).toEqual(["1 0a0b", "0 ", "0 ff"]);
    }
  }
});

test("a message that is whole in its chunk is handed on in place", () => {
  const chunk = message("0102");
  let at = -1;
  const take = (bytes: Buffer, start: number) => {
    at = bytes === chunk ? start : -1;
  };
  new EnvelopeSplitter(take, { maxMessageBytes: 10, allowedFlags: 0 }).push(chunk);
  expect(at).toBe(ENVELOPE_BYTES);
});

test("a message of one range of a chunk leaves the rest alone", () => {
  const { found, machine } = splitter();
  machine.push(Buffer.concat([Buffer.from("ffff", "hex"), message("07"), Buffer.from("ff", "hex")]), 2, 8);
  expect(found).toEqual(["0 07"]);
});

test("every truncation waits for more, counts what it holds and is refused at the end", () => {
  const one = message("01020304");
  for (let cut = 1; cut < one.length; cut++) {
    const { found, machine } = splitter();
    machine.push(one.subarray(0, cut));
    expect([found.length, machine.heldBytes]).toEqual([0, cut]);
    expect(() => machine.finish()).toThrow(`grpc message is cut off: its stream ended ${cut} bytes into it`);
  }
});

test("a message of the limit passes and one byte more is refused, whole or cut", () => {
  const { found, machine } = splitter(3);
  machine.push(message("010203"));
  expect(found).toEqual(["0 010203"]);
  const over = new CallError("resource_exhausted", "over_limit", "grpc message of 4 bytes is over maxMessageBytes 3");
  expect(() => machine.push(message("01020304"))).toThrow(over);
  const cut = splitter(3).machine;
  cut.push(Buffer.from("00ffff", "hex"));
  expect(() => cut.push(Buffer.from("ffff", "hex"))).toThrow(
    "grpc message of 4294967295 bytes is over maxMessageBytes 3",
  );
});

test.each([1, 2, 4, 5, 6, 7, 8, 9, 100])(
  "messages over the limit are told of and stepped over where that is wanted, in pieces of %i bytes",
  (step) => {
    const found: string[] = [];
    const machine = new EnvelopeSplitter((bytes, start, end) => void found.push(bytes.toString("hex", start, end)), {
      maxMessageBytes: 3,
      allowedFlags: 0,
      onOversized: (length) => found.push(`${length} bytes`),
    });
    const bytes = Buffer.concat(
      ["01", "01020304", "0102030405060708", "020304", "", "ffffffff", "03"].map((hex) => message(hex)),
    );
    for (let at = 0; at < bytes.length; at += step) {
      machine.push(bytes.subarray(at, at + step));
      expect(machine.heldBytes).toBeLessThan(9);
    }
    machine.finish();
    expect(found).toEqual(["01", "4 bytes", "8 bytes", "020304", "", "4 bytes", "03"]);
  },
);

test("a message that is stepped over may be cut off as any other", () => {
  const machine = new EnvelopeSplitter(() => {}, { maxMessageBytes: 3, allowedFlags: 0, onOversized: () => {} });
  machine.push(message("01020304").subarray(0, 7));
  expect(() => machine.finish()).toThrow("grpc message is cut off");
});

test("a length that lies makes nothing be held but what came", () => {
  const { machine } = splitter(0xffff_ffff);
  machine.push(Buffer.from("00ffffffff0102", "hex"));
  expect([machine.heldBytes, machine.heldPieces]).toEqual([7, 1]);
});

test("pieces of one byte are held in few buffers", () => {
  const { machine } = splitter();
  machine.push(encodeEnvelope(50_000));
  for (let i = 0; i < 40_000; i++) machine.push(Buffer.of(1));
  expect(machine.heldPieces).toBe(3);
});

test("flags that may not be set are refused", () => {
  const none = splitter(10, 0).machine;
  expect(() => none.push(message("01", FLAG_COMPRESSED))).toThrow(
    "grpc message has flags 0x01, of which 0x00 may be set",
  );
  const { found, machine } = splitter(10, FLAG_COMPRESSED | FLAG_END_STREAM);
  machine.push(message("7b7d", FLAG_END_STREAM));
  expect(found).toEqual(["2 7b7d"]);
});
