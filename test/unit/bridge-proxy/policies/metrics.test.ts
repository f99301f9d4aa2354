import { expect, test } from "vitest";
import { MetricRow, MetricRows } from "../../../../src/bridge-proxy/policies/metrics.ts";
import { OK, OK_EXCEPTION, outcomeOfAnswer, outcomeOfReason } from "../../../../src/bridge-proxy/policies/outcome.ts";
import { abortAnswer } from "../../../../src/codecs/dubbo2/status.ts";
import { DURATION_BOUNDS_MS } from "../../../../src/model/stats.ts";

const labels = { host: "h", service: "A", method: "m", cluster: "c", subset: "", route: "r" };

test("calls are counted by outcome, in the bucket of their duration", () => {
  const row = new MetricRow(labels);
  row.record(OK, 0.4);
  row.record(OK, 1);
  row.record(OK, 1.1);
  row.record(OK_EXCEPTION, 9e9);
  row.record(outcomeOfReason("timeout"), 5);
  const series = row.series();
  expect(series.map(({ responseCode, exception, count }) => [responseCode, exception, count])).toEqual([
    [200, false, 3],
    [200, true, 1],
    [504, false, 1],
  ]);
  expect(series[0]!.durationBuckets.slice(0, 3)).toEqual([1, 1, 1]);
  expect(series[0]!.durationSumMs).toBeCloseTo(2.5);
  expect(series[1]!.durationBuckets[DURATION_BOUNDS_MS.length]).toBe(1);
});

test("an outcome that came into being later is counted too", () => {
  const row = new MetricRow(labels);
  row.record(OK, 1);
  row.record(outcomeOfAnswer(abortAnswer(477)), 1);
  expect(row.series().map(({ responseCode }) => responseCode)).toEqual([200, 477]);
});

test("one-way calls are a series of their own", () => {
  const row = new MetricRow(labels);
  row.recordOneWay();
  expect(row.series()).toMatchObject([{ oneWay: true, count: 1, durationSumMs: 0 }]);
});

test("rows are bounded: new methods become other, and no call is lost", () => {
  const rows = new MetricRows(10);
  for (let i = 0; i < 1_000; i++) rows.row({ ...labels, method: `m${i}` }).record(OK, 1);
  for (let i = 0; i < 1_000; i++)
    rows.row({ ...labels, service: `S${i}`, host: `h${i}`, method: `m${i}` }).record(OK, 1);
  const series = rows.series();
  expect(series.length).toBeLessThanOrEqual(21);
  expect(series.reduce((sum, { count }) => sum + count, 0)).toBe(2_000);
});

test("methods that no provider names leave room for those that are, of this service and of others", () => {
  const rows = new MetricRows();
  for (let i = 0; i < 30_000; i++) rows.row({ ...labels, known: false, method: `x${i}` }).record(OK, 1);
  for (let i = 0; i < 30_000; i++) rows.row({ ...labels, host: `h${i % 50}`, method: `x${i}` }).record(OK, 1);
  const named = rows.row({ ...labels, known: true, method: "late" });
  expect(named.labels).toMatchObject({ host: "h", method: "late" });
  const series = rows.series();
  expect(series.filter(({ host, folded }) => host === "h" && folded !== true)).toHaveLength(100);
  expect(series.find(({ host, folded }) => host === "h" && folded)).toMatchObject({ method: "other", count: 29_900 });
  expect(series.filter(({ folded }) => folded !== true).length).toBeLessThanOrEqual(1_000);
  expect(series.reduce((sum, { count }) => sum + count, 0)).toBe(60_000);
});

test("a method that providers name later makes room, and keeps its row and counts", () => {
  const rows = new MetricRows();
  const row = rows.row({ ...labels, known: false, method: "m0" });
  row.record(OK, 1);
  for (let i = 1; i < 100; i++) rows.row({ ...labels, known: false, method: `m${i}` });
  expect(rows.row({ ...labels, known: false, method: "m100" }).labels.folded).toBe(true);
  expect(rows.row({ ...labels, known: true, method: "m0" })).toBe(row);
  expect(row.series()).toMatchObject([{ method: "m0", known: true, count: 1 }]);
  expect(rows.row({ ...labels, known: false, method: "m100" }).labels.folded).toBeUndefined();
});

test("methods longer than any that Java has are counted together, so that no caller fills the memory with names", () => {
  const rows = new MetricRows();
  const long = rows.row({ ...labels, method: "x".repeat(257) });
  expect(long.labels.method).toBe("other");
  expect(rows.row({ ...labels, method: "y".repeat(60_000) })).toBe(long);
  expect(rows.row({ ...labels, method: "x".repeat(256) }).labels.method).toBe("x".repeat(256));
});
