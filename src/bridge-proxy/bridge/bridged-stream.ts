import { authorityOf } from "../../base/address.ts";
import type { CallReason } from "../../base/errors.ts";
import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import { ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { Value } from "../../codecs/value.ts";
import { Wait } from "../after.ts";
import { DEADLINE_ROUTE } from "../call-table.ts";
import type { ProxyContext } from "../context.ts";
import { logBug, type SlotTimes } from "../pending.ts";
import { type Outcome, outcomeOfGrpc, outcomeOfReason } from "../policies/outcome.ts";
import type { CallerStream } from "../triple/caller-stream.ts";
import type { ContentSink } from "../triple/link.ts";
import type { RequestContent } from "../triple/request-content.ts";
import { StreamTry, type TripleTryOwner } from "../triple/stream-try.ts";
import type { TripleEndpoint } from "../upstream/endpoint.ts";
import { type CallerCall, faultIn } from "./caller-form.ts";
import { StreamAnswer } from "./stream-answer.ts";
import type { StreamForm } from "./stream-form.ts";
import { StreamRequest } from "./stream-request.ts";
import { providerHead } from "./to-triple.ts";

/** gRPC's number for a message that is too long. */
const RESOURCE_EXHAUSTED = 8;

/** What a translated stream is made from. */
export interface BridgedStreamParts extends SlotTimes {
  readonly owner: TripleTryOwner;
  readonly stream: CallerStream;
  readonly content: RequestContent;
  readonly endpoint: TripleEndpoint;
  readonly call: CallerCall;
  readonly form: StreamForm;
}

/**
 * One try of a stream at a Triple provider that takes other messages than the caller has: each is translated as it comes, none is kept. The
 * stream itself is carried as any other: line, deadline, resets and tries are those of {@link StreamTry}.
 */
export class BridgedStream implements TripleTryOwner {
  readonly #context: ProxyContext;
  readonly #parts: BridgedStreamParts;
  readonly #request: StreamRequest;
  readonly #answer: StreamAnswer;
  readonly #inner: StreamTry;
  /** The provider has answered, and some of that waits for the caller. */
  #outcome: Outcome | undefined;
  /** Until when it may wait. */
  #wait: Wait | undefined;
  #ended = false;

  /** Takes a slot of the call table that is allocated already. Throws CallError where the head cannot be written. */
  constructor(context: ProxyContext, parts: BridgedStreamParts, slot: number) {
    const { stream, content, endpoint, call, form, ...times } = parts;
    const fields = headFor(call, form.method, endpoint);
    this.#context = context;
    this.#parts = parts;
    this.#request = new StreamRequest({
      content,
      account: context,
      maxMessageBytes: context.frameLimits.maxBodyBytes,
      encoding: call.head.encoding,
      translate: (message) => form.request(message),
      later: () => this.#later(() => this.#request.release()),
      onFault: (error) => this.#onRequestFault(error),
    });
    this.#answer = new StreamAnswer({
      stream,
      form,
      account: context,
      maxMessageBytes: context.limits.maxSkipBytes - HEADER_BYTES,
      later: () => this.#later(() => this.onCallerDrain()),
    });
    const inner = { ...times, owner: this, sink: this.#answer, content: this.#request, endpoint, fields, never: [] };
    this.#inner = new StreamTry(context, inner, slot);
  }

  start(): void {
    this.#inner.start();
  }

  onContent(): void {}

  /** Where the request goes, once the provider's stream is open. */
  get sendsTo(): ContentSink | undefined {
    return this.#request.isOpen ? this.#request : undefined;
  }

  /** The caller has taken what was sent to it. */
  onCallerDrain(): void {
    if (this.#ended || this.#answer.resume() > 0) return;
    if (this.#answer.fault !== undefined) this.#inner.cancel();
    if (this.#outcome !== undefined || this.#answer.fault !== undefined) this.#settle();
    else this.#inner.onCallerDrain();
  }

  cancel(): void {
    this.#ended = true;
    this.#wait?.end();
    this.#request.close();
    this.#answer.close();
    this.#inner.cancel();
  }

  retries(outcome: Outcome): boolean {
    return this.#parts.owner.retries(outcome);
  }

  complete(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#settle();
    if (!this.#ended) this.#waitForCaller();
  }

  tryFailed(reason: CallReason, message: string): void {
    if (this.#answer.fault !== undefined) this.#settle();
    else this.#fail(reason, message);
  }

  tryRefused(message: string, cost: number): void {
    this.#parts.owner.tryRefused(message, cost);
  }

  tryAbandoned(): void {
    this.#parts.owner.tryAbandoned(this.#answer.isAnswered);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  /** Ends the call where all of the answer has been passed on, or where it cannot be. */
  #settle(): void {
    const { fault, isOver } = this.#answer;
    if (fault !== undefined) {
      this.#refuse(fault.reason, `the provider's answer cannot be translated: ${fault.message}`);
    } else if (isOver && this.#outcome !== undefined) this.#parts.owner.complete(this.#outcome);
  }

  /** The try is over, and its deadline with it: a caller that reads nothing is not waited for longer than that. */
  #waitForCaller(): void {
    const { startMs, deadlineMs, deadlineKind, owner } = this.#parts;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#wait = new Wait(this.#context);
    const isHeld = this.#wait.begin(Math.max(0, deadlineMs - this.#context.nowMs), () => {
      const text = `the answer was not taken within ${Math.round(deadlineMs - startMs)} ms`;
      if (deadlineKind === DEADLINE_ROUTE) this.#fail("timeout", text);
      else owner.tryAbandoned(this.#answer.isAnswered);
    });
    if (!isHeld) this.#fail("overflow", "as many calls wait as may be held");
  }

  #onRequestFault(error: unknown): void {
    const fault = faultIn(error);
    if (fault === undefined) throw error;
    this.#inner.cancel();
    this.#refuse(fault.reason, fault.message);
  }

  /** Ends the call for a message of it. */
  #refuse(reason: CallReason, message: string): void {
    const isTooLong = reason === "over_limit" && this.#parts.stream.fault === undefined;
    if (isTooLong) this.#endBy(RESOURCE_EXHAUSTED, message, outcomeOfGrpc(RESOURCE_EXHAUSTED));
    else this.#fail(reason, message);
  }

  #fail(reason: CallReason, message: string): void {
    if (this.#answer.isAnswered) this.#endBy(ownAnswer(reason).grpc, message, outcomeOfReason(reason));
    else if (!this.#ended) this.#parts.owner.tryFailed(reason, message, false);
  }

  #endBy(grpc: number, message: string, outcome: Outcome): void {
    if (this.#ended) return;
    this.#answer.fail(grpc, message);
    this.#parts.owner.complete(outcome);
  }

  /** Goes on in another turn, so that others have theirs. */
  #later(work: () => void): void {
    setImmediate(() => {
      if (this.#ended) return;
      this.#context.nowMs = performance.now();
      try {
        work();
      } catch (error) {
        // Nobody is above this turn to catch it.
        logBug(this.#context, error);
        this.#inner.cancel();
        this.#fail("internal", "a message could not be handled");
      }
    });
  }
}

/** The head as the provider takes it: its own names, what is left of the time, the caller's metadata. */
function headFor({ head, destination }: CallerCall, method: string, { host }: TripleEndpoint): Fields {
  const { service, timeoutMs } = destination;
  const attachments = new Map<string, Value>(head.attachments);
  if (Number.isFinite(timeoutMs) && attachments.has("timeout"))
    attachments.set("timeout", String(Math.max(1, Math.ceil(timeoutMs))));
  const to = { ...destination, authority: authorityOf(host.address, host.port) };
  return providerHead(to, { path: service.interface, method, application: head.consumerApplication, attachments });
}
