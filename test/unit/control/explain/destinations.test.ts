import { expect, test } from "vitest";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../../../../src/control/compile/endpoints.ts";
import { clustersOf, destinationsOf } from "../../../../src/control/explain/destinations.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const entries = [
  entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]),
  entryOf("shop", ["http://10.0.0.2:80"]),
  entryOf("nobody", []),
];
const resources = compile(createSnapshot(entries, [], CARRIED_PROTOCOLS), { id: "w", dubbo: [] });
const nameOf = (host: string) => resources.clusters.find(({ name }) => name.endsWith(`|${host}`))!.name;
const book = { destinationRuleOf: () => "DestinationRule default/d", listedBy: () => "legacy", mappingOf: () => "" };

test("places have their shares, the rule in force, and why nobody there is called", () => {
  const clusters = ["com.acme.a", "shop", "nobody"].map((host, i) => ({ name: nameOf(host), weight: i + 1 }));
  const route = { match: {}, route: { weightedClusters: { clusters } } };
  const led = (isRequest: boolean) => destinationsOf(resources, route, { asRouters: () => undefined, isRequest, book });
  expect(led(false).map(({ host, share, rule, refusal }) => [host, share, rule, refusal?.slice(0, 29)])).toEqual([
    ["com.acme.a", 16.7, "DestinationRule default/d", undefined],
    ["shop", 33.3, "DestinationRule default/d", "its providers speak HTTP alon"],
    ["nobody", 50, "DestinationRule default/d", "no provider is known: the cal"],
  ]);
  expect(led(true).map(({ refusal }) => refusal?.slice(0, 29))).toEqual([
    "none of its providers speaks ",
    undefined,
    "no provider is known: the cal",
  ]);
  expect(clustersOf(undefined)).toEqual([]);
});
