import { expect, test } from "vitest";
import type { Entry } from "../../../../src/model/entry.ts";
import type { StoredEntry } from "../../../../src/registry-sync/contracts.ts";
import { rememberedEntries } from "../../../../src/registry-sync/merge/remembered.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const stored = (one: Entry | undefined, owner = "trestle", host = one?.host ?? "x"): StoredEntry => ({
  host,
  owner,
  entry: one,
});
const told = (list: readonly Entry[]) => list.map((one) => [one.host, one.endpoints.map(({ address }) => address)]);

test("a registry's endpoints are remembered, those of others are not", () => {
  const both = entry("b.B", [endpoint("10.0.0.2", { origin: "x" }), endpoint("10.0.0.1", { origin: "y" })]);
  const list = [stored(both), stored(entry("a.A", [endpoint("10.0.0.3", { origin: "x" })]))];
  expect(told(rememberedEntries(list, "trestle", { name: "x" }))).toEqual([
    ["a.a", ["10.0.0.3"]],
    ["b.b", ["10.0.0.2"]],
  ]);
  expect(told(rememberedEntries(list, "trestle", { name: "y" }))).toEqual([["b.b", ["10.0.0.1"]]]);
});

test("what several sinks have is one entry, and an endpoint counts once, as the first has it", () => {
  const first = stored(entry("a.A", [endpoint("10.0.0.1", { weight: 7 })]));
  const second = stored(entry("a.A", [endpoint("10.0.0.1"), endpoint("10.0.0.2")]));
  const [one] = rememberedEntries([first, second], "trestle", { name: "legacy" });
  expect(one?.endpoints.map(({ address, weight }) => [address, weight])).toEqual([
    ["10.0.0.1", 7],
    ["10.0.0.2", 100],
  ]);
});

test("what stands under the host that another registry gives is remembered under one's own; a host that nobody gives is not", () => {
  const both = entry("a.A", [endpoint("10.0.0.1", { origin: "x" }), endpoint("10.0.0.2", { origin: "y" })]);
  const x = { name: "x", hostOf: () => "a.a.x" };
  const y = { name: "y", hostOf: () => "a.a.y" };
  const [one] = rememberedEntries([stored({ ...both, host: "a.a.x", writtenHost: "A.A.x" })], "trestle", y, [x, y]);
  expect(one).toEqual({ ...both, host: "a.a.y", endpoints: [both.endpoints[1]] });
  expect(rememberedEntries([stored({ ...both, host: "a.a.z" })], "trestle", y, [x, y])).toEqual([]);
});

test.each<readonly [name: string, one: StoredEntry]>([
  ["another owner's", stored(entry("a.A", ["10.0.0.1"]), "aeraki")],
  ["what cannot be read", stored(undefined)],
  ["an entry without endpoints", stored(entry("a.A", []))],
  ["an entry under another service's host", stored({ ...entry("a.A", ["10.0.0.1"]), host: "b.b" })],
])("%s is not remembered", (_name, one) => {
  expect(rememberedEntries([one], "trestle", { name: "legacy" })).toEqual([]);
});
