import { expect, test } from "vitest";
import { askToken, isRefused, matchRoute } from "../../../src/bridge-proxy/match.ts";
import type { HostDecision } from "../../../src/bridge-proxy/route.ts";
import { compileHeader } from "../../../src/codecs/xds/match.ts";
import { claimsStage } from "../../support/claims-stage.ts";

const stage = claimsStage();
const decision = stage.config.routes.decide("com.acme.A", "", "get")!.only!;
const { tokens } = stage;

function routeOf(headers: Readonly<Record<string, string>>, hasWaited = false) {
  const header = (name: string) => headers[name];
  const led = matchRoute(decision, header, () => askToken(decision, header, hasWaited));
  if (isRefused(led)) return led.later === undefined ? led.message : "waits";
  return led?.name;
}

test.each([
  ["that has it", { authorization: `Bearer ${tokens.admin}` }, "admin"],
  ["that says otherwise", { authorization: `Bearer ${tokens.guest}` }, "rest"],
  ["by a key that is not known", { authorization: `Bearer ${tokens.young}` }, "waits"],
  ["that is not good", { authorization: `Bearer ${tokens.bad}` }, "Jwt verification fails"],
  ["that is none", { "@request.auth.claims.group": "admin", group: "admin" }, "rest"],
] as const)("a route by a claim and a token %s", (_, headers, to) => {
  expect(routeOf(headers)).toBe(to);
});

test("what has waited is decided for good", () => {
  expect(routeOf({ authorization: `Bearer ${tokens.young}` }, true)).toBe("Jwks has no key for the Jwt");
});

test("a token is asked once, and only where a route goes by it that would take the call", () => {
  expect([decision.asksClaims, decision.fixed]).toEqual([true, undefined]);
  let asked = 0;
  const token = () => {
    asked++;
    return { claims: undefined };
  };
  const [admin, rest] = decision.candidates;
  const by = (...candidates: HostDecision["candidates"]) => ({ ...decision, candidates });
  expect(matchRoute(by(admin!, admin!, rest!), () => undefined, token)).toBe(rest);
  expect(asked).toBe(1);
  expect(matchRoute(by(rest!, admin!), () => undefined, token)).toBe(rest);
  const never = { ...admin!, headers: [{ name: "x", isInverted: false, test: () => false }] };
  expect(matchRoute(by(never), () => undefined, token)).toBeUndefined();
  expect(asked).toBe(1);
});

test("of several lines of a name one is enough", () => {
  const header = compileHeader({ name: "user", stringMatch: { exact: "ann" } });
  const [route] = decision.candidates;
  const of = { ...decision, candidates: [{ ...route!, claims: undefined, headers: [header] }] };
  const lines = (name: string) => (name === "user" ? ["bob", "ann"] : []);
  expect(matchRoute(of, () => "bob,ann")).toBeUndefined();
  expect(matchRoute(of, () => "bob,ann", undefined, lines)?.name).toBe(route!.name);
});

test("where nobody says whose tokens are good no call has claims, and neither has one whose token nobody asks", () => {
  expect(askToken({ host: { policies: undefined } }, () => undefined)).toEqual({ claims: undefined });
  expect(matchRoute(decision, () => undefined)?.name).toBe("rest");
});
