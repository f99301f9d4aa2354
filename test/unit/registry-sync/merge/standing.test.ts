import { describe, expect, test } from "vitest";
import type { Entry } from "../../../../src/model/entry.ts";
import type { Changes } from "../../../../src/registry-sync/contracts.ts";
import { Standing } from "../../../../src/registry-sync/merge/standing.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const NOBODY: ReadonlySet<string> = new Set();
const none: Changes = { create: [], update: [], delete: [] };
const world = (size: number): readonly Entry[] =>
  Array.from({ length: size }, (_, i) => entry(`com.acme.S${String(i).padStart(4, "0")}`, ["10.0.0.1", "10.0.0.2"]));
const ownedBy = (owner: string, entries: readonly Entry[]) =>
  entries.map((one) => ({ host: one.host, owner, entry: one }));
const replaced = (entries: readonly Entry[], index: number, by: Entry): readonly Entry[] =>
  entries.map((one, i) => (i === index ? by : one));

describe("what stands in a sink", () => {
  test("what was done is planned no more, what was not done is", () => {
    const standing = new Standing([], { owner: "me" });
    const [a, b] = world(2) as [Entry, Entry];
    expect(standing.plan([a], NOBODY).changes).toEqual({ ...none, create: [a] });
    standing.done({ ...none, create: [a] });
    expect(standing.plan([a, b], NOBODY).changes).toEqual({ ...none, create: [b] });
    standing.done({ ...none, create: [b] });
    expect(standing.plan([b], NOBODY).changes).toEqual({ ...none, delete: [a] });
    standing.done({ ...none, delete: [a] });
    expect(standing.plan([b], NOBODY).changes).toEqual(none);
  });

  test("an empty entry that was given since the start goes, whoever is silent; one from before may be a silent registry's", () => {
    const [a, b] = [entry("a.A", []), entry("b.B", [])];
    const standing = new Standing(ownedBy("me", [a]), { owner: "me" });
    const silent = new Set(["far"]);
    standing.done(standing.plan([b], silent).changes);
    expect(standing.plan([], silent).changes).toEqual({ ...none, delete: [b] });
  });

  test("a change costs the same however many entries there are: others are neither read nor kept by the sink again", () => {
    const costs = [10, 1_000].map((size) => {
      let kept = 0;
      const stored = (one: Entry) => {
        kept++;
        return { ...one };
      };
      const entries = world(size);
      const standing = new Standing(ownedBy("me", world(size)), { owner: "me", stored });
      expect(standing.plan(entries, NOBODY).changes).toEqual(none);
      const atStart = kept;
      const other = entry("com.acme.S0005", ["10.0.0.1", "10.0.0.3"]);
      const { changes } = standing.plan(replaced(entries, 5, other), NOBODY);
      expect(changes).toEqual({ ...none, update: [{ before: entries[5], after: other }] });
      expect(changes.update[0]!.before).toBe(entries[5]);
      return { perEntry: atStart / size, perChange: kept - atStart };
    });
    expect(costs[0]).toEqual(costs[1]);
  });

  test("what a sink does not keep is no change, be it compared with what was read or with what was given", () => {
    const stored = (one: Entry): Entry => ({
      ...one,
      endpoints: one.endpoints.map((each) => ({ ...each, token: "" })),
    });
    const withToken = (token: string, port = 20880) =>
      entry("a.A", ["10.0.0.1", endpoint(`10.0.0.2:${port}`, { token })]);
    const standing = new Standing(ownedBy("me", [stored(withToken("x"))]), { owner: "me", stored });
    expect(standing.plan([withToken("x")], NOBODY).changes).toEqual(none);
    expect(standing.plan([withToken("y")], NOBODY).changes).toEqual(none);
    expect(standing.plan([withToken("y", 20881)], NOBODY).changes.update).toHaveLength(1);
  });

  test("others' entries stay a finding while they stand in the way, whatever else changes", () => {
    const [a, b] = world(2) as [Entry, Entry];
    const standing = new Standing(ownedBy("you", [a]), { owner: "me" });
    expect(standing.plan([a], NOBODY).findings.map(({ at }) => at)).toEqual([a.host]);
    const { changes, findings } = standing.plan([a, b], NOBODY);
    expect([changes.create, findings.map(({ at }) => at)]).toEqual([[b], [a.host]]);
    expect(standing.plan([b], NOBODY).findings).toEqual([]);
  });

  test("what silent registries had is let go when they have spoken, although no entry changed", () => {
    const old = entry("a.A", [endpoint("10.0.0.1", { origin: "late" })]);
    const standing = new Standing(ownedBy("me", [old]), { owner: "me" });
    const desired: readonly Entry[] = [];
    expect(standing.plan(desired, new Set(["late"])).changes).toEqual(none);
    expect(standing.plan(desired, NOBODY).changes).toEqual({ ...none, delete: [old] });
  });
});
