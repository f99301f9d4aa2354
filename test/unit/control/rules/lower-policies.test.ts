import { expect, test } from "vitest";
import {
  DEFAULT_POLICY,
  DEFAULT_RETRY_ON,
  lowerFault,
  lowerPolicy,
  lowerRetries,
} from "../../../../src/control/rules/lower-policies.ts";
import type { DestinationRule, HttpRoute } from "../../../../src/model/rule.ts";
import { destinationRuleText, rulesOf, virtualServiceOf } from "../../../support/rules.ts";

const route = (fields: string): HttpRoute =>
  virtualServiceOf("[a]", `[{${fields}, route: [{destination: {host: a}}]}]`).http[0]!;
const rule = (rest: string): DestinationRule => rulesOf(destinationRuleText("d", "a", rest))[0] as DestinationRule;

test.each([
  { retries: "{attempts: 0, retryOn: reset}", policy: undefined },
  { retries: "{attempts: 2}", policy: { retryOn: DEFAULT_RETRY_ON, numRetries: 2 } },
  {
    retries: '{attempts: 1, retryOn: "503"}',
    policy: { retryOn: "retriable-status-codes", numRetries: 1, retriableStatusCodes: [503] },
  },
  {
    retries: '{attempts: 1, retryOn: "retriable-status-codes, 500,5xx"}',
    policy: { retryOn: "retriable-status-codes,5xx", numRetries: 1, retriableStatusCodes: [500] },
  },
  {
    retries: "{attempts: 1, retryOn: reset, perTryTimeout: 2s, backoff: 5ms}",
    policy: { retryOn: "reset", numRetries: 1, perTryTimeout: "2s", retryBackOff: { baseInterval: "0.005s" } },
  },
])("retries $retries become $policy", ({ retries, policy }) => {
  expect(lowerRetries(route(`retries: ${retries}`).retries!)).toEqual(policy);
});

test.each([
  {
    fault: "{delay: {fixedDelay: 1s}}",
    lowered: { delay: { fixedDelay: "1s", percentage: { numerator: 100, denominator: "HUNDRED" } } },
  },
  {
    fault: "{delay: {fixedDelay: 1s, percent: 5}}",
    lowered: { delay: { fixedDelay: "1s", percentage: { numerator: 5, denominator: "HUNDRED" } } },
  },
  {
    fault: "{delay: {fixedDelay: 1s, percentage: {value: 0.01}}}",
    lowered: { delay: { fixedDelay: "1s", percentage: { numerator: 100, denominator: "MILLION" } } },
  },
  {
    fault: "{abort: {httpStatus: 503, percentage: {}}}",
    lowered: { abort: { httpStatus: 503, percentage: { numerator: 0, denominator: "MILLION" } } },
  },
  {
    fault: '{abort: {grpcStatus: "4"}}',
    lowered: { abort: { grpcStatus: 4, percentage: { numerator: 100, denominator: "HUNDRED" } } },
  },
])("fault $fault is lowered", ({ fault, lowered }) => {
  expect(lowerFault(route(`fault: ${fault}`).fault!)).toEqual(lowered);
});

test("without a DestinationRule calls are spread at random", () => {
  expect(lowerPolicy(undefined, undefined)).toBe(DEFAULT_POLICY);
  expect(DEFAULT_POLICY).toEqual({ lbPolicy: "RANDOM" });
});

test.each([
  ["ROUND_ROBIN", "ROUND_ROBIN"],
  ["RANDOM", "RANDOM"],
  ["LEAST_REQUEST", "LEAST_REQUEST"],
  ["LEAST_CONN", "LEAST_REQUEST"],
  ["PASSTHROUGH", "RANDOM"],
  ["UNSPECIFIED", "RANDOM"],
])("balancer %s is lowered to %s", (simple, lbPolicy) => {
  expect(lowerPolicy(rule(`trafficPolicy: {loadBalancer: {simple: ${simple}}}`), undefined).lbPolicy).toBe(lbPolicy);
});

test("the limit of waiting calls is taken over", () => {
  const policy = "trafficPolicy: {connectionPool: {http: {http2MaxRequests: 9}}}";
  expect(lowerPolicy(rule(policy), undefined)).toEqual({ lbPolicy: "RANDOM", maxRequests: 9 });
});

test("a limit of 0 is none, also where a subset takes the host's limit away", () => {
  const none = "trafficPolicy: {connectionPool: {http: {http2MaxRequests: 0}}}";
  expect(lowerPolicy(rule(none), undefined)).toEqual(DEFAULT_POLICY);
  const lifted = rule(`trafficPolicy: {connectionPool: {http: {http2MaxRequests: 9}}}, subsets: [{name: v, ${none}}]`);
  expect(lowerPolicy(lifted, lifted.subsets[0])).toEqual(DEFAULT_POLICY);
});

test("a setting of a subset replaces that of the host, others stay", () => {
  const both = rule(
    "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {http2MaxRequests: 9}}}, subsets: [{name: v, trafficPolicy: {connectionPool: {http: {http2MaxRequests: 1}}}}]",
  );
  expect(lowerPolicy(both, both.subsets[0])).toEqual({ lbPolicy: "ROUND_ROBIN", maxRequests: 1 });
});
