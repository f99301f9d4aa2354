import { describe, expect, test } from "vitest";
import { toMetaRouter } from "../../../../src/control/export/meta-router.ts";
import { indexEntries, indexRules } from "../../../../src/control/rules/hosts.ts";
import { lowerService } from "../../../../src/control/rules/lower/lower.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const entry = entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880"]);

function exported(...http: string[]) {
  const entries = http.map((one) => `\n    ${one.replaceAll("\n", "\n    ")}`);
  const { virtualServices } = indexRules(
    rulesOf(virtualServiceText("orders", "[com.acme.OrderService]", entries.join(""))),
  );
  return toMetaRouter(entry, lowerService(entry, virtualServices.find(entry), indexEntries([entry])), "mesh");
}

const to = "route: [{destination: {host: com.acme.OrderService}}]";
const routesOf = (...http: string[]) => exported(...http)?.router.spec.routes;

test("a service without a rule has no MetaRouter", () => {
  const none = lowerService(entry, undefined, indexEntries([entry]));
  expect(toMetaRouter(entry, none, "mesh")).toBeUndefined();
});

test("a rule becomes one MetaRouter of the service's host", () => {
  expect(exported(`- ${to}`)).toEqual({
    router: {
      apiVersion: "metaprotocol.aeraki.io/v1alpha1",
      kind: "MetaRouter",
      metadata: { name: "trestle-com-acme-orderservice", namespace: "mesh" },
      spec: {
        hosts: ["com.acme.orderservice"],
        routes: [{ name: "orders/0", route: [{ destination: { host: "com.acme.orderservice" } }] }],
      },
    },
    lost: [],
  });
});

describe("conditions are attributes", () => {
  const named = { interface: { exact: "com.acme.OrderService" } };
  test.each([
    ["a method", "{method: {exact: create}}", { ...named, method: { exact: "create" } }],
    ["a prefix of methods", "{method: {prefix: get}}", { ...named, method: { prefix: "get" } }],
    ["a regular expression", "{method: {regex: 'get|list'}}", { ...named, method: { regex: "(?:get|list)" } }],
    ["an attachment", "{headers: {foo: {exact: bar}}}", { foo: { exact: "bar" } }],
    ["an attachment that is there", "{headers: {foo: {}}}", { foo: { regex: ".*" } }],
    ["an exact uri", "{uri: {exact: /com.acme.OrderService/get}}", { ...named, method: { exact: "get" } }],
  ])("%s", (_, match, attributes) => {
    expect(routesOf(`- match: [${match}]\n  ${to}`)![0]!.match).toEqual({ attributes });
  });
});

test("weights are those of the rule, attachments to set are mutations", () => {
  const two =
    "route: [{destination: {host: com.acme.OrderService, subset: v1}, weight: 20}, {destination: {host: com.acme.OrderService}, weight: 80}]";
  expect(routesOf(`- ${two}\n  headers: {request: {set: {x-lane: gold}}}`)).toEqual([
    {
      name: "orders/0",
      route: [
        { destination: { host: "com.acme.orderservice", subset: "v1" }, weight: 20 },
        { destination: { host: "com.acme.orderservice" }, weight: 80 },
      ],
      requestMutation: [{ key: "x-lane", value: "gold" }],
    },
  ]);
});

describe("what a MetaRouter has no words for is told", () => {
  test.each([
    ["a missing attachment", "{withoutHeaders: {foo: {}}}", "condition as that on foo"],
    ["an argument", "{headers: {dubbo-arg-0: {exact: a}}}", "condition as that on dubbo-arg-0"],
    [
      "a path in any case",
      "{uri: {prefix: /com.acme.OrderService/g}, ignoreUriCase: true}",
      "condition that ignores case",
    ],
  ])("%s leaves the route out", (_, match, why) => {
    const { router, lost } = exported(`- match: [${match}]\n  ${to}`, `- ${to}`)!;
    expect(router.spec.routes.map(({ name }) => name)).toEqual(["orders/1"]);
    expect(lost).toEqual([expect.stringContaining(`route orders/0 is left out: a MetaRouter has no ${why}`)]);
  });

  test("a direct response leaves the route out, policies stay unsaid", () => {
    const { router, lost } = exported("- directResponse: {status: 503}", `- timeout: 1s\n  ${to}`)!;
    expect(router.spec.routes).toHaveLength(1);
    expect(lost.map((line) => line.replace(/^.*?: /, ""))).toEqual([
      "route orders/0 is left out: a MetaRouter has no answer without a destination",
      "route orders/1: a MetaRouter has no timeout",
    ]);
  });
});
