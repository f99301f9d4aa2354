import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Variant } from "../../codecs/xds/discovery-bytes.ts";
import { XdsClient, type XdsPipe } from "./client.ts";
import type { XdsSource } from "./contracts.ts";
import type { XdsMetrics } from "./metrics.ts";

/** How clients are served; times in ms. */
export interface XdsClientsOptions {
  readonly source: XdsSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: XdsMetrics;
  /** Runs a function soon, after what waits has been read; `setImmediate` unless told. */
  readonly soon?: (run: () => void) => void;
  /** Quiet time after a change before it is sent: 100, as Istio's. */
  readonly debounceMs?: number;
  /** Longest that a change waits while others keep coming: 10,000, as Istio's. */
  readonly maxDelayMs?: number;
  /** Most streams at a time. */
  readonly maxClients?: number;
  /** Most of them from one address: nobody takes the room of all others. */
  readonly maxOfAddress?: number;
  /** How long a client may leave a response unanswered. */
  readonly answerMs?: number;
}

/** Clients that are served in one turn of the event loop, and for how long, ms: what others ask meanwhile waits for no more than these. */
const TURN = 32;
const TURN_MS = 2;

const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

/** Streams that are refused for want of room are told of once in this time, ms. */
const TELL_MS = 60_000;

/**
 * All streams of an xDS server. A change is sent to each in its turn, so that neither many clients that come at once nor a change for all
 * of them keeps any one from being heard.
 */
export class XdsClients {
  readonly #options: XdsClientsOptions;
  readonly #clients = new Set<XdsClient>();
  /** Streams by the address that they are from. */
  readonly #ofAddress = new Map<string, number>();
  /** Who waits for a turn, with the time of the change that it waits for. */
  readonly #waiting = new Map<XdsClient, number | undefined>();
  readonly #soon: (run: () => void) => void;
  #isTurning = false;
  #changedAtMs: number | undefined;
  #timer: Timer | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: XdsClientsOptions) {
    this.#options = options;
    this.#soon = options.soon ?? setImmediate;
  }

  /** All streams that are open, whether they said who they are or not. */
  get all(): ReadonlySet<XdsClient> {
    return this.#clients;
  }

  /** A new stream; undefined, with the pipe ended, where there are too many. */
  open(variant: Variant, typeUrl: string | undefined, pipe: XdsPipe): XdsClient | undefined {
    const { maxClients = 10_000, maxOfAddress = 2_500, answerMs = 60_000, source, clock, log, metrics } = this.#options;
    const address = addressOf(pipe.peer);
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    const isFull = this.#isClosed || this.#clients.size >= maxClients;
    if (isFull || ofAddress >= maxOfAddress) {
      metrics.ended("clients");
      const fault = isFull
        ? `there are ${maxClients} streams already`
        : `there are ${maxOfAddress} streams from this address already`;
      if (clock.now() - this.#toldAtMs >= TELL_MS) {
        this.#toldAtMs = clock.now();
        log.warn("streams of xds clients are refused", { peer: pipe.peer, open: this.#clients.size, reason: fault });
      }
      pipe.end(RESOURCE_EXHAUSTED, fault);
      return undefined;
    }
    const client = new XdsClient(variant, typeUrl, pipe, {
      source,
      clock,
      log,
      metrics,
      answerMs,
      wantsTurn: (one) => this.#queue(one, undefined),
    });
    this.#clients.add(client);
    this.#ofAddress.set(address, ofAddress + 1);
    metrics.setClients(this.#clients.size);
    return client;
  }

  /** A stream is over. */
  forget(client: XdsClient): void {
    client.close();
    if (!this.#clients.delete(client)) return;
    const address = addressOf(client.peer);
    const others = (this.#ofAddress.get(address) ?? 1) - 1;
    if (others > 0) this.#ofAddress.set(address, others);
    else this.#ofAddress.delete(address);
    this.#waiting.delete(client);
    this.#options.metrics.setClients(this.#clients.size);
  }

  /** What clients may be given changed: they are told, after a short quiet. */
  changed(): void {
    const { clock, debounceMs = 100, maxDelayMs = 10_000 } = this.#options;
    const nowMs = clock.now();
    this.#changedAtMs ??= nowMs;
    this.#timer?.cancel();
    const dueMs = Math.min(debounceMs, this.#changedAtMs + maxDelayMs - nowMs);
    this.#timer = clock.after(Math.max(0, dueMs), () => this.#push());
  }

  /** Ends all streams: clients come again, to this server or another. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const client of [...this.#clients]) {
      client.end(UNAVAILABLE, "the server is going away");
      this.forget(client);
    }
  }

  #push(): void {
    const changedAtMs = this.#changedAtMs;
    this.#changedAtMs = undefined;
    if (changedAtMs !== undefined) this.#options.metrics.triggered(this.#options.clock.now() - changedAtMs);
    for (const client of this.#clients) this.#queue(client, changedAtMs);
  }

  #queue(client: XdsClient, changedAtMs: number | undefined): void {
    const before = this.#waiting.get(client);
    this.#waiting.set(client, before ?? changedAtMs);
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#soon(() => this.#turn());
  }

  #turn(): void {
    const { clock } = this.#options;
    const untilMs = clock.now() + TURN_MS;
    let served = 0;
    for (const [client, changedAtMs] of this.#waiting) {
      this.#waiting.delete(client);
      client.refresh(changedAtMs);
      if (++served >= TURN || clock.now() >= untilMs) break;
    }
    this.#isTurning = this.#waiting.size > 0;
    if (this.#isTurning) this.#soon(() => this.#turn());
  }
}

/** The address of `host:port`. */
function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
