import { expect, test } from "vitest";
import { meshClient } from "../../../../../src/control/rules/client.ts";
import { indexEntries } from "../../../../../src/control/rules/hosts.ts";
import { lowerCaller, lowerMatch, lowerService, neverMet } from "../../../../../src/control/rules/lower/lower.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { matchOf, virtualServiceOf } from "../../../../support/rules.ts";

const order = entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880"]);
const stock = entryOf("com.acme.StockService:1.0.0", ["dubbo://10.0.0.2:20880"]);
const index = indexEntries([order, stock]);
const lower = (http: string) => {
  const rule = virtualServiceOf("[com.acme.OrderService]", http);
  return lowerService(order, rule, index).routes;
};
const to = "route: [{destination: {host: com.acme.OrderService}}]";

test("without a rule there are no routes", () => {
  expect(lowerService(order, undefined, index)).toEqual({ host: order.host, rule: undefined, routes: [] });
});

test("a rule of which no route can be applied, such as a redirect of Dubbo's callers, counts as none", () => {
  const rule = virtualServiceOf("[com.acme.OrderService]", "[{redirect: {uri: /x}}]");
  expect(lowerService(order, rule, index)).toEqual({ host: order.host, rule: undefined, routes: [] });
});

test("each match becomes a route of its own, named after rule, route and match", () => {
  expect(
    lower(`[{name: a, match: [{name: m, method: {exact: x}}, {method: {exact: y}}], ${to}}, {${to}}]`).map(
      ({ name }) => name,
    ),
  ).toEqual(["r/a.m", "r/a.1", "r/1"]);
});

test("a route says which file and line it came from", () => {
  expect(lower(`[{${to}}]`)[0]).toMatchObject({ rule: "r", file: "r.yaml", line: 6 });
});

test.each([
  { name: "exact", match: "headers: {X-User: {exact: a}}", headers: [{ name: "x-user", stringMatch: { exact: "a" } }] },
  { name: "prefix", match: "headers: {u: {prefix: a}}", headers: [{ name: "u", stringMatch: { prefix: "a" } }] },
  {
    name: "regex",
    match: "headers: {u: {regex: a+}}",
    headers: [{ name: "u", stringMatch: { safeRegex: { regex: "a+" } } }],
  },
  { name: "presence", match: "headers: {u: {}}", headers: [{ name: "u", presentMatch: true }] },
  {
    name: "absence",
    match: "withoutHeaders: {u: {}}",
    headers: [{ name: "u", presentMatch: true, invertMatch: true }],
  },
  {
    name: "another value or none",
    match: "withoutHeaders: {u: {exact: a}}",
    headers: [{ name: "u", stringMatch: { exact: "a" }, invertMatch: true, treatMissingHeaderAsEmpty: true }],
  },
  {
    name: "an argument's field in its own case",
    match: "headers: {Dubbo-Arg-12.Customer.Id: {exact: a}}",
    headers: [{ name: "dubbo-arg-12.Customer.Id", stringMatch: { exact: "a" } }],
  },
  {
    name: "names that Istio passes over",
    match: "headers: {uri: {exact: a}, method: {exact: a}, authority: {exact: a}, scheme: {exact: a}}",
    headers: [],
  },
])("attachments are matched by $name", ({ match, headers }) => {
  expect(lowerMatch(matchOf(`{${match}}`), order)?.headers).toEqual(headers);
});

test.each([
  { match: "authority: {exact: com.acme.orderservice-1-0-0}", met: true },
  { match: "authority: {exact: com.acme.OrderService}", met: true },
  { match: "authority: {prefix: com.acme.}", met: true },
  { match: "authority: {exact: com.acme.StockService}", met: false },
  { match: "scheme: {exact: http}", met: false },
  { match: "queryParams: {a: {}}", met: false },
  { match: "queryParams: {}", met: true },
  { match: "sourceLabels: {app: a}", met: true },
  { match: "sourceLabels: {lane: a}", met: false },
  { match: "sourceLabels: {}", met: true },
  { match: "sourceNamespace: a", met: false },
  { match: "gateways: [ingress]", met: false },
  { match: "gateways: [ingress, mesh]", met: true },
  { match: "sourceNamespace: default", met: true },
  { match: "port: 80", met: false },
  { match: "port: 0", met: true },
])("$match can be met: $met", ({ match, met }) => {
  expect(lowerMatch(matchOf(`{${match}}`), order) !== undefined).toBe(met);
});

test("the condition that is never met is named", () => {
  expect(neverMet(matchOf("{sourceLabels: {lane: a}, method: {exact: x}}"))).toEqual(["sourceLabels"]);
  expect(neverMet(matchOf("{gateways: [in], sourceNamespace: a, scheme: {exact: x}}"))).toEqual(["scheme", "gateways"]);
  expect(neverMet(matchOf("{method: {exact: x}}"))).toEqual([]);
});

test.each([
  { name: "a proxy that many share asks the call for its application", shared: true, labels: {}, conditions: ["shop"] },
  { name: "a proxy beside the workload knows", shared: false, labels: { app: "shop" }, conditions: [] },
  {
    name: "a proxy beside another workload is not meant",
    shared: false,
    labels: { app: "web" },
    conditions: undefined,
  },
  {
    name: "what the shared proxy's own labels say holds for all its callers",
    shared: true,
    labels: { app: "shop" },
    conditions: [],
  },
])("sourceLabels: $name", ({ shared, labels, conditions }) => {
  const caller = lowerCaller(matchOf("{sourceLabels: {app: shop}}"), { ...meshClient(), labels, isShared: shared });
  expect(caller?.map(({ name, stringMatch }) => [name, stringMatch?.exact])).toEqual(
    conditions?.map((exact) => ["dubbo-application", exact]),
  );
});

test("sourceNamespace is that of the proxy", () => {
  const match = matchOf("{sourceNamespace: shop}");
  expect(lowerCaller(match, { ...meshClient(), namespace: "shop" })).toEqual([]);
  expect(lowerCaller(match, meshClient())).toBeUndefined();
});

test("mirrors, rewrites and changes of answers are lowered", () => {
  const rule = virtualServiceOf(
    `[${order.service.interface}]`,
    `[{mirrors: [{destination: {host: b, subset: v}, percentage: {value: 5}}, {destination: {host: c}}], rewrite: {uriRegexRewrite: {match: a, rewrite: b}, authority: h}, headers: {response: {set: {x: y}}}, route: [{destination: {host: d}, headers: {response: {remove: [z]}}}]}]`,
  );
  const [route] = lowerService(order, rule, indexEntries([order])).routes;
  expect(route).toMatchObject({
    mirrors: [
      { host: "b", known: false, subset: "v", share: { numerator: 50_000, denominator: "MILLION" } },
      { host: "c", known: false, subset: "", share: { numerator: 100, denominator: "HUNDRED" } },
    ],
    regexRewrite: { pattern: { regex: "a" }, substitution: "b" },
    authority: "h",
    answerMutations: { set: { x: "y" } },
    targets: [{ host: "d", answerMutations: { remove: ["z"] } }],
  });
});

test("an answer of bytes is lowered", () => {
  const rule = virtualServiceOf(
    `[${order.service.interface}]`,
    "[{directResponse: {status: 200, body: {bytes: AAEC}}}]",
  );
  expect(lowerService(order, rule, indexEntries([order])).routes[0]?.direct).toEqual({ status: 200, bytes: "AAEC" });
});

test("one destination takes all, whatever its weight", () => {
  expect(lower("[{route: [{destination: {host: com.acme.OrderService}, weight: 0}]}]")[0]!.targets).toEqual([
    { host: order.host, known: true, subset: "", weight: 100 },
  ]);
});

test("a destination of weight 0 among others is left out", () => {
  const targets = lower(
    "[{route: [{destination: {host: com.acme.OrderService, subset: a}, weight: 3}, {destination: {host: com.acme.OrderService, subset: b}}, {destination: {host: com.acme.StockService}, weight: 1}]}]",
  )[0]!.targets;
  expect(targets).toEqual([
    { host: order.host, known: true, subset: "a", weight: 3 },
    { host: stock.host, known: true, subset: "", weight: 1 },
  ]);
});

test("a destination that is not known keeps its text in lower case", () => {
  expect(lower("[{route: [{destination: {host: com.acme.Missing}}]}]")[0]!.targets).toEqual([
    { host: "com.acme.missing", known: false, subset: "", weight: 100 },
  ]);
});

test("attachments are changed for the route and for one destination", () => {
  const [route] = lower(
    "[{headers: {request: {set: {a: b}}}, route: [{destination: {host: com.acme.OrderService}, headers: {request: {remove: [c], add: {d: e}}}}]}]",
  );
  expect(route).toMatchObject({
    mutations: { set: { a: "b" }, add: {}, remove: [] },
    targets: [{ mutations: { set: {}, add: { d: "e" }, remove: ["c"] } }],
  });
});

test.each([
  { name: "timeout 0", http: `[{timeout: 0s, ${to}}]`, absent: "timeoutMs" },
  { name: "no attempts", http: `[{retries: {attempts: 0}, ${to}}]`, absent: "retries" },
  { name: "no word about retries", http: `[{${to}}]`, absent: "retries" },
  { name: "empty changes", http: `[{headers: {request: {set: {}}}, ${to}}]`, absent: "mutations" },
])("$name leaves the policy out", ({ http, absent }) => {
  expect(lower(http)[0]).not.toHaveProperty(absent);
});

test("a direct answer has no targets", () => {
  const [route] = lower("[{directResponse: {status: 503, body: {string: closed}}}]");
  expect(route).toMatchObject({ direct: { status: 503, body: "closed" } });
  expect(route).not.toHaveProperty("targets");
});

test("a route whose matches no call can meet gives none", () => {
  const rule = virtualServiceOf("[a]", `[{match: [{uri: {prefix: /com.other/}}], ${to}}]`);
  expect(lowerService(order, rule, index).routes).toEqual([]);
});

test("where an object says the port of its service, that is the one which a match may ask for", () => {
  const entry = { ...entryOf("com.acme.A", ["http://10.0.0.1:8080"]), ports: [{ protocol: "http", port: 80 }] };
  const met = [80, 8080, 81].map((port) => lowerMatch(matchOf(`{port: ${port}}`), entry) !== undefined);
  expect(met).toEqual([true, false, false]);
});
