import { CallError, type CallReason } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { ValueOf } from "../../codecs/xds/routing.ts";
import { Wait } from "../after.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import { limitRuling } from "../authz/limit-question.ts";
import { answerTo } from "../authz/reply.ts";
import { chooseEndpoint } from "../choose.ts";
import type { ProxyContext } from "../context.ts";
import { Copies } from "../copies.ts";
import { Attempts } from "../policies/attempts.ts";
import { answerOf, delayOf } from "../policies/fault.ts";
import { hashOf } from "../policies/hash.ts";
import { ABANDONED, type Outcome, outcomeOfAnswer, outcomeOfReason } from "../policies/outcome.ts";
import { routedCall } from "../policies/router-call.ts";
import { tryDeadline } from "../policies/try-deadline.ts";
import { type CompiledRoute, type HostDecision, pickTarget, type Target } from "../route.ts";
import { rowOf, UNKNOWN_ROW } from "../rows.ts";
import { Claim } from "../upstream/claim.ts";
import type { EndpointOf } from "../upstream/endpoint.ts";
import type { EndpointGroup } from "../upstream/endpoint-group.ts";
import type { UpstreamConnection } from "../upstream/host.ts";
import { ownReply, type SaidHeaders, sendReply } from "./answers.ts";
import type { CallerStream, RequestHead } from "./caller-stream.ts";
import { answerStream } from "./changed-answer.ts";
import { clear } from "./clear.ts";
import { Deciding, type DecidingOwner, type ReadMessage } from "./deciding.ts";
import type { Refusal, TripleLane } from "./lanes.ts";
import { laneOfCopy, NOBODY, NowhereStream } from "./nowhere.ts";
import { RequestContent } from "./request-content.ts";
import type { ServedRequest, TripleCallerPort } from "./served.ts";
import { MAX_MOVES, type TripleTryOwner } from "./stream-try.ts";
import { type BegunTry, type TryParts, tryDubbo, tryHttp, tryTriple } from "./tries.ts";

/** One call of a Triple or gRPC caller: what is to be done with it, and the tries that do it. */
export class TripleCall implements TripleTryOwner, ServedRequest, DecidingOwner {
  /** Its place among its caller's calls; the caller's own. */
  place = -1;
  readonly #context: ProxyContext;
  readonly #caller: TripleCallerPort;
  readonly #stream: CallerStream;
  readonly #head: RequestHead;
  readonly #deciding: Deciding;
  readonly #content: RequestContent;
  readonly #startMs: number;
  #decision: HostDecision | undefined;
  #route: CompiledRoute | undefined;
  #target: Target | undefined;
  #ruling: Ruling | undefined;
  readonly #attempts = new Attempts();
  readonly claim: Claim;
  #try: BegunTry | undefined;
  #wait: Wait | undefined;
  #stopAsking: (() => void) | undefined;
  #copies: Copies | undefined;
  #hash: number | undefined;
  /** Headers as rules see them, arguments too where those were read. */
  #header: HeaderLookup | undefined;
  #message: ReadMessage | undefined;
  #routed: ValueOf | undefined;
  /** The head as it goes to the destination that was picked. */
  #sent: Fields;
  #routeDeadlineMs = Number.POSITIVE_INFINITY;
  #moves = 0;
  #over = false;

  /** `relane` gives the lane of the call's head under the configuration in force; `startMs` is when the call came. */
  constructor(
    context: ProxyContext,
    caller: TripleCallerPort,
    stream: CallerStream,
    head: RequestHead,
    relane: () => TripleLane,
    startMs = context.nowMs,
  ) {
    this.#context = context;
    this.#caller = caller;
    this.#stream = stream;
    this.#head = head;
    this.#sent = head.fields;
    this.#startMs = startMs;
    this.claim = new Claim(context);
    this.#content = new RequestContent(context, this.#stream);
    this.#content.ended = head.end;
    this.#deciding = new Deciding(context, this.#content, relane, this);
  }

  get over(): boolean {
    return this.#over;
  }

  /** Carries the call out, faults first. */
  start(): void {
    this.#decision = this.#deciding.lane.decision;
    this.#deciding.start();
  }

  /** Content of the request. */
  onRequestData(bytes: Buffer, end: boolean): void {
    this.#copies?.take(bytes);
    this.#content.take(bytes, end, this.#try?.sendsTo);
    if (end) this.#copies?.end();
    if (this.#over) this.#letGo();
    else if (this.#content.overflows) {
      this.#endTry();
      this.#overflow("requests that wait are at the limit of the bytes that may be held");
    } else if (this.#route !== undefined) this.#try?.onContent();
    else this.#deciding.onMore();
  }

  /** The request ends with trailers. */
  onRequestTrailers(fields: Fields): void {
    this.#content.takeTrailers(fields, this.#try?.sendsTo);
    this.#copies?.end();
    if (this.#route !== undefined) this.#try?.onContent();
    else if (!this.#over) this.#deciding.onMore();
  }

  /** The answer's queued content has gone to the caller. */
  onCallerDrain(): void {
    this.#try?.onCallerDrain();
    if (this.#over) this.#endCallerStream();
  }

  /** The caller ended the call, or its connection is gone. */
  onCallerGone(outcome: Outcome = ABANDONED): void {
    if (this.#over) return;
    this.#endTry();
    this.#finish(outcome);
  }

  retries(outcome: Outcome): boolean {
    const context = this.#context;
    if (!this.#content.replayable) return false;
    const bounds = { nowMs: context.nowMs, routeDeadlineMs: this.#routeDeadlineMs };
    const waitMs = this.#attempts.again(this.#route?.retry, outcome, bounds, context.random);
    if (waitMs === undefined) return false;
    this.claim.answered(outcome);
    if (!this.claim.retry(this.#target!.cluster)) return false;
    this.#endTry();
    context.counters.retries++;
    this.#after(waitMs, () => {
      if (this.#begin(this.#attempts.tried)) return;
      this.#attempts.forgive();
      this.#begin([]);
    });
    return true;
  }

  complete(outcome: Outcome): void {
    this.claim.answered(outcome);
    this.#endTry();
    this.#finish(outcome);
    this.#endCallerStream();
  }

  tryFailed(reason: CallReason, message: string, answered: boolean): void {
    this.claim.failed(reason);
    this.#endTry();
    if (answered) {
      // "cancel" would tell the caller that somebody had no use for the answer any more.
      this.#stream.reset(ERROR.internal);
      this.#finish(outcomeOfReason(reason));
      return;
    }
    if (reason === "connect_failure" && this.#content.replayable) {
      this.#attempts.avoidLast();
      if (this.#begin(this.#attempts.tried)) return;
    }
    if (this.retries(outcomeOfReason(reason))) return;
    this.#answer(ownAnswer(reason), message);
  }

  tryRefused(message: string, cost: number): void {
    this.#endTry();
    // It was not begun over there; the provider may still take it on another connection.
    this.#moves += cost;
    if (this.#moves <= MAX_MOVES && this.#begin(this.#attempts.tried)) return;
    this.tryFailed("connect_failure", message, false);
  }

  tryAbandoned(answered: boolean): void {
    this.claim.failed("timeout");
    this.#endTry();
    if (answered) this.#stream.reset(ERROR.cancel);
    else {
      sendReply(this.#stream, ownReply(this.#head.fields, ownAnswer("timeout"), "the call's own time-out has passed"));
      this.#endCallerStream();
    }
    this.#finish(ABANDONED);
  }

  hasOther(): boolean {
    const { cluster } = this.#target!;
    const avoid = this.#attempts.triedAndLast;
    const group = cluster.bridgesToHttp ? cluster.http : cluster.bridgesTriple ? cluster.dubbo : cluster.tri;
    const { tag, tagForced } = this.#deciding.lane;
    return group.forCall({ tag, tagForced, routed: this.#routed }, this.#context.random)?.hasReady(avoid) === true;
  }

  refuse(refusal: Refusal, decided = this.#decision): void {
    this.#decision = decided;
    this.#answer(answerTo(refusal), refusal.message, refusal.reply?.headers);
  }

  #overflow(message: string): true {
    this.#answer(ownAnswer("overflow"), message);
    return true;
  }

  lead(decision: HostDecision, route: CompiledRoute, header: HeaderLookup, message?: ReadMessage): void {
    this.#decision = decision;
    this.#header = header;
    this.#message = message;
    const { address, config, guard, outside: isAlone } = this.#deciding.lane;
    const ruling = guard?.rule(decision, route, message?.judged ?? header, message?.generic);
    const { limits } = decision.host;
    const { nowMs } = this.#context;
    this.#ruling =
      limits === undefined ? ruling : limitRuling(limits, { ruling, decision, route, header, nowMs, isAlone });
    this.#route = route;
    if (this.#ruling?.denial !== undefined) {
      this.refuse(this.#ruling.denial);
      return;
    }
    this.#routed = routedCall({ route, decision, header, address, config, isOutside: isAlone });
    this.#hash = route.hash && hashOf(route.hash, header, address);
    const delayMs = delayOf(route, this.#context.random);
    if (delayMs > 0) this.#after(delayMs, () => this.#afterDelay(decision, route, header));
    else this.#afterDelay(decision, route, header);
  }

  #afterDelay(decision: HostDecision, route: CompiledRoute, header: HeaderLookup): void {
    const own = answerOf(route, this.#context.random);
    if (own !== undefined) {
      this.#answer(own.answer, own.message);
      return;
    }
    this.#target = pickTarget(route, this.#context.random);
    if (this.#target === undefined) {
      this.#answer(ownAnswer("no_route"), `rule ${route.name} has no destination with weight`);
      return;
    }
    const { lane } = this.#deciding;
    const timeLeftMs = this.#startMs + lane.callerTimeoutMs - this.#context.nowMs;
    const { fields } = this.#head;
    const judged = this.#message?.judged ?? header;
    this.#stopAsking = clear(
      { ruling: this.#ruling, lane, decision, route, target: this.#target, fields, header: judged, timeLeftMs },
      (target, sent) => this.#send(route, target, sent),
      (refusal) => this.refuse(refusal),
    );
  }

  #send(route: CompiledRoute, target: Target, sent: Fields): void {
    this.#target = target;
    this.#sent = sent;
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    const { mirrors } = route;
    if (mirrors !== undefined && !route.isMirror) {
      this.#copies = new Copies(this.#context, mirrors, (copyRoute, body) => this.#copy(copyRoute, body));
      for (const bytes of this.#content.held) this.#copies.take(bytes);
    }
    this.#begin([]);
    if (this.#content.ended) this.#copies?.end();
  }

  /** Sends a copy of the call, which is whole, by another route. */
  #copy(route: CompiledRoute, body: Buffer): void {
    const head = { ...this.#head, end: body.length === 0 };
    const lane = laneOfCopy(this.#deciding.lane, this.#decision, route, this.#header);
    const copy = new TripleCall(this.#context, NOBODY, new NowhereStream(), head, () => lane);
    copy.lead(this.#decision!, route, this.#header!, this.#message);
    if (!head.end) copy.onRequestData(body, true);
  }

  /** Begins a try at an endpoint that is none of `avoid`. False where all are, which leaves the call as it was. */
  #begin(avoid: readonly object[]): boolean {
    const { cluster } = this.#target!;
    if (cluster.bridgesToHttp) {
      return this.#beginIn(cluster.http, avoid, (endpoint, slot) => tryHttp(this.#tryParts(), endpoint, slot));
    }
    return cluster.bridgesTriple
      ? this.#beginIn(cluster.dubbo, avoid, (endpoint, slot) => tryDubbo(this.#tryParts(), endpoint, slot))
      : this.#beginIn(cluster.tri, avoid, (endpoint, slot) => tryTriple(this.#tryParts(), endpoint, slot));
  }

  #beginIn<C extends UpstreamConnection>(
    group: EndpointGroup<C>,
    avoid: readonly object[],
    make: (endpoint: EndpointOf<C>, slot: number) => BegunTry,
  ): boolean {
    const context = this.#context;
    const { cluster } = this.#target!;
    const { tag, tagForced } = this.#deciding.lane;
    const routed = this.#routed;
    const endpoint = chooseEndpoint(context, group, {
      cluster,
      tag,
      tagForced,
      routed,
      avoid,
      avoidsPriorities: this.#route?.retry?.avoidsPriorities === true,
      hash: this.#hash,
    });
    if (endpoint === undefined) return false;
    if ("reason" in endpoint) {
      this.refuse(endpoint);
      return true;
    }
    const slot = context.calls.allocate();
    if (slot < 0) return this.#overflow(`${context.calls.maxCalls} calls wait already, the proxy's limit`);
    this.#attempts.begin(endpoint.host);
    try {
      this.#try = make(endpoint, slot);
    } catch (error) {
      // A rule or a provider's token asks for a head that cannot be written.
      if (!(error instanceof CallError)) throw error;
      context.calls.release(slot);
      this.refuse(error);
      return true;
    }
    this.claim.begin(cluster, endpoint, this.#route?.isMirror === true ? context.mirrors : undefined);
    this.#try.start();
    return true;
  }

  #tryParts(): TryParts {
    const route = this.#route!;
    const { lane } = this.#deciding;
    const isOutside = lane.outside === true;
    return {
      context: this.#context,
      config: lane.config,
      owner: this,
      stream: answerStream(this.#stream, route, this.#target!),
      content: this.#content,
      cluster: this.#target!.cluster,
      head: lane.head!,
      received: this.#head.fields,
      sent: this.#sent,
      never: this.#head.never,
      outside: isOutside,
      renamed: route.rewrite?.path !== undefined,
      startMs: this.#startMs,
      deadline: tryDeadline({
        route,
        nowMs: this.#context.nowMs,
        routeDeadlineMs: this.#routeDeadlineMs,
        callerDeadlineMs: this.#startMs + lane.callerTimeoutMs,
      }),
    };
  }

  #endTry(): void {
    if (this.#try === undefined) return;
    this.#try.cancel();
    this.#try = undefined;
    this.claim.end();
  }

  #after(ms: number, run: () => void): void {
    this.#wait ??= new Wait(this.#context);
    if (!this.#wait.begin(ms, run)) this.#overflow("as many calls wait as may be held");
  }

  /** An answer may come before the request has ended: the rest of that is not wanted. */
  #endCallerStream(): void {
    const stream = this.#stream;
    if (!stream.closed && !stream.requestEnded && stream.queuedBytes === 0) stream.reset(ERROR.none);
  }

  #answer(answer: OwnAnswer, message: string, said?: SaidHeaders): void {
    sendReply(this.#stream, ownReply(this.#head.fields, answer, message, said));
    this.#endCallerStream();
    this.#finish(outcomeOfAnswer(answer));
  }

  /** The call is over: said once. */
  #finish(outcome: Outcome): void {
    this.#over = true;
    this.claim.close();
    this.#wait?.end();
    this.#stopAsking?.();
    this.#letGo();
    this.#copies?.drop();
    const { rows, nowMs } = this.#context;
    const row = this.#decision && rowOf(this.#context, this.#decision, this.#route, this.#target);
    (row ?? rows.row(UNKNOWN_ROW)).record(outcome, nowMs - this.#startMs);
    this.#caller.forget(this);
  }

  #letGo(): void {
    this.#content.drop();
    this.#content.release();
  }
}
