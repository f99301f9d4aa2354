import { appendCopy } from "../../base/pieces.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { Later } from "../authz/asked.ts";
import type { ProxyContext } from "../context.ts";
import type { Outcome } from "../policies/outcome.ts";
import type { Arrived, ServedRequest, TripleCallerPort } from "./served.ts";

const NO_BYTES = Buffer.alloc(0);

/** A request that cannot be served yet. */
export interface HeldParts {
  readonly context: ProxyContext;
  readonly arrived: Arrived;
  readonly later: Later;
  /** The caller's address. */
  readonly caller: string;
  /** How long its caller waits. */
  readonly timeLeftMs: number;
  /** What serves it once it is time. */
  readonly serve: (arrived: Arrived) => ServedRequest;
}

/**
 * A request that waits, for the key of its token, before it is known where it goes. What comes of its content meanwhile is kept, no more than the
 * caller's window has room for, and counts among the bytes of held calls: where these are too many, it waits no longer.
 */
export class HeldRequest implements ServedRequest, TripleCallerPort {
  place = -1;
  /** Whether what serves it takes them is known once it is time. */
  readonly takesTrailers = true;
  readonly #parts: HeldParts;
  readonly #sinceMs: number;
  #pieces: Buffer[] = [];
  #room = 0;
  #ended = false;
  #trailers: Fields | undefined;
  #heldBytes = 0;
  #inner: ServedRequest | undefined;
  #stop: (() => void) | undefined;

  constructor(parts: HeldParts) {
    this.#parts = parts;
    this.#sinceMs = parts.arrived.sinceMs ?? parts.context.nowMs;
  }

  start(): void {
    const { later, timeLeftMs, caller } = this.#parts;
    const stop = later(timeLeftMs, () => this.#goOn(), caller);
    if (this.#inner === undefined) this.#stop = stop;
  }

  onRequestData(bytes: Buffer, end: boolean): void {
    if (this.#inner !== undefined) {
      this.#inner.onRequestData(bytes, end);
      return;
    }
    const { context } = this.#parts;
    this.#room = appendCopy(this.#pieces, bytes, this.#room);
    this.#ended = end;
    this.#heldBytes += bytes.length;
    context.exchangeBytes += bytes.length;
    if (context.exchangeBytes <= context.limits.maxExchangeBytes) return;
    this.#stop?.();
    this.#goOn();
  }

  onRequestTrailers(fields: Fields): void {
    if (this.#inner === undefined) this.#trailers = fields;
    else this.#giveTrailers(this.#inner, fields);
  }

  onCallerDrain(): void {
    this.#inner?.onCallerDrain();
  }

  onCallerGone(outcome?: Outcome): void {
    if (this.#inner !== undefined) {
      this.#inner.onCallerGone(outcome);
      return;
    }
    this.#stop?.();
    this.#release();
    this.forget();
  }

  /** The request has been served. */
  forget(): void {
    this.#parts.arrived.port.forget(this);
  }

  #goOn(): void {
    const { context, arrived, serve } = this.#parts;
    context.nowMs = performance.now();
    const pieces = this.#release();
    const inner = serve({ ...arrived, port: this, sinceMs: this.#sinceMs });
    this.#inner = inner;
    inner.start();
    for (const [i, bytes] of pieces.entries()) inner.onRequestData(bytes, this.#ended && i === pieces.length - 1);
    if (this.#trailers !== undefined) this.#giveTrailers(inner, this.#trailers);
  }

  #giveTrailers(inner: ServedRequest, fields: Fields): void {
    const { http1 } = this.#parts.arrived.head;
    if (http1 === undefined || inner.takesTrailers === true) inner.onRequestTrailers(fields);
    else inner.onRequestData(NO_BYTES, true);
  }

  #release(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#parts.context.exchangeBytes -= this.#heldBytes;
    this.#pieces = [];
    this.#heldBytes = 0;
    return pieces;
  }
}
