/** What certificates, requests and lists of revoked ones have in common: names, algorithms, key ids (RFC 5280, 5480, 8017). */
import { createHash, type KeyObject } from "node:crypto";
import { ProtocolError } from "../../base/errors.ts";
import { bitString, contextTag, DerReader, der, oid, printOid, sequence, TAG, wholeBits } from "./der.ts";

/** Parts of a subject's or an issuer's name that are written; neither gives the empty name. */
export interface NameParts {
  readonly organization?: string;
  readonly commonName?: string;
}

/** Encodes a Name. */
export function encodeName({ organization, commonName }: NameParts): Buffer {
  const part = (id: string, text: string) =>
    der(TAG.set, sequence(oid(id), der(TAG.utf8String, Buffer.from(text, "utf8"))));
  return sequence(
    ...(organization === undefined ? [] : [part("2.5.4.10", organization)]),
    ...(commonName === undefined ? [] : [part("2.5.4.3", commonName)]),
  );
}

/** The alternative names that are used here. */
export interface AltNames {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** Raw addresses, 4 or 16 bytes each. */
  readonly ips?: readonly Uint8Array[];
}

/** Most alternative names that are read from one certificate. */
const MAX_ALT_NAMES = 1_000;

/** Encodes GeneralNames: URIs, then DNS names, then addresses. */
export function encodeAltNames({ uris = [], dns = [], ips = [] }: AltNames): Buffer {
  return sequence(
    ...uris.map((uri) => der(contextTag(6, false), Buffer.from(uri, "ascii"))),
    ...dns.map((name) => der(contextTag(2, false), Buffer.from(name, "ascii"))),
    ...ips.map((bytes) => der(contextTag(7, false), bytes)),
  );
}

/** Reads GeneralNames; names of other kinds are passed over, a URI or DNS name that is not ASCII without controls is refused. */
export function decodeAltNames(bytes: Uint8Array): Required<AltNames> {
  const reader = new DerReader(bytes).enter();
  const names = { uris: [] as string[], dns: [] as string[], ips: [] as Uint8Array[] };
  for (let count = 0; !reader.atEnd; count++) {
    if (count >= MAX_ALT_NAMES) throw new ProtocolError("x509", `certificate has over ${MAX_ALT_NAMES} names`);
    const { tag, contents } = reader.read();
    if (tag === contextTag(6, false)) names.uris.push(asciiText(contents));
    else if (tag === contextTag(2, false)) names.dns.push(asciiText(contents));
    else if (tag === contextTag(7, false)) names.ips.push(contents);
  }
  return names;
}

function asciiText(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e))
    throw new ProtocolError("x509", "certificate has a name that is not printable ascii");
  return Buffer.from(bytes).toString("latin1");
}

/** Hash functions of signatures that are made and taken. */
export type SignatureHash = "sha256" | "sha384" | "sha512";

const RSA: Readonly<Record<string, SignatureHash>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};
const ECDSA: Readonly<Record<string, SignatureHash>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
};

/** What an AlgorithmIdentifier of a signature says; undefined for what is not taken: MD5, SHA-1, DSA, RSA-PSS, Ed25519. */
export function signatureAlgorithm(
  reader: DerReader,
): { readonly keyType: "rsa" | "ec"; readonly hash: SignatureHash } | undefined {
  const id = printOid(reader.enter().read(TAG.oid).contents);
  const rsa = RSA[id];
  if (rsa !== undefined) return { keyType: "rsa", hash: rsa };
  const ecdsa = ECDSA[id];
  return ecdsa === undefined ? undefined : { keyType: "ec", hash: ecdsa };
}

/** How a key signs: RSA (PKCS #1 v1.5) and P-256 with SHA-256, P-384 with SHA-384. Throws a `ProtocolError` for other keys. */
export function signingAlgorithm(key: KeyObject): { readonly hash: SignatureHash; readonly identifier: Buffer } {
  if (key.asymmetricKeyType === "rsa")
    return { hash: "sha256", identifier: sequence(oid("1.2.840.113549.1.1.11"), der(TAG.null)) };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "prime256v1") return { hash: "sha256", identifier: sequence(oid("1.2.840.10045.4.3.2")) };
  if (curve === "secp384r1") return { hash: "sha384", identifier: sequence(oid("1.2.840.10045.4.3.3")) };
  throw new ProtocolError("x509", `key of type ${curve ?? key.asymmetricKeyType} can't sign; RSA, P-256 and P-384 can`);
}

/** A key id as RFC 5280 4.2.1.2 (1) makes it: SHA-1 of the key's bits within its SubjectPublicKeyInfo. */
export function keyIdOf(publicKeyInfo: Uint8Array): Buffer {
  const info = new DerReader(publicKeyInfo).enter();
  info.read(TAG.sequence);
  const bits = wholeBits(info.read(TAG.bitString).contents);
  return createHash("sha1").update(bits).digest();
}

/** Joins what was signed, the algorithm and the signature, as certificates, requests and lists all have it. */
export function signedSequence(toSign: Uint8Array, identifier: Uint8Array, signature: Uint8Array): Buffer {
  return sequence(toSign, identifier, bitString(signature));
}
