import { expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText, virtualServiceText } from "../../../../support/rules.ts";

const order = entryOf("com.acme.A:1.0.0", ["dubbo://10.0.0.1:20880?lane=v1"]);
const other = entryOf("com.acme.B:2.0.0", ["dubbo://10.0.0.2:20880"]);
const triple = entryOf("com.acme.T:1.0.0", ["tri://10.0.0.3:50051"]);
const rest = entryOf("com.acme.R:1.0.0", ["rest://10.0.0.3:8080"]);
const fast = entryOf("com.acme.F", ["dubbo://10.0.0.4:20880?serialization=kryo"]);
const service = (destination: string, hosts = "[com.acme.A]", more = ""): string =>
  virtualServiceText("v", hosts, `[{${more}route: [{destination: ${destination}}]}]`);
const rule = destinationRuleText(
  "d",
  "com.acme.A",
  "subsets: [{name: v1, labels: {lane: v1}}, {name: v2, labels: {lane: v2}}]",
);
const short = (texts: string[], entries?: (typeof order)[]): string[] =>
  analyze(texts, entries).map((one) => one.replace(/ \d+:\d+ /, " "));
const none = 'its calls are answered "no endpoint"';

test.each([
  {
    name: "a destination that is not known",
    texts: [service("{host: com.acme.X}")],
    findings: [`TR0221 destination com.acme.X matches no service that is known: ${none}`],
  },
  {
    name: "an interface without the caller's version",
    texts: [service("{host: com.acme.B}")],
    findings: [
      `TR0221 destination com.acme.B matches no service that is known with the group and version of com.acme.A:1.0.0; known are com.acme.B:2.0.0: ${none}`,
    ],
  },
  {
    name: "a destination that speaks neither Dubbo2 nor Triple",
    texts: [service("{host: com.acme.R}")],
    findings: [`TR0221 destination com.acme.R has no Dubbo2 or Triple endpoint: ${none}`],
  },
  {
    name: "a subset without a DestinationRule",
    texts: [service("{host: com.acme.A, subset: v1}")],
    findings: [`TR0222 subset v1 of com.acme.A is not defined by any DestinationRule: ${none}`],
  },
  {
    name: "a subset that its DestinationRule lacks",
    texts: [service("{host: com.acme.A, subset: v9}"), rule],
    findings: [
      `TR0222 subset v9 of com.acme.A is not defined; d defines v1, v2: ${none}`,
      "TR0223 subset v2 (lane=v2) selects none of the 1 endpoints of com.acme.A",
    ],
  },
  {
    name: "a mirror that is not known, and one of a subset that is not",
    texts: [
      service("{host: com.acme.A}", "[com.acme.A]", "mirrors: [{destination: {host: com.acme.X}}], "),
      service("{host: com.acme.B}", "[com.acme.b-2-0-0]", "mirror: {host: com.acme.B, subset: v1}, ").replace(
        "{name: v}",
        "{name: w}",
      ),
    ],
    findings: [
      "TR0221 destination com.acme.X matches no service that is known: no copies are made",
      "TR0222 subset v1 of com.acme.B is not defined by any DestinationRule: no copies are made",
    ],
  },
  {
    name: "a destination of a rule that waits for its service",
    texts: [service("{host: com.acme.X}", "[com.acme.Gone]")],
    findings: [
      "TR0220 host com.acme.Gone matches no service that is known; the rule waits for one",
      "TR0221 destination com.acme.X matches no service that is known",
    ],
  },
])("$name is reported", ({ texts, findings }) => {
  expect(short(texts, [order, other, rest])).toEqual(findings);
});

test("a destination that speaks Triple is right, unless Triple is switched off", () => {
  const text = service("{host: com.acme.T}");
  expect(analyze([text], [order, triple])).toEqual([]);
  expect(analyze([text], [order, triple], ["dubbo"]).join()).toContain(
    `destination com.acme.T has no Dubbo2 endpoint: ${none}`,
  );
});

test("a destination by full host, and one with a subset that is there, are right", () => {
  expect(short([service("{host: com.acme.b-2-0-0}")], [order, other])).toEqual([]);
  expect(short([service("{host: com.acme.A, subset: v1}"), rule]).length).toBe(0);
});

test("a subset that only workloads with certain labels know is right", () => {
  const chosen = rule.replace("{host:", "{workloadSelector: {matchLabels: {app: shop}}, host:");
  expect(chosen).not.toBe(rule);
  expect(short([service("{host: com.acme.A, subset: v1}"), chosen], [order])).toEqual([
    "TR0223 subset v2 (lane=v2) selects none of the 1 endpoints of com.acme.A",
  ]);
});

test("without a registry an unknown subset is reported, an unknown host is not", () => {
  expect(short([service("{host: com.acme.X}")])).toEqual([]);
  expect(short([service("{host: com.acme.A, subset: v9}"), rule])).toEqual([
    `TR0222 subset v9 of com.acme.A is not defined; d defines v1, v2: ${none}`,
  ]);
});

const why = "TR0229 calls of com.acme.F in serialization kryo are only carried";

test.each([
  {
    name: "a match",
    texts: [
      virtualServiceText(
        "v",
        "[com.acme.F]",
        "[{match: [{headers: {a: {}}}], route: [{destination: {host: com.acme.F}}]}, {route: [{destination: {host: com.acme.F}}]}]",
      ),
    ],
    findings: [`${why}: this match can't be told from them`],
  },
  {
    name: "a change of attachments",
    texts: [service("{host: com.acme.F}, headers: {request: {remove: [a]}}", "[com.acme.F]")],
    findings: [`${why}: their attachments can't be changed`],
  },
  {
    name: "a rewrite to another service",
    texts: [service("{host: com.acme.b-2-0-0}", "[com.acme.F]")],
    findings: [`${why}: they can't be rewritten to com.acme.B:2.0.0`],
  },
  { name: "a timeout", texts: [service("{host: com.acme.F}", "[com.acme.F]", "timeout: 1s, ")], findings: [] },
])("where calls are only carried, $name gives $findings.length findings", ({ texts, findings }) => {
  expect(short(texts, [order, other, fast])).toEqual(findings);
});

test.each([
  { name: "hessian2", query: "serialization=hessian2", readable: true },
  { name: "nothing said", query: "side=provider", readable: true },
  {
    name: "hessian2 beside another",
    query: "serialization=fastjson2&prefer.serialization=fastjson2,hessian2",
    readable: true,
  },
  { name: "fastjson2 preferred alone", query: "prefer.serialization=fastjson2", readable: false },
])("calls in $name can be read: $readable", ({ query, readable }) => {
  const entry = entryOf("com.acme.F", [`dubbo://10.0.0.4:20880?${query}`]);
  expect(
    short([service("{host: com.acme.F}, headers: {request: {remove: [a]}}", "[com.acme.F]")], [entry]).length === 0,
  ).toBe(readable);
});

test("calls in fastjson2 alone are told apart, but not changed", () => {
  const entry = entryOf("com.acme.F", ["dubbo://10.0.0.4:20880?serialization=fastjson2"]);
  const match = virtualServiceText(
    "v",
    "[com.acme.F]",
    "[{match: [{headers: {a: {}}}], route: [{destination: {host: com.acme.F}}]}, {route: [{destination: {host: com.acme.F}}]}]",
  );
  expect(short([match], [entry])).toEqual([]);
  expect(short([service("{host: com.acme.F}, headers: {request: {remove: [a]}}", "[com.acme.F]")], [entry])).toEqual([
    "TR0229 calls of com.acme.F in serialization fastjson2 are not changed: their attachments can't be changed",
  ]);
});

test("a gateway's route that leads to services of two kinds is told of, one in the mesh is not", () => {
  const shop = entryOf("shop", ["http://10.0.0.5:8080"]);
  const orders = entryOf("com.acme.Orders", ["dubbo://10.0.0.6:20880"]);
  const http = (text: string) =>
    short(
      [service("{host: shop}", "[shop.example.com]").replace(/http:[\s\S]*/, `gateways: [edge]\n  http: [${text}]\n`)],
      [shop, orders],
    ).filter((one) => one.startsWith("TR0255"));
  expect(http("{route: [{destination: {host: shop}}]}, {route: [{destination: {host: com.acme.Orders}}]}")).toEqual([]);
  expect(http("{route: [{destination: {host: shop}, weight: 1}, {destination: {host: gone}, weight: 1}]}")).toEqual([]);
  expect(
    http("{route: [{destination: {host: shop}, weight: 1}, {destination: {host: com.acme.Orders}, weight: 1}]}"),
  ).toEqual([
    "TR0255 destination shop speaks HTTP alone, and the route's others Dubbo's protocols: gateways refuse its share of the requests",
  ]);
  expect(http("{route: [{destination: {host: shop}}], mirror: {host: com.acme.Orders}}")).toEqual([
    "TR0255 destination com.acme.Orders speaks Dubbo's protocols, and the route's others HTTP alone: gateways make no copies for it",
  ]);
  const found = (gateways: string) =>
    short(
      [service("{host: shop}", "[shop.example.com]").replace("  http:", `  gateways: [${gateways}]\n  http:`)],
      [shop],
    ).filter((one) => one.startsWith("TR0255"));
  expect(found("edge")).toEqual([]);
  expect(found("mesh")).toEqual([]);
});

test("a port that a service lacks is named, with those that it has; of one that says none, one that no provider has", () => {
  const at = (port: number) => ({ ports: [{ protocol: "http", port }] });
  const shop = { ...entryOf("shop", ["http://10.0.0.1:8080"]), ...at(80) };
  const admin = { ...entryOf("shop:9090", ["http://10.0.0.1:9090"]), ...at(9090), host: "shop:9090", portOf: "shop" };
  const to = (host: string, port: number, more = "") =>
    service(`{host: ${host}, port: {number: ${port}}}`, "[shop]", more);
  expect(short([to("shop", 9090)], [shop, admin])).toEqual([]);
  expect(short([to("shop", 81)], [shop, admin])).toEqual([
    `TR0221 destination shop has no port 81 that is carried; it has 80, 9090: ${none}`,
  ]);
  expect(short([to("shop", 81).replace("  http:", "  gateways: [edge]\n  http:")], [shop, admin])).toContain(
    `TR0221 destination shop has no port 81 that is carried; it has 80, 9090: ${none}`,
  );
  const plain = entryOf("plain", ["http://10.0.0.1:8080"]);
  expect(short([to("plain", 8080)], [shop, admin, plain])).toEqual([]);
  expect(short([to("plain", 80)], [shop, admin, plain])).toEqual([
    "TR0227 port 80 of destination plain has no meaning: providers are called at their own ports, and none has that one",
  ]);
});
