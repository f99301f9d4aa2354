import { describe, expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { virtualServiceText } from "../../../../support/rules.ts";

const known = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])];
const to = "route: [{destination: {host: com.acme.A}}]";
const all = `{${to}}`;
const found = (http: string, entries = known): string[] =>
  analyze([virtualServiceText("v", "[com.acme.A]", http)], entries).map((one) => one.replace(/ \d+:\d+ /, " "));

test.each([
  {
    name: "a redirect",
    http: `[{name: old, redirect: {uri: /x}}, ${all}]`,
    finding:
      "TR0230 route old of v redirects callers; callers of Dubbo can't be sent elsewhere: their calls go on to the next route",
  },
  {
    name: "a rule without routes",
    http: "[]",
    finding: "TR0257 VirtualService v has no routes: calls pass as if it were not there",
  },
  {
    name: "weights that don't add up to 100",
    http: "[{route: [{destination: {host: com.acme.A}, weight: 1}, {destination: {host: com.acme.a}, weight: 2}]}]",
    finding: "TR0231 weights add up to 3, not 100; each is taken as its share of 3",
  },
  {
    name: "a change of a view of the call",
    http: `[{headers: {request: {set: {Dubbo-Group: a}}}, ${to}}]`,
    finding:
      "TR0235 Dubbo-Group is a view of the call, no attachment; name another service as the destination to change group or version",
  },
  {
    name: "a change of what is no header",
    http: `[{headers: {request: {set: {":path": /a, Host: b}, add: {":authority": c}}}, ${to}}]`,
    finding:
      "TR0228 :path is left out: it is no header that a rule can change so. rewrite.uri changes a request's path, rewrite.authority or set of host whom it asks for",
  },
  {
    name: "a Host that is taken out, of a destination too",
    http: "[{route: [{destination: {host: com.acme.A}, headers: {request: {remove: [Host]}}}]}]",
    finding: expect.stringMatching(/^TR0228 Host is left out/),
  },
  {
    name: "a Host in an answer",
    http: `[{headers: {response: {set: {":authority": b}}}, ${to}}]`,
    finding: expect.stringMatching(/^TR0228 :authority is left out/),
  },
  {
    name: "an HTTP verb as method",
    http: `[{match: [{method: {exact: POST}}], ${to}}, ${all}]`,
    finding: "TR0232 method POST looks like an HTTP verb; on a Dubbo host it is the Java method's name",
  },
  {
    name: "a name that Istio passes over",
    http: `[{match: [{withoutHeaders: {uri: {exact: a}}, method: {exact: a}}], ${to}}, ${all}]`,
    finding: "TR0227 withoutHeaders.uri is passed over, as Istio does; use the field uri of the match",
  },
  {
    name: "labels of the caller",
    http: `[{match: [{sourceLabels: {lane: a}}], ${to}}, ${all}]`,
    finding:
      "TR0227 match asks for sourceLabels, so it applies at proxies that have these labels themselves alone: of callers that share a proxy the label app alone is known; match an attachment, or give each its own proxy",
  },
  {
    name: "a uri of another interface",
    http: `[{match: [{uri: {exact: /com.acme.B/get}}], ${to}}, ${all}]`,
    finding: 'TR0233 no call of com.acme.A can meet this match; a uri is "/com.acme.A/method"',
  },
  {
    name: "an authority of another host",
    http: `[{match: [{authority: {exact: other}}], ${to}}, ${all}]`,
    finding: 'TR0233 no call of com.acme.A can meet this match; a uri is "/com.acme.A/method"',
  },
  {
    name: "a route behind one that takes all",
    http: `[${all}, ${all}]`,
    finding: "TR0226 no call reaches this: the route of line 6 takes every call that it matches",
  },
  {
    name: "a method behind its prefix",
    http: `[{match: [{method: {prefix: get}}], ${to}}, {match: [{method: {exact: getOrder}, headers: {a: {}}}], ${to}}, ${all}]`,
    finding: "TR0226 no call reaches this: the route of line 6 takes every call that it matches",
  },
  {
    name: "a route that asks for more than one before",
    http: `[{match: [{headers: {a: {exact: b}}}], ${to}}, {match: [{headers: {a: {exact: b}, c: {}}}], ${to}}, ${all}]`,
    finding: "TR0226 no call reaches this: the route of line 6 takes every call that it matches",
  },
  {
    name: "an end without a route for all",
    http: `[{match: [{method: {exact: a}}], ${to}}]`,
    finding:
      'TR0234 calls that match no route of v are answered "no route"; end it with a route without match to let them pass',
  },
])("$name is reported", ({ http, finding }) => {
  expect(found(http)).toEqual([finding]);
});

test.each([
  {
    name: "a prefix behind one of its methods",
    http: `[{match: [{method: {exact: getOrder}}], ${to}}, {match: [{method: {prefix: get}}], ${to}}, ${all}]`,
  },
  {
    name: "the same path with another attachment",
    http: `[{match: [{headers: {a: {exact: b}}}], ${to}}, {match: [{headers: {a: {exact: c}}}], ${to}}, ${all}]`,
  },
  {
    name: "a route behind a redirect, which takes no call",
    http: `[{match: [{sourceNamespace: x}], ${to}}, ${all}]`,
    but: /sourceNamespace/,
  },
  {
    name: "a route behind a redirect of callers of HTTP",
    http: "[{match: [{uri: {exact: /old}}], redirect: {uri: /new}}, {route: [{destination: {host: com.acme.A}}]}]",
    entries: [entryOf("com.acme.A", ["http://10.0.0.1:8080"])],
  },
  {
    name: "weights of 100",
    http: "[{route: [{destination: {host: com.acme.A}, weight: 40}, {destination: {host: com.acme.a}, weight: 60}]}]",
  },
])("$name can be reached", ({ http, but, entries }) => {
  expect(found(http, entries).filter((one) => but?.test(one) !== true)).toEqual([]);
});

test("order is checked without a registry too", () => {
  expect(analyze([virtualServiceText("v", "[com.acme.A]", `[${all}, ${all}]`)])).toHaveLength(1);
});

test("each condition that no call meets is named", () => {
  const never = "{scheme: {exact: https}, sourceNamespace: shop, gateways: [ingress]}";
  const names = found(`[{match: [${never}], ${to}}, ${all}]`).map(
    (one) => /^TR0227 match asks for (\w+),/.exec(one)?.[1],
  );
  expect(names.sort()).toEqual(["gateways", "scheme"]);
});

test.each([
  ["dubbo-arg-x", true],
  ["Dubbo-Arg", true],
  ["dubbo-arg-0x", true],
  ["dubbo-arg-0.", true],
  ["dubbo-arg-12", false],
  ["dubbo-arg-0.a.b", false],
  ["dubbo-argument", false],
])("whether headers.%s names no argument: %s", (name, reported) => {
  const text = `TR0227 headers.${name} names no argument and is compared with an attachment of that name; arguments are dubbo-arg-0, dubbo-arg-1.field and so on`;
  expect(found(`[{match: [{headers: {${name}: {exact: a}}}], ${to}}, ${all}]`)).toEqual(reported ? [text] : []);
});

test("a match of Gateway API that no call meets is named once, though it stands for several", () => {
  const route = (match: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: g}
spec:
  parentRefs: [{group: networking.istio.io, kind: Hostname, name: com.acme.A}]
  rules:
    - matches: [${match}]
      backendRefs: [{group: networking.istio.io, kind: Hostname, name: com.acme.A}]
    - backendRefs: [{group: networking.istio.io, kind: Hostname, name: com.acme.A}]
`;
  const codes = (match: string) => analyze([route(match)], known).map((one) => one.split(" ")[0]);
  expect(codes("{method: {service: com.acme.B, method: get}}")).toEqual(["TR0233"]);
  expect(codes("{method: {service: com.acme.B}}")).toEqual(["TR0233"]);
  expect(codes("{method: {method: get}}")).toEqual([]);
  expect(codes("{method: {service: com.acme.A, method: get}}")).toEqual([]);
});

describe("without a registry", () => {
  const entry = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: s}
spec: {hosts: [shop.example], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 10.0.0.1}]}
`;
  const http = `[{match: [{method: {exact: GET}, uri: {prefix: /a}}], ${to}}, {match: [{queryParams: {a: {}}}], redirect: {uri: /x}}, ${all}]`;
  const of = (host: string, ...more: string[]) =>
    analyze([virtualServiceText("v", `[${host}]`, http), ...more]).map((one) => one.split(" ")[0]);

  test("the rule of a ServiceEntry among the rules is read as what its port speaks", () => {
    expect(of("shop.example", entry)).toEqual([]);
    expect(of("com.acme.A")).toEqual(["TR0232", "TR0230"]);
  });

  test("all ports of a ServiceEntry among the rules are those that a match may ask for, each of calls of its own", () => {
    const two = entry.replace("protocol: HTTP}", "protocol: HTTP}, {number: 81, name: http-b, protocol: HTTP}");
    const at = (...routes: readonly string[]) =>
      analyze([virtualServiceText("v", "[shop.example]", `[${routes.join(", ")}]`), two]);
    const by = (port: number) => `{match: [{port: ${port}}], ${to}}`;
    expect([at(by(80), all), at(by(81), all), at(by(80), by(81))]).toEqual([[], [], []]);
    expect(at(by(82), all)).toEqual([expect.stringMatching(/^TR0233 .*called at 80, 81, not at 82/)]);
    expect(at(by(81), by(81), all)).toEqual([expect.stringMatching(/^TR0226 /)]);
    expect(at(by(81))).toEqual([expect.stringMatching(/^TR0234 /)]);
  });

  test("of a name that may be anything's nothing is said that is not true of all", () => {
    expect(of("shop")).toEqual([]);
    const twice = virtualServiceText("v", "[shop]", `[{redirect: {uri: /x}}, ${all}, ${all}]`);
    expect(analyze([twice]).map((one) => one.split(" ")[0])).toEqual(["TR0226"]);
  });
});
