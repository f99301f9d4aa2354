import { expect, test } from "vitest";
import { addText, readAttachment, readMessageBytes, readProtocol, readTimeout } from "../../../src/cli/call-options.ts";

test("attachments are put one behind the other, cut at the first equals sign", () => {
  expect(readAttachment("b=c=d", [["a", "1"]])).toEqual([
    ["a", "1"],
    ["b", "c=d"],
  ]);
  expect(readAttachment("empty=", [])).toEqual([["empty", ""]]);
});

test("texts are put one behind the other", () => {
  expect(addText("b", ["a"])).toEqual(["a", "b"]);
});

test.each(["a", "=a", ""])("%j is no attachment", (text) => {
  expect(() => readAttachment(text, [])).toThrow("it must be name=value.");
});

test("protocols are the four that the command speaks", () => {
  expect(["dubbo", "tri", "grpc", "http"].map(readProtocol)).toEqual(["dubbo", "tri", "grpc", "http"]);
  expect(() => readProtocol("rest")).toThrow("it must be one of dubbo, tri, grpc, http.");
});

test("times and sizes are whole numbers within their bounds", () => {
  expect([readTimeout("1"), readTimeout("600000")]).toEqual([1, 600_000]);
  expect([readMessageBytes("1"), readMessageBytes("1073741824")]).toEqual([1, 1_073_741_824]);
});

test.each(["0", "600001", "1.5", "-1", "5s", ""])("%j is no time", (text) => {
  expect(() => readTimeout(text)).toThrow("it must be 1 to 600000 ms.");
});

test.each(["0", "1073741825", "8m", ""])("%j is no size", (text) => {
  expect(() => readMessageBytes(text)).toThrow("it must be 1 to 1073741824 bytes.");
});
