import { CallError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { StreamOn } from "./link.ts";

const TOO_LONG = "the answer's header fields are more than the caller takes";
const TOO_LONG_TRAILERS: Fields = ["grpc-status", "8", "grpc-message", `trestle: ${TOO_LONG}`];

/** How long a request goes on being read whose answer did not wait for it, ms. */
export const LATE_CONTENT_MS = 1_000;

/** The head of a request, as HTTP/2 has it; `never`: names that no hop may index. */
export interface RequestHead {
  readonly fields: Fields;
  readonly never: readonly string[];
  readonly end: boolean;
  /** What HTTP/1.1 says beside that; absent for a head of HTTP/2. */
  readonly http1?: Http1Facts;
}

/** What a head of HTTP/1.1 says of its own connection and content. */
export interface Http1Facts {
  readonly chunked: boolean;
  /** The caller waits to be asked for its content. */
  readonly expectsContinue: boolean;
  /** The protocol that it would change to. */
  readonly upgrade: string | undefined;
}

/** Takes a callee's answer, in order: a head, content, trailers; any of them may be the end. */
export interface AnswerSink {
  /** Why the answer is of no use, as far as it came; undefined while it is. */
  readonly fault?: CallError | undefined;
  head(fields: Fields, end: boolean, never: readonly string[]): void;
  /** Borrows `bytes`. How much is queued here: above 0 the callee's window is given back when it has gone on. */
  data(bytes: Buffer, end: boolean): number;
  trailers(fields: Fields, never: readonly string[]): void;
}

/** A caller's side of one call: its request has come from here, its answer goes there. */
export interface CallerStream extends AnswerSink {
  /** Both sides have ended, or it was reset. */
  readonly closed: boolean;
  /** The request has ended. */
  readonly requestEnded: boolean;
  /** Content of the answer that the caller has not taken. */
  readonly queuedBytes: number;
  /** Gives window back for content of the request. */
  release(bytes: number): void;
  /** An interim answer (1xx), before the head. */
  interim(fields: Fields): void;
  /** Ends it at once; codes are those of HTTP/2. `ERROR.none`: the answer is whole, and the rest of the request not wanted. */
  reset(code: number): void;
}

/** A stream that stands before another one: what a subclass does not change goes there as it is. */
export class StreamBefore implements CallerStream {
  protected readonly to: CallerStream;

  constructor(to: CallerStream) {
    this.to = to;
  }

  get fault(): CallError | undefined {
    return this.to.fault;
  }

  get closed(): boolean {
    return this.to.closed;
  }

  get requestEnded(): boolean {
    return this.to.requestEnded;
  }

  get queuedBytes(): number {
    return this.to.queuedBytes;
  }

  head(fields: Fields, end: boolean, never: readonly string[]): void {
    this.to.head(fields, end, never);
  }

  data(bytes: Buffer, end: boolean): number {
    return this.to.data(bytes, end);
  }

  trailers(fields: Fields, never: readonly string[]): void {
    this.to.trailers(fields, never);
  }

  release(bytes: number): void {
    this.to.release(bytes);
  }

  interim(fields: Fields): void {
    this.to.interim(fields);
  }

  reset(code: number): void {
    this.to.reset(code);
  }
}

/** The stream of a caller that speaks HTTP/2. */
export class Http2CallerStream implements CallerStream {
  fault: CallError | undefined;
  readonly #on: StreamOn;
  /** The rest of the request is not wanted. */
  #isLate = false;

  constructor(on: StreamOn) {
    this.#on = on;
  }

  get closed(): boolean {
    return this.#on.stream.closed;
  }

  get requestEnded(): boolean {
    return this.#on.stream.remoteEnded;
  }

  get queuedBytes(): number {
    return this.#on.stream.queuedBytes;
  }

  /** A head that the caller does not take is a fault, and not sent. */
  head(fields: Fields, end: boolean, never: readonly string[]): void {
    const { link, stream } = this.#on;
    this.fault = link.machine.takesList(fields)
      ? undefined
      : new CallError("resource_exhausted", "over_limit", TOO_LONG);
    if (this.fault !== undefined) return;
    link.machine.head(stream, fields, end, never);
    link.wake();
  }

  data(bytes: Buffer, end: boolean): number {
    return this.#on.link.data(this.#on.stream, bytes, end);
  }

  trailers(fields: Fields, never: readonly string[]): void {
    const { link, stream } = this.#on;
    link.machine.trailers(stream, link.machine.takesList(fields) ? fields : TOO_LONG_TRAILERS, never);
    link.wake();
  }

  interim(fields: Fields): void {
    const { link, stream } = this.#on;
    if (link.machine.takesList(fields)) link.machine.head(stream, fields, false);
    link.wake();
  }

  /** What is not wanted gives the connection's window back, and none of the stream's own. */
  release(bytes: number): void {
    const { link, stream } = this.#on;
    if (this.#isLate) link.machine.share(stream, bytes);
    else link.machine.release(stream, bytes);
    link.wake();
  }

  /** A request whose answer is whole has a moment for its end: curl 7.88 reports an answer as lost (92) whose stream is reset before that. */
  reset(code: number): void {
    const isPatient = code === ERROR.none && !this.#on.stream.closed;
    if (!isPatient) this.#end(code);
    else if (!this.#isLate) {
      this.#isLate = true;
      setTimeout(() => this.#end(code), LATE_CONTENT_MS).unref();
    }
  }

  #end(code: number): void {
    const { link, stream } = this.#on;
    link.machine.reset(stream, code);
    link.wake();
  }
}
