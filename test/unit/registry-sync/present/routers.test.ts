import { describe, expect, test } from "vitest";
import type { World } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { createRouterIndex } from "../../../../src/registry-sync/present/routers.ts";

const endpoint = { address: "10.0.0.2", port: 20880, protocol: "dubbo", params: { application: "shop" } };
const entry = (group: string, version: string) => ({
  host: `${group}${version}`,
  service: serviceKey("com.acme.Order", group, version),
  endpoints: [endpoint],
});
const world = {
  name: "zk",
  entries: [entry("", ""), entry("g", "1.0.0"), entry("g", "2.0.0")],
  consumers: [
    { service: serviceKey("com.acme.Order", "g", "1.0.0"), address: "10.0.0.4", application: "desk", params: {} },
  ],
  findings: [],
} as unknown as World;

describe("a node under routers is for the services of its interface that it names", () => {
  test.each([
    ["no group and no version", "", ["com.acme.Order"]],
    ["group and version", "&group=g&version=1.0.0", ["g/com.acme.Order:1.0.0"]],
    ["any version", "&group=g&version=*", ["g/com.acme.Order:1.0.0", "g/com.acme.Order:2.0.0"]],
    ["any group, version 0.0.0", "&group=*&version=0.0.0", ["com.acme.Order"]],
    ["another group", "&group=h", []],
  ])("%s", (_, params, keys) => {
    const name = encodeURIComponent(`route://0.0.0.0/com.acme.Order?category=routers${params}`);
    expect(createRouterIndex(world).ofNode("com.acme.Order", name)).toEqual(keys);
    expect(createRouterIndex(world).ofNode("com.acme.Other", name)).toEqual([]);
  });

  test("a name that is no URL is for none", () => {
    expect(createRouterIndex(world).ofNode("com.acme.Order", "%zz")).toEqual([]);
  });
});

describe("a key of the config centre is for the services that its stem names", () => {
  const all = ["com.acme.Order", "g/com.acme.Order:1.0.0", "g/com.acme.Order:2.0.0"];
  test.each([
    ["com.acme.Order:1.0.0:g.condition-router", ["g/com.acme.Order:1.0.0"]],
    ["g*com.acme.Order:2.0.0.condition-router", ["g/com.acme.Order:2.0.0"]],
    ["com.acme.Order.condition-router", ["com.acme.Order"]],
    ["shop.tag-router", all],
    ["desk.condition-router", ["g/com.acme.Order:1.0.0"]],
    ["other.condition-router", []],
    ["com.acme.Order:1.0.0:g.configurators", []],
    ["condition-router", []],
  ])("%s", (key, keys) => {
    expect(createRouterIndex(world).ofKey(key)).toEqual(keys);
  });
});
