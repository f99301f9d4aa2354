import { expect, test } from "vitest";
import { explainEndpoints } from "../../../../src/control/explain/endpoints.ts";
import { endpointsOf } from "../../../support/xds-fixtures.ts";

test("providers are listed with what the balancer knows of them", () => {
  const assignment = endpointsOf("com.acme.A", "", [
    { address: "10.0.0.1", port: 20880, weight: 50, tag: "gray" },
    { address: "fd00::1", port: 50051, protocol: "tri" },
  ]);
  expect(explainEndpoints(assignment)).toEqual([
    { address: "10.0.0.1:20880", protocol: "dubbo", weight: 50, health: "healthy", tag: "gray" },
    { address: "[fd00::1]:50051", protocol: "tri", weight: 100, health: "healthy", tag: "" },
  ]);
});

test("a destination of which nothing is known has none", () => {
  expect(explainEndpoints(undefined)).toEqual([]);
});
