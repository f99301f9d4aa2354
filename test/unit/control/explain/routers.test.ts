import { expect, test } from "vitest";
import { explainRouters } from "../../../../src/control/explain/routers.ts";
import type { RouterStep } from "../../../../src/model/routing.ts";
import { endpointsOf } from "../../../support/xds-fixtures.ts";

const plain = endpointsOf("a.B", "", [
  { port: 1, values: { region: "hz" } },
  { port: 2, values: { region: "sh" } },
]);
const step = (method: string, region: string, force = false): RouterStep => ({
  rule: "/r",
  text: `${method} => ${region}`,
  force,
  when: [{ key: "method", is: [method] }],
  to: [{ match: [{ key: "region", is: [region] }], weight: 1 }],
});

function explain(...steps: RouterStep[]) {
  const metadata = { filterMetadata: { "io.trestle": { routing: { steps } } } };
  const assignment = { ...plain, endpoints: [{ ...plain.endpoints[0]!, metadata }] };
  const choice = explainRouters(assignment, (key) => (key === "method" ? "get" : undefined));
  const ports = choice.assignment?.endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ endpoint }) => endpoint.address.socketAddress.portValue),
  );
  return [choice.verdicts.map(({ verdict }) => verdict), ports];
}

test("without routers all stay", () => {
  expect(explainRouters(plain, () => undefined)).toEqual({ verdicts: [], assignment: plain });
  expect(explainRouters(undefined, () => undefined)).toEqual({ verdicts: [], assignment: undefined });
});

test("each condition says what it does to the call", () => {
  expect(explain(step("put", "hz"), step("get", "sh"), step("get", "hz"))).toEqual([
    ["not for this call", "narrows", "finds nobody and is passed over"],
    [2],
  ]);
  expect(explain(step("get", "none", true), step("get", "hz"))).toEqual([["leaves nobody", "not for this call"], []]);
});
