import { expect, test } from "vitest";
import { hashOfText, joinHashes } from "../../../../src/bridge-proxy/balance/hash.ts";
import { compileHash, hashOf, newCookie } from "../../../../src/bridge-proxy/policies/hash.ts";
import type { HashPolicy } from "../../../../src/codecs/xds/route.ts";

const planOf = (...policies: HashPolicy[]) => compileHash(policies)!;
const lookupIn = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name];
const hash = (policies: HashPolicy[], headers: Readonly<Record<string, string>>, address = "10.0.0.1") =>
  hashOf(planOf(...policies), lookupIn(headers), address);
const header = (headerName: string, more: Partial<HashPolicy> = {}): HashPolicy => ({
  header: { headerName },
  ...more,
});

test("without inputs there is no plan", () => {
  expect(compileHash(undefined)).toBeUndefined();
  expect(compileHash([])).toBeUndefined();
  expect(compileHash([{ connectionProperties: { sourceIp: false } }])).toBeUndefined();
});

test.each<[name: string, policy: HashPolicy, headers: Record<string, string>, text: string]>([
  ["an attachment, its name in any case", header("User-Id"), { "user-id": "7" }, "7"],
  ["an argument's field, whose name has its own", header("Dubbo-Arg-0.userId"), { "dubbo-arg-0.userId": "7" }, "7"],
  ["the caller's address", { connectionProperties: { sourceIp: true } }, {}, "10.0.0.1"],
  ["a query parameter", { queryParameter: { name: "Id" } }, { "?": "?a=1&Id=%37&Id=8" }, "%37"],
  ["a cookie", { cookie: { name: "sid" } }, { cookie: "a=1; sid=x=y; b=2" }, "x=y"],
  ["a cookie in quotes", { cookie: { name: "sid" } }, { cookie: 'sid="abc"' }, "abc"],
])("%s", (_name, policy, headers, text) => {
  expect(hash([policy], headers)).toBe(hashOfText(text));
});

test("inputs that a call does not have do not count; without any there is no hash", () => {
  expect(hash([header("a"), { cookie: { name: "c" } }], { cookie: "x=1" })).toBeUndefined();
  expect(hash([header("a"), header("b")], { b: "1" })).toBe(hashOfText("1"));
});

test("inputs are joined in their order, up to a terminal one that gave something", () => {
  const both = joinHashes(hashOfText("1"), hashOfText("2"));
  expect(hash([header("a"), header("b")], { a: "1", b: "2" })).toBe(both);
  expect(hash([header("a", { terminal: true }), header("b")], { a: "1", b: "2" })).toBe(hashOfText("1"));
  expect(hash([header("a", { terminal: true }), header("b")], { b: "2" })).toBe(hashOfText("2"));
});

test("a plan says whether a call has to be read up to its arguments", () => {
  expect([planOf(header("dubbo-arg-1")).asksArguments, planOf(header("x")).asksArguments]).toEqual([true, false]);
});

test("a caller without the cookie is given one where it has a time; its call's hash is that cookie's", () => {
  const cookie = {
    name: "sid",
    ttl: "60s",
    path: "/a",
    attributes: [{ name: "SameSite", value: "Lax" }, { name: "Secure" }],
  };
  const plan = planOf({ cookie });
  const made = newCookie(plan, lookupIn({}), () => 0.5)!;
  expect(made).toEqual({
    value: "8000000080000000",
    line: 'sid="8000000080000000"; Max-Age=60; Path=/a; SameSite=Lax; Secure; HttpOnly',
  });
  expect(hashOf(plan, lookupIn({}), "", made)).toBe(hashOf(plan, lookupIn({ cookie: "sid=8000000080000000" }), ""));
});

test.each<[name: string, policies: HashPolicy[], headers: Record<string, string>, line: string | undefined]>([
  ["none without a time", [{ cookie: { name: "a" } }], {}, undefined],
  ["none for a caller that has it", [{ cookie: { name: "a", ttl: "1s" } }], { cookie: "a=1" }, undefined],
  ["one for the session", [{ cookie: { name: "a", ttl: "0s" } }], {}, 'a="0000000000000000"; HttpOnly'],
  [
    "none behind a last word",
    [header("x", { terminal: true }), { cookie: { name: "a", ttl: "1s" } }],
    { x: "1" },
    undefined,
  ],
  [
    "one where the last word was not said",
    [header("x", { terminal: true }), { cookie: { name: "a", ttl: "1s" } }],
    {},
    'a="0000000000000000"; Max-Age=1; HttpOnly',
  ],
])("%s", (_name, policies, headers, line) => {
  expect(newCookie(planOf(...policies), lookupIn(headers), () => 0)?.line).toBe(line);
});
