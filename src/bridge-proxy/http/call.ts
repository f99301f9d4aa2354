import { CallError, type CallReason } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { RequestToSend } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import type { RequestHead, ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { Wait } from "../after.ts";
import type { Denial } from "../authz/asked.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import { pass } from "../authz/question.ts";
import { answerTo } from "../authz/reply.ts";
import { chooseEndpoint } from "../choose.ts";
import type { ProxyContext } from "../context.ts";
import { Copies } from "../copies.ts";
import { NO_TAG } from "../dubbo/resolve.ts";
import { Attempts } from "../policies/attempts.ts";
import { delayOf } from "../policies/fault.ts";
import { hashOf, type NewCookie, newCookie } from "../policies/hash.ts";
import { ABANDONED, type Outcome, outcomeOfAnswer, outcomeOfHttp, outcomeOfReason } from "../policies/outcome.ts";
import { tryDeadline } from "../policies/try-deadline.ts";
import {
  type CompiledHost,
  type CompiledRoute,
  type HostDecision,
  pickTarget,
  type RouteTable,
  type Target,
} from "../route.ts";
import { rowOf, UNKNOWN_ROW } from "../rows.ts";
import { Claim } from "../upstream/claim.ts";
import { HttpContent } from "./content.ts";
import { changedHead, decideHttp, fieldsOf, forwardHead, line, lookupOf } from "./head.ts";
import { type ChosenRoute, leadRequest } from "./lead.ts";
import type { HttpLink } from "./link.ts";
import { type HeadChange, type HttpCallerPort, NobodyPort } from "./port.ts";
import { ruledAnswer } from "./ruled.ts";
import { subjectOf } from "./subject.ts";
import { HttpTry, type HttpTryOwner } from "./try.ts";

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
  /** What the caller came by. */
  #scheme: Peer["scheme"] = "http";
  #ruling: Ruling | undefined;
  readonly #attempts = new Attempts();
  readonly #claim: Claim;
  #try: HttpTry | undefined;
  #wait: Wait | undefined;
  #stopAsking: (() => void) | undefined;
  #copies: Copies | undefined;
  #hash: number | undefined;
  /** What the caller is given, so that its next calls have the same hash. */
  #cookie: NewCookie | undefined;
  #routeDeadlineMs = Number.POSITIVE_INFINITY;
  #outcome: Outcome | undefined;
  #over = false;

  /** `startMs` is when it came. */
  constructor(context: ProxyContext, port: HttpCallerPort, head: RequestHead, startMs = context.nowMs) {
    this.#context = context;
    this.#port = port;
    this.#head = head;
    this.#content = new HttpContent(context);
    this.#startMs = startMs;
    this.#claim = new Claim(context);
  }

  /** Carries the call out for a service; where that is not known, the reason. `routes` know who may call whom. */
  start(host: CompiledHost | string, routes: RouteTable, peer: Peer): void {
    if (typeof host === "string") {
      this.#refuse("no_route", host);
      return;
    }
    this.begin(decideHttp(host, this.#head.method), routes, peer);
  }

  /** The same by what is known of the call already. */
  begin(decision: HostDecision, routes: RouteTable, peer: Peer): void {
    this.#decision = decision;
    this.#scheme = peer.scheme;
    if (this.#head.method === "CONNECT") {
      this.#answer(405, "CONNECT is not served here", outcomeOfReason("undecodable"));
      return;
    }
    const asked = { decision, routes, peer, head: this.#head };
    const stop = leadRequest(this.#context, asked, (led) => this.#led(decision, led));
    if (stop !== undefined) this.#stopAsking = stop;
  }

  #led(decision: HostDecision, { route, ruling }: ChosenRoute): void {
    this.#route = route;
    this.#ruling = ruling;
    if (ruling?.denial !== undefined) {
      this.#deny(ruling.denial);
      return;
    }
    if (route === undefined) {
      this.#refuse("no_route", `no rule of ${decision.host.host} takes this request`);
      return;
    }
    const delayMs = delayOf(route, this.#context.random);
    if (delayMs > 0) this.#after(delayMs, () => this.lead(decision, route));
    else this.lead(decision, route);
  }

  /** Content of the request, or of the tunnel. */
  onRequestData(bytes: Buffer): void {
    if (this.#over) return;
    const link = this.#try?.link;
    this.#copies?.take(bytes);
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
  onRequestEnd(trailers: readonly Field[] | undefined): void {
    if (this.#over) return;
    this.#content.end(trailers, this.#try?.link);
    this.#copies?.end();
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
      this.#claim.answerBegan();
      const outcome = outcomeOfHttp(status);
      if (status !== 101 && this.#retries(outcome)) return;
      const change = this.#changedHead();
      if (change instanceof CallError) {
        this.#endTry();
        this.#refuse(change.reason, change.message);
        return;
      }
      this.#outcome = outcome;
      this.#content.drop();
      if (status === 101) this.#try?.becomeTunnel();
      this.#port.head(head, change);
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
    const outcome = this.#outcome!;
    this.#claim.answered(outcome);
    this.#forgetTry();
    this.#port.endAnswer(fieldsOf(trailers));
    this.#finish(outcome);
  }

  onFailed(reason: CallReason, message: string): void {
    this.#claim.failed(reason);
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

  /** Carries the call out by a route that was chosen for it; its delay is over. */
  lead(decision: HostDecision, route: CompiledRoute): void {
    this.#decision = decision;
    this.#route = route;
    const own = ruledAnswer(route, this.#head, this.#context.random);
    if (own !== undefined) {
      if (own instanceof CallError) this.#refuse(own.reason, own.message);
      else this.#answer(own.status, own.body, own.outcome, own.fields);
      return;
    }
    this.#target = pickTarget(route, this.#context.random);
    if (this.#target === undefined) {
      this.#refuse("no_route", `rule ${route.name} has no destination with weight`);
      return;
    }
    const denial = this.#ruling?.denied?.get(this.#target);
    const opening = this.#ruling?.open?.get(this.#target);
    if (denial !== undefined) this.#deny(denial);
    else if (opening === undefined) this.#send(route, this.#target);
    else
      this.#stopAsking = pass(opening, this.#target, () => subjectOf(this.#head, this.#scheme), {
        go: (target) => this.#send(route, target),
        refuse: (refused) => this.#deny(refused),
      });
  }

  /** Carries the call out that policies let go there. */
  #send(route: CompiledRoute, target: Target): void {
    this.#target = target;
    if (route.timeoutMs > 0) this.#routeDeadlineMs = this.#context.nowMs + route.timeoutMs;
    if (route.hash !== undefined) {
      const lookup = lookupOf(this.#head);
      this.#cookie = newCookie(route.hash, lookup, this.#context.random);
      this.#hash = hashOf(route.hash, lookup, this.#port.address, this.#cookie);
    }
    const { mirrors } = route;
    if (mirrors !== undefined && !route.isMirror && !this.#head.upgrade) {
      this.#copies = new Copies(this.#context, mirrors, (copyRoute, body) => this.#copy(copyRoute, body));
      for (const bytes of this.#content.held) this.#copies.take(bytes);
    }
    this.#begin([]);
    if (this.#content.ended) this.#copies?.end();
  }

  /** Sends a copy of the call, which is whole, by another route. */
  #copy(route: CompiledRoute, body: Buffer): void {
    if (this.#ruling?.denied?.has(route.targets[0]!) === true) {
      this.#context.mirrors.drop(1);
      return;
    }
    const copy = new HttpCall(this.#context, new NobodyPort(this.#port.address), this.#head);
    copy.#ruling = this.#ruling;
    copy.lead(this.#decision!, route);
    if (body.length > 0) copy.onRequestData(body);
    copy.onRequestEnd(undefined);
  }

  /** Begins a try at an endpoint that is none of `avoid`. False where all are, which leaves the call as it was. */
  #begin(avoid: readonly object[]): boolean {
    const context = this.#context;
    const { cluster } = this.#target!;
    const endpoint = chooseEndpoint(context, cluster.http, {
      cluster,
      ...NO_TAG,
      avoid,
      avoidsPriorities: this.#route?.retry?.avoidsPriorities === true,
      hash: this.#hash,
    });
    if (endpoint === undefined) return false;
    if ("reason" in endpoint) return this.#refuse(endpoint.reason, endpoint.message);
    const slot = context.calls.allocate();
    if (slot < 0) return this.#refuse("overflow", `${context.calls.maxCalls} calls wait already, the proxy's limit`);
    this.#attempts.begin(endpoint.host);
    const { deadlineMs, deadlineKind } = tryDeadline({
      route: this.#route!,
      nowMs: context.nowMs,
      routeDeadlineMs: this.#routeDeadlineMs,
      callerDeadlineMs: Number.POSITIVE_INFINITY,
    });
    this.#claim.begin(cluster, endpoint, this.#route?.isMirror === true ? context.mirrors : undefined);
    this.#try = new HttpTry(context, { owner: this, endpoint, startMs: this.#startMs, deadlineMs, deadlineKind }, slot);
    this.#try.start();
    return true;
  }

  /** What rules, and the balancer's cookie, change in the answer's head; undefined for nothing, an error for a header that cannot be written. */
  #changedHead(): HeadChange | CallError | undefined {
    const changed = changedHead(this.#route?.answerMutations, this.#target?.answerMutations);
    if (changed instanceof CallError) return changed;
    const cookie = this.#cookie;
    if (cookie === undefined) return changed;
    return { without: changed?.without ?? [], fields: [...(changed?.fields ?? []), ["set-cookie", cookie.line]] };
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
    this.#claim.answered(outcome);
    if (!this.#claim.retry(this.#target!.cluster)) return false;
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
    this.#claim.end();
  }

  /** In the words that policies have for it. */
  #deny(denial: Denial): void {
    const { message, reply } = denial;
    const answer = answerTo(denial);
    this.#answer(
      answer.http,
      reply?.body ?? message,
      outcomeOfAnswer(answer),
      reply?.headers.map((one) => line(...one)),
    );
  }

  #refuse(reason: CallReason, message: string): true {
    const answer: OwnAnswer = ownAnswer(reason);
    this.#answer(answer.http, `trestle: ${message}\n`, outcomeOfAnswer(answer));
    return true;
  }

  #answer(status: number, body: string | Buffer, outcome: Outcome, fields?: readonly Field[]): void {
    this.#port.answer(status, body, fields);
    this.#finish(outcome);
  }

  /** The call is over: said once. */
  #finish(outcome: Outcome): void {
    const context = this.#context;
    this.#over = true;
    this.#claim.close();
    this.#wait?.end();
    this.#stopAsking?.();
    this.#content.drop();
    this.#copies?.drop();
    const row =
      this.#decision === undefined
        ? context.rows.row({ ...UNKNOWN_ROW, protocol: "http" })
        : rowOf(context, this.#decision, this.#route, this.#target);
    row.record(outcome, context.nowMs - this.#startMs);
    this.#port.done();
  }
}
