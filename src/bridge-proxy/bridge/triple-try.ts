import { CallError, type CallReason, ProtocolError } from "../../base/errors.ts";
import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import { parseAnswer } from "../../codecs/triple/answer.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import type { CallerWatch, EndsWithCaller } from "../dubbo/caller-watch.ts";
import type { StreamOn } from "../triple/link.ts";
import { MAX_MOVES, type SentContent, StreamTry, type TripleTryOwner } from "../triple/stream-try.ts";
import type { TripleEndpoint } from "../upstream/endpoint.ts";
import { grpcToDubbo, isGrpcRequest } from "./grpc-form.ts";
import { type TripleRequest, toDubboAnswer } from "./to-triple.ts";
import type { FarOwner } from "./translated-try.ts";
import { TripleCollector } from "./triple-collector.ts";

/** What a Dubbo2 call's try at a Triple provider is made from. */
export interface TripleTryParts {
  /** The Dubbo2 call: it gets a Dubbo2 answer, or is told why there is none. */
  readonly owner: TryOwner & Partial<Pick<FarOwner, "takesStatus">>;
  readonly endpoint: TripleEndpoint;
  readonly request: TripleRequest;
  readonly idHigh: number;
  readonly idLow: number;
  /** Where it hears that its caller is gone; undefined for calls that go on all the same. */
  readonly watch: CallerWatch | undefined;
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** One try of a Dubbo2 call at a Triple provider: the call and its answer are translated, no argument is decoded that need not be. */
export class TripleTry implements TripleTryOwner, EndsWithCaller {
  place = -1;
  readonly #context: ProxyContext;
  readonly #parts: TripleTryParts;
  readonly #collector: TripleCollector;
  #stream: StreamTry | undefined;
  #moves = 0;

  constructor(context: ProxyContext, parts: TripleTryParts) {
    this.#context = context;
    this.#parts = parts;
    this.#collector = new TripleCollector(context.limits.maxSkipBytes - HEADER_BYTES, context);
  }

  /** Begins. False where the call table has no room. */
  start(): boolean {
    const slot = this.#context.calls.allocate();
    if (slot < 0) return false;
    const { endpoint, request, startMs, deadlineMs, deadlineKind } = this.#parts;
    const parts = {
      owner: this,
      sink: this.#collector,
      content: new WholeContent(request.body),
      endpoint,
      fields: request.fields,
      never: [],
      startMs,
      deadlineMs,
      deadlineKind,
    };
    this.#parts.watch?.add(this);
    this.#stream = new StreamTry(this.#context, parts, slot);
    this.#stream.start();
    return true;
  }

  /** Nobody waits for the answer: the provider is told. */
  onCallerGone(): void {
    this.#stream?.cancel();
    this.tryAbandoned();
  }

  /** Gives the call up: its owner hears nothing of it any more. */
  cancel(): void {
    this.#stream?.cancel();
    this.#end();
  }

  /** The Dubbo2 call decides itself, when it sees the whole answer. */
  retries(): boolean {
    return false;
  }

  complete(): void {
    const { owner, idHigh, idLow, request } = this.#parts;
    this.#end();
    const { answer } = this.#collector;
    let frame: Buffer;
    try {
      const isStatus = owner.takesStatus !== undefined && parseAnswer(answer.head, answer.trailers).type === "error";
      if (isStatus && owner.takesStatus?.(answer) === true) return;
      frame = isGrpcRequest(request)
        ? grpcToDubbo(idHigh, idLow, request, answer)
        : toDubboAnswer(idHigh, idLow, request, answer);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof CallError)) throw error;
      owner.failed("undecodable", `the provider's answer cannot be translated: ${error.message}`);
      return;
    }
    owner.answered(frame, 0, frame.length);
  }

  tryFailed(reason: CallReason, message: string): void {
    this.#end();
    this.#parts.owner.failed(reason, message);
  }

  tryRefused(message: string, cost: number): void {
    this.#moves += cost;
    if (this.#moves <= MAX_MOVES && this.start()) return;
    this.tryFailed("connect_failure", message);
  }

  tryAbandoned(): void {
    this.#end();
    this.#parts.owner.abandoned();
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  #end(): void {
    this.#collector.release();
    this.#parts.watch?.remove(this);
  }
}

/** A request's content that is there from the start. */
class WholeContent implements SentContent {
  readonly empty = false;
  replayable = true;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  sendAll({ link, stream }: StreamOn): void {
    link.data(stream, this.#bytes, true);
  }

  release(): void {}

  /** An answer has begun: the call is not made again. */
  drop(): void {
    this.replayable = false;
  }
}
