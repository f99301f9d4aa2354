import { expect, test } from "vitest";
import type { ProxyContext, ProxyCounters } from "../../../src/bridge-proxy/context.ts";
import { MetricRows } from "../../../src/bridge-proxy/policies/metrics.ts";
import { Mirrors } from "../../../src/bridge-proxy/policies/mirror.ts";
import type { CompiledRoute, HostDecision, Target } from "../../../src/bridge-proxy/route.ts";
import { rowLabels, rowOf } from "../../../src/bridge-proxy/rows.ts";
import { serviceKey } from "../../../src/model/service.ts";

const key = serviceKey("com.acme.A", "g", "1.0.0");
const decision = {
  host: { host: "com.acme.a-g-1-0-0", key, routes: [] },
  method: "get",
  candidates: [],
  fixed: undefined,
};
const route = { name: "orders" } as CompiledRoute;
const target = { cluster: { name: "outbound|1|v2|a", service: { subset: "v2" } } } as Target;

test("a row is labelled by service, method, route and destination", () => {
  expect(rowLabels(decision, route, target)).toEqual({
    host: "com.acme.a-g-1-0-0",
    service: "g/com.acme.A:1.0.0",
    method: "get",
    cluster: "outbound|1|v2|a",
    subset: "v2",
    route: "orders",
  });
  expect(rowLabels(decision, undefined, undefined)).toMatchObject({ cluster: "", subset: "", route: "" });
});

test("a row tells whether the providers name its method, where they say", () => {
  const knownTo = (methods: readonly string[] | undefined) =>
    rowLabels(decision, route, { cluster: { name: "c", service: { subset: "", methods } } } as unknown as Target).known;
  expect([["get", "set"], ["set"], undefined].map(knownTo)).toEqual([true, false, undefined]);
});

test("the row of a destination is found again, and another decision has its own", () => {
  const context = { rows: new MetricRows() } as unknown as ProxyContext;
  const other: HostDecision = { ...decision, method: "set" };
  const row = rowOf(context, decision, route, target);
  expect(rowOf(context, decision, route, target)).toBe(row);
  expect(rowOf(context, other, route, target)).toMatchObject({ labels: { method: "set" } });
  expect(rowOf(context, decision, route, undefined)).toMatchObject({ labels: { cluster: "" } });
});

test("copies of calls are counted apart", () => {
  const mirrors = new Mirrors({ mirrored: 0 } as ProxyCounters, 1);
  const context = { rows: new MetricRows(), mirrors } as unknown as ProxyContext;
  expect(rowOf(context, decision, { ...route, isMirror: true }, target)).toBe(mirrors);
});
