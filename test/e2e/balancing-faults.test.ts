import { afterEach, describe, expect, test } from "vitest";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { type LoneProxy, type LoneService, startLoneProxy } from "../support/lone-proxy.ts";
import { eventually } from "../support/process.ts";
import { frame, openRaw, type RawConnection, request } from "../support/raw-dubbo.ts";

// Who gets calls while providers fail, in a proxy without registries and rules. Needs Node alone.

const INTERFACE = "com.acme.Orders";
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Stage {
  readonly providers: readonly FakeProvider[];
  readonly lone: LoneProxy;
  readonly caller: RawConnection;
  /** Makes calls one after the other: how often each status came, and how many calls each provider got. */
  calls(count: number): Promise<{ readonly statuses: Record<number, number>; readonly seen: readonly number[] }>;
  apply(service: Partial<LoneService>): Promise<void>;
}

async function stage(count: number, service: (ports: readonly number[]) => Partial<LoneService>): Promise<Stage> {
  const providers = await Promise.all(Array.from({ length: count }, () => startFakeProvider()));
  open.push(...providers);
  const ports = providers.map(({ port }) => port);
  const serviceOf = (extra: Partial<LoneService>) => ({ interface: INTERFACE, ports, ...extra });
  const lone = await startLoneProxy([serviceOf(service(ports))]);
  open.push(lone);
  const caller = await openRaw(lone.host, lone.port);
  open.push({ close: () => caller.destroy() });
  let id = 0n;
  return {
    providers,
    lone,
    caller,
    apply: (extra) => lone.apply([serviceOf(extra)]),
    async calls(total) {
      const before = providers.map(({ calls }) => calls);
      const statuses: Record<number, number> = {};
      for (let i = 0; i < total; i++) {
        caller.write(request({ id: ++id, service: INTERFACE, method: "get" }));
        const { status } = await caller.answer();
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      return { statuses, seen: providers.map(({ calls }, i) => calls - before[i]!) };
    },
  };
}

/** Answers with a status that is none of Dubbo's success. */
const answerStatus =
  (status: number) =>
  ({ socket, id }: SeenFrame): void =>
    void socket.write(frame(0x17, id, Buffer.from("000000054d646f776e", "hex"), undefined, status));

/** All providers are connected: one that is not yet gets no calls while others do. */
async function connected({ providers, calls }: Stage): Promise<void> {
  await eventually("every provider to be called", async () => {
    const { seen } = await calls(providers.length * 2);
    return seen.every((count) => count > 0);
  });
}

const EJECTS = { consecutive5xx: 3, interval: "1s", baseEjectionTime: "2s", maxEjectionPercent: 50 };

describe.each([80, 70])("a provider that answers %i", (status) => {
  test("is ejected after so many in a row, others serve, and it comes back when its time is over", async () => {
    const staged = await stage(2, () => ({ cluster: { outlierDetection: EJECTS } }));
    await connected(staged);
    const [bad] = staged.providers;
    bad!.onCall = answerStatus(status);
    const spoiled = await staged.calls(30);
    expect(spoiled.statuses).toEqual({ 20: 27, [status]: 3 });
    expect(spoiled.seen[0]).toBe(3);
    const { ejected, gauges } = staged.lone.proxy.stats();
    expect([gauges.endpointsEjected, ejected]).toMatchObject([1, [{ port: bad!.port, ejections: 1, subset: "" }]]);
    bad!.onCall = (seen) => answerCall(seen);
    await connected(staged);
  });
});

test("calls that are lost eject, too; where all are ejected the caller is told at once", async () => {
  const outlierDetection = { ...EJECTS, baseEjectionTime: "60s", maxEjectionPercent: 100 };
  const staged = await stage(2, () => ({ cluster: { outlierDetection } }));
  await connected(staged);
  for (const one of staged.providers) one.onCall = answerStatus(50);
  expect((await staged.calls(10)).statuses).toEqual({ 50: 6, 80: 4 });
  staged.caller.write(request({ id: 999n, service: INTERFACE, method: "get" }));
  expect((await staged.caller.answer()).body.toString("latin1")).toContain("no provider of com.acme.orders: 2 ejected");
  // Panic is allowed: all of them take calls again.
  await staged.apply({ cluster: { outlierDetection, commonLbConfig: { healthyPanicThreshold: { value: 50 } } } });
  for (const one of staged.providers) one.onCall = (seen) => answerCall(seen);
  expect((await staged.calls(10)).statuses).toEqual({ 20: 10 });
});

describe("priorities", () => {
  const places = (ports: readonly number[]) => [
    { locality: { zone: "near" }, ports: ports.slice(0, 2) },
    { locality: { zone: "far" }, priority: 1, ports: ports.slice(2) },
  ];

  test("the first one takes all calls; the next ones as many as it cannot take", async () => {
    const staged = await stage(3, (ports) => ({ places: places(ports) }));
    const { providers, calls } = staged;
    await eventually("both near ones", async () => (await calls(4)).seen.slice(0, 2).every((count) => count > 0));
    expect((await calls(100)).seen).toEqual([50, 50, 0]);
    await providers[0]!.close();
    await eventually("a part of the calls far away", async () => (await calls(20)).seen[2]! > 0);
    const { seen, statuses } = await calls(1_000);
    // Half of two is 70 of 100, by 1.4.
    expect(statuses).toEqual({ 20: 1_000 });
    expect(Math.abs(seen[2]! - 300)).toBeLessThan(75);
    await providers[1]!.close();
    await eventually("all calls far away", async () => (await calls(10)).seen[2] === 10);
  });

  test("a provider that is ejected counts as gone from its priority", async () => {
    const outlierDetection = { ...EJECTS, maxEjectionPercent: 100, baseEjectionTime: "60s" };
    const staged = await stage(3, (ports) => ({ places: places(ports), cluster: { outlierDetection } }));
    const { providers, calls } = staged;
    await eventually("both near ones", async () => (await calls(4)).seen.slice(0, 2).every((count) => count > 0));
    for (const near of providers.slice(0, 2)) near.onCall = answerStatus(80);
    await calls(20);
    expect(await calls(20)).toEqual({ statuses: { 20: 20 }, seen: [0, 0, 20] });
  });
});

test("localities get calls by weight", async () => {
  const staged = await stage(2, (ports) => ({
    cluster: { commonLbConfig: { localityWeightedLbConfig: {} } },
    places: [
      { locality: { zone: "a" }, loadBalancingWeight: 80, ports: ports.slice(0, 1) },
      { locality: { zone: "b" }, loadBalancingWeight: 20, ports: ports.slice(1) },
    ],
  }));
  await connected(staged);
  const { seen } = await staged.calls(1_000);
  expect(Math.abs(seen[0]! - 800)).toBeLessThan(75);
});

test("peak EWMA keeps calls from a slow provider, and from one that refuses them", async () => {
  const staged = await stage(3, () => ({}));
  await connected(staged);
  const [slow, refusing] = staged.providers;
  slow!.onCall = (seen) => setTimeout(() => answerCall(seen), 30);
  refusing!.onCall = answerStatus(80);
  await staged.apply({ balancer: "PEAK_EWMA" });
  await staged.calls(50);
  const { seen } = await staged.calls(300);
  // Of the three pairs the fast one is in two; the third is the slow one's.
  expect(seen[2]).toBeGreaterThan(150);
  expect(seen[1]).toBeLessThan(10);
});

test("retries are given up where as many are under way as the cluster allows", async () => {
  const retryPolicy = { retryOn: "5xx", numRetries: 2, retryBackOff: { baseInterval: "0.001s" } };
  const staged = await stage(1, () => ({
    cluster: { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } },
    action: { retryPolicy },
  }));
  const [provider] = staged.providers;
  await connected(staged);
  provider!.onCall = answerStatus(80);
  expect(await staged.calls(5)).toEqual({ statuses: { 80: 5 }, seen: [5] });
  expect(staged.lone.proxy.stats().counters.retryOverflows).toBe(5);
  await staged.apply({ cluster: { circuitBreakers: { thresholds: [{ maxRetries: 1 }] } }, action: { retryPolicy } });
  expect(await staged.calls(5)).toEqual({ statuses: { 80: 5 }, seen: [15] });
});
