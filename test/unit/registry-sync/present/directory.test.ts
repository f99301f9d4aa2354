import { describe, expect, test } from "vitest";
import { childAt, consumerNodeAt, directoryAt, mappingAt } from "../../../../src/registry-sync/present/directory.ts";

const roots = { roots: ["/dubbo", "/a/dubbo"], instanceRoots: ["/services"] };

describe("presented directories", () => {
  test.each([
    ["/dubbo/com.acme.Order/providers", "providers com.acme.Order"],
    ["/dubbo/com.acme.Order%24Inner/providers", "providers com.acme.Order$Inner"],
    ["/a/dubbo/com.acme.Order/providers", "providers com.acme.Order"],
    ["/dubbo/com.acme.Order/routers", "routers com.acme.Order"],
    ["/dubbo/config/dubbo", "rules "],
    ["/a/dubbo/config/dubbo", "rules "],
    ["/dubbo/config/dubbo/x", undefined],
    ["/config/dubbo", undefined],
    ["/services/shop", "instances shop"],
    ["/services/providers", "instances providers"],
    ["/dubbo/com.acme.Order/consumers", undefined],
    ["/dubbo/providers", undefined],
    ["/dubbo//providers", undefined],
    ["/dubbo/a/b/providers", undefined],
    ["/dubbo/%zz/providers", undefined],
    ["/dubbox/com.acme.Order/providers", undefined],
    ["/services", undefined],
    ["/services/", undefined],
    ["/services/shop/10.0.0.2:20880", undefined],
    ["/", undefined],
    ["", undefined],
  ])("%s is %s", (path, what) => {
    const found = directoryAt(path, roots);
    expect(found && `${found.kind} ${found.name}`).toBe(what);
    if (found) expect(found.path).toBe(path);
  });

  test("a root may be the tree's own", () => {
    const own = { roots: ["/"], instanceRoots: [] };
    expect(directoryAt("/com.acme.Order/providers", own)?.name).toBe("com.acme.Order");
    expect(directoryAt("/providers", own)).toBeUndefined();
  });

  test("a node right below is known with its directory", () => {
    expect(childAt("/dubbo/com.acme.Order/providers/x", roots)).toMatchObject({
      directory: { kind: "providers", path: "/dubbo/com.acme.Order/providers" },
      name: "x",
    });
    expect(childAt("/services/shop/10.0.0.2:20880", roots)?.directory.name).toBe("shop");
    expect(childAt("/services/shop/a/b", roots)).toBeUndefined();
    expect(childAt("/x", roots)).toBeUndefined();
  });

  test("a consumer's own node is known by its place", () => {
    expect(consumerNodeAt("/dubbo/com.acme.Order/consumers/c", roots)).toBe("c");
    expect(consumerNodeAt("/dubbo/com.acme.Order/providers/c", roots)).toBeUndefined();
    expect(consumerNodeAt("/x/com.acme.Order/consumers/c", roots)).toBeUndefined();
    expect(consumerNodeAt("consumers", roots)).toBeUndefined();
  });
});

test.each([
  ["/dubbo/mapping/com.acme.Order", "com.acme.Order"],
  ["/a/dubbo/mapping/com.acme.Order", "com.acme.Order"],
  ["/dubbo/mapping", undefined],
  ["/dubbo/mapping/", undefined],
  ["/dubbo/mapping/com.acme.Order/x", undefined],
  ["/mapping/com.acme.Order", undefined],
])("%s is the mapping of %s", (path, name) => {
  expect(mappingAt(path, roots)).toBe(name);
  expect(mappingAt(path.slice("/dubbo".length), { roots: ["/"] })).toBe(path.startsWith("/dubbo") ? name : undefined);
});
