import { expect, test } from "vitest";
import { explainRouters } from "../../../../src/control/explain/routers.ts";
import type { RouterStep, RouterTags } from "../../../../src/model/routing.ts";
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

test("tags come first: a call gets those of its own, else those without one", () => {
  const tagged = endpointsOf("a.B", "", [{ port: 1, tag: "gray" }, { port: 2 }]);
  const explained = (tag: string, tagForced = false, tags?: RouterTags) => {
    const routing = { steps: [], ...(tags && { tags }) };
    const metadata = { filterMetadata: { "io.trestle": { routing } } };
    const choice = explainRouters({ ...tagged, endpoints: [{ ...tagged.endpoints[0]!, metadata }] }, () => undefined, {
      tag,
      tagForced,
    });
    const ports = choice.assignment!.endpoints[0]!.lbEndpoints.map(
      ({ endpoint }) => endpoint.address.socketAddress.portValue,
    );
    return [...choice.verdicts.map(({ rule, condition, verdict }) => `${rule}: ${condition}: ${verdict}`), ...ports];
  };
  expect(explained("")).toEqual(["dubbo.tag: a call without a tag: narrows", 2]);
  expect(explained("gray")).toEqual(["dubbo.tag: tag gray: narrows", 1]);
  expect(explained("blue")).toEqual(["dubbo.tag: tag blue: those without one: narrows", 2]);
  expect(explained("blue", true)).toEqual(["dubbo.tag: tag blue, forced: leaves nobody"]);
  const rule = { rule: "/tags", names: ["blue"], force: true };
  expect(explained("blue", false, rule)).toEqual(["/tags: tag blue: leaves nobody"]);
  expect(explained("gray|x", false, rule)).toEqual(["/tags: tag gray|x: gray: narrows", 1]);
});

test("each condition says what it does to the call", () => {
  expect(explain(step("put", "hz"), step("get", "sh"), step("get", "hz"))).toEqual([
    ["not for this call", "narrows", "finds nobody and is passed over"],
    [2],
  ]);
  expect(explain(step("get", "none", true), step("get", "hz"))).toEqual([["leaves nobody", "not for this call"], []]);
});
