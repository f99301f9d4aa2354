import { expect, test } from "vitest";
import { styleLabels } from "../../../../src/registry-sync/naming/style-labels.ts";
import { endpoint } from "../../../support/worlds.ts";

const params = {
  methods: "a,b",
  "dubbo.tag": "gray",
  zone: "a:b,c",
  version: "1.0.0",
  aeraki_meta_app_version: "v2",
  instanceId: "10.0.0.1:8080",
  "nacos.cluster": "HZ",
};

test.each([
  ["trestle", "zookeeper", {}],
  ["higress", "nacos", {}],
  ["dubbo2istio", "zookeeper", { methods: "a-b", version: "v2", registryName: "legacy" }],
  ["slime", "zookeeper", { dubboTag: "gray", zone: "a_b_c", instanceId: "10.0.0.1_8080" }],
  ["slime", "nacos", { instanceId: "10.0.0.1_8080" }],
  ["nacos-istio", "nacos", { cluster: "HZ" }],
  ["nacos-istio", "zookeeper", {}],
] as const)("%s gives endpoints of %s what differs from their parameters", (style, scheme, expected) => {
  expect({ ...styleLabels(style, scheme, "legacy")(endpoint("10.0.0.1", { params })) }).toEqual(expected);
});

test("Slime takes a list in dubbo.tag apart", () => {
  const labels = styleLabels(
    "slime",
    "zookeeper",
    "r",
  )(endpoint("10.0.0.1", { params: { "dubbo.tag": "lane=a,env=b,x" } }));
  expect({ ...labels }).toEqual({ lane: "a", env: "b" });
});

test("what Kubernetes takes for no label is left out", () => {
  const labels = styleLabels(
    "dubbo2istio",
    "zookeeper",
    "no label!",
  )(endpoint("10.0.0.1", { params: { "bad key ": "a,b", long: `${"x".repeat(63)},y`, aeraki_meta_app_version: "" } }));
  expect({ ...labels }).toEqual({});
});

test("a parameter called __proto__ makes no prototype", () => {
  const labels = styleLabels(
    "slime",
    "zookeeper",
    "r",
  )(endpoint("10.0.0.1", { params: JSON.parse('{"dubbo.tag": "__proto__=a,b=c"}') }));
  expect(Object.getPrototypeOf(labels)).toBe(null);
  expect(labels["b"]).toBe("c");
});
