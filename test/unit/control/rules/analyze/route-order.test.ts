import { expect, test } from "vitest";
import { checkOrder } from "../../../../../src/control/rules/analyze/route-order.ts";
import { rulesOf } from "../../../../support/rules.ts";

const rule = (http: string) =>
  rulesOf(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v}
spec: {hosts: [a], http: ${http}}`)[0] as Parameters<typeof checkOrder>[0];
const to = "route: [{destination: {host: a}}]";

test.each([
  ["redirects that take calls", true, true, ["TR0226"]],
  ["redirects that take none", false, true, []],
  ["an end that nobody asks for", true, false, ["TR0226"]],
])("%s", (_, redirects, tellsEnd, codes) => {
  const found: string[] = [];
  const lower = () => ({ path: { prefix: "/" }, headers: [] });
  checkOrder(rule(`[{redirect: {uri: /x}}, {${to}}]`), { lower, redirects, tellsEnd }, (code) => found.push(code));
  expect(found).toEqual(codes);
});

test("conditions of one's own keep routes apart, and matches that nobody meets count for nothing", () => {
  const found: string[] = [];
  const lowered = [{ only: ["port 80"] }, { only: ["port 81"] }, undefined, { only: ["port 80", "of edge"] }];
  const lower = () => {
    const one = lowered.shift();
    return one && { path: { prefix: "/" }, headers: [], ...one };
  };
  const report = (code: string, { line }: { readonly line: number }) => found.push(`${code} ${line}`);
  const http = `[\n {${to}},\n {${to}},\n {${to}},\n {${to}}]`;
  checkOrder(rule(http), { lower, redirects: true, tellsEnd: true }, report);
  expect(found).toEqual(["TR0226 8", "TR0234 4"]);
});
