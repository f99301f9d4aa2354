import { expect, test } from "vitest";
import { grpcNumber, RETRY_WORDS } from "../../../../../src/control/rules/kinds/istio-values.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { shortFindings, virtualServiceText } from "../../../../support/rules.ts";

const found = (hosts: string, http: string): string[] =>
  shortFindings(parseRules("r", virtualServiceText("a", hosts, http)).findings);
const routed = (fields: string): string => `[{${fields}, route: [{destination: {host: a}}]}]`;

test.each(["*", "*.acme", "com.acme.*", "com.acme.Order$Inner", "a_b", "ORDER-1-0-0"])("%s is a host", (host) => {
  expect(found(`["${host}"]`, routed("timeout: 1s"))).toEqual([]);
});

test.each(["", "a*b", "*a", "a b", "**", "a/b", "*.*", "com..x", ".a", "a."])("%j is no host", (host) => {
  expect(found(`["${host}"]`, routed("timeout: 1s"))).toEqual([
    expect.stringMatching(/^TR0209 5:11 VirtualService\.spec\.hosts\[0\]/),
  ]);
});

test.each([
  { name: "a look-ahead", regex: "(?=a)", problem: "invalid or unsupported Perl syntax" },
  { name: "a back reference", regex: "(a)\\\\1", problem: "invalid escape sequence" },
  { name: "an open group", regex: "(a", problem: "missing closing )" },
  { name: "a huge repetition", regex: "a{5000}", problem: "invalid repeat count" },
])("$name is no RE2 expression", ({ regex, problem }) => {
  expect(found("[a]", routed(`match: [{uri: {regex: "${regex}"}}]`))).toEqual([
    expect.stringMatching(/^TR0211 .* is no RE2 regular expression/),
  ]);
  expect(found("[a]", routed(`match: [{uri: {regex: "${regex}"}}]`))[0]).toContain(problem);
});

test("a regular expression over 4096 characters is refused", () => {
  expect(found("[a]", routed(`match: [{uri: {regex: "${"a".repeat(4_097)}"}}]`))).toEqual([
    expect.stringMatching(/^TR0209 .*longer than 4096 characters/),
  ]);
});

test("every word of Envoy and every code is taken in retryOn", () => {
  const words = [...RETRY_WORDS, "503", " 429 "].join(",");
  expect(found("[a]", routed(`retries: {attempts: 1, retryOn: "${words}"}`))).toEqual([]);
});

test.each(["", "5XX", "99", "600", "503,,429", "gateway error"])("retryOn %j is refused", (words) => {
  expect(found("[a]", routed(`retries: {attempts: 1, retryOn: "${words}"}`))).toEqual([
    expect.stringMatching(/^TR0209/),
  ]);
});

test.each([
  ["UNAVAILABLE", 14],
  ["deadline_exceeded", 4],
  ["16", 16],
  ["1", 1],
  ["OK", undefined],
  ["0", undefined],
  ["17", undefined],
  ["NO_SUCH", undefined],
])("gRPC status %s is number %s", (text, number) => {
  expect(grpcNumber(text)).toBe(number);
});

test.each([
  {
    name: "an empty match",
    http: routed("match: [{uri: {}}]"),
    finding: "TR0208 6:25 VirtualService.spec.http[0].match[0].uri needs one of exact, prefix and regex",
  },
  {
    name: "an empty prefix",
    http: routed('match: [{uri: {prefix: ""}}]'),
    finding: "TR0209 6:34 VirtualService.spec.http[0].match[0].uri.prefix is empty",
  },
  {
    name: "an attachment name with a space",
    http: routed('match: [{headers: {"a b": {}}}]'),
    finding:
      'TR0209 6:30 key "a b" of VirtualService.spec.http[0].match[0].headers must be 1 to 256 characters without spaces',
  },
  {
    name: "a bad gRPC status",
    http: routed("fault: {abort: {grpcStatus: LOST}}"),
    finding:
      'TR0209 6:39 VirtualService.spec.http[0].fault.abort.grpcStatus is "LOST", which is no gRPC status such as "UNAVAILABLE"',
  },
])("$name is reported", ({ http, finding }) => {
  expect(found("[a]", http)).toEqual([finding]);
});

test("an attachment with an empty match asks that it is there", () => {
  expect(found("[a]", routed("match: [{headers: {x: {}}, withoutHeaders: {y: {}}}]"))).toEqual([]);
});

test.each([
  "com.acme.OrderService:g:1.0.0",
  "com.acme.OrderService::1.0.0",
  "providers:com.acme.OrderService:1.0.0:.zookeeper",
  "providers:com.acme.OrderService:1.0.0:g.DEFAULT-GROUP.public.nacos",
  "order_a.DEFAULT-GROUP.public.nacos",
])("%s, a host as another synchronizer writes it, is one", (host) => {
  expect(found(`["${host}"]`, routed("timeout: 2s"))).toEqual([]);
});

test.each(["order:80", "com.acme.OrderService:20880", "a:", ":a", "a..b", "a:.", "a.:b", "a b"])(
  "%s is no host",
  (host) => {
    expect(found(`["${host}"]`, routed("timeout: 2s"))).toEqual([expect.stringContaining("TR0209")]);
  },
);
