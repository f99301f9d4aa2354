/**
 * What one end of an HTTP/2 connection sends: frames into one buffer, content as far as the peer's windows allow, the rest queued
 * by stream (RFC 9113 section 5.2). Streams that wait take turns, one frame each.
 */

import { appendCopy } from "../../base/pieces.ts";
import type { Fields } from "../fields.ts";
import { DEFAULT_WINDOW, ERROR, FLAG, FRAME, HEAD_BYTES, Http2Error, MAX_WINDOW, Output, writeHead } from "./frame.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { Http2Stream } from "./stream.ts";

/** The largest payload we send, even if the peer allows more: one stream shall not hold up the others. */
const MAX_SENT_BYTES = 16_384;

/** What the sender tells its connection. */
export interface SenderEvents {
  /** The last queued byte of a stream has been framed. */
  onDrain(stream: Http2Stream): void;
  /** The end of our side has been framed. */
  onEnded(stream: Http2Stream): void;
  /** A frame with content has been framed, that no window cut short. */
  onContent(): void;
}

/** Frames, windows and queues of one direction. */
export class Sender {
  readonly out = new Output();
  readonly #encoder: HpackEncoder;
  readonly #events: SenderEvents;
  readonly #waiting: Http2Stream[] = [];
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #blocked = false;
  nowMs: number;

  constructor(events: SenderEvents, nowMs: number, headerTableBytes: number) {
    this.#events = events;
    this.nowMs = nowMs;
    this.#encoder = new HpackEncoder(headerTableBytes);
  }

  /** What streams may send when they begin. */
  get initialWindow(): number {
    return this.#initialWindow;
  }

  /** Queued content of all streams. */
  queuedBytes = 0;

  /** Streams with queued content. */
  get waiting(): readonly Http2Stream[] {
    return this.#waiting;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** While true no content is framed, as if the window were empty; control frames and heads still are. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked) this.flush();
  }

  /** The peer's table size for {@link HpackEncoder}. */
  setPeerTableBytes(bytes: number): void {
    this.#encoder.setPeerTableBytes(bytes);
  }

  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE; `open` are the streams that it changes. */
  setInitialWindow(size: number, open: readonly Http2Stream[]): void {
    const change = size - this.#initialWindow;
    this.#initialWindow = size;
    for (const stream of open) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) {
        throw new Http2Error(ERROR.flowControl, `initial window ${size} takes stream ${stream.id} over 2^31-1`);
      }
    }
    if (change > 0) this.flush();
  }

  /** More window for the connection. */
  widen(bytes: number): void {
    if (this.#window + bytes > MAX_WINDOW) throw new Http2Error(ERROR.flowControl, "connection window is over 2^31-1");
    this.#window += bytes;
    if (this.#waiting.length > 0) this.flush();
  }

  /** More window for a stream; false when that is over the largest window. */
  widenStream(stream: Http2Stream, bytes: number): boolean {
    if (stream.sendWindow + bytes > MAX_WINDOW) return false;
    stream.sendWindow += bytes;
    if (stream.queuedBytes === 0 || this.#blocked) return true;
    while (stream.queuedBytes > 0 && this.#window > 0 && this.#turn(stream));
    if (stream.queuedBytes === 0) {
      this.#waiting.splice(this.#waiting.indexOf(stream), 1);
      this.#drained(stream);
    }
    return true;
  }

  /** A header list, in CONTINUATION frames too where it is long. */
  headers(stream: number, fields: Fields, never: readonly string[], end: boolean): void {
    const { out } = this;
    out.reserve(HEAD_BYTES);
    const mark = out.mark();
    out.at += HEAD_BYTES;
    this.#encoder.encode(fields, never, out);
    const length = out.mark() - mark - HEAD_BYTES;
    const endFlag = end ? FLAG.endStream : 0;
    if (length <= MAX_SENT_BYTES) {
      writeHead(out.buffer, out.place(mark), length, FRAME.headers, FLAG.endHeaders | endFlag, stream);
      return;
    }
    const block = Buffer.from(out.buffer.subarray(out.place(mark) + HEAD_BYTES, out.at));
    out.at = out.place(mark);
    for (let at = 0; at < length; at += MAX_SENT_BYTES) {
      const stop = Math.min(length, at + MAX_SENT_BYTES);
      const last = stop === length ? FLAG.endHeaders : 0;
      if (at === 0) out.head(stop, FRAME.headers, endFlag, stream);
      else out.head(stop - at, FRAME.continuation, last, stream);
      out.bytes(block, at, stop);
    }
  }

  /** Content, copied; returns how many bytes of the stream are queued now. */
  data(stream: Http2Stream, bytes: Uint8Array, end: boolean): number {
    let at = 0;
    if (stream.queuedBytes === 0) {
      at = this.#frames(stream, bytes, end);
      if (at === bytes.length) {
        if (bytes.length === 0 && end) this.#emptyEnd(stream);
        return 0;
      }
      this.#waiting.push(stream);
      stream.stalledMs = this.nowMs;
    }
    stream.queue ??= [];
    if (at < bytes.length) stream.queueRoom = appendCopy(stream.queue, bytes.subarray(at), stream.queueRoom);
    stream.queuedBytes += bytes.length - at;
    this.queuedBytes += bytes.length - at;
    stream.queuedEnd = end;
    return stream.queuedBytes;
  }

  /** Trailers, behind what is queued. */
  trailers(stream: Http2Stream, fields: Fields, never: readonly string[]): void {
    if (stream.queuedBytes > 0) {
      stream.queuedTrailers = fields;
      stream.queuedNever = never;
      return;
    }
    this.headers(stream.id, fields, never, true);
    this.#events.onEnded(stream);
  }

  /** Forgets what is queued of a stream. */
  drop(stream: Http2Stream): void {
    if (stream.queuedBytes === 0) return;
    this.queuedBytes -= stream.queuedBytes;
    stream.queue = undefined;
    stream.queuedBytes = 0;
    const index = this.#waiting.indexOf(stream);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Frames queued content as far as windows allow. */
  flush(): void {
    let moved = true;
    while (moved && this.#waiting.length > 0 && this.#window > 0 && !this.#blocked) {
      moved = false;
      // A peer that gives window by the byte must not have all streams looked at for each.
      for (let i = 0; i < this.#waiting.length && this.#window > 0; ) {
        const stream = this.#waiting[i];
        if (this.#turn(stream)) moved = true;
        if (stream.queuedBytes > 0) i++;
        else {
          this.#waiting.splice(i, 1);
          this.#drained(stream);
        }
      }
    }
  }

  /** One frame of a waiting stream; false when its window is empty. */
  #turn(stream: Http2Stream): boolean {
    const queue = stream.queue as Buffer[];
    const first = queue[0];
    const length = Math.min(first.length, this.#window, stream.sendWindow, MAX_SENT_BYTES);
    if (length <= 0) return false;
    const end = stream.queuedEnd && length === stream.queuedBytes;
    this.#frame(stream, first, 0, length, end);
    if (length === first.length || length === MAX_SENT_BYTES) this.#events.onContent();
    stream.stalledMs = this.nowMs;
    stream.queuedBytes -= length;
    this.queuedBytes -= length;
    if (length === first.length) queue.shift();
    else queue[0] = first.subarray(length);
    return true;
  }

  #drained(stream: Http2Stream): void {
    const trailers = stream.queuedTrailers;
    if (trailers !== undefined) {
      stream.queuedTrailers = undefined;
      this.headers(stream.id, trailers, stream.queuedNever ?? [], true);
    }
    this.#events.onDrain(stream);
    if (trailers !== undefined || stream.queuedEnd) this.#events.onEnded(stream);
  }

  /** Frames straight from the caller's bytes; returns how many went. */
  #frames(stream: Http2Stream, bytes: Uint8Array, end: boolean): number {
    let at = 0;
    while (at < bytes.length && !this.#blocked) {
      const length = Math.min(bytes.length - at, this.#window, stream.sendWindow, MAX_SENT_BYTES);
      if (length <= 0) break;
      const last = end && at + length === bytes.length;
      this.#frame(stream, bytes, at, at + length, last);
      if (at + length === bytes.length || length === MAX_SENT_BYTES) this.#events.onContent();
      at += length;
      if (last) this.#events.onEnded(stream);
    }
    return at;
  }

  #frame(stream: Http2Stream, bytes: Uint8Array, start: number, stop: number, end: boolean): void {
    this.out.head(stop - start, FRAME.data, end ? FLAG.endStream : 0, stream.id);
    this.out.bytes(bytes, start, stop);
    this.#window -= stop - start;
    stream.sendWindow -= stop - start;
  }

  #emptyEnd(stream: Http2Stream): void {
    this.out.head(0, FRAME.data, FLAG.endStream, stream.id);
    this.#events.onEnded(stream);
  }

  /** SETTINGS as pairs of number and value. */
  settings(pairs: readonly (readonly [number, number])[]): void {
    this.out.head(pairs.length * 6, FRAME.settings, 0, 0);
    for (const [number, value] of pairs) {
      this.out.at = this.out.buffer.writeUInt16BE(number, this.out.at);
      this.out.uint32(value);
    }
  }

  settingsAck(): void {
    this.out.head(0, FRAME.settings, FLAG.ack, 0);
  }

  /** PING with eight octets of `bytes` from `at`. */
  ping(bytes: Uint8Array, at: number, ack: boolean): void {
    this.out.head(8, FRAME.ping, ack ? FLAG.ack : 0, 0);
    this.out.bytes(bytes, at, at + 8);
  }

  reset(stream: number, code: number): void {
    this.out.head(4, FRAME.reset, 0, stream);
    this.out.uint32(code);
  }

  windowUpdate(stream: number, bytes: number): void {
    this.out.head(4, FRAME.windowUpdate, 0, stream);
    this.out.uint32(bytes);
  }

  goaway(lastStream: number, code: number, debug: string): void {
    const text = Buffer.from(debug.slice(0, 200), "latin1");
    this.out.head(8 + text.length, FRAME.goaway, 0, 0);
    this.out.uint32(lastStream);
    this.out.uint32(code);
    this.out.bytes(text, 0, text.length);
  }
}
