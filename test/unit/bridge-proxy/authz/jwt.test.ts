import { describe, expect, test } from "vitest";
import { JwtCheck, MAX_SAID, VerifiedTokens } from "../../../../src/bridge-proxy/authz/jwt.ts";
import { KeyRing } from "../../../../src/bridge-proxy/authz/key-ring.ts";
import { parseKeySet } from "../../../../src/codecs/key-set.ts";
import type { JwtProvider } from "../../../../src/codecs/xds/authz.ts";
import { keySet, signingKey, tokenOf } from "../../../support/tokens.ts";

const BAD = "Jwt header or payload is no JSON";
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
      "in one header twice, of which one is not good",
      at({}),
      { authorization: `Bearer ${said},Bearer no.good.one` },
      BAD,
    ],
    ["in one header twice, both good", at({}), { authorization: `Bearer ${said}, Bearer ${said}` }, "ann"],
    ["beside another authorization", at({}), { authorization: `Basic YTpi, Bearer ${said}` }, "ann"],
    [
      "in a parameter twice, of which one is not good",
      at({}),
      { "?access_token": said, ":path": `/?access_token=${said}&access%5ftoken=no.good.one` },
      BAD,
    ],
    [
      "in a cookie twice, of which one is not good",
      at({ fromCookies: ["jwt"] }),
      { cookie: `jwt=${said}; jwt=no.good.one` },
      BAD,
    ],
    [
      "in a cookie with quotes",
      at({ fromCookies: ["jwt"] }),
      { cookie: `jwt="${said}"` },
      "Jwt is not in the form of Header.Payload.Signature",
    ],
    [
      "more often than anybody means",
      at({ fromCookies: ["jwt"] }),
      { cookie: Array.from({ length: MAX_SAID + 1 }, () => `jwt=${said}`).join(";") },
      "Jwt stands there more than 8 times",
    ],
    [
      "once, and more issuers look there",
      Object.fromEntries(
        Array.from({ length: 12 }, (_, i) => [`p${i}`, provider(`${i}`)]).concat([["q", provider("i")]]),
      ),
      { authorization: `Bearer ${said}` },
      "ann",
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

test("a token that does not go on is taken out where it stood, and every good one with it", () => {
  const memory = () => ({ verified: new VerifiedTokens(), keys: new KeyRing() });
  const said = token("i");
  const places = { fromHeaders: [{ name: "X-Token" }], fromParams: ["t"], fromCookies: ["jwt"] };
  const changesOf = (forward: boolean, headers: Record<string, string>) =>
    new JwtCheck({ providers: { p: provider("i", one, { ...places, forward }) } }, memory(), () => NOW).find(
      (name) => headers[name],
    ).changes;
  const headers = { "x-token": said, "?t": said, ":path": `/?t=${said}`, cookie: `a=b; jwt=${said}` };
  expect(changesOf(false, headers)).toEqual({ set: [["cookie", "a=b"]], add: [], remove: ["X-Token", "?t", "cookie"] });
  expect(changesOf(false, { "?t": said })).toEqual({ set: [], add: [], remove: ["?t"] });
  expect(changesOf(true, headers)).toBeUndefined();
  const other = provider("j", two, { fromHeaders: [{ name: "y" }], forward: false });
  const both = { p: provider("i", one, { fromHeaders: [{ name: "x" }] }), q: other };
  const two_ = { x: said, y: token("j", two) } as Record<string, string>;
  expect(new JwtCheck({ providers: both }, memory(), () => NOW).find((name) => two_[name])).toMatchObject({
    claims: { iss: "i" },
    changes: { remove: ["y"] },
  });
});

test("a call without a token is looked at and nothing more", () => {
  const asked: string[] = [];
  const outputs = { claimToHeaders: [{ headerName: "x-sub", claimName: "sub" }] };
  const check = (more: Partial<JwtProvider>) =>
    new JwtCheck(
      { providers: { p: provider("i", one, more) } },
      { verified: new VerifiedTokens(), keys: new KeyRing() },
      () => NOW,
    );
  const none = (name: string) => {
    asked.push(name);
    return undefined;
  };
  const plain = check({});
  expect(plain.find(none)).toBe(plain.find(none));
  expect(asked).toEqual(["authorization", "?access_token", "authorization", "?access_token"]);
  const saying = check(outputs);
  expect(saying.find(none)).toBe(plain.find(none));
  expect(saying.find((name) => (name === "x-sub" ? "root" : undefined)).changes?.remove).toEqual(["x-sub"]);
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

test("made-up tokens take no place from good ones, and many long good ones are not all kept", () => {
  const verified = new VerifiedTokens();
  const rules = { issuer: "i", audiences: [], keys: parseKeySet(keySet(one)) };
  const good = token("i", one, { jti: "kept" });
  const kept = verified.judge("x", good, rules, NOW);
  for (let i = 0; i < 1_500; i++) verified.judge("x", `a.b${i}.c`, rules, NOW);
  expect(verified.judge("x", good, rules, NOW)).toBe(kept);
  const pad = tokenOf(one, { iss: "i", exp: NOW + 600, pad: "x".repeat(5_500) });
  expect(pad.length).toBeGreaterThan(7_000);
  for (let i = 0; i < 2_500; i++) verified.judge(`rules ${i}`, pad, rules, NOW);
  expect(verified.size - 1_000).toBeLessThan((16 * 1024 * 1024) / pad.length);
  expect(verified.judge("x", good, rules, NOW)).not.toBe(kept);
});

test("what is remembered has a bound", () => {
  const verified = new VerifiedTokens();
  const rules = { issuer: "a", audiences: [], keys: [] };
  for (let i = 0; i < 1_500; i++) verified.judge("x", `a.b${i}.c`, rules, NOW);
  expect(verified.size).toBe(1_000);
});
