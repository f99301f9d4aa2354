import type { Fields } from "../../codecs/fields.ts";
import type { RequestHead, ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Peer } from "../authz/peer.ts";
import type { ProxyContext } from "../context.ts";
import { HttpCall } from "../http/call.ts";
import type { HeadChange, HttpCallerPort } from "../http/port.ts";
import type { HostDecision, RouteTable } from "../route.ts";
import type { CallerStream } from "../triple/caller-stream.ts";
import type { ServedRequest, TripleCallerPort } from "../triple/served.ts";
import { answerFields, plainFields, trailerLines } from "./http-head.ts";

const NO_BYTES = Buffer.alloc(0);

/** A request from outside that a route leads to a service which speaks HTTP. */
export interface HttpRequestParts {
  readonly context: ProxyContext;
  readonly port: TripleCallerPort;
  readonly stream: CallerStream;
  /** As its provider is to have it. */
  readonly head: RequestHead;
  /** The head was all. */
  readonly end: boolean;
  readonly decision: HostDecision;
  readonly routes: RouteTable;
  readonly peer: Peer;
  /** When it came; absent for now. */
  readonly sinceMs: number | undefined;
}

/** Joins a caller of a gateway, whichever HTTP it speaks, with the call that an HTTP/1.1 provider answers. */
export class HttpRequest implements ServedRequest, HttpCallerPort {
  place = -1;
  readonly asksForContent = true;
  readonly takesTrailers = true;
  readonly address: string;
  readonly #parts: HttpRequestParts;
  readonly #stream: CallerStream;
  readonly #call: HttpCall;
  /** Content whose window was not given back yet. */
  #unreleased = 0;
  #paused = false;
  #over = false;
  #onDrain: (() => void) | undefined;

  constructor(parts: HttpRequestParts) {
    this.#parts = parts;
    this.#stream = parts.stream;
    this.address = parts.peer.address;
    this.#call = new HttpCall(parts.context, this, parts.head, parts.sinceMs);
  }

  start(): void {
    const { decision, routes, peer, end } = this.#parts;
    this.#call.begin(decision, routes, peer);
    if (end) this.#call.onRequestEnd(undefined);
  }

  onRequestData(bytes: Buffer, end: boolean): void {
    this.#unreleased += bytes.length;
    if (bytes.length > 0) this.#call.onRequestData(bytes);
    if (!this.#paused) this.#release();
    if (end) this.#call.onRequestEnd(undefined);
  }

  onRequestTrailers(fields: Fields): void {
    this.#call.onRequestEnd(trailerLines(fields));
  }

  onCallerDrain(): void {
    const run = this.#onDrain;
    this.#onDrain = undefined;
    run?.();
    if (this.#over) this.#endStream();
  }

  onCallerGone(): void {
    this.#call.onCallerGone();
  }

  get backlogBytes(): number {
    return this.#stream.queuedBytes;
  }

  sendContinue(): void {
    this.#stream.interim([":status", "100"]);
  }

  interim(head: ResponseHead): void {
    this.#stream.interim(answerFields(head));
  }

  head(head: ResponseHead, changed?: HeadChange): void {
    this.#stream.head(answerFields(head, changed), false, []);
    if (this.#stream.fault === undefined) return;
    this.#call.onCallerGone();
    this.#stream.reset(ERROR.internal);
  }

  data(bytes: Buffer): void {
    this.#stream.data(bytes, false);
  }

  endAnswer(trailers: readonly Field[] | undefined): void {
    const fields = trailers === undefined ? [] : plainFields(trailers);
    if (fields.length > 0) this.#stream.trailers(fields, []);
    else this.#stream.data(NO_BYTES, true);
  }

  answer(status: number, body: string | Buffer, more: readonly Field[] = []): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const said = plainFields(more);
    const type = said.includes("content-type") ? [] : ["content-type", "text/plain"];
    const end = bytes.length === 0 || this.#parts.head.method === "HEAD";
    const fields = [":status", String(status), ...type, "content-length", String(bytes.length), ...said];
    this.#stream.head(fields, end, []);
    if (this.#stream.fault !== undefined) this.#stream.reset(ERROR.internal);
    else if (!end) this.#stream.data(bytes, true);
  }

  abort(): void {
    this.#stream.reset(ERROR.internal);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#release();
  }

  onDrained(run: () => void): void {
    this.#onDrain = run;
  }

  done(): void {
    this.#over = true;
    this.resume();
    this.#parts.port.forget(this);
    this.#endStream();
  }

  #release(): void {
    const bytes = this.#unreleased;
    this.#unreleased = 0;
    if (bytes > 0) this.#stream.release(bytes);
  }

  /** The rest of a request that was answered before its end is not wanted. */
  #endStream(): void {
    const stream = this.#stream;
    if (!stream.closed && !stream.requestEnded && stream.queuedBytes === 0) stream.reset(ERROR.none);
  }
}
