import { expect, test } from "vitest";
import { createMetrics } from "../../../../src/base/metrics.ts";
import { createCallMetrics, MAX_CALL_SERIES, MAX_DURATION_SERIES } from "../../../../src/control/admin/call-metrics.ts";
import { callsOf, statsOf } from "../../../support/admin-sources.ts";

function counted(...scrapes: Parameters<ReturnType<typeof createCallMetrics>["take"]>[0][]): string {
  const metrics = createMetrics();
  const calls = createCallMetrics(metrics);
  for (const stats of scrapes) calls.take(stats);
  return metrics.expose();
}

const totals = (text: string): number[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("istio_requests_total{"))
    .map((line) => Number(line.slice(line.lastIndexOf(" ") + 1)));

test("a call has Istio's labels, seen from its source", () => {
  const text = counted([statsOf("w1", [callsOf(3)])]);
  for (const label of [
    'reporter="source"',
    'request_protocol="grpc"',
    'response_code="200"',
    'grpc_response_status="0"',
    'response_flags="-"',
    'request_operation="createOrder"',
    'destination_service="com.acme.orderservice-1-0-0"',
    'destination_service_name="com.acme.orderservice-1-0-0"',
    'destination_version="v2"',
    'exception="false"',
    'one_way="false"',
  ])
    expect(text).toContain(label);
  expect(totals(text)).toEqual([3]);
});

test("durations are a histogram in milliseconds", () => {
  const text = counted([statsOf("w1", [callsOf(3)])]);
  expect(text).toMatch(/istio_request_duration_milliseconds_bucket\{.*le="1"\} 0\n/);
  expect(text).toMatch(/istio_request_duration_milliseconds_bucket\{.*le="5"\} 3\n/);
  expect(text).toMatch(/istio_request_duration_milliseconds_sum\{.*\} 12\n/);
  expect(text).toMatch(/istio_request_duration_milliseconds_count\{.*\} 3\n/);
});

test("a call that no service took has the host that it asked for", () => {
  const text = counted([
    statsOf("w1", [callsOf(1, { host: "unknown", cluster: "", subset: "", responseCode: 404, responseFlags: "NR" })]),
  ]);
  expect(text).toContain('destination_service="unknown"');
  expect(text).toContain('response_flags="NR"');
});

test.each([
  { name: "two workers are added up", scrapes: [[statsOf("w1", [callsOf(3)]), statsOf("w2", [callsOf(4)])]], total: 7 },
  {
    name: "a second scrape counts what was added",
    scrapes: [[statsOf("w1", [callsOf(3)])], [statsOf("w1", [callsOf(5)])]],
    total: 5,
  },
  {
    name: "a new worker goes on from the old one's count",
    scrapes: [[statsOf("w1", [callsOf(3)])], [statsOf("w2", [callsOf(2)])]],
    total: 5,
  },
  {
    name: "a count that fell is of a new process",
    scrapes: [[statsOf("w1", [callsOf(3)])], [statsOf("w1", [callsOf(2)])]],
    total: 5,
  },
  {
    name: "a worker that missed one scrape is not counted twice",
    scrapes: [[statsOf("w1", [callsOf(3)])], [], [statsOf("w1", [callsOf(4)])]],
    total: 4,
  },
])("$name", ({ scrapes, total }) => {
  expect(totals(counted(...scrapes))).toEqual([total]);
});

test("exceptions and one-way calls are series of their own", () => {
  expect(
    totals(counted([statsOf("w1", [callsOf(1), callsOf(2, { exception: true }), callsOf(3, { oneWay: true })])])),
  ).toEqual([1, 2, 3]);
});

test("series over the bound are counted together, none is lost", () => {
  const calls = Array.from({ length: MAX_CALL_SERIES + 50 }, (_, i) => callsOf(1, { method: `m${i}`, known: true }));
  const text = counted([statsOf("w1", calls)]);
  expect(totals(text)).toHaveLength(MAX_CALL_SERIES + 1);
  expect(totals(text).reduce((a, b) => a + b)).toBe(MAX_CALL_SERIES + 50);
  expect(text).toContain('trestle_metric_overflow_total{metric="istio_requests_total"} 50\n');
  expect(text.match(/^istio_request_duration_milliseconds_count/gm)).toHaveLength(MAX_DURATION_SERIES + 1);
});

test("methods that no provider names are few of each service and share a histogram; a named one comes through", () => {
  const madeUp = (worker: string) =>
    statsOf(worker, [
      ...Array.from({ length: 100 }, (_, i) => callsOf(2, { method: `${worker}.${i}`, known: false })),
      callsOf(1_000, { method: "other", route: "other", folded: true }),
    ]);
  const text = counted([madeUp("a"), madeUp("b"), statsOf("c", [callsOf(7, { method: "late", known: true })])]);
  expect(totals(text)).toHaveLength(102);
  expect(totals(text).reduce((a, b) => a + b)).toBe(2_407);
  expect(text).toContain('trestle_metric_overflow_total{metric="istio_requests_total"} 2200\n');
  const counts = text.match(/^istio_request_duration_milliseconds_count.*/gm) ?? [];
  expect(counts.map((line) => Number(line.slice(line.lastIndexOf(" "))))).toEqual([2_400, 7]);
  expect(text.length).toBeLessThan(200_000);
});

test("where providers do not say what they have, each method has a histogram of its own", () => {
  const text = counted([statsOf("w", [callsOf(1, { method: "a" }), callsOf(1, { method: "b" })])]);
  expect(text.match(/^istio_request_duration_milliseconds_count/gm)).toHaveLength(2);
});
