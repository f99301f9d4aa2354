import { expect, test } from "vitest";
import { HeldResources } from "../../../../../src/cli/mesh/remote/held.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, SECRET_TYPE } from "../../../../../src/codecs/xds/resources.ts";

const resource = (name: string, version = "1") => ({ name, version, resource: { name } });
const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

test("what is given is kept by type, in order of names", () => {
  const held = new HeldResources();
  held.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("b"), resource("a")], removed: [] });
  held.apply({ typeUrl: ENDPOINT_TYPE, resources: [resource("a")], removed: [] });
  held.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("c", "2")], removed: ["b"] });
  expect(names(held.set.clusters)).toEqual(["a", "c"]);
  expect(names(held.set.endpoints)).toEqual(["a"]);
  expect([...held.versions(CLUSTER_TYPE)]).toEqual([
    ["a", "1"],
    ["c", "2"],
  ]);
});

test("a key that was given is not taken back, until it is asked for no more", () => {
  const held = new HeldResources();
  held.apply({ typeUrl: SECRET_TYPE, resources: [resource("key"), resource("other")], removed: [] });
  held.apply({ typeUrl: SECRET_TYPE, resources: [resource("other", "2")], removed: ["key"] });
  expect([...held.versions(SECRET_TYPE)]).toEqual([
    ["key", "1"],
    ["other", "2"],
  ]);
  held.forget(SECRET_TYPE, ["key"]);
  expect([...held.versions(SECRET_TYPE)]).toEqual([["other", "2"]]);
});

test("a list that nothing was given for is the same list", () => {
  const held = new HeldResources();
  held.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("a")], removed: [] });
  const before = held.set;
  held.apply({ typeUrl: ENDPOINT_TYPE, resources: [resource("a")], removed: [] });
  expect(held.set.clusters).toBe(before.clusters);
  expect(held.set.endpoints).not.toBe(before.endpoints);
});

test("a change of one of many leaves the others where they are", () => {
  const held = new HeldResources();
  const many = Array.from({ length: 1_000 }, (_, i) => resource(`n${i}`));
  held.apply({ typeUrl: CLUSTER_TYPE, resources: many, removed: [] });
  const before = held.set.clusters;
  let compared = 0;
  const counted = { ...resource("n500", "2") };
  Object.defineProperty(counted, "name", { get: () => (compared++ >= 0 ? "n500" : "") });
  held.apply({ typeUrl: CLUSTER_TYPE, resources: [counted], removed: [] });
  const { clusters } = held.set;
  expect(clusters).toHaveLength(1_000);
  expect(clusters.filter((one, i) => (one as object) !== before[i])).toEqual([counted]);
  expect(compared).toBeLessThan(10);
});

test("the version is that of the content, whatever way led there", () => {
  const [one, other] = [new HeldResources(), new HeldResources()];
  one.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("a"), resource("b")], removed: [] });
  other.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("b", "0"), resource("c")], removed: [] });
  expect(other.set.version).not.toBe(one.set.version);
  other.apply({ typeUrl: CLUSTER_TYPE, resources: [resource("a"), resource("b")], removed: ["c"] });
  expect(other.set.version).toBe(one.set.version);
});

test("a type that nobody asks for is left out", () => {
  const held = new HeldResources();
  const { version } = held.set;
  held.apply({ typeUrl: "type.googleapis.com/x.Y", resources: [resource("a")], removed: [] });
  expect(held.set.version).toBe(version);
});
