import { appendCopy } from "../../base/pieces.ts";
import { ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import { ENVELOPE_BYTES, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import type { Denial } from "../authz/asked.ts";
import { answerTo } from "../authz/reply.ts";
import type { ProxyContext } from "../context.ts";
import { outcomeOfAnswer } from "../policies/outcome.ts";
import type { HostDecision } from "../route.ts";
import { rowLabels, UNKNOWN_ROW } from "../rows.ts";
import { ownReply, sendReply } from "./answers.ts";
import { type CallerStream, StreamBefore } from "./caller-stream.ts";
import type { ServedRequest, TripleCallerPort } from "./served.ts";

/** Looks at one message of a call, without its envelope. */
export type Watch = (message: Buffer, compressed: boolean) => Denial | undefined;

/** What stands between a caller and its call. */
export interface WatchedParts {
  readonly context: ProxyContext;
  readonly port: TripleCallerPort;
  readonly stream: CallerStream;
  readonly fields: Fields;
  /** Where a call that is refused is counted; undefined where that is not known. */
  readonly decision: HostDecision | undefined;
  /** Messages have envelopes; else all of the content is one. */
  readonly framed: boolean;
  /** The head was all. */
  readonly end: boolean;
  readonly watch: Watch;
  /** The call itself. */
  readonly serve: (port: TripleCallerPort, stream: CallerStream) => ServedRequest;
}

/**
 * A call whose messages a guard looks at: each is held until it is whole, looked at and only then given to the call, which begins with the
 * first. One message at a time is held, and all of them count as held bytes.
 */
export class WatchedCall implements ServedRequest, TripleCallerPort {
  place = -1;
  readonly #parts: WatchedParts;
  readonly #stream: WatchedStream;
  readonly #inner: ServedRequest;
  #pieces: Buffer[] = [];
  /** Free bytes behind the last piece. */
  #room = 0;
  #held = 0;
  /** Bytes of the message that is held, as far as they are known. */
  #wanted = 0;
  #started = false;
  #over = false;

  constructor(parts: WatchedParts) {
    this.#parts = parts;
    this.#stream = new WatchedStream(parts.stream);
    this.#inner = parts.serve(this, this.#stream);
    this.#wanted = parts.framed ? ENVELOPE_BYTES : Number.POSITIVE_INFINITY;
  }

  start(): void {
    // A head alone holds nothing but, over plain HTTP, its query.
    if (!this.#parts.end) return;
    const denial = this.#parts.framed ? undefined : this.#parts.watch(Buffer.alloc(0), false);
    if (denial !== undefined) this.#refuse(denial);
    else this.#begin();
  }

  onRequestData(bytes: Buffer, end: boolean): void {
    // What is held is out of the caller's window, and so is what nobody takes any more.
    this.#stream.advance(bytes.length);
    if (this.#over) return;
    this.#room = appendCopy(this.#pieces, bytes, this.#room);
    this.#hold(bytes.length);
    const { context } = this.#parts;
    const { maxBodyBytes } = context.frameLimits;
    const whole = this.#takeWhole(end);
    if (whole === undefined) return;
    if (this.#held > maxBodyBytes + ENVELOPE_BYTES || context.exchangeBytes > context.limits.maxExchangeBytes) {
      this.#refuse({ reason: "over_limit", message: `message is over the limit ${maxBodyBytes}` });
      return;
    }
    if (end && this.#held > 0) {
      this.#refuse({ reason: "undecodable", message: "request ends within a message" });
      return;
    }
    if (whole.length === 0 && !end) return;
    this.#begin();
    this.#inner.onRequestData(whole, end);
  }

  onRequestTrailers(fields: Fields): void {
    if (this.#over) return;
    if (this.#held > 0) this.#refuse({ reason: "undecodable", message: "request ends within a message" });
    else {
      this.#begin();
      this.#inner.onRequestTrailers(fields);
    }
  }

  onCallerDrain(): void {
    if (!this.#over) this.#inner.onCallerDrain();
  }

  onCallerGone(): void {
    if (this.#over) return;
    if (this.#started) this.#inner.onCallerGone();
    else this.forget();
  }

  /** The call has been served. */
  forget(): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.#parts.port.forget(this);
  }

  #begin(): void {
    if (this.#started) return;
    this.#started = true;
    this.#inner.start();
  }

  /** The whole messages of what is held, each looked at; undefined where the call was refused. */
  #takeWhole(end: boolean): Buffer | undefined {
    const { framed, watch } = this.#parts;
    if (!framed) {
      if (!end) return Buffer.alloc(0);
      const content = Buffer.concat(this.#pieces);
      const denial = watch(content, false);
      if (denial === undefined) this.#drop();
      else this.#refuse(denial);
      return denial === undefined ? content : undefined;
    }
    if (this.#held < this.#wanted) return Buffer.alloc(0);
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    let at = 0;
    for (;;) {
      this.#wanted = ENVELOPE_BYTES;
      if (all.length - at < ENVELOPE_BYTES) break;
      this.#wanted += all.readUInt32BE(at + 1);
      if (all.length - at < this.#wanted) break;
      const message = all.subarray(at + ENVELOPE_BYTES, at + this.#wanted);
      const denial = watch(message, (all[at]! & FLAG_COMPRESSED) !== 0);
      if (denial !== undefined) {
        this.#refuse(denial);
        return undefined;
      }
      at += this.#wanted;
    }
    this.#drop();
    if (at < all.length) {
      this.#pieces = [all.subarray(at)];
      this.#hold(all.length - at);
    }
    return all.subarray(0, at);
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#parts.context.exchangeBytes += bytes;
  }

  #drop(): void {
    this.#parts.context.exchangeBytes -= this.#held;
    this.#held = 0;
    this.#pieces = [];
    this.#room = 0;
  }

  #refuse(refusal: Denial | { readonly reason: "over_limit" | "undecodable"; readonly message: string }): void {
    const { context, decision, stream, fields } = this.#parts;
    const answer = "policy" in refusal ? answerTo(refusal) : ownAnswer(refusal.reason);
    if (this.#started) this.#inner.onCallerGone(outcomeOfAnswer(answer));
    else {
      const row = decision === undefined ? UNKNOWN_ROW : rowLabels(decision, undefined, undefined);
      context.rows.row(row).record(outcomeOfAnswer(answer), 0);
    }
    if (this.#stream.answered) stream.reset(ERROR.internal);
    else {
      sendReply(stream, ownReply(fields, answer, refusal.message));
      if (!stream.closed && !stream.requestEnded && stream.queuedBytes === 0) stream.reset(ERROR.none);
    }
    this.forget();
  }
}

/** The caller's stream, whose window is given back as messages are held: what the call gives back of them was so already. */
class WatchedStream extends StreamBefore {
  /** An answer has begun. */
  answered = false;
  /** Content whose window was given back before the call had it. */
  #advanced = 0;

  /** Gives window back for content that is held. */
  advance(bytes: number): void {
    this.#advanced += bytes;
    this.to.release(bytes);
  }

  override head(fields: Fields, end: boolean, never: readonly string[]): void {
    this.answered = true;
    super.head(fields, end, never);
  }

  override release(bytes: number): void {
    const known = Math.min(bytes, this.#advanced);
    this.#advanced -= known;
    if (bytes > known) super.release(bytes - known);
  }
}
