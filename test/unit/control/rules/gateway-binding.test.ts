import { expect, test } from "vitest";
import {
  commonDomain,
  isBoundTo,
  namesGateway,
  takesNamespace,
} from "../../../../src/control/rules/gateway-binding.ts";

const gateway = { namespace: "edge", name: "gate" } as never;
const rule = (...gateways: string[]) => ({ namespace: "shop", gateways }) as never;

test("a rule names a Gateway of its namespace by its name, and any with its namespace", () => {
  expect([isBoundTo(rule("gate"), gateway), isBoundTo(rule("x", "edge/gate"), gateway)]).toEqual([false, true]);
  expect(namesGateway("gate", { namespace: "edge" } as never, gateway)).toBe(true);
});

test("what a host and a server have in common is the narrower of the two", () => {
  expect(commonDomain("A.x.org", "shop/*.x.org")).toBe("a.x.org");
  expect(commonDomain("*", "x.org")).toBe("x.org");
  expect(commonDomain("y.org", "x.org")).toBeUndefined();
});

test.each([
  ["x.org", true],
  ["*/x.org", true],
  ["./x.org", false],
  ["shop/x.org", true],
  ["other/x.org", false],
])("a server's host %s is for rules of shop: %s", (taken, is) => {
  expect(takesNamespace(taken, rule(), gateway)).toBe(is);
});

test("a server's host ./x.org is for rules of the Gateway's own namespace", () => {
  expect(takesNamespace("./x.org", { namespace: "edge" }, gateway)).toBe(true);
});
