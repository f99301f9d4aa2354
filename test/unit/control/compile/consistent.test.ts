import { expect, test } from "vitest";
import type { ResourceSet } from "../../../../src/codecs/xds/resources.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { checkConsistent } from "../../../../src/control/compile/consistent.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const rules = rulesOf(
  virtualServiceText(
    "v",
    "[com.acme.A]",
    "[{route: [{destination: {host: com.acme.A}, weight: 1}, {destination: {host: com.acme.X}, weight: 1}]}]",
  ),
);
const set: ResourceSet = compile(createSnapshot([entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])], rules), {
  id: "n",
  dubbo: [{ address: "::", port: 1 }],
});

test("what the compiler makes is consistent", () => {
  expect(checkConsistent(set)).toEqual([]);
});

test.each([
  {
    name: "a missing cluster",
    broken: { ...set, clusters: set.clusters.slice(1), endpoints: set.endpoints.slice(1) },
    problem: "route v/0 of com.acme.a leads to cluster outbound|20880||com.acme.a, which is not there",
  },
  {
    name: "a missing endpoint set",
    broken: { ...set, endpoints: set.endpoints.slice(1) },
    problem: "cluster outbound|20880||com.acme.a has no endpoint set",
  },
  {
    name: "an endpoint set of nothing",
    broken: { ...set, clusters: set.clusters.slice(1), routes: [] },
    problem: "endpoint set outbound|20880||com.acme.a belongs to no cluster",
  },
  {
    name: "missing routes",
    broken: { ...set, routes: [] },
    problem: "listener dubbo_::_1 asks for route configuration dubbo, which is not there",
  },
  {
    name: "virtual hosts without their routes",
    broken: { ...set, routes: [] },
    problem: "virtual host dubbo/com.acme.a is of route configuration dubbo, which is not there",
  },
  {
    name: "a cluster given twice",
    broken: { ...set, clusters: [...set.clusters, set.clusters[0]!] },
    problem: "cluster outbound|20880||com.acme.a is there twice",
  },
  {
    name: "a domain of two virtual hosts",
    broken: {
      ...set,
      virtualHosts: [...set.virtualHosts, ...set.virtualHosts.map((one) => ({ ...one, name: `${one.name}.again` }))],
    },
    problem: "domain com.acme.a stands in two virtual hosts of dubbo",
  },
] satisfies { name: string; broken: ResourceSet; problem: string }[])("$name is found", ({ broken, problem }) => {
  expect(checkConsistent(broken)).toContain(problem);
});
