import { expect, test } from "vitest";
import {
  DEFAULT_POLICY,
  effectivePolicy,
  findSubset,
  lowerHash,
  lowerPolicy,
} from "../../../../../src/control/rules/lower/traffic.ts";
import type { DestinationRule } from "../../../../../src/model/rules/destination-rule.ts";
import { destinationRuleText, rulesOf } from "../../../../support/rules.ts";

const rule = (rest: string, annotations = "{}"): DestinationRule =>
  rulesOf(
    destinationRuleText("d", "a", rest).replace("{name: d}", `{name: d, annotations: ${annotations}}`),
  )[0] as DestinationRule;
const lowered = (policy: string) => lowerPolicy(rule(`trafficPolicy: ${policy}`), undefined, 20_880);

test("without a DestinationRule calls are spread at random", () => {
  expect(lowerPolicy(undefined, undefined, 20_880)).toBe(DEFAULT_POLICY);
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
  expect(lowered(`{loadBalancer: {simple: ${simple}}}`)).toEqual({ lbPolicy });
});

const slowStartConfig = {
  slowStartWindow: "60s",
  aggression: { defaultValue: 1 },
  minWeightPercent: { value: 10 },
};

test.each([
  {
    name: "a ring",
    policy: "{loadBalancer: {consistentHash: {useSourceIp: true}}}",
    cluster: { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: 1024 } },
  },
  {
    name: "a ring of a size, in the older form",
    policy: "{loadBalancer: {consistentHash: {useSourceIp: true, minimumRingSize: 10}}}",
    cluster: { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: 10 } },
  },
  {
    name: "maglev",
    policy: "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 251}}}}",
    cluster: { lbPolicy: "MAGLEV", maglevLbConfig: { tableSize: 251 } },
  },
  {
    name: "warm-up alone",
    policy: "{loadBalancer: {warmup: {duration: 1m}}}",
    cluster: { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { slowStartConfig } },
  },
  {
    name: "warm-up of round robin",
    policy: "{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 1m, minimumPercent: 20, aggression: 2}}}",
    cluster: {
      lbPolicy: "ROUND_ROBIN",
      roundRobinLbConfig: {
        slowStartConfig: {
          slowStartWindow: "60s",
          aggression: { defaultValue: 2 },
          minWeightPercent: { value: 20 },
        },
      },
    },
  },
  {
    name: "limits",
    policy:
      "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4}}}",
    cluster: {
      lbPolicy: "RANDOM",
      circuitBreakers: { thresholds: [{ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 }] },
    },
  },
  {
    name: "limits of 0",
    policy: "{connectionPool: {tcp: {maxConnections: 0}, http: {http2MaxRequests: 0}}}",
    cluster: { lbPolicy: "RANDOM" },
  },
  {
    name: "a retry budget in place of a count",
    policy: "{retryBudget: {}, connectionPool: {http: {maxRetries: 4}}}",
    cluster: {
      lbPolicy: "RANDOM",
      circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 3 } }] },
    },
  },
  {
    name: "how connections are used",
    policy:
      "{connectionPool: {tcp: {connectTimeout: 1s, maxConnectionDuration: 1h, tcpKeepalive: {probes: 3, time: 60s, interval: 100ms}}, http: {idleTimeout: 5m, maxRequestsPerConnection: 7, maxConcurrentStreams: 8}}}",
    cluster: {
      lbPolicy: "RANDOM",
      connectTimeout: "1s",
      upstreamConnectionOptions: { tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 60, keepaliveInterval: 1 } },
      typedExtensionProtocolOptions: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          commonHttpProtocolOptions: {
            idleTimeout: "300s",
            maxConnectionDuration: "3600s",
            maxRequestsPerConnection: 7,
          },
          explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 8 } },
        },
      },
    },
  },
  {
    name: "ejection without a word",
    policy: "{outlierDetection: {}}",
    cluster: {
      lbPolicy: "RANDOM",
      outlierDetection: { enforcingSuccessRate: 0 },
      commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    },
  },
  {
    name: "ejection",
    policy:
      "{outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 2, splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 50, minHealthPercent: 30, outlierDetectionHttpErrorCodes: [429]}}",
    cluster: {
      lbPolicy: "RANDOM",
      outlierDetection: {
        enforcingSuccessRate: 0,
        consecutive5xx: 0,
        enforcingConsecutive5xx: 0,
        consecutiveGatewayFailure: 2,
        enforcingConsecutiveGatewayFailure: 100,
        splitExternalLocalOriginErrors: true,
        consecutiveLocalOriginFailure: 3,
        enforcingConsecutiveLocalOriginFailure: 100,
        interval: "1s",
        baseEjectionTime: "2s",
        maxEjectionPercent: 50,
      },
      commonLbConfig: { healthyPanicThreshold: { value: 30 } },
      errorCodes: [429],
    },
  },
  {
    name: "shares of localities",
    policy: "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {b: 100}}]}}}",
    cluster: { lbPolicy: "RANDOM", commonLbConfig: { localityWeightedLbConfig: {} } },
  },
  {
    name: "zones",
    policy: "{loadBalancer: {zoneAwareLbSetting: {enabled: true}}}",
    cluster: { lbPolicy: "RANDOM", commonLbConfig: { localityWeightedLbConfig: {} } },
  },
  {
    name: "a retry budget with an interval",
    policy: "{retryBudget: {budgetInterval: 2s}}",
    cluster: {
      lbPolicy: "RANDOM",
      circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 3 } }] },
      retryWindow: "2s",
    },
  },
  {
    name: "shares of localities that are switched off",
    policy: "{loadBalancer: {localityLbSetting: {enabled: false, distribute: [{from: a, to: {b: 100}}]}}}",
    cluster: { lbPolicy: "RANDOM" },
  },
])("$name is lowered", ({ policy, cluster }) => {
  expect(lowered(policy)).toEqual(cluster);
});

test("a setting of a subset replaces that of the host, others stay", () => {
  const both = rule(
    "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {http2MaxRequests: 9}}}, subsets: [{name: v, trafficPolicy: {connectionPool: {http: {http2MaxRequests: 1}}}}]",
  );
  expect(lowerPolicy(both, both.subsets[0], 20_880)).toEqual({
    lbPolicy: "ROUND_ROBIN",
    circuitBreakers: { thresholds: [{ maxRequests: 1 }] },
  });
});

test("what is said of the port stands in place of what is said of all, and is inherited by nothing", () => {
  const ported = rule(
    "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {http2MaxRequests: 9}}, portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: LEAST_REQUEST}}]}",
  );
  expect(lowerPolicy(ported, undefined, 80)).toEqual({ lbPolicy: "LEAST_REQUEST" });
  expect(lowerPolicy(ported, undefined, 81)).toMatchObject({ lbPolicy: "ROUND_ROBIN", circuitBreakers: {} });
  expect(effectivePolicy(ported, undefined, 80)).not.toHaveProperty("connectionPool");
});

test("a subset's port stands in place of all that the rule says of its settings, whole", () => {
  const subset =
    "subsets: [{name: v, trafficPolicy: {portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: ROUND_ROBIN}}]}}]";
  const said = "outlierDetection: {}, connectionPool: {http: {http2MaxRequests: 9}}, loadBalancer: {simple: RANDOM}";
  for (const policy of [`portLevelSettings: [{port: {number: 80}, ${said}}]`, said]) {
    const both = rule(`trafficPolicy: {${policy}}, ${subset}`);
    expect(lowerPolicy(both, both.subsets[0], 80)).toEqual({ lbPolicy: "ROUND_ROBIN" });
  }
  const other = rule(`trafficPolicy: {${said}, retryBudget: {percent: 30}}, ${subset}`);
  expect(lowerPolicy(other, other.subsets[0], 81)).toMatchObject({ lbPolicy: "RANDOM", outlierDetection: {} });
  expect(effectivePolicy(other, other.subsets[0], 80)).toMatchObject({ retryBudget: { percent: 30 } });
});

test("Trestle's own balancer stands for the rule's own, not for one of a subset or a hash", () => {
  const peak = "{trestle.io/load-balancer: PEAK_EWMA}";
  const own = { lbPolicy: "LEAST_REQUEST", balancer: "PEAK_EWMA" };
  expect(lowerPolicy(rule("subsets: []", peak), undefined, 80)).toEqual(own);
  const simple = rule(
    "trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets: [{name: v}, {name: w, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}]",
    peak,
  );
  expect(lowerPolicy(simple, simple.subsets[0], 80)).toEqual(own);
  expect(lowerPolicy(simple, simple.subsets[1], 80)).toEqual({ lbPolicy: "ROUND_ROBIN" });
  const warm = rule("trafficPolicy: {loadBalancer: {simple: RANDOM, warmup: {duration: 10s}}}", peak);
  expect(lowerPolicy(warm, undefined, 80)).toMatchObject({
    ...own,
    leastRequestLbConfig: { slowStartConfig: { slowStartWindow: "10s" } },
  });
  const hashed = rule("trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}", peak);
  expect(lowerPolicy(hashed, undefined, 80).lbPolicy).toBe("RING_HASH");
});

test.each([
  { hash: "{httpHeaderName: dubbo-arg-0}", policy: { header: { headerName: "dubbo-arg-0" } } },
  { hash: "{useSourceIp: true}", policy: { connectionProperties: { sourceIp: true } } },
  { hash: "{httpQueryParameterName: q}", policy: { queryParameter: { name: "q" } } },
  {
    hash: "{httpCookie: {name: c, ttl: 1s, path: /, attributes: [{name: a, value: b}]}}",
    policy: { cookie: { name: "c", ttl: "1s", path: "/", attributes: [{ name: "a", value: "b" }] } },
  },
])("the hash $hash is made from its input", ({ hash, policy }) => {
  const { trafficPolicy } = rule(`trafficPolicy: {loadBalancer: {consistentHash: ${hash}}}`);
  expect(lowerHash(trafficPolicy?.loadBalancer?.consistentHash)).toEqual([policy]);
  expect(lowerHash(undefined)).toEqual([]);
});

test("of two subsets of one name the first is found", () => {
  const twice = rule("subsets: [{name: v, labels: {a: b}}, {name: v}]");
  expect(findSubset(twice, "v")).toBe(twice.subsets[0]);
  expect(findSubset(twice, "w")).toBeUndefined();
  expect(findSubset(undefined, "v")).toBeUndefined();
});
