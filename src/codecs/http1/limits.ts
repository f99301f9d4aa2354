import { ProtocolError } from "../../base/errors.ts";

/** Bounds of one HTTP/1.1 connection; bytes and counts. */
export interface Http1Limits {
  /** The request target alone; over it the answer is 414. */
  readonly maxTargetBytes: number;
  /** First line and header lines together; over it the answer is 431. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** One body, as announced or as summed up from chunks; over it the answer is 413. */
  readonly maxBodyBytes: number;
  /** Chunk extensions of one body, summed up: they are skipped, and each chunk may bring some. */
  readonly maxChunkExtensionBytes: number;
  readonly maxTrailerBytes: number;
  /** Bytes of later requests that a server keeps while an earlier one is being answered. */
  readonly maxHeldBytes: number;
  /** Requests that a client may send before the first is answered. */
  readonly maxPipelined: number;
  /** Interim (1xx) answers to one request. */
  readonly maxInterim: number;
}

/** The bounds where none are given. */
export const DEFAULT_HTTP1_LIMITS: Http1Limits = {
  maxTargetBytes: 8 * 1024,
  maxHeadBytes: 64 * 1024,
  maxHeaders: 128,
  maxBodyBytes: 64 * 1024 * 1024,
  maxChunkExtensionBytes: 4 * 1024,
  maxTrailerBytes: 8 * 1024,
  maxHeldBytes: 256 * 1024,
  maxPipelined: 16,
  maxInterim: 16,
};

/** The peer broke HTTP/1.1's rules or a limit; `status` is what a server answers with. */
export class Http1Error extends ProtocolError {
  readonly status: number;

  constructor(status: number, message: string, offset = -1) {
    super("http1", message, offset);
    this.name = "Http1Error";
    this.status = status;
  }
}
