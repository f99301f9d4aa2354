import { expect, test } from "vitest";
import { asksArguments, type RoutedCall, routedCall } from "../../../../src/bridge-proxy/policies/router-call.ts";

function callOf(...keys: (readonly string[] | undefined)[]): RoutedCall {
  const headers: Readonly<Record<string, string>> = {
    "dubbo-application": "web",
    "dubbo-arg-0": "42",
    user: "7",
  };
  return {
    route: { targets: keys.map((callKeys) => ({ cluster: { callKeys } })) },
    decision: { method: "getOrder", host: { key: { interface: "a.B", group: "g", version: "" } } },
    header: (name: string) => headers[name],
    address: "10.0.0.9",
    config: { callerOf: (address: string) => (address === "10.0.0.9" ? { site: "east" } : undefined) },
  } as unknown as RoutedCall;
}

test("nothing is read where no destination has routers", () => {
  expect(routedCall(callOf(undefined, undefined))).toBeUndefined();
});

test("routers that ask for nothing count nevertheless", () => {
  expect(routedCall(callOf([]))?.("x")).toBeUndefined();
  expect(routedCall(callOf([]))).toBeDefined();
});

test.each<[key: string, value: string | undefined]>([
  ["method", "getOrder"],
  ["methods", "getOrder"],
  ["host", "10.0.0.9"],
  ["address", "10.0.0.9"],
  ["application", "web"],
  ["protocol", "consumer"],
  ["interface", "a.B"],
  ["arguments[0]", "42"],
  ["arguments[0].name", "42"],
  ["arguments[1]", "null"],
  ["arguments[x]", "dubbo_internal_not_found_argument_condition_value"],
  ["attachments[user]", "7"],
  ["attachments[none]", undefined],
  ["attachments[a.b]", "dubbo_internal_not_found_argument_condition_value"],
  ["site", "east"],
  ["none", undefined],
])("%s of a call is %s", (key, value) => {
  expect(routedCall(callOf(undefined, ["method", key]))?.(key)).toBe(value);
});

test("arguments are asked for only where a router asks", () => {
  expect(asksArguments(callOf(["method"], ["arguments[0]"]).route)).toBe(true);
  expect(asksArguments(callOf(["method"], undefined).route)).toBe(false);
});

test("of a caller outside the mesh routers are told what it may say", () => {
  const keys = ["application", "arguments[0]", "attachments[user]", "attachments[dubbo-application]", "method"];
  const value = routedCall({ ...callOf(keys), isOutside: true })!;
  expect(keys.map(value)).toEqual([undefined, "null", "7", undefined, "getOrder"]);
});
