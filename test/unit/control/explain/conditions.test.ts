import { describe, expect, test } from "vitest";
import { JWT_FILTER, type Permission, type Principal } from "../../../../src/codecs/xds/authz.ts";
import { meetRule, type SeenCall } from "../../../../src/control/explain/conditions.ts";

const call: SeenCall = {
  path: { value: "/a.B/get" },
  principal: { value: "spiffe://td/ns/shop/sa/web" },
  address: { value: "10.0.0.9" },
  serverName: { value: undefined },
  header: (name) => ({ value: name === "user" ? "ann" : undefined }),
  hasToken: false,
};
const untold: SeenCall = {
  path: undefined,
  principal: undefined,
  address: undefined,
  serverName: undefined,
  header: () => undefined,
  hasToken: true,
};
const nobody: SeenCall = { ...call, principal: { value: undefined } };

const what = (permission: Permission, seen: SeenCall) =>
  meetRule({ permissions: [permission], principals: [{ any: true }] }, seen);
const who = (principal: Principal, seen: SeenCall) =>
  meetRule({ permissions: [{ any: true }], principals: [principal] }, seen);
const path = (exact: string): Permission => ({ urlPath: { path: { exact } } });
const header = (name: string, exact: string): Permission => ({ header: { name, stringMatch: { exact } } });
const id = (regex: string): Principal => ({ authenticated: { principalName: { safeRegex: { regex } } } });
const claim: Principal = {
  metadata: {
    filter: JWT_FILTER,
    path: [{ key: "payload" }, { key: "role" }],
    value: { orMatch: { valueMatchers: [{ stringMatch: { exact: "admin" } }] } },
  },
};

describe("what is called", () => {
  const rows: [string, Permission, boolean | undefined, string[]][] = [
    ["the path", path("/a.B/get"), true, []],
    ["another path", path("/a.B/put"), false, ["path is /a.B/get, asked is path = /a.B/put"]],
    [
      "another path, however it is written",
      { urlPath: { path: { prefix: "/c.", ignoreCase: true } } },
      false,
      ["path is /a.B/get, asked is path = /c.* in any case"],
    ],
    ["not the path", { notRule: path("/a.B/get") }, false, ["path is /a.B/get, asked is not (path = /a.B/get)"]],
    ["a header", header("user", "bob"), false, ['user is "ann", asked is user = bob']],
    ["a header that is missing", header("role", "x"), false, ["role is absent, asked is role = x"]],
    [
      "one of several paths",
      { orRules: { rules: [path("/a"), path("/b")] } },
      false,
      ["path is /a.B/get, asked is one of (path = /a, path = /b)"],
    ],
    [
      "alternatives on other facts",
      { orRules: { rules: [path("/a"), header("role", "x")] } },
      false,
      ["path is /a.B/get, asked is path = /a", "role is absent, asked is role = x"],
    ],
    [
      "all that fail",
      { andRules: { rules: [path("/a"), header("user", "ann"), header("role", "x")] } },
      false,
      ["path is /a.B/get, asked is path = /a", "role is absent, asked is role = x"],
    ],
    ["no server name", { requestedServerName: { exact: "" } }, true, []],
    ["an unknown form", {}, false, ["it asks for something that is not known"]],
  ];
  test.each(rows)("%s", (_, permission, holds, why) => {
    expect(what(permission, call)).toEqual({ holds, why });
  });
});

describe("who calls, in the words of policies", () => {
  const rows: [Principal, string][] = [
    [id("spiffe://[^/]+/ns/sh\\.p[^/]*/sa/[^/]+"), "namespace = sh.p*"],
    [id("spiffe://[^/]+/ns/b/sa/web"), "service account = b/web"],
    [id("spiffe://other\\.example/.+"), "trust domain = other.example"],
    [id("spiffe://.*/sa/x"), "principal = */sa/x"],
    [id("x+"), "principal ~ x+"],
    [{ authenticated: { principalName: { exact: "spiffe://td/ns/a/sa/b" } } }, "principal = td/ns/a/sa/b"],
    [{ authenticated: { principalName: { prefix: "spiffe://other" } } }, "principal = other*"],
  ];
  test.each(rows)("%j", (principal, words) => {
    expect(who(principal, call).why).toEqual([`principal is td/ns/shop/sa/web, asked is ${words}`]);
    expect(who(principal, nobody)).toEqual({ holds: false, why: [`principal is absent, asked is ${words}`] });
    expect(who({ notId: principal }, nobody).holds).toBe(true);
    expect(who({ notId: principal }, untold)).toEqual({
      holds: undefined,
      why: [`principal is not told, asked is ${words}`],
    });
  });

  test("anybody with an identity", () => {
    expect(who(id(".+"), call).holds).toBe(true);
    expect(who(id(".+"), nobody).why).toEqual(["principal is absent, asked is any principal"]);
  });

  test("an address", () => {
    const range = { directRemoteIp: { addressPrefix: "10.1.0.0", prefixLen: 16 } };
    expect(who(range, call).why).toEqual(["address is 10.0.0.9, asked is address in 10.1.0.0/16"]);
    expect(who({ remoteIp: { addressPrefix: "10.0.0.0", prefixLen: 8 } }, call).holds).toBe(true);
    expect(who(range, untold).holds).toBeUndefined();
  });

  test("a claim: none without a token, and not known with one", () => {
    expect(who(claim, call)).toEqual({ holds: false, why: ["the call has no token, asked is claim role = admin"] });
    expect(who(claim, untold)).toEqual({
      holds: undefined,
      why: ["the token is not verified here, asked is claim role = admin"],
    });
  });
});

test("what is known decides where it can: one that fails of all, one that holds of any", () => {
  const half: SeenCall = { ...call, path: undefined };
  expect(what({ andRules: { rules: [path("/a"), header("role", "x")] } }, half).holds).toBe(false);
  expect(what({ orRules: { rules: [path("/a"), header("user", "ann")] } }, half).holds).toBe(true);
  expect(what({ andRules: { rules: [path("/a"), header("user", "ann")] } }, half)).toEqual({
    holds: undefined,
    why: ["path is not told, asked is path = /a"],
  });
});
