import { expect, test } from "vitest";
import { KINDS, sumOfWeights } from "../../../../../src/control/rules/kinds/istio-schema.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { destinationRuleText, shortFindings, virtualServiceOf, virtualServiceText } from "../../../../support/rules.ts";

const found = (http: string): string[] => shortFindings(parseRules("r", virtualServiceText("a", "[a]", http)).findings);
const codes = (text: string): string[] => parseRules("r", text).findings.map(({ code }) => code);
const to = "route: [{destination: {host: a}}]";

test("all kinds are there", () => {
  expect(Object.keys(KINDS)).toEqual(
    expect.arrayContaining(["Gateway", "ServiceEntry", "VirtualService", "DestinationRule"]),
  );
});

test.each([
  {
    name: "a route without anything",
    http: "[{name: x}]",
    finding: "TR0208 6:10 VirtualService.spec.http[0].route is missing",
  },
  {
    name: "no destinations",
    http: "[{route: []}]",
    finding: "TR0208 6:18 VirtualService.spec.http[0].route needs at least 1 element",
  },
  {
    name: "weights of 0",
    http: "[{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]}]",
    finding: "TR0212 6:11 VirtualService.spec.http[0].route has 2 destinations whose weights add up to 0",
  },
  {
    name: "a negative weight",
    http: "[{route: [{destination: {host: a}, weight: -5}]}]",
    finding: "TR0209 6:52 VirtualService.spec.http[0].route[0].weight is -5; it must be from 0 to 2147483647",
  },
  {
    name: "route and redirect",
    http: `[{${to}, redirect: {uri: /x}}]`,
    finding: "TR0213 6:46 VirtualService.spec.http[0] has both route and redirect; only one of them may stand",
  },
  {
    name: "route and answer",
    http: `[{directResponse: {status: 200}, ${to}}]`,
    finding: "TR0213 6:11 VirtualService.spec.http[0] has both route and directResponse; only one of them may stand",
  },
  {
    name: "retries without attempts",
    http: `[{retries: {retryOn: reset}, ${to}}]`,
    finding: "TR0208 6:20 VirtualService.spec.http[0].retries.attempts is missing",
  },
  {
    name: "a timeout of a try of 0",
    http: `[{retries: {attempts: 1, perTryTimeout: 0s}, ${to}}]`,
    finding: 'TR0210 6:49 VirtualService.spec.http[0].retries.perTryTimeout is "0s"; it must be at least 1ms',
  },
  {
    name: "an abort without status",
    http: `[{fault: {abort: {percentage: {value: 5}}}, ${to}}]`,
    finding: "TR0208 6:26 VirtualService.spec.http[0].fault.abort needs one of httpStatus and grpcStatus",
  },
  {
    name: "a percentage over 100",
    http: `[{fault: {delay: {fixedDelay: 1s, percentage: {value: 101}}}, ${to}}]`,
    finding: "TR0209 6:63 VirtualService.spec.http[0].fault.delay.percentage.value is 101; it must be from 0 to 100",
  },
  {
    name: "two statuses",
    http: `[{fault: {abort: {httpStatus: 500, grpcStatus: "14"}}, ${to}}]`,
    finding:
      "TR0213 6:44 VirtualService.spec.http[0].fault.abort has both httpStatus and grpcStatus; only one of them may stand",
  },
  {
    name: "a regex beside a prefix of methods",
    http: `[{match: [{uri: {prefix: /a/get}, method: {regex: ".*Order"}}], ${to}}]`,
    finding:
      'TR0213 6:43 VirtualService.spec.http[0].match[0] has uri and method, one of them a regular expression; make one exact, or say both in uri as "/interface/method"',
  },
  {
    name: "two regexes",
    http: `[{match: [{uri: {regex: "/a/.*"}, method: {regex: b}}], ${to}}]`,
    finding:
      'TR0213 6:43 VirtualService.spec.http[0].match[0] has uri and method, one of them a regular expression; make one exact, or say both in uri as "/interface/method"',
  },
])("$name is reported", ({ http, finding }) => {
  expect(found(http).filter((one) => !/^TR022[78]/.test(one))).toEqual([finding]);
});

test("durations are read into milliseconds", () => {
  const { http } = virtualServiceOf("[a]", `[{timeout: 1.5s, retries: {attempts: 2, perTryTimeout: 20ms}, ${to}}]`);
  expect(http[0]).toMatchObject({ timeoutMs: 1_500, retries: { attempts: 2, perTryTimeoutMs: 20 } });
});

test("a redirect stands in the place of destinations", () => {
  expect(virtualServiceOf("[a]", "[{redirect: {uri: /x}}]").http).toMatchObject([{ redirect: { uri: "/x" } }]);
});

test.each([
  { field: `rewrite: {uriRegexRewrite: {match: "("}}, ${to}`, code: "TR0211" },
  { field: `rewrite: {uriRegexRewrite: {match: "(a)", rewrite: '\\2'}}, ${to}`, code: "TR0209" },
  { field: `rewrite: {uri: /a, uriRegexRewrite: {match: a}}, ${to}`, code: "TR0213" },
  { field: `fault: {abort: {http2Error: x}}, ${to}`, code: "TR0208" },
  { field: `match: [{statPrefix: a}], ${to}`, code: "TR0227" },
])("$field is named, never ignored in silence", ({ field, code }) => {
  expect(codes(virtualServiceText("a", "[a]", `[{${field}}]`))).toContain(code);
});

test.each([
  { rest: "trafficPolicy: {outlierDetection: {consecutiveErrors: 1}}", code: "TR0227" },
  { rest: "trafficPolicy: {tunnel: {targetHost: a, targetPort: 1}}", code: "TR0227" },
  { rest: "trafficPolicy: {connectionPool: {http: {useClientProtocol: true}}}", code: "TR0227" },
])("$rest of a DestinationRule is named, and the rule still holds", ({ rest, code }) => {
  const parsed = parseRules("r", destinationRuleText("a", "b", rest));
  expect(parsed.findings.map((one) => one.code)).toEqual([code]);
  expect(parsed).toMatchObject({ valid: true, rules: [{ host: "b" }] });
});

test.each(["DISABLE", "SIMPLE", "ISTIO_MUTUAL"])(
  "tls %s to providers is applied, so there is nothing to report",
  (mode) => {
    expect(codes(destinationRuleText("a", "b", `trafficPolicy: {tls: {mode: ${mode}}}`))).toEqual([]);
  },
);

test("a weight that is not written counts 0", () => {
  const { http } = virtualServiceOf(
    "[a]",
    "[{route: [{destination: {host: a}, weight: 30}, {destination: {host: b}}]}]",
  );
  expect(sumOfWeights(http[0]!.route!)).toBe(30);
});

test("a balancer that a proxy cannot be is named, and the rest of the rule stays", () => {
  const { rules, findings } = parseRules(
    "r",
    destinationRuleText("d", "a", "trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}"),
  );
  expect(shortFindings(findings)).toEqual([
    "TR0227 4:48 DestinationRule.spec.trafficPolicy.loadBalancer.simple PASSTHROUGH has no meaning here: callers know the proxy's address alone, so calls are spread by weighted random choice",
  ]);
  expect(rules).toHaveLength(1);
});

test.each([
  ["mirrorPercentage: {value: 5}", "mirrorPercentage"],
  ["mirrorPercent: 5", "mirrorPercent"],
  ["mirror_percent: 5, mirrors: [{destination: {host: b}}]", "mirror_percent"],
])("a share of copies without a mirror is told of: %s", (share, name) => {
  expect(found(`[{${share}, ${to}}]`)).toEqual([
    `TR0227 6:11 VirtualService.spec.http[0].${name} does nothing: it is the share of a mirror beside it, and there is none`,
  ]);
  expect(found(`[{mirrorPercent: 5, mirror: {host: b}, ${to}}]`)).toEqual([]);
});
