import { expect, test } from "vitest";
import {
  isSecretParam,
  MAX_RECORDS_LENGTH,
  printRecords,
  readRecords,
} from "../../../../src/registry-sync/entries/endpoint-records.ts";
import fc from "../../../support/fast-check.ts";
import { endpoint } from "../../../support/worlds.ts";

test("common parameters stand once, defaults not at all", () => {
  const text = printRecords([
    endpoint("10.0.0.1", { params: { application: "shop", pid: "1" }, weight: 7, origin: "" }),
    endpoint("10.0.0.2", { params: { application: "shop", pid: "2" }, origin: "" }),
  ]);
  expect(text).toBe(
    [
      '{"shared":{"application":"shop"},"endpoints":[',
      '{"address":"10.0.0.1","port":20880,"weight":7,"params":{"pid":"1"}},',
      '{"address":"10.0.0.2","port":20880,"params":{"pid":"2"}}',
      "]}",
    ].join("\n"),
  );
});

test("what was printed reads back, all but the token", () => {
  const endpoints = [
    endpoint("10.0.0.1", {
      protocol: "tri",
      weight: 0,
      disabled: true,
      tag: "gray",
      startedAtMs: 5,
      warmupMs: 0,
      payloadBytes: 9,
      params: { b: "2", a: "1" },
    }),
    endpoint("10.0.0.2", { token: "t0p", params: { a: "1", token: "t0p", "x.password": "t0p" } }),
  ];
  const text = printRecords(endpoints);
  expect(text).not.toContain("t0p");
  expect(readRecords(text)).toEqual([endpoints[0], { ...endpoints[1], token: "", params: { a: "1" } }]);
  expect(readRecords(printRecords([]))).toEqual([]);
});

test("equal endpoints print equal text whatever the order of their parameters", () => {
  const one = (params: Readonly<Record<string, string>>) => printRecords([endpoint("1", { params })]);
  expect(one({ a: "1", b: "2" })).toBe(one({ b: "2", a: "1" }));
});

test("too many parameters are left out before the endpoints are, and then all of it", () => {
  const big = (count: number, length: number) =>
    Array.from({ length: count }, (_, index) =>
      endpoint(`10.0.${index >> 8}.${index & 255}`, { params: { note: `${index}${"x".repeat(length)}` } }),
    );
  const text = printRecords(big(100, 5_000));
  expect(text.length).toBeLessThan(MAX_RECORDS_LENGTH);
  expect(readRecords(text)).toHaveLength(100);
  expect(printRecords(big(10_000, 10))).toBe("");
});

test("secrets are known by their key", () => {
  expect(["token", "auth.token", "redis.password", "secretKey"].map(isSecretParam)).toEqual([true, true, true, true]);
  expect(["application", "timeout", "tag"].map(isSecretParam)).toEqual([false, false, false]);
});

test("any text reads to endpoints or to nothing", () => {
  const rows: readonly (readonly [text: string, read: unknown])[] = [
    ["", undefined],
    ["{", undefined],
    ["[]", undefined],
    ['{"endpoints":1}', undefined],
    ['{"endpoints":[1,null,{"address":1,"port":1},{"address":"a"}]}', []],
    [" ".repeat(MAX_RECORDS_LENGTH + 1), undefined],
  ];
  for (const [text, read] of rows) expect(readRecords(text)).toEqual(read);
  expect(readRecords('{"endpoints":[{"address":"a","port":1,"weight":"7","disabled":"yes"}]}')).toEqual([
    endpoint("a:1", { origin: "" }),
  ]);
  fc.assert(fc.property(fc.json(), (text) => void readRecords(text)));
});

test("keys of Object.prototype are parameters like any other", () => {
  const params = Object.assign(Object.create(null), { ["__proto__"]: "x", constructor: "y" });
  const read = readRecords(printRecords([endpoint("1", { params })]))?.[0]?.params;
  expect(read?.["constructor"]).toBe("y");
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});
