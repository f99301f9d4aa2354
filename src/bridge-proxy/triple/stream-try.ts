import type { CallReason } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import { BACKLOG_FULL, endCall, fillSlot, relinkCall } from "../pending.ts";
import type { Outcome } from "../policies/outcome.ts";
import type { Claim } from "../upstream/claim.ts";
import type { TripleEndpoint } from "../upstream/endpoint.ts";
import { outcomeOfFields } from "./answers.ts";
import type { TripleCallee, UpstreamCall } from "./callee.ts";
import type { AnswerSink } from "./caller-stream.ts";
import { StreamOn } from "./link.ts";
import type { RequestContent } from "./request-content.ts";

/** What it may cost to go from connection to connection before the provider counts as one that cannot be reached: */
export const MAX_MOVES = 12;
/** the provider refused what it was sent, as one that says goodbye does; */
const REFUSED_COST = 4;
/** nothing was sent, as the connection went while the call was in the line. */
const UNSENT_COST = 1;

/** The call that a try belongs to. */
export interface TripleTryOwner {
  /** Whether the call is tried again instead of being answered so; asked only before anything was passed on. */
  retries(outcome: Outcome): boolean;
  /** What the call has of its cluster, where the tries are its own. */
  readonly claim?: Claim;
  /** The answer has been passed on whole. */
  complete(outcome: Outcome): void;
  /** The try ended without an answer. `answered`: its head was passed on. */
  tryFailed(reason: CallReason, message: string, answered: boolean): void;
  /** The provider did not begin the call; `cost` counts towards {@link MAX_MOVES}. */
  tryRefused(message: string, cost: number): void;
  /** The caller's own time-out passed. `answered`: a head was passed on. */
  tryAbandoned(answered: boolean): void;
  hasOther(): boolean;
}

/** What follows a request's head, as far as a try has to do with it; see {@link RequestContent}. */
export type SentContent = Pick<RequestContent, "empty" | "replayable" | "release" | "drop"> & {
  /** Sends all that there is so far to a new stream. */
  sendAll(to: StreamOn): void;
};

/** What a try is made from. */
export interface StreamTryParts {
  readonly owner: TripleTryOwner;
  /** Where the answer goes. */
  readonly sink: AnswerSink;
  readonly content: SentContent;
  readonly endpoint: TripleEndpoint;
  /** The head as it goes to the provider, with the names that may not be indexed. */
  readonly fields: Fields;
  readonly never: readonly string[];
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** One try of a call at a Triple provider: its stream there, and what goes between that and the caller's, unread. */
export class StreamTry implements TryOwner, UpstreamCall {
  linePlace = -1;
  readonly #context: ProxyContext;
  readonly #parts: StreamTryParts;
  #callee: TripleCallee;
  #upstream: Http2Stream | undefined;
  #slot: number;
  /** Content of the answer that is queued at the caller's connection. */
  #owed = 0;
  #head: Fields | undefined;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: StreamTryParts, slot: number) {
    this.#context = context;
    this.#parts = parts;
    this.#slot = slot;
    this.#callee = parts.endpoint.host.connection();
    fillSlot(context, slot, this, parts);
  }

  get callee(): TripleCallee {
    return this.#callee;
  }

  /** Opens the stream, or gets in line for one. */
  start(): void {
    this.#callee.enter(this);
  }

  /** Content is sent as it comes. */
  onContent(): void {}

  /** The provider's stream, once it is open. */
  get sendsTo(): StreamOn | undefined {
    return this.#upstream === undefined ? undefined : new StreamOn(this.#callee.link, this.#upstream);
  }

  /** The answer's queued content has gone to the caller. */
  onCallerDrain(): void {
    if (this.#owed === 0 || this.#upstream === undefined) return;
    this.#callee.link.machine.release(this.#upstream, this.#owed);
    this.#callee.link.wake();
    this.#owed = 0;
  }

  /** Ends the try: nothing of it is heard any more. What it had not taken of the request counts as taken. */
  cancel(): void {
    this.#endSlot();
    this.#callee.leave(this);
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#upstream = undefined;
    upstream.context = GONE;
    this.#callee.cancel(upstream, ERROR.cancel);
    this.#parts.content.release();
  }

  onOpen(callee: TripleCallee): void {
    const { content, fields, never } = this.#parts;
    const { link } = callee;
    if (callee !== this.#callee) {
      this.#callee = callee;
      relinkCall(this.#context, this.#slot, callee);
    }
    if (!link.machine.takesList(fields)) {
      this.cancel();
      this.#parts.owner.tryFailed("over_limit", `the call's headers are more than ${this.#peer()} takes`, false);
      return;
    }
    if (callee.backlogBytes > this.#context.limits.maxBacklogBytes) {
      this.cancel();
      this.#parts.owner.tryFailed("overflow", BACKLOG_FULL, false);
      return;
    }
    const upstream = link.machine.open(fields, content.empty, never);
    if (upstream === undefined) {
      this.cancel();
      this.#parts.owner.tryFailed("connect_failure", `${this.#peer()} takes no more streams`, false);
      return;
    }
    upstream.context = this;
    this.#upstream = upstream;
    link.wake();
    if (!content.empty) content.sendAll(new StreamOn(link, upstream));
  }

  onHead({ fields, never, end, informational }: Parameters<UpstreamCall["onHead"]>[0]): void {
    if (informational) return;
    const { owner, sink, content } = this.#parts;
    owner.claim?.answerBegan();
    const outcome = end ? outcomeOfFields(fields, undefined) : undefined;
    if (outcome !== undefined && owner.retries(outcome)) return;
    this.#head = fields;
    content.drop();
    sink.head(fields, end, never);
    if (this.#isFaulty()) return;
    if (outcome !== undefined) this.#complete(outcome);
  }

  onData({ bytes, end }: Parameters<UpstreamCall["onData"]>[0]): void {
    const { sink } = this.#parts;
    if (sink.data(bytes, end) > 0) {
      this.#owed += bytes.length;
      // A caller that reads slowly holds up its own stream, and no other call on this connection.
      this.#callee.link.machine.share(this.#upstream!, bytes.length);
      this.#callee.link.wake();
    } else if (bytes.length > 0) {
      this.#callee.link.machine.release(this.#upstream!, bytes.length);
      this.#callee.link.wake();
    }
    if (!this.#isFaulty() && end) this.#complete(outcomeOfFields(this.#head!, undefined));
  }

  onTrailers({ fields, never }: Parameters<UpstreamCall["onTrailers"]>[0]): void {
    this.#parts.sink.trailers(fields, never);
    this.#complete(outcomeOfFields(this.#head!, fields));
  }

  onDrain(): void {
    this.#parts.content.release();
  }

  onReset(code: number, why: string): void {
    const { owner, content } = this.#parts;
    this.#upstream = undefined;
    this.cancel();
    content.release();
    if (code === ERROR.refused && content.replayable) {
      owner.tryRefused(this.#takesNoMore(), REFUSED_COST);
      return;
    }
    const reason = why === "" ? `http/2 error ${code}` : why;
    owner.tryFailed("reset", `${this.#peer()} ended the call before it answered: ${reason}`, this.#head !== undefined);
  }

  onMoved(isWorn: boolean): void {
    this.cancel();
    // A worn connection has carried others: however many there are before this call, its turn comes.
    this.#parts.owner.tryRefused(this.#takesNoMore(), isWorn ? 0 : UNSENT_COST);
  }

  onOverflow(message: string): void {
    this.cancel();
    this.#parts.owner.tryFailed("overflow", message, false);
  }

  /** Dubbo2 answers only: a Triple provider answers its stream. */
  answered(): void {}

  failed(reason: CallReason, message: string): void {
    this.#slot = -1;
    this.cancel();
    this.#parts.owner.tryFailed(reason, message, this.#head !== undefined);
  }

  abandoned(): void {
    this.#slot = -1;
    this.cancel();
    this.#parts.owner.tryAbandoned(this.#head !== undefined);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  /** Whether what came so far is of no use to the caller; the try has ended then. */
  #isFaulty(): boolean {
    const { sink, owner } = this.#parts;
    const { fault } = sink;
    if (fault === undefined) return false;
    this.cancel();
    owner.tryFailed(fault.reason, fault.message, false);
    return true;
  }

  #takesNoMore(): string {
    return `${this.#peer()} takes no more calls on this connection`;
  }

  #peer(): string {
    const { host } = this.#parts.endpoint;
    return `${host.address}:${host.port}`;
  }

  #complete(outcome: Outcome): void {
    // Content that waits for the caller is in its own stream by now: the provider's window need not wait for it.
    if (this.#owed > 0) this.#callee.link.machine.release(this.#upstream!, this.#owed);
    this.cancel();
    this.#parts.owner.complete(outcome);
  }

  #endSlot(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }
}

/** What streams belong to that were given up: nothing is done with what still comes. */
const GONE: UpstreamCall = {
  linePlace: -1,
  callee: undefined,
  onOpen: () => {},
  onHead: () => {},
  onData: () => {},
  onTrailers: () => {},
  onDrain: () => {},
  onReset: () => {},
  onMoved: () => {},
  onOverflow: () => {},
};
