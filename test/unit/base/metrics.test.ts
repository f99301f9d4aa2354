import { expect, test } from "vitest";
import { createMetrics } from "../../../src/base/metrics.ts";

test("counters, gauges and histograms are written in Prometheus' text form", () => {
  const metrics = createMetrics();
  const calls = metrics.counter({ name: "calls_total", help: "Calls.", labels: ["method", "code"] });
  calls.add(1, "get", "200");
  calls.add(2, "get", "200");
  metrics.gauge({ name: "open_connections", help: "Now\nopen." }).set(3.5);
  const latency = metrics.histogram({ name: "wait_seconds", help: "Wait.", labels: ["to"], bounds: [0.1, 1] });
  latency.observe(0.05, "a");
  latency.observe(0.1, "a");
  latency.observe(5, "a");
  expect(metrics.expose()).toBe(`# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="get",code="200"} 3
# HELP open_connections Now\\nopen.
# TYPE open_connections gauge
open_connections 3.5
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{to="a",le="0.1"} 2
wait_seconds_bucket{to="a",le="1"} 2
wait_seconds_bucket{to="a",le="+Inf"} 3
wait_seconds_sum{to="a"} 5.15
wait_seconds_count{to="a"} 3
`);
});

test("many observations at once are added per bucket", () => {
  const metrics = createMetrics();
  const wait = metrics.histogram({ name: "wait", help: "Wait.", bounds: [1, 2] });
  wait.addCounts([1, 0, 2], 9);
  wait.addCounts([0, 4, 0], 7.5);
  expect(metrics.expose()).toContain(
    'wait_bucket{le="1"} 1\nwait_bucket{le="2"} 5\nwait_bucket{le="+Inf"} 7\nwait_sum 16.5\nwait_count 7\n',
  );
});

test("label values are escaped and cut at 256 characters", () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge({ name: "g", help: "G.", labels: ["l"] });
  gauge.set(1, 'a"b\\c\nd');
  gauge.set(1, "x".repeat(1_000));
  expect(metrics.expose()).toContain('g{l="a\\"b\\\\c\\nd"} 1');
  expect(metrics.expose()).toContain(`g{l="${"x".repeat(253)}..."} 1`);
});

test("series over the bound share one whose labels say other, and the overflow is counted", () => {
  const metrics = createMetrics();
  const calls = metrics.counter({ name: "calls_total", help: "Calls.", labels: ["method"], maxSeries: 2 });
  for (const method of ["a", "b", "c", "a"]) calls.add(1, method);
  calls.add(40, "d");
  expect(metrics.expose()).toBe(`# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="a"} 2
calls_total{method="b"} 1
calls_total{method="other"} 41
# HELP trestle_metric_overflow_total Values that a metric counted in its series of overflow.
# TYPE trestle_metric_overflow_total counter
trestle_metric_overflow_total{metric="calls_total"} 41
`);
});

test("the overflow counts observations, and what was put together elsewhere", () => {
  const metrics = createMetrics();
  const wait = metrics.histogram({ name: "wait", help: "Wait.", labels: ["to"], bounds: [1], maxSeries: 1 });
  wait.observe(1, "a");
  wait.observe(1, "b");
  wait.addCounts([3, 4], 9, "c");
  metrics.countOverflow("wait", 10);
  expect(metrics.expose()).toContain('trestle_metric_overflow_total{metric="wait"} 18\n');
  expect(() => metrics.countOverflow("nosuch", 1)).toThrow("there is no metric nosuch");
});

test("a cleared gauge forgets its series, and a metric without series is not written", () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge({ name: "g", help: "G.", labels: ["l"] });
  gauge.set(1, "old");
  gauge.clear();
  expect(metrics.expose()).toBe("\n");
  gauge.set(Number.POSITIVE_INFINITY, "new");
  expect(metrics.expose()).toContain('g{l="new"} +Inf');
});

test("collectors run before each exposition", () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge({ name: "g", help: "G." });
  let n = 0;
  metrics.beforeExpose(() => gauge.set(++n));
  metrics.expose();
  expect(metrics.expose()).toContain("g 2\n");
});

test("a count of 0 is shown", () => {
  const metrics = createMetrics();
  metrics.counter({ name: "calls_total", help: "Calls." }).add(0);
  expect(metrics.expose()).toContain("calls_total 0\n");
});

test("counters never fall", () => {
  const metrics = createMetrics();
  const calls = metrics.counter({ name: "calls_total", help: "Calls." });
  calls.add(5);
  calls.add(-3);
  expect(metrics.expose()).toContain("calls_total 5\n");
});

test.each([
  {
    name: "a bad name",
    make: () => createMetrics().gauge({ name: "a-b", help: "" }),
    error: '"a-b" is no name of a metric or label',
  },
  {
    name: "a bad label",
    make: () => createMetrics().gauge({ name: "a", help: "", labels: ["x y"] }),
    error: '"x y" is no name of a metric or label',
  },
  {
    name: "too few labels",
    make: () =>
      createMetrics()
        .gauge({ name: "a", help: "", labels: ["x"] })
        .set(1),
    error: "metric a has 1 labels, not 0",
  },
])("$name is refused", ({ make, error }) => {
  expect(make).toThrow(error);
});

test("a name is taken once", () => {
  const metrics = createMetrics();
  metrics.gauge({ name: "a", help: "" });
  expect(() => metrics.counter({ name: "a", help: "" })).toThrow("metric a is there already");
});
