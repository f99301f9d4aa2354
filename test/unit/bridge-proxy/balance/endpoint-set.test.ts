import { describe, expect, test } from "vitest";
import { EndpointSet } from "../../../../src/bridge-proxy/balance/endpoint-set.ts";
import { compileBalance } from "../../../../src/bridge-proxy/balance/plan.ts";
import type { EndpointOf } from "../../../../src/bridge-proxy/upstream/endpoint.ts";
import type { HostPool, UpstreamConnection, UpstreamHost } from "../../../../src/bridge-proxy/upstream/host.ts";
import type { Cluster } from "../../../../src/codecs/xds/cluster.ts";
import { seededRandom } from "../../../support/random.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

type TestEndpoint = EndpointOf<UpstreamConnection>;

interface FakeHost {
  state: string;
  draining: boolean;
  warmed: number;
  readonly name: string;
}

function endpoint(
  name: string,
  state = "ready",
  extra: Partial<TestEndpoint> & { draining?: boolean } = {},
): TestEndpoint {
  const host: FakeHost & { warm(): void } = {
    name,
    state,
    draining: extra.draining ?? false,
    warmed: 0,
    warm: () => host.warmed++,
  };
  const facts = {
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
    record: undefined,
  };
  return { ...facts, ...extra, host: host as unknown as UpstreamHost };
}

function setOf(
  endpoints: readonly TestEndpoint[],
  extra: Partial<Cluster> = {},
  pool: { version: number } = { version: 0 },
) {
  return new EndpointSet(endpoints, compileBalance({ ...clusterOf("com.acme.A"), ...extra }), pool as HostPool);
}

function picked(endpoints: readonly TestEndpoint[], avoid: readonly TestEndpoint[] = []): string[] {
  const set = setOf(endpoints, { lbPolicy: "ROUND_ROBIN" });
  const hosts = avoid.map(({ host }) => host);
  const names = Array.from(
    { length: endpoints.length * 2 },
    () => set.pick(0, () => 0, hosts)?.host as unknown as FakeHost,
  );
  return [...new Set(names.map((host) => host?.name ?? "none"))].sort();
}

describe("who is chosen from", () => {
  const ready = endpoint("ready");
  const idle = endpoint("idle", "idle");
  const connecting = endpoint("connecting", "connecting");
  const down = endpoint("down", "down");
  const leaving = endpoint("leaving", "ready", { draining: true });
  const unweighted = endpoint("unweighted", "ready", { weight: 0 });
  const rows: [string, TestEndpoint[], string[]][] = [
    ["the connected ones alone", [ready, idle, connecting, down, leaving, unweighted], ["ready"]],
    [
      "those to connect to, where none is connected",
      [idle, connecting, down, leaving, unweighted],
      ["connecting", "idle"],
    ],
    ["weight 0, where none with weight is left", [down, leaving, unweighted], ["unweighted"]],
    ["those that said READONLY, where only they live", [down, leaving], ["leaving"]],
    ["those that refused a connection, last of all", [down], ["down"]],
    ["nobody", [], []],
  ];
  test.each(rows)("%s", (_, endpoints, names) => {
    expect(picked(endpoints)).toEqual(names);
  });

  test("those already tried are left out, even where nobody else is", () => {
    const other = endpoint("other", "down");
    expect(picked([ready, other], [ready])).toEqual(["other"]);
    expect(picked([ready], [ready])).toEqual(["none"]);
  });
});

test("a host that changes its state is seen when the pool says so, and all are warmed up then", () => {
  const [one, two] = [endpoint("one"), endpoint("two", "idle")];
  const pool = { version: 0 };
  const set = setOf([one, two], {}, pool);
  const names = () => (set.pick(0, () => 0.99)!.host as unknown as FakeHost).name;
  expect(names()).toBe("one");
  expect((two.host as unknown as FakeHost).warmed).toBe(1);
  (two.host as unknown as FakeHost).state = "ready";
  pool.version++;
  expect(names()).toBe("two");
});

/** Which share of 10,000 draws each host gets, in percent, rounded. */
function shares(set: ReturnType<typeof setOf>): Record<string, number> {
  const random = seededRandom(7);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 10_000; i++) {
    const name = (set.pick(0, random)?.host as unknown as FakeHost | undefined)?.name ?? "none";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.round(count / 100)]));
}

test("parts get calls by their shares, each with turns of its own", () => {
  const near = endpoint("near", "ready", { locality: "a", localityWeight: 80 });
  const far = endpoint("far", "ready", { locality: "b", localityWeight: 20 });
  const found = shares(setOf([near, far], { commonLbConfig: { localityWeightedLbConfig: {} } }));
  expect(found.near! / 80).toBeCloseTo(1, 1);
  expect(found.near! + found.far!).toBe(100);
});

test("a call's hash decides for the part, too", () => {
  const near = endpoint("near", "ready", { locality: "a", localityWeight: 50 });
  const far = endpoint("far", "ready", { locality: "b", localityWeight: 50 });
  const set = setOf([near, far], { lbPolicy: "RING_HASH", commonLbConfig: { localityWeightedLbConfig: {} } });
  const names = (hash: number) =>
    new Set(
      Array.from({ length: 20 }, (_, i) => (set.pick(0, () => i / 20, [], hash)!.host as unknown as FakeHost).name),
    );
  const all = Array.from({ length: 50 }, (_, i) => names(i * 85_899_345));
  expect(all.every(({ size }) => size === 1)).toBe(true);
  expect(new Set(all.flatMap((one) => [...one])).size).toBe(2);
});

test("a provider that was ejected is not ready for others' calls", () => {
  const record = { ejected: true } as TestEndpoint["record"];
  expect(setOf([endpoint("ejected", "ready", { record })]).hasReady([])).toBe(false);
  expect(setOf([endpoint("called unhealthy", "ready", { healthy: false })]).hasReady([])).toBe(false);
  expect(setOf([endpoint("fine")]).hasReady([])).toBe(true);
});

test("an endpoint that is called unhealthy is not connected to", () => {
  const bad = endpoint("bad", "idle", { healthy: false });
  expect(setOf([bad]).pick(0, () => 0)).toBeUndefined();
  expect((bad.host as unknown as FakeHost).warmed).toBe(0);
});

test("turns go on in the set that takes another's place", () => {
  const plan = compileBalance({ ...clusterOf("com.acme.A"), lbPolicy: "ROUND_ROBIN" });
  const pool = { version: 0 } as HostPool;
  const list = [endpoint("a"), endpoint("b"), endpoint("c")];
  let set: EndpointSet<UpstreamConnection> | undefined;
  const names: string[] = [];
  for (let updates = 0; updates < 6; updates++) {
    set = new EndpointSet([...list], plan, pool, undefined, set);
    names.push((set.pick(0, Math.random)!.host as unknown as FakeHost).name);
  }
  expect(names).toEqual(["a", "b", "c", "a", "b", "c"]);
});
