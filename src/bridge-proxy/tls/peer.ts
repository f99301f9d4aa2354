import { createHash, type X509Certificate } from "node:crypto";
import { compileString, type TextTest } from "../../codecs/xds/match.ts";
import type { SubjectAltNameMatcher } from "../../codecs/xds/secret.ts";
import type { PeerValidation } from "../../codecs/xds/tls.ts";
import { type Identity, parseIdentity } from "../../model/identity.ts";

/** One name of a certificate, as OpenSSL calls its kinds: `URI`, `DNS`, `email`, `IP Address`, ... */
export interface PeerName {
  readonly type: string;
  readonly value: string;
}

/** Why a peer is not let in: which counter it is counted under, and the text for the log. */
export interface PeerFault {
  readonly kind: PeerFaultKind;
  readonly message: string;
}

/** `untrusted`: no certificate, or a chain that does not end in one of the roots. */
export type PeerFaultKind = "untrusted" | "expired" | "revoked" | "wrongIdentity";

/** Most names of a certificate that are looked at. */
const MAX_NAMES = 100;
/** Most of them that a log line shows. */
const SHOWN_NAMES = 3;

/**
 * Reads the text that Node gives of a certificate's names (X509Certificate.subjectAltName): `TYPE:value, TYPE:value`, a value with
 * letters that could deceive as a JSON string (Node 17 on, CVE-2021-44532).
 */
export function parseNames(text: string | undefined): PeerName[] {
  const names: PeerName[] = [];
  const item = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;
  for (const [, type, raw] of (text ?? "").matchAll(item)) {
    if (names.length === MAX_NAMES) break;
    const value = raw!.startsWith('"') ? unquote(raw!) : raw!;
    if (value !== undefined) names.push({ type: type!, value });
  }
  return names;
}

/** Most certificates of a chain that are kept. */
const MAX_CHAIN = 8;

/** A certificate and those that its owner showed with it, in order. */
export function chainFrom(certificate: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let one: X509Certificate | undefined = certificate; one !== undefined && chain.length < MAX_CHAIN; ) {
    chain.push(one);
    one = one.issuerCertificate;
  }
  return chain;
}

/** Who a certificate says that its owner is; undefined where it has no URI, several, or one of another form (SPIFFE-X509-SVID 2). */
export function identityOf(names: readonly PeerName[]): Identity | undefined {
  const uris = names.filter(({ type }) => type === "URI");
  return uris.length === 1 ? parseIdentity(uris[0]!.value) : undefined;
}

/** Whether a certificate has one of the names that are asked for. */
export type NameTest = (names: readonly PeerName[]) => boolean;

/** Compiles what is asked of a peer's names; undefined where any will do. */
export function compileNames(matchers: readonly SubjectAltNameMatcher[] | undefined): NameTest | undefined {
  if (matchers === undefined || matchers.length === 0) return undefined;
  const tests: { readonly type: string; readonly test: TextTest }[] = matchers.map(({ sanType, matcher }) => ({
    type: OPENSSL_NAMES[sanType],
    test: compileString(matcher),
  }));
  return (names) => tests.some(({ type, test }) => names.some((name) => name.type === type && test(name.value)));
}

/** Whether a certificate, or its key, is one of those that are asked for. */
export type KeyTest = (certificate: X509Certificate) => boolean;

/** Compiles which certificates and keys a peer may have; undefined where any will do. */
export function compilePins(asked: PeerValidation | undefined): KeyTest | undefined {
  const { verifyCertificateSpki = [], verifyCertificateHash = [] } = asked ?? {};
  if (verifyCertificateSpki.length + verifyCertificateHash.length === 0) return undefined;
  const keys = new Set(verifyCertificateSpki);
  const hashes = new Set(verifyCertificateHash);
  return ({ fingerprint256, publicKey }) => {
    if (hashes.has(fingerprint256.replaceAll(":", "").toLowerCase())) return true;
    const key = publicKey.export({ type: "spki", format: "der" });
    return keys.has(createHash("sha256").update(key).digest("base64"));
  };
}

const OPENSSL_NAMES = { URI: "URI", DNS: "DNS", EMAIL: "email", IP_ADDRESS: "IP Address" } as const;

/** Codes of OpenSSL's verification by what they mean here; any other is `untrusted`. Source: crypto/x509/x509_txt.c. */
const KINDS: Readonly<Record<string, PeerFaultKind>> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
  CERT_REVOKED: "revoked",
  CRL_HAS_EXPIRED: "revoked",
  CRL_NOT_YET_VALID: "revoked",
  UNABLE_TO_GET_CRL: "revoked",
};

/** What OpenSSL holds against a peer's chain. */
export function chainFault(error: { readonly code?: string; readonly message: string }): PeerFault {
  const { code = "", message } = error;
  return { kind: KINDS[code] ?? "untrusted", message: message === "" ? code.toLowerCase() : message };
}

/** A peer without a certificate. */
export const NO_CERTIFICATE: PeerFault = { kind: "untrusted", message: "it shows no certificate" };

/** A good chain of one whose certificate and key are none of those that are asked for. */
export const WRONG_KEY: PeerFault = { kind: "wrongIdentity", message: "its certificate and key are not expected here" };

/** A good chain of nobody that the mesh has: without a SPIFFE identity, or with two. */
export const NO_IDENTITY: PeerFault = { kind: "wrongIdentity", message: "its certificate has no identity of the mesh" };

/** A certificate that has ended since its session began. */
export const EXPIRED: PeerFault = { kind: "expired", message: "certificate has expired" };

/** A chain that was good, of a peer whose names are not those that are asked for. */
export function nameFault(names: readonly PeerName[]): PeerFault {
  const shown = names.slice(0, SHOWN_NAMES).map(({ type, value }) => `${type}:${value.slice(0, 200)}`);
  const message = `its certificate is of ${shown.length === 0 ? "nobody" : shown.join(", ")}, who is not expected here`;
  return { kind: "wrongIdentity", message };
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
