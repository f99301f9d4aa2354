import { describe, expect, test } from "vitest";
import {
  bodyLength,
  encodeFrame,
  encodeHeartbeat,
  encodeHeartbeatAnswer,
  encodeReadonly,
  encodeWriteable,
  eventKind,
  FASTJSON2,
  flags,
  HEADER_BYTES,
  idHigh,
  idLow,
  isEvent,
  isMagic,
  isRequest,
  isTwoWay,
  printId,
  serializationId,
  serializationName,
  status,
  writeBodyLength,
  writeId,
} from "../../../../src/codecs/dubbo2/frame.ts";
import { HESSIAN2_LINES, recordedFrames } from "../../../support/dubbo2-frames.ts";

const FILES = [...HESSIAN2_LINES.map((line) => `${line}-hessian2`), "3.2.18-fastjson2"];

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

test.each(FILES)("reads every header of the recording of %s as the recorder did", (name) => {
  const frames = recordedFrames(name);
  expect(frames.length).toBeGreaterThan(70);
  for (const frame of frames) {
    expect(isMagic(frame.bytes, 0)).toBe(true);
    expect(isRequest(frame.bytes, 0)).toBe((flags(frame.bytes, 0) & 0x80) !== 0);
    expect(serializationId(frame.bytes, 0)).toBe(frame.ser);
    expect(status(frame.bytes, 0)).toBe(frame.status);
    expect(printId(idHigh(frame.bytes, 0), idLow(frame.bytes, 0))).toBe(frame.id);
    expect(bodyLength(frame.bytes, 0)).toBe(frame.len);
    expect(frame.bytes.length).toBe(HEADER_BYTES + frame.len);
    expect(isEvent(frame.bytes, 0)).toBe(frame.note.startsWith("heartbeat"));
  }
});

test.each(FILES)("answers the recorded heartbeats of %s byte for byte as their peers did", (name) => {
  const frames = recordedFrames(name);
  const asked = frames.filter((frame) => frame.note === "heartbeat");
  expect(asked.length).toBeGreaterThan(0);
  for (const question of asked) {
    expect(eventKind(question.bytes, 0, question.bytes.length)).toBe("heartbeat");
    const answer = frames.find(
      (frame) => frame.note === "heartbeat-answer" && frame.id === question.id && frame.dir !== question.dir,
    );
    const own = encodeHeartbeatAnswer(question.bytes, 0, question.bytes.length);
    expect(own.toString("hex")).toBe(answer?.bytes.toString("hex"));
  }
});

test("a body length over 2^31 reads as negative", () => {
  expect(bodyLength(hex("dabb c2 00 0000000000000001 ffffffff"), 0)).toBe(-1);
  expect(bodyLength(hex("dabb c2 00 0000000000000001 80000000"), 0)).toBe(-2147483648);
  expect(bodyLength(hex("dabb c2 00 0000000000000001 7fffffff"), 0)).toBe(2147483647);
});

test("ids keep all 64 bits and may be replaced in place", () => {
  const frame = hex("00 dabb c2 00 fedcba9876543210 00000001 4e");
  expect([idHigh(frame, 1), idLow(frame, 1)]).toEqual([0xfedcba98, 0x76543210]);
  writeId(frame, 1, 0xffffffff, 0x80000000);
  expect(frame.toString("hex")).toBe("00dabbc200ffffffff80000000000000014e");
  expect(printId(0xffffffff, 0xffffffff)).toBe("-1");
  writeBodyLength(frame, 1, 0x01020304);
  expect(frame.toString("hex", 13, 17)).toBe("01020304");
});

test("a frame is its header and its body", () => {
  const frame = encodeFrame({ flags: 0xc2, status: 0, idHigh: 1, idLow: 2 }, hex("9091"));
  expect(frame.toString("hex")).toBe("dabbc2000000000100000002000000029091");
  expect(isTwoWay(frame, 0)).toBe(true);
});

const EVENTS: readonly [name: string, frame: Buffer, bytes: string][] = [
  ["a hessian2 heartbeat", encodeHeartbeat(0, 7), "dabb e2 00 0000000000000007 00000001 4e"],
  ["a fastjson2 heartbeat", encodeHeartbeat(0, 7, FASTJSON2), "dabb f7 00 0000000000000007 00000005 00000001af"],
  ["a kryo heartbeat", encodeHeartbeat(0, 7, 8), "dabb e8 00 0000000000000007 00000000"],
  ["readonly", encodeReadonly(), "dabb a2 00 0000000000000000 00000002 0152"],
  ["readonly in fastjson2", encodeReadonly(FASTJSON2), "dabb b7 00 0000000000000000 00000006 000000024a52"],
  ["writeable", encodeWriteable(), "dabb a2 00 0000000000000000 00000002 0157"],
];
test.each(EVENTS)("%s is written as Dubbo writes it", (_name, frame, bytes) => {
  expect(frame.toString("hex")).toBe(bytes.replaceAll(" ", ""));
});

describe("events are told apart by their bytes", () => {
  test.each([
    ["hessian2 null", "e2", "4e", "heartbeat"],
    ["hessian2 null twice, as dubbo-go writes it", "e2", "4e4e", "heartbeat"],
    ["hessian2 R", "a2", "0152", "readonly"],
    ["hessian2 W", "a2", "0157", "writeable"],
    ["hessian2 with another string", "a2", "0158", "unknown"],
    ["hessian2 without a body", "e2", "", "unknown"],
    ["fastjson2 null", "f7", "00000001af", "heartbeat"],
    ["fastjson2 R", "b7", "000000024a52", "readonly"],
    ["fastjson2 W", "b7", "000000024a57", "writeable"],
    ["fastjson2 cut off", "b7", "0000", "unknown"],
    ["kryo, two-way", "e8", "0152", "heartbeat"],
    ["protobuf without a body, two-way", "f6", "", "heartbeat"],
    ["fastjson 1 R, one-way", "a6", "2252220a", "readonly"],
    ["kryo, one-way, neither", "a8", "01", "unknown"],
  ])("%s", (_name, flag, body, kind) => {
    const bytes = hex(body);
    const frame = encodeFrame({ flags: Number.parseInt(flag, 16), status: 0, idHigh: 0, idLow: 1 }, bytes);
    expect(eventKind(frame, 0, frame.length)).toBe(kind);
  });
});

test("serialization ids have Dubbo's names, unknown ones their number", () => {
  expect([2, 8, 23, 22, 5].map(serializationName)).toEqual([
    "hessian2",
    "kryo",
    "fastjson2",
    "protobuf",
    "serialization-5",
  ]);
});
