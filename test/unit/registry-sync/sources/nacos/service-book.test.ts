import { expect, test } from "vitest";
import { ServiceBook } from "../../../../../src/registry-sync/sources/nacos/service-book.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const KEY = "DEFAULT_GROUP@@s";
const service = (lastRefTime: number, ...hosts: readonly object[]) => ({
  ...{ name: "s", groupName: "DEFAULT_GROUP", lastRefTime, hosts },
});
const one = nacosHost("a", 1, { k: "v" });
const book = (maxInstances = 10, clusters: readonly string[] = []) =>
  new ServiceBook({ maxServices: 10, maxInstances }, clusters);

test("instances that say the same stay the same objects", () => {
  const known = book();
  expect(known.take(KEY, service(1, one), true)).toBe("changed");
  const [first] = known.get(KEY)!.hosts;
  expect(known.take(KEY, service(2, { ...one, metadata: { k: "v" } }), false)).toBe("same");
  expect(known.take(KEY, service(3, nacosHost("b", 1), one), false)).toBe("changed");
  expect(known.get(KEY)!.hosts[1]).toBe(first);
});

test.each([
  ["weight", { weight: 2 }],
  ["health", { healthy: false }],
  ["being enabled", { enabled: false }],
  ["metadata", { metadata: { k: "w" } }],
  ["one more key", { metadata: { k: "v", l: "w" } }],
])("another instance is one that differs in %s", (_, more) => {
  const known = book();
  known.take(KEY, service(1, one), true);
  expect(known.take(KEY, service(2, { ...one, ...more }), false)).toBe("changed");
});

test("a list that comes under protection is another", () => {
  const known = book();
  known.take(KEY, service(1, one), true);
  expect(known.take(KEY, { ...service(2, one), reachProtectionThreshold: true }, false)).toBe("changed");
});

test("a weight of NaN is the same weight again", () => {
  const known = book();
  known.take(KEY, service(1, { ...one, weight: "NaN" }), true);
  expect(known.take(KEY, service(2, { ...one, weight: "NaN" }), false)).toBe("same");
});

test("what is older than what is known is not taken; two such answers in a row are: a clock was set back", () => {
  const known = book();
  known.take(KEY, service(10, one), true);
  expect(known.take(KEY, service(9), false)).toBe("stale");
  expect(known.take(KEY, service(8), false)).toBe("stale");
  expect(known.take(KEY, service(7), true)).toBe("stale");
  expect(known.get(KEY)!.hosts).toHaveLength(1);
  expect(known.take(KEY, service(7), true)).toBe("changed");
  expect(known.take(KEY, service(8, one), false)).toBe("changed");
});

test("another server's clock counts from its first answer on", () => {
  const known = book();
  known.take(KEY, service(10, one), true);
  known.forgetTimes();
  expect(known.take(KEY, service(5), true)).toBe("changed");
  expect(known.take(KEY, service(4, one), false)).toBe("stale");
});

test("where instances are kept those that are missing stay behind the others, until a list counts as it is", () => {
  const known = book(3);
  const at = (ip: string) => ({ ...one, ip });
  const ips = () => known.get(KEY)!.hosts.map(({ ip }) => ip);
  known.take(KEY, service(1, at("a"), at("b")), true);
  const [a] = known.get(KEY)!.hosts;
  expect(known.take(KEY, service(2), true, true)).toBe("same");
  expect(known.take(KEY, service(3, at("c"), at("b")), false, true)).toBe("changed");
  expect(ips()).toEqual(["c", "b", "a"]);
  expect(known.get(KEY)!.hosts[2]).toBe(a);
  expect(known.take(KEY, service(4, at("d"), at("e")), false, true)).toBe("changed");
  // No more than the limit.
  expect(ips()).toEqual(["d", "e", "c"]);
  expect([known.release(), known.release()]).toEqual([[KEY], []]);
  expect(known.take(KEY, service(5, at("d")), true)).toBe("changed");
  expect(ips()).toEqual(["d"]);
});

test("what came back while instances were kept is not to be read again", () => {
  const known = book();
  known.take(KEY, service(1, one), true);
  known.take(KEY, service(2), true, true);
  known.take(KEY, service(3, one), false, true);
  expect(known.release()).toEqual([]);
});

test("instances of other clusters are left out", () => {
  const known = book(10, ["C1", "C2"]);
  known.take(KEY, service(1, one, { ...one, ip: "b", clusterName: "C2" }), true);
  expect(known.get(KEY)!.hosts.map(({ ip }) => ip)).toEqual(["b"]);
});

test("over all services no more instances are kept than the limit, and room that is given back is used", () => {
  const known = book(3);
  const many = (name: string, count: number) => ({
    ...{ name, groupName: "DEFAULT_GROUP", lastRefTime: 1 },
    hosts: Array.from({ length: count }, (_, i) => nacosHost("a", i + 1)),
  });
  known.take("DEFAULT_GROUP@@x", many("x", 2), true);
  known.take("DEFAULT_GROUP@@y", many("y", 5), true);
  expect(known.get("DEFAULT_GROUP@@y")!.hosts).toHaveLength(1);
  expect(known.leftOut).toEqual({ unreadable: 0, over: 4, example: "DEFAULT_GROUP@@y" });
  expect(known.drop("DEFAULT_GROUP@@x")).toBe(true);
  expect(known.drop("DEFAULT_GROUP@@x")).toBe(false);
  known.drop("DEFAULT_GROUP@@y");
  expect(known.leftOut).toEqual({ unreadable: 0, over: 0, example: "" });
  known.take("DEFAULT_GROUP@@y", { ...many("y", 5), lastRefTime: 2 }, false);
  expect(known.get("DEFAULT_GROUP@@y")!.hosts).toHaveLength(3);
});

test.each([
  ["nothing", undefined],
  ["another service", { name: "t", groupName: "DEFAULT_GROUP" }],
  ["a text", "s"],
])("unreadable: %s", (_, value) => {
  const known = book();
  known.take(KEY, service(1, one), true);
  expect(known.take(KEY, value, true)).toBe("unreadable");
  expect(known.get(KEY)!.hosts).toHaveLength(1);
});

test("what is no instance is counted", () => {
  const known = book();
  known.take(KEY, service(1, one, { ip: "x" }), true);
  expect(known.leftOut).toEqual({ unreadable: 1, over: 0, example: KEY });
});
