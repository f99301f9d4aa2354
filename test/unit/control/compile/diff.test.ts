import { expect, test } from "vitest";
import type { DeltaResources, ResourceSet } from "../../../../src/codecs/xds/resources.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { diffResources } from "../../../../src/control/compile/diff.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?lane=v1"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const node = { id: "n", dubbo: [{ address: "::", port: 1 }] };
const set = (entries: (typeof a)[], ...texts: string[]): ResourceSet =>
  compile(createSnapshot(entries, rulesOf(...texts)), node);
const toSubset = [
  virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.A, subset: v1}}]}]"),
  destinationRuleText("d", "com.acme.A", "subsets: [{name: v1, labels: {lane: v1}}]"),
];
const steps = (list: DeltaResources[]): string[] =>
  list.map(({ typeUrl, resources, removedResources }) =>
    [
      typeUrl.slice(typeUrl.lastIndexOf(".") + 1),
      ...resources.map(({ name }) => `+${name}`),
      ...removedResources.map((name) => `-${name}`),
    ].join(" "),
  );

test("a proxy that has nothing gets clusters, endpoints, listeners and routes in this order", () => {
  expect(steps(diffResources(undefined, set([a])))).toEqual([
    "Cluster +outbound|20880||com.acme.a",
    "ClusterLoadAssignment +outbound|20880||com.acme.a",
    "Listener +dubbo_::_1",
    "RouteConfiguration +dubbo",
    "VirtualHost +dubbo/com.acme.a",
  ]);
});

test("equal sets need no step", () => {
  expect(diffResources(set([a, b]), set([b, a]))).toEqual([]);
});

test("a changed endpoint changes its endpoint set alone", () => {
  const moved = entryOf("com.acme.A", ["dubbo://10.0.0.9:20880?lane=v1"]);
  expect(steps(diffResources(set([a, b]), set([moved, b])))).toEqual([
    "ClusterLoadAssignment +outbound|20880||com.acme.a",
  ]);
});

test("a new cluster comes before the route to it, an old one goes after", () => {
  expect(steps(diffResources(set([a]), set([a], ...toSubset)))).toEqual([
    "Cluster +outbound|20880|v1|com.acme.a",
    "ClusterLoadAssignment +outbound|20880|v1|com.acme.a",
    "VirtualHost +dubbo/com.acme.a",
  ]);
  expect(steps(diffResources(set([a], ...toSubset), set([a])))).toEqual([
    "VirtualHost +dubbo/com.acme.a",
    "ClusterLoadAssignment -outbound|20880|v1|com.acme.a",
    "Cluster -outbound|20880|v1|com.acme.a",
  ]);
});

test("after the steps a proxy holds the new set", () => {
  const old = set([a, b], ...toSubset);
  const next = set([entryOf("com.acme.A", ["dubbo://10.0.0.1:20999"])]);
  const held = new Map<string, unknown>(
    [...old.clusters, ...old.endpoints, ...old.listeners, ...old.routes, ...old.virtualHosts].map((one) => [
      JSON.stringify([kind(one), one.name]),
      one.version,
    ]),
  );
  for (const { typeUrl, resources, removedResources } of diffResources(old, next)) {
    for (const one of resources)
      held.set(JSON.stringify([typeUrl.slice(typeUrl.lastIndexOf(".") + 1), one.name]), one.version);
    for (const name of removedResources)
      held.delete(JSON.stringify([typeUrl.slice(typeUrl.lastIndexOf(".") + 1), name]));
  }
  const wanted = [...next.clusters, ...next.endpoints, ...next.listeners, ...next.routes, ...next.virtualHosts].map(
    (one) => [JSON.stringify([kind(one), one.name]), one.version],
  );
  expect([...held].sort()).toEqual(wanted.sort());
});

function kind({ resource }: { resource: object }): string {
  if ("clusterName" in resource) return "ClusterLoadAssignment";
  if ("lbPolicy" in resource) return "Cluster";
  if ("domains" in resource) return "VirtualHost";
  return "virtualHosts" in resource ? "RouteConfiguration" : "Listener";
}
