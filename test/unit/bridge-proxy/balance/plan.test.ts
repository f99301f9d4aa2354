import { describe, expect, test } from "vitest";
import { compileBalance } from "../../../../src/bridge-proxy/balance/plan.ts";
import type { Offer } from "../../../../src/bridge-proxy/balance/policies.ts";
import type { Cluster, LbPolicy } from "../../../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import { seededRandom } from "../../../support/random.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

const BASE = clusterOf("com.acme.A");
const SERVICE = BASE.metadata.filterMetadata[TRESTLE_METADATA];

function cluster(extra: Partial<Cluster>, balancer?: "PEAK_EWMA"): Cluster {
  return {
    ...BASE,
    ...extra,
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { ...SERVICE, ...(balancer && { balancer }) } } },
  };
}

const slowStartConfig = { slowStartWindow: "60s" };

test("what a cluster says nothing of is off", () => {
  expect(compileBalance(cluster({}))).toMatchObject({
    isConsistent: false,
    timesAnswers: false,
    slowStart: undefined,
    weighsLocalities: false,
    panicBelow: 0,
  });
});

test.each<[string, Cluster, object]>([
  ["panic", cluster({ commonLbConfig: { healthyPanicThreshold: { value: 40 } } }), { panicBelow: 0.4 }],
  ["localities' weights", cluster({ commonLbConfig: { localityWeightedLbConfig: {} } }), { weighsLocalities: true }],
  ["a ring", cluster({ lbPolicy: "RING_HASH" }), { isConsistent: true }],
  ["a table", cluster({ lbPolicy: "MAGLEV" }), { isConsistent: true }],
  [
    "peak EWMA in place of a ring",
    cluster({ lbPolicy: "RING_HASH" }, "PEAK_EWMA"),
    { isConsistent: false, timesAnswers: true },
  ],
  [
    "slow start of round robin",
    cluster({ lbPolicy: "ROUND_ROBIN", roundRobinLbConfig: { slowStartConfig } }),
    { slowStart: { windowMs: 60_000 } },
  ],
  [
    "slow start of least request",
    cluster({ lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { slowStartConfig } }),
    { slowStart: { windowMs: 60_000 } },
  ],
  [
    "slow start of peak EWMA",
    cluster({ lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: { slowStartConfig } }, "PEAK_EWMA"),
    { slowStart: { windowMs: 60_000 } },
  ],
  [
    "no slow start for others",
    cluster({ lbPolicy: "RANDOM", leastRequestLbConfig: { slowStartConfig }, roundRobinLbConfig: { slowStartConfig } }),
    { slowStart: undefined },
  ],
])("compiled: %s", (_, resource, plan) => {
  expect(compileBalance(resource)).toMatchObject(plan);
});

interface TestEndpoint {
  readonly host: { readonly address: string; readonly port: number; active: number };
  readonly weight: number;
  readonly record: { rttMs(): number } | undefined;
}

function offerOf(...weights: number[]): Offer<TestEndpoint> {
  let upTo = 0;
  const candidates = weights.map((weight, port) => {
    upTo += weight;
    return {
      endpoint: { host: { address: "10.0.0.1", port, active: 0 }, weight, record: { rttMs: () => 5 } },
      weight,
      upTo,
    };
  });
  return { candidates, totalWeight: upTo, listed: candidates.map(({ endpoint }) => endpoint) };
}

const POLICIES: [string, Cluster][] = [
  ...(["RANDOM", "ROUND_ROBIN", "LEAST_REQUEST", "RING_HASH", "MAGLEV"] as const).map(
    (lbPolicy: LbPolicy): [string, Cluster] => [lbPolicy, cluster({ lbPolicy })],
  ),
  ["PEAK_EWMA", cluster({}, "PEAK_EWMA")],
];

/** What every balancer must do; a new one is one row more. */
describe.each(POLICIES)("%s", (_, resource) => {
  const draws = (offer: Offer<TestEndpoint>, seed = 1): number[] => {
    const choose = compileBalance(resource).create();
    const random = seededRandom(seed);
    const counts = offer.candidates.map(() => 0);
    for (let i = 0; i < 20_000; i++) counts[choose(offer, random, undefined, i).endpoint.host.port]!++;
    return counts.map((count) => count / 20_000);
  };

  test("the only one is chosen", () => {
    expect(draws(offerOf(7))).toEqual([1]);
  });

  test("equals get equal shares", () => {
    for (const share of draws(offerOf(100, 100, 100, 100))) expect(Math.abs(share - 0.25)).toBeLessThan(0.03);
  });

  test("shares follow the weights of now", () => {
    for (const seed of [1, 2, 3]) {
      const [light, heavy] = draws(offerOf(100, 300), seed);
      expect(Math.abs(light! - 0.25)).toBeLessThan(0.04);
      expect(Math.abs(heavy! - 0.75)).toBeLessThan(0.04);
    }
  });

  test("nobody outside of the offer is chosen, and everybody inside", () => {
    const offer = offerOf(1, 100, 100, 1_000);
    const part = {
      ...offer,
      candidates: offer.candidates.slice(1, 3).map((one, i) => ({ ...one, upTo: 100 * (i + 1) })),
      totalWeight: 200,
    };
    const choose = compileBalance(resource).create();
    const random = seededRandom(5);
    const ports = new Set(Array.from({ length: 1_000 }, () => choose(part, random, undefined, 0).endpoint.host.port));
    expect([...ports].sort()).toEqual([1, 2]);
  });

  test("the same draws choose the same", () => {
    expect(draws(offerOf(10, 20, 30), 9)).toEqual(draws(offerOf(10, 20, 30), 9));
  });

  test("a hash is kept to by those that go by it", () => {
    const { create, isConsistent } = compileBalance(resource);
    const choose = create();
    const random = seededRandom(3);
    const offer = offerOf(100, 100, 100, 100);
    const ports = new Set(Array.from({ length: 200 }, () => choose(offer, random, 123_456, 0).endpoint.host.port));
    expect(ports.size === 1).toBe(isConsistent);
  });
});
