import type { CallReason } from "../../base/errors.ts";
import { HEADER_BYTES, status as statusOf } from "../../codecs/dubbo2/frame.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import type { Callee } from "../dubbo/callee.ts";
import { BACKLOG_FULL, endCall, failCall, fillSlot } from "../pending.ts";
import { OK_EXCEPTION, outcomeOfStatus } from "../policies/outcome.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { StreamOn } from "../triple/link.ts";
import type { RequestContent } from "../triple/request-content.ts";
import type { TripleTryOwner } from "../triple/stream-try.ts";
import type { DubboEndpoint } from "../upstream/endpoint.ts";
import { type CallerCall, type CallerForm, callerFormOf, faultIn } from "./caller-form.ts";
import { passReply } from "./pass-reply.ts";
import type { TripleReply } from "./to-dubbo.ts";

/** What a Triple call's try at a Dubbo2 provider is made from. */
export interface DubboTryParts {
  readonly owner: TripleTryOwner;
  readonly sink: AnswerSink;
  readonly content: RequestContent;
  readonly endpoint: DubboEndpoint;
  readonly call: CallerCall;
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** One try of a Triple call at a Dubbo2 provider: it waits for the whole request, which is translated, and so is the answer. */
export class DubboTry implements TryOwner {
  /** The request is not sent on as it comes. */
  readonly sendsTo: StreamOn | undefined = undefined;
  readonly #context: ProxyContext;
  readonly #parts: DubboTryParts;
  readonly callee: Callee;
  #slot: number;
  #sent = false;
  #form: CallerForm | undefined;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: DubboTryParts, slot: number) {
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
    const { content, owner } = this.#parts;
    const { maxBodyBytes } = this.#context.frameLimits;
    if (this.#sent) return;
    content.release();
    if (content.heldBytes > maxBodyBytes) {
      this.cancel();
      owner.tryFailed("over_limit", `message of over ${maxBodyBytes} bytes, the limit`, false);
    } else if (content.ended) {
      this.#sent = true;
      this.#send();
    }
  }

  onCallerDrain(): void {}

  cancel(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }

  answered(bytes: Buffer, start: number, end: number): void {
    this.#slot = -1;
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
    this.#parts.owner.tryFailed(reason, message, false);
  }

  abandoned(): void {
    this.#slot = -1;
    this.#parts.owner.tryAbandoned(false);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  #send(): void {
    const { owner, content, endpoint, call } = this.#parts;
    const { calls } = this.#context;
    try {
      this.#form = callerFormOf(call, Buffer.concat(content.held), this.#context.frameLimits.maxBodyBytes);
    } catch (error) {
      const fault = faultIn(error);
      if (fault === undefined) throw error;
      this.cancel();
      owner.tryFailed(fault.reason, fault.message, false);
      return;
    }
    const { frame } = this.#form;
    const bodyBytes = frame.length - HEADER_BYTES;
    if (endpoint.payloadBytes > 0 && bodyBytes > endpoint.payloadBytes) {
      this.cancel();
      owner.tryFailed(
        "over_limit",
        `body of ${bodyBytes} bytes is over the provider's payload ${endpoint.payloadBytes}`,
        false,
      );
      return;
    }
    const slot = this.#slot;
    frame.writeInt32BE(calls.generations[slot]!, 4);
    frame.writeInt32BE(slot, 8);
    if (!this.callee.send(frame, 0, frame.length)) failCall(this.#context, slot, "overflow", BACKLOG_FULL);
  }
}
