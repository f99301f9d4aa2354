import { encodeCertificate } from "../../codecs/x509/certificate.ts";
import { type AltNames, encodeName } from "../../codecs/x509/names.ts";
import { printPem } from "../../codecs/x509/pem.ts";
import { type Authority, CLOCK_SKEW_MS } from "./authority.ts";

const MINUTE_MS = 60_000;

/** How long leaves are valid. */
export interface Validity {
  /** For callers that ask for none, ms. */
  readonly defaultMs: number;
  /** The longest that anybody gets, ms. */
  readonly maxMs: number;
}

/** Istio's own: a day, and at most 90. */
export const DEFAULT_VALIDITY: Validity = Object.freeze({
  defaultMs: 24 * 60 * MINUTE_MS,
  maxMs: 90 * 1_440 * MINUTE_MS,
});

/** Shortest validity that is given, ms: below, a clock that is a little off would never see it valid. */
export const MIN_VALIDITY_MS = 5 * MINUTE_MS;

/** The validity that a wish, in seconds, leads to: none, a wrong one and 0 give the default, others are cut to the bounds. */
export function clampValidity(seconds: number | undefined, { defaultMs, maxMs }: Validity): number {
  if (seconds === undefined || !(seconds > 0)) return Math.min(defaultMs, maxMs);
  return Math.min(Math.max(seconds * 1_000, MIN_VALIDITY_MS), maxMs);
}

/** What is signed: a key and the names that it is vouched for. */
export interface LeafFields {
  /** SubjectPublicKeyInfo's DER. */
  readonly publicKey: Uint8Array;
  readonly altNames: AltNames;
  readonly validityMs: number;
  /** 16 random bytes, the first below 128. */
  readonly serial: Uint8Array;
}

/** A certificate and all that stands above it. */
export interface SignedLeaf {
  /** PEM, one certificate each: the leaf, intermediates from below, then the roots, the one that it leads to last. */
  readonly chain: readonly string[];
  /** PEM of leaf and intermediates: what its holder sends in a handshake. */
  readonly sent: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Signs a leaf. It begins {@link CLOCK_SKEW_MS} ago and ends no later than the authority itself. `roots` are those to trust besides
 * the authority's own.
 */
export function signLeaf(
  authority: Authority,
  leaf: LeafFields,
  nowMs: number,
  roots: readonly string[] = authority.roots,
): SignedLeaf {
  const notBeforeMs = nowMs - CLOCK_SKEW_MS;
  const notAfterMs = Math.min(nowMs + leaf.validityMs, authority.notAfterMs);
  const { publicKey, altNames, serial } = leaf;
  const fields = { serial, subject: encodeName({}), publicKey, notBeforeMs, notAfterMs, altNames };
  const pem = printPem("CERTIFICATE", encodeCertificate(fields, authority.issuer));
  const own = authority.roots.at(-1)!;
  const others = roots.filter((root) => root !== own);
  return {
    chain: [pem, ...authority.intermediates, ...others, own],
    sent: [pem, ...authority.intermediates].join(""),
    notBeforeMs,
    notAfterMs,
  };
}
