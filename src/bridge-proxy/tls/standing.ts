import type { X509Certificate } from "node:crypto";
import { forgetOldest } from "../../base/bounded.ts";
import type { MadeContext, TlsContext, TlsContexts } from "./contexts.ts";
import type { TlsRecord } from "./counters.ts";
import { EXPIRED, nameFault, type PeerFault, parseNames, WRONG_KEY } from "./peer.ts";

/** How long a connection whose peer is refused has for its calls, ms. */
export const GRACE_MS = 10_000;
/** Between its end in order and its end. */
export const GOODBYE_MS = 1_000;
/** Whoever connected leaves a connection before a certificate of it expires, by a tenth of what was left or this, or up to twice as much, ms. */
const EARLY_MS = 300_000;
const EARLY_SHARE = 0.1;
/** Authorities that peers showed, which sessions that are taken up again do not show. */
const MAX_AUTHORITIES = 256;

/** A connection whose peer has proved who it is, and how it is ended once the peer would be refused. */
export interface StandingPeer {
  readonly address: string;
  /** What it proved it by, the leaf first; those above it where it showed them. */
  readonly chain: readonly X509Certificate[];
  readonly context: TlsContext;
  /** Under which the handshake was. */
  readonly made: MadeContext;
  /** We connected: what the far end would end, as our own certificate is refused or expires, is left in order before. */
  readonly isOurs: boolean;
  /** No new call is to come on it; those that are under way go on. */
  readonly leave: () => void;
  /** Ends it behind what is queued. */
  readonly end: () => void;
  readonly destroy: () => void;
}

interface Entry {
  readonly peer: StandingPeer;
  readonly chain: readonly X509Certificate[];
  made: MadeContext;
  /** When a certificate of it expires, ms since 1970. */
  readonly endsMs: number;
  /** When the next step is taken. */
  dueMs: number;
  step: "stands" | "left" | "ending" | "ended";
  fault: PeerFault | undefined;
}

/**
 * Connections with TLS that stand: those whose peer has been revoked, is of a root that is not trusted any more, or has a certificate that
 * expired, are ended. Looked at once a second, and then only where secrets changed or a time has come.
 */
export class StandingPeers {
  readonly #contexts: TlsContexts;
  readonly #record: TlsRecord;
  readonly #random: () => number;
  readonly #entries = new Set<Entry>();
  /** Peers show the same certificate on each of their connections: it is kept once, by fingerprint. */
  readonly #chains = new Map<string, { readonly chain: readonly X509Certificate[]; uses: number }>();
  readonly #authorities = new Map<string, X509Certificate>();
  #seenVersion = 0;
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(contexts: TlsContexts, record: TlsRecord, random: () => number = Math.random) {
    this.#contexts = contexts;
    this.#record = record;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes one in at the end of its handshake; what is given is to be called once it is closed. */
  add(peer: StandingPeer, wallMs: number): () => void {
    const { made, isOurs, context } = peer;
    const [leaf, ...above] = peer.chain;
    if (!made.verifies || leaf === undefined) return () => {};
    for (const authority of above) this.#learn(authority);
    const key = leaf.fingerprint256;
    const kept = this.#chains.get(key) ?? { chain: peer.chain, uses: 0 };
    kept.uses++;
    this.#chains.set(key, kept);
    const endsMs = Math.min(...[...kept.chain, ...(isOurs ? made.own : [])].map(({ validTo }) => Date.parse(validTo)));
    const early = isOurs ? Math.min(EARLY_MS, (endsMs - wallMs) * EARLY_SHARE) * (1 + this.#random()) : 0;
    const dueMs = endsMs - early;
    const entry: Entry = { peer, chain: kept.chain, made, endsMs, dueMs, step: "stands", fault: undefined };
    this.#entries.add(entry);
    this.#nextMs = Math.min(this.#nextMs, dueMs);
    // Secrets changed while it was made.
    if (context.current() !== made) this.#seenVersion = -1;
    return () => {
      if (this.#entries.delete(entry) && --kept.uses === 0) this.#chains.delete(key);
    };
  }

  /** Looks at what is due; to be called again and again. */
  tick(wallMs: number): void {
    if (this.#seenVersion !== this.#contexts.version) {
      this.#seenVersion = this.#contexts.version;
      const authorities = [...this.#authorities.values()];
      for (const entry of this.#entries) this.#judge(entry, authorities, wallMs);
    }
    if (wallMs < this.#nextMs) return;
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#entries]) {
      if (wallMs >= entry.dueMs) this.#advance(entry, wallMs);
      this.#nextMs = Math.min(this.#nextMs, entry.dueMs);
    }
  }

  #learn(authority: X509Certificate): void {
    const key = authority.fingerprint256;
    this.#authorities.delete(key);
    this.#authorities.set(key, authority);
    forgetOldest(this.#authorities, MAX_AUTHORITIES);
  }

  /** Holds a peer against what is in force now, where that is not what it was held against last. */
  #judge(entry: Entry, authorities: readonly X509Certificate[], wallMs: number): void {
    const { peer, chain, fault } = entry;
    const made = peer.context.current();
    if (made === undefined || made === entry.made || !made.verifies) return;
    const before = entry.made;
    entry.made = made;
    if (fault !== undefined) return;
    const [leaf, ...above] = chain;
    entry.fault = made.trust.fault(leaf!, [...above, ...authorities]);
    if (entry.fault === undefined && made.names !== undefined && made.names !== before.names) {
      const names = parseNames(leaf!.subjectAltName);
      if (!made.names(names)) entry.fault = nameFault(names);
    }
    if (entry.fault === undefined && made.pins?.(leaf!) === false) entry.fault = WRONG_KEY;
    const [own, ...aboveOwn] = peer.isOurs ? peer.made.own : [];
    const ownFault = own === undefined ? undefined : made.trust.fault(own, aboveOwn);
    if (entry.fault === undefined && ownFault === undefined) return;
    if (entry.step === "stands") entry.dueMs = wallMs;
    else entry.dueMs = Math.min(entry.dueMs, wallMs + GRACE_MS);
    this.#nextMs = Math.min(this.#nextMs, entry.dueMs);
  }

  #advance(entry: Entry, wallMs: number): void {
    const { peer, endsMs } = entry;
    if (entry.fault === undefined && wallMs >= endsMs) entry.fault = EXPIRED;
    switch (entry.step) {
      case "stands":
        entry.step = "left";
        // Left before it has to be: what is under way has until then.
        entry.dueMs = Math.max(wallMs + GRACE_MS, entry.fault === undefined ? endsMs : 0);
        if (entry.fault !== undefined) this.#record.ended(peer.address, entry.fault, wallMs);
        peer.leave();
        break;
      case "left":
        entry.step = "ending";
        entry.dueMs = wallMs + GOODBYE_MS;
        peer.end();
        break;
      case "ending":
        entry.step = "ended";
        entry.dueMs = Number.POSITIVE_INFINITY;
        peer.destroy();
        break;
      case "ended":
        break;
      default:
        entry.step satisfies never;
    }
  }
}
