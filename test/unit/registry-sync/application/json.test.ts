import { describe, expect, test } from "vitest";
import { jsonNumber } from "../../../../src/codecs/json-text.ts";
import { jsonIn, objectIn, portOf, textOf, textsOf } from "../../../../src/registry-sync/application/json.ts";

describe("what is no JSON object is undefined, never an error:", () => {
  test.each([
    ["nothing", ""],
    ["a cut one", '{"a":'],
    ["a list", "[]"],
    ["null", "null"],
    ["deep nesting", `${'{"a":'.repeat(40)}1${"}".repeat(40)}`],
    ["over the limit", `{"a":"${"x".repeat(100)}"}`],
  ])("%s", (_, text) => {
    expect(objectIn(text, 100)).toBeUndefined();
  });
});

test("any JSON value is read", () => {
  expect(jsonIn("[1]")).toHaveLength(1);
});

test("texts, numbers and booleans are texts; everything else is none", () => {
  expect([textOf("a"), textOf(jsonNumber(7)), textOf(true), textOf(null), textOf([]), textOf(undefined)]).toEqual([
    ...["a", "7", "true", "", "", ""],
  ]);
});

describe("ports:", () => {
  test.each([
    ["a number", jsonNumber(20880), 20880],
    ["a text", "20880", 20880],
    ["over 65535", "65536", 0],
    ["negative", "-1", 0],
    ["a fraction", "1.5", 0],
    ["a long number", "20880000", 0],
    ["missing", undefined, 0],
  ])("%s", (_, node, port) => {
    expect(portOf(node)).toBe(port);
  });
});

test("members that are no texts are left out, and names of prototypes are names", () => {
  const texts = textsOf(objectIn('{"a":"1","b":{},"__proto__":"x","c":2}'));
  expect(Object.entries(texts)).toEqual([
    ["a", "1"],
    ["__proto__", "x"],
    ["c", "2"],
  ]);
});
