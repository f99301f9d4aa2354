import { createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { MAX_KEYS, parseKeySet, parseObject, plainKeySet, SIGNING_ALGORITHMS } from "../../../src/codecs/key-set.ts";
import { keySet, signingKey } from "../../support/tokens.ts";

const key = signingKey();
const idsOf = (text: string) => (JSON.parse(text) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid);
const NO_KEY = "no-key-of-this-issuer";

test("a key set has what can verify signatures, and a text that is none has nothing", () => {
  const weak = signingKey("RS256", "weak", 1024);
  const secret = { kty: "oct", k: "AAAA", kid: "s" };
  const sealing = { ...key.jwk, use: "enc" };
  const otherCurve = { ...key.jwk, crv: "P-384" };
  const bitcoin = { ...key.jwk, crv: "secp256k1" };
  const off = { ...key.jwk, x: key.jwk["y"] };
  const text = JSON.stringify({
    keys: [weak.jwk, secret, sealing, otherCurve, bitcoin, off, { kty: "RSA" }, null, 7, key.jwk],
  });
  expect(parseKeySet(text).map(({ id, algorithms }) => [id, algorithms])).toEqual([["k1", ["ES256"]]]);
  expect(idsOf(plainKeySet(text))).toEqual(["k1", NO_KEY]);
  for (const bad of ["", "{", "[]", "null", '{"keys":7}']) {
    expect(parseKeySet(bad)).toEqual([]);
    expect(idsOf(plainKeySet(bad))).toEqual([NO_KEY]);
  }
  expect(parseKeySet(JSON.stringify({ keys: [{ ...key.jwk, alg: "ES384" }] }))).toEqual([]);
});

test("a set of ten thousand keys counts for its first hundred, and takes no longer than these", () => {
  const text = JSON.stringify({ keys: Array.from({ length: 10_000 }, (_, i) => ({ ...key.jwk, kid: `k${i}` })) });
  expect(parseKeySet(text).length).toBe(MAX_KEYS);
  expect(idsOf(plainKeySet(text)).length).toBe(MAX_KEYS + 1);
});

test("what others are told of keys is their public halves alone", () => {
  const rsa = signingKey("PS256", "r");
  const whole = {
    ...rsa.privateKey.export({ format: "jwk" }),
    kid: "r",
    alg: "PS256",
    x5u: "http://inside/",
    ext: true,
  };
  const unnamed = { ...key.jwk, kid: 7 };
  const { keys } = JSON.parse(plainKeySet(JSON.stringify({ keys: [whole, unnamed] }))) as { keys: object[] };
  const { n, e } = rsa.jwk;
  const { x, y } = key.jwk;
  expect(keys.slice(0, 2)).toEqual([
    { kty: "RSA", n, e, kid: "r", alg: "PS256" },
    { kty: "EC", crv: "P-256", x, y },
  ]);
  expect(parseKeySet(plainKeySet(keySet(rsa, key))).slice(0, 2)).toEqual(parseKeySet(keySet(rsa, key)));
});

test("the key that is always there is no point of its curve: no signature is good by it", () => {
  const { keys } = JSON.parse(plainKeySet("")) as { keys: { x: string; alg: string }[] };
  const bytes = Buffer.from(keys[0]!.x, "base64url");
  expect([bytes.length, bytes[0], bytes.subarray(1).every((byte) => byte === 0)]).toEqual([32, 2, true]);
  // x^2 = (y^2 - 1) / (d y^2 + 1) has no root where Euler's criterion says -1.
  const p = 2n ** 255n - 19n;
  const power = (base: bigint, exponent: bigint): bigint => {
    if (exponent === 0n) return 1n;
    const half = power((base * base) % p, exponent / 2n);
    return exponent % 2n === 1n ? (half * base) % p : half;
  };
  const d = (p - ((121_665n * power(121_666n, p - 2n)) % p)) % p;
  expect(power((3n * power(4n * d + 1n, p - 2n)) % p, (p - 1n) / 2n)).toBe(p - 1n);
  const key = createPublicKey({ key: keys[0] as unknown as import("node:crypto").JsonWebKey, format: "jwk" });
  // What would be good by a point of small order.
  const zero = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
  for (const signature of [Buffer.alloc(64), zero, Buffer.concat([bytes, Buffer.alloc(32)])])
    expect(verify(null, Buffer.from("a.b"), key, signature)).toBe(false);
});

test("only signatures by public keys are verified, and a JSON object is no list", () => {
  expect([...SIGNING_ALGORITHMS].filter((one) => /^(HS|none)/.test(one))).toEqual([]);
  expect([parseObject("[]"), parseObject('{"a":1}')]).toEqual([undefined, { a: 1 }]);
});
