import { CallError, type CallReason } from "../../base/errors.ts";
import type { RequestToSend } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import type { ResponseHead } from "../../codecs/http1/head.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import { endCall, fillSlot } from "../pending.ts";
import type { HttpEndpoint } from "../upstream/endpoint.ts";
import type { HttpCallee, LinkCall } from "./callee.ts";
import type { HttpLink, LinkUser } from "./link.ts";

/** The call that a try belongs to. */
export interface HttpTryOwner {
  /** The request's head as it goes to the provider. Throws CallError where it cannot be written. */
  requestHead(): Omit<RequestToSend, "type" | "id">;
  /** The head was sent on `link`: what there is of the content is to follow. */
  onSent(link: HttpLink): void;
  /** An answer's head, also an interim one's. */
  onHead(head: ResponseHead): void;
  /** Lends content of the answer. */
  onData(bytes: Buffer): void;
  /** The answer is whole: the try is over. */
  onEnd(trailers: FieldLines | undefined): void;
  /** The try ended without a whole answer. */
  onFailed(reason: CallReason, message: string): void;
  /** The provider had closed the connection before it can have heard of the call: whether that may be sent once more. */
  mayResend(): boolean;
  /** Whether another provider than this one could take the call at once. */
  hasOther(): boolean;
}

/** What a try is made from. */
export interface HttpTryParts {
  readonly owner: HttpTryOwner;
  readonly endpoint: HttpEndpoint;
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** Most times that a call is sent anew since the connection that it was given was closed already. */
const MAX_RESENDS = 2;

/** One try of a call at an HTTP/1.1 provider: a connection of it, or a place in the line for one. */
export class HttpTry implements TryOwner, LinkUser, LinkCall {
  linePlace = -1;
  readonly callee: HttpCallee;
  readonly #context: ProxyContext;
  readonly #owner: HttpTryOwner;
  #link: HttpLink | undefined;
  #slot: number;
  #resends = 0;
  #head = false;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: HttpTryParts, slot: number) {
    this.#context = context;
    this.#owner = parts.owner;
    this.#slot = slot;
    this.callee = parts.endpoint.host.connection();
    fillSlot(context, slot, this, parts);
  }

  /** The connection that it was sent on. */
  get link(): HttpLink | undefined {
    return this.#link;
  }

  /** Gets a connection, or in line for one. */
  start(): void {
    this.callee.enter(this);
  }

  /** Ends the try: nothing of it is heard any more. */
  cancel(): void {
    this.#endSlot();
    this.callee.leave(this);
    const link = this.#link;
    this.#link = undefined;
    link?.abandon();
  }

  /** No time-out ends it any more: it became a tunnel. */
  becomeTunnel(): void {
    this.#context.calls.deadlineMs[this.#slot] = Number.POSITIVE_INFINITY;
  }

  onLink(link: HttpLink): void {
    try {
      link.begin(this, this.#owner.requestHead());
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#endSlot();
      link.abandon();
      this.#owner.onFailed(error.reason, error.message);
      return;
    }
    this.#link = link;
    this.#owner.onSent(link);
  }

  onNoLink(message: string): void {
    this.#endSlot();
    this.#owner.onFailed("connect_failure", message);
  }

  onOverflow(message: string): void {
    this.#endSlot();
    this.#owner.onFailed("overflow", message);
  }

  onHead(head: ResponseHead): void {
    this.#head ||= head.status >= 200;
    this.#owner.onHead(head);
  }

  onData(bytes: Buffer): void {
    this.#owner.onData(bytes);
  }

  onEnd(trailers: FieldLines | undefined): void {
    this.#link = undefined;
    this.#endSlot();
    this.#owner.onEnd(trailers);
  }

  onLost(why: string, untouched: boolean): void {
    this.#link = undefined;
    if (untouched && this.#resends < MAX_RESENDS && this.#owner.mayResend()) {
      this.#resends++;
      this.callee.enter(this, true);
      return;
    }
    this.#endSlot();
    this.#context.counters.upstreamResets++;
    const when = this.#head ? "within its answer" : "before it answered";
    this.#owner.onFailed("reset", `${this.callee.address}:${this.callee.port} closed the connection ${when}: ${why}`);
  }

  /** Dubbo2 answers only: an HTTP provider answers on its connection. */
  answered(): void {}

  failed(reason: CallReason, message: string): void {
    this.#slot = -1;
    this.cancel();
    this.#owner.onFailed(reason, message);
  }

  /** HTTP callers name no time-out of their own: whoever makes such a call is told as of a rule's. */
  abandoned(): void {
    this.failed("timeout", "the call's own time-out has passed");
  }

  hasOther(): boolean {
    return this.#link === undefined && this.#owner.hasOther();
  }

  #endSlot(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }
}
