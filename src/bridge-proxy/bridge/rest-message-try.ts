import type { CallReason } from "../../base/errors.ts";
import { status as statusOf } from "../../codecs/dubbo2/frame.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import type { HttpCallee } from "../http/callee.ts";
import { endCall, fillSlot } from "../pending.ts";
import { OK_EXCEPTION, outcomeOfStatus } from "../policies/outcome.ts";
import type { TryDeadline } from "../policies/try-deadline.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { StreamOn } from "../triple/link.ts";
import type { RequestContent } from "../triple/request-content.ts";
import type { TripleTryOwner } from "../triple/stream-try.ts";
import type { HttpEndpoint } from "../upstream/endpoint.ts";
import { type CallerCall, type CallerForm, callerFormOf, faultIn } from "./caller-form.ts";
import { passReply } from "./pass-reply.ts";
import { tryRest } from "./rest-try.ts";
import type { TripleReply } from "./to-dubbo.ts";
import { type TranslatedRestCall, toRestCall } from "./to-rest.ts";

/** What a Triple call's try at a REST provider is made from. */
export interface RestMessageTryParts extends TryDeadline {
  readonly owner: TripleTryOwner;
  readonly sink: AnswerSink;
  readonly content: RequestContent;
  readonly endpoint: HttpEndpoint;
  readonly call: CallerCall;
  readonly startMs: number;
}

/**
 * One try of a Triple, gRPC or JSON call at a REST provider. Dubbo2's form stands between the two. It waits for the whole request: streams are
 * not translated.
 */
export class RestMessageTry implements TryOwner {
  /** The request is not sent on as it comes. */
  readonly sendsTo: StreamOn | undefined = undefined;
  readonly callee: HttpCallee;
  readonly #context: ProxyContext;
  readonly #parts: RestMessageTryParts;
  /** Of the call table, until the request is there. */
  #slot: number;
  #form: CallerForm | undefined;
  #giveUp: (() => void) | undefined;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: RestMessageTryParts, slot: number) {
    this.#context = context;
    this.#parts = parts;
    this.#slot = slot;
    this.callee = parts.endpoint.host.connection();
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
    this.#giveUp = undefined;
  }

  answered(bytes: Buffer, start: number, end: number): void {
    this.#giveUp = undefined;
    const { owner, sink, content } = this.#parts;
    const form = this.#form!;
    let reply: TripleReply;
    try {
      reply = form.reply(bytes, start, end);
    } catch (error) {
      const fault = faultIn(error, form.misfit);
      if (fault === undefined) throw error;
      owner.tryFailed(form.misfit, `the provider's answer cannot be translated: ${fault.message}`, false);
      return;
    }
    const outcome = reply.isException ? OK_EXCEPTION : outcomeOfStatus(statusOf(bytes, start));
    if (owner.retries(outcome)) return;
    content.drop();
    passReply(owner, sink, reply, outcome);
  }

  failed(reason: CallReason, message: string): void {
    this.#slot = -1;
    this.#giveUp = undefined;
    this.#parts.owner.tryFailed(reason, message, false);
  }

  abandoned(): void {
    this.#slot = -1;
    this.#giveUp = undefined;
    this.#parts.owner.tryAbandoned(false);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  #send(): void {
    const { owner, content, call, endpoint, deadlineMs, deadlineKind } = this.#parts;
    let rest: TranslatedRestCall;
    try {
      this.#form = callerFormOf(call, Buffer.concat(content.held), this.#context.frameLimits.maxBodyBytes);
      rest = toRestCall(this.#form.frame, call.destination.service.interface, call.schemas.callee);
    } catch (error) {
      const fault = faultIn(error);
      if (fault === undefined) throw error;
      this.cancel();
      owner.tryFailed(fault.reason, fault.message, false);
      return;
    }
    this.#letGoSlot();
    const parts = { owner: this, endpoint, call: rest, idHigh: 0, idLow: 0, deadlineMs, deadlineKind };
    this.#giveUp = tryRest(this.#context, parts);
  }

  #letGoSlot(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }
}
