import { expect, test } from "vitest";
import { limitsCalls, type MetaRouter } from "../../../../src/model/rules/meta-router.ts";

const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };
const router: MetaRouter = {
  kind: "MetaRouter",
  at,
  name: "r",
  namespace: "default",
  createdAtMs: undefined,
  hosts: ["a"],
  gateways: [],
  http: [],
};

test("a router limits calls by either of its limits", () => {
  expect(limitsCalls(router)).toBe(false);
  expect(limitsCalls({ ...router, localRateLimit: { at, conditions: [] } })).toBe(true);
  const global = { at, domain: "d", service: "s", timeoutMs: 20, denyOnFail: false, descriptors: [] };
  expect(limitsCalls({ ...router, globalRateLimit: global })).toBe(true);
});
