import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { encodeCertificate } from "../../src/codecs/x509/certificate.ts";
import { encodeName, keyIdOf } from "../../src/codecs/x509/names.ts";
import { printPem } from "../../src/codecs/x509/pem.ts";
import { encodeRevocationList } from "../../src/codecs/x509/revocation.ts";
import type { Secret } from "../../src/codecs/xds/secret.ts";

/** An authority of a test: a root, or an intermediate below one. */
export interface TestAuthority {
  readonly name: Buffer;
  readonly key: KeyObject;
  readonly keyId: Buffer;
  /** Its own certificate. */
  readonly pem: string;
  /** The intermediates between a leaf and the root, this one first; `""` for a root. */
  readonly chain: string;
  /** The root above it, or itself. */
  readonly root: string;
}

/** A leaf and what stands above it. */
export interface TestCertificate {
  /** Leaf first, then intermediates. */
  readonly chain: string;
  /** PKCS#8. */
  readonly key: string;
  readonly root: string;
  /** Lower-case hex. */
  readonly serial: string;
}

export interface LeafOptions {
  /** `spiffe://cluster.local/ns/default/sa/default` unless told; `""` for none. */
  readonly uri?: string;
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  /** An hour ago and in a day unless told, ms since 1970. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly keyType?: "ec" | "rsa";
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function newKey(keyType: "ec" | "rsa" = "ec"): KeyObject {
  return keyType === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
}

/** A self-signed root that is valid for ten years from a day ago. */
export function createTestRoot(commonName = "Root of a test", keyType: "ec" | "rsa" = "ec"): TestAuthority {
  return createAuthority(commonName, newKey(keyType), undefined);
}

/** An intermediate below `above`. */
export function createTestIntermediate(above: TestAuthority, commonName = "Intermediate of a test"): TestAuthority {
  return createAuthority(commonName, newKey(), above);
}

function createAuthority(commonName: string, key: KeyObject, above: TestAuthority | undefined): TestAuthority {
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
  const own = { name: encodeName({ organization: "Trestle tests", commonName }), key, keyId: keyIdOf(publicKey) };
  const nowMs = Date.now();
  const fields = {
    serial: newSerial(),
    subject: own.name,
    publicKey,
    notBeforeMs: nowMs - DAY_MS,
    notAfterMs: nowMs + 3_650 * DAY_MS,
    authority: {},
  };
  const pem = printPem("CERTIFICATE", encodeCertificate(fields, above ?? own));
  return {
    ...own,
    pem,
    chain: above === undefined ? "" : pem + above.chain,
    root: above === undefined ? pem : above.root,
  };
}

/** A leaf that is good in every way unless told otherwise: expired by `notAfterMs` in the past, of another identity by `uri`. */
export function createTestLeaf(authority: TestAuthority, options: LeafOptions = {}): TestCertificate {
  const { uri = "spiffe://cluster.local/ns/default/sa/default", dns = [], ips = [], keyType } = options;
  const key = newKey(keyType);
  const nowMs = Date.now();
  const serial = newSerial();
  const leaf = encodeCertificate(
    {
      serial,
      subject: encodeName({}),
      publicKey: createPublicKey(key).export({ format: "der", type: "spki" }),
      notBeforeMs: options.notBeforeMs ?? nowMs - HOUR_MS,
      notAfterMs: options.notAfterMs ?? nowMs + DAY_MS,
      altNames: {
        uris: uri === "" ? [] : [uri],
        dns,
        ips: ips.map((ip) => Buffer.from(ip.split(".").map(Number))),
      },
    },
    authority,
  );
  return {
    chain: printPem("CERTIFICATE", leaf) + authority.chain,
    key: key.export({ format: "pem", type: "pkcs8" }) as string,
    root: authority.root,
    serial: serial.toString("hex"),
  };
}

/** A leaf whose time is over since a minute. */
export function createExpiredLeaf(authority: TestAuthority, options: LeafOptions = {}): TestCertificate {
  const nowMs = Date.now();
  return createTestLeaf(authority, { ...options, notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs - 60_000 });
}

/** The authority's list of revoked certificates, PEM. */
export function revoke(authority: TestAuthority, ...serials: readonly string[]): string {
  const nowMs = Date.now();
  const fields = {
    serials: serials.map((serial) => Buffer.from(serial, "hex")),
    number: 1,
    thisUpdateMs: nowMs - HOUR_MS,
    nextUpdateMs: nowMs + DAY_MS,
  };
  return printPem("X509 CRL", encodeRevocationList(fields, authority));
}

/** The two secrets of a workload, as SDS gives them. */
export function secretsOf(leaf: TestCertificate, roots = leaf.root, crl?: string): readonly [Secret, Secret] {
  return [
    {
      name: "default",
      tlsCertificate: { certificateChain: { inlineString: leaf.chain }, privateKey: { inlineString: leaf.key } },
    },
    {
      name: "ROOTCA",
      validationContext: {
        trustedCa: { inlineString: roots },
        ...(crl !== undefined && { crl: { inlineString: crl } }),
      },
    },
  ];
}

/** The first byte is neither 0 nor 0x80 or more, so that its hex reads the same everywhere. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = 0x10 | (serial[0]! & 0x0f);
  return serial;
}
