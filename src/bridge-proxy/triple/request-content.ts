import { CallError, ProtocolError } from "../../base/errors.ts";
import { appendCopy } from "../../base/pieces.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ENVELOPE_BYTES, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import { inflated } from "../bridge/compression.ts";
import type { ProxyContext } from "../context.ts";
import type { CallerStream } from "./caller-stream.ts";
import type { ContentSink } from "./link.ts";

/** A request is kept for another try up to this size; a longer one is tried once. */
const REPLAY_BYTES = 64 * 1024;
const NO_BYTES = Buffer.alloc(0);

/**
 * What follows the head of a call's request, from its caller's stream to a provider's. What cannot be sent yet is kept, and so is
 * a copy of what was sent while it is small enough to be sent again. The caller gets its window back as the provider takes content.
 */
export class RequestContent {
  /** The caller has sent everything. */
  ended = false;
  readonly #context: ProxyContext;
  readonly #from: Pick<CallerStream, "release">;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Free bytes behind the last piece. */
  #room = 0;
  #replayable = true;
  /** Content whose window the caller has not been given back. */
  #unreleased = 0;
  #trailers: Fields | undefined;
  /** Bytes of the first message with its envelope, as far as that is known. */
  #wanted = ENVELOPE_BYTES;

  constructor(context: ProxyContext, from: Pick<CallerStream, "release">) {
    this.#context = context;
    this.#from = from;
  }

  /** Whether all of it can be sent to another provider. */
  get replayable(): boolean {
    return this.#replayable;
  }

  /** Whether the head was all. */
  get empty(): boolean {
    return this.ended && this.#heldBytes === 0 && this.#replayable && this.#trailers === undefined;
  }

  /** Whether it is kept, having to wait, though all calls together keep more than they may. */
  get overflows(): boolean {
    return this.#heldBytes > 0 && this.#context.exchangeBytes > this.#context.limits.maxExchangeBytes;
  }

  /** Bytes that are kept. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * The first gRPC message, joined, without its envelope; undefined while it has not come whole. Throws `ProtocolError` where it never
   * will, CallError where it is over `maxBytes`; inflated where it is compressed, by what the head's `encoding` says, with the errors of
   * {@link inflated}.
   */
  firstMessage(maxBytes: number, encoding: string): Buffer | undefined {
    if (this.#heldBytes >= ENVELOPE_BYTES) {
      if (this.#held.length > 1 && (this.ended || this.#heldBytes >= this.#wanted))
        this.#held = [Buffer.concat(this.#held)];
      this.#room = this.#held.length > 1 ? this.#room : 0;
      const first = this.#held[0]!;
      if (first.length >= ENVELOPE_BYTES) {
        const length = first.readUInt32BE(1);
        if (length > maxBytes) {
          throw new CallError(
            "resource_exhausted",
            "over_limit",
            `message of ${length} bytes is over the limit ${maxBytes}`,
          );
        }
        this.#wanted = ENVELOPE_BYTES + length;
        if (first.length >= this.#wanted) {
          const message = first.subarray(ENVELOPE_BYTES, this.#wanted);
          return (first[0]! & FLAG_COMPRESSED) === 0 ? message : inflated(message, encoding, maxBytes);
        }
      }
    }
    if (this.ended) throw new ProtocolError("triple", "request ends before its first message does");
    return undefined;
  }

  /** All of it, joined; undefined while more is to come. Throws CallError where it is over `maxBytes`. */
  whole(maxBytes: number): Buffer | undefined {
    if (this.#heldBytes > maxBytes)
      throw new CallError("resource_exhausted", "over_limit", `content of over ${maxBytes} bytes is over the limit`);
    return this.ended ? Buffer.concat(this.#held) : undefined;
  }

  /** What is kept, in pieces. */
  get held(): readonly Buffer[] {
    return this.#held;
  }

  /** Takes content from the caller; `to` where it has somewhere to go already. */
  take(bytes: Buffer, end: boolean, to: ContentSink | undefined): void {
    this.ended ||= end;
    this.#unreleased += bytes.length;
    if (to === undefined || this.#replayable) this.#keep(bytes);
    if (to === undefined) return;
    this.#send(bytes, end, to);
    this.#trim();
  }

  /** Takes the trailers that end it. */
  takeTrailers(fields: Fields, to: ContentSink | undefined): void {
    this.ended = true;
    this.#trailers = fields;
    to?.trailers(fields);
  }

  /** Sends all that there is so far to a new stream. */
  sendAll(to: ContentSink): void {
    const ends = this.ended && this.#trailers === undefined;
    const pieces = this.#held;
    for (let i = 0; i < pieces.length; i++) this.#send(pieces[i]!, ends && i === pieces.length - 1, to);
    if (ends && pieces.length === 0) this.#send(NO_BYTES, true, to);
    if (this.#trailers !== undefined) to.trailers(this.#trailers);
    this.#trim();
  }

  /** Gives the caller back the window of all that it sent so far. */
  release(): void {
    if (this.#unreleased === 0) return;
    this.#from.release(this.#unreleased);
    this.#unreleased = 0;
  }

  /** Keeps nothing any longer: what was sent cannot be sent again. */
  drop(): void {
    this.#replayable = false;
    this.#context.exchangeBytes -= this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #send(bytes: Buffer, end: boolean, to: ContentSink): void {
    if (to.data(bytes, end) === 0) this.release();
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#room = appendCopy(this.#held, bytes, this.#room);
    this.#heldBytes += bytes.length;
    this.#context.exchangeBytes += bytes.length;
  }

  #trim(): void {
    const { exchangeBytes, limits } = this.#context;
    if (this.#heldBytes > REPLAY_BYTES || exchangeBytes > limits.maxExchangeBytes) this.drop();
  }
}
