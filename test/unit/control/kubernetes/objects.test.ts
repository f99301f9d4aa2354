import { expect, test } from "vitest";
import type { ServedResource } from "../../../../src/control/kubernetes/kinds.ts";
import { RuleObjects } from "../../../../src/control/kubernetes/objects.ts";

const resource: ServedResource = {
  ...{ kind: "VirtualService", group: "networking.istio.io", plural: "virtualservices", version: "v1" },
  hasStatus: true,
};
const object = (name: string, timeout = "1s", more: object = {}, namespace = "shop") => ({
  metadata: { name, namespace, generation: 1, resourceVersion: "7", uid: "x", managedFields: [{}], ...more },
  spec: { hosts: ["a"], http: [{ timeout, route: [{ destination: { host: "a" } }] }] },
});

test("an object is read as a file is; its places are its kind, its name and fields", () => {
  const objects = new RuleObjects();
  expect(objects.put(resource, object("orders"))).toBe("shop/orders");
  objects.put(resource, object("bad", "soon"));
  const [good, bad] = objects.all();
  expect(good).toMatchObject({ namespace: "shop", name: "orders", generation: 1, resourceVersion: "7", status: {} });
  expect(good?.state).toMatchObject({ path: "VirtualService shop/orders", valid: true });
  expect(good?.state.rules[0]?.at.position).toEqual({ file: "VirtualService shop/orders", line: 0, column: 0 });
  expect(bad?.state.findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0210", "VirtualService shop/bad spec.http[0].timeout"],
    ["TR0215", "VirtualService shop/bad"],
  ]);
});

test("objects of a second cluster are called by it, too", () => {
  const objects = new RuleObjects("@east");
  expect(objects.put(resource, object("orders", "soon"))).toBe("shop/orders");
  const [{ state }] = objects.all() as [ReturnType<typeof objects.all>[number]];
  expect(state.path).toBe("VirtualService shop/orders@east");
  expect(state.findings[0]?.at).toBe("VirtualService shop/orders@east spec.http[0].timeout");
  objects.remove(resource, object("orders"));
  expect(objects.all()).toEqual([]);
});

test("a change of status or of what servers note is no other rule; one that is wrong keeps the last good state", () => {
  const objects = new RuleObjects();
  objects.put(resource, object("orders"));
  const [before] = objects.all();
  objects.put(resource, { ...object("orders", "1s", { resourceVersion: "8", uid: "y" }), status: { x: 1 } });
  const [after] = objects.all();
  expect(after?.state).toBe(before?.state);
  expect(after).toMatchObject({ resourceVersion: "8", status: { x: 1 } });
  objects.put(resource, object("orders", "soon"));
  expect(objects.all()[0]?.state).toMatchObject({ valid: false, rules: before?.state.rules });
  objects.put(resource, object("orders", "2s"));
  expect(objects.all()[0]?.state.valid).toBe(true);
});

test("a policy that is wrong when objects are read first closes what it may be for", () => {
  let isFirst = true;
  const objects = new RuleObjects("", () => isFirst);
  const policies = {
    ...resource,
    kind: "AuthorizationPolicy",
    group: "security.istio.io",
    plural: "authorizationpolicies",
  } as const;
  const put = (name: string) =>
    objects.put(policies, { metadata: { name, namespace: "shop" }, spec: { action: "NO" } });
  put("old");
  isFirst = false;
  put("new");
  expect(objects.all().map(({ name, state }) => [name, state.rules.length, state.findings.at(-1)?.code])).toEqual([
    ["old", 1, "TR0278"],
    ["new", 0, "TR0215"],
  ]);
});

test("a list replaces what it is of: a namespace, or all", () => {
  const objects = new RuleObjects();
  objects.replace(resource, undefined, [object("a"), object("b"), object("c", "1s", {}, "legacy")]);
  objects.replace(resource, "shop", [object("b")]);
  const names = () => objects.all().map(({ namespace, name }) => `${namespace}/${name}`);
  expect(names()).toEqual(["shop/b", "legacy/c"]);
  objects.remove(resource, object("b"));
  objects.replace(resource, undefined, [object("d"), null, "x", { metadata: {} }]);
  expect(names()).toEqual(["shop/d"]);
  objects.forget(resource);
  expect(names()).toEqual([]);
});

test("parents of routes are kept as they are written", () => {
  const objects = new RuleObjects();
  const route = { ...resource, kind: "GRPCRoute", group: "gateway.networking.k8s.io", plural: "grpcroutes" } as const;
  const parentRefs = [{ group: "", kind: "Service", name: "orders" }];
  objects.put(route, { metadata: { name: "r", namespace: "shop" }, spec: { parentRefs } });
  expect(objects.all()[0]?.parentRefs).toEqual(parentRefs);
});
