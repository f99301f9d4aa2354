import { expect, test } from "vitest";
import { springChanges, springPlan } from "../../../../../src/registry-sync/sources/zookeeper/spring-plan.ts";
import type { TreeNode } from "../../../../../src/registry-sync/sources/zookeeper/tree-watch.ts";

const ROOTS = ["/services", "/apps/eu"];

test.each([
  ["/services", "list"],
  ["/services/shop", "list"],
  ["/services/shop/6f1d", "data"],
  ["/services/shop/6f1d/below", undefined],
  ["/servicesx/shop", undefined],
  ["/apps", undefined],
  ["/apps/eu/shop/6f1d", "data"],
  ["/dubbo", undefined],
])("of %s is kept: %s", (path, kept) => {
  const wanted = springPlan(ROOTS)(path);
  expect(wanted && (wanted.children ? "list" : "data")).toBe(kept);
});

test("a changed instance gives its application's folder whole, once, and a folder that is gone as such", () => {
  const list = (...names: string[]): TreeNode => ({ children: new Set(names), data: undefined });
  const text = (data: string | null): TreeNode =>
    ({ children: undefined, data: data && Buffer.from(data) }) as TreeNode;
  const b = text("2");
  const tree = new Map<string, TreeNode>([
    ["/services/shop", list("b", "a", "unread", "null")],
    ["/services/shop/a", text("1")],
    ["/services/shop/b", b],
    ["/services/shop/null", text(null)],
    ["/services/other", list()],
    ["/apps/eu/shop", list()],
  ]);
  const changed = new Set([
    ...["/services", "/services/shop/b", "/services/shop", "/services/gone/x", "/apps/eu/shop", "/dubbo/a.B"],
  ]);
  const changes = springChanges(ROOTS, tree, changed);
  expect([...changes.keys()]).toEqual(["/services/shop", "/services/gone", "/apps/eu/shop"]);
  expect([...changes.get("/services/shop")!.keys()]).toEqual(["a", "b"]);
  expect(changes.get("/services/shop")!.get("b")).toBe(b.data);
  expect(changes.get("/services/gone")).toBeUndefined();
  expect(changes.get("/apps/eu/shop")!.size).toBe(0);
});
