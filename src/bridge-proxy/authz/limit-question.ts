import { ownAnswer } from "../../codecs/dubbo2/status.ts";
import { encodeLimitQuestion, type LimitAnswer } from "../../codecs/xds/rate-limit-service.ts";
import { type HostLimits, type LimitAsked, type LimitedCall, OVER_LIMIT } from "../policies/limits.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { Denial } from "./asked.ts";
import { joinMutations, mutationsOf } from "./changes.ts";
import type { Ruling } from "./checkpoint.ts";
import type { Asking, Opening, Settled, Subject } from "./question.ts";

const REFUSED: Denial = { reason: "rate_limited", message: OVER_LIMIT, policy: "" };
const UNANSWERED: Denial = { reason: "rate_limited", message: "the rate limit service does not answer", policy: "" };

/** A call that policies have decided on, and that limits are to be asked for. */
export interface JudgedCall extends Pick<LimitedCall, "header" | "lines" | "path" | "isAlone"> {
  readonly ruling: Ruling | undefined;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  readonly nowMs: number;
}

/**
 * What policies and limits say of a call together; to be asked once a call, and only where its service has limits. A call that policies
 * refuse takes no token. One of a service whose limits are elsewhere has a question to that rate limit service before all others.
 */
export function limitRuling(limits: HostLimits, call: JudgedCall): Ruling | undefined {
  const { ruling, decision, route, header, lines, nowMs, path, isAlone } = call;
  // A copy has had its token.
  if (ruling?.denial !== undefined || route.isMirror) return ruling;
  const limited = { interface: decision.host.key.interface, method: decision.method, header, lines, path, isAlone };
  if (!limits.take(limited, nowMs)) return { denial: REFUSED, denied: undefined };
  const asked = limits.question(limited);
  if (asked === undefined) return ruling;
  const open = new Map(ruling?.open);
  for (const target of route.targets) open.set(target, opened(asked, ruling?.open?.get(target)));
  return { denial: undefined, denied: ruling?.denied, open };
}

function opened(asked: LimitAsked, before: Opening | undefined): Opening {
  return {
    changes: undefined,
    question: new LimitQuestion(asked, before),
    ...(before?.trial && { trial: before.trial }),
  };
}

/** A question to a rate limit service, before what else is to be done with a call. */
class LimitQuestion implements Asking {
  readonly #asked: LimitAsked;
  readonly #next: Opening | undefined;

  constructor(asked: LimitAsked, next: Opening | undefined) {
    this.#asked = asked;
    this.#next = next;
  }

  ask(subject: Subject, done: (settled: Settled) => void): () => void {
    const { send, cluster, domain, entries, timeoutMs, deny } = this.#asked;
    const askedMs = performance.now();
    const left = (): Subject => ({
      ...subject,
      timeLeftMs: Math.max(1, subject.timeLeftMs - (performance.now() - askedMs)),
    });
    let stop: () => void = () => {};
    const bytes = encodeLimitQuestion(domain, entries);
    const first = send(cluster, bytes, Math.min(timeoutMs, subject.timeLeftMs), (answer) => {
      if ("failure" in answer) {
        if (deny) done({ denial: UNANSWERED });
        else stop = this.#goOn(left(), done);
      } else if (answer.isOver) done({ denial: refusal(answer) });
      else stop = this.#goOn(left(), withHeaders(answer, done));
    });
    return () => {
      first();
      stop();
    };
  }

  #goOn(subject: Subject, done: (settled: Settled) => void): () => void {
    const { question, changes } = this.#next ?? {};
    if (question !== undefined) return question.ask(subject, done);
    done({ denial: undefined, changes, answerChanges: undefined });
    return () => {};
  }
}

/** What a call over its limit is told: with the headers and the text that the service has for that. */
function refusal({ answerHeaders, body }: LimitAnswer): Denial {
  if (answerHeaders.length === 0 && body === "") return REFUSED;
  const headers = mutationsOf(answerHeaders)?.add ?? [];
  const message = body === "" ? OVER_LIMIT : body;
  return { ...REFUSED, message, reply: { http: ownAnswer("rate_limited").http, body: message, headers } };
}

/** The headers of the service's answer, with those of servers that are asked behind it. */
function withHeaders({ headers, answerHeaders }: LimitAnswer, done: (settled: Settled) => void): typeof done {
  if (headers.length === 0 && answerHeaders.length === 0) return done;
  return (settled) => {
    if (settled.denial !== undefined) return done(settled);
    done({
      denial: undefined,
      changes: joinMutations(mutationsOf(headers), settled.changes),
      answerChanges: joinMutations(mutationsOf(answerHeaders), settled.answerChanges),
    });
  };
}
