import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { MAX_TOKEN, verifyToken } from "../../../../src/bridge-proxy/authz/token.ts";
import { parseKeySet } from "../../../../src/codecs/key-set.ts";
import { keySet, type SigningKey, signingKey, tokenOf } from "../../../support/tokens.ts";

const NOW = 1_700_000_000;
const key = signingKey();
const claims = { iss: "https://iss", sub: "ann", aud: ["shop", "x"], exp: NOW + 600 };
const rules = { issuer: "https://iss", audiences: ["shop"], keys: parseKeySet(keySet(key)) };
const verdict = (token: string, with_: Partial<typeof rules> = {}, nowS = NOW) => {
  const found = verifyToken(token, { ...rules, ...with_ }, nowS);
  return "fault" in found ? found.fault : found.claims.sub;
};

describe.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])(
  "%s",
  (algorithm) => {
    const own = signingKey(algorithm);
    const token = tokenOf(own, claims);

    test("verifies what its key signed, and nothing else", () => {
      const keys = parseKeySet(keySet(own));
      expect(verdict(token, { keys })).toBe("ann");
      const [head, , signature] = token.split(".");
      const forged = Buffer.from(JSON.stringify({ ...claims, sub: "root" })).toString("base64url");
      expect(verdict(`${head}.${forged}.${signature}`, { keys })).toBe("Jwt verification fails");
      expect(verdict(token, { keys: parseKeySet(keySet(signingKey(algorithm))) })).toBe("Jwt verification fails");
    });
  },
);

describe("is refused:", () => {
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;
  const hmac = () => {
    const text = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return `${text}.${createHmac("sha256", keySet(key)).update(text).digest("base64url")}`;
  };
  const rows: [string, string, RegExp][] = [
    ["algorithm none", none, /^Jwks has no key/],
    ["algorithm none with a signature", `${none}AAAA`, /^Jwks has no key/],
    ["the public key as a secret", hmac(), /^Jwks has no key/],
    ["an algorithm of another key", tokenOf(key, claims, { alg: "RS256" }), /^Jwks has no key/],
    ["another issuer", tokenOf(key, { ...claims, iss: "https://iss/" }), /^Jwt issuer/],
    ["no issuer", tokenOf(key, { sub: "ann" }), /^Jwt issuer/],
    ["another audience", tokenOf(key, { ...claims, aud: "other" }), /^Audiences/],
    ["no audience", tokenOf(key, { ...claims, aud: undefined }), /^Audiences/],
    ["expired", tokenOf(key, { ...claims, exp: NOW - 61 }), /^Jwt is expired/],
    ["expired by a text", tokenOf(key, { ...claims, exp: "9999999999" }), /no number/],
    ["not valid yet", tokenOf(key, { ...claims, nbf: NOW + 61 }), /^Jwt not yet valid/],
    ["a key that is not there", tokenOf(key, claims, { kid: "k9" }), /^Jwks has no key/],
    ["critical extensions", tokenOf(key, claims, { crit: ["b64"], b64: false }), /critical/],
    ["a list for claims", tokenOf(key, []), /no JSON/],
    ["two parts", "a.b", /form of Header/],
    ["four parts", `${tokenOf(key, claims)}.x`, /form of Header/],
    ["signs that are none", `${tokenOf(key, claims)}=`, /form of Header/],
    ["too long", `a.${"b".repeat(MAX_TOKEN)}.c`, /longer than 8192/],
    ["nothing", "", /form of Header/],
  ];
  test.each(rows)("%s", (_, token, fault) => {
    expect(verdict(token)).toMatch(fault);
  });
});

test("an audience is the same with and without scheme and slash at its end", () => {
  for (const [aud, meant] of [
    ["https://shop/", "shop"],
    ["shop", "http://shop"],
    [["x", "shop/"], "https://shop"],
  ])
    expect(verifyToken(tokenOf(key, { ...claims, aud }), { ...rules, audiences: [String(meant)] }, NOW)).toHaveProperty(
      "claims",
    );
  expect(verifyToken(tokenOf(key, { ...claims, aud: "shop/a" }), rules, NOW)).not.toHaveProperty("claims");
});

test("clocks may differ by a minute, a key without a name is tried for all, and no audience asks for none", () => {
  expect(verdict(tokenOf(key, { ...claims, exp: NOW - 59, nbf: NOW + 59 }))).toBe("ann");
  const { kid: _, ...nameless } = key.jwk;
  expect(verdict(tokenOf(key, claims), { keys: parseKeySet(JSON.stringify({ keys: [nameless] })) })).toBe("ann");
  expect(verdict(tokenOf(key, { ...claims, aud: undefined }), { audiences: [] })).toBe("ann");
});

const nameless = (one: SigningKey) => JSON.stringify({ keys: [{ ...one.jwk, kid: undefined }] });

test.each<[string, object, object, boolean]>([
  ["a name that no key has", {}, { kid: "k9" }, true],
  ["a name that a key has, but its algorithm", {}, { alg: "RS256" }, false],
  ["no name, and no key that fits", {}, { alg: "RS256", kid: undefined }, true],
  ["no algorithm", {}, { alg: "none", kid: "k9" }, false],
  ["a shared secret", {}, { alg: "HS256", kid: "k9" }, false],
  ["a name that is too long", {}, { kid: "k".repeat(2_000) }, false],
  ["a name that no key has, expired", { exp: 1 }, { kid: "k9" }, false],
])("whether a new key of its issuer may be behind a token with %s", (_name, more, head, mayBe) => {
  const token = tokenOf(key, { ...claims, ...more }, head);
  const verdict = verifyToken(token, { ...rules, audiences: [] }, NOW);
  expect("fault" in verdict && verdict.unknownKey !== undefined).toBe(mayBe);
});

test("a signature that fails may be a new key's where keys have no names, and not where they have", () => {
  const unknownOf = (token: string, keys: string) => {
    const verdict = verifyToken(token, { ...rules, keys: parseKeySet(keys) }, NOW);
    return "fault" in verdict ? [verdict.fault, verdict.unknownKey?.split(" ")[0]] : [];
  };
  const other = signingKey();
  expect(unknownOf(tokenOf(other, claims), keySet(key))).toEqual(["Jwt verification fails", undefined]);
  expect(unknownOf(tokenOf(other, claims, { kid: undefined }), keySet(key))).toEqual([
    "Jwt verification fails",
    "signature",
  ]);
  expect(unknownOf(tokenOf(other, claims), nameless(key))).toEqual(["Jwt verification fails", "kid"]);
});
