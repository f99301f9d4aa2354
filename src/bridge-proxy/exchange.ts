import { CallError, type CallReason, ProtocolError } from "../base/errors.ts";
import { isException } from "../codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../codecs/dubbo2/frame.ts";
import { type OwnAnswer, ownAnswer } from "../codecs/dubbo2/status.ts";
import { after } from "./after.ts";
import { toTripleOrGrpc } from "./bridge/grpc-form.ts";
import { tryRest } from "./bridge/rest-try.ts";
import { faultOf, type TranslatedRestCall, toRestCall } from "./bridge/to-rest.ts";
import type { TripleRequest } from "./bridge/to-triple.ts";
import { TripleTry } from "./bridge/triple-try.ts";
import type { CallerPort, ProxyContext, TryOwner } from "./context.ts";
import { answerWith } from "./dubbo/answers.ts";
import type { Callee } from "./dubbo/callee.ts";
import type { CallerWatch } from "./dubbo/caller-watch.ts";
import { editFrame, editsFor } from "./dubbo/edits.ts";
import { BACKLOG_FULL, failCall, linkCall } from "./pending.ts";
import { Attempts } from "./policies/attempts.ts";
import { answerOf, delayOf } from "./policies/fault.ts";
import type { MetricRow } from "./policies/metrics.ts";
import {
  ABANDONED,
  OK_EXCEPTION,
  type Outcome,
  outcomeOfAnswer,
  outcomeOfReason,
  outcomeOfStatus,
} from "./policies/outcome.ts";
import { type TryDeadline, tryDeadline } from "./policies/try-deadline.ts";
import { type CompiledRoute, type HostDecision, pickTarget, type Target } from "./route.ts";
import { rowOf } from "./rows.ts";
import type { RuntimeConfig } from "./runtime-config.ts";
import type { Cluster } from "./upstream/cluster.ts";
import type { DubboEndpoint, EndpointOf, HttpEndpoint, TripleEndpoint } from "./upstream/endpoint.ts";
import type { EndpointGroup } from "./upstream/endpoint-group.ts";
import type { UpstreamConnection, UpstreamHost } from "./upstream/host.ts";

/** What an exchange is made from: one call with its own copy of its frame. */
export interface HeldCall {
  readonly caller: CallerPort & { readonly watch: CallerWatch; pinned(host: UpstreamHost<Callee>): Callee };
  /** The whole request frame; nobody else writes to it. */
  readonly frame: Buffer;
  readonly idHigh: number;
  readonly idLow: number;
  readonly serialization: number;
  readonly twoWay: boolean;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  /** Tag and whether it is forced, read where the cluster has tags. */
  readonly tag: string;
  readonly tagForced: boolean;
  /** Callbacks come back on the connection that the call went out on, so it is this caller's alone. */
  readonly pinned: boolean;
  /** The caller's own time-out, ms. */
  readonly callerTimeoutMs: number;
  /** What is known of the types of calls. */
  readonly schemaOf: RuntimeConfig["schemaOf"];
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
  #frame: Buffer;
  readonly #attempts = new Attempts();
  /** The cluster that counts this call among its waiting ones now. */
  #waitsOn: Cluster | undefined;
  #isHeld = false;

  constructor(context: ProxyContext, call: HeldCall) {
    this.#context = context;
    this.#call = call;
    this.#frame = call.frame;
    this.#startMs = context.nowMs;
  }

  /** Carries the call out, faults first. */
  start(): void {
    if (!this.#hold()) return;
    const delayMs = delayOf(this.#call.route, this.#context.random);
    if (delayMs > 0) after(this.#context, delayMs, () => this.#afterDelay());
    else this.#afterDelay();
  }

  answered(bytes: Buffer, start: number, end: number): void {
    this.#waitNoMore();
    const outcome = isException(bytes, start, end) ? OK_EXCEPTION : outcomeOfStatus(bytes[start + 3]!);
    if (this.#retry(outcome)) return;
    this.#record(outcome);
    if (this.#call.caller.closed) return;
    bytes.writeInt32BE(this.#call.idHigh, start + 4);
    bytes.writeInt32BE(this.#call.idLow, start + 8);
    this.#call.caller.deliver(bytes, start, end);
  }

  failed(reason: CallReason, message: string): void {
    this.#waitNoMore();
    // Nothing was sent on a connection that never was: another provider may take the call whatever the rules say of retries.
    if (reason === "connect_failure" && this.#tryOther()) return;
    if (this.#retry(outcomeOfReason(reason))) return;
    this.#answer(ownAnswer(reason), message);
  }

  abandoned(): void {
    this.#waitNoMore();
    this.#record(ABANDONED);
  }

  hasOther(): boolean {
    const { cluster } = this.#target!;
    const avoid = this.#attempts.triedAndLast;
    const group = cluster.bridgesToHttp ? cluster.http : cluster.bridgesDubbo ? cluster.tri : cluster.dubbo;
    return group.forTag(this.#call.tag, this.#call.tagForced)?.hasReady(avoid) === true;
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
    context.exchangeBytes += bytes;
    return true;
  }

  #waitNoMore(): void {
    if (this.#waitsOn === undefined) return;
    this.#waitsOn.waiting--;
    this.#waitsOn = undefined;
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#context.exchanges--;
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
    const edited = editFrame(this.#frame, editsFor(this.#call.decision.host.key, route.mutations, this.#target));
    if (edited === undefined) {
      this.#answer(
        ownAnswer("undecodable"),
        `rule ${route.name} changes the call, which its serialization ${this.#call.serialization} does not allow`,
      );
      return;
    }
    this.#frame = edited;
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    this.#try([]);
  }

  /** Sends the call to an endpoint that is none of `avoid`. Whether there was one. */
  #try(avoid: readonly object[]): boolean {
    const { cluster } = this.#target!;
    if (this.#call.caller.closed) {
      this.abandoned();
      return true;
    }
    if (cluster.bridgesToHttp) return this.#tryIn(cluster.http, avoid, (endpoint) => this.#sendRest(endpoint));
    return cluster.bridgesDubbo
      ? this.#tryIn(cluster.tri, avoid, (endpoint) => this.#sendTriple(endpoint))
      : this.#tryIn(cluster.dubbo, avoid, (endpoint) => this.#send(endpoint));
  }

  #tryIn<C extends UpstreamConnection>(
    group: EndpointGroup<C>,
    avoid: readonly object[],
    send: (endpoint: EndpointOf<C>) => void,
  ): boolean {
    const context = this.#context;
    const { cluster } = this.#target!;
    const set = group.forTag(this.#call.tag, this.#call.tagForced);
    const endpoint = set?.pick(context.originMs + context.nowMs, context.random, avoid);
    if (endpoint === undefined) {
      if (avoid.length === 0) this.#answer(ownAnswer("no_endpoint"), cluster.noProvider);
      return false;
    }
    const { overLimit } = cluster;
    if (overLimit !== undefined) {
      this.#answer(ownAnswer("overflow"), overLimit);
      return true;
    }
    const bodyBytes = this.#frame.length - HEADER_BYTES;
    if (endpoint.payloadBytes > 0 && bodyBytes > endpoint.payloadBytes) {
      this.#answer(
        ownAnswer("over_limit"),
        `body of ${bodyBytes} bytes is over the provider's payload ${endpoint.payloadBytes}`,
      );
      return true;
    }
    this.#attempts.begin(endpoint.host);
    send(endpoint);
    return true;
  }

  #send(endpoint: DubboEndpoint): void {
    const { caller, pinned, twoWay } = this.#call;
    const callee = pinned ? caller.pinned(endpoint.host) : endpoint.host.connection();
    const edits = this.#target!.cluster.dubbo.setsToken ? { set: [["token", endpoint.token]] as const } : undefined;
    const withToken = editFrame(this.#frame, edits) ?? this.#frame;
    // A try that failed may still have its frame in a socket's queue: each try writes its id into bytes of its own.
    const frame = this.#attempts.isFirst ? withToken : Buffer.from(withToken);
    if (!twoWay) {
      callee.whenReady((error) => {
        if (error !== undefined) {
          this.failed("connect_failure", error);
          return;
        }
        if (!callee.send(frame, 0, frame.length)) {
          this.#record(outcomeOfReason("overflow"));
          return;
        }
        this.#row().recordOneWay();
        this.#letGo();
      });
      return;
    }
    const context = this.#context;
    const { calls } = context;
    const slot = calls.allocate();
    if (slot < 0) {
      this.#tableFull();
      return;
    }
    calls.callers[slot] = caller;
    calls.exchanges[slot] = this;
    calls.idHigh[slot] = this.#call.idHigh;
    calls.idLow[slot] = this.#call.idLow;
    calls.serialization[slot] = this.#call.serialization;
    calls.startMs[slot] = this.#startMs;
    const { deadlineMs, deadlineKind } = this.#deadline();
    calls.deadlineMs[slot] = deadlineMs;
    calls.deadlineKind[slot] = deadlineKind;
    if (deadlineMs < context.earliestDeadlineMs) context.earliestDeadlineMs = deadlineMs;
    linkCall(context, slot, callee);
    this.#waitOn(this.#target!.cluster);
    frame.writeInt32BE(calls.generations[slot]!, 4);
    frame.writeInt32BE(slot, 8);
    if (!callee.send(frame, 0, frame.length)) failCall(context, slot, "overflow", BACKLOG_FULL);
  }

  #sendTriple(endpoint: TripleEndpoint): void {
    const { idHigh, idLow, twoWay, schemaOf } = this.#call;
    const { cluster } = this.#target!;
    const { host } = endpoint;
    const deadline = this.#deadline();
    const to = {
      authority: `${host.address}:${host.port}`,
      service: cluster.service,
      timeoutMs: deadline.deadlineMs - this.#context.nowMs,
      spentMs: this.#context.nowMs - this.#startMs,
      token: cluster.tri.setsToken ? endpoint.token : "",
    };
    let request: TripleRequest;
    try {
      const schema = endpoint.takesWrapper ? undefined : schemaOf(cluster.service.interface);
      request = toTripleOrGrpc(this.#frame, to, schema);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof CallError)) throw error;
      this.#answer(ownAnswer(error instanceof CallError ? error.reason : "undecodable"), error.message);
      return;
    }
    const owner = twoWay ? this : HEARS_NOTHING;
    const tried = new TripleTry(this.#context, {
      owner,
      endpoint,
      request,
      idHigh,
      idLow,
      startMs: this.#startMs,
      watch: twoWay ? this.#call.caller.watch : undefined,
      ...deadline,
    });
    this.#waitOn(cluster);
    if (!tried.start()) {
      this.#waitNoMore();
      this.#tableFull();
    } else if (!twoWay) {
      this.#waitNoMore();
      this.#row().recordOneWay();
      this.#letGo();
    }
  }

  #sendRest(endpoint: HttpEndpoint): void {
    const { idHigh, idLow, twoWay, schemaOf } = this.#call;
    const { cluster } = this.#target!;
    let call: TranslatedRestCall;
    try {
      call = toRestCall(this.#frame, cluster.service.interface, schemaOf(cluster.service.interface));
    } catch (error) {
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      this.#answer(ownAnswer(fault.reason), fault.message);
      return;
    }
    if (twoWay) this.#waitOn(cluster);
    const owner = twoWay ? this : HEARS_NOTHING;
    const watch = twoWay ? this.#call.caller.watch : undefined;
    tryRest(this.#context, { owner, endpoint, call, idHigh, idLow, watch, ...this.#deadline(call.timeoutMs) });
    if (twoWay) return;
    this.#row().recordOneWay();
    this.#letGo();
  }

  #tableFull(): void {
    const { method } = this.#call.decision;
    this.#answer(
      ownAnswer("overflow"),
      `${this.#context.calls.maxCalls} calls wait already, the proxy's limit (${method})`,
    );
  }

  #waitOn(cluster: Cluster): void {
    this.#waitsOn = cluster;
    cluster.waiting++;
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
    if (waitMs === undefined) return false;
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
    this.#letGo();
    this.#row().record(outcome, this.#context.nowMs - this.#startMs);
  }

  #row(): MetricRow {
    const { decision, route } = this.#call;
    return rowOf(this.#context, decision, route, this.#target);
  }
}

/** What becomes of a one-way call concerns nobody. */
const HEARS_NOTHING: TryOwner = {
  answered: () => {},
  failed: () => {},
  abandoned: () => {},
  hasOther: () => false,
};
