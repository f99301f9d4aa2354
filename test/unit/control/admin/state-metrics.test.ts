import { expect, test } from "vitest";
import { createMetrics } from "../../../../src/base/metrics.ts";
import type { AdminSources } from "../../../../src/control/admin/sources.ts";
import { createAnalysis, readState } from "../../../../src/control/admin/state.ts";
import { createStateMetrics } from "../../../../src/control/admin/state-metrics.ts";
import { adminSourcesOf, statsOf } from "../../../support/admin-sources.ts";

async function exposed(...scrapes: Partial<AdminSources>[]): Promise<string[]> {
  const metrics = createMetrics();
  const states = createStateMetrics(metrics);
  for (const changes of scrapes) states.take(await readState(adminSourcesOf(changes), createAnalysis()));
  return metrics
    .expose()
    .split("\n")
    .filter((line) => !line.startsWith("#"));
}

test("what is known and in force is counted", async () => {
  expect(await exposed({})).toEqual(
    expect.arrayContaining([
      'trestle_build_info{version="1.2.3"} 1',
      "trestle_ready 1",
      "trestle_services 2",
      "trestle_endpoints 2",
      'trestle_rules{kind="VirtualService"} 1',
      'trestle_rules{kind="DestinationRule"} 1',
      'trestle_rule_files{valid="true"} 1',
      'trestle_findings{code="TR0103",severity="warning"} 1',
      'trestle_registry_connected{registry="legacy"} 1',
      'trestle_registry_held_endpoints{registry="legacy"} 1',
      'trestle_facade_connections{facade="zk"} 3',
      'trestle_facade_sessions_total{facade="zk"} 7',
      'trestle_proxy_workers{state="serving"} 1',
      "trestle_proxy_late_answers_total 2",
      "trestle_proxy_retries_total 1",
      "trestle_proxy_calls_in_flight 5",
    ]),
  );
});

test("it is not ready while a reason stands", async () => {
  expect(await exposed({ notReady: () => ["rules are not loaded yet"] })).toContain("trestle_ready 0");
});

test("counters of workers grow over their replacement, gauges are those of now", async () => {
  const lines = await exposed(
    { stats: () => [statsOf("w1", []), statsOf("w2", [])] },
    { stats: () => [statsOf("w3", [], { counters: { lateAnswers: 1 }, gauges: { calls_in_flight: 1 } })] },
  );
  expect(lines).toContain("trestle_proxy_late_answers_total 5");
  expect(lines).toContain("trestle_proxy_calls_in_flight 1");
});

test("what is gone is not shown any more", async () => {
  const lines = await exposed({}, { registries: () => [], facades: () => [], findings: () => [] });
  expect(lines.filter((line) => /registry="legacy"|trestle_facade_connections|TR0103/.test(line))).toEqual([]);
});

test("names that proxies give are bounded and made legal", async () => {
  const counters = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`Odd-name ${i}`, 1]));
  const lines = await exposed({ stats: () => [statsOf("w1", [], { counters, gauges: {} })] });
  const odd = lines.filter((line) => line.startsWith("trestle_proxy_odd_name_"));
  expect(odd[0]).toBe("trestle_proxy_odd_name_0_total 1");
  expect(odd.length).toBeLessThanOrEqual(200);
});

test("a registry's state, age, lag and errors are metrics where they are known", async () => {
  const registry = { name: "r", url: "nacos://a", connected: false, loaded: true, services: 0, endpoints: 0 };
  const lines = await exposed(
    {},
    {
      registries: () => [
        { ...registry, state: "lost", ageMs: 5_200, lagMs: 31, errors: 4 },
        { ...registry, name: "s" },
      ],
    },
  );
  expect(lines.filter((line) => /^trestle_registry_(state|age|lag|errors)/.test(line)).sort()).toEqual([
    'trestle_registry_age_seconds{registry="r"} 5.2',
    'trestle_registry_errors_total{registry="r"} 4',
    'trestle_registry_lag_seconds{registry="r"} 0.031',
    'trestle_registry_state{registry="r",state="lost"} 1',
  ]);
});
