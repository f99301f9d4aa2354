import { expect, test } from "vitest";
import { delegateOf, indexDelegates, mergeDelegates, mergeRoute } from "../../../../src/control/rules/delegates.ts";
import type { Rule, VirtualService } from "../../../../src/model/rule.ts";
import type { HttpRoute } from "../../../../src/model/rules/http-route.ts";
import { rulesOf, virtualServiceOf, virtualServiceText } from "../../../support/rules.ts";

const root = (match: string, rest = "") =>
  virtualServiceText("root", "[com.acme.A]", `[{${match}delegate: {name: d}${rest}}]`);
const delegate = (http: string, exportTo = "") => virtualServiceText("d", "[]", http, exportTo);
const to = "route: [{destination: {host: com.acme.A}}]";
const merged = (...texts: string[]): VirtualService => mergeDelegates(rulesOf(...texts))[0] as VirtualService;

test("a route that delegates becomes the routes of its delegate, with what it says itself where they are silent", () => {
  const { http } = merged(
    root("name: r, match: [{uri: {prefix: /com.acme.A}}], ", ", timeout: 3s"),
    delegate(`[{name: x, match: [{uri: {exact: /com.acme.A/get}}], ${to}, timeout: 1s}, {${to}}]`),
  );
  expect(http).toMatchObject([
    { name: "r-x", match: [{ uri: { type: "exact", value: "/com.acme.A/get" } }], timeoutMs: 1_000 },
    { name: "r", match: [{ uri: { type: "prefix", value: "/com.acme.A" } }], timeoutMs: 3_000 },
  ]);
  expect(http.every((one) => one.delegate === undefined)).toBe(true);
});

test("conditions of both hold together", () => {
  const { http } = merged(
    root("match: [{name: m, headers: {a: {exact: x}}, sourceLabels: {app: s}}], "),
    delegate(`[{match: [{name: n, headers: {b: {exact: y}}, port: 80}], ${to}}]`),
  );
  expect(http[0]?.match?.[0]).toMatchObject({
    name: "m-n",
    headers: { a: { value: "x" }, b: { value: "y" } },
    sourceLabels: { app: "s" },
    port: 80,
  });
});

test.each([
  { above: "{uri: {exact: /a}}", below: "{uri: {exact: /b}}" },
  { above: "{uri: {exact: /a}}", below: "{uri: {prefix: /a}}" },
  { above: "{uri: {prefix: /a}}", below: "{uri: {prefix: /b}}" },
  { above: "{uri: {regex: a}}", below: "{uri: {exact: /a}}" },
  { above: "{uri: {prefix: /a}}", below: "{uri: {regex: a}}" },
  { above: "{headers: {x: {exact: a}}}", below: "{headers: {x: {exact: b}}}" },
  { above: "{port: 80}", below: "{port: 81}" },
  { above: "{sourceNamespace: a}", below: "{sourceNamespace: b}" },
  { above: "{sourceLabels: {x: a}}", below: "{sourceLabels: {x: b}}" },
  { above: "{gateways: [g]}", below: "{gateways: [h]}" },
  { above: "{uri: {prefix: /a}}", below: "{uri: {prefix: /a}, ignoreUriCase: true}" },
])("$below lies not within $above: the route is left out", ({ above, below }) => {
  expect(merged(root(`match: [${above}], `), delegate(`[{match: [${below}], ${to}}]`)).http).toEqual([]);
});

test("a match that lies within one of several is taken under that one", () => {
  const { http } = merged(
    root("match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}], "),
    delegate(`[{match: [{uri: {prefix: /b/c}}], ${to}}]`),
  );
  expect(http[0]?.match).toHaveLength(1);
});

test("a delegate that is not there, not seen, or delegates itself gives no route", () => {
  expect(merged(root("")).http).toEqual([]);
  expect(merged(root(""), delegate(`[{${to}}]`, "  exportTo: [shop]\n")).http).toEqual([]);
  expect(merged(root(""), delegate("[{delegate: {name: e}}]")).http).toEqual([]);
});

test("a delegate is found in the namespace that is named, else in the rule's own", () => {
  const rules = rulesOf(
    virtualServiceText("root", "[a]", "[{delegate: {name: d, namespace: shop}}]"),
    delegate(`[{${to}}]`).replace("{name: d}", "{name: d, namespace: shop}"),
  );
  const [first] = rules as VirtualService[];
  expect(delegateOf(first!, first!.http[0]!, indexDelegates(rules))).toBe(rules[1]);
  expect(delegateOf(first!, {} as HttpRoute, indexDelegates(rules))).toBeUndefined();
});

test("rules without delegates stay the same list, and the same list gives the same", () => {
  const plain: readonly Rule[] = rulesOf(virtualServiceText("v", "[a]", `[{${to}}]`));
  expect(mergeDelegates(plain)).toBe(plain);
  const rules = rulesOf(root(""), delegate(`[{${to}}]`));
  expect(mergeDelegates(rules)).toBe(mergeDelegates(rules));
});

test("a route without matches takes those of the other", () => {
  const above = virtualServiceOf("[a]", `[{match: [{uri: {prefix: /a}}], ${to}}]`).http[0]!;
  const below = virtualServiceOf("[a]", `[{${to}}]`).http[0]!;
  expect(mergeRoute(above, below)?.match).toBe(above.match);
  expect(mergeRoute(below, above)?.match).toBe(above.match);
});
