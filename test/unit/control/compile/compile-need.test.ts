import { expect, test } from "vitest";
import { type CompiledCluster, compileNeed, named } from "../../../../src/control/compile/compile-need.ts";
import { Variants } from "../../../../src/control/compile/variants.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { parseLocality } from "../../../../src/model/mesh.ts";
import type { DestinationRule } from "../../../../src/model/rules/destination-rule.ts";
import { contentVersion } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../support/rules.ts";

const entry = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?zone=a&lane=x", "dubbo://10.0.0.2:20880?zone=b"]);
const rule = (rest: string) => rulesOf(destinationRuleText("d", "com.acme.A", rest))[0] as DestinationRule;
const caches = () => new Variants<CompiledCluster>();
const need = (subset = "") => ({ name: `c|${subset}`, entry, host: entry.host, subset });
const given = (locality = "/a") => ({
  wire: ["dubbo"],
  client: { ...meshClient(), locality: parseLocality(locality) },
});
const addresses = ({ endpoints }: ReturnType<typeof compileNeed>) =>
  endpoints.resource.endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map((one) => one.endpoint.address.socketAddress.address),
  );

test("a subset has the endpoints with its labels, an unknown one none", () => {
  const subsets = rule("subsets: [{name: v, labels: {lane: x}}]");
  expect(addresses(compileNeed(need("v"), subsets, given(), caches()))).toEqual(["10.0.0.1"]);
  expect(addresses(compileNeed(need("w"), subsets, given(), caches()))).toEqual([]);
  expect(addresses(compileNeed({ ...need(), entry: undefined }, undefined, given(), caches()))).toEqual([]);
});

test("what looks the same to all clients is shared; what does not is not", () => {
  const both = caches();
  const plain = compileNeed(need(), undefined, given(), both);
  expect(compileNeed(need(), undefined, given("/b"), both)).toBe(plain);
  const near = rule("trafficPolicy: {outlierDetection: {}}");
  const ofA = compileNeed(need(), near, given("/a"), both);
  const ofB = compileNeed(need(), near, given("/b"), both);
  expect(ofA.endpoints.resource.endpoints.map(({ priority = 0 }) => priority)).toEqual([0, 1]);
  expect(ofB.endpoints.resource.endpoints.map(({ priority = 0 }) => priority)).toEqual([1, 0]);
  expect(compileNeed(need(), near, given("/a"), both)).toBe(ofA);
});

test("other protocols or another rule make another cluster", () => {
  const both = caches();
  const before = compileNeed(need(), undefined, given(), both);
  expect(compileNeed(need(), undefined, { ...given(), wire: ["tri"] }, both)).not.toBe(before);
  expect(compileNeed(need(), rule("subsets: []"), given(), both)).not.toBe(before);
});

test("a VirtualService takes the place of a registry's conditions, and its tags stay; a subset that is one of a tag has them chosen", () => {
  const step = { rule: "/c", text: "=>", force: false, when: [], to: [] };
  const tags = { rule: "/t", names: ["gray"], force: true };
  const gray = { ...entry.endpoints[0]!, tag: "gray" };
  const routed = { ...entry, endpoints: [gray, entry.endpoints[1]!], routing: { steps: [step], tags } };
  const subsets = rule("subsets: [{name: b, labels: {zone: b}}, {name: gray, labels: {dubbo.tag: gray}}]");
  const both = caches();
  const facts = (subset: string, isRuled: boolean, of: typeof entry = routed) => {
    const { endpoints } = compileNeed({ ...need(subset), entry: of }, subsets, { ...given(), isRuled }, both);
    return endpoints.resource.endpoints[0]?.metadata?.filterMetadata["io.trestle"];
  };
  expect(facts("", false)).toEqual({ routing: { steps: [step], tags } });
  expect(facts("", true)).toEqual({ routing: { steps: [], tags } });
  expect(facts("b", true)).toEqual({ routing: { steps: [], tags } });
  expect(facts("gray", true)).toEqual({ isOfTag: true });
  const untagged = { ...routed, routing: { steps: [step] } };
  expect([facts("", true, untagged), facts("b", true, untagged)]).toEqual([undefined, undefined]);
});

test("a resource is named with the version of its content", () => {
  const { cluster } = compileNeed(need(), undefined, given(), caches());
  expect(named(cluster.resource)).toEqual({ ...cluster, version: contentVersion(cluster.resource) });
});
