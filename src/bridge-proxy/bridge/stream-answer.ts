import { CallError, ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { exceptionCodeOf, parseAnswer } from "../../codecs/triple/answer.ts";
import { decodeMessage, encodeMessage } from "../../codecs/triple/text.ts";
import type { AnswerSink, CallerStream } from "../triple/caller-stream.ts";
import { MessagePump, type PumpParts } from "./message-pump.ts";
import { errorTrailers, type Thrown } from "./protobuf-form.ts";
import type { StreamForm } from "./stream-form.ts";

/** Fields of an answer's head that say how its messages were, not how they are now. */
const OF_MESSAGES = new Set([
  "content-type",
  "content-length",
  "grpc-encoding",
  "grpc-accept-encoding",
  "tri-exception-code",
]);

/** What a {@link StreamAnswer} is made from. */
export interface StreamAnswerParts extends Omit<PumpParts, "isFree" | "send" | "translate" | "encoding"> {
  /** The caller. */
  readonly stream: CallerStream;
  readonly form: Pick<StreamForm, "answer" | "thrown" | "contentType">;
}

/**
 * A stream's answer on its way: messages of the provider become the caller's as that takes them; the end waits for them. An exception that
 * the provider sends as a message becomes a status.
 */
export class StreamAnswer implements AnswerSink {
  readonly #parts: StreamAnswerParts;
  #fault: CallError | undefined;
  #pump: MessagePump | undefined;
  #head: Fields | undefined;
  #isAnswered = false;
  #isOver = false;
  #trailers: Fields | undefined;
  #never: readonly string[] = [];
  #thrown: Thrown | undefined;

  constructor(parts: StreamAnswerParts) {
    this.#parts = parts;
  }

  /** Why the answer cannot be passed on. */
  get fault(): CallError | undefined {
    return this.#fault ?? this.#parts.stream.fault;
  }

  /** A head was passed on. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** All of it was passed on. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages wait for the caller. */
  get waits(): boolean {
    return this.#pump?.waits === true;
  }

  head(fields: Fields, end: boolean, never: readonly string[]): void {
    this.#never = never;
    this.#head = fields;
    if (end) {
      this.#endWith(fields);
      return;
    }
    const { form, stream, ...parts } = this.#parts;
    const isThrown = form.thrown !== undefined && exceptionCodeOf(fields) !== 0;
    if (this.#isGrpc() && !isThrown) this.#passHead(fields, false);
    this.#pump = new MessagePump({
      ...parts,
      encoding: fieldValue(fields, "grpc-encoding") ?? "identity",
      translate: (message) => {
        if (!isThrown) return form.answer(message);
        this.#thrown = form.thrown!(message);
        return NO_BYTES;
      },
      isFree: () => stream.queuedBytes === 0,
      send: (bytes, last) => {
        if (!isThrown && bytes.length > 0) stream.data(bytes, false);
        if (last) this.#endWith(this.#trailers);
      },
    });
    // What is no gRPC has no messages.
    if (!this.#isGrpc()) this.#pump.close();
  }

  /** Returns above 0 while what has come is not all with the caller. */
  data(bytes: Buffer, end: boolean): number {
    return this.#guarded(() => {
      this.#pump?.push(bytes);
      if (end) this.#end();
    });
  }

  trailers(fields: Fields, never: readonly string[]): void {
    this.#trailers = fields;
    this.#never = never;
    this.#guarded(() => this.#end());
  }

  /** The caller has taken what was sent to it. Returns what waits. */
  resume(): number {
    return this.#guarded(() => this.#pump?.resume());
  }

  /** Ends the answer by a status of Trestle's own. */
  fail(grpc: number, text: string): void {
    this.close();
    this.#endBy(["grpc-status", String(grpc), "grpc-message", encodeMessage(`trestle: ${text}`)]);
  }

  /** Nothing of it is passed on any more. */
  close(): void {
    this.#pump?.close();
    this.#pump = undefined;
  }

  #guarded(work: () => void): number {
    if (this.#fault !== undefined) return 0;
    try {
      work();
    } catch (error) {
      this.close();
      if (error instanceof ProtocolError) this.#fault = new CallError("internal", "internal", error.message);
      else if (error instanceof CallError) this.#fault = error;
      else throw error;
      return 0;
    }
    return this.waits ? 1 : this.#parts.stream.queuedBytes;
  }

  #isGrpc(): boolean {
    return this.#head !== undefined && isAnswer(this.#head);
  }

  #end(): void {
    if (this.#isGrpc()) this.#pump?.end();
    else this.#endWith(this.#trailers);
  }

  /** Ends with what the provider ended with; undefined where that was content. */
  #endWith(last: Fields | undefined): void {
    const isAlone = last === this.#head;
    const answer = parseAnswer(isAlone ? null : this.#head!, last ?? null);
    if (this.#thrown !== undefined && answer.grpc === 0) {
      const { grpc, text } = this.#thrown;
      this.#endBy([...errorTrailers(grpc, text, true), ...(last ?? []).filter(isMetadata)]);
    } else if (last === undefined || fieldValue(last, "grpc-status") === undefined) {
      this.#endBy(errorTrailers(answer.grpc, answer.message, false));
    } else if (isAlone) {
      this.#passHead(readableText(last), true);
      this.#isOver = true;
    } else this.#endBy(readableText(last));
  }

  #passHead(fields: Fields, end: boolean): void {
    const { stream, form } = this.#parts;
    const passed: string[] = [":status", "200", "content-type", form.contentType];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!;
      if (!name.startsWith(":") && !OF_MESSAGES.has(name)) passed.push(name, fields[i + 1]!);
    }
    stream.head(passed, end, this.#never);
    this.#isAnswered = stream.fault === undefined;
  }

  #endBy(trailers: Fields): void {
    this.#isOver = true;
    if (this.#isAnswered) this.#parts.stream.trailers(trailers, this.#never);
    else this.#passHead([...(this.#isGrpc() ? this.#head! : []).filter(isMetadata), ...trailers], true);
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Of the names and values of a list, those that are not gRPC's own. */
function isMetadata(_: string, i: number, fields: Fields): boolean {
  return !fields[i - (i % 2)]!.startsWith("grpc-");
}

/** Whether a head is one of gRPC's. */
function isAnswer(head: Fields): boolean {
  return (
    fieldValue(head, ":status") === "200" && (fieldValue(head, "content-type") ?? "").startsWith("application/grpc")
  );
}

/** The list with its text as gRPC has it: Java writes an exception's message as it is. */
function readableText(fields: Fields): Fields {
  return fields.map((value, i) =>
    fields[i - 1] === "grpc-message" && i % 2 === 1 ? encodeMessage(decodeMessage(value)) : value,
  );
}
