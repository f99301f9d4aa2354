import type { CallReason } from "../../base/errors.ts";
import { status as statusOf } from "../../codecs/dubbo2/frame.ts";
import type { CalleePort, ProxyContext, TryOwner } from "../context.ts";
import { endCall, fillSlot, type SlotTimes } from "../pending.ts";
import { OK_EXCEPTION, outcomeOfStatus } from "../policies/outcome.ts";
import { outcomeOfFields } from "../triple/answers.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { ContentSink } from "../triple/link.ts";
import type { RequestContent } from "../triple/request-content.ts";
import type { TripleTryOwner } from "../triple/stream-try.ts";
import { type CallerCall, type CallerForm, callerFormOf, faultIn } from "./caller-form.ts";
import { passReply } from "./pass-reply.ts";
import type { TripleReply } from "./to-dubbo.ts";
import type { TripleAnswer } from "./to-triple.ts";

/** Hears what became of a call at its far side: the answer in Dubbo2's form, or why there is none. */
export interface FarOwner extends TryOwner {
  readonly callee: CalleePort;
  /** The provider answered by a status of gRPC alone; whether that is passed on as it is. */
  takesStatus(answer: TripleAnswer): boolean;
}

/** The provider's side of a translated call: it takes the call in Dubbo2's form and speaks the provider's own protocol. */
export interface FarSide {
  /** What the call waits on while its request comes. */
  readonly callee: CalleePort;
  /**
   * Sends a call, whose request frame becomes the far side's; the owner hears of it, perhaps before this returns. Returns what gives the call
   * up. Throws `ProtocolError` and CallError for a call that has no form over there.
   */
  send(frame: Buffer, owner: FarOwner): () => void;
}

/** What a translated try is made from. */
export interface TranslatedTryParts extends SlotTimes {
  readonly owner: TripleTryOwner;
  readonly sink: AnswerSink;
  readonly content: RequestContent;
  readonly call: CallerCall;
  readonly far: FarSide;
}

/**
 * One try of a call of a Triple port at a provider that takes another form of it: another protocol, or other messages. Dubbo2's form stands
 * between the two. It waits for the whole request: streams are not translated.
 */
export class TranslatedTry implements FarOwner {
  /** The request is not sent on as it comes. */
  readonly sendsTo: ContentSink | undefined = undefined;
  readonly callee: CalleePort;
  readonly #context: ProxyContext;
  readonly #parts: TranslatedTryParts;
  /** Of the call table, until the request is there. */
  #slot: number;
  #form: CallerForm | undefined;
  #giveUp: (() => void) | undefined;
  #ended = false;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: TranslatedTryParts, slot: number) {
    this.#context = context;
    this.#parts = parts;
    this.#slot = slot;
    this.callee = parts.far.callee;
    fillSlot(context, slot, this, parts);
  }

  start(): void {
    this.onContent();
  }

  /** More of the request has come. */
  onContent(): void {
    if (this.#slot < 0) return;
    const { content, owner } = this.#parts;
    const { maxBodyBytes } = this.#context.frameLimits;
    content.release();
    if (content.heldBytes > maxBodyBytes) {
      this.cancel();
      owner.tryFailed("over_limit", `message of over ${maxBodyBytes} bytes, the limit`, false);
    } else if (content.ended) this.#send();
  }

  onCallerDrain(): void {}

  cancel(): void {
    this.#letGoSlot();
    this.#giveUp?.();
    this.#end();
  }

  answered(bytes: Buffer, start: number, end: number): void {
    this.#end();
    const { owner, sink, content } = this.#parts;
    const form = this.#form!;
    let reply: TripleReply;
    try {
      reply = form.reply(bytes, start, end);
    } catch (error) {
      const fault = faultIn(error);
      if (fault === undefined) throw error;
      owner.tryFailed(form.misfit, `the provider's answer cannot be translated: ${fault.message}`, false);
      return;
    }
    const outcome = reply.isException ? OK_EXCEPTION : outcomeOfStatus(statusOf(bytes, start));
    if (owner.retries(outcome)) return;
    content.drop();
    passReply(owner, sink, reply, outcome);
  }

  takesStatus(answer: TripleAnswer): boolean {
    const { owner, sink, content } = this.#parts;
    const reply = this.#form!.status(answer);
    if (reply === undefined) return false;
    this.#end();
    const { head, trailers } = answer;
    const outcome = outcomeOfFields(head ?? trailers ?? [], head === null ? undefined : (trailers ?? undefined));
    if (owner.retries(outcome)) return true;
    content.drop();
    passReply(owner, sink, reply, outcome);
    return true;
  }

  failed(reason: CallReason, message: string): void {
    const { owner } = this.#parts;
    const isUnsent = this.#slot >= 0;
    this.#slot = -1;
    this.#end();
    if (isUnsent && reason === "reset") owner.tryRefused(message, 1);
    else owner.tryFailed(reason === "undecodable" ? (this.#form?.misfit ?? reason) : reason, message, false);
  }

  abandoned(): void {
    this.#slot = -1;
    this.#end();
    this.#parts.owner.tryAbandoned(false);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  #send(): void {
    const { owner, content, call, far } = this.#parts;
    this.#letGoSlot();
    try {
      this.#form = callerFormOf(call, Buffer.concat(content.held), this.#context.frameLimits.maxBodyBytes);
      const giveUp = far.send(this.#form.frame, this);
      if (!this.#ended) this.#giveUp = giveUp;
    } catch (error) {
      const fault = faultIn(error);
      if (fault === undefined) throw error;
      this.#end();
      owner.tryFailed(fault.reason, fault.message, false);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#giveUp = undefined;
  }

  #letGoSlot(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }
}
