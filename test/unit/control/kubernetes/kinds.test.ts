import { expect, test } from "vitest";
import {
  GROUP_VERSIONS,
  nameOfResource,
  RULE_RESOURCES,
  readGroups,
  readResources,
} from "../../../../src/control/kubernetes/kinds.ts";

const group = (name: string, ...versions: readonly string[]) => ({
  name,
  versions: versions.map((version) => ({ groupVersion: `${name}/${version}`, version })),
});

test("of the groups that a server has those count that hold rules, the best version first", () => {
  const answer = {
    groups: [group("apps", "v1"), group("networking.istio.io", "v1alpha3", "v1"), group("trestle.io", "v2")],
  };
  expect([...readGroups(answer)]).toEqual([["networking.istio.io", ["v1", "v1alpha3"]]]);
  for (const wrong of [undefined, {}, { groups: "x" }, { groups: [null, { name: 1 }, group("__proto__", "v1")] }])
    expect([...readGroups(wrong)]).toEqual([]);
});

test("of its resources those are kinds of rules, with a status where it is a subresource", () => {
  const answer = { resources: [{ name: "sidecars" }, { name: "virtualservices" }, { name: "virtualservices/status" }] };
  expect(readResources("networking.istio.io", "v1", answer)).toEqual([
    { kind: "VirtualService", group: "networking.istio.io", plural: "virtualservices", version: "v1", hasStatus: true },
    { kind: "Sidecar", group: "networking.istio.io", plural: "sidecars", version: "v1", hasStatus: false },
  ]);
  expect(readResources("networking.istio.io", "v1", undefined)).toEqual([]);
});

test("each kind is of a group whose versions are known", () => {
  for (const one of RULE_RESOURCES) expect(Object.keys(GROUP_VERSIONS)).toContain(one.group);
  expect(RULE_RESOURCES.map(nameOfResource)).toContain("grpcroutes.gateway.networking.k8s.io");
});
