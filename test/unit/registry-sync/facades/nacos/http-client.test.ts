import { expect, test } from "vitest";
import { httpClient, isLogin, noteUser } from "../../../../../src/registry-sync/facades/nacos/http-client.ts";

const socket = { remoteAddress: "::ffff:10.0.0.1" };

test.each([
  ["app=shop", {}, "shop"],
  ["", { "client-appname": "shop" }, "shop"],
  ["", { app: "shop" }, "shop"],
  ["app=unknown", {}, ""],
  ["", { "client-appname": "unknown" }, ""],
  ["app=", { "client-appname": "shop" }, "shop"],
  ["", {}, ""],
  ["", { app: "x".repeat(300) }, "x".repeat(256)],
])("the client of ?%s with %j is %j", (query, headers, application) => {
  expect(httpClient({ headers, socket }, new URLSearchParams(query))).toEqual({ address: "10.0.0.1", application });
});

test("a client whose socket is gone has no address", () => {
  expect(httpClient({ headers: {}, socket: null }, new URLSearchParams()).address).toBe("");
});

test.each([
  ["/v1/auth/login", "", 403, undefined, ["refused 10.0.0.1"], 1],
  ["/v3/auth/user/login", "", 502, undefined, ["refused 10.0.0.1"], 1],
  ["/v1/auth/users/login", "", 503, undefined, [], 0],
  ["/v1/auth/login", "", 200, '{"accessToken":"t"}', ["renewed 10.0.0.1 t"], 0],
  ["/v1/auth/login", "accessToken=x", 200, '{"accessToken":7}', [], 0],
  ["/v1/auth/login", "", 200, "null", [], 0],
  ["/v1/auth/login", "", 200, "{", [], 0],
  ["/v1/ns/instance/list", "accessToken=t", 200, undefined, ["heard 10.0.0.1 t"], 0],
  ["/v2/ns/instance", "accessToken=t", 200, undefined, ["heard 10.0.0.1 t"], 0],
  ["/v1/ns/instance/list", "accessToken=t", 403, undefined, [], 0],
  ["/v1/ns/instance/list", "", 200, undefined, [], 0],
  ["/v1/cs/configs", "accessToken=t", 200, undefined, [], 0],
])("%s?%s answered %i with %j says %j", (base, query, status, given, expected, refused) => {
  const heard: string[] = [];
  const note = (what: string) => (address: string, token?: string) =>
    void heard.push([what, address, ...(token === undefined ? [] : [token])].join(" "));
  const logins = { heard: note("heard"), renewed: note("renewed"), refused: note("refused") };
  const asked = { base, query: new URLSearchParams(query), address: "10.0.0.1", status };
  const counters = { loginsRefused: 0 };
  noteUser(asked, counters, logins, given === undefined ? undefined : Buffer.from(given));
  expect([heard, counters.loginsRefused]).toEqual([expected, refused]);
  noteUser(asked, counters, undefined);
  expect(isLogin(base)).toBe(base.endsWith("login"));
});
