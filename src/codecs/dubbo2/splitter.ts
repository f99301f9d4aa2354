import { ProtocolError } from "../../base/errors.ts";

/*
 * Cuts a byte stream into Dubbo2 frames: 16 bytes of header, whose last four are the body's length, then the body.
 *
 *   0      2       3        4             12            16
 *   | dabb | flags | status | request id  | body length | body ...
 */

const HEADER_BYTES = 16;
/** Pieces from this size on are held as they came; smaller ones could keep memory alive that is many times their size. */
const SMALL_PIECE_BYTES = 32 * 1024;

/** Who takes the frames that a {@link FrameSplitter} finds. */
export interface FrameSink {
  /**
   * One whole frame at `bytes[start, end)`, header first. The range may be changed in place (the id) and kept: it is
   * never written again by the splitter.
   */
  onFrame(bytes: Buffer, start: number, end: number): void;
  /** A frame whose body of `bodyBytes` is over the limit; `header` is its 16 bytes. The body is skipped after this. */
  onOversize(header: Buffer, bodyBytes: number): void;
}

/** Bounds of a {@link FrameSplitter}, bytes. */
export interface FrameLimits {
  /** A larger body is reported and skipped. */
  readonly maxBodyBytes: number;
  /** A larger body still is an error: skipping it would be reading for the sender's sake. */
  readonly maxSkipBytes: number;
}

/**
 * Finds frames in a stream of chunks. Whole frames are handed on in place; a frame cut over chunks is kept as its pieces
 * and joined once, so that a sender never makes us hold more than it sent.
 */
export class FrameSplitter {
  readonly #sink: FrameSink;
  readonly #limits: FrameLimits;
  #pieces: Buffer[] = [];
  #have = 0;
  /** Length of the frame being collected; 0 while its header is not whole. */
  #want = 0;
  #skip = 0;

  constructor(sink: FrameSink, limits: FrameLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Buffers in which an unfinished frame is held now; grows with its bytes, not with the number of chunks that brought them. */
  get heldPieces(): number {
    return this.#pieces.length;
  }

  /** Bytes of an unfinished frame held now. */
  get heldBytes(): number {
    return this.#have;
  }

  /** Takes the next bytes, `chunk[start, end)`. Throws `ProtocolError` on a wrong magic, a negative length, or one over `maxSkipBytes`. */
  push(chunk: Buffer, start = 0, end = chunk.length): void {
    let at = start;
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at);
        this.#skip -= step;
        at += step;
      } else if (this.#have > 0) {
        at = this.#collect(chunk, at, end);
      } else {
        at = this.#inPlace(chunk, at, end);
      }
    }
  }

  #inPlace(chunk: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at >= HEADER_BYTES) {
      const body = this.#bodyBytes(chunk, at);
      if (body > this.#limits.maxBodyBytes)
        return this.#oversize(chunk.subarray(at, at + HEADER_BYTES), body, at + HEADER_BYTES);
      const next = at + HEADER_BYTES + body;
      if (next > end) {
        this.#want = HEADER_BYTES + body;
        break;
      }
      this.#sink.onFrame(chunk, at, next);
      at = next;
    }
    if (at < end) {
      // Wrong magic is known from the first byte: a peer that speaks something else is not waited for.
      if (chunk[at] !== 0xda || (end - at > 1 && chunk[at + 1] !== 0xbb)) throw wrongMagic(chunk, at);
      this.#keep(chunk, at, end);
    }
    return end;
  }

  #collect(chunk: Buffer, at: number, end: number): number {
    if (this.#have === 1 && chunk[at] !== 0xbb) throw wrongMagic(Buffer.of(0xda, chunk[at]!), 0);
    const goal = this.#want === 0 ? HEADER_BYTES : this.#want;
    const step = Math.min(goal - this.#have, end - at);
    this.#keep(chunk, at, at + step);
    if (this.#have < goal) return at + step;
    const joined = Buffer.concat(this.#pieces, this.#have);
    this.#pieces = [];
    this.#have = 0;
    if (this.#want === 0) {
      const body = this.#bodyBytes(joined, 0);
      if (body > this.#limits.maxBodyBytes) return this.#oversize(joined, body, at + step);
      if (body > 0) {
        this.#pieces.push(joined);
        this.#have = HEADER_BYTES;
        this.#want = HEADER_BYTES + body;
        return at + step;
      }
    }
    this.#want = 0;
    this.#sink.onFrame(joined, 0, joined.length);
    return at + step;
  }

  /**
   * Keeps `chunk[from, to)` of an unfinished frame. Small pieces are copied, and joined two by two, so that neither a sender of
   * single bytes nor the rest of a large chunk costs many times what is held.
   */
  #keep(chunk: Buffer, from: number, to: number): void {
    this.#have += to - from;
    let piece = chunk.subarray(from, to);
    if (piece.length < SMALL_PIECE_BYTES) {
      let last = this.#pieces.at(-1);
      let merged = false;
      while (last !== undefined && last.length <= piece.length && last.length < SMALL_PIECE_BYTES) {
        this.#pieces.pop();
        piece = Buffer.concat([last, piece]);
        merged = true;
        last = this.#pieces.at(-1);
      }
      if (!merged) piece = Buffer.from(piece);
    }
    this.#pieces.push(piece);
  }

  #oversize(header: Buffer, body: number, next: number): number {
    this.#want = 0;
    this.#skip = body;
    this.#sink.onOversize(header, body);
    return next;
  }

  #bodyBytes(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0xda || bytes[at + 1] !== 0xbb) throw wrongMagic(bytes, at);
    const body = bytes.readInt32BE(at + 12);
    if (body < 0) throw new ProtocolError("dubbo2", `dubbo2 body length ${body} is negative`, 12);
    if (body > this.#limits.maxSkipBytes) {
      throw new ProtocolError(
        "dubbo2",
        `dubbo2 body of ${body} bytes is over maxSkipBytes ${this.#limits.maxSkipBytes}`,
        12,
      );
    }
    return body;
  }
}

function wrongMagic(bytes: Buffer, at: number): ProtocolError {
  const seen = bytes.subarray(at, at + 4).toString("hex");
  return new ProtocolError("dubbo2", `not a dubbo2 frame: magic dabb expected, ${seen} found`, 0);
}
