import { expect, test } from "vitest";
import { analyzeRules } from "../../../../../src/control/rules/analyze/analyze.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

const entries = [
  entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]),
  entryOf("limits", ["tri://10.0.0.9:8081"]),
  entryOf("web", ["http://10.0.0.9:80"]),
];
const local = "localRateLimit: {tokenBucket: {maxTokens: 1, fillInterval: 1s}}";
const global = (service: string, more = "") =>
  `globalRateLimit: {domain: d, rateLimitService: ${service}, descriptors: [{property: method, descriptorKey: m}]${more}}`;
const router = (name: string, spec: string, host = "com.acme.A") =>
  `apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: ${name}}\nspec: {hosts: [${host}], ${spec}}\n`;
const findings = (...texts: string[]) => shortFindings(analyzeRules(rulesOf(...texts), entries));

test("limits of known services that ask a known one are in order", () => {
  expect(findings(router("a", `${local}, ${global("limits")}`))).toEqual([]);
});

test.each([
  ["of a service that nobody knows", [router("a", local, "nobody")], /^TR0220 .*host nobody/],
  ["of one service twice", [router("a", local), router("b", local)], /^TR0224 .*limited by a/],
  [
    "that ask nobody",
    [router("a", global("nobody"))],
    /^TR0221 .*nobody is no service that is known: every call passes/,
  ],
  [
    "that ask a web server",
    [router("a", global("web", ", denyOnFail: true"))],
    /^TR0221 .*web speaks no gRPC.*every call is refused/,
  ],
])("limits %s", (_, texts, finding) => {
  expect(findings(...texts)).toEqual([expect.stringMatching(finding)]);
});
