import { expect, test } from "vitest";
import { indexAuthorization } from "../../../../src/control/compile/authorization.ts";
import { View } from "../../../../src/control/compile/view.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { Rule } from "../../../../src/model/rule.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const entries = [a, b];
const shared = () => ({ index: indexEntries(entries), hosts: new WeakMap(), clusters: new WeakMap() });
const inputs = (rules: readonly Rule[]) => ({
  rules,
  mesh: DEFAULT_MESH,
  policies: indexAuthorization(rules, DEFAULT_MESH),
  protocols: "dubbo",
});
const narrow = rulesOf(
  "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: ['*/com.acme.A']}]}\n",
  virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.B}}]}]").replace(
    "metadata: {name: v}",
    "metadata: {name: v}",
  ),
);
const hosts = (view: ReturnType<View["take"]>) => view.virtualHosts.map(({ resource }) => resource.name);

test("a client that many share is told of every service", () => {
  const taken = new View(shared(), meshClient()).take(createSnapshot(entries, narrow), inputs(narrow));
  expect(hosts(taken)).toEqual(["com.acme.a", "com.acme.b"]);
});

test("a Sidecar narrows what its client is told of to its hosts and to what the rules for these lead to", () => {
  const client = { ...meshClient(), isShared: false };
  const taken = new View(shared(), client).take(createSnapshot(entries, narrow), inputs(narrow));
  expect(hosts(taken)).toEqual(["com.acme.a"]);
  expect(taken.clusters.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.a", "outbound|20880||com.acme.b"]);
});

test("the same snapshot and inputs give the same lists; a service that went is gone", () => {
  const view = new View(shared(), meshClient());
  const given = inputs([]);
  const snapshot = createSnapshot(entries, []);
  const before = view.take(snapshot, given);
  expect(view.take(snapshot, given).clusters).toBe(before.clusters);
  const after = view.take(createSnapshot([b], []), given);
  expect(hosts(after)).toEqual(["com.acme.b"]);
  expect(after.versions).not.toEqual(before.versions);
});
