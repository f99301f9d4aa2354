import { expect, test } from "vitest";
import type { CallReason } from "../../../../src/base/errors.ts";
import { OK, outcomeOfHttp } from "../../../../src/bridge-proxy/policies/outcome.ts";
import { compileOutlier, type OutlierPlan } from "../../../../src/bridge-proxy/upstream/outlier.ts";
import { EndpointRecords, type RecordPlan } from "../../../../src/bridge-proxy/upstream/records.ts";
import type { OutlierDetection } from "../../../../src/codecs/xds/cluster.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

const HOSTS = Array.from({ length: 4 }, (_, port) => ({ port }));

function planOf(detection: OutlierDetection): OutlierPlan {
  return compileOutlier({ ...clusterOf("com.acme.A"), outlierDetection: detection })!;
}

function recordsOf(detection: OutlierDetection, extra: Partial<RecordPlan> = {}, before?: EndpointRecords) {
  let changes = 0;
  const plan = {
    outlier: planOf({ maxEjectionPercent: 100, ...detection }),
    timesAnswers: false,
    random: () => 0,
    changed: () => changes++,
    ...extra,
  };
  const records = new EndpointRecords(plan, before);
  const [first, ...others] = HOSTS.map((host) => records.recordOf(host, 0)!);
  return { records, first: first!, others, changes: () => changes };
}

type Result = number | CallReason;

/** Whether a provider whose tries end so, one after the other, is ejected. */
function isEjected(detection: OutlierDetection, results: readonly Result[]): boolean {
  const { first } = recordsOf(detection);
  for (const result of results) {
    if (typeof result === "number") first.answered(outcomeOfHttp(result), 1, 0);
    else first.failed(result, 1, 0);
  }
  return first.ejected;
}

const GATEWAY = { consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 100, consecutive5xx: 4 };
const SPLIT = { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 2, consecutive5xx: 3 };

test.each<[string, OutlierDetection, Result[], boolean]>([
  ["five errors in a row", {}, [500, 503, 500, 500, 500], true],
  ["four are not enough", {}, [500, 500, 500, 500], false],
  ["an answer between them begins anew", {}, [500, 500, 500, 500, 200, 500], false],
  ["so does the caller's own fault", {}, [500, 500, 500, 500, 404, 500], false],
  [
    "lost calls, time-outs and failed connections count",
    { consecutive5xx: 3 },
    ["reset", "timeout", "connect_failure"],
    true,
  ],
  [
    "what Trestle refuses itself does not",
    { consecutive5xx: 1 },
    ["overflow", "undecodable", "over_limit", "denied"],
    false,
  ],
  ["nor does it begin anew", { consecutive5xx: 2 }, [500, "overflow", 500], true],
  ["gateway errors are 502, 503 and 504", GATEWAY, [503, 504], true],
  ["a 500 between them begins anew", GATEWAY, [503, 500, 502], false],
  ["but counts among the errors", GATEWAY, [503, 500, 502, 500], true],
  ["split: local ones by themselves", SPLIT, ["reset", "timeout"], true],
  ["split: an answer begins those anew, whatever it says", SPLIT, ["reset", 500, "reset"], false],
  ["split: they are no errors", { ...SPLIT, consecutiveLocalOriginFailure: 9 }, [500, "reset", 500], false],
  ["split: answers still are", SPLIT, [500, 500, 500], true],
  ["split and off", { ...SPLIT, enforcingConsecutiveLocalOriginFailure: 0 }, ["reset", "reset", "reset"], false],
])("ejected: %s", (_, detection, results, ejected) => {
  expect(isEjected(detection, results)).toBe(ejected);
});

test("a code of the cluster's own is an error", () => {
  const outlier = {
    ...planOf({ consecutive5xx: 2, maxEjectionPercent: 100 }),
    isError: (code: number) => code === 429,
  };
  const { first, others } = recordsOf({}, { outlier });
  for (let i = 0; i < 2; i++) {
    first.answered(outcomeOfHttp(429), 1, 0);
    others[0]!.answered(outcomeOfHttp(503), 1, 0);
  }
  expect([first.ejected, others[0]!.ejected]).toEqual([true, false]);
});

test("chance decides where an ejection is not certain; the count begins anew either way", () => {
  const draws = [0.6, 0.4];
  const { first } = recordsOf({ consecutive5xx: 2, enforcingConsecutive5xx: 50 }, { random: () => draws.shift()! });
  const fail = () => first.answered(outcomeOfHttp(500), 1, 0);
  for (let i = 0; i < 3; i++) fail();
  expect(first.ejected).toBe(false);
  fail();
  expect(first.ejected).toBe(true);
});

test.each([
  ["10 of 100 of four: nobody", { maxEjectionPercent: 10 }, 0],
  ["10 of 100 of four, but one in any case", { maxEjectionPercent: 10, alwaysEjectOneHost: true }, 1],
  ["half", { maxEjectionPercent: 50 }, 2],
  ["not quite three quarters", { maxEjectionPercent: 74 }, 2],
  ["all", { maxEjectionPercent: 100 }, 4],
])("at most so many are ejected: %s", (_, detection, count) => {
  const { records, first, others } = recordsOf({ consecutive5xx: 1, ...detection });
  for (const record of [first, ...others]) record.answered(outcomeOfHttp(500), 1, 0);
  expect(records.ejected).toBe(count);
});

test("it is back at the first look after its time, which grows with each ejection and shrinks with each interval in between", () => {
  const { records, first, changes } = recordsOf({ consecutive5xx: 1, interval: "10s", baseEjectionTime: "15s" });
  const fail = (wallMs: number) => first.answered(outcomeOfHttp(500), 1, wallMs);
  const at = (...times: number[]) =>
    times.map((ms) => {
      records.tick(ms, 1_000);
      return first.ejected;
    });
  fail(100_000);
  expect([changes(), ...at(110_000, 114_000, 120_000)]).toEqual([1, true, true, false]);
  fail(120_500);
  expect(at(130_000, 140_000, 150_000, 160_000)).toEqual([true, true, true, false]);
  expect([changes(), first.ejections]).toEqual([4, 2]);
  at(170_000, 180_000);
  fail(180_000);
  expect(at(190_000, 200_000)).toEqual([true, false]);
});

test("the time grows no further than its limit", () => {
  const { records, first } = recordsOf({
    consecutive5xx: 1,
    interval: "1s",
    baseEjectionTime: "2s",
    maxEjectionTime: "3s",
  });
  let now = 0;
  for (let i = 0; i < 3; i++) {
    first.answered(outcomeOfHttp(500), 1, now);
    const sinceMs = now;
    for (; first.ejected; records.tick(now, 1_000)) now += 1_000;
    expect(now - sinceMs).toBe(i === 0 ? 2_000 : 3_000);
  }
});

test("what a provider did while it was ejected does not count", () => {
  const { records, first } = recordsOf({ consecutive5xx: 2, interval: "1s", baseEjectionTime: "1s" });
  for (let i = 0; i < 5; i++) first.answered(outcomeOfHttp(500), 1, 0);
  records.tick(1_000, 1_000);
  first.answered(outcomeOfHttp(500), 1, 1_000);
  expect(first.ejected).toBe(false);
});

test("a cluster in the place of another knows who was ejected by the same numbers, one that has others or does not ask forgets it", () => {
  const before = recordsOf({ consecutive5xx: 1 });
  before.first.answered(outcomeOfHttp(500), 1, 0);
  const { first } = recordsOf({ consecutive5xx: 1 }, { timesAnswers: true }, before.records);
  expect([first.ejected, first.ejections, first.ejectedUntilMs]).toEqual([true, 1, 30_000]);
  const others = recordsOf({ consecutive5xx: 1, baseEjectionTime: "60s" }, {}, before.records);
  expect(others.first.ejected).toBe(false);
  others.first.answered(outcomeOfHttp(500), 1, 0);
  expect([others.first.ejections, others.first.ejectedUntilMs]).toEqual([1, 60_000]);
  expect(recordsOf({}, { outlier: undefined, timesAnswers: true }, before.records).first.ejected).toBe(false);
});

test("a provider that left is forgotten, and is a new one when it comes back", () => {
  const { records, first } = recordsOf({ consecutive5xx: 1 });
  first.answered(outcomeOfHttp(500), 1, 0);
  records.keep(new Set(HOSTS.slice(1)));
  expect([records.ejected, records.recordOf(HOSTS[0]!, 0)!.ejected]).toEqual([0, false]);
});

test("nothing is recorded where nobody asks", () => {
  const plan = { outlier: undefined, timesAnswers: false, random: Math.random, changed: () => {} };
  expect(new EndpointRecords(plan, undefined).recordOf(HOSTS[0]!, 0)).toBeUndefined();
});

test("answers are timed for a balancer that goes by that; failures count as slow ones", () => {
  const { first, others } = recordsOf({}, { outlier: undefined, timesAnswers: true });
  const [second, third] = others;
  expect(first.rttMs(0)).toBe(30);
  first.answered(OK, 200, 0);
  second!.answered(outcomeOfHttp(503), 1, 0);
  third!.failed("connect_failure", 1, 0);
  expect([first.rttMs(0), second!.rttMs(0), third!.rttMs(0), first.ejected]).toEqual([200, 1_000, 1_000, false]);
  expect(recordsOf({}).first.rttMs(0)).toBe(1);
});
