import { expect, test } from "vitest";
import { addStats, type CallSeries, type ProxyStats } from "../../../src/model/stats.ts";

const series = (method: string, count: number): CallSeries => ({
  host: "h",
  service: "A",
  method,
  cluster: "c",
  subset: "",
  route: "r",
  responseCode: 200,
  grpcStatus: 0,
  responseFlags: "-",
  exception: false,
  oneWay: false,
  count,
  durationSumMs: count * 2,
  durationBuckets: [count, 0],
});

const stats = (calls: CallSeries[], retries: number): ProxyStats => ({
  worker: "w",
  calls,
  counters: { retries },
  gauges: { open: retries },
});

test("what an ended worker counted is added to what its successor counts; gauges are of now", () => {
  const sum = addStats(stats([series("get", 3), series("old", 1)], 5), stats([series("get", 4), series("new", 2)], 7));
  expect(sum.calls.map(({ method, count }) => [method, count])).toEqual([
    ["get", 7],
    ["old", 1],
    ["new", 2],
  ]);
  expect(sum.calls[0]).toMatchObject({ durationSumMs: 14, durationBuckets: [7, 0] });
  expect([sum.counters, sum.gauges]).toEqual([{ retries: 12 }, { open: 7 }]);
});

test("a first worker's counts are its own", () => {
  const now = stats([series("get", 1)], 0);
  expect(addStats(undefined, now)).toBe(now);
});
