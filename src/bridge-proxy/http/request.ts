import type { CallReason } from "../../base/errors.ts";
import type { RequestToSend } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import type { ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { DEADLINE_ROUTE } from "../call-table.ts";
import type { ProxyContext } from "../context.ts";
import type { HttpEndpoint } from "../upstream/endpoint.ts";
import type { HttpLink } from "./link.ts";
import { HttpTry, type HttpTryOwner } from "./try.ts";

/** A request that is whole. */
export interface WholeRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Host among them; lines about framing and the connection are left out. */
  readonly fields: readonly Field[];
  readonly body: Buffer;
  /** Monotonic ms, of `context.nowMs`; Infinity for no bound. */
  readonly deadlineMs: number;
  /** An answer with more content is an error `over_limit`. */
  readonly maxAnswerBytes: number;
  /** The request may be sent again where its connection turns out to have been closed; GET, HEAD, PUT and DELETE may anyway. */
  readonly idempotent?: boolean;
}

/** An answer that is whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly fields: FieldLines;
  readonly body: Buffer;
}

/** Said exactly once, never before {@link requestHttp} returns. */
export interface WholeAnswerListener {
  onAnswer(answer: WholeAnswer): void;
  /** `connect_failure`: nothing was sent. `reset`, `timeout`: the provider may have acted on it. */
  onFailed(reason: CallReason, message: string): void;
  /** Whether another provider could take the call at once, while connecting to this one is slow. */
  hasOther(): boolean;
}

const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/**
 * Sends a request to an HTTP/1.1 provider and collects the answer. The returned function gives it up, after which nothing is said. It
 * takes a slot of the call table; where there is none, it fails as `overflow`.
 */
export function requestHttp(
  context: ProxyContext,
  endpoint: HttpEndpoint,
  request: WholeRequest,
  listener: WholeAnswerListener,
): () => void {
  const owner = new Collector(context, request, listener);
  const slot = context.calls.allocate();
  if (slot < 0) {
    setImmediate(() => owner.onFailed("overflow", `${context.calls.maxCalls} calls wait already, the proxy's limit`));
    return () => owner.cancel();
  }
  const times = { startMs: context.nowMs, deadlineMs: request.deadlineMs, deadlineKind: DEADLINE_ROUTE };
  owner.begin(new HttpTry(context, { owner, endpoint, ...times }, slot));
  return () => owner.cancel();
}

class Collector implements HttpTryOwner {
  readonly #context: ProxyContext;
  readonly #request: WholeRequest;
  readonly #listener: WholeAnswerListener;
  #try: HttpTry | undefined;
  #head: ResponseHead | undefined;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #over = false;

  constructor(context: ProxyContext, request: WholeRequest, listener: WholeAnswerListener) {
    this.#context = context;
    this.#request = request;
    this.#listener = listener;
  }

  begin(made: HttpTry): void {
    this.#try = made;
    made.start();
  }

  cancel(): void {
    this.#finish();
    this.#try?.cancel();
    this.#try = undefined;
  }

  requestHead(): Omit<RequestToSend, "type" | "id"> {
    const { method, path: target, fields, body } = this.#request;
    return { method, target, fields, length: body.length };
  }

  onSent(link: HttpLink): void {
    link.data(this.#request.body);
    link.end(undefined);
  }

  onHead(head: ResponseHead): void {
    if (head.status >= 200) this.#head = head;
  }

  onData(bytes: Buffer): void {
    if (this.#over) return;
    const { maxAnswerBytes } = this.#request;
    const { maxHeldBytes } = this.#context.limits;
    this.#bytes += bytes.length;
    this.#context.heldBytes += bytes.length;
    if (this.#bytes <= maxAnswerBytes && this.#context.heldBytes <= maxHeldBytes) {
      this.#pieces.push(Buffer.from(bytes));
      return;
    }
    this.#try?.cancel();
    if (this.#bytes > maxAnswerBytes)
      this.onFailed("over_limit", `answer is over the limit of ${maxAnswerBytes} bytes`);
    else this.onFailed("overflow", `unfinished answers hold over maxHeldBytes ${maxHeldBytes}`);
  }

  onEnd(): void {
    if (this.#over) return;
    this.#finish();
    const { status, fields } = this.#head!;
    this.#listener.onAnswer({ status, fields, body: Buffer.concat(this.#pieces) });
  }

  onFailed(reason: CallReason, message: string): void {
    if (this.#over) return;
    this.#finish();
    this.#listener.onFailed(reason, message);
  }

  mayResend(): boolean {
    return this.#request.idempotent === true || REPEATABLE.has(this.#request.method);
  }

  hasOther(): boolean {
    return this.#listener.hasOther();
  }

  /** Nothing is said any more, and what was gathered is not counted any more. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.heldBytes -= this.#bytes;
  }
}
