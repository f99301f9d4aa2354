import { ProtocolError } from "../../base/errors.ts";
import type { ExtAuthz } from "../../codecs/xds/authz.ts";
import { durationMs } from "../../codecs/xds/duration.ts";
import { type CheckAnswer, encodeCheck } from "../../codecs/xds/ext-authz.ts";
import type { Mutations } from "../policies/mutations.ts";
import { cutParameters } from "../policies/query.ts";
import type { AskedCall, Denial } from "./asked.ts";
import type { AuthzStats } from "./audit.ts";
import { changedLookup, joinMutations, mutationsOf } from "./changes.ts";
import type { LaneFacts } from "./predicate.ts";
import type { CallText, Question, Settled, Subject } from "./question.ts";

/** Sends a `CheckRequest` to a cluster; `done` gets the answer, or why there is none. What is returned gives up. */
export type SendCheck = (
  cluster: string,
  bytes: Uint8Array,
  timeoutMs: number,
  done: (answer: CheckAnswer | { readonly failure: string }) => void,
) => () => void;

/** What is asked of one provider of an AuthorizationPolicy. */
export interface ExtServer {
  readonly send: SendCheck;
  readonly cluster: string;
  readonly timeoutMs: number;
  readonly failOpen: boolean;
  readonly statusOnError: number;
}

const FORBIDDEN = 403;
const UNAUTHORIZED = 401;
/** What a caller is told in words where the server has none for it. */
const DENIED = "access denied by the external authorization server";

/** The server of a filter's config. */
export function compileServer(config: ExtAuthz, send: SendCheck): ExtServer {
  const { envoyGrpc, timeout } = config.grpcService;
  return {
    send,
    cluster: envoyGrpc.clusterName,
    timeoutMs: durationMs(timeout),
    failOpen: config.failureModeAllow === true,
    statusOnError: config.statusOnError?.code ?? FORBIDDEN,
  };
}

/** What a question is asked about. */
export interface Asked {
  readonly server: ExtServer;
  /** The policy's rule that asks. */
  readonly policy: string;
  readonly facts: LaneFacts;
  /** Made before. */
  readonly changes: Mutations | undefined;
  /** What other policies say of the call that the server let through. */
  readonly settle: (call: AskedCall) => Denial | undefined;
  readonly stats: AuthzStats;
  /** It is only counted. */
  readonly isTrial?: boolean;
}

/** A question to the server of a CUSTOM policy. */
export class ExtQuestion implements Question {
  readonly #asked: Asked;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  settle(call: AskedCall): Denial | undefined {
    return this.#asked.settle(call);
  }

  with(settle: Asked["settle"]): ExtQuestion {
    return new ExtQuestion({ ...this.#asked, settle: (call) => this.settle(call) ?? settle(call) });
  }

  ask(subject: Subject, done: (settled: Settled) => void): () => void {
    const { server, facts, changes, stats } = this.#asked;
    const { text, timeLeftMs } = subject;
    const { peer, path } = facts;
    const changed = changes === undefined ? text : changedText(text, changes);
    const bytes = encodeCheck({
      ...changed,
      path: path ?? "",
      source: { address: peer.address, port: 0, principal: peer.spiffeId ?? "" },
      serverName: peer.serverName,
      service: text.host,
      timeMs: Date.now(),
    });
    stats.counters.extAuthzAsked++;
    const timeoutMs = Math.min(server.timeoutMs, timeLeftMs);
    return server.send(server.cluster, bytes, timeoutMs, (answer) => done(this.#judge(answer, subject)));
  }

  #judge(answer: CheckAnswer | { readonly failure: string }, subject: Subject): Settled {
    const { server, stats, policy, facts, isTrial } = this.#asked;
    if ("failure" in answer) {
      stats.counters.extAuthzFailed++;
      stats.extFailed(policy, answer.failure);
      if (isTrial === true) return { denial: NO_DENIAL };
      if (server.failOpen) return this.#settle(subject, undefined, undefined);
      stats.denied(policy, facts);
      return { denial: denialOf(policy, server.statusOnError, "", []) };
    }
    if (isTrial === true) {
      stats.dryRun("custom", !answer.allowed);
      return { denial: NO_DENIAL };
    }
    if (answer.allowed) {
      const { headers, remove, answerHeaders } = answer;
      return this.#settle(subject, mutationsOf(headers, remove), mutationsOf(answerHeaders));
    }
    stats.denied(policy, facts);
    const headers = mutationsOf(answer.headers);
    return { denial: denialOf(policy, answer.http, answer.body, [...(headers?.set ?? []), ...(headers?.add ?? [])]) };
  }

  #settle({ header, inspect }: Subject, made: Mutations | undefined, answerChanges: Mutations | undefined): Settled {
    const changes = joinMutations(this.#asked.changes, made);
    let denial: Denial | undefined;
    try {
      denial = this.#asked.settle({
        header: changedLookup(header, changes),
        ...(inspect !== undefined && { inspect }),
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // Policies, or what the server adds to, ask for what cannot be read, or in more than one way.
      denial = { reason: "denied", message: error.message, policy: this.#asked.policy };
    }
    return denial === undefined ? { denial, changes, answerChanges } : { denial };
  }
}

/** What nobody looks at. */
const NO_DENIAL: Denial = { reason: "denied", message: "", policy: "" };

function denialOf(policy: string, http: number, body: string, headers: readonly (readonly [string, string])[]): Denial {
  const reason = http === UNAUTHORIZED ? "unauthenticated" : "denied";
  return { reason, message: body === "" ? DENIED : body, policy, reply: { http, body, headers } };
}

/** Of what tokens change the server is told as of what came. */
function changedText(text: CallText, changes: Mutations): CallText {
  const query = cutParameters(`?${text.query}`, changes).slice(1);
  return { ...text, query, headers: changedHeaders(text.headers, changes) };
}

function changedHeaders(headers: ReadonlyMap<string, string>, changes: Mutations): ReadonlyMap<string, string> {
  const changed = new Map(headers);
  const path = changed.get(":path");
  if (path !== undefined) changed.set(":path", cutParameters(path, changes));
  const lookup = changedLookup((name) => headers.get(name), changes);
  for (const name of [...changes.remove, ...[...changes.set, ...changes.add].map(([one]) => one)]) {
    const folded = name.toLowerCase();
    const value = lookup(folded);
    if (value === undefined) changed.delete(folded);
    else changed.set(folded, value);
  }
  return changed;
}
