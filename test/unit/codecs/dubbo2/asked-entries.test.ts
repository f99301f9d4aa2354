import { describe, expect, test } from "vitest";
import { AskedEntries } from "../../../../src/codecs/dubbo2/asked-entries.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import type { Value } from "../../../../src/codecs/value.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

const asked = new AskedEntries(["path", "user"]);

/** A body with these bytes from the method's end on. */
function bodyOf(text: string): Buffer {
  return bytesOf(`05"2.0.2" 01"A" 05"0.0.0" 03"get" ${text}`);
}

function headOf(body: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(body, 0, body.length);
  return head;
}

const STRING = '12"Ljava/lang/String;"';
const first = bodyOf(`${STRING} 01"x" 48 04"path" 01"A" 05"trace" 01"1" 04"user" 03"ann" 5a`);
const said = asked.said(headOf(first))!;
const at = headOf(first).methodEnd;
const says = (text: string): boolean => {
  const body = bodyOf(text);
  return asked.says(said, body, at, body.length);
};

test("a request says again what it said", () => {
  expect(asked.says(said, first, at, first.length)).toBe(true);
  expect(said.entries.toString("latin1")).toBe("\x04path\x01A\x04user\x03ann");
});

describe("another request", () => {
  const rows: [string, string, boolean][] = [
    ["with another argument", `${STRING} 02"xy" 48 04"path" 01"A" 04"user" 03"ann" 5a`, true],
    [
      "with other entries that nobody asks for",
      `${STRING} 01"x" 48 01"a" 91 04"path" 01"A" 01"b" 4e 04"user" 03"ann" 5a`,
      true,
    ],
    [
      "with an object among them",
      `${STRING} 43 01"C" 91 01"f" 60 91 48 04"path" 01"A" 01"o" 60 92 04"user" 03"ann" 5a`,
      true,
    ],
    ["with another value", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"bob" 5a`, false],
    ["with a value of another form", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 3003"ann" 5a`, false],
    ["without one of them", `${STRING} 01"x" 48 04"path" 01"A" 5a`, false],
    ["with one of them twice", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann" 04"user" 03"ann" 5a`, false],
    [
      "with one of them in another case as well",
      `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann" 04"USER" 01"b" 5a`,
      false,
    ],
    ["in another order", `${STRING} 01"x" 48 04"user" 03"ann" 04"path" 01"A" 5a`, false],
    [
      "with another path as its argument's end",
      `${STRING} 48 04"path" 01"A" 04"user" 03"ann" 5a 48 04"path" 01"B" 5a`,
      false,
    ],
    [
      "with the entries in an argument of two",
      `24"Ljava/lang/String;Ljava/lang/String;" 01"x" 48 04"path" 01"A" 04"user" 03"ann" 5a`,
      false,
    ],
    ["with other types", `12"Ljava/lang/Object;" 01"x" 48 04"path" 01"A" 04"user" 03"ann" 5a`, false],
    ["with a key in chunks", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann" 52 0001"u" 03"ser" 01"b" 5a`, false],
    ["with a key outside ASCII", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann" 01c384 01"b" 5a`, false],
    ["with a key that is no string", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann" 91 01"b" 5a`, false],
    ["with a map of a class", `${STRING} 01"x" 4d 01"M" 04"path" 01"A" 04"user" 03"ann" 5a`, false],
    ["without attachments", `${STRING} 01"x" 4e`, false],
    ["that ends in its attachments", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"ann"`, false],
    ["that ends in its last value", `${STRING} 01"x" 48 04"path" 01"A" 04"user" 03"an"`, false],
    ["that ends in its last key", `${STRING} 01"x" 48 04"path" 01"A" 04"us"`, false],
    ["that ends before its argument", STRING, false],
    ["whose argument is cut off", `${STRING} 1f"x"`, false],
  ];
  test.each(rows)("%s", (_, text, expected) => {
    expect(says(text)).toBe(expected);
  });
});

test("bytes behind the body's end are not looked at", () => {
  for (let end = at; end < first.length; end++) expect(asked.says(said, first, at, end)).toBe(false);
});

test("what is not as consumers write it is not remembered", () => {
  for (const text of [
    `${STRING} 01"x" 4e`,
    `${STRING} 01"x" 4d 01"M" 04"path" 01"A" 5a`,
    `${STRING} 01"x" 48 52 0001"u" 03"ser" 01"b" 5a`,
  ])
    expect(asked.said(headOf(bodyOf(text)))).toBeUndefined();
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, "v"]));
  const long = { path: "x".repeat(600) };
  for (const attachments of [many, long] as Record<string, Value>[]) {
    const parts = { idHigh: 1, idLow: 2, twoWay: true, interface: "A", group: "", version: "", method: "get" };
    const frame = encodeRequest({ ...parts, descriptor: "", args: [], attachments });
    expect(asked.said(headOf(frame.subarray(HEADER_BYTES)))).toBeUndefined();
  }
});

test("names that bytes do not tell are known as such", () => {
  expect(AskedEntries.canTell(["path", "remote.application"])).toBe(true);
  expect(AskedEntries.canTell(["ä"])).toBe(false);
  expect(AskedEntries.canTell([""])).toBe(false);
  expect(AskedEntries.canTell(["x".repeat(32)])).toBe(false);
});
