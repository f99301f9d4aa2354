import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { TransientError } from "../../../src/base/errors.ts";
import type { Entry, World } from "../../../src/model/entry.ts";
import type { Changes, Sink, Source, StoredEntry } from "../../../src/registry-sync/contracts.ts";
import { createController } from "../../../src/registry-sync/controller.ts";
import { createMemorySource } from "../../../src/registry-sync/sources/memory.ts";
import { recordingLogger, turn } from "../../support/recording-logger.ts";
import { addresses, endpoint, entry } from "../../support/worlds.ts";

/** A sink in memory that can be broken. */
function memorySink(first: readonly StoredEntry[] = []) {
  const stored = new Map(first.map((one) => [one.host, one]));
  const applied: Changes[] = [];
  const state = { broken: false, reads: 0 };
  const sink: Sink = {
    name: "memory",
    async current() {
      state.reads++;
      return [...stored.values()];
    },
    async apply(changes) {
      if (state.broken) throw new TransientError("disk full");
      applied.push(changes);
      for (const one of changes.delete) stored.delete(one.host);
      for (const one of [...changes.create, ...changes.update.map(({ after }) => after)]) {
        stored.set(one.host, { host: one.host, owner: "trestle", entry: one });
      }
    },
  };
  return { sink, stored, applied, state };
}

function start(sources: readonly Source[], sinks: readonly Sink[]) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const stop = new AbortController();
  const controller = createController({ sources, sinks, owner: "trestle", clock, logger });
  const done = controller.run(stop.signal);
  return {
    controller,
    lines,
    async pass(ms: number) {
      await turn();
      clock.advance(ms);
      await turn();
      await turn();
    },
    async end() {
      stop.abort();
      await done;
    },
  };
}

const worldOf = (...entries: readonly Entry[]): Omit<World, "name"> => ({ entries, consumers: [], findings: [] });

test("what a registry has gets into the sink, with one audit line for each change", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  source.set(worldOf(entry("g/a.A", ["10.0.0.1"])));
  await run.pass(30);
  source.set(worldOf(entry("g/a.A", ["10.0.0.1", "10.0.0.2"]), entry("b.B", ["10.0.0.1"])));
  await run.pass(30);
  expect([...stored.keys()]).toEqual(["a.a-g", "b.b"]);
  expect(run.lines).toEqual([
    ["info", "entry created", { sink: "memory", host: "a.a-g", service: "g/a.A", endpoints: 1 }],
    ["info", "entry created", { sink: "memory", host: "b.b", service: "b.B", endpoints: 1 }],
    ["info", "entry updated", { sink: "memory", host: "a.a-g", service: "g/a.A", endpoints: 2, added: 1, removed: 0 }],
  ]);
  await run.end();
});

test("what registries say of the types of calls stands in the state", async () => {
  const source = createMemorySource("legacy");
  const run = start([source], []);
  const schemas = [{ name: "a.A", protobuf: "AA==" }];
  source.set({ ...worldOf(entry("a.A", ["10.0.0.1"])), schemas });
  await run.pass(30);
  expect(run.controller.state.get().schemas).toEqual(schemas);
  await run.end();
});

test("changes that come together are applied together", async () => {
  const [x, y] = [createMemorySource("x"), createMemorySource("y")];
  const { sink, applied } = memorySink();
  const run = start([x, y], [sink]);
  x.set(worldOf(entry("a.A", ["10.0.0.1"])));
  await run.pass(20);
  y.set(worldOf(entry("b.B", ["10.0.0.1"])));
  await run.pass(20);
  expect(applied).toEqual([]);
  await run.pass(10);
  expect(applied.map((one) => one.create.map((each) => each.host))).toEqual([["a.a", "b.b"]]);
  await run.end();
});

test("a loss that is told in pieces is weighed as a whole", async () => {
  const source = createMemorySource("legacy");
  const { sink, applied } = memorySink();
  const run = start([source], [sink]);
  for (let left = 9; left >= 0; left--) {
    source.set(worldOf(entry("a.A", addresses(left))));
    await run.pass(left === 9 ? 30 : 20);
  }
  await run.pass(30);
  expect(applied.map((one) => one.create.length)).toEqual([1]);
  await run.end();
});

test("changes that never stop are taken in every tenth of a second", async () => {
  const source = createMemorySource("legacy");
  const { sink, applied } = memorySink();
  const run = start([source], [sink]);
  for (let step = 1; step <= 50; step++) {
    source.set(worldOf(entry("a.A", [`10.0.0.${step}`])));
    await run.pass(20);
  }
  expect(applied.length).toBeGreaterThanOrEqual(9);
  expect(applied.length).toBeLessThanOrEqual(10);
  await run.end();
});

test("a service's last provider leaves an empty entry, which goes after five minutes", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  source.set(worldOf(entry("a.A", ["10.0.0.1"])));
  await run.pass(30);
  source.set(worldOf());
  await run.pass(30);
  expect(stored.get("a.a")?.entry?.endpoints).toEqual([]);
  await run.pass(300_000);
  expect(stored.size).toBe(0);
  await run.end();
});

test("a registry that empties by surprise changes nothing, and says so once", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  source.set(worldOf(entry("a.A", addresses(8))));
  await run.pass(30);
  source.set(worldOf());
  await run.pass(30);
  await run.pass(1_000);
  expect(stored.get("a.a")?.entry?.endpoints).toHaveLength(8);
  expect(run.controller.state.get()).toMatchObject({ held: new Map([["legacy", 8]]) });
  expect(run.lines.filter(([level]) => level === "warn")).toEqual([
    ["warn", "registry lost providers at once; they are held", { registry: "legacy", held: 8 }],
  ]);
  await run.pass(300_000);
  expect(stored.get("a.a")?.entry?.endpoints).toEqual([]);
  expect(run.lines.at(-1)?.[1]).toMatch(/no provider is held any more|entry updated/);
  await run.end();
});

test("instances that were seen to leave are gone at once", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  source.set(worldOf(entry("a.A", addresses(8))));
  await run.pass(30);
  run.controller.expectRemoval(
    "legacy",
    addresses(8).map((address) => `${address}:20880`),
  );
  source.set(worldOf());
  await run.pass(30);
  expect(stored.get("a.a")?.entry?.endpoints).toEqual([]);
  await run.end();
});

describe("a registry that has not answered since the start", () => {
  const old = [
    {
      host: "a.a",
      owner: "trestle",
      entry: entry("a.A", [endpoint("10.0.0.1", { origin: "x" }), endpoint("10.0.0.2", { origin: "y" })]),
    },
    { host: "b.b", owner: "trestle", entry: entry("b.B", [endpoint("10.0.0.3", { origin: "y" })]) },
  ];

  test("loses nothing in the sink until it has", async () => {
    const [x, y] = [createMemorySource("x"), createMemorySource("y")];
    const { sink, stored } = memorySink(old);
    const run = start([x, y], [sink]);
    x.set(worldOf());
    await run.pass(30);
    expect([...run.controller.state.get().silent]).toEqual(["y"]);
    expect([...stored.values()].map((one) => one.entry?.endpoints.map((each) => each.address))).toEqual([
      ["10.0.0.2"],
      ["10.0.0.3"],
    ]);
    y.set(worldOf());
    await run.pass(30);
    expect(stored.size).toBe(0);
    await run.end();
  });

  test("alone, makes the sink not even be read", async () => {
    const { sink, state } = memorySink(old);
    const run = start([createMemorySource("x")], [sink]);
    await run.pass(60_000);
    expect(state.reads).toBe(0);
    await run.end();
  });
});

test("a registry that was emptied while Trestle was down deletes nothing before five minutes have gone by", async () => {
  const names = ["a.A", "b.B", "c.C", "d.D", "e.E", "f.F", "g.G", "h.H"];
  const old = names.map((name) => {
    const one = entry(name, addresses(6));
    return { host: one.host, owner: "trestle", entry: one };
  });
  const source = createMemorySource("legacy");
  const { sink, stored, applied } = memorySink(old);
  const run = start([source], [sink]);
  source.set(worldOf());
  await run.pass(30);
  await run.pass(299_000);
  expect([stored.size, applied.length]).toEqual([8, 0]);
  expect(run.controller.state.get().held).toEqual(new Map([["legacy", 48]]));
  await run.pass(1_001);
  expect([...stored.values()].flatMap((one) => one.entry?.endpoints)).toEqual([]);
  await run.end();
});

test("a service that went while Trestle was down is deleted at once", async () => {
  const old = ["a.A", "b.B"].map((name) => {
    const one = entry(name, ["10.0.0.1"]);
    return { host: one.host, owner: "trestle", entry: one };
  });
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink(old);
  const run = start([source], [sink]);
  source.set(worldOf(entry("b.B", ["10.0.0.1"])));
  await run.pass(30);
  expect([...stored.keys()]).toEqual(["b.b"]);
  await run.end();
});

test("a sink that fails is tried again with all that is wanted by then, logged once, and holds up no other", async () => {
  const source = createMemorySource("legacy");
  const bad = memorySink();
  const good = memorySink();
  bad.state.broken = true;
  const run = start([source], [bad.sink, good.sink]);
  source.set(worldOf(entry("a.A", ["10.0.0.1"])));
  await run.pass(30);
  source.set(worldOf(entry("b.B", ["10.0.0.1"])));
  await run.pass(30);
  await run.pass(500);
  expect([...good.stored.keys()]).toContain("b.b");
  expect(run.lines.filter(([level]) => level === "warn")).toEqual([
    ["warn", "sink memory is out of reach; retrying", { reason: "disk full" }],
  ]);
  bad.state.broken = false;
  await run.pass(1_000);
  await run.pass(30_000);
  expect([...bad.stored.keys()]).toContain("b.b");
  expect(run.lines.some(([, text]) => text === "sink memory works again")).toBe(true);
  await run.end();
});

test("a source that fails keeps its last world and is watched anew", async () => {
  let watches = 0;
  const one: World = { name: "legacy", ...worldOf(entry("a.A", ["10.0.0.1"])) };
  const source: Source = {
    name: "legacy",
    async *watch() {
      watches++;
      if (watches === 1) yield one;
      throw new TransientError("connection refused");
    },
  };
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  await run.pass(30);
  await run.pass(500);
  expect(watches).toBe(2);
  expect([...stored.keys()]).toEqual(["a.a"]);
  expect(run.lines.filter(([level]) => level === "warn")).toEqual([
    ["warn", "registry legacy is out of reach; retrying", { reason: "connection refused" }],
  ]);
  await run.end();
});

test("a small registry that comes back empty is not believed for half a minute", async () => {
  let disturb: () => void = () => {};
  const inner = createMemorySource("legacy");
  const source: Source = {
    name: "legacy",
    watch(signal, onDisturbed = () => {}) {
      disturb = onDisturbed;
      return inner.watch(signal);
    },
  };
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  inner.set(worldOf(entry("a.A", ["10.0.0.1"])));
  await run.pass(30);
  disturb();
  inner.set(worldOf());
  await run.pass(30);
  await run.pass(29_000);
  expect(stored.get("a.a")?.entry?.endpoints).toHaveLength(1);
  await run.pass(1_000);
  expect(stored.get("a.a")?.entry?.endpoints).toEqual([]);
  await run.end();
});

test("an entry of another owner is left and told by a finding, which goes within half a minute when it is gone", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink([{ host: "a.a", owner: "aeraki", entry: entry("a.A", ["10.9.9.9"]) }]);
  const run = start([source], [sink]);
  for (const address of ["10.0.0.1", "10.0.0.2"]) {
    source.set(worldOf(entry("a.A", [address])));
    await run.pass(30);
  }
  expect(stored.get("a.a")?.owner).toBe("aeraki");
  expect(run.controller.state.get().findings).toEqual([
    { code: "TR0141", severity: "error", message: "entry a.a belongs to aeraki and is not touched", at: "a.a" },
  ]);
  stored.delete("a.a");
  await run.pass(30_000);
  expect(stored.get("a.a")?.owner).toBe("trestle");
  expect(run.controller.state.get().findings).toEqual([]);
  await run.end();
});

test("a sink that was changed by others is put right at the first change after five minutes", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const run = start([source], [sink]);
  const a = entry("a.A", ["10.0.0.1"]);
  source.set(worldOf(a));
  await run.pass(30);
  stored.delete("a.a");
  await run.pass(300_000);
  source.set(worldOf(a, entry("b.B", ["10.0.0.1"])));
  await run.pass(30);
  expect([...stored.keys()].sort()).toEqual(["a.a", "b.b"]);
  await run.end();
});

describe("what was kept from before the start", () => {
  const kept: World = { name: "legacy", ...worldOf(entry("a.A", addresses(3)), entry("b.B", addresses(1, 9))) };

  function startWith(source: Source, sink: Sink, world: World | undefined = kept) {
    const clock = new ManualClock();
    const { logger, lines } = recordingLogger();
    const stop = new AbortController();
    const noted: (readonly World[])[] = [];
    const applied: string[] = [];
    const controller = createController({
      ...{ sources: [source], sinks: [sink], owner: "trestle", clock, logger },
      memory: { load: async (name) => (name === "legacy" ? world : undefined), note: (worlds) => noted.push(worlds) },
      onApplied: (name, changes, { cause }) =>
        applied.push(`${name} +${changes.create.length} ~${changes.update.length} -${changes.delete.length} ${cause}`),
    });
    const done = controller.run(stop.signal);
    const pass = async (ms: number) => {
      await turn();
      clock.advance(ms);
      await turn();
      await turn();
    };
    const end = async () => {
      stop.abort();
      await done;
    };
    return { controller, lines, noted, applied, pass, end };
  }

  test("is served while the registry is down, and writes nothing that stands there already", async () => {
    const source = createMemorySource("legacy");
    const stands = kept.entries.map((one) => ({ host: one.host, owner: "trestle", entry: one }));
    const { sink, applied } = memorySink(stands);
    const run = startWith(source, sink);
    await run.pass(60_000);
    const { entries, silent, restored, cause } = run.controller.state.get();
    expect(entries).toEqual(kept.entries);
    expect([[...silent], [...restored], cause]).toEqual([["legacy"], ["legacy"], "start"]);
    expect([applied, run.noted]).toEqual([[], []]);
    await run.end();
  });

  test("is written where it is missing, and counts for the guard once the registry answers", async () => {
    const source = createMemorySource("legacy");
    const { sink, stored } = memorySink();
    const many = { ...kept, entries: [entry("a.A", addresses(10))] };
    const run = startWith(source, sink, many);
    await run.pass(0);
    expect([...stored.keys()]).toEqual(["a.a"]);
    source.set(worldOf(entry("a.A", addresses(1))));
    await run.pass(50);
    const { entries, restored, held, cause } = run.controller.state.get();
    expect([entries[0]!.endpoints.length, restored.size, held.get("legacy"), cause]).toEqual([10, 0, 9, "registry"]);
    expect(run.noted.at(-1)?.map(({ name }) => name)).toEqual(["legacy"]);
    await run.pass(300_001);
    expect(run.controller.state.get().cause).toBe("guard");
    expect(run.applied).toEqual(["memory +1 ~0 -0 start", "memory +0 ~1 -0 guard"]);
    await run.end();
  });

  test("where nothing was kept the sinks count as before", async () => {
    const source = createMemorySource("other");
    const { sink } = memorySink();
    const run = startWith(source, sink);
    await run.pass(50);
    expect(run.controller.state.get()).toMatchObject({ entries: [], worlds: [] });
    await run.end();
  });
});

test("a service that two registries name in two ways has the first one's host", async () => {
  const [one, two] = [createMemorySource("one"), createMemorySource("two")];
  const clock = new ManualClock();
  const { logger } = recordingLogger();
  const stop = new AbortController();
  const sources = [one, two];
  const controller = createController({ sources, sinks: [], owner: "t", clock, logger, namesByRegistry: true });
  const done = controller.run(stop.signal);
  one.set(worldOf({ ...entry("a.A", ["10.0.0.1"]), host: "a.zk" }));
  two.set(worldOf({ ...entry("a.A", [endpoint("10.0.0.2", { origin: "two" })]), host: "a.nacos" }));
  await turn();
  clock.advance(50);
  await turn();
  expect(controller.state.get().entries.map(({ host, endpoints }) => [host, endpoints.length])).toEqual([["a.zk", 2]]);
  stop.abort();
  await done;
});

test("a sink that never says what it holds keeps nothing back from the others for longer than ten seconds", async () => {
  const source = createMemorySource("legacy");
  const { sink, stored } = memorySink();
  const hanging: Sink = { name: "hanging", current: () => new Promise(() => {}), apply: async () => {} };
  const { lines, pass, controller, end } = start([source], [hanging, sink]);
  source.set(worldOf(entry("a.A", ["10.0.0.1"])));
  await pass(30);
  await pass(9_000);
  expect(controller.state.get().silent).toEqual(new Set(["legacy"]));
  await pass(1_000);
  await pass(30);
  expect([...stored.keys()]).toEqual(["a.a"]);
  expect(lines.filter(([level]) => level === "warn").map(([, , fields]) => fields)).toEqual([
    { sink: "hanging", reason: "no answer within 10 s" },
  ]);
  void end();
});
