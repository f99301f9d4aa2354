import { expect, test } from "vitest";
import { analyzeTraffic } from "../../../../../src/control/rules/analyze/traffic.ts";
import { bindRules } from "../../../../../src/control/rules/bindings.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../../support/rules.ts";

const plain = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const placed = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?zone=a"]);
const triple = entryOf("com.acme.A", ["tri://10.0.0.1:50051"]);
const http = entryOf("com.acme.A", ["http://10.0.0.1:8080"]);

function found(rest: string, entry = plain): string[] {
  const list = createFindingList();
  const rules = rulesOf(destinationRuleText("d", "com.acme.A", rest));
  analyzeTraffic(bindRules(rules, [entry], ["dubbo", "tri", "http"]), list.report);
  return list.list().map(({ code, message }) => `${code} ${message}`);
}

test.each([
  {
    policy: "{loadBalancer: {simple: RANDOM, warmup: {duration: 1s}}}",
    finding: "TR0247 warmup of d needs ROUND_ROBIN or LEAST_REQUEST: endpoints take their full share at once",
  },
  {
    policy: "{loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}",
    entry: placed,
    finding:
      "TR0247 localityLbSetting of d needs outlierDetection: without it calls would never go to endpoints farther off, so all are near",
  },
  {
    policy: "{outlierDetection: {maxEjectionPercent: 100}, loadBalancer: {localityLbSetting: {enabled: true}}}",
    finding: "TR0247 localityLbSetting of d has no effect: none of 1 endpoints says where it is, by region or zone",
  },
  {
    policy: "{loadBalancer: {zoneAwareLbSetting: {enabled: true}}}",
    finding: "TR0247 zoneAwareLbSetting of d has no effect: none of 1 endpoints says where it is, by region or zone",
  },
  {
    policy: "{loadBalancer: {zoneAwareLbSetting: {}}}",
    entry: placed,
    finding: "TR0247 zoneAwareLbSetting of d does nothing without enabled: true",
  },
  {
    policy: "{portLevelSettings: [{port: {number: 80}}]}",
    finding: "TR0247 port 80 of d is none by which its services are known: 20880",
  },
  {
    policy: "{portLevelSettings: [{port: {number: 20880}}, {port: {number: 20880}}]}",
    finding: "TR0247 port 20880 of d is set twice; the first holds",
  },
  {
    policy: "{loadBalancer: {consistentHash: {httpCookie: {name: c}}}}",
    finding:
      "TR0247 httpCookie of d: callers of Dubbo2 have no cookies, but for an attachment cookie, so its calls are spread at random; hash an attachment or dubbo-arg-0 by httpHeaderName",
  },
  {
    policy: "{loadBalancer: {consistentHash: {httpQueryParameterName: q}}}",
    entry: triple,
    finding:
      "TR0247 httpQueryParameterName of d: a Dubbo call has no query, so its calls are spread at random; hash an attachment or dubbo-arg-0 by httpHeaderName",
  },
  {
    policy: "{outlierDetection: {}}",
    finding:
      "TR0247 outlierDetection of d ejects nobody: maxEjectionPercent 10, the default, of 1 endpoint is less than one; say 100 or more",
  },
  {
    policy: "{outlierDetection: {maxEjectionPercent: 30}}",
    entry: entryOf("com.acme.A", ["dubbo://10.0.0.1:1", "dubbo://10.0.0.2:1", "dubbo://10.0.0.3:1"]),
    finding:
      "TR0247 outlierDetection of d ejects nobody: maxEjectionPercent 30 of 3 endpoints is less than one; say 34 or more",
  },
  {
    policy: "{retryBudget: {}, connectionPool: {http: {maxRetries: 3}}}",
    finding: "TR0247 maxRetries of d does not count beside its retryBudget",
  },
  {
    policy: "{tls: {mode: SIMPLE, insecureSkipVerify: true}}",
    finding: "TR0248 tls of d takes any certificate: whoever answers at a provider's address is believed",
  },
])("$policy is named", ({ policy, entry, finding }) => {
  expect(found(`trafficPolicy: ${policy}`, entry)).toEqual([finding]);
});

test.each([
  { policy: "{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 1s}}}", entry: plain },
  {
    policy: "{outlierDetection: {maxEjectionPercent: 100}, loadBalancer: {localityLbSetting: {enabled: true}}}",
    entry: placed,
  },
  { policy: "{loadBalancer: {localityLbSetting: {enabled: false}}}", entry: plain },
  {
    policy:
      "{outlierDetection: {maxEjectionPercent: 100}, loadBalancer: {localityLbSetting: {failoverPriority: [rack]}}}",
    entry: plain,
  },
  { policy: "{portLevelSettings: [{port: {number: 20880}}]}", entry: plain },
  { policy: "{loadBalancer: {consistentHash: {httpCookie: {name: c}}}}", entry: http },
  { policy: "{loadBalancer: {consistentHash: {httpCookie: {name: c}}}}", entry: triple },
])("$policy is nothing to report", ({ policy, entry }) => {
  expect(found(`trafficPolicy: ${policy}`, entry)).toEqual([]);
});

test("a subset's policy is looked at too", () => {
  const policy = "{loadBalancer: {simple: RANDOM, warmup: {duration: 1s}}}";
  expect(found(`subsets: [{name: v, trafficPolicy: ${policy}}]`)).toEqual([
    "TR0247 warmup of subset v of d needs ROUND_ROBIN or LEAST_REQUEST: endpoints take their full share at once",
  ]);
});

test("Trestle's own balancer can warm up, and does nothing beside a hash", () => {
  const peak = (policy: string) => {
    const text = destinationRuleText("d", "com.acme.A", `trafficPolicy: {loadBalancer: ${policy}}`);
    const rules = rulesOf(text.replace("{name: d}", "{name: d, annotations: {trestle.io/load-balancer: PEAK_EWMA}}"));
    const list = createFindingList();
    analyzeTraffic(bindRules(rules, [plain], ["dubbo"]), list.report);
    return list.list().map(({ code, message }) => `${code} ${message}`);
  };
  expect(peak("{simple: RANDOM, warmup: {duration: 1s}}")).toEqual([]);
  expect(peak("{consistentHash: {useSourceIp: true}}")).toEqual([
    "TR0247 annotation trestle.io/load-balancer of d does not count beside consistentHash",
  ]);
});
