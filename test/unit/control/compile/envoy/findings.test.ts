import { expect, test } from "vitest";
import { shortcomingFinding } from "../../../../../src/control/compile/envoy/findings.ts";

test("a finding names the route and its rule's place, or the service", () => {
  const metadata = { filterMetadata: { "io.trestle": { rule: "r", file: "rules.yaml", line: 7 } } };
  const route = { name: "r/0", match: { prefix: "/" }, metadata };
  expect(shortcomingFinding("com.acme.a", { code: "TR0702", text: "its retries are not made", route })).toEqual({
    code: "TR0702",
    severity: "warning",
    message: "route r/0 of com.acme.a in a stock Envoy: its retries are not made; a Trestle proxy does it",
    at: "rules.yaml:7:1",
  });
  expect(shortcomingFinding("com.acme.a", { code: "TR0710", text: "x", route: undefined })).toMatchObject({
    at: "com.acme.a",
  });
});
