import { appendCopy } from "../../base/pieces.ts";
import type { Field } from "../../codecs/http1/output.ts";
import type { ProxyContext } from "../context.ts";
import type { HttpLink } from "./link.ts";

/** The most content that is kept so that a request can be sent again, bytes. */
const REPLAY_BYTES = 64 * 1024;
const SMALL_BYTES = 1024;

/**
 * A request's content on its way: kept while there is no connection to send it on, and, as long as it is small, until an answer
 * comes, for further tries.
 */
export class HttpContent {
  /** It is whole. */
  ended = false;
  readonly #context: ProxyContext;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #trailers: readonly Field[] | undefined;
  #replayable = true;

  /** Free bytes behind the last piece. */
  #room = 0;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  /** Whether all that came so far can be sent once more. */
  get replayable(): boolean {
    return this.#replayable;
  }

  /** What is kept, in pieces. */
  get held(): readonly Buffer[] {
    return this.#held;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether it has to wait, though all calls together keep more than they may. */
  get overflows(): boolean {
    return this.#heldBytes > 0 && this.#context.exchangeBytes > this.#context.limits.maxExchangeBytes;
  }

  /** Takes bytes from the caller; `to` where there is a connection. */
  take(bytes: Buffer, to: HttpLink | undefined): void {
    if (to === undefined || this.#replayable) {
      this.#keep(bytes);
      this.#heldBytes += bytes.length;
      this.#context.exchangeBytes += bytes.length;
    }
    if (to === undefined) return;
    to.data(bytes);
    this.#trim();
  }

  /** It is whole. */
  end(trailers: readonly Field[] | undefined, to: HttpLink | undefined): void {
    this.ended = true;
    this.#trailers = trailers;
    to?.end(trailers);
  }

  /** Sends all that there is so far on another connection. */
  sendAll(to: HttpLink): void {
    for (const bytes of this.#held) to.data(bytes);
    if (this.ended) to.end(this.#trailers);
    this.#trim();
  }

  /** Keeps nothing any longer: what was sent cannot be sent again. */
  drop(): void {
    this.#replayable = false;
    if (this.#heldBytes === 0) return;
    this.#context.exchangeBytes -= this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
    this.#room = 0;
  }

  /** Small pieces share blocks, or each would cost many times what is counted. */
  #keep(bytes: Buffer): void {
    if (bytes.length < SMALL_BYTES) this.#room = appendCopy(this.#held, bytes, this.#room);
    else {
      this.#held.push(bytes);
      this.#room = 0;
    }
  }

  #trim(): void {
    if (this.#heldBytes > REPLAY_BYTES || this.overflows) this.drop();
  }
}
