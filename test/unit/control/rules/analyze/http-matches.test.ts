import { describe, expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { virtualServiceText } from "../../../../support/rules.ts";

const web = [entryOf("shop", ["http://10.0.0.1:8080", "http://10.0.0.2:8081"])];
const to = "route: [{destination: {host: shop}}]";
const all = `{${to}}`;
const without = (findings: readonly string[]) => findings.map((one) => one.replace(/ \d+:\d+ /, " "));
const found = (http: string) => without(analyze([virtualServiceText("v", "[shop]", http)], web));
const matched = (match: string) => found(`[{match: [${match}], ${to}}, ${all}]`);

describe("a rule for a service that speaks HTTP", () => {
  test.each([
    [
      "{uri: {prefix: api}}",
      'TR0233 no request can meet this match: a path begins with a slash, and uri is prefix "api"',
    ],
    [
      "{uri: {exact: shop/api}}",
      'TR0233 no request can meet this match: a path begins with a slash, and uri is exact "shop/api"',
    ],
    ["{method: {exact: get}}", "TR0233 no request can meet this match: methods of HTTP are in capitals, GET"],
    ["{scheme: {exact: https}}", "TR0233 no request can meet this match: the scheme of requests in the mesh is http"],
    ["{port: 80}", "TR0233 no request can meet this match: shop is called at 8080, 8081, not at 80"],
    ["{gateways: [edge]}", 'TR0227 match asks for gateways, so it never applies: it leaves out "mesh"'],
    [
      "{headers: {dubbo-arg-0.id: {exact: a}}}",
      "TR0227 headers.dubbo-arg-0.id is compared with a header of that name: a request of HTTP has no arguments, group, version or application of Dubbo's",
    ],
    [
      "{withoutHeaders: {uri: {exact: a}}}",
      "TR0227 withoutHeaders.uri is passed over, as Istio does; use the field uri of the match",
    ],
    [
      "{sourceLabels: {app: a}}",
      "TR0227 match asks for sourceLabels, so it applies at proxies that have these labels themselves alone: a request does not say who sends it; match a header that callers set",
    ],
  ])("is told of a match that no request meets: %s", (match, finding) => {
    // A condition that Istio passes over leaves one that takes every request.
    expect(matched(match).filter((one) => !one.startsWith("TR0226"))).toEqual([finding]);
  });

  test.each([
    "{sourceNamespace: shop}",
    "{method: {exact: POST}, scheme: {exact: http}, queryParams: {a: {exact: b}}}",
    "{uri: {exact: '*'}, method: {exact: OPTIONS}}",
    "{uri: {regex: '.*api'}, port: 8081}",
    "{method: {exact: report}}",
    "{gateways: [mesh], uri: {prefix: /a}}",
  ])("may ask for %s", (match) => {
    expect(matched(match)).toEqual([]);
  });

  test.each([
    ["a route behind one for all", `[${all}, {match: [{uri: {prefix: /a}}], ${to}}]`],
    [
      "a path behind its prefix, though it asks for more",
      `[{match: [{uri: {prefix: /a}}], ${to}}, {match: [{uri: {exact: /a/b}, method: {exact: GET}, queryParams: {q: {}}}], ${to}}, ${all}]`,
    ],
    ["a route behind a redirect", `[{redirect: {uri: /new}}, ${all}]`],
    [
      "the same question twice",
      `[{match: [{queryParams: {q: {exact: a}}}], ${to}}, {match: [{queryParams: {q: {exact: a}}}], ${to}}, ${all}]`,
    ],
  ])("is told of %s", (_, http) => {
    expect(found(http)).toEqual(["TR0226 no call reaches this: the route of line 6 takes every call that it matches"]);
  });

  test.each([
    `[{match: [{queryParams: {q: {exact: a}}}], ${to}}, {match: [{queryParams: {q: {exact: b}}}], ${to}}, ${all}]`,
    `[{match: [{sourceLabels: {app: a}}], ${to}}, ${all}]`,
    `[{match: [{uri: {exact: /a}}], ${to}}, {match: [{uri: {prefix: /a}}], ${to}}, ${all}]`,
  ])("may have these one after the other: %s", (http) => {
    expect(found(http).filter((one) => one.startsWith("TR0226"))).toEqual([]);
  });

  test("is told where it ends without a route for all", () => {
    expect(found(`[{match: [{uri: {prefix: /a}}], ${to}}]`)).toEqual([expect.stringMatching(/^TR0234/)]);
  });
});

describe("a rule for gateways", () => {
  const gateway =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {servers: [{port: {number: 8443, name: http, protocol: HTTP}, hosts: ['*']}]}\n";
  const outside = (http: string, gateways = "edge") =>
    without(analyze([virtualServiceText("v", "[a.example]", `${http}\n  gateways: [${gateways}]`), gateway], web));

  test("is told of ports, methods and callers that are not known there", () => {
    expect(
      outside(`[{match: [{port: 80}], ${to}}, {match: [{sourceNamespace: a, method: {exact: post}}], ${to}}]`),
    ).toEqual([
      "TR0233 no request can meet this match: a.example is called at 8443, not at 80",
      "TR0227 match asks for sourceNamespace, so it never applies: nobody knows that of callers who come by a gateway",
      "TR0233 no request can meet this match: methods of HTTP are in capitals, POST",
    ]);
    expect(outside(`[{match: [{headers: {dubbo-arg-0: {exact: a}}}], ${to}}]`)).toEqual([
      expect.stringMatching(/^TR0227 headers\.dubbo-arg-0 is compared with a header/),
    ]);
    expect(outside(`[{match: [{port: 80}], ${to}}]`, "edge, none")).toEqual([expect.stringMatching(/^TR0241/)]);
  });

  test("is told of routes behind one that takes their calls at the same port, and not of its end", () => {
    const second = (match: string) =>
      outside(`[{match: [{uri: {prefix: /}, port: 8443}], ${to}}, {match: [${match}], ${to}}]`);
    expect(second("{uri: {exact: /a}, port: 8443}")).toEqual([expect.stringMatching(/^TR0226/)]);
    expect(second("{uri: {exact: /a}}")).toEqual([]);
    expect(second("{uri: {exact: /a}, scheme: {exact: https}, gateways: [edge]}")).toEqual([]);
  });
});
