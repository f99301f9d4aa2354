import { expect, test } from "vitest";
import { embeddedRegistry } from "../../../../src/cli/config/registries.ts";
import { guardedState, readWorlds } from "../../../../src/cli/mesh/read-once.ts";
import type { Entry, Finding, World } from "../../../../src/model/entry.ts";
import type { Sink, Source } from "../../../../src/registry-sync/contracts.ts";
import { createMemorySource } from "../../../../src/registry-sync/sources/memory.ts";
import { addresses, entry, world } from "../../../support/worlds.ts";

const config = { naming: "trestle" as const, registries: [{ ...embeddedRegistry(), name: "legacy" }] };
const open = (source: Source, more: { findings?: readonly Finding[]; connected?: boolean } = {}) => ({
  config: config.registries[0]!,
  hosts: ["10.0.0.1:2181"],
  source,
  connected: () => more.connected ?? true,
  findings: () => more.findings ?? [],
  embedded: undefined,
});
const sinkOf = (...entries: readonly Entry[]): Sink => ({
  name: "s",
  current: async () => entries.map((one) => ({ host: one.host, owner: "trestle", entry: one })),
  apply: async () => {},
});

test("registries are read once, and left", async () => {
  const source = createMemorySource("legacy");
  source.set(world("legacy", entry("a.A", [])));
  expect((await readWorlds([open(source)])).map(({ entries }) => entries.length)).toEqual([1]);
});

test("a registry that denies being read says so", async () => {
  const denied: Finding = { code: "TR0105", severity: "error", message: "no READ", at: "/dubbo" };
  await expect(readWorlds([open(createMemorySource("legacy"), { findings: [denied] })])).rejects.toThrow("no READ");
});

test("what a guard would hold at a start is held: by what outputs have, or by what was kept", async () => {
  const now = [world("legacy", entry("a.A", addresses(1)))];
  const before = entry("a.A", addresses(10));
  const state = (sinks: readonly Sink[], load?: (name: string) => Promise<World | undefined>) =>
    guardedState(
      now,
      [open(createMemorySource("legacy"))],
      config,
      { sinks, owner: "trestle", ...(load && { load }) },
      0,
    );
  const held = await state([sinkOf(before)]);
  expect([held.entries[0]!.endpoints.length, held.guardFindings.map(({ code }) => code)]).toEqual([
    10,
    ["TR0150", "TR0151"],
  ]);
  const kept = await state([], async () => world("legacy", before));
  expect(kept.entries[0]!.endpoints).toHaveLength(10);
  const keptNothing = await state([sinkOf(before)], async () => world("legacy"));
  expect(keptNothing.entries[0]!.endpoints).toHaveLength(10);
  const fresh = await state([sinkOf()]);
  expect([fresh.entries[0]!.endpoints.length, fresh.guardFindings, fresh.silent.size]).toEqual([1, [], 0]);
});

test("worlds of two kinds of registries have one host for a service", async () => {
  const worlds = [
    world("a", { ...entry("a.A", ["10.0.0.1"]), host: "x.zk" }),
    world("b", { ...entry("a.A", ["10.0.0.2"]), host: "x.nacos" }),
  ];
  const { entries } = await guardedState(
    worlds,
    [],
    { naming: "higress", registries: [] },
    { sinks: [], owner: "t" },
    0,
  );
  expect(entries.map(({ host, endpoints }) => [host, endpoints.length])).toEqual([["x.zk", 2]]);
});
