import { CallError } from "../../base/errors.ts";
import { ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { encodeWebText, encodeWebTrailers, WebTextDecoder } from "../../codecs/grpc-web/body.ts";
import { toGrpcHead, toWebHead, type WebForm, webFormOf } from "../../codecs/grpc-web/head.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import { ownReply, sendReply } from "./answers.ts";
import { type CallerStream, StreamBefore } from "./caller-stream.ts";
import type { Entrance } from "./entrance.ts";
import type { Arrived, ServedRequest, TripleCallerPort } from "./served.ts";

/** What a callee's answer is told to have ended with that ends without saying how. */
const NO_STATUS: Fields = ["grpc-status", "13", "grpc-message", "trestle: the answer ended without a status"];

const grpcHeads = new WeakMap<Fields, Fields>();

/** An entrance that takes gRPC-Web calls as the gRPC calls that they are; all others as they come. */
export class WebEntrance implements Entrance {
  readonly #inner: Entrance;

  constructor(inner: Entrance) {
    this.#inner = inner;
  }

  get maxContentBytes(): number | undefined {
    return this.#inner.maxContentBytes;
  }

  admit(arrived: Arrived): ServedRequest {
    const { head } = arrived;
    const form = webFormOf(head.fields);
    if (form === undefined) return this.#inner.admit(arrived);
    const stream = new WebStream(arrived.stream, form);
    const asked = { ...arrived, stream, head: { ...head, fields: grpcHeadOf(head.fields, arrived.shared) } };
    if (form === "binary") return this.#inner.admit(asked);
    const request = new WebTextRequest(arrived.port, stream);
    request.serve(this.#inner.admit({ ...asked, port: request }), asked.head.fields);
    return request;
  }
}

/** The same list for the same head, so that what is known of it is found again. */
function grpcHeadOf(fields: Fields, shared: boolean): Fields {
  let made = shared ? grpcHeads.get(fields) : undefined;
  if (made === undefined) {
    made = toGrpcHead(fields);
    if (shared) grpcHeads.set(fields, made);
  }
  return made;
}

/** The stream of a gRPC-Web caller: trailers become the last piece of the content. An answer that is no gRPC passes as it is. */
export class WebStream extends StreamBefore {
  readonly #form: WebForm;
  #isGrpc = true;
  #answers = false;

  constructor(to: CallerStream, form: WebForm) {
    super(to);
    this.#form = form;
  }

  /** A head was passed on. */
  get answers(): boolean {
    return this.#answers;
  }

  override head(fields: Fields, end: boolean, never: readonly string[]): void {
    this.#answers = true;
    const head = toWebHead(fields, this.#form);
    this.#isGrpc = head !== undefined;
    if (head === undefined) {
      this.to.head(fields, end, never);
    } else if (end) {
      const isStatus = (name: string) => name.startsWith("grpc-status") || name === "grpc-message";
      this.to.head(
        pick(head, (name) => !isStatus(name)),
        false,
        never,
      );
      this.trailers(pick(head, isStatus));
    } else this.to.head(head, false, never);
  }

  override data(bytes: Buffer, end: boolean): number {
    if (!this.#isGrpc) return this.to.data(bytes, end);
    if (bytes.length > 0) this.to.data(this.#encoded(bytes), false);
    if (end) this.trailers(NO_STATUS);
    return this.to.queuedBytes;
  }

  override trailers(fields: Fields): void {
    this.to.data(this.#encoded(encodeWebTrailers(fields)), true);
  }

  #encoded(bytes: Buffer): Buffer {
    return this.#form === "text" ? encodeWebText(bytes) : bytes;
  }
}

function pick(fields: Fields, isWanted: (name: string) => boolean): string[] {
  return fields.filter((_, i) => isWanted(fields[i - (i % 2)]!));
}

/** A request in base64, served as the bytes that it stands for. */
export class WebTextRequest implements ServedRequest, TripleCallerPort {
  place = -1;
  readonly #port: TripleCallerPort;
  readonly #stream: WebStream;
  readonly #decoder = new WebTextDecoder();
  #inner: ServedRequest | undefined;
  #fields: Fields = [];
  #over = false;

  constructor(port: TripleCallerPort, stream: WebStream) {
    this.#port = port;
    this.#stream = stream;
  }

  /** Says what serves it; `fields` is its head. */
  serve(inner: ServedRequest, fields: Fields): void {
    this.#inner = inner;
    this.#fields = fields;
  }

  forget(): void {
    this.#over = true;
    this.#port.forget(this);
  }

  start(): void {
    this.#inner?.start();
  }

  onRequestData(piece: Buffer, end: boolean): void {
    const { waiting } = this.#decoder;
    let bytes: Buffer;
    try {
      bytes = this.#decoder.push(piece);
      if (end) this.#decoder.finish();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#stream.release(piece.length);
      this.#refuse(error);
      return;
    }
    // Whoever takes the bytes gives back their window; four characters are three bytes at most.
    const surplus = waiting + piece.length - this.#decoder.waiting - bytes.length;
    if (surplus > 0) this.#stream.release(surplus);
    this.#inner?.onRequestData(bytes, end);
  }

  onRequestTrailers(fields: Fields): void {
    this.#inner?.onRequestTrailers(fields);
  }

  onCallerDrain(): void {
    this.#inner?.onCallerDrain();
  }

  onCallerGone(): void {
    this.#inner?.onCallerGone();
  }

  #refuse(error: CallError): void {
    if (this.#over) return;
    this.#inner?.onCallerGone();
    this.#inner = undefined;
    if (this.#stream.answers) {
      this.#stream.reset(ERROR.cancel);
      return;
    }
    sendReply(this.#stream, ownReply(this.#fields, ownAnswer(error.reason), error.message));
    if (!this.#stream.closed && !this.#stream.requestEnded) this.#stream.reset(ERROR.none);
  }
}
