import { codeOfHttp, type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import { grpcOfHttp } from "../../codecs/triple/status.ts";
import type { ProxyContext } from "../context.ts";
import { outcomeOfAnswer } from "../policies/outcome.ts";
import { UNKNOWN_ROW } from "../rows.ts";
import { type OwnReply, sendReply } from "../triple/answers.ts";
import type { CallerStream } from "../triple/caller-stream.ts";
import type { ServedRequest, TripleCallerPort } from "../triple/served.ts";

/** Content that a request may have whose answer does not wait for it, bytes. */
const MAX_IGNORED_BYTES = 64 * 1024;

/** An answer with an HTTP status that no row of the answer table has. */
export function answerOfHttp(http: number): OwnAnswer {
  return { ...ownAnswer("no_route"), http, code: codeOfHttp(http), grpc: grpcOfHttp(http) };
}

/** A request that is not led on: what it is answered. */
export class Refused extends Error {
  readonly answer: OwnAnswer;

  constructor(answer: OwnAnswer, message: string) {
    super(message);
    this.answer = answer;
  }
}

/** What an {@link OwnAnswered} request is answered, and how it is counted. */
export interface OwnAnsweredParts {
  readonly context: ProxyContext;
  readonly port: TripleCallerPort;
  readonly stream: CallerStream;
  readonly reply: OwnReply;
  /** Undefined for requests that are no calls. */
  readonly answer: OwnAnswer | undefined;
  readonly ended: boolean;
}

/** A request that a gateway answers by itself, when it has ended or has more content than is waited for. */
export class OwnAnswered implements ServedRequest {
  place = -1;
  readonly #parts: OwnAnsweredParts;
  #bytes = 0;
  #over = false;

  constructor(parts: OwnAnsweredParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.ended) this.#answer();
  }

  onRequestData(bytes: Buffer, end: boolean): void {
    this.#parts.stream.release(bytes.length);
    this.#bytes += bytes.length;
    if (end || this.#bytes > MAX_IGNORED_BYTES) this.#answer();
  }

  onRequestTrailers(): void {
    this.#answer();
  }

  onCallerDrain(): void {
    if (this.#over) this.#endStream();
  }

  onCallerGone(): void {
    if (!this.#over) this.#finish();
  }

  #answer(): void {
    if (this.#over) return;
    sendReply(this.#parts.stream, this.#parts.reply);
    this.#finish();
    this.#endStream();
  }

  #finish(): void {
    const { context, port, answer } = this.#parts;
    this.#over = true;
    if (answer !== undefined) context.rows.row(UNKNOWN_ROW).record(outcomeOfAnswer(answer), 0);
    port.forget(this);
  }

  /** The rest of a request that was not waited for is not wanted. */
  #endStream(): void {
    const { stream } = this.#parts;
    if (!stream.closed && !stream.requestEnded && stream.queuedBytes === 0) stream.reset(ERROR.none);
  }
}
