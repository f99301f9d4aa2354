import { expect, test } from "vitest";
import { connectionPool, destinationRuleFields } from "../../../../../src/control/rules/kinds/traffic-policy-schema.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { DestinationRule } from "../../../../../src/model/rules/destination-rule.ts";
import { destinationRuleText, shortFindings } from "../../../../support/rules.ts";

const at = expect.anything();
const parsed = (policy: string) => parseRules("r", destinationRuleText("d", "a", `trafficPolicy: ${policy}`));
const policyOf = (policy: string) => (parsed(policy).rules[0] as DestinationRule).trafficPolicy;
const faults = (policy: string) =>
  shortFindings(parsed(policy).findings).map((text) =>
    text.replace(/ \d+:\d+ DestinationRule\.spec\.trafficPolicy\./, " "),
  );

test.each([
  {
    name: "a hash of an argument",
    policy: "{loadBalancer: {consistentHash: {httpHeaderName: dubbo-arg-0, maglev: {tableSize: 251}}}}",
    read: {
      loadBalancer: { at, consistentHash: { at, httpHeaderName: "dubbo-arg-0", maglev: { at, tableSize: 251 } } },
    },
  },
  {
    name: "a hash of a cookie",
    policy: "{loadBalancer: {consistentHash: {httpCookie: {name: c, ttl: 0s, attributes: [{name: Secure}]}}}}",
    read: {
      loadBalancer: {
        at,
        consistentHash: { at, httpCookie: { at, name: "c", ttlMs: 0, attributes: [{ at, name: "Secure" }] } },
      },
    },
  },
  {
    name: "shares by locality",
    policy: '{loadBalancer: {localityLbSetting: {distribute: [{from: r/z/*, to: {"r/z/*": 80, "r/y/*": 20}}]}}}',
    read: {
      loadBalancer: {
        at,
        localityLbSetting: { at, distribute: [{ at, from: "r/z/*", to: { "r/z/*": 80, "r/y/*": 20 } }] },
      },
    },
  },
  {
    name: "the older warm-up",
    policy: "{loadBalancer: {simple: ROUND_ROBIN, warmupDurationSecs: 30s}}",
    read: { loadBalancer: { at, simple: "ROUND_ROBIN", warmup: { at, durationMs: 30_000 } } },
  },
  {
    name: "settings of a port",
    policy: "{portLevelSettings: [{port: {number: 20880}, outlierDetection: {interval: 1s}}]}",
    read: { portLevelSettings: [{ at, port: { at, number: 20_880 }, outlierDetection: { at, intervalMs: 1_000 } }] },
  },
  {
    name: "limits of connections",
    policy: "{connectionPool: {tcp: {connectTimeout: 1s, tcpKeepalive: {time: 60s}}, http: {idleTimeout: 5m}}}",
    read: {
      connectionPool: {
        at,
        tcp: { at, connectTimeoutMs: 1_000, tcpKeepalive: { at, timeMs: 60_000 } },
        http: { at, idleTimeoutMs: 300_000 },
      },
    },
  },
  { name: "a retry budget", policy: "{retryBudget: {percent: 12.5}}", read: { retryBudget: { at, percent: 12.5 } } },
])("$name is read", ({ policy, read }) => {
  expect(policyOf(policy)).toEqual({ at, ...read });
});

test.each([
  {
    policy: "{loadBalancer: {consistentHash: {ringHash: {}}}}",
    fault:
      "TR0208 loadBalancer.consistentHash needs one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName",
  },
  {
    policy: "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}}",
    fault: "TR0209 loadBalancer.consistentHash.maglev.tableSize is 100, which is no prime number",
  },
  {
    policy: "{loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}}",
    fault: "TR0213 loadBalancer has both simple and consistentHash; only one of them may stand",
  },
  {
    policy: "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {b: 50}}]}}}",
    fault: "TR0209 loadBalancer.localityLbSetting.distribute[0].to adds up to 50; its shares must add up to 100",
  },
  {
    policy: "{loadBalancer: {localityLbSetting: {distribute: [{from: a/b/c/d, to: {b: 100}}]}}}",
    fault:
      'TR0209 loadBalancer.localityLbSetting.distribute[0].from is "a/b/c/d"; a locality is region/zone/subzone, perhaps with * for its last part',
  },
  {
    policy: "{tls: {mode: ISTIO_MUTUAL, caCertificates: /x}}",
    fault: "TR0213 tls is ISTIO_MUTUAL, whose certificates are the mesh's own, and names others",
  },
  {
    policy: "{tls: {mode: MUTUAL, clientCertificate: /x}}",
    fault: "TR0213 tls is MUTUAL and needs clientCertificate and privateKey, or credentialName",
  },
])("$policy is refused", ({ policy, fault }) => {
  expect(faults(policy)).toEqual([fault]);
  expect(parsed(policy).valid).toBe(false);
});

test("a namespace of exportTo is a name, a dot or a star", () => {
  const { findings } = parseRules("r", destinationRuleText("d", "a", "exportTo: [., '*', shop, Shop]"));
  expect(shortFindings(findings)).toEqual([
    'TR0209 4:42 DestinationRule.spec.exportTo[3] is "Shop"; it must be ".", "*" or the name of a namespace',
  ]);
});

test("a policy and a pool are objects of their own", () => {
  expect(Object.keys(destinationRuleFields)).toEqual(["subsets", "trafficPolicy", "exportTo", "workloadSelector"]);
  expect(Object.keys(connectionPool.fields)).toEqual(["tcp", "http"]);
});
