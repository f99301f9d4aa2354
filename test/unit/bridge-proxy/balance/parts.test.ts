import { expect, test } from "vitest";
import {
  isWarming,
  layOut,
  type PartRules,
  shareOut,
  warmedWeight,
} from "../../../../src/bridge-proxy/balance/parts.ts";
import type { EndpointOf } from "../../../../src/bridge-proxy/upstream/endpoint.ts";
import type { UpstreamConnection, UpstreamHost } from "../../../../src/bridge-proxy/upstream/host.ts";
import type { EndpointRecord } from "../../../../src/bridge-proxy/upstream/records.ts";

type TestEndpoint = EndpointOf<UpstreamConnection>;

interface Said extends Partial<Omit<TestEndpoint, "host" | "record">> {
  readonly state?: string;
  readonly draining?: boolean;
  readonly ejected?: boolean;
}

let ports = 0;

function endpoint({ state = "ready", draining = false, ejected = false, ...said }: Said = {}): TestEndpoint {
  return {
    host: { address: "10.0.0.1", port: ++ports, active: 0, state, draining } as unknown as UpstreamHost,
    weight: 100,
    warmupMs: 0,
    startedAtMs: 0,
    tag: "",
    token: "",
    payloadBytes: 0,
    takesWrapper: false,
    refusesJson: false,
    priority: 0,
    locality: "",
    localityWeight: 0,
    healthy: true,
    addedAtMs: 0,
    record: { ejected } as EndpointRecord,
    ...said,
  };
}

const RULES: PartRules = {
  isConsistent: false,
  slowStart: undefined,
  weighsLocalities: false,
  panicBelow: 0,
  overprovisioning: 1.4,
};

/** Share of each part in percent, and how many may be chosen in it. */
function parts(
  endpoints: readonly TestEndpoint[],
  rules: Partial<PartRules> = {},
  avoid: readonly TestEndpoint[] = [],
) {
  const avoided = avoid.map(({ host }) => host);
  let before = 0;
  return shareOut(layOut(endpoints), { ...RULES, ...rules }, 0, avoided).map(({ name, upTo, candidates }) => {
    const share = Math.round((upTo - before) * 100);
    before = upTo;
    return `${name}: ${share}% of ${candidates.length}`;
  });
}

/** `able` of `count` endpoints take calls. */
function some(count: number, able: number, said: Said = {}): TestEndpoint[] {
  return Array.from({ length: count }, (_, i) => endpoint({ ...said, ejected: i >= able }));
}

test.each<[string, TestEndpoint[], string[]]>([
  ["all healthy: the first priority alone", [...some(4, 4), ...some(4, 4, { priority: 1 })], ["0: 100% of 4"]],
  ["three of four are enough, by 1.4", [...some(4, 3), ...some(4, 4, { priority: 1 })], ["0: 100% of 3"]],
  ["half leave 30 of 100 to the next", [...some(4, 2), ...some(4, 4, { priority: 1 })], ["0: 70% of 2", "1: 30% of 4"]],
  [
    "what is missing in the second goes to the third",
    [...some(4, 1), ...some(4, 1, { priority: 1 }), ...some(4, 4, { priority: 2 })],
    ["0: 35% of 1", "1: 35% of 1", "2: 30% of 4"],
  ],
  [
    "where all together are not enough, each gets its part of what there is",
    [...some(10, 1), ...some(10, 3, { priority: 1 })],
    ["0: 25% of 1", "1: 75% of 3"],
  ],
  ["nobody in the first: failover", [...some(2, 0), ...some(2, 2, { priority: 1 })], ["1: 100% of 2"]],
  ["nobody at all", some(2, 0), []],
  ["no endpoints", [], []],
  [
    "those called unhealthy count against their priority",
    [endpoint(), endpoint({ healthy: false }), endpoint({ priority: 1 })],
    ["0: 70% of 1", "1: 30% of 1"],
  ],
  [
    "so do those that cannot be connected to, and those that said READONLY",
    [endpoint({ state: "down" }), endpoint({ draining: true }), endpoint({ priority: 1 })],
    ["1: 100% of 1"],
  ],
  [
    "one that is not connected yet counts as healthy",
    [endpoint({ state: "idle" }), endpoint({ priority: 1 })],
    ["0: 100% of 1"],
  ],
  [
    "where nobody is able, the first priority's that were not ejected",
    [endpoint({ ejected: true }), endpoint({ state: "down", priority: 1 }), endpoint({ state: "down", priority: 2 })],
    ["1: 100% of 1"],
  ],
])("%s", (_, endpoints, expected) => {
  expect(parts(endpoints)).toEqual(expected);
});

test.each<[string, TestEndpoint[], string[]]>([
  ["at the threshold no panic", some(4, 2), ["0: 100% of 2"]],
  ["below it all take calls", some(4, 1), ["0: 100% of 4"]],
  ["nobody healthy: all", some(2, 0), ["0: 100% of 2"]],
  ["no panic while others stand in", [...some(4, 1), ...some(4, 4, { priority: 1 })], ["0: 35% of 1", "1: 65% of 4"]],
])("panic below half: %s", (_, endpoints, expected) => {
  expect(parts(endpoints, { panicBelow: 0.5 })).toEqual(expected);
});

test.each<[string, TestEndpoint[], string[]]>([
  [
    "by weight",
    [...some(2, 2, { locality: "a", localityWeight: 1 }), ...some(5, 5, { locality: "b", localityWeight: 3 })],
    ["0 a: 25% of 2", "0 b: 75% of 5"],
  ],
  [
    "by what they can take of it",
    [...some(4, 2, { locality: "a", localityWeight: 50 }), ...some(4, 4, { locality: "b", localityWeight: 50 })],
    ["0 a: 41% of 2", "0 b: 59% of 4"],
  ],
  [
    "one without a weight gets none",
    [...some(1, 1, { locality: "a", localityWeight: 1 }), ...some(1, 1, { locality: "" })],
    ["0 a: 100% of 1"],
  ],
  [
    "one that nobody is left in gives its part to the others",
    [...some(1, 0, { locality: "a", localityWeight: 9 }), ...some(2, 2, { locality: "b", localityWeight: 1 })],
    ["0 b: 100% of 2"],
  ],
  [
    "no weights: not told apart",
    [...some(1, 1, { locality: "a" }), ...some(1, 1, { locality: "b" })],
    ["0: 100% of 2"],
  ],
])("localities %s", (_, endpoints, expected) => {
  expect(parts(endpoints, { weighsLocalities: true })).toEqual(expected);
});

test("hosts to avoid take no call, and say nothing of their priority", () => {
  const [one, two, three] = [endpoint(), endpoint(), endpoint({ priority: 1 })];
  expect(parts([one, two, three], {}, [one])).toEqual(["0: 100% of 1"]);
  expect(parts([one, two, three], {}, [one, two])).toEqual(["1: 100% of 1"]);
  expect(parts([one, two, three], { panicBelow: 1 }, [one, two, three])).toEqual([]);
  expect(parts([one, endpoint({ ejected: true })], { panicBelow: 1 }, [one])).toEqual(["0: 100% of 1"]);
});

test.each([
  ["before it started, by its clock", -5, 1],
  ["at the start", 0, 1],
  ["half way", 300_000, 50],
  ["nearly there", 599_999, 99],
  ["warm", 600_000, 100],
])("Dubbo's warm-up %s", (_, uptimeMs, weight) => {
  const provider = endpoint({ warmupMs: 600_000, startedAtMs: 1_000_000 });
  expect(warmedWeight(provider, 1_000_000 + uptimeMs)).toBe(weight);
});

test("a provider that does not say when it started has its full weight", () => {
  expect(warmedWeight(endpoint({ warmupMs: 600_000 }), 5)).toBe(100);
});

test("slow start comes on top of Dubbo's warm-up, for endpoints that came later", () => {
  const slowStart = { windowMs: 10_000, aggression: 1, leastShare: 0.1 };
  const rules = { ...RULES, slowStart };
  const weights = (wallMs: number) =>
    shareOut(
      layOut([
        endpoint(),
        endpoint({ addedAtMs: 100_000 }),
        endpoint({ addedAtMs: 100_000, startedAtMs: 100_000, warmupMs: 20_000 }),
      ]),
      rules,
      wallMs,
    )[0]!.candidates.map(({ weight }) => weight);
  expect(weights(100_000)).toEqual([100, 10, 0.1]);
  expect(weights(105_000)).toEqual([100, 50, 12.5]);
  expect(weights(110_000)).toEqual([100, 100, 50]);
  const late = endpoint({ addedAtMs: 100_000 });
  expect([isWarming(late, rules, 109_999), isWarming(late, rules, 110_000), isWarming(late, RULES, 100_000)]).toEqual([
    true,
    false,
    false,
  ]);
});
