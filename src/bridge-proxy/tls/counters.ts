import type { Logger } from "../../base/log.ts";
import type { PeerFault, PeerFaultKind } from "./peer.ts";

/** What a proxy counts of TLS, all monotonic. */
export interface TlsCounters {
  /** Handshakes that ended well, in both directions, and how many of them took up an earlier session. */
  tlsHandshakes: number;
  tlsResumed: number;
  /** Handshakes that failed otherwise than by a peer's certificate: no common version, an alert, a time-out, a connection that broke. */
  tlsFailures: number;
  /** Accepted connections that were closed since too many handshakes were under way. */
  tlsOverLimit: number;
  /** Peers that were refused for their certificate. */
  tlsUntrusted: number;
  tlsExpired: number;
  tlsRevoked: number;
  tlsWrongIdentity: number;
  /** Connections in plain text where only mutual TLS is taken. */
  tlsPlainRefused: number;
  /** Connections in plain text that stood and were ended, as only mutual TLS is taken from now on. */
  tlsPlainEnded: number;
  /** Connections with TLS of the application's own, carried as they are. */
  tlsPassedThrough: number;
  /** The same, refused: policies hold for the provider, and nobody sees its calls. */
  tlsPassRefused: number;
  /** Connections with TLS that stood and were ended, as their peer is refused from now on. */
  tlsEnded: number;
}

const BY_KIND: Readonly<Record<PeerFaultKind, keyof TlsCounters>> = {
  untrusted: "tlsUntrusted",
  expired: "tlsExpired",
  revoked: "tlsRevoked",
  wrongIdentity: "tlsWrongIdentity",
};

/** The same is said again after this, ms. */
const SILENCE_MS = 60_000;
/** What callers in plain text are refused for. */
export const MUTUAL_ONLY = "only mutual TLS is taken here";
/** Peers that are remembered so that not each of their attempts is a line. */
const MAX_KNOWN = 256;

/** Counts what goes wrong with TLS and says so: each peer's fault once a minute, however often it comes back. */
export class TlsRecord {
  readonly counters: TlsCounters = {
    tlsHandshakes: 0,
    tlsResumed: 0,
    tlsFailures: 0,
    tlsOverLimit: 0,
    tlsUntrusted: 0,
    tlsExpired: 0,
    tlsRevoked: 0,
    tlsWrongIdentity: 0,
    tlsPlainRefused: 0,
    tlsPlainEnded: 0,
    tlsPassedThrough: 0,
    tlsPassRefused: 0,
    tlsEnded: 0,
  };
  readonly #log: Logger;
  /** When each line was written last, the oldest first. */
  readonly #said = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  handshake(resumed: boolean): void {
    this.counters.tlsHandshakes++;
    if (resumed) this.counters.tlsResumed++;
  }

  /** A peer was refused for its certificate; `peer` is its address. */
  refused(peer: string, fault: PeerFault, nowMs: number): void {
    this.counters[BY_KIND[fault.kind]]++;
    this.#say("a TLS peer is refused", peer, fault.message, nowMs);
  }

  /** A connection that stood is ended, as its peer would be refused now. */
  ended(peer: string, fault: Pick<PeerFault, "message">, nowMs: number): void {
    this.counters.tlsEnded++;
    this.#say("a TLS connection is ended", peer, fault.message, nowMs);
  }

  /** A handshake failed. */
  failed(peer: string, message: string, nowMs: number): void {
    this.counters.tlsFailures++;
    this.#say("a TLS handshake failed", peer, message, nowMs);
  }

  /** A connection in plain text was refused. */
  plainRefused(peer: string, nowMs: number): void {
    this.counters.tlsPlainRefused++;
    this.#say("plain text is refused", peer, MUTUAL_ONLY, nowMs);
  }

  /** A connection in plain text that stood is ended. */
  plainEnded(peer: string, nowMs: number): void {
    this.counters.tlsPlainEnded++;
    this.#say("a connection in plain text is ended", peer, `${MUTUAL_ONLY} from now on`, nowMs);
  }

  /** TLS that is not ended here was refused. */
  passRefused(peer: string, fault: string, nowMs: number): void {
    this.counters.tlsPassRefused++;
    this.#say("TLS of an application's own is refused", peer, fault, nowMs);
  }

  #say(what: string, peer: string, error: string, nowMs: number): void {
    const key = `${peer} ${error}`;
    const saidMs = this.#said.get(key);
    if (saidMs !== undefined && nowMs - saidMs < SILENCE_MS) return;
    const first = this.#said.keys().next();
    if (this.#said.size >= MAX_KNOWN && first.done !== true) {
      // With more peers than are remembered, only those past their minute make room.
      if (nowMs - this.#said.get(first.value)! < SILENCE_MS) return;
      this.#said.delete(first.value);
    }
    this.#said.delete(key);
    this.#said.set(key, nowMs);
    this.#log.warn(what, { peer, error });
  }
}
