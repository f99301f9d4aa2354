import { expect, test } from "vitest";
import {
  DEFAULT_ROOTS,
  decodeName,
  dubboChanges,
  dubboPlan,
} from "../../../../../src/registry-sync/sources/zookeeper/dubbo-plan.ts";
import type { TreeNode } from "../../../../../src/registry-sync/sources/zookeeper/tree-watch.ts";

const plan = dubboPlan(DEFAULT_ROOTS);

test.each([
  ["/dubbo", "list"],
  ["/dubbo/a.B", "list"],
  ["/dubbo/a.B/providers", "list"],
  ["/dubbo/a.B/other", undefined],
  ["/dubbo/a.B/providers/x", undefined],
  ["/dubbo/mapping", "list"],
  ["/dubbo/mapping/a.B", "list and data"],
  ["/dubbo/mapping/a.B/app", undefined],
  ["/dubbo/config", "list"],
  ["/dubbo/config/dubbo", "list"],
  ["/dubbo/config/other", undefined],
  ["/dubbo/config/dubbo/app.tag-router", "data"],
  ["/dubbo/metadata", undefined],
  ["/dubbox", undefined],
  ["/services", "list"],
  ["/services/app", "list"],
  ["/services/app/1.2.3.4:5", undefined],
])("of %s is kept: %s", (path, kept) => {
  const wanted = plan(path);
  const words = wanted && [wanted.children && "list", wanted.data && "data"].filter(Boolean).join(" and ");
  expect(words).toBe(kept);
});

test("of metadata is kept what the reports want", () => {
  const wants = (path: string) => (path.endsWith("/app") ? "report" : path.endsWith("/a.B") ? "folder" : undefined);
  const withReports = dubboPlan(DEFAULT_ROOTS, { wants });
  expect(withReports("/dubbo/metadata/a.B")).toEqual({ children: true, data: false });
  expect(withReports("/dubbo/metadata/a.B/provider/app")).toEqual({ children: false, data: true });
  expect(withReports("/dubbo/metadata/other")).toBeUndefined();
});

test("changed paths become what Dubbo keeps there", () => {
  const list = (...names: string[]): TreeNode => ({ children: new Set(names), data: undefined });
  const text = (data: string | null): TreeNode => ({
    children: undefined,
    data: data === null ? null : Buffer.from(data),
  });
  const tree = new Map<string, TreeNode>([
    ["/dubbo", list("a.B")],
    ["/dubbo/a.B", list("providers")],
    ["/dubbo/a.B/providers", list("p2", "p1")],
    ["/dubbo/mapping/a.B", { children: new Set(["old-app"]), data: Buffer.from("app2, app1,") }],
    ["/dubbo/mapping/x%24Y", { children: new Set(["old-app"]), data: Buffer.from("1700000000000") }],
    ["/dubbo/config/dubbo/app.tag-router", text("force: true")],
    ["/dubbo/config/dubbo/empty", text(null)],
    ["/services/app", list("1.2.3.4:5")],
  ]);
  const gone = ["/dubbo/gone", "/dubbo/mapping/gone", "/dubbo/config/dubbo/gone", "/services/gone"];
  const changes = dubboChanges(DEFAULT_ROOTS, tree, new Set([...tree.keys(), ...gone]));
  expect(changes).toEqual({
    interfaces: new Map([
      ["a.B", { providers: ["p1", "p2"], consumers: [], configurators: [], routers: [] }],
      ["gone", undefined],
    ]),
    mapping: new Map<string, unknown>([
      ["a.B", ["app1", "app2", "old-app"]],
      ["x$Y", ["old-app"]],
      ["gone", undefined],
    ]),
    rules: new Map<string, unknown>([
      ["app.tag-router", "force: true"],
      ["empty", ""],
      ["gone", undefined],
    ]),
    instances: new Map<string, unknown>([
      ["app", ["1.2.3.4:5"]],
      ["gone", undefined],
    ]),
  });
});

test("names that are not well encoded stand as they are", () => {
  expect([decodeName("a%24b+c"), decodeName("100%"), decodeName("a.B")]).toEqual(["a$b c", "100%", "a.B"]);
});
