import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";

/** One key of an issuer, usable. */
export interface IssuerKey {
  readonly id: string | undefined;
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

/** Most keys of one set. */
export const MAX_KEYS = 100;
const MIN_RSA_BITS = 2_048;

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const CURVES: Readonly<Record<string, string>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };

/** Signatures that are verified: by public keys alone. */
export const SIGNING_ALGORITHMS: ReadonlySet<string> = new Set([...RSA, ...Object.values(CURVES), "EdDSA"]);

/**
 * The keys of a JWKS (RFC 7517) that verify signatures: RSA of 2048 bits at least, EC and Ed25519. Others (symmetric ones, those for
 * encryption, broken ones) are left out, and so is what stands behind the first hundred; a text that is no key set has none.
 */
export function parseKeySet(text: string): readonly IssuerKey[] {
  return usable(text).map(({ key }) => key);
}

/**
 * A key by which no signature is good: an Ed25519 one with y = 2, and no point of the curve has that (RFC 8032 5.1.3). With it a set is not empty,
 * and no token is good that was not so before.
 */
const NO_KEY: JsonWebKey & { readonly kid: string } = {
  kty: "OKP",
  crv: "Ed25519",
  alg: "EdDSA",
  kid: "no-key-of-this-issuer",
  x: `Ag${"A".repeat(41)}`,
};

/**
 * The same as a JWKS for those who verify tokens themselves: what tells the public keys and nothing else, so that they have no other keys than
 * these, and one by which nothing is good: they refuse to work by a set in which they find none, and tokens of an issuer whose keys have not come
 * are to be refused.
 */
export function plainKeySet(text: string): string {
  return JSON.stringify({ keys: [...usable(text).map(({ jwk }) => jwk), NO_KEY] });
}

interface Usable {
  readonly key: IssuerKey;
  readonly jwk: JsonWebKey;
}

function usable(text: string): readonly Usable[] {
  const listed = parseObject(text)?.["keys"];
  return Array.isArray(listed) ? listed.slice(0, MAX_KEYS).flatMap((jwk) => readKey(jwk) ?? []) : [];
}

function readKey(jwk: unknown): Usable | undefined {
  if (typeof jwk !== "object" || jwk === null) return undefined;
  const { kty, kid, use, alg } = jwk as Readonly<Record<string, unknown>>;
  if (kty === "oct" || (use !== undefined && use !== "sig")) return undefined;
  let key: KeyObject;
  let plain: JsonWebKey;
  try {
    key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    plain = key.export({ format: "jwk" });
  } catch {
    return undefined;
  }
  const possible = algorithmsOf(key);
  const algorithms = typeof alg === "string" ? possible.filter((one) => one === alg) : possible;
  if (algorithms.length === 0) return undefined;
  const id = typeof kid === "string" ? kid : undefined;
  const said = { ...(id !== undefined && { kid: id }), ...(typeof alg === "string" && { alg }) };
  return { key: { id, algorithms, key }, jwk: { ...plain, ...said } };
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return modulusLength >= MIN_RSA_BITS ? RSA : [];
    case "ec":
      return CURVES[namedCurve] === undefined ? [] : [CURVES[namedCurve]];
    case "ed25519":
      return ["EdDSA"];
    default:
      return [];
  }
}

/** The JSON object that a text is; undefined where it is none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
