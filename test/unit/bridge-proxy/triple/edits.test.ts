import { expect, test } from "vitest";
import type { Mutations } from "../../../../src/bridge-proxy/policies/mutations.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";
import { changeFields, editFields, withSuffix, withToken } from "../../../../src/bridge-proxy/triple/edits.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const key = serviceKey("com.acme.A", "g", "1.0.0");
const fields = [
  ":path",
  "/com.acme.A/get",
  "tri-service-group",
  "g",
  "tri-service-version",
  "1.0.0",
  "a",
  "1",
  "a",
  "2",
];
const targetOf = (service: object, mutations?: Mutations) =>
  ({ cluster: { service: { ...key, ...service } }, upTo: 1, mutations }) as unknown as Target;
const edit = (target: Target, mutations?: Mutations) =>
  editFields(fields, key, "get", { route: { mutations, rewrite: undefined, hostSuffix: "" }, target });

test("what changes nothing leaves the list as it is", () => {
  expect(edit(targetOf({}))).toBe(fields);
});

test("removing takes every field of a name, setting makes them one, adding appends to the first after a comma", () => {
  expect(edit(targetOf({}), { remove: ["A"], set: [["User", "中"]], add: [] }).slice(6)).toEqual([
    "user",
    "\u00e4\u00b8\u00ad",
  ]);
  expect(
    edit(
      targetOf(
        {},
        {
          remove: [],
          set: [["a", "9"]],
          add: [
            ["b", "1"],
            ["b", "2"],
          ],
        },
      ),
    ).slice(6),
  ).toEqual(["a", "9", "b", "1,2"]);
});

test("the chosen provider's token goes along", () => {
  expect(withToken(fields, "secret").slice(-2)).toEqual(["token", "secret"]);
  expect(withToken(["token", "another's"], "secret")).toEqual(["token", "secret"]);
  expect(withToken(fields, "")).toBe(fields);
});

test("another service changes path, group and version", () => {
  expect(edit(targetOf({ interface: "com.acme.B", group: "", version: "2.0.0" })).slice(0, 4)).toEqual([
    ":path",
    "/com.acme.B/get",
    "tri-service-version",
    "2.0.0",
  ]);
});

test("a value cannot begin another field", () => {
  expect(() => edit(targetOf({}), { remove: [], set: [["a", "x\r\nb: y"]], add: [] })).toThrow(/control/);
});

test("a query stays where the service becomes another", () => {
  const asked = [":path", "/com.acme.A/get?id=7&x=%20", "a", "1"];
  const route = { mutations: undefined, rewrite: undefined, hostSuffix: "" };
  const edited = editFields(asked, key, "get", { route, target: targetOf({ interface: "com.acme.B" }) });
  expect(edited.slice(0, 2)).toEqual([":path", "/com.acme.B/get?id=7&x=%20"]);
});

test("a rewrite names interface and method, and the authority that the provider sees; a copy's has more behind its name", () => {
  const asked = [":authority", "shop:50051", ":path", "/com.acme.A/get?x=1"];
  const route = { mutations: undefined, rewrite: { path: undefined, authority: "other:1" }, hostSuffix: "" };
  const named = { interface: "com.acme.A", method: "find" };
  expect(editFields(asked, key, "get", { route, target: targetOf({}), named })).toEqual([
    ":authority",
    "other:1",
    ":path",
    "/com.acme.A/find?x=1",
  ]);
  const copy = { mutations: undefined, rewrite: undefined, hostSuffix: "-shadow" };
  expect(editFields(asked, key, "get", { route: copy, target: targetOf({}) })[1]).toBe("shop-shadow:50051");
});

test("a Host that is set is the authority: the route's, before that its rewrite's, before that the destination's", () => {
  const asked = [":authority", "shop", ":path", "/com.acme.A/get"];
  const host = (value: string) => ({ set: [["host", value]] as const, add: [], remove: [] });
  const route = { mutations: host("a"), rewrite: undefined, hostSuffix: "" };
  const rewrite = { path: undefined, authority: "b" };
  const edited = (more: object, mutations?: ReturnType<typeof host>) =>
    editFields(asked, key, "get", { route: { ...route, ...more }, target: { ...targetOf({}), mutations } });
  expect(edited({})).toEqual([":authority", "a", ":path", "/com.acme.A/get"]);
  expect(edited({ rewrite })[1]).toBe("b");
  expect(edited({ rewrite }, host("c"))[1]).toBe("c");
  expect(edited({ hostSuffix: "-shadow" })[1]).toBe("a-shadow");
  // What has no authority, as answers have none, has a header of that name.
  expect(changeFields(["a", "1"], host("x"))).toEqual(["a", "1", "host", "x"]);
});

test("fields are changed by each of several mutations in turn", () => {
  const one = { set: [["b", "1"]] as const, add: [], remove: ["a"] };
  const two = { set: [], add: [["b", "2"]] as const, remove: [] };
  expect(changeFields(["a", "1", "a", "2"], one, undefined, two)).toEqual(["b", "1,2"]);
});

test.each([
  ["shop", "shop-shadow"],
  ["shop:80", "shop-shadow:80"],
  ["", "-shadow"],
])("%s becomes %s", (host, wanted) => {
  expect(withSuffix(host, "-shadow")).toBe(wanted);
});

test("a parameter that is taken out is gone, also where the service becomes another", () => {
  const asked = [":path", "/com.acme.A/get?a=1&t=x", ...fields.slice(2, 6)];
  const mutations: Mutations = { set: [], add: [], remove: ["?t"] };
  const edited = (service: object) =>
    editFields(asked, key, "get", {
      route: { mutations, rewrite: undefined, hostSuffix: "" },
      target: targetOf(service),
    })[1];
  expect([edited({}), edited({ interface: "com.acme.B" })]).toEqual(["/com.acme.A/get?a=1", "/com.acme.B/get?a=1"]);
});
