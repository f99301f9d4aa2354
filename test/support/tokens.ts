import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A pair of keys and its public half as a JWK. */
export interface SigningKey {
  readonly id: string;
  readonly algorithm: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** A new key; RSA of `bits` for RS and PS. */
export function signingKey(algorithm = "ES256", id = "k1", bits = 2048): SigningKey {
  const { publicKey, privateKey } =
    algorithm === "EdDSA"
      ? generateKeyPairSync("ed25519")
      : algorithm.startsWith("ES")
        ? generateKeyPairSync("ec", { namedCurve: { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[algorithm]! })
        : generateKeyPairSync("rsa", { modulusLength: bits });
  return { id, algorithm, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid: id, use: "sig" } };
}

/** Keys as an issuer publishes them. */
export function keySet(...keys: SigningKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that a key signed; `header` goes over what its head says otherwise. */
export function tokenOf(key: SigningKey, claims: object, header: object = {}): string {
  const text = `${part({ alg: key.algorithm, kid: key.id, ...header })}.${part(claims)}`;
  const bytes = Buffer.from(text);
  const { algorithm, privateKey } = key;
  if (algorithm === "EdDSA") return `${text}.${sign(null, bytes, privateKey).toString("base64url")}`;
  const digest = `sha${algorithm.slice(2)}`;
  const how = algorithm.startsWith("ES")
    ? { key: privateKey, dsaEncoding: "ieee-p1363" as const }
    : algorithm.startsWith("PS")
      ? { key: privateKey, padding: 6, saltLength: -1 }
      : privateKey;
  return `${text}.${sign(digest, bytes, how).toString("base64url")}`;
}
