import { createHmac, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { MAX_TOKEN, maySign, verifyToken } from "../../../../src/bridge-proxy/authz/token.ts";
import { parseKeySet } from "../../../../src/codecs/key-set.ts";
import { keySet, type SigningKey, signingKey, tokenOf } from "../../../support/tokens.ts";

const NOW = 1_700_000_000;
const key = signingKey();
const claims = { iss: "https://iss", sub: "ann", aud: ["shop", "x"], exp: NOW + 600 };
const rules = { issuer: "https://iss", audiences: ["shop"], keys: parseKeySet(keySet(key)) };
const evil = signingKey();
/** The same signature as OpenSSL writes it, and JWS does not. */
const inDer = (token: string) => {
  const raw = Buffer.from(token.split(".")[2]!, "base64url");
  const number = (half: Buffer) => Buffer.concat([Buffer.from([2, half.length + 1, 0]), half]);
  const both = Buffer.concat([number(raw.subarray(0, 32)), number(raw.subarray(32))]);
  const der = Buffer.concat([Buffer.from([0x30, both.length]), both]);
  return token.replace(/[^.]*$/, der.toString("base64url"));
};
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
    ["no signature", tokenOf(key, claims).replace(/[^.]*$/, ""), /verification fails/],
    ["a signature of zeros", tokenOf(key, claims).replace(/[^.]*$/, "A".repeat(86)), /verification fails/],
    ["a signature in DER", inDer(tokenOf(key, claims)), /verification fails/],
    ["a name of a key that is a path", tokenOf(key, claims, { kid: "../../../dev/null" }), /^Jwks has no key/],
    ["a name of a key that is of every object", tokenOf(key, claims, { kid: "__proto__" }), /^Jwks has no key/],
    ["a name of a key that is none", tokenOf(key, claims, { kid: ["k1"] }), /^Jwks has no key/],
    ["an algorithm that is a list", tokenOf(key, claims, { alg: ["ES256", "none"] }), /^Jwks has no key/],
    ["an algorithm in other letters", tokenOf(key, claims, { alg: "es256" }), /^Jwks has no key/],
    [
      "a key that it brings",
      tokenOf(evil, claims, { jwk: evil.jwk, jku: "http://evil/", x5u: "http://evil/" }),
      /fails/,
    ],
    ["a key that it brings, and its name", tokenOf(evil, claims, { jwk: evil.jwk, kid: "evil" }), /^Jwks has no key/],
    ["an issuer that is a list", tokenOf(key, { ...claims, iss: ["https://iss"] }), /^Jwt issuer/],
    ["an audience inside a list", tokenOf(key, { ...claims, aud: [["shop"]] }), /^Audiences/],
    ["an audience that is an object", tokenOf(key, { ...claims, aud: { shop: true } }), /^Audiences/],
    ["an audience among others in one text", tokenOf(key, { ...claims, aud: "shop x" }), /^Audiences/],
    ["expired by nothing", tokenOf(key, { ...claims, exp: null }), /no number/],
    ["not valid yet by a text", tokenOf(key, { ...claims, nbf: "0" }), /no number/],
    ["expired a minute ago", tokenOf(key, { ...claims, exp: NOW - 60 }), /^Jwt is expired/],
    ["blanks around it", ` ${tokenOf(key, claims)}`, /form of Header/],
    ["other base64", tokenOf(key, { ...claims, x: "??????" }).replace(/_|-/g, "+"), /form of Header|fails/],
    ["five parts, as what is encrypted has", "a.b.c.d.e", /form of Header/],
    ["a head that is nested deep", `${Buffer.from("[".repeat(5_000)).toString("base64url")}.e30.AA`, /no JSON/],
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

test("of a word that is said twice the last counts, as JSON has it: what was signed, not what a head claims first", () => {
  const twice = (head: string, payload: string, by = key) => {
    const text = [head, payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(text), { key: by.privateKey, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  };
  const payload = JSON.stringify(claims);
  expect(verdict(twice('{"alg":"none","kid":"k1","alg":"ES256"}', payload))).toBe("ann");
  expect(verdict(twice('{"alg":"ES256","kid":"k1","alg":"none"}', payload))).toMatch(/^Jwks has no key/);
  const evilFirst = payload.replace('"iss"', '"iss":"https://evil","iss"');
  expect(verdict(twice('{"alg":"ES256","kid":"k1"}', evilFirst))).toBe("ann");
  expect(verdict(twice('{"alg":"ES256","kid":"k1"}', evilFirst, evil))).toBe("Jwt verification fails");
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

test("a key that came is the one that was missing by its name, or where either has none", () => {
  const { id } = parseKeySet(keySet(key))[0]!;
  const may = (mark: string, keys = keySet(key)) => maySign(parseKeySet(keys), mark);
  expect([may(`kid ${id}`), may("kid other"), may("kid other", nameless(key)), may("signature x")]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
