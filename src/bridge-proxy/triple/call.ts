import { CallError, type CallReason } from "../../base/errors.ts";
import { abortAnswer, abortAnswerOfGrpc, type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import { DEADLINE_CALLER, DEADLINE_ROUTE } from "../call-table.ts";
import type { ProxyContext } from "../context.ts";
import type { MetricRow } from "../policies/metrics.ts";
import { ABANDONED, type Outcome, outcomeOfAnswer, outcomeOfReason } from "../policies/outcome.ts";
import { type CompiledRoute, pickTarget, type Target } from "../route.ts";
import { rowOf, UNKNOWN_ROW } from "../rows.ts";
import type { TripleEndpoint } from "../upstream/endpoint.ts";
import type { UpstreamHost } from "../upstream/host.ts";
import { ownReply, sendReply } from "./answers.ts";
import type { TripleCallee } from "./callee.ts";
import { editFields } from "./edits.ts";
import type { TripleLane } from "./lanes.ts";
import type { Http2Link } from "./link.ts";
import { RequestContent, type StreamOn } from "./request-content.ts";
import { StreamTry, type TripleTryOwner } from "./stream-try.ts";

/** How often a provider may refuse a call, as one that says goodbye does, before it counts as one that cannot be reached. */
const MAX_MOVES = 3;
const MAX_TIMER_MS = 0x7fffffff;

/** The caller's side of a call, as the call sees it. */
export interface TripleCallerPort {
  readonly link: Http2Link;
  /** The call is over. */
  forget(call: TripleCall): void;
}

/** One call of a Triple or gRPC caller: what is to be done with it, and the tries that do it. */
export class TripleCall implements TripleTryOwner {
  readonly #context: ProxyContext;
  readonly #caller: TripleCallerPort;
  readonly #stream: StreamOn;
  readonly #fields: Fields;
  readonly #never: readonly string[];
  readonly #lane: TripleLane;
  readonly #content: RequestContent;
  readonly #startMs: number;
  #route: CompiledRoute | undefined;
  #target: Target | undefined;
  #endpoint: TripleEndpoint | undefined;
  #try: StreamTry | undefined;
  #routeDeadlineMs = Number.POSITIVE_INFINITY;
  #retries = 0;
  #moves = 0;
  #tried: UpstreamHost<TripleCallee>[] = [];
  #over = false;

  constructor(
    context: ProxyContext,
    caller: TripleCallerPort,
    stream: Http2Stream,
    fields: Fields,
    never: readonly string[],
    lane: TripleLane,
  ) {
    this.#context = context;
    this.#caller = caller;
    this.#stream = { link: caller.link, stream };
    this.#fields = fields;
    this.#never = never;
    this.#lane = lane;
    this.#startMs = context.nowMs;
    this.#content = new RequestContent(context, this.#stream);
  }

  /** Carries the call out, faults first; `ended` where the head was all. */
  start(ended: boolean): void {
    this.#content.ended = ended;
    const { refusal, route } = this.#lane;
    if (refusal !== undefined) this.#answer(ownAnswer(refusal.reason), refusal.message);
    else this.#lead(route!);
  }

  /** Content of the request. */
  onRequestData(bytes: Buffer, end: boolean): void {
    this.#content.take(bytes, end, this.#try?.sendsTo);
    if (this.#over) this.#letGo();
  }

  /** The request ends with trailers. */
  onRequestTrailers(fields: Fields): void {
    this.#content.takeTrailers(fields, this.#try?.sendsTo);
  }

  /** The answer's queued content has gone to the caller. */
  onCallerDrain(): void {
    this.#try?.onCallerDrain();
    if (this.#over) this.#endCallerStream();
  }

  /** The caller ended the call, or its connection is gone. */
  onCallerGone(): void {
    if (this.#over) return;
    this.#endTry();
    this.#finish(ABANDONED);
  }

  retries(outcome: Outcome): boolean {
    const retry = this.#route?.retry;
    const context = this.#context;
    if (retry === undefined || !this.#content.replayable || this.#retries >= retry.attempts) return false;
    if (!retry.retriable(outcome) || context.nowMs >= this.#routeDeadlineMs) return false;
    this.#endTry();
    this.#retries++;
    context.counters.retries++;
    if (this.#endpoint !== undefined && !this.#tried.includes(this.#endpoint.host))
      this.#tried.push(this.#endpoint.host);
    const waitMs = Math.min(retry.backOffMs(this.#retries, context.random()), this.#routeDeadlineMs - context.nowMs);
    this.#after(waitMs, () => {
      if (this.#begin(this.#tried)) return;
      this.#tried = [];
      this.#begin([]);
    });
    return true;
  }

  complete(outcome: Outcome): void {
    this.#endTry();
    this.#finish(outcome);
    this.#endCallerStream();
  }

  tryFailed(reason: CallReason, message: string, answered: boolean): void {
    this.#endTry();
    if (answered) {
      this.#stream.link.machine.reset(this.#stream.stream, ERROR.cancel);
      this.#stream.link.wake();
      this.#finish(outcomeOfReason(reason));
      return;
    }
    if (reason === "connect_failure" && this.#content.replayable && this.#beginElsewhere()) return;
    if (this.retries(outcomeOfReason(reason))) return;
    this.#answer(ownAnswer(reason), message);
  }

  tryRefused(message: string): void {
    this.#endTry();
    // It was not begun over there; the provider may still take it on another connection.
    if (this.#moves++ < MAX_MOVES && this.#begin(this.#tried)) return;
    this.tryFailed("connect_failure", message, false);
  }

  tryAbandoned(): void {
    this.#endTry();
    sendReply(this.#stream, ownReply(this.#fields, ownAnswer("timeout"), "the call's own time-out has passed"));
    this.#endCallerStream();
    this.#finish(ABANDONED);
  }

  hasOther(): boolean {
    const avoid = this.#endpoint === undefined ? this.#tried : [...this.#tried, this.#endpoint.host];
    return this.#endpoints()?.hasReady(avoid) === true;
  }

  #lead(route: CompiledRoute): void {
    this.#route = route;
    const { fault } = route;
    if (fault !== undefined && fault.delayMs > 0 && this.#context.random() < fault.delayShare) {
      this.#after(fault.delayMs, () => this.#afterDelay(route));
    } else {
      this.#afterDelay(route);
    }
  }

  #afterDelay(route: CompiledRoute): void {
    const { fault } = route;
    if (fault !== undefined && this.#context.random() < fault.abortShare) {
      const answer =
        fault.abortHttp === undefined ? abortAnswerOfGrpc(fault.abortGrpc ?? 14) : abortAnswer(fault.abortHttp);
      this.#answer(answer, `fault injected by rule ${route.name}`);
      return;
    }
    if (route.directStatus !== undefined) {
      this.#answer(abortAnswer(route.directStatus), route.directText || `direct response of rule ${route.name}`);
      return;
    }
    this.#target = pickTarget(route, this.#context.random);
    if (this.#target === undefined) {
      this.#answer(ownAnswer("no_route"), `rule ${route.name} has no destination with weight`);
      return;
    }
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    this.#begin([]);
  }

  #endpoints() {
    return this.#target!.cluster.tri.forTag(this.#lane.tag, this.#lane.tagForced);
  }

  /** Begins a try at an endpoint that is none of `avoid`. Whether the call went on: false where there was no such endpoint. */
  #begin(avoid: readonly UpstreamHost<TripleCallee>[]): boolean {
    const context = this.#context;
    const { cluster } = this.#target!;
    const endpoint = this.#endpoints()?.pick(context.originMs + context.nowMs, context.random, avoid);
    if (endpoint === undefined) {
      const subset = cluster.service.subset && ` in subset ${cluster.service.subset}`;
      if (avoid.length === 0) this.#answer(ownAnswer("no_endpoint"), `no provider of ${cluster.service.host}${subset}`);
      return false;
    }
    if (cluster.waiting >= cluster.maxRequests) {
      this.#answer(ownAnswer("overflow"), `${cluster.name} has ${cluster.maxRequests} calls waiting, its limit`);
      return true;
    }
    const fields = this.#sentFields(endpoint);
    if (fields === undefined) return true;
    const slot = context.calls.allocate();
    if (slot < 0) {
      this.#answer(ownAnswer("overflow"), `${context.calls.maxCalls} calls wait already, the proxy's limit`);
      return true;
    }
    this.#endpoint = endpoint;
    cluster.waiting++;
    const perTryMs = this.#route!.retry?.perTryTimeoutMs ?? 0;
    const callerMs = this.#startMs + this.#lane.callerTimeoutMs;
    const ownMs = Math.min(this.#routeDeadlineMs, perTryMs > 0 ? context.nowMs + perTryMs : Number.POSITIVE_INFINITY);
    const parts = {
      owner: this,
      caller: this.#stream,
      content: this.#content,
      endpoint,
      fields,
      never: this.#never,
      startMs: this.#startMs,
      deadlineMs: Math.min(ownMs, callerMs),
      deadlineKind: ownMs <= callerMs ? DEADLINE_ROUTE : DEADLINE_CALLER,
    };
    this.#try = new StreamTry(context, parts, slot);
    this.#try.start();
    return true;
  }

  #beginElsewhere(): boolean {
    if (this.#endpoint !== undefined) this.#tried.push(this.#endpoint.host);
    return this.#begin(this.#tried);
  }

  /** The head as it goes to this provider; undefined where it cannot be made, which the caller has been told then. */
  #sentFields(endpoint: TripleEndpoint): Fields | undefined {
    const { decision, sent } = this.#lane;
    const target = this.#target!;
    const known = sent.get(target);
    if (known !== undefined) return known;
    const token = target.cluster.tri.setsToken ? endpoint.token : "";
    try {
      const { key } = decision!.host;
      const fields = editFields(this.#fields, key, decision!.method, this.#route!.mutations, target, token);
      if (token === "") sent.set(target, fields);
      return fields;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#answer(ownAnswer(error.reason), error.message);
      return undefined;
    }
  }

  #endTry(): void {
    if (this.#try === undefined) return;
    this.#try.cancel();
    this.#try = undefined;
    this.#target!.cluster.waiting--;
  }

  #after(ms: number, run: () => void): void {
    this.#context.exchanges++;
    setTimeout(
      () => {
        this.#context.exchanges--;
        this.#context.nowMs = performance.now();
        if (!this.#over) run();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
  }

  /** An answer may come before the request has ended: the rest of that is not wanted. */
  #endCallerStream(): void {
    const { link, stream } = this.#stream;
    if (stream.closed || stream.remoteEnded || stream.queuedBytes > 0) return;
    link.machine.reset(stream, ERROR.none);
    link.wake();
  }

  #answer(answer: OwnAnswer, message: string): void {
    sendReply(this.#stream, ownReply(this.#fields, answer, message));
    this.#endCallerStream();
    this.#finish(outcomeOfAnswer(answer));
  }

  /** The call is over: said once. */
  #finish(outcome: Outcome): void {
    this.#over = true;
    this.#letGo();
    this.#row().record(outcome, this.#context.nowMs - this.#startMs);
    this.#caller.forget(this);
  }

  #letGo(): void {
    this.#content.drop();
    this.#content.release();
  }

  #row(): MetricRow {
    const { decision } = this.#lane;
    if (decision === undefined) return this.#context.rows.row(UNKNOWN_ROW);
    return rowOf(this.#context, decision, this.#route, this.#target);
  }
}
