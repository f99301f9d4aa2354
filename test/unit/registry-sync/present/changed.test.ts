import { expect, test } from "vitest";
import { type Entry, plainEndpoint, type World } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { changedInterfaces } from "../../../../src/registry-sync/present/changed.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../src/registry-sync/present/elsewhere.ts";

const take = { services: ["*"], applications: ["*"] };
const pass: readonly string[] = [];
const entry = (name: string, port = 1): Entry => ({
  host: name,
  service: serviceKey(name),
  endpoints: [plainEndpoint({ address: "10.0.0.1", port, protocol: "dubbo", weight: 100, params: {}, origin: "n" })],
});
const [a, b, c] = [entry("a.A"), entry("b.B"), entry("c.C")];
const world = (...entries: readonly Entry[]): World => ({ name: "n", entries, consumers: [], findings: [] });
const from = (options: Partial<PresentOptions> = {}) =>
  createPresentContext({ addresses: ["p:1"], take, pass, ...options }).providersFrom;
const base = { world: world(a, b, c), elsewhere: elsewhereOf([a, b, c], "n", undefined), served: new Set(["a.A"]) };

test.each<[string, Partial<PresentOptions>, readonly string[] | "any"]>([
  ["nothing else", {}, []],
  ["equal addresses in another list", { addresses: ["p:1"] }, []],
  ["another world of the same entries", { world: world(a, b, c) }, []],
  ["an entry that is another", { world: world(a, entry("b.B", 2), c) }, ["b.B"]],
  ["an entry that is gone", { world: world(a, c) }, ["b.B"]],
  [
    "one that came, and one that is another far from it",
    { world: world(entry("a.A", 9), b, c, entry("d.D")) },
    ["a.A", "d.D"],
  ],
  ["another order", { world: world(c, b, a) }, []],
  ["an entry of another registry", { elsewhere: elsewhereOf([a, b, c, entry("e.E")], "n", undefined) }, ["e.E"]],
  ["what the proxies have been told of", { served: new Set(["a.A", "g/b.B:1.0"]) }, ["b.B"]],
  ["what they were told of and are no more", { served: new Set([]) }, ["a.A"]],
  ["messages that are known", { messages: new Set(["a.A"]) }, ["a.A"]],
  ["another proxy", { addresses: ["p:2"] }, "any"],
  ["Triple", { triAddresses: ["p:3"] }, "any"],
  ["another filter", { take: { services: ["a.*"], applications: ["*"] } }, "any"],
  ["services that are passed", { pass: ["a.A"] }, "any"],
  ["a bypass", { bypass: { all: true, services: [] } }, "any"],
  ["clients that are passed", { passesClient: () => true }, "any"],
  ["rules that are not applied", { unruled: new Map([["a.A", "too new"]]) }, "any"],
  ["a service by rules", { ruled: [{ service: serviceKey("a.A"), methods: [] }] }, "any"],
])("by %s lists of providers change of these interfaces", (_, options, expected) => {
  const changed = changedInterfaces(from(base), from({ ...base, ...options }));
  expect(changed === undefined ? "any" : [...changed].sort()).toEqual(expected);
});

test("where nothing is known of what was before, any may have changed", () => {
  expect(changedInterfaces(undefined, from())).toBeUndefined();
  const { served: _, ...all } = base;
  expect(changedInterfaces(from(base), from(all))).toBeUndefined();
});
