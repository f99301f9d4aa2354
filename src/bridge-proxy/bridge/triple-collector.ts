import { CallError, ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { EnvelopeSplitter, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import { inflated } from "./compression.ts";
import type { TripleAnswer } from "./to-triple.ts";

/** Where bytes are counted that wait for others. */
export interface HeldAccount {
  heldBytes: number;
  readonly limits: { readonly maxHeldBytes: number };
}

/** Gathers a unary answer for a caller that gets it whole. */
export class TripleCollector implements AnswerSink {
  /** Why the answer can be no answer to a unary call; undefined while it can. */
  fault: CallError | undefined;
  #head: Fields | null = null;
  #message: Buffer | undefined;
  #trailers: Fields | null = null;
  readonly #splitter: EnvelopeSplitter;
  readonly #account: HeldAccount;
  #counted = 0;

  /** A longer message than `maxMessageBytes` is a fault, and so is more than `account` has room for. */
  constructor(maxMessageBytes: number, account: HeldAccount) {
    this.#account = account;
    const sink = (bytes: Buffer, start: number, end: number, flags: number) => {
      if (this.#message !== undefined) throw new CallError("unimplemented", "undecodable", "answer is a stream");
      const message = bytes.subarray(start, end);
      if (flags === 0) this.#message = message;
      else
        this.#message = inflated(message, fieldValue(this.#head ?? [], "grpc-encoding") ?? "identity", maxMessageBytes);
    };
    this.#splitter = new EnvelopeSplitter(sink, { maxMessageBytes, allowedFlags: FLAG_COMPRESSED });
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
      this.#count(this.#splitter.heldBytes + (this.#message?.length ?? 0));
    } catch (error) {
      if (error instanceof ProtocolError) this.fault = new CallError("internal", "undecodable", error.message);
      else if (error instanceof CallError) this.fault = error;
      else throw error;
    }
    return 0;
  }

  trailers(fields: Fields): void {
    this.#trailers = fields;
  }

  /** What was gathered is not needed any more. */
  release(): void {
    this.#account.heldBytes -= this.#counted;
    this.#counted = 0;
  }

  #count(bytes: number): void {
    const account = this.#account;
    const { maxHeldBytes } = account.limits;
    account.heldBytes += bytes - this.#counted;
    this.#counted = bytes;
    if (account.heldBytes <= maxHeldBytes) return;
    throw new CallError("resource_exhausted", "overflow", `unfinished answers hold over maxHeldBytes ${maxHeldBytes}`);
  }
}
