import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { Latest } from "../../base/latest.ts";
import { decodeCertificate } from "../../codecs/x509/certificate.ts";
import type { AltNames } from "../../codecs/x509/names.ts";
import type { CertificateRequest } from "../../codecs/x509/request.ts";
import type { CertificateValidationContext } from "../../codecs/xds/secret.ts";
import type { Authority } from "./authority.ts";
import { printRevocations } from "./revoked.ts";
import { clampValidity, DEFAULT_VALIDITY, type SignedLeaf, signLeaf, type Validity } from "./sign.ts";
import {
  nextStepMs,
  type RetiredRoot,
  rootOf,
  stepTrust,
  type Trust,
  type TrustTimes,
  takeAuthority,
  trustedRoots,
} from "./trust.ts";

/** How long a new root is handed out before it signs, ms, unless told. */
export const DEFAULT_OVERLAP_MS = 5 * 60_000;

/** Settings of a {@link CertificateAuthority}. */
export interface AuthorityOptions {
  readonly clock?: Clock;
  /** Gives random bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly validity?: Validity;
  readonly overlapMs?: number;
}

const DAY_MS = 86_400_000;

/** Lists of revoked certificates are signed anew so often, ms: well before one ends. */
const LIST_RENEWAL_MS = 30 * DAY_MS;

/** Tells one authority from another: the same key and name sign the same lists. */
function keyOf({ issuer }: Authority): string {
  return Buffer.concat([issuer.name, issuer.keyId]).toString("hex");
}

/** What outlives a restart: the roots of leaves that may still live, the signing one among them. */
export type TrustMemory = readonly RetiredRoot[];

/**
 * Signs leaves, and says whom to trust. A new authority that is taken is handed out first and signs later, and the one before stays
 * trusted while its leaves live, so that no connection is refused on the way from one to the other.
 */
export class CertificateAuthority {
  /** What peers are held against; undefined before an authority was taken. Another object after every change. */
  readonly validation = new Latest<CertificateValidationContext | undefined>(undefined);
  readonly #clock: Clock;
  readonly #random: (bytes: number) => Buffer;
  readonly #validity: Validity;
  readonly #overlapMs: number;
  #trust: Trust | undefined;
  /** Those that signed before, while leaves of theirs may live: their lists of revoked ones go on. Not over a restart. */
  #former: readonly { readonly authority: Authority; readonly untilMs: number }[] = [];
  #revoked: readonly string[] | undefined;
  #issuedUntilMs = 0;
  #restored: readonly RetiredRoot[] = [];
  #timer: Timer | undefined;
  /** When the trust changes by itself. */
  #dueMs: number | undefined;
  #published = "";

  constructor({
    clock = realClock,
    random,
    validity = DEFAULT_VALIDITY,
    overlapMs = DEFAULT_OVERLAP_MS,
  }: AuthorityOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#validity = validity;
    this.#overlapMs = overlapMs;
  }

  /** Who signs and who is trusted; undefined before an authority was taken. */
  get trust(): Trust | undefined {
    return this.#trust;
  }

  /** What to keep over a restart. */
  get memory(): TrustMemory {
    if (this.#trust === undefined) return this.#restored;
    const { signing, retired } = this.#trust;
    const own = { root: rootOf(signing), untilMs: this.#issuedUntilMs, revocations: this.#listOf(signing) };
    return [...retired, own];
  }

  /** Takes up what was kept; before the first authority is taken. */
  restore(memory: TrustMemory): void {
    this.#restored = memory;
    this.#issuedUntilMs = Math.max(0, ...memory.map(({ untilMs }) => untilMs));
  }

  /** Takes a new authority, or what became of the one that signs. */
  take(authority: Authority): void {
    const before = this.#trust?.signing;
    const isFirst = before === undefined;
    const trust = takeAuthority(this.#trust, authority, this.#times());
    const retired = this.#restored.filter(({ root }) => !authority.roots.includes(root));
    this.#trust = isFirst ? { ...trust, retired } : trust;
    this.#noteFormer(before);
    this.#settle();
  }

  /** Takes the serial numbers that are revoked; undefined where no list is kept at all. */
  revoke(serials: readonly string[] | undefined): void {
    this.#revoked = serials;
    this.#settle();
  }

  /** Whether a certificate's serial number is on the list. Throws a `ProtocolError` for what is no certificate. */
  isRevoked(der: Uint8Array): boolean {
    return this.#revoked?.includes(decodeCertificate(der).serial) === true;
  }

  /**
   * Signs a leaf for the key of a request. `altNames` are the caller's, from who it is and not from what it asks; the validity is
   * in seconds. Throws a `TransientError` while there is no authority.
   */
  sign({ publicKey }: Pick<CertificateRequest, "publicKey">, altNames: AltNames, validitySeconds?: number): SignedLeaf {
    if ((this.#dueMs ?? Number.POSITIVE_INFINITY) <= this.#clock.now()) this.#settle();
    if (this.#trust === undefined) throw new TransientError("the authority has no key yet");
    const serial = this.#random(16);
    // Between 0x40 and 0x7f: never negative, and 16 bytes however it is printed.
    serial[0] = 0x40 | (serial[0]! & 0x3f);
    const validityMs = clampValidity(validitySeconds, this.#validity);
    const { signing } = this.#trust;
    const leaf = signLeaf(
      signing,
      { publicKey, altNames, validityMs, serial },
      this.#clock.now(),
      trustedRoots(this.#trust),
    );
    this.#issuedUntilMs = Math.max(this.#issuedUntilMs, leaf.notAfterMs);
    return leaf;
  }

  close(): void {
    this.#timer?.cancel();
    this.validation.close();
  }

  #times(): TrustTimes {
    return {
      nowMs: this.#clock.now(),
      overlapMs: this.#overlapMs,
      issuedUntilMs: this.#issuedUntilMs,
      revocationsOf: (authority) => this.#listOf(authority),
    };
  }

  #listOf(authority: Authority): string {
    return this.#revoked === undefined ? "" : printRevocations(authority, this.#revoked, this.#clock.now());
  }

  /** One that signs no more is remembered until its last leaf ends; one that signs again is none of these. */
  #noteFormer(before: Authority | undefined): void {
    const nowMs = this.#clock.now();
    const signing = keyOf(this.#trust!.signing);
    const isOver = before !== undefined && keyOf(before) !== signing && this.#issuedUntilMs > nowMs;
    const others = this.#former.filter(
      ({ authority, untilMs }) =>
        untilMs > nowMs && keyOf(authority) !== signing && (!isOver || keyOf(authority) !== keyOf(before)),
    );
    this.#former = isOver ? [...others, { authority: before, untilMs: this.#issuedUntilMs }] : others;
  }

  /** Brings trust to the present, tells of it where it changed, and waits for what comes next. */
  #settle(): void {
    if (this.#trust === undefined) return;
    const before = this.#trust;
    this.#trust = stepTrust(before, this.#times());
    this.#noteFormer(before.signing);
    this.#publish(this.#trust);
    // Lists of revoked ones are looked at every day, for they end.
    const dueMs = nextStepMs(this.#trust) ?? (this.#revoked === undefined ? undefined : this.#clock.now() + DAY_MS);
    this.#dueMs = dueMs;
    this.#timer?.cancel();
    // Timers hold 24 days at most; a retired root may be waited for longer.
    if (dueMs !== undefined)
      this.#timer = this.#clock.after(Math.min(Math.max(0, dueMs - this.#clock.now()), DAY_MS), () => this.#settle());
  }

  #publish(trust: Trust): void {
    const trustedCa = { inlineString: trustedRoots(trust).join("") };
    const known = this.validation.get();
    const period = this.#revoked === undefined ? 0 : Math.floor(this.#clock.now() / LIST_RENEWAL_MS);
    const former = this.#former.map(({ authority }) => keyOf(authority));
    const signers = [trust.signing, ...(trust.next === undefined ? [] : [trust.next.authority])];
    const above = signers.map(({ revocations }) => revocations);
    const key = JSON.stringify([trustedCa.inlineString, this.#revoked, trust.next?.fromMs, period, former, above]);
    if (known !== undefined && key === this.#published) return;
    this.#published = key;
    this.validation.set({ trustedCa, ...this.#revocations(trust) });
  }

  #revocations(trust: Trust): Pick<CertificateValidationContext, "crl" | "onlyVerifyLeafCertCrl"> {
    if (this.#revoked === undefined) return {};
    const signers = [trust.signing, ...(trust.next === undefined ? [] : [trust.next.authority])];
    const former = this.#former.map(({ authority }) => authority);
    // What was kept of one over a restart cannot be signed anew.
    const kept = trust.retired.filter(({ root }) => !former.some((authority) => rootOf(authority) === root));
    const lists = [
      ...kept.map(({ revocations }) => revocations),
      ...[...former, ...signers].map((authority) => this.#listOf(authority)),
    ];
    // The lists of authorities above are the files' to bring; without them only the leaf's issuer has one.
    const needsMore = signers.some(({ intermediates, revocations }) => intermediates.length > 0 && revocations === "");
    return { crl: { inlineString: lists.join("") }, ...(needsMore && { onlyVerifyLeafCertCrl: true }) };
  }
}
