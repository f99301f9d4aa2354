import { CallError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import { EnvelopeSplitter } from "../../codecs/triple/envelope.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { TripleAnswer } from "./to-triple.ts";

/** Gathers a unary answer for a caller that gets it whole. */
export class TripleCollector implements AnswerSink {
  /** Why the answer can be no answer to a unary call; undefined while it can. */
  fault: CallError | undefined;
  #head: Fields | null = null;
  #message: Buffer | undefined;
  #trailers: Fields | null = null;
  readonly #splitter: EnvelopeSplitter;

  /** A longer message than `maxMessageBytes` is a fault. */
  constructor(maxMessageBytes: number) {
    const sink = (bytes: Buffer, start: number, end: number) => {
      if (this.#message !== undefined) throw new CallError("unimplemented", "undecodable", "answer is a stream");
      this.#message = bytes.subarray(start, end);
    };
    this.#splitter = new EnvelopeSplitter(sink, { maxMessageBytes, allowedFlags: 0 });
  }

  /** The answer, when all of it has come. */
  get answer(): TripleAnswer {
    return { head: this.#head, message: this.#message, trailers: this.#trailers };
  }

  head(fields: Fields, end: boolean): void {
    if (end) this.#trailers = fields;
    else this.#head = fields;
  }

  data(bytes: Buffer): number {
    if (this.fault !== undefined) return 0;
    try {
      // The splitter keeps what it is given until the message is whole.
      this.#splitter.push(Buffer.from(bytes));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.fault = error;
    }
    return 0;
  }

  trailers(fields: Fields): void {
    this.#trailers = fields;
  }
}
