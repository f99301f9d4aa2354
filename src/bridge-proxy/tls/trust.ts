import { X509Certificate } from "node:crypto";
import { decodeRevocationList, readSerial } from "../../codecs/x509/revocation.ts";
import type { PeerFault } from "./peer.ts";

/** Longest way from a leaf to its root. */
const MAX_DEPTH = 8;

const REVOKED: PeerFault = { kind: "revoked", message: "certificate revoked" };
const UNTRUSTED: PeerFault = { kind: "untrusted", message: "no root that is trusted now is above its certificate" };

/**
 * Roots and lists of revoked certificates, to hold peers against whose handshakes are over: OpenSSL looks at a chain in a handshake alone.
 * What is said here is less than what a handshake asks: a list that is missing or out of date speaks against nobody.
 */
export class Trust {
  readonly #rootTexts: readonly string[];
  readonly #listTexts: readonly string[];
  /** Read when somebody is held against them first: most never are. */
  #roots: readonly X509Certificate[] | undefined;
  #serials: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** Of leaves, until their certificates are gone. */
  readonly #verdicts = new WeakMap<X509Certificate, { readonly fault: PeerFault | undefined }>();

  /** Each text is one certificate, or one list, in PEM. */
  constructor(roots: readonly string[], lists: readonly string[]) {
    this.#rootTexts = roots;
    this.#listTexts = lists;
  }

  /** What is held against the owner of a certificate; `authorities`: those that may stand between it and a root. */
  fault(leaf: X509Certificate, authorities: readonly X509Certificate[]): PeerFault | undefined {
    const known = this.#verdicts.get(leaf);
    if (known !== undefined) return known.fault;
    this.#roots ??= readRoots(this.#rootTexts);
    this.#serials ??= readLists(this.#listTexts);
    // Without roots of its own the context goes by those of Node, which do not change.
    const fault = this.#roots.length > 0 ? this.#pathFault(leaf, authorities, 0) : this.#revokedFault(leaf);
    this.#verdicts.set(leaf, { fault });
    return fault;
  }

  /** Undefined where one way leads to a root over certificates that are not revoked. */
  #pathFault(
    certificate: X509Certificate,
    authorities: readonly X509Certificate[],
    depth: number,
  ): PeerFault | undefined {
    let fault = this.#revokedFault(certificate);
    if (fault !== undefined) return fault;
    if (isSelfIssued(certificate)) return this.#isRoot(certificate) ? undefined : UNTRUSTED;
    fault = UNTRUSTED;
    for (const issuer of depth < MAX_DEPTH ? [...this.#roots!, ...authorities] : []) {
      if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) continue;
      const above = this.#pathFault(issuer, authorities, depth + 1);
      if (above === undefined) return undefined;
      if (above === REVOKED) fault = REVOKED;
    }
    return fault;
  }

  #isRoot({ fingerprint256 }: X509Certificate): boolean {
    return this.#roots!.some((root) => root.fingerprint256 === fingerprint256);
  }

  #revokedFault(certificate: X509Certificate): PeerFault | undefined {
    if (this.#serials!.size === 0) return undefined;
    const { issuer, serial } = readSerial(certificate.raw);
    return this.#serials!.get(issuer)?.has(serial) === true ? REVOKED : undefined;
  }
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

/** What OpenSSL took and cannot be read here speaks for nobody, and against nobody. */
function readAll<T>(texts: readonly string[], read: (text: string) => T): T[] {
  return texts.flatMap((text) => {
    try {
      return [read(text)];
    } catch {
      return [];
    }
  });
}

function readRoots(texts: readonly string[]): X509Certificate[] {
  return readAll(texts, (text) => new X509Certificate(text));
}

function readLists(texts: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byIssuer = new Map<string, ReadonlySet<string>>();
  const lists = readAll(texts, (text) =>
    decodeRevocationList(Buffer.from(text.replace(/-----[^-]*-----|\s/g, ""), "base64")),
  );
  for (const { issuer, serials } of lists) {
    const others = byIssuer.get(issuer);
    byIssuer.set(issuer, others === undefined ? serials : new Set([...others, ...serials]));
  }
  return byIssuer;
}
