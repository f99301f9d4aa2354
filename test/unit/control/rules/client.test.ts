import { expect, test } from "vitest";
import { isSeen, meshClient, selectsLabels } from "../../../../src/control/rules/client.ts";

test.each([
  { exportTo: undefined, own: "a", namespace: "b", seen: true },
  { exportTo: [], own: "a", namespace: "b", seen: true },
  { exportTo: ["*"], own: "a", namespace: "b", seen: true },
  { exportTo: ["."], own: "a", namespace: "a", seen: true },
  { exportTo: ["."], own: "a", namespace: "b", seen: false },
  { exportTo: ["b", "c"], own: "a", namespace: "c", seen: true },
  { exportTo: ["b"], own: "a", namespace: "a", seen: false },
])("exported by $own to $exportTo, seen in $namespace: $seen", ({ exportTo, own, namespace, seen }) => {
  expect(isSeen(exportTo, own, namespace)).toBe(seen);
});

test("a selector takes what has all its labels", () => {
  expect(selectsLabels({}, {})).toBe(true);
  expect(selectsLabels({ a: "1" }, { a: "1", b: "2" })).toBe(true);
  expect(selectsLabels({ a: "1", b: "3" }, { a: "1", b: "2" })).toBe(false);
  expect(selectsLabels({ toString: "x" }, {})).toBe(false);
});

test("the mesh's own client shares a proxy with others", () => {
  expect(meshClient()).toMatchObject({ namespace: "default", isShared: true, labels: {} });
});
