import type { CallReason } from "../../base/errors.ts";
import { status as statusOf } from "../../codecs/dubbo2/frame.ts";
import { grpcServiceOf } from "../../codecs/protobuf/service.ts";
import { parseAnswer } from "../../codecs/triple/answer.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import { endCall, fillSlot } from "../pending.ts";
import { OK_EXCEPTION, outcomeOfStatus } from "../policies/outcome.ts";
import { outcomeOfFields } from "../triple/answers.ts";
import type { TripleCallee } from "../triple/callee.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { StreamOn } from "../triple/link.ts";
import type { RequestContent } from "../triple/request-content.ts";
import { StreamTry, type TripleTryOwner } from "../triple/stream-try.ts";
import type { TripleEndpoint } from "../upstream/endpoint.ts";
import { type CallerCall, type CallerForm, callerFormOf, faultIn } from "./caller-form.ts";
import { type GrpcRequest, grpcToDubbo, isGrpcRequest, toGrpcRequest } from "./grpc-form.ts";
import { passReply } from "./pass-reply.ts";
import { type TripleAnswer, type TripleRequest, toDubboAnswer, toTripleRequest } from "./to-triple.ts";
import { TripleCollector } from "./triple-collector.ts";
import { WholeContent } from "./triple-try.ts";

/** What a Triple call's try at a provider is made from that takes messages of another kind. */
export interface MessageTryParts {
  readonly owner: TripleTryOwner;
  readonly sink: AnswerSink;
  readonly content: RequestContent;
  readonly endpoint: TripleEndpoint;
  readonly call: CallerCall;
  /** What the provider takes: protobuf by this schema; undefined for Triple's wrapper. */
  readonly schema: ServiceSchema | undefined;
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/**
 * One try of a Triple or gRPC call at a provider that takes the other kind of messages: protobuf in place of Triple's wrapper or of JSON, or
 * the wrapper in place of protobuf. Dubbo2's form stands between the two. It waits for the whole request: streams are not translated.
 */
export class MessageTry implements TryOwner, TripleTryOwner {
  /** The request is not sent on as it comes. */
  readonly sendsTo: StreamOn | undefined = undefined;
  readonly callee: TripleCallee;
  readonly #context: ProxyContext;
  readonly #parts: MessageTryParts;
  readonly #collector: TripleCollector;
  /** Of the call table, until the request is there. */
  #slot: number;
  #form: CallerForm | undefined;
  #request: TripleRequest | GrpcRequest | undefined;
  #stream: StreamTry | undefined;

  /** Takes a slot of the call table that is allocated already. */
  constructor(context: ProxyContext, parts: MessageTryParts, slot: number) {
    this.#context = context;
    this.#parts = parts;
    this.#slot = slot;
    this.#collector = new TripleCollector(context.frameLimits.maxBodyBytes, context);
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
    this.#collector.release();
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  /** Never: a Triple provider answers its stream. */
  answered(): void {}

  failed(reason: CallReason, message: string): void {
    this.#slot = -1;
    this.#parts.owner.tryFailed(reason, message, false);
  }

  abandoned(): void {
    this.#slot = -1;
    this.#parts.owner.tryAbandoned(false);
  }

  /** The call decides, when the whole answer is there. */
  retries(): boolean {
    return false;
  }

  complete(): void {
    this.#stream = undefined;
    this.#collector.release();
    const { owner, sink, content, call } = this.#parts;
    const { answer } = this.#collector;
    const isJson = call.head.kind === "json" || call.head.kind === "http";
    if (!isJson && parseAnswer(answer.head, answer.trailers).type === "error") {
      this.#passError(answer);
      return;
    }
    const form = this.#form!;
    try {
      const frame = dubboFrameOf(this.#request!, answer);
      const reply = form.reply(frame, 0, frame.length);
      const outcome = reply.isException ? OK_EXCEPTION : outcomeOfStatus(statusOf(frame, 0));
      if (owner.retries(outcome)) return;
      content.drop();
      passReply(owner, sink, reply, outcome);
    } catch (error) {
      const fault = faultIn(error, form.misfit);
      if (fault === undefined) throw error;
      owner.tryFailed(fault.reason, `the provider's answer cannot be translated: ${fault.message}`, false);
    }
  }

  tryFailed(reason: CallReason, message: string): void {
    this.#end();
    this.#parts.owner.tryFailed(reason, message, false);
  }

  tryRefused(message: string, cost: number): void {
    this.#end();
    this.#parts.owner.tryRefused(message, cost);
  }

  tryAbandoned(): void {
    this.#end();
    this.#parts.owner.tryAbandoned(false);
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }

  #send(): void {
    const { owner, content, call, endpoint, startMs, deadlineMs, deadlineKind } = this.#parts;
    const context = this.#context;
    let request: TripleRequest | GrpcRequest;
    try {
      this.#form = callerFormOf(call, Buffer.concat(content.held), context.frameLimits.maxBodyBytes);
      request = this.#requestOf(this.#form.frame);
    } catch (error) {
      const fault = faultIn(error);
      if (fault === undefined) throw error;
      this.cancel();
      owner.tryFailed(fault.reason, fault.message, false);
      return;
    }
    this.#request = request;
    this.#letGoSlot();
    const slot = context.calls.allocate();
    this.#stream = new StreamTry(
      context,
      {
        owner: this,
        sink: this.#collector,
        content: new WholeContent(request.body),
        endpoint,
        fields: request.fields,
        never: [],
        startMs,
        deadlineMs,
        deadlineKind,
      },
      slot,
    );
    this.#stream.start();
  }

  #requestOf(frame: Buffer): TripleRequest | GrpcRequest {
    const { call, endpoint, schema } = this.#parts;
    const { host } = endpoint;
    const to = { ...call.destination, authority: `${host.address}:${host.port}` };
    const service = grpcServiceOf(schema);
    return service === undefined ? toTripleRequest(frame, to) : toGrpcRequest(frame, to, service, schema?.java);
  }

  /** A status is the same in either kind of messages. */
  #passError({ head, trailers }: TripleAnswer): void {
    const { owner, sink, content } = this.#parts;
    const outcome = outcomeOfFields(head ?? trailers ?? [], head === null ? undefined : (trailers ?? undefined));
    if (owner.retries(outcome)) return;
    content.drop();
    const rest = head === null || trailers === null ? undefined : trailers;
    passReply(owner, sink, { head: head ?? trailers ?? [], body: undefined, trailers: rest }, outcome);
  }

  #end(): void {
    this.#stream = undefined;
    this.#collector.release();
  }

  #letGoSlot(): void {
    if (this.#slot < 0) return;
    endCall(this.#context, this.#slot);
    this.#slot = -1;
  }
}

function dubboFrameOf(request: TripleRequest | GrpcRequest, answer: TripleAnswer): Buffer {
  return isGrpcRequest(request) ? grpcToDubbo(0, 0, request, answer) : toDubboAnswer(0, 0, request, answer);
}
