import type { CallError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { StreamOn } from "./request-content.ts";

/** Takes a callee's answer, in order: a head, content, trailers; any of them may be the end. */
export interface AnswerSink {
  /** Why the answer is of no use, as far as it came; undefined while it is. */
  readonly fault?: CallError | undefined;
  head(fields: Fields, end: boolean, never: readonly string[]): void;
  /** Borrows `bytes`. How much is queued here: above 0 the callee's window is given back when it has gone on. */
  data(bytes: Buffer, end: boolean): number;
  trailers(fields: Fields, never: readonly string[]): void;
}

/** Passes an answer on to a stream as it is. */
export class StreamSink implements AnswerSink {
  readonly #to: StreamOn;

  constructor(to: StreamOn) {
    this.#to = to;
  }

  head(fields: Fields, end: boolean, never: readonly string[]): void {
    const { link, stream } = this.#to;
    link.machine.head(stream, fields, end, never);
    link.wake();
  }

  data(bytes: Buffer, end: boolean): number {
    const { link, stream } = this.#to;
    link.wake();
    return link.machine.data(stream, bytes, end);
  }

  trailers(fields: Fields, never: readonly string[]): void {
    const { link, stream } = this.#to;
    link.machine.trailers(stream, fields, never);
    link.wake();
  }
}
