import { expect, test } from "vitest";
import { compileCluster } from "../../../../src/control/compile/clusters.ts";
import { describeBalancer, describeCluster } from "../../../../src/control/explain/cluster-words.ts";
import type { DestinationRule } from "../../../../src/model/rules/destination-rule.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../support/rules.ts";

const entry = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const clusterOf = (policy: string) => {
  const [rule] = rulesOf(destinationRuleText("d", "com.acme.A", `trafficPolicy: ${policy}`));
  return compileCluster(entry, "", rule as DestinationRule);
};

test.each([
  ["{loadBalancer: {simple: ROUND_ROBIN}}", "ROUND_ROBIN"],
  ["{loadBalancer: {consistentHash: {httpHeaderName: a, maglev: {tableSize: 5003}}}}", "MAGLEV of 5003 places"],
  [
    "{loadBalancer: {simple: LEAST_REQUEST, warmup: {duration: 60s, minimumPercent: 5, aggression: 2}}}",
    "LEAST_REQUEST, new endpoints warm up in 60s, aggression 2, from 5%",
  ],
])("the balancer of %s is %s", (policy, words) => {
  expect(describeBalancer(clusterOf(policy))).toBe(words);
});

test.each([
  [
    "{connectionPool: {tcp: {maxConnections: 3, connectTimeout: 2s}, http: {http2MaxRequests: 4, maxRequestsPerConnection: 9}}}",
    ["at most 3 connections", "at most 4 calls at a time", "connected within 2s", "closed after 9 calls"],
  ],
  [
    "{outlierDetection: {consecutive5xxErrors: 3, baseEjectionTime: 10s, maxEjectionPercent: 50, minHealthPercent: 20}}",
    ["ejected after 3 errors in a row for 10s and longer each time, 50% of all at most", "fewer than 20% are healthy"],
  ],
  [
    "{outlierDetection: {consecutiveGatewayErrors: 2, consecutive5xxErrors: 0}}",
    ["ejected after 2 gateway errors in a row for 30s and longer each time, 10% of all at most"],
  ],
  ["{retryBudget: {percent: 25, minRetryConcurrency: 4}}", ["retries up to 25% of the calls under way, 4 in any case"]],
  ["{tls: {mode: SIMPLE, sni: a.example}}", ["TLS, asking for a.example, of a.example"]],
  [
    "{tls: {mode: MUTUAL, sni: a.example, clientCertificate: c, privateKey: k, caCertificates: r, insecureSkipVerify: true}}",
    ["mutual TLS, asking for a.example, whatever certificate is shown"],
  ],
])("%s is said in words", (policy, words) => {
  const said = describeCluster(clusterOf(policy));
  for (const word of words) expect(said).toContain(word);
});

test("a cluster without a rule says nothing, and one that is not known has no balancer", () => {
  expect(describeCluster(compileCluster(entry, "", undefined))).toBe("");
  expect(describeBalancer(undefined)).toBe("");
});
