import { expect, test } from "vitest";
import { analyze } from "../../../support/analysis.ts";

const rule = (match: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  hosts: [com.acme.A]\n  http:\n  - match: [${match}]\n    route: [{destination: {host: com.acme.A}}]\n  - route: [{destination: {host: com.acme.A}}]\n`;
const found = (match: string) => analyze([rule(match)]).filter((line) => line.startsWith("TR0277"));

test.each([
  '{headers: {"@request.auth.claims.group": {exact: admin}}}',
  '{headers: {a: {exact: b}, "@request.auth.claims[group]": {exact: admin}}}',
  '{withoutHeaders: {"@Request.Auth.Claims.x": {}}}',
])("a route by a claim is named: %s", (match) => {
  expect(found(match)).toEqual([expect.stringMatching(/^TR0277 7:\d+ v matches "@request/i)]);
});

test("other headers are not", () => {
  expect(found('{headers: {"request.auth": {exact: a}}}')).toEqual([]);
});
