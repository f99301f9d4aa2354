import { expect, test } from "vitest";
import { compileEndpoint } from "../../../../src/control/compile/endpoints.ts";
import { withRouting } from "../../../../src/control/compile/routing.ts";
import { plainEndpoint } from "../../../../src/model/entry.ts";
import type { Routing } from "../../../../src/model/routing.ts";

const endpoint = (address: string, protocol: string, params: Readonly<Record<string, string>>) =>
  plainEndpoint({ address, port: 20880, protocol, weight: 100, params, origin: "z" });
const endpoints = [
  endpoint("10.0.0.1", "dubbo", { region: "hz", interface: "a.B" }),
  endpoint("10.0.0.1", "tri", { interface: "a.B" }),
];
const keys = ["host", "port", "address", "protocol", "path", "region", "arguments[0]", "toString"];
const routing: Routing = {
  steps: [
    {
      rule: "/r",
      text: "",
      force: false,
      when: [],
      to: [{ match: keys.map((key) => ({ key, is: ["x"] })), weight: 1 }],
    },
  ],
};
const groups = endpoints.map((one) => ({ lbEndpoints: [compileEndpoint(one)] }));

test("without routers nothing is changed", () => {
  expect(withRouting(groups, endpoints, {})).toBe(groups);
});

test("each endpoint says what routers ask of it, and the first place has the routers", () => {
  const made = withRouting(groups, endpoints, { routing });
  expect(made.map(({ metadata }) => metadata?.filterMetadata["io.trestle"])).toEqual([{ routing }, undefined]);
  const values = made.map(({ lbEndpoints }) => lbEndpoints[0]!.metadata?.filterMetadata["io.trestle"]?.values);
  const common = { "arguments[0]": expect.any(String) as string, host: "10.0.0.1", port: "20880", path: "a.B" };
  expect(values).toEqual([
    { ...common, address: "10.0.0.1:20880", protocol: "dubbo", region: "hz" },
    { ...common, address: "10.0.0.1:20880", protocol: "tri" },
  ]);
});

test("routers that ask nothing of endpoints leave them as they are", () => {
  const made = withRouting(groups, endpoints, {
    routing: { steps: [], tags: { rule: "/t", names: ["a"], force: true } },
  });
  expect(made[0]!.lbEndpoints[0]).toBe(groups[0]!.lbEndpoints[0]);
});

test("endpoints of a subset that is one of a tag are told as such", () => {
  const made = withRouting(groups, endpoints, { isOfTag: true });
  expect(made.map(({ metadata }) => metadata?.filterMetadata["io.trestle"])).toEqual([{ isOfTag: true }, undefined]);
});
