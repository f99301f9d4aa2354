import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { ConfigError } from "../../base/errors.ts";
import { decodeCertificate, encodeCertificate, type Issuer } from "../../codecs/x509/certificate.ts";
import { encodeName, keyIdOf, signingAlgorithm } from "../../codecs/x509/names.ts";
import { parsePem, printPem } from "../../codecs/x509/pem.ts";

/** Kinds of keys that are made here: RSA of 2,048 bits, or P-256. */
export type KeyType = "rsa" | "ec";

/** The files of an authority, under the names that Istio's `cacerts` has; all PEM. */
export const AUTHORITY_FILES = {
  certificate: "ca-cert.pem",
  key: "ca-key.pem",
  chain: "cert-chain.pem",
  roots: "root-cert.pem",
  revocations: "ca-crl.pem",
} as const;

/** What the files hold; a missing chain or list of revocations is `""`. */
export type AuthorityTexts = Readonly<Record<keyof typeof AUTHORITY_FILES, string>>;

/** An authority that can sign: its key belongs to its certificate, which leads up to one of the roots. */
export interface Authority {
  readonly issuer: Issuer;
  /** PEM of what stands between a leaf and the root, from the signing certificate up; empty where a root signs. */
  readonly intermediates: readonly string[];
  /** PEM of every root to trust, the one that the chain ends in last. */
  readonly roots: readonly string[];
  /** When the first certificate of the chain ends, ms since 1970: no leaf is valid for longer. */
  readonly notAfterMs: number;
  /** PEM of lists that the authorities above gave out; `""` for none. */
  readonly revocations: string;
}

/** Fingerprint (SHA-256, hex) of a certificate's PEM. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
}

const MAX_CHAIN = 8;
const MAX_ROOTS = 100;

/**
 * Reads an authority's files and checks that they belong together. Throws a `ConfigError` that names the file: no text of a key
 * is in it.
 */
export function readAuthority(texts: AuthorityTexts, nowMs: number): Authority {
  const [certificate] = certificatesIn(texts, "certificate");
  if (certificate === undefined) throw fault("certificate", "has no certificate");
  if (!certificate.ca) throw fault("certificate", "may not sign: it is no authority's certificate (basicConstraints)");
  const key = readKey(texts.key);
  if (!certificate.checkPrivateKey(key)) throw fault("key", `is not the key of ${AUTHORITY_FILES.certificate}`);
  const roots = certificatesIn(texts, "roots");
  if (roots.length === 0) throw fault("roots", "has no certificate");
  if (roots.length > MAX_ROOTS) throw fault("roots", `has ${roots.length} certificates, over ${MAX_ROOTS}`);
  const chain = chainUp(certificate, certificatesIn(texts, "chain"), roots);
  const ends = chain.map(({ raw }) => decodeCertificate(raw).notAfterMs);
  const notAfterMs = Math.min(...ends);
  if (notAfterMs <= nowMs) throw fault("certificate", `or one above it ended at ${new Date(notAfterMs).toISOString()}`);
  const { subject, keyId } = decodeCertificate(certificate.raw);
  const root = chain.at(-1)!;
  const others = roots.filter(({ fingerprint256 }) => fingerprint256 !== root.fingerprint256);
  return {
    issuer: { name: Buffer.from(subject), key, keyId: Buffer.from(keyId) },
    intermediates: chain.slice(0, -1).map(({ raw }) => printPem("CERTIFICATE", raw)),
    roots: [...others, root].map(({ raw }) => printPem("CERTIFICATE", raw)),
    notAfterMs,
    revocations: texts.revocations,
  };
}

/** The way from the signing certificate up to one of the roots, both included. */
function chainUp(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): readonly X509Certificate[] {
  const isRoot = (one: X509Certificate) => roots.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256);
  const chain = [certificate];
  while (!isRoot(chain.at(-1)!)) {
    const last = chain.at(-1)!;
    const above = [...roots, ...between].find(
      (one) => one.fingerprint256 !== last.fingerprint256 && last.checkIssued(one) && last.verify(one.publicKey),
    );
    if (above === undefined || chain.length >= MAX_CHAIN)
      throw fault("certificate", `leads to no root of ${AUTHORITY_FILES.roots}, by ${AUTHORITY_FILES.chain} neither`);
    if (!above.ca) throw fault("chain", "has a certificate above that is no authority's");
    chain.push(above);
  }
  return chain;
}

function certificatesIn(texts: AuthorityTexts, file: "certificate" | "chain" | "roots"): X509Certificate[] {
  try {
    return parsePem("CERTIFICATE", texts[file]).map((bytes) => new X509Certificate(bytes));
  } catch (error) {
    throw fault(file, `can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw fault("key", "is no private key in PEM without a password");
  }
  if (key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048)
    throw fault("key", "is an RSA key of less than 2048 bits");
  try {
    signingAlgorithm(key);
  } catch (error) {
    throw fault("key", `can't be used: ${(error as Error).message}`);
  }
  return key;
}

function fault(file: keyof typeof AUTHORITY_FILES, message: string): ConfigError {
  return new ConfigError("ca", `${AUTHORITY_FILES[file]} ${message}`);
}

const DAY_MS = 86_400_000;

/** How long a root that is made here is valid. */
export const ROOT_VALIDITY_MS = 3_650 * DAY_MS;

/** How far back what is signed begins, for clocks that are behind. */
export const CLOCK_SKEW_MS = 120_000;

/** Makes a new key. */
export function createKey(type: KeyType): KeyObject {
  return type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey
    : generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** Makes a self-signed root of a trust domain. `serial` are 16 random bytes, the first below 128. */
export function createRoot(trustDomain: string, type: KeyType, serial: Uint8Array, nowMs: number): AuthorityTexts {
  const key = createKey(type);
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
  // The serial in the name tells one root from the next where only names are compared.
  const commonName = `Trestle root ${Buffer.from(serial.subarray(0, 4)).toString("hex")}`;
  const issuer: Issuer = {
    name: encodeName({ organization: trustDomain, commonName }),
    key,
    keyId: keyIdOf(publicKey),
  };
  const certificate = encodeCertificate(
    {
      serial,
      subject: issuer.name,
      publicKey,
      notBeforeMs: nowMs - CLOCK_SKEW_MS,
      notAfterMs: nowMs + ROOT_VALIDITY_MS,
      authority: {},
    },
    issuer,
  );
  const pem = printPem("CERTIFICATE", certificate);
  return {
    certificate: pem,
    key: key.export({ format: "pem", type: "pkcs8" }) as string,
    chain: "",
    roots: pem,
    revocations: "",
  };
}
