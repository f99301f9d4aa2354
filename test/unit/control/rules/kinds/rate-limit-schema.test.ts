import { expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { MetaRouter } from "../../../../../src/model/rules/meta-router.ts";
import { shortFindings } from "../../../../support/rules.ts";

function parsed(limits: string) {
  const text = `apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: r}\nspec: {hosts: [com.acme.a], ${limits}}\n`;
  const { rules, findings } = parseRules("r.yaml", text);
  return { rule: rules[0] as MetaRouter | undefined, findings: shortFindings(findings) };
}

const bucket = "tokenBucket: {maxTokens: 10, tokensPerFill: 5, fillInterval: 1m}";

test("a local limit has conditions in order and a bucket for all other calls", () => {
  const { rule, findings } = parsed(
    `localRateLimit: {${bucket}, conditions: [{match: {attributes: {method: {exact: get}, level: {prefix: g}}}, ${bucket}}]}`,
  );
  expect(findings).toEqual([]);
  const filled = { maxTokens: 10, tokensPerFill: 5, fillIntervalMs: 60_000 };
  expect(rule!.localRateLimit).toMatchObject({
    bucket: filled,
    conditions: [
      {
        match: { method: { type: "exact", value: "get" }, headers: { level: { type: "prefix", value: "g" } } },
        bucket: filled,
      },
    ],
  });
});

test.each([
  ["outbound|8081||Limits.mesh", "limits.mesh", { number: 8081 }],
  ["outbound|||limits.mesh", "limits.mesh", undefined],
  ["limits.mesh:8081", "limits.mesh", { number: 8081 }],
  ["limits", "limits", undefined],
])("the rate limit service %s is the host %s at the port that it says", (written, host, port) => {
  const { rule, findings } = parsed(
    `globalRateLimit: {domain: d, rateLimitService: "${written}", descriptors: [{property: method, descriptorKey: m}]}`,
  );
  expect(findings).toEqual([]);
  expect(rule!.globalRateLimit).toMatchObject({
    domain: "d",
    service: host,
    timeoutMs: 20,
    denyOnFail: false,
    descriptors: [{ property: "method", descriptorKey: "m" }],
  });
  expect(rule!.globalRateLimit!.port).toEqual(port);
});

test.each([
  ["without any bucket", "localRateLimit: {conditions: []}", /^TR0208 .*needs one of tokenBucket and conditions/],
  ["of no tokens", "localRateLimit: {tokenBucket: {maxTokens: 0, fillInterval: 1s}}", /^TR0209/],
  ["without an interval", "localRateLimit: {tokenBucket: {maxTokens: 1}}", /^TR0208/],
  ["with an interval too short", "localRateLimit: {tokenBucket: {maxTokens: 1, fillInterval: 10ms}}", /^TR0210/],
  [
    "of too many conditions",
    `localRateLimit: {conditions: [${`{match: {}, ${bucket}},`.repeat(101)}]}`,
    /^TR0209 .*more than 100/,
  ],
  [
    "without a domain",
    "globalRateLimit: {rateLimitService: a, descriptors: [{property: a, descriptorKey: b}]}",
    /^TR0208/,
  ],
  ["without descriptors", "globalRateLimit: {domain: d, rateLimitService: a, descriptors: []}", /^TR0208/],
])("a limit %s is refused", (_, text, finding) => {
  const { rule, findings } = parsed(text);
  expect(rule).toBeUndefined();
  expect(findings[0]).toMatch(finding);
});
