import { expect, test } from "vitest";
import { serviceRootsOf, ZOOKEEPER_QUERY, zookeeperQueryFault } from "../../../../src/cli/config/zookeeper-query.ts";

test.each([
  [{}, ["/services"]],
  [{ services: "/apps" }, ["/apps"]],
  [{ services: "services,/apps/eu/,/apps/eu" }, ["/services", "/apps/eu"]],
] as const)("%j names the roots %j", (query, roots) => {
  expect(serviceRootsOf(query)).toEqual(roots);
});

test.each([
  ["services", "/services,/apps", undefined],
  ["root", "/anything//at all", undefined],
  ["services", "/", 'services must name a path such as /services, not "/"'],
  ["services", "/a,", 'services must name a path such as /services, not ""'],
  ["services", "/a//b", expect.stringMatching(/^"\/a\/\/b" in services is no path of ZooKeeper: /)],
  ["services", "/a/../b", expect.stringMatching(/ is no path of ZooKeeper: /)],
  ["services", Array.from({ length: 17 }, (_, i) => `/a${i}`).join(), "services names 17 paths; at most 16 are read"],
])("of %s=%s is said: %s", (name, value, fault) => {
  expect(zookeeperQueryFault(name, value)).toEqual(fault);
});

test("the names are Dubbo's and ours", () => {
  expect(ZOOKEEPER_QUERY).toEqual(["root", "group", "backup", "services"]);
});
