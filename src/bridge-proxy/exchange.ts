import type { CallReason } from "../base/errors.ts";
import { isException } from "../codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../codecs/dubbo2/frame.ts";
import { type OwnAnswer, ownAnswer } from "../codecs/dubbo2/status.ts";
import { after } from "./after.ts";
import type { Denial } from "./authz/asked.ts";
import type { Ruling } from "./authz/checkpoint.ts";
import { type Opening, pass, type Subject } from "./authz/question.ts";
import { answerTo } from "./authz/reply.ts";
import { chooseEndpoint, type NoEndpoint } from "./choose.ts";
import type { ProxyContext, TryOwner } from "./context.ts";
import { answerWith } from "./dubbo/answers.ts";
import type { CallFacts } from "./dubbo/call-facts.ts";
import { CallerWatch, type EndsWithCaller } from "./dubbo/caller-watch.ts";
import { answerEditor, type EditAnswer, editFrame, editsFor } from "./dubbo/edits.ts";
import { dubboSubject } from "./dubbo/subject.ts";
import { type DubboTryParts, type TriedCall, type TriedCaller, tryDubbo, tryHttp, tryTriple } from "./dubbo/tries.ts";
import { Attempts } from "./policies/attempts.ts";
import { answerOf, delayOf } from "./policies/fault.ts";
import type { CallRecord } from "./policies/metrics.ts";
import {
  ABANDONED,
  OK_EXCEPTION,
  type Outcome,
  outcomeOfAnswer,
  outcomeOfReason,
  outcomeOfStatus,
} from "./policies/outcome.ts";
import { namesNothing, rewriteCall, serviceNamed } from "./policies/rewrite.ts";
import { type TryDeadline, tryDeadline } from "./policies/try-deadline.ts";
import { type CompiledRoute, type Mirror, pickTarget, type Target } from "./route.ts";
import { rowOf } from "./rows.ts";
import { serviceFor } from "./upstream/any-service.ts";
import { Claim } from "./upstream/claim.ts";
import type { Cluster } from "./upstream/cluster.ts";
import type { EndpointOf } from "./upstream/endpoint.ts";
import type { CallWish, EndpointGroup } from "./upstream/endpoint-group.ts";
import type { UpstreamConnection } from "./upstream/host.ts";

/** The caller of copies. */
const NOBODY_WAITS: TriedCaller = {
  closed: false,
  watch: new CallerWatch(),
  pinned: (host) => host.connection(),
  deliver: () => {},
  answer: () => {},
};

/** What an exchange is made from: one call with its own copy of its frame. */
export interface HeldCall extends TriedCall, CallWish {
  /** The whole request frame; nobody else writes to it. */
  readonly frame: Buffer;
  readonly route: CompiledRoute;
  /** Of the inputs that its route names. */
  readonly hash: number | undefined;
  /** By the routes of its copies: what their endpoints are chosen by; absent where its route has no mirrors. */
  readonly copyFacts?: ReadonlyMap<CompiledRoute, CallFacts> | undefined;
  /** When it came, ms of the context's clock. */
  readonly startMs: number;
  /** The caller's own time-out, ms. */
  readonly callerTimeoutMs: number;
  /** What policies say of its destinations. */
  readonly ruling: Ruling | undefined;
  /** Who registered from the caller's address. */
  readonly application: string | undefined;
}

/**
 * One call that needs more than carrying: it waits (for a fault's delay, a connection, a retry's back-off), is changed on the
 * way, or is tried more than once. Calls that need none of this never have one.
 */
export class Exchange implements TryOwner {
  readonly #context: ProxyContext;
  readonly #call: HeldCall;
  readonly #startMs: number;
  #routeDeadlineMs = Number.POSITIVE_INFINITY;
  #target: Target | undefined;
  #named: ReturnType<typeof rewriteCall>;
  #frame: Buffer;
  readonly #attempts = new Attempts();
  readonly #claim: Claim;
  #isHeld = false;

  constructor(context: ProxyContext, call: HeldCall) {
    this.#context = context;
    this.#call = call;
    this.#frame = call.frame;
    this.#startMs = call.startMs;
    this.#claim = new Claim(context);
  }

  /** Carries the call out, faults first. */
  start(): void {
    if (!this.#hold()) return;
    const delayMs = delayOf(this.#call.route, this.#context.random);
    if (delayMs > 0) after(this.#context, delayMs, () => this.#afterDelay());
    else this.#afterDelay();
  }

  answered(bytes: Buffer, start: number, end: number): void {
    const outcome = isException(bytes, start, end) ? OK_EXCEPTION : outcomeOfStatus(bytes[start + 3]!);
    this.#claim.answered(outcome);
    if (this.#retry(outcome)) return;
    this.#record(outcome);
    const { caller, idHigh, idLow } = this.#call;
    if (caller.closed) return;
    bytes.writeInt32BE(idHigh, start + 4);
    bytes.writeInt32BE(idLow, start + 8);
    const edit = this.lateEdit;
    const edited = edit?.(bytes.subarray(start, end));
    if (edited !== undefined) {
      caller.deliver(edited, 0, edited.length);
      return;
    }
    this.#context.counters.answersUnchanged += edit === undefined ? 0 : 1;
    caller.deliver(bytes, start, end);
  }

  failed(reason: CallReason, message: string): void {
    this.#claim.failed(reason);
    // Nothing was sent on a connection that never was: another provider may take the call whatever the rules say of retries.
    if (reason === "connect_failure" && this.#tryOther()) return;
    if (this.#retry(outcomeOfReason(reason))) return;
    this.#answer(ownAnswer(reason), message);
  }

  get lateEdit(): EditAnswer | undefined {
    const { route, frame } = this.#call;
    const changes = [route.answerMutations, this.#target?.answerMutations].filter((one) => one !== undefined);
    return changes.length === 0 ? undefined : answerEditor(frame, changes);
  }

  abandoned(): void {
    if (!this.#call.caller.closed) this.#claim.failed("timeout");
    this.#record(ABANDONED);
  }

  hasOther(): boolean {
    const { cluster } = this.#target!;
    const avoid = this.#attempts.triedAndLast;
    const group = cluster.bridgesToHttp ? cluster.http : cluster.bridgesDubbo ? cluster.tri : cluster.dubbo;
    return group.forCall(this.#call, this.#context.random)?.hasReady(avoid) === true;
  }

  /** Counts the call among those that are held. Whether there was room. */
  #hold(): boolean {
    const context = this.#context;
    const { maxCalls, maxExchangeBytes } = context.limits;
    const bytes = this.#call.frame.length;
    if (context.exchanges >= maxCalls || context.exchangeBytes + bytes > maxExchangeBytes) {
      this.#answer(ownAnswer("overflow"), `calls that rules hold are at the limit of ${maxExchangeBytes} bytes`);
      return false;
    }
    this.#isHeld = true;
    context.exchanges++;
    if (this.#call.route.isMirror) context.mirrors.exchanges++;
    context.exchangeBytes += bytes;
    return true;
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#context.exchanges--;
    if (this.#call.route.isMirror) this.#context.mirrors.exchanges--;
    this.#context.exchangeBytes -= this.#call.frame.length;
  }

  #afterDelay(): void {
    const { route } = this.#call;
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
    const { ruling } = this.#call;
    const denial = ruling?.denied?.get(this.#target);
    const opening = ruling?.open?.get(this.#target);
    if (denial !== undefined) this.#deny(denial);
    else if (opening === undefined) this.#send(this.#target);
    else this.#ask(opening, this.#target);
  }

  /** Does what policies ask for first; where a server is waited for, as long as the caller is there. */
  #ask(opening: Opening, target: Target): void {
    const { watch } = this.#call.caller;
    let isSettled = false;
    const waiting: EndsWithCaller = {
      place: -1,
      onCallerGone: () => {
        giveUp();
        this.abandoned();
      },
    };
    const settled = () => {
      isSettled = true;
      watch.remove(waiting);
    };
    const giveUp = pass(opening, target, () => this.#subject(), {
      go: (to) => {
        settled();
        this.#send(to);
      },
      refuse: (denial) => {
        settled();
        this.#deny(denial);
      },
    });
    if (!isSettled) watch.add(waiting);
  }

  #deny(denial: Denial): void {
    this.#answer(answerTo(denial), denial.message);
  }

  #subject(): Subject {
    const timeLeftMs = this.#startMs + this.#call.callerTimeoutMs - this.#context.nowMs;
    return dubboSubject({ ...this.#call, timeLeftMs });
  }

  /** Carries the call out that policies let go there; its caller may be gone. */
  #send(target: Target): void {
    const { route } = this.#call;
    this.#target = target;
    const { host, method } = this.#call.decision;
    const { rewrite, mutations } = route;
    const called = { interface: host.key.interface, method };
    const named = rewrite === undefined ? undefined : rewriteCall(rewrite, called);
    if (rewrite !== undefined && named === undefined) {
      // Of a call that is only carried not even the method is known.
      if (method === "") this.#cannotChange();
      else this.#answer(ownAnswer("no_route"), namesNothing(route.name));
      return;
    }
    // A rewrite of the authority alone names what was called, or the service that the rule leads it to.
    this.#named = rewrite?.path === undefined ? undefined : named;
    const change = { mutations, target: this.#target, named: this.#named };
    const edited = editFrame(this.#frame, editsFor(host.key, method, change));
    if (edited === undefined) {
      this.#cannotChange();
      return;
    }
    this.#frame = edited;
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    const copies = route.mirrors === undefined ? [] : this.#copies(route.mirrors);
    this.#try([]);
    for (const copy of copies) copy.start();
  }

  #cannotChange(): void {
    const { route, serialization } = this.#call;
    this.#answer(
      ownAnswer("undecodable"),
      `rule ${route.name} changes the call, which its serialization ${serialization} does not allow`,
    );
  }

  /** The copies of this call that its route sends elsewhere too; none of one whose provider would call the caller back. */
  #copies(mirrors: readonly Mirror[]): readonly Exchange[] {
    const { random, mirrors: underWay } = this.#context;
    if (this.#call.pinned || this.#call.route.isMirror) return [];
    return underWay.draw(mirrors, random).flatMap((route) => {
      const facts = this.#call.copyFacts?.get(route);
      if (facts === undefined) {
        underWay.drop(1);
        return [];
      }
      const frame = Buffer.from(this.#call.frame);
      const times = { startMs: this.#context.nowMs, callerTimeoutMs: Number.POSITIVE_INFINITY };
      const copy = { caller: NOBODY_WAITS, frame, route, ...times };
      return [new Exchange(this.#context, { ...this.#call, ...facts, ...copy })];
    });
  }

  /** Sends the call to an endpoint that is none of `avoid`. Whether there was one. */
  #try(avoid: readonly object[]): boolean {
    const { cluster } = this.#target!;
    if (this.#call.caller.closed) {
      this.abandoned();
      return true;
    }
    if (cluster.bridgesToHttp) return this.#tryIn(cluster.http, avoid, tryHttp);
    return cluster.bridgesDubbo
      ? this.#tryIn(cluster.tri, avoid, tryTriple)
      : this.#tryIn(cluster.dubbo, avoid, tryDubbo);
  }

  #tryIn<C extends UpstreamConnection>(
    group: EndpointGroup<C>,
    avoid: readonly object[],
    send: (context: ProxyContext, parts: DubboTryParts, endpoint: EndpointOf<C>) => NoEndpoint | undefined,
  ): boolean {
    const { cluster } = this.#target!;
    const { tag, tagForced, routed, hash } = this.#call;
    const chosen = chooseEndpoint(this.#context, group, {
      cluster,
      tag,
      tagForced,
      routed,
      avoid,
      avoidsPriorities: this.#call.route.retry?.avoidsPriorities === true,
      hash,
    });
    if (chosen === undefined) return false;
    if ("reason" in chosen) {
      this.#refuse(chosen);
      return true;
    }
    const bodyBytes = this.#frame.length - HEADER_BYTES;
    if (chosen.payloadBytes > 0 && bodyBytes > chosen.payloadBytes) {
      const message = `body of ${bodyBytes} bytes is over the provider's payload ${chosen.payloadBytes}`;
      this.#refuse({ reason: "over_limit", message });
      return true;
    }
    this.#attempts.begin(chosen.host);
    if (this.#call.twoWay)
      this.#claim.begin(cluster, chosen, this.#call.route.isMirror ? this.#context.mirrors : undefined);
    const refusal = send(this.#context, this.#tryParts(cluster), chosen);
    if (refusal !== undefined) {
      this.#claim.end();
      this.#refuse(refusal);
    }
    return true;
  }

  #tryParts(cluster: Cluster): DubboTryParts {
    return {
      call: this.#call,
      owner: this,
      frame: this.#frame,
      cluster,
      service: serviceNamed(serviceFor(cluster.service, this.#call.decision.host.key), this.#named),
      startMs: this.#startMs,
      deadline: (timeoutMs) => this.#deadline(timeoutMs),
      isFirst: this.#attempts.isFirst,
      sent: () => {
        this.#row().recordOneWay();
        this.#letGo();
      },
    };
  }

  #refuse({ reason, message }: NoEndpoint): void {
    this.#answer(ownAnswer(reason), message);
  }

  /** `timeoutMs` is what this very call says of its time; 0 where that is not known. */
  #deadline(timeoutMs = 0): TryDeadline {
    const { callerTimeoutMs } = this.#call;
    return tryDeadline({
      route: this.#call.route,
      nowMs: this.#context.nowMs,
      routeDeadlineMs: this.#routeDeadlineMs,
      callerDeadlineMs: this.#startMs + (timeoutMs > 0 ? timeoutMs : callerTimeoutMs),
    });
  }

  #tryOther(): boolean {
    this.#attempts.avoidLast();
    return this.#try(this.#attempts.tried);
  }

  #retry(outcome: Outcome): boolean {
    const context = this.#context;
    if (!this.#call.twoWay) return false;
    const bounds = { nowMs: context.nowMs, routeDeadlineMs: this.#routeDeadlineMs };
    const waitMs = this.#attempts.again(this.#call.route.retry, outcome, bounds, context.random);
    if (waitMs === undefined || !this.#claim.retry(this.#target!.cluster)) return false;
    context.counters.retries++;
    after(context, waitMs, () => {
      if (this.#try(this.#attempts.tried)) return;
      this.#attempts.forgive();
      this.#try([]);
    });
    return true;
  }

  #answer(answer: OwnAnswer, message: string): void {
    this.#record(outcomeOfAnswer(answer));
    const { caller, twoWay } = this.#call;
    if (twoWay && !caller.closed) answerWith(this.#call, answer, message);
  }

  /** The call is over: said once. */
  #record(outcome: Outcome): void {
    this.#claim.close();
    this.#letGo();
    this.#row().record(outcome, this.#context.nowMs - this.#startMs);
  }

  #row(): CallRecord {
    const { decision, route } = this.#call;
    return rowOf(this.#context, decision, route, this.#target);
  }
}
