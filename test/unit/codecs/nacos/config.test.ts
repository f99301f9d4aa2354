import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import {
  parseChanged,
  parseListening,
  parseLogin,
  printChanged,
  printListening,
} from "../../../../src/codecs/nacos/config.ts";

test("what is listened to is printed with its MD5, and the namespace where there is one", () => {
  const one = { dataId: "a:b", group: "dubbo", tenant: "", md5: "" };
  const text = printListening([one, { ...one, dataId: "c", tenant: "dev", md5: "5d41402a" }]);
  expect(Buffer.from(text).toString("hex")).toBe(
    "613a6202647562626f0201" + "6302647562626f02356434313430326102" + "64657601",
  );
});

test("what is listened to, and what changed, is read as it was printed", () => {
  const list = [
    { dataId: "a:b", group: "dubbo", tenant: "", md5: "" },
    { dataId: "c", group: "dubbo", tenant: "dev", md5: "5d41402a" },
  ];
  expect(parseListening(printListening(list))).toEqual(list);
  expect(parseListening("a\u0001\u0001x\u0002g\u0001")).toEqual([{ dataId: "x", group: "g", tenant: "", md5: "" }]);
  expect(printChanged([list[0]!])).toBe("a%3Ab%02dubbo%01\n");
  expect(parseChanged(printChanged(list))).toEqual(list.map(({ md5: _, ...key }) => key));
});

// Answers of Nacos 2.3.2 to listeners.
test.each([
  ["nothing", "", []],
  ["one", "a%3Ab%02dubbo%01\n", [{ dataId: "a:b", group: "dubbo", tenant: "" }]],
  [
    "two, one of a namespace",
    "a%02g%01x%20y%02g%02dev%01",
    [
      { dataId: "a", group: "g", tenant: "" },
      { dataId: "x y", group: "g", tenant: "dev" },
    ],
  ],
])("the list of what changed is read: %s", (_, text, keys) => {
  expect(parseChanged(text)).toEqual(keys);
});

test.each([
  ["a%02g", "has no end"],
  ["%E0%A4%A%01", "is not percent-encoded"],
  ["%01", "names none"],
  ["a%01", "names none"],
  ["a%02g%02t%02x%01", "names none"],
  ["<html>", "has no end"],
])("%j is no list of what changed: %s", (text, message) => {
  expect(() => parseChanged(text)).toThrow(ProtocolError);
  expect(() => parseChanged(text)).toThrow(message);
});

test.each([
  ['{"accessToken":"abc","tokenTtl":18000,"globalAdmin":true}', { token: "abc", ttlMs: 18_000_000 }],
  ['{"accessToken":"abc"}', { token: "abc", ttlMs: Number.POSITIVE_INFINITY }],
])("a login is answered by %s", (text, answer) => {
  expect(parseLogin(text)).toEqual(answer);
});

test.each([
  ["caused: User nacos not found;", "is no JSON"],
  ["null", "has no token"],
  ['{"accessToken":5}', "has no token"],
  ['{"accessToken":"a\\r\\nb"}', "has no token"],
])("%s is no answer to a login: it %s", (text, message) => {
  expect(() => parseLogin(text)).toThrow(message);
});
