import type { ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";

/** Lines of an answer's head that are left out, by name in lower case, and lines that come on top. */
export interface HeadChange {
  readonly without: readonly string[];
  readonly fields: readonly Field[];
}

/** The caller's side of a call, as the call sees it. */
export interface HttpCallerPort {
  /** The caller's IP address. */
  readonly address: string;
  /** Bytes of answers that the caller has not taken. */
  readonly backlogBytes: number;
  /** The callee lets the caller send its content (100). */
  sendContinue(): void;
  /** An interim answer (1xx). */
  interim(head: ResponseHead): void;
  /** The answer's head, but for what is changed in it; 101 begins a tunnel. */
  head(head: ResponseHead, changed?: HeadChange): void;
  /** Content of the answer or of the tunnel; copied. */
  data(bytes: Buffer): void;
  /** The answer is whole, or the tunnel's far end closed. */
  endAnswer(trailers: readonly Field[] | undefined): void;
  /** One of Trestle's own answers, or a rule's. */
  answer(status: number, body: string | Buffer, fields?: readonly Field[]): void;
  /** The answer can't be finished: the connection ends. */
  abort(): void;
  /** Nothing more is read of the request, until it is resumed. */
  pause(): void;
  resume(): void;
  /** Calls `run` once the caller has taken what is queued. */
  onDrained(run: () => void): void;
  /** The call is over. */
  done(): void;
}

/** The caller of a call that nobody waits for: what is answered is gone. */
export class NobodyPort implements HttpCallerPort {
  readonly address: string;
  readonly backlogBytes = 0;

  constructor(address: string) {
    this.address = address;
  }

  sendContinue(): void {}

  interim(): void {}

  head(): void {}

  data(): void {}

  endAnswer(): void {}

  answer(): void {}

  abort(): void {}

  pause(): void {}

  resume(): void {}

  onDrained(run: () => void): void {
    run();
  }

  done(): void {}
}
