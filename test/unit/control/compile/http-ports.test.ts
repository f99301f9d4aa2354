import { expect, test } from "vitest";
import { assignPorts, httpServices } from "../../../../src/control/compile/http-ports.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const range = { from: 31_000, to: 31_999, taken: new Set<number>() };

test("services with a provider that speaks HTTP need a port", () => {
  const entries = [
    entryOf("a.A", ["dubbo://10.0.0.1:1"]),
    entryOf("shop", ["http://10.0.0.1:2"]),
    entryOf("c.C", ["http://10.0.0.1:5?interface=c.C"]),
    entryOf("b.B", ["dubbo://10.0.0.1:3", "http://10.0.0.1:4"]),
  ];
  expect(httpServices(entries)).toEqual(["shop", "b.B"]);
});

test("a service's port is by its name, whatever else there is", () => {
  const alone = assignPorts(["shop"], range).get("shop")!;
  expect(alone).toBeGreaterThanOrEqual(31_000);
  expect(alone).toBeLessThanOrEqual(31_999);
  expect(assignPorts(["stock", "shop", "users"], range).get("shop")).toBe(alone);
  expect(assignPorts(["users", "shop"], range).get("shop")).toBe(alone);
});

test("no two services share a port, and none gets one that is taken", () => {
  const small = { from: 1, to: 5, taken: new Set([3]) };
  const assigned = assignPorts(["a", "b", "c", "d"], small);
  expect([...assigned.values()].sort()).toEqual([1, 2, 4, 5]);
  expect(assignPorts(["a", "b", "c", "d", "e"], small).size).toBe(4);
});

test("a port that was given stays, unless it is taken by now", () => {
  const first = assignPorts(["shop"], range).get("shop")!;
  const before = new Map([["other", first]]);
  const later = assignPorts(["shop", "other"], range, before);
  expect([later.get("other"), later.get("shop")]).toEqual([first, first === 31_999 ? 31_000 : first + 1]);
  expect(assignPorts(["other"], { ...range, taken: new Set([first]) }, before).get("other")).not.toBe(first);
});
