import { expect, test } from "vitest";
import {
  DEFAULT_RETRY_ON,
  lowerFault,
  lowerPercent,
  lowerRedirect,
  lowerRetries,
} from "../../../../../src/control/rules/lower/policies.ts";
import type { HttpRoute } from "../../../../../src/model/rules/http-route.ts";
import { virtualServiceOf } from "../../../../support/rules.ts";

const elsewhere = {
  retryHostPredicate: [
    {
      name: "envoy.retry_host_predicates.previous_hosts",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
      },
    },
  ],
  hostSelectionRetryMaxAttempts: "5",
};

const route = (fields: string): HttpRoute =>
  virtualServiceOf("[a]", `[{${fields}, route: [{destination: {host: a}}]}]`).http[0]!;

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
  expect(lowerRetries(route(`retries: ${retries}`).retries!)).toEqual(policy && { ...policy, ...elsewhere });
});

test("a further try may go where one went if the rule says so, and where a hash says where calls go", () => {
  const asked = (more: string) => route(`retries: {attempts: 1, retryOn: reset${more}}`).retries!;
  const plain = { retryOn: "reset", numRetries: 1 };
  expect(lowerRetries(asked(", retryIgnorePreviousHosts: false"))).toEqual(plain);
  expect(lowerRetries(asked(""), true)).toEqual(plain);
  expect(lowerRetries(asked(", retryIgnorePreviousHosts: true"), true)).toEqual({ ...plain, ...elsewhere });
});

test("a further try goes to other priorities where the rule says so", () => {
  const { retries } = route("retries: {attempts: 1, retryRemoteLocalities: true}");
  expect(lowerRetries(retries!)?.retryPriority).toEqual({
    name: "envoy.retry_priorities.previous_priorities",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
      updateFrequency: 2,
    },
  });
});

test("a share without a word is all", () => {
  expect(lowerPercent({})).toEqual({ numerator: 100, denominator: "HUNDRED" });
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

test.each<[redirect: string, port: number, lowered: object]>([
  ["{uri: /new}", 80, { pathRedirect: "/new" }],
  ["{prefixRewrite: /v2, redirectCode: 302}", 80, { prefixRewrite: "/v2", responseCode: "FOUND" }],
  ["{uri: '%PREFIX()%/v2'}", 80, { prefixRewrite: "/v2" }],
  ["{authority: shop.example.com, scheme: https}", 80, { hostRedirect: "shop.example.com", schemeRedirect: "https" }],
  ["{port: 8443, redirectCode: 308}", 80, { portRedirect: 8443, responseCode: "PERMANENT_REDIRECT" }],
  ["{authority: a, derivePort: FROM_REQUEST_PORT}", 8080, { hostRedirect: "a", portRedirect: 8080 }],
  ["{authority: a, derivePort: FROM_PROTOCOL_DEFAULT}", 8080, { hostRedirect: "a" }],
])("redirect %s by port %d is %o", (redirect, port, lowered) => {
  const { http } = virtualServiceOf("[a]", `[{redirect: ${redirect}}]`);
  expect(lowerRedirect(http[0]!.redirect!, port)).toEqual(lowered);
});
