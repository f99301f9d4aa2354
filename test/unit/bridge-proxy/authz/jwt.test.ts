import { describe, expect, test } from "vitest";
import { JwtCheck, VerifiedTokens } from "../../../../src/bridge-proxy/authz/jwt.ts";
import { KeyRing } from "../../../../src/bridge-proxy/authz/key-ring.ts";
import type { JwtProvider } from "../../../../src/codecs/xds/authz.ts";
import { keySet, signingKey, tokenOf } from "../../../support/tokens.ts";

const NOW = 1_700_000_000;
const [one, two] = [signingKey(), signingKey()];
const provider = (issuer: string, key = one, more: Partial<JwtProvider> = {}): JwtProvider => ({
  issuer,
  localJwks: { inlineString: keySet(key) },
  ...more,
});
const token = (issuer: string, key = one, more: object = {}) =>
  tokenOf(key, { iss: issuer, sub: "ann", exp: NOW + 600, ...more });

function find(
  providers: Record<string, JwtProvider>,
  headers: Record<string, string>,
  memory = { verified: new VerifiedTokens(), keys: new KeyRing() },
  nowS = NOW,
) {
  memory.keys.take(Object.entries(providers));
  const { claims, fault } = new JwtCheck({ providers }, memory, () => nowS).find((name) => headers[name]);
  return fault ?? claims?.sub ?? "none";
}

describe("where a token stands", () => {
  const said = token("i");
  const at = (more: Partial<JwtProvider>) => ({ p: provider("i", one, more) });
  const rows: [string, Record<string, JwtProvider>, Record<string, string>, string][] = [
    ["nowhere", at({}), {}, "none"],
    ["in Authorization", at({}), { authorization: `Bearer ${said}` }, "ann"],
    ["in Authorization, in other letters", at({}), { authorization: `bearer ${said}` }, "ann"],
    ["of another kind of authorization", at({}), { authorization: "Basic YTpi" }, "none"],
    ["in a parameter", at({}), { "?access_token": said }, "ann"],
    ["in an attachment", at({ fromHeaders: [{ name: "X-Token" }] }), { "x-token": said }, "ann"],
    [
      "in an attachment behind a prefix",
      at({ fromHeaders: [{ name: "x-token", valuePrefix: "jwt=" }] }),
      { "x-token": `jwt=${said}; more` },
      "ann",
    ],
    [
      "in an attachment without its prefix",
      at({ fromHeaders: [{ name: "x-token", valuePrefix: "jwt=" }] }),
      { "x-token": said },
      "none",
    ],
    [
      "no more in Authorization where a place is named",
      at({ fromHeaders: [{ name: "x-token" }] }),
      { authorization: `Bearer ${said}` },
      "none",
    ],
    ["in a cookie", at({ fromCookies: ["jwt"] }), { cookie: `a=b; jwt=${said}; c=d` }, "ann"],
    ["in another cookie", at({ fromCookies: ["jwt"] }), { cookie: `xjwt=${said}` }, "none"],
    [
      "in two places, of which one is not good",
      at({ fromHeaders: [{ name: "a" }, { name: "b" }] }),
      { a: said, b: tokenOf(two, { iss: "i", sub: "eve", exp: NOW + 600 }) },
      "Jwt verification fails",
    ],
    [
      "in two places, of which one is of nobody",
      at({ fromHeaders: [{ name: "a" }, { name: "b" }] }),
      { a: said, b: token("j") },
      "Jwt issuer is not configured",
    ],
    [
      "in two places, of two issuers",
      {
        p: provider("i", one, { fromHeaders: [{ name: "a" }, { name: "b" }] }),
        q: provider("j", two, { fromHeaders: [{ name: "b" }] }),
      },
      { a: said, b: token("j", two) },
      "ann",
    ],
    [
      "beside what is another issuer's place alone",
      { p: provider("i", one, { fromHeaders: [{ name: "a" }] }), q: provider("j", two) },
      { a: said, authorization: "Bearer of-the-application" },
      "ann",
    ],
  ];
  test.each(rows)("%s", (_, providers, headers, expected) => {
    expect(find(providers, headers)).toBe(expected);
  });
});

test("of several issuers a token is held to its own", () => {
  const providers = { a: provider("a"), b: provider("b", two) };
  expect(find(providers, { authorization: `Bearer ${token("b", two)}` })).toBe("ann");
  expect(find(providers, { authorization: `Bearer ${token("b", one)}` })).toBe("Jwt verification fails");
  expect(find(providers, { authorization: `Bearer ${token("c", two)}` })).toBe("Jwt issuer is not configured");
});

test("an issuer whose keys have not come refuses tokens and lets calls without one pass", () => {
  const providers = { a: provider("a", one, { localJwks: { inlineString: "" } }) };
  expect(find(providers, { authorization: `Bearer ${token("a")}` })).toBe("Jwks has no key for the Jwt");
  expect(find(providers, {})).toBe("none");
});

test("a verdict is remembered until the token's end, one that is bad for a moment, and of another's rules never", () => {
  const memory = { verified: new VerifiedTokens(), keys: new KeyRing() };
  const providers = { a: provider("a") };
  const headers = { authorization: `Bearer ${token("a")}` };
  for (let i = 0; i < 3; i++) expect(find(providers, headers, memory)).toBe("ann");
  expect(memory.verified.size).toBe(1);
  expect(find(providers, headers, memory, NOW + 661)).toBe("Jwt is expired");
  expect(find({ a: provider("a", two) }, headers, memory)).toBe("Jwt verification fails");
  expect(find({ a: provider("a", one, { audiences: ["x"] }) }, headers, memory)).toBe(
    "Audiences in Jwt are not allowed",
  );
  expect(find({ a: provider("b", one) }, headers, memory)).toBe("Jwt issuer is not configured");
});

test("what is remembered has a bound", () => {
  const verified = new VerifiedTokens();
  const rules = { issuer: "a", audiences: [], keys: [] };
  for (let i = 0; i < 10_500; i++) verified.judge("x", `a.b${i}.c`, rules, NOW);
  expect(verified.size).toBeLessThanOrEqual(10_000);
});
