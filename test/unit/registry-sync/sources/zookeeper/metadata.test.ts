import { expect, test } from "vitest";
import { metadataNodes } from "../../../../../src/registry-sync/sources/zookeeper/metadata.ts";

const nodes = metadataNodes("/dubbo/metadata", "zk");

test.each([
  ["a.Orders", "", "", "app", "a.Orders/provider/app"],
  ["a.Orders", "1.0.0", "", "app", "a.Orders/1.0.0/provider/app"],
  ["a.Orders", "", "g", "app", "a.Orders/g/provider/app"],
  ["a.Orders", "1.0.0", "g", "app", "a.Orders/1.0.0/g/provider/app"],
  ["a.Orders", "0.0.0", "", "app", "a.Orders/0.0.0/provider/app"],
  ["a.B$C", "", "", "app", "a.B%24C/provider/app"],
])("the report of %s, version %j, group %j, of %s is at %s", (interfaceName, version, group, application, path) => {
  expect(nodes.keyOf({ interfaceName, version, group, application })).toBe(`/dubbo/metadata/${path}`);
});

test.each([
  ["", "a/b"],
  ["x/y", "app"],
])("with group %j, application %j there can be no node", (group, application) => {
  expect(nodes.keyOf({ interfaceName: "a.Orders", version: "", group, application })).toBeUndefined();
});

test("the folders above a report come from the top down", () => {
  expect(nodes.foldersOf("/dubbo/metadata/a.Orders/1.0.0/provider/app")).toEqual([
    "/dubbo/metadata/a.Orders",
    "/dubbo/metadata/a.Orders/1.0.0",
    "/dubbo/metadata/a.Orders/1.0.0/provider",
  ]);
  expect([nodes.top, nodes.name]).toEqual(["/dubbo/metadata", "registry zk"]);
});
