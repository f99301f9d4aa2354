import { describe, expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import {
  allOf,
  anyOf,
  type CallFacts,
  compilePermission,
  compilePrincipal,
  holds,
  narrow,
  visit,
} from "../../../../src/bridge-proxy/authz/predicate.ts";
import { JWT_FILTER, type Permission, type Principal } from "../../../../src/codecs/xds/authz.ts";

const web = peerFrom(
  "10.0.0.9",
  { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" },
  "orders.example",
);
const nobody = peerFrom("10.0.0.9");
const call = (headers: Record<string, string> = {}, claims?: Record<string, unknown>): CallFacts => ({
  header: (name) => headers[name],
  claims,
});
const path = (exact: string): Permission => ({ urlPath: { path: { exact } } });
const header = (name: string, exact: string): Permission => ({ header: { name, stringMatch: { exact } } });

describe("what is called", () => {
  const rows: [string, Permission, boolean][] = [
    ["anything", { any: true }, true],
    ["the path", path("/a.B/get"), true],
    ["another path", path("/a.B/put"), false],
    ["a path's case counts", path("/a.b/get"), false],
    ["not another path", { notRule: path("/a.B/put") }, true],
    ["a header", header("user", "ann"), true],
    ["another value of a header", header("user", "bob"), false],
    ["a header that is missing", header("role", ""), false],
    ["not a header that is missing", { notRule: header("role", "x") }, true],
    ["all", { andRules: { rules: [path("/a.B/get"), header("user", "ann")] } }, true],
    ["all but one", { andRules: { rules: [path("/a.B/get"), header("user", "bob")] } }, false],
    ["any", { orRules: { rules: [path("/a.B/put"), header("user", "ann")] } }, true],
    ["the server's name", { requestedServerName: { exact: "orders.example" } }, true],
    ["a form that is not known", {}, false],
  ];
  test.each(rows)("%s: %j is %s", (_, permission, expected) => {
    const narrowed = narrow(compilePermission(permission), { peer: web, path: "/a.B/get" });
    expect(holds(narrowed, call({ user: "ann" }))).toBe(expected);
  });
});

describe("who calls", () => {
  const id = (exact: string): Principal => ({ authenticated: { principalName: { exact } } });
  const claim = (value: object, ...keys: string[]): Principal => ({
    metadata: { filter: JWT_FILTER, path: ["payload", ...keys].map((key) => ({ key })), value },
  });
  const one = { stringMatch: { exact: "admin" } };
  const rows: [string, Principal, boolean, boolean][] = [
    ["its identity", id("spiffe://cluster.local/ns/shop/sa/web"), true, false],
    ["another identity", id("spiffe://cluster.local/ns/shop/sa/x"), false, false],
    ["no identity", { notId: { authenticated: { principalName: { safeRegex: { regex: ".+" } } } } }, false, true],
    ["its address", { directRemoteIp: { addressPrefix: "10.0.0.0", prefixLen: 24 } }, true, true],
    ["another address", { remoteIp: { addressPrefix: "10.0.1.0", prefixLen: 24 } }, false, false],
    ["a claim", claim(one, "role"), true, true],
    ["a claim in a claim", claim(one, "realm", "role"), true, true],
    ["one of a list", claim({ listMatch: { oneOf: one } }, "roles"), true, true],
    ["a list is no text", claim(one, "roles"), false, false],
    ["a claim's presence", claim({ presentMatch: true }, "role"), true, true],
    ["a claim that is not there", claim({ presentMatch: true }, "constructor"), false, false],
    [
      "one or a list of it",
      claim({ orMatch: { valueMatchers: [one, { listMatch: { oneOf: one } }] } }, "roles"),
      true,
      true,
    ],
  ];
  test.each(rows)("%s: %j is %s of one that is known, %s of one that is not", (_, principal, known, unknown) => {
    const claims = { role: "admin", roles: ["user", "admin"], realm: { role: "admin" } };
    const compiled = compilePrincipal(principal);
    expect(holds(narrow(compiled, { peer: web, path: "" }), call({}, claims))).toBe(known);
    expect(holds(narrow(compiled, { peer: nobody, path: "" }), call({}, claims))).toBe(unknown);
  });
});

test("what asks for a path that is not known is neither true nor false, however it is negated", () => {
  const facts = { peer: web, path: undefined };
  const asked = narrow(compilePermission(path("/a.B/get")), facts);
  expect(holds(asked, call())).toBeUndefined();
  expect(holds(narrow(compilePermission({ notRule: path("/a.B/get") }), facts), call())).toBeUndefined();
  expect(holds(anyOf([asked, true]), call())).toBe(true);
  expect(holds(allOf([asked, { op: "header", name: "a", exact: "1", test: () => false }]), call())).toBe(false);
});

test("what is certain of a lane is not asked of its calls", () => {
  const permission = compilePermission({ andRules: { rules: [path("/a.B/get"), header("user", "ann")] } });
  const seen: string[] = [];
  visit(narrow(permission, { peer: web, path: "/a.B/get" }), ({ op }) => seen.push(op));
  expect(seen).toEqual(["header"]);
  expect(narrow(permission, { peer: web, path: "/a.B/put" })).toBe(false);
});

test("only a header's one value is a key", () => {
  const keyOf = (matcher: object) => compilePermission({ header: { name: "a", ...matcher } });
  expect(keyOf({ stringMatch: { exact: "1" } })).toMatchObject({ exact: "1" });
  expect(keyOf({ stringMatch: { exact: "1" }, invertMatch: true })).toMatchObject({ exact: undefined });
  expect(keyOf({ stringMatch: { exact: "1", ignoreCase: true } })).toMatchObject({ exact: undefined });
  expect(keyOf({ stringMatch: { exact: "" }, treatMissingHeaderAsEmpty: true })).toMatchObject({ exact: undefined });
});
