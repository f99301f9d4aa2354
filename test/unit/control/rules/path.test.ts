import { expect, test } from "vitest";
import { EVERY_PATH, lowerPath, textMatches } from "../../../../src/control/rules/path.ts";
import { matchOf } from "../../../support/rules.ts";

const I = "/com.acme.OrderService/";

test.each([
  { match: "{}", path: EVERY_PATH },
  { match: "method: {exact: get}", path: { path: `${I}get` } },
  { match: "method: {prefix: get}", path: { prefix: `${I}get` } },
  { match: 'method: {regex: "get|list"}', path: { safeRegex: { regex: "/com\\.acme\\.OrderService/(?:get|list)" } } },
  { match: 'method: {regex: ".*"}', path: EVERY_PATH },
  { match: `uri: {exact: ${I}get}`, path: { path: `${I}get` } },
  { match: "uri: {prefix: /}", path: EVERY_PATH },
  { match: `uri: {prefix: ${I}}`, path: EVERY_PATH },
  { match: "uri: {prefix: /com.acme.}", path: EVERY_PATH },
  { match: `uri: {prefix: ${I}get}`, path: { prefix: `${I}get` } },
  { match: "uri: {prefix: /com.acme.Stock}", path: undefined },
  { match: "uri: {exact: /com.acme.orderservice/get}", path: undefined },
  {
    match: "uri: {exact: /com.acme.orderservice/get}, ignoreUriCase: true",
    path: { path: "/com.acme.orderservice/get", caseSensitive: false },
  },
  {
    match: `uri: {prefix: "${I.toUpperCase()}GET"}, ignoreUriCase: true`,
    path: { prefix: `${I.toUpperCase()}GET`, caseSensitive: false },
  },
  { match: 'uri: {regex: "/.*/get"}', path: { safeRegex: { regex: "/.*/get" } } },
  { match: 'uri: {regex: ".*"}', path: EVERY_PATH },
  { match: `uri: {exact: ${I}get}, method: {exact: get}`, path: { path: `${I}get` } },
  { match: `uri: {exact: ${I}get}, method: {exact: set}`, path: undefined },
  { match: `uri: {exact: ${I}getOrder}, method: {regex: "get.*"}`, path: { path: `${I}getOrder` } },
  { match: `uri: {exact: ${I}getOrder}, method: {regex: "get"}`, path: undefined },
  { match: "uri: {exact: /com.acme.Other/get}, method: {prefix: g}", path: undefined },
  { match: 'uri: {regex: "/.*/get.*"}, method: {exact: getOrder}', path: { path: `${I}getOrder` } },
  { match: 'uri: {regex: "/.*/get"}, method: {exact: getOrder}', path: undefined },
  { match: "uri: {prefix: /com.acme.}, method: {exact: get}", path: { path: `${I}get` } },
  {
    match: 'uri: {prefix: /com.acme.}, method: {regex: "a|b"}',
    path: { safeRegex: { regex: "/com\\.acme\\.OrderService/(?:a|b)" } },
  },
  { match: 'uri: {prefix: /com.other.}, method: {regex: "a|b"}', path: undefined },
  { match: `uri: {prefix: ${I}get}, method: {prefix: getOrder}`, path: { prefix: `${I}getOrder` } },
  { match: `uri: {prefix: ${I}getOrder}, method: {prefix: get}`, path: { prefix: `${I}getOrder` } },
  { match: `uri: {prefix: ${I}set}, method: {prefix: get}`, path: undefined },
])("$match lowers to $path", ({ match, path }) => {
  expect(lowerPath(matchOf(match === "{}" ? match : `{${match}}`), "com.acme.OrderService")).toEqual(path);
});

test("characters of an interface name that mean something in a regex are quoted", () => {
  expect(lowerPath(matchOf("{method: {regex: a+}}"), "com.acme.Outer$Inner")).toEqual({
    safeRegex: { regex: "/com\\.acme\\.Outer\\$Inner/(?:a+)" },
  });
});

test.each([
  { match: { type: "exact", value: "Ab" }, value: "ab", ignoreCase: false, met: false },
  { match: { type: "exact", value: "Ab" }, value: "ab", ignoreCase: true, met: true },
  { match: { type: "prefix", value: "A" }, value: "abc", ignoreCase: true, met: true },
  { match: { type: "regex", value: "b" }, value: "abc", ignoreCase: false, met: false },
  { match: { type: "regex", value: ".b." }, value: "abc", ignoreCase: false, met: true },
  { match: { type: "present" }, value: "", ignoreCase: false, met: true },
] as const)("$match.type is met by $value: $met", ({ match, value, ignoreCase, met }) => {
  expect(textMatches(match, value, ignoreCase)).toBe(met);
});
