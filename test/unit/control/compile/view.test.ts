import { expect, test } from "vitest";
import { RuleWorld } from "../../../../src/control/compile/rule-world.ts";
import { Variants } from "../../../../src/control/compile/variants.ts";
import { View } from "../../../../src/control/compile/view.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { entryChanges } from "../../../../src/model/entry-changes.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { Rule } from "../../../../src/model/rule.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const shared = (entries: readonly Entry[]) => ({
  index: indexEntries(entries),
  hosts: new Variants<never>(),
  clusters: new Variants<never>(),
  lists: new Map(),
});
const [sidecar, ...rules] = rulesOf(
  "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: ['*/com.acme.A']}]}\n",
  virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.B}}]}]"),
);
const hosts = (taken: ReturnType<View["take"]>) => taken.virtualHosts.map(({ resource }) => resource.name);

function take(view: View, entries: readonly Entry[], given: readonly Rule[], narrow?: Rule) {
  const world = new RuleWorld(given, DEFAULT_MESH, "dubbo");
  const snapshot = createSnapshot(entries, given);
  return view.take(snapshot, { world, sidecar: narrow?.kind === "Sidecar" ? narrow : undefined }, (before) =>
    entryChanges(before.entries, snapshot.entries),
  );
}

test("without a Sidecar a client is told of every service", () => {
  expect(hosts(take(new View(shared([a, b]), meshClient()), [a, b], rules))).toEqual(["com.acme.a", "com.acme.b"]);
});

test("a Sidecar narrows what its client is told of to its hosts and to what the rules for these lead to", () => {
  const view = new View(shared([a, b]), meshClient());
  const taken = take(view, [a, b], rules, sidecar);
  expect(hosts(taken)).toEqual(["com.acme.a"]);
  expect(taken.clusters.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.a", "outbound|20880||com.acme.b"]);
  const alone = take(view, [a, b], [], sidecar);
  expect(alone.clusters.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.a"]);
  expect(hosts(take(view, [a, b], []))).toEqual(["com.acme.a", "com.acme.b"]);
});

test("the same snapshot and rules give the same; a service that is not told of changes nothing", () => {
  const view = new View(shared([a, b]), meshClient());
  const world = new RuleWorld([], DEFAULT_MESH, "dubbo");
  const snapshot = createSnapshot([a, b], []);
  const given = { world, sidecar: sidecar?.kind === "Sidecar" ? sidecar : undefined };
  const before = view.take(snapshot, given, () => ({ gone: [], came: [] }));
  expect(view.take(snapshot, given, () => ({ gone: [], came: [] }))).toBe(before);
  const moved = entryOf("com.acme.B", ["dubbo://10.0.0.9:20880"]);
  const after = view.take(createSnapshot([a, moved], []), given, () => ({ gone: [b], came: [moved] }));
  expect([after.virtualHosts, after.clusters, after.endpoints]).toEqual([
    before.virtualHosts,
    before.clusters,
    before.endpoints,
  ]);
  expect(after.clusters).toBe(before.clusters);
});
