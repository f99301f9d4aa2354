import { CallError } from "../../base/errors.ts";
import { ENVELOPE_BYTES, EnvelopeSplitter, encodeEnvelope, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import { inflated } from "./compression.ts";
import type { HeldAccount } from "./triple-collector.ts";

/** Messages that are translated in one go, and bytes before and after it that end one: others want the event loop too. */
const MAX_MESSAGES = 128;
const GO_BYTES = 256 * 1024;
/** What a message that waits costs beside its bytes. */
const MESSAGE_BYTES = 128;

/** What a {@link MessagePump} is made from. */
export interface PumpParts {
  /** A longer message ends the call; so does more than `account` has room for. */
  readonly maxMessageBytes: number;
  readonly account: HeldAccount;
  /** `grpc-encoding` of the messages that are compressed. */
  readonly encoding: string;
  translate(message: Buffer): Uint8Array;
  /** Whether the far side has all that was sent to it: the next message waits until it has. */
  isFree(): boolean;
  /** Sends content; the last time with `end`. */
  send(bytes: Buffer, end: boolean): void;
  /** Calls {@link MessagePump.resume} in another turn. */
  later(): void;
}

/**
 * One direction of a stream whose messages are translated, each by itself and in their order, as the far side takes them. What has come and
 * waits is as many bytes as the near side's window, and one message that is not whole.
 */
export class MessagePump {
  readonly #parts: PumpParts;
  readonly #splitter: EnvelopeSplitter;
  /** Whole messages that wait. */
  #waiting: { readonly message: Buffer; readonly isCompressed: boolean }[] = [];
  #waitingBytes = 0;
  #counted = 0;
  #ends = false;
  /** Another turn goes on with what waits. */
  #deferred = false;
  #closed = false;

  constructor(parts: PumpParts) {
    this.#parts = parts;
    const sink = (bytes: Buffer, start: number, end: number, flags: number) => {
      this.#waiting.push({ message: bytes.subarray(start, end), isCompressed: (flags & FLAG_COMPRESSED) !== 0 });
      this.#waitingBytes += end - start + MESSAGE_BYTES;
    };
    const { maxMessageBytes } = parts;
    this.#splitter = new EnvelopeSplitter(sink, { maxMessageBytes, allowedFlags: FLAG_COMPRESSED });
  }

  /** Whole messages wait for the far side. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** The end has come and everything before it is sent. */
  get isOver(): boolean {
    return this.#closed || (this.#ends && !this.waits);
  }

  /** Takes what came next; `bytes` are borrowed. Throws CallError and `ProtocolError`, and is of no use after that. */
  push(bytes: Buffer): void {
    if (this.#closed || bytes.length === 0) return;
    this.#splitter.push(Buffer.from(bytes));
    if (this.#deferred) this.#count();
    else this.resume();
  }

  /** Nothing comes any more. Throws as {@link push}, also where that cuts a message off. */
  end(): void {
    if (this.#closed || this.#ends) return;
    this.#splitter.finish();
    this.#ends = true;
    if (!this.waits) this.#parts.send(NO_BYTES, true);
    else if (!this.#deferred) this.resume();
  }

  /** The far side may have room. Throws as {@link push}. */
  resume(): void {
    this.#deferred = false;
    const { isFree, later } = this.#parts;
    const most = Math.min(this.#waiting.length, MAX_MESSAGES);
    let sent = 0;
    for (let bytes = 0; sent < most && bytes < GO_BYTES && !this.#closed && isFree(); sent++) {
      bytes += this.#sendOne(sent);
    }
    if (this.#closed) return;
    if (sent > 0) this.#waiting.splice(0, sent);
    this.#count();
    if (this.waits && isFree() && !this.#deferred) {
      this.#deferred = true;
      later();
    }
  }

  /** Nothing of it is wanted any more. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#parts.account.heldBytes -= this.#counted;
    this.#counted = 0;
  }

  /** Returns the bytes that were read and made. */
  #sendOne(index: number): number {
    const { translate, send, encoding, maxMessageBytes } = this.#parts;
    const { message, isCompressed } = this.#waiting[index]!;
    this.#waitingBytes -= message.length + MESSAGE_BYTES;
    const read = isCompressed ? inflated(message, encoding, maxMessageBytes) : message;
    const made = translate(read);
    const isLast = this.#ends && index === this.#waiting.length - 1;
    send(Buffer.concat([encodeEnvelope(made.length), made], ENVELOPE_BYTES + made.length), isLast);
    return read.length + made.length;
  }

  #count(): void {
    const { account } = this.#parts;
    const held = this.#waitingBytes + this.#splitter.heldBytes;
    account.heldBytes += held - this.#counted;
    this.#counted = held;
    const { maxHeldBytes } = account.limits;
    if (held === 0 || account.heldBytes <= maxHeldBytes) return;
    throw new CallError("resource_exhausted", "overflow", `messages that wait hold over maxHeldBytes ${maxHeldBytes}`);
  }
}

const NO_BYTES = Buffer.alloc(0);
