import { describe, expect, test } from "vitest";
import { bindGatewayRoutes } from "../../../../../src/control/rules/gateway-api/attach.ts";
import type { VirtualService } from "../../../../../src/model/rule.ts";
import type { GatewayRoute } from "../../../../../src/model/rules/gateway-route.ts";
import { rulesOf } from "../../../../support/rules.ts";

const PARENT = "{group: networking.istio.io, kind: ServiceEntry, name: com.acme.a, namespace: shop}";
const grpcRoute = (name: string, rules: string, metadata = "", parent = PARENT) =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: ${name}, namespace: shop${metadata}}\nspec: {parentRefs: [${parent}], rules: ${rules}}\n`;
const to = (name: string) => `backendRefs: [{group: networking.istio.io, kind: ServiceEntry, name: ${name}}]`;
const attachedOf = (...texts: string[]) => {
  const rules = rulesOf(...texts);
  const routes = rules.filter((rule): rule is GatewayRoute => rule.kind === "GRPCRoute");
  return bindGatewayRoutes(routes, rules);
};
const destinations = ({ http }: VirtualService) => http.map(({ route }) => route![0]!.destination.host);

test("a route is the VirtualService of its parent's host", () => {
  const [rule, ...more] = attachedOf(grpcRoute("r", `[{${to("com.acme.b")}}]`));
  expect(more).toEqual([]);
  expect(rule).toMatchObject({ name: "r", namespace: "shop", hosts: ["com.acme.a"], inMesh: true });
  expect(rule!.exportTo).toBeUndefined();
  expect(destinations(rule!)).toEqual(["com.acme.b"]);
});

describe("routes of one parent stand together", () => {
  test("the narrower match first, whatever rule or route it is of", () => {
    const [rule] = attachedOf(
      grpcRoute("any", `[{${to("any")}}]`),
      grpcRoute(
        "narrow",
        `[{matches: [{method: {service: com.acme.A}}], ${to("service")}}, {matches: [{method: {service: com.acme.A, method: get}}], ${to("method")}}, {matches: [{method: {service: com.acme.A, method: get}, headers: [{name: x, value: y}]}], ${to("header")}}]`,
      ),
    );
    expect(rule!.name).toBe("any+narrow");
    expect(destinations(rule!)).toEqual(["header", "method", "service", "any"]);
  });

  test("then the older route, then by name, then in order", () => {
    const [rule] = attachedOf(
      grpcRoute("b", `[{${to("b1")}}, {${to("b2")}}]`),
      grpcRoute("a", `[{${to("a")}}]`),
      grpcRoute("old", `[{${to("old")}}]`, ", creationTimestamp: '2020-01-01T00:00:00Z'"),
    );
    expect(destinations(rule!)).toEqual(["old", "a", "b1", "b2"]);
  });
});

test("a route of another namespace than its parent's holds for callers of its own", () => {
  const [rule] = attachedOf(grpcRoute("r", `[{${to("b")}}]`, "", PARENT.replace("shop", "other")));
  expect(rule).toMatchObject({ namespace: "shop", exportTo: ["."] });
});

test("objects that rules define stand for their hosts", () => {
  const entry =
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: com.acme.a, namespace: shop}\nspec: {hosts: [a.example.com, b.example.com], ports: [{number: 80, name: http}], resolution: DNS}\n";
  const rules = attachedOf(entry, grpcRoute("r", `[{${to("com.acme.a")}}]`));
  expect(rules.map(({ hosts }) => hosts)).toEqual([["a.example.com"], ["b.example.com"]]);
  expect(rules.flatMap(destinations)).toEqual(["a.example.com", "a.example.com"]);
});

test("a parent's port is a condition", () => {
  const [rule] = attachedOf(grpcRoute("r", `[{${to("b")}}]`, "", PARENT.replace("}", ", port: 20880}")));
  expect(rule!.http[0]!.match).toMatchObject([{ port: 20880 }]);
});

test("a parent's port is a condition, a backend's port the destination's", () => {
  const [rule] = attachedOf(
    grpcRoute(
      "r",
      `[{${to("com.acme.b").replace("com.acme.b", "com.acme.b, port: 9090")}}]`,
      "",
      PARENT.replace("}", ", port: 80}"),
    ),
  );
  expect(rule!.http[0]!.match).toMatchObject([{ port: 80 }]);
  expect(rule!.http[0]!.route![0]!.destination).toMatchObject({ host: "com.acme.b", port: { number: 9090 } });
});

test("a parent's section is the port of that name, and one that is not there is told", () => {
  const entry =
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: com.acme.a, namespace: shop}\nspec: {hosts: [com.acme.a], ports: [{number: 80, name: http}, {number: 90, name: http-admin}], resolution: DNS}\n";
  const at = (more: string) => PARENT.replace("}", `, sectionName: ${more}}`);
  const bound = (more: string): string[] => {
    const rules = rulesOf(entry, grpcRoute("r", `[{${to("com.acme.b")}}]`, "", at(more)));
    const told: string[] = [];
    const routes = rules.filter((rule): rule is GatewayRoute => rule.kind === "GRPCRoute");
    const made = bindGatewayRoutes(routes, rules, (code, _, text) => told.push(`${code} ${text}`));
    return [...made.flatMap(({ http }) => http.map(({ match }) => String(match![0]!.port))), ...told];
  };
  expect([bound("http-admin"), bound("http-admin, port: 90")]).toEqual([["90"], ["90"]]);
  expect(bound("other")).toEqual(["TR0220 parent com.acme.a has no port named other: the route is for no call there"]);
  expect(bound("http-admin, port: 80")).toEqual([
    "TR0220 parent com.acme.a has no port named http-admin with number 80: the route is for no call there",
  ]);
});
