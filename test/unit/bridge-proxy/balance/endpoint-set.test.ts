import { describe, expect, test } from "vitest";
import { EndpointSet, warmedWeight } from "../../../../src/bridge-proxy/balance/endpoint-set.ts";
import type { EndpointOf } from "../../../../src/bridge-proxy/upstream/endpoint.ts";
import type { HostPool, UpstreamConnection, UpstreamHost } from "../../../../src/bridge-proxy/upstream/host.ts";

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
  };
  return { ...facts, ...extra, host: host as unknown as UpstreamHost };
}

function picked(endpoints: readonly TestEndpoint[], avoid: readonly TestEndpoint[] = []): string[] {
  const set = new EndpointSet(endpoints, "ROUND_ROBIN", { version: 0 } as HostPool);
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
  const set = new EndpointSet([one, two], "RANDOM", pool as HostPool);
  const names = () => (set.pick(0, () => 0.99)!.host as unknown as FakeHost).name;
  expect(names()).toBe("one");
  expect((two.host as unknown as FakeHost).warmed).toBe(1);
  (two.host as unknown as FakeHost).state = "ready";
  pool.version++;
  expect(names()).toBe("two");
});

test.each([
  ["before it started, by its clock", -5, 1],
  ["at the start", 0, 1],
  ["half way", 300_000, 50],
  ["nearly there", 599_999, 99],
  ["warm", 600_000, 100],
])("warm-up %s", (_, uptimeMs, weight) => {
  const provider = endpoint("p", "ready", { warmupMs: 600_000, startedAtMs: 1_000_000 });
  expect(warmedWeight(provider, 1_000_000 + uptimeMs)).toBe(weight);
});

test("a provider that does not say when it started has its full weight", () => {
  expect(warmedWeight(endpoint("p", "ready", { warmupMs: 600_000 }), 5)).toBe(100);
});
