import type { CallReason } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { RequestToSend } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import type { RequestHead, ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { Wait } from "../after.ts";
import type { ProxyContext } from "../context.ts";
import { Attempts } from "../policies/attempts.ts";
import { answerOf, delayOf } from "../policies/fault.ts";
import { ABANDONED, type Outcome, outcomeOfAnswer, outcomeOfHttp, outcomeOfReason } from "../policies/outcome.ts";
import { tryDeadline } from "../policies/try-deadline.ts";
import { type CompiledHost, type CompiledRoute, type HostDecision, pickTarget, type Target } from "../route.ts";
import { rowOf, UNKNOWN_ROW } from "../rows.ts";
import { HttpContent } from "./content.ts";
import { decideHttp, forwardHead, matchHttp } from "./head.ts";
import type { HttpLink } from "./link.ts";
import { HttpTry, type HttpTryOwner } from "./try.ts";

/** The caller's side of a call, as the call sees it. */
export interface HttpCallerPort {
  /** The caller's IP address. */
  readonly address: string;
  /** Bytes of answers that the caller has not taken. */
  readonly backlogBytes: number;
  /** The callee lets the caller send its content (100). */
  sendContinue(): void;
  /** An interim answer (1xx). */
  interim(head: ResponseHead): void;
  /** The answer's head; 101 begins a tunnel. */
  head(head: ResponseHead): void;
  /** Content of the answer or of the tunnel; copied. */
  data(bytes: Buffer): void;
  /** The answer is whole, or the tunnel's far end closed. */
  endAnswer(trailers: readonly Field[] | undefined): void;
  /** One of Trestle's own answers. */
  answer(status: number, text: string): void;
  /** The answer can't be finished: the connection ends. */
  abort(): void;
  /** Nothing more is read of the request, until it is resumed. */
  pause(): void;
  resume(): void;
  /** Calls `run` once the caller has taken what is queued. */
  onDrained(run: () => void): void;
  /** The call is over. */
  done(): void;
}

/** Content that one side has not taken: above this the other is not read from. */
const PAUSE_BYTES = 256 * 1024;
/** Methods that may be sent again when their connection was closed at the same time: doing them twice is doing them once. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** One request on an HTTP/1.1 listener: what is to be done with it, and the tries that do it. */
export class HttpCall implements HttpTryOwner {
  readonly #context: ProxyContext;
  readonly #port: HttpCallerPort;
  readonly #head: RequestHead;
  readonly #content: HttpContent;
  readonly #startMs: number;
  #decision: HostDecision | undefined;
  #route: CompiledRoute | undefined;
  #target: Target | undefined;
  readonly #attempts = new Attempts();
  #try: HttpTry | undefined;
  #wait: Wait | undefined;
  #routeDeadlineMs = Number.POSITIVE_INFINITY;
  #outcome: Outcome | undefined;
  #over = false;

  constructor(context: ProxyContext, port: HttpCallerPort, head: RequestHead) {
    this.#context = context;
    this.#port = port;
    this.#head = head;
    this.#content = new HttpContent(context);
    this.#startMs = context.nowMs;
  }

  /** Carries the call out for a service; undefined where that is not known. */
  start(host: CompiledHost | undefined): void {
    if (host === undefined) {
      this.#refuse("no_route", "the service of this port is not known any more");
      return;
    }
    this.#decision = decideHttp(host, this.#head.method);
    if (this.#head.method === "CONNECT") {
      this.#answer(405, "CONNECT is not served here", outcomeOfReason("undecodable"));
      return;
    }
    const route = matchHttp(this.#decision, this.#head);
    if (route === undefined) {
      this.#refuse("no_route", `no rule of ${host.host} takes this request`);
      return;
    }
    this.#route = route;
    const delayMs = delayOf(route, this.#context.random);
    if (delayMs > 0) this.#after(delayMs, () => this.#afterDelay(route));
    else this.#afterDelay(route);
  }

  /** Content of the request, or of the tunnel. */
  onRequestData(bytes: Buffer): void {
    if (this.#over) return;
    const link = this.#try?.link;
    this.#content.take(bytes, link);
    if (this.#content.overflows) {
      this.#endTry();
      this.#refuse("overflow", "requests that wait are at the limit of the bytes that may be held");
    } else if (link === undefined ? this.#content.heldBytes > PAUSE_BYTES : link.backlogBytes > PAUSE_BYTES) {
      this.#port.pause();
      link?.driver.onDrained(() => this.#port.resume());
    }
  }

  /** The request, or the near side of the tunnel, has ended. */
  onRequestEnd(trailers: FieldLines | undefined): void {
    if (!this.#over) this.#content.end(fieldsOf(trailers), this.#try?.link);
  }

  /** The caller's connection is gone. */
  onCallerGone(): void {
    if (this.#over) return;
    const isTunnel = this.#outcome?.responseCode === 101;
    if (isTunnel) this.#try?.link?.finishTunnel();
    this.#endTry();
    this.#finish(isTunnel ? this.#outcome! : ABANDONED);
  }

  requestHead(): Omit<RequestToSend, "type" | "id"> {
    const { address: callerAddress } = this.#port;
    return forwardHead(this.#head, { route: this.#route!, target: this.#target!, callerAddress });
  }

  onSent(link: HttpLink): void {
    this.#content.sendAll(link);
    this.#port.resume();
  }

  onHead(head: ResponseHead): void {
    const { status } = head;
    if (status === 100) this.#port.sendContinue();
    else if (status < 200 && status !== 101) this.#port.interim(head);
    else {
      const outcome = outcomeOfHttp(status);
      if (status !== 101 && this.#retries(outcome)) return;
      this.#outcome = outcome;
      this.#content.drop();
      if (status === 101) this.#try?.becomeTunnel();
      this.#port.head(head);
    }
  }

  onData(bytes: Buffer): void {
    this.#port.data(bytes);
    const link = this.#try?.link;
    if (link === undefined || this.#port.backlogBytes <= PAUSE_BYTES) return;
    link.pause();
    this.#port.onDrained(() => link.resume());
  }

  onEnd(trailers: FieldLines | undefined): void {
    this.#forgetTry();
    const outcome = this.#outcome!;
    this.#port.endAnswer(fieldsOf(trailers));
    this.#finish(outcome);
  }

  onFailed(reason: CallReason, message: string): void {
    this.#forgetTry();
    if (this.#over) return;
    if (this.#outcome !== undefined) {
      this.#port.abort();
      this.#finish(outcomeOfReason(reason));
      return;
    }
    if (reason === "connect_failure" && this.#content.replayable && this.#beginElsewhere()) return;
    if (!this.#retries(outcomeOfReason(reason))) this.#refuse(reason, message);
  }

  mayResend(): boolean {
    return this.#content.replayable && REPEATABLE.has(this.#head.method);
  }

  hasOther(): boolean {
    return this.#target!.cluster.http.untagged.hasReady(this.#attempts.triedAndLast);
  }

  #afterDelay(route: CompiledRoute): void {
    const own = answerOf(route, this.#context.random);
    if (own !== undefined) {
      const isDirect = own.answer.http === route.directStatus;
      this.#answer(
        own.answer.http,
        isDirect ? route.directText : `trestle: ${own.message}\n`,
        outcomeOfAnswer(own.answer),
      );
      return;
    }
    this.#target = pickTarget(route, this.#context.random);
    if (this.#target === undefined) {
      this.#refuse("no_route", `rule ${route.name} has no destination with weight`);
      return;
    }
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    this.#begin([]);
  }

  /** Begins a try at an endpoint that is none of `avoid`. False where all are, which leaves the call as it was. */
  #begin(avoid: readonly object[]): boolean {
    const context = this.#context;
    const { cluster } = this.#target!;
    const endpoint = cluster.http.untagged.pick(context.originMs + context.nowMs, context.random, avoid);
    if (endpoint === undefined) {
      if (avoid.length > 0) return false;
      return this.#refuse("no_endpoint", cluster.noProvider);
    }
    const { overLimit } = cluster;
    if (overLimit !== undefined) return this.#refuse("overflow", overLimit);
    const slot = context.calls.allocate();
    if (slot < 0) return this.#refuse("overflow", `${context.calls.maxCalls} calls wait already, the proxy's limit`);
    this.#attempts.begin(endpoint.host);
    const { deadlineMs, deadlineKind } = tryDeadline({
      route: this.#route!,
      nowMs: context.nowMs,
      routeDeadlineMs: this.#routeDeadlineMs,
      callerDeadlineMs: Number.POSITIVE_INFINITY,
    });
    cluster.waiting++;
    this.#try = new HttpTry(context, { owner: this, endpoint, startMs: this.#startMs, deadlineMs, deadlineKind }, slot);
    this.#try.start();
    return true;
  }

  #beginElsewhere(): boolean {
    this.#attempts.avoidLast();
    return this.#begin(this.#attempts.tried);
  }

  #retries(outcome: Outcome): boolean {
    const context = this.#context;
    const retry = this.#route?.retry;
    if (retry === undefined || !this.#content.replayable) return false;
    const bounds = { nowMs: context.nowMs, routeDeadlineMs: this.#routeDeadlineMs };
    const waitMs = this.#attempts.again(retry, outcome, bounds, context.random);
    if (waitMs === undefined) return false;
    this.#endTry();
    context.counters.retries++;
    this.#after(waitMs, () => {
      if (this.#begin(this.#attempts.tried)) return;
      this.#attempts.forgive();
      this.#begin([]);
    });
    return true;
  }

  #after(ms: number, run: () => void): void {
    this.#wait ??= new Wait(this.#context);
    if (!this.#wait.begin(ms, run)) this.#refuse("overflow", "as many calls wait as may be held");
  }

  #endTry(): void {
    this.#try?.cancel();
    this.#forgetTry();
  }

  #forgetTry(): void {
    if (this.#try === undefined) return;
    this.#try = undefined;
    this.#target!.cluster.waiting--;
  }

  #refuse(reason: CallReason, message: string): true {
    const answer: OwnAnswer = ownAnswer(reason);
    this.#answer(answer.http, `trestle: ${message}\n`, outcomeOfAnswer(answer));
    return true;
  }

  #answer(status: number, text: string, outcome: Outcome): void {
    this.#port.answer(status, text);
    this.#finish(outcome);
  }

  /** The call is over: said once. */
  #finish(outcome: Outcome): void {
    const context = this.#context;
    this.#over = true;
    this.#wait?.end();
    this.#content.drop();
    const row =
      this.#decision === undefined
        ? context.rows.row({ ...UNKNOWN_ROW, protocol: "http" })
        : rowOf(context, this.#decision, this.#route, this.#target);
    row.record(outcome, context.nowMs - this.#startMs);
    this.#port.done();
  }
}

function fieldsOf(lines: FieldLines | undefined): readonly Field[] | undefined {
  if (lines === undefined) return undefined;
  return Array.from({ length: lines.count }, (_, i) => [lines.name(i), lines.value(i)] as const);
}
