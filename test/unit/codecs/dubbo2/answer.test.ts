import { expect, test } from "vitest";
import {
  decodeErrorText,
  encodeExceptionAnswer,
  encodeFastjson2Result,
  encodeStatusAnswer,
  MAX_ERROR_TEXT,
} from "../../../../src/codecs/dubbo2/answer.ts";
import { decodeResponse } from "../../../../src/codecs/dubbo2/body.ts";
import { fieldOf, isObject } from "../../../../src/codecs/value.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";
import { recordedFrames } from "../../../support/dubbo2-frames.ts";

function textOf(frame: Buffer): string {
  return decodeResponse(frame, 0, frame.length).text;
}

test("an error answer is one string under the request's id", () => {
  const frame = encodeStatusAnswer(0xfedcba98, 0x76543210, 2, 60, "no route");
  expect(frame.toString("hex")).toBe(bytesOf('dabb 02 3c fedcba9876543210 00000009 08"no route"').toString("hex"));
});

test("an error answer to fastjson2 is a string in that form, to what is only carried in hessian2", () => {
  expect(encodeStatusAnswer(0, 1, 23, 80, "down").toString("hex")).toBe(
    "dabb1750000000000000000100000009000000054d646f776e",
  );
  expect(encodeStatusAnswer(0, 1, 8, 80, "down").toString("hex")).toBe("dabb025000000000000000010000000504646f776e");
  for (const text of ["", "x".repeat(47), "x".repeat(48), "é中🚀", "x".repeat(8000)]) {
    expect(textOf(encodeStatusAnswer(0, 1, 23, 80, text))).toBe(text);
    expect(textOf(encodeStatusAnswer(0, 1, 2, 80, text))).toBe(text);
  }
});

test("an exception answer is the smallest one that Java throws on", () => {
  const frame = encodeExceptionAnswer(0, 1, 2, "denied");
  const body = '90 43 1a"java.lang.RuntimeException" 91 0d"detailMessage" 60 06"denied"';
  expect(frame.toString("hex")).toBe(bytesOf(`dabb 02 14 0000000000000001 00000034 ${body}`).toString("hex"));
  const { type, value } = decodeResponse(frame, 0, frame.length);
  expect([type, isObject(value) && fieldOf(value, "detailMessage")]).toEqual(["exception", "denied"]);
});

test("an exception answer to fastjson2 is in that form", () => {
  const frame = encodeExceptionAnswer(0, 1, 23, "no");
  const thrown = '92 59"RuntimeException" 00 a6 7f 56"detailMessage" 01 4b"no" a5';
  expect(frame.toString("hex")).toBe(
    bytesOf(`dabb 17 14 0000000000000001 00000032 00000002bd00 00000028 ${thrown}`).toString("hex"),
  );
});

test.each(["denied", null])("an exception of another class with the message %j", (message) => {
  const frame = encodeExceptionAnswer(0, 1, 2, message, "com.acme.OrderException");
  const { type, value } = decodeResponse(frame, 0, frame.length);
  expect([type, isObject(value) && value.shape.name]).toEqual(["exception", "com.acme.OrderException"]);
  expect(isObject(value) && fieldOf(value, "detailMessage")).toBe(message);
  const other = encodeExceptionAnswer(0, 1, 23, message, "com.acme.OrderException");
  expect(other.toString("latin1")).toContain("com.acme.OrderException");
});

test("where no exception can be written the answer is status 80", () => {
  for (const serialization of [6, 8]) {
    const frame = encodeExceptionAnswer(0, 1, serialization, "denied");
    expect(decodeResponse(frame, 0, frame.length)).toMatchObject({ status: 80, type: "error", text: "denied" });
  }
});

test("long texts are cut", () => {
  const text = "x".repeat(MAX_ERROR_TEXT + 5);
  expect(textOf(encodeStatusAnswer(0, 1, 2, 80, text)).length).toBe(MAX_ERROR_TEXT);
  const frame = encodeExceptionAnswer(0, 1, 2, text);
  expect(frame.length).toBeLessThan(MAX_ERROR_TEXT + 100);
});

test.each([
  ["null", "00000001 af", ""],
  ["short ASCII", '00000003 4b"ab"', "ab"],
  ["long ASCII, one byte of length", '00000004 79 02 "ab"', "ab"],
  ["long ASCII, two bytes of length", `00000000 79 3830"${"a".repeat(48)}"`, "a".repeat(48)],
  ["long ASCII, three bytes of length", `00000000 79 440800"${"a".repeat(2048)}"`, "a".repeat(2048)],
  ["UTF-8", "00000005 7a 03 e4b8ad", "中"],
  ["UTF-16, little-endian", "00000004 7c 02 2d4e", "中"],
])("reads a fastjson2 text: %s", (_name, body, text) => {
  const bytes = bytesOf(body);
  expect(decodeErrorText(bytes, 0, bytes.length, 23)).toBe(text);
});

test.each([
  ["nothing", "", "no fastjson2 string"],
  ["a number", "00000001 01", "no fastjson2 string"],
  ["a length that lies", '00000003 4f"ab"', "cut off"],
  ["a negative length", "00000006 7a 48 ffffffff", "cut off"],
  ["a length of 2^31-1", "00000006 7a 48 7fffffff", "cut off"],
  ["no length", "00000001 7a", "no length"],
])("refuses a fastjson2 text: %s", (_name, body, message) => {
  const bytes = bytesOf(body);
  expect(() => decodeErrorText(bytes, 0, bytes.length, 23)).toThrow(message);
});

test("the text of an error in a serialization that is only carried is said to be that", () => {
  expect(decodeErrorText(Buffer.alloc(3), 0, 3, 8)).toBe("error text of 3 bytes in serialization 8, which is not read");
});

test("a result in fastjson2 is what a 3.2 provider answers", () => {
  const [first] = recordedFrames("3.2.18-fastjson2").filter(({ dir, bytes, status }) => {
    return dir === "s2c" && status === 20 && (bytes[2]! & 0x20) === 0 && bytes[21]! >= 4;
  });
  const value = (frame: Buffer) => frame.subarray(22, 26 + frame.readUInt32BE(22));
  const made = (frame: Buffer, data: Buffer) =>
    encodeFastjson2Result(frame.readInt32BE(4), frame.readInt32BE(8), false, data, [["dubbo", "2.0.2"]]);
  const { bytes } = first!;
  expect(
    made(bytes, value(bytes)).equals(Buffer.concat([bytes.subarray(0, 2), Buffer.of(23), bytes.subarray(3)])),
  ).toBe(true);
  const empty = encodeFastjson2Result(1, 2, false, Buffer.from("00000001af", "hex"), [["dubbo", "2.0.2"]]);
  expect(empty.toString("hex", 16)).toBe("00000002bd050000000ea64e647562626f4e322e302e32a5");
  const thrown = encodeFastjson2Result(1, 2, true, value(bytes), []);
  expect(thrown.toString("hex", 16, 22)).toBe("00000002bd03");
});
