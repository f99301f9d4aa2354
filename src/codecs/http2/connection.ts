/**
 * Both ends of an HTTP/2 connection as a machine without I/O (RFC 9113). How to drive it:
 *
 * ```ts
 * const machine = new Http2Connection("server", Date.now());        // its SETTINGS wait in takeOutput() at once
 * socket.on("data", (bytes) => {
 *   try {
 *     for (const event of machine.receive(bytes, Date.now())) handle(event);
 *   } catch (error) { socket.end(machine.takeOutput()); return }    // ProtocolError: the GOAWAY is in the output
 *   later(() => socket.write(machine.takeOutput()));                // once for many events and many calls
 * });
 * // a call in:    head (end?), data*, trailers or end of data; answered by head(), data(), trailers()
 * // a call out:   const stream = machine.open(fields, false); stream.context = mine; machine.data(stream, bytes, true)
 * // back-pressure: each byte of `data` is given back by release(stream, bytes) when it has gone on. data() of the far side returns
 * //               how much of its stream is queued there: 0, release at once; else wait for its `drain`, then release.
 * // slow socket:  setBlocked(true) while the socket's buffer is full: content then waits in the streams; after
 * //               setBlocked(false) and at the end of a turn, takeEvents() has what our own calls brought about.
 * ```
 *
 * Bytes in events are the caller's chunk or the machine's own, good until the next `receive`. A stream that is gone ignores calls.
 * Push is off both ways, priorities are read over, extended CONNECT is not offered. Limits are in limits.ts, floods in floods.ts.
 */

import type { Fields } from "../fields.ts";
import { ERROR, PREFACE } from "./frame.ts";
import type { Http2Limits } from "./limits.ts";
import { Receiver } from "./receiver.ts";
import type { Http2Stream } from "./stream.ts";

const NONE: readonly string[] = [];
const MAX_ID = 0x7fffffff;
/** What the graceful GOAWAY's ping carries. */
const DRAIN_PING = Buffer.from("drain...", "latin1");
const USER_PING = Buffer.from("ping....", "latin1");

/** One end of one connection. */
export class Http2Connection extends Receiver {
  /** The user has no room for content that waits. */
  full = false;
  #nextId = 1;
  #drainMs = -1;
  #drainSent = false;

  constructor(role: "server" | "client", nowMs: number, limits: Partial<Http2Limits> = {}) {
    super(role, nowMs, limits);
    if (role === "client") {
      this.sender.out.reserve(PREFACE.length);
      this.sender.out.bytes(PREFACE, 0, PREFACE.length);
    }
    this.sendSettings();
  }

  /** Streams that are open. */
  get openStreams(): number {
    return this.streams.size;
  }

  /** Client: whether `open` would give a stream. */
  get canOpen(): boolean {
    return !this.goneAway && this.#drainMs < 0 && this.streams.size < this.peerMaxStreams && this.#nextId <= MAX_ID;
  }

  /** Client: streams opened so far. */
  get openedStreams(): number {
    return (this.#nextId - 1) / 2;
  }

  /** Content of all streams that waits for the peer's windows, or for the socket. */
  get queuedBytes(): number {
    return this.sender.queuedBytes;
  }

  /** Whether the peer takes a header list of this size (RFC 9113 section 6.5.2): some end the connection over one that is larger. */
  takesList(fields: Fields): boolean {
    let bytes = fields.length * 16;
    for (let i = 0; i < fields.length; i++) bytes += fields[i].length;
    return bytes <= this.peerMaxListBytes;
  }

  /** Bytes that wait in `takeOutput`. */
  get outputBytes(): number {
    return this.sender.out.length;
  }

  /** Client: begins a request; undefined when the connection takes no more now. `never`: names that no hop may index. */
  open(fields: Fields, end: boolean, never: readonly string[] = NONE): Http2Stream | undefined {
    if (!this.canOpen) return undefined;
    const stream = this.addStream(this.#nextId);
    this.#nextId += 2;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== ":method") continue;
      stream.isHead = fields[i + 1] === "HEAD";
      break;
    }
    this.sender.headers(stream.id, fields, never, end);
    if (end) this.ended(stream);
    return stream;
  }

  /** Server: the head of an answer, or a 1xx one before it. */
  head(stream: Http2Stream, fields: Fields, end: boolean, never: readonly string[] = NONE): void {
    if (stream.closed || stream.localEnded) return;
    this.sender.headers(stream.id, fields, never, end);
    if (end) this.ended(stream);
  }

  /**
   * Content, copied; `end` ends our side. Returns the bytes of this stream that wait for window. More than `maxQueuedBytes` of them, or
   * of all streams than `maxAllQueuedBytes`, and any at all while `full`, reset the stream, which is reported as of our own doing.
   */
  data(stream: Http2Stream, bytes: Uint8Array, end: boolean): number {
    if (stream.closed || stream.localEnded) return 0;
    if (end) stream.localEnded = true;
    const queued = this.sender.data(stream, bytes, end);
    if (queued === 0) return 0;
    const { maxQueuedBytes, maxAllQueuedBytes } = this.limits;
    if (queued > maxQueuedBytes || this.sender.queuedBytes > maxAllQueuedBytes || this.full) {
      const what =
        queued > maxQueuedBytes ? `maxQueuedBytes ${maxQueuedBytes}` : `maxAllQueuedBytes ${maxAllQueuedBytes}`;
      this.resetStream(stream, ERROR.internal, this.full ? "no room for content that waits" : `over ${what}`);
      return 0;
    }
    return queued;
  }

  /** Ends our side with trailers, behind what is queued. */
  trailers(stream: Http2Stream, fields: Fields, never: readonly string[] = NONE): void {
    if (stream.closed || stream.localEnded) return;
    stream.localEnded = true;
    this.sender.trailers(stream, fields, never);
  }

  /** Ends a stream at once, in both directions; queued content is dropped. Codes are in `ERROR`. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.sender.reset(stream.id, code);
    this.close(stream, "we-reset");
  }

  /** Gives back window for bytes of `data` events that have been used. */
  release(stream: Http2Stream, bytes: number): void {
    const given = Math.min(bytes, stream.unreleased);
    stream.unreleased -= given;
    const shared = Math.min(given, stream.shared);
    stream.shared -= shared;
    this.credit(given - shared);
    if (stream.closed || stream.remoteEnded) return;
    stream.credit += given;
    if (stream.credit * 2 < this.limits.streamWindowBytes) return;
    stream.receiveWindow += stream.credit;
    this.sender.windowUpdate(stream.id, stream.credit);
    stream.credit = 0;
  }

  /** Gives the connection's window back for bytes that are not used yet, as other streams need it; their stream's own they go on holding. */
  share(stream: Http2Stream, bytes: number): void {
    const given = Math.min(bytes, stream.unreleased - stream.shared);
    stream.shared += given;
    this.credit(given);
  }

  /** While true no content is framed: the socket is full. */
  setBlocked(blocked: boolean): void {
    this.sender.setBlocked(blocked);
  }

  /** Sends a PING; its answer is the event `pong`. */
  ping(): void {
    this.sender.ping(USER_PING, 0, false);
  }

  /** Says goodbye at once: streams go on, new ones are refused. */
  goaway(code: number, debug = ""): void {
    this.sendGoaway(code, debug);
  }

  /**
   * Says goodbye in two steps: GOAWAY without a last stream and a PING, and when that is answered (or after a second) GOAWAY with
   * the last stream taken. The event `drained` comes when both are out and no stream is open.
   */
  drain(nowMs: number): void {
    if (this.#drainMs >= 0) return;
    this.#drainMs = nowMs + this.limits.drainPingMs;
    if (this.role === "server") {
      this.sender.goaway(MAX_ID, ERROR.none, "");
      this.sender.ping(DRAIN_PING, 0, false);
    } else this.#secondGoaway();
  }

  /** Bytes to write since the last call; empty when there are none. The caller owns them. */
  takeOutput(): Buffer {
    return this.sender.out.take();
  }

  protected override onPong(bytes: Buffer, at: number): void {
    if (this.#drainMs >= 0 && !this.#drainSent && bytes.compare(DRAIN_PING, 0, 8, at, at + 8) === 0) {
      this.#secondGoaway();
    } else this.events.push({ type: "pong" });
  }

  protected override onIdle(): void {
    if (this.#drainSent) this.events.push({ type: "drained" });
  }

  protected override drainDeadline(): number | undefined {
    return this.#drainMs >= 0 && !this.#drainSent ? this.#drainMs : undefined;
  }

  protected override tickDrain(nowMs: number): void {
    if (this.#drainMs >= 0 && !this.#drainSent && nowMs >= this.#drainMs) this.#secondGoaway();
  }

  #secondGoaway(): void {
    this.#drainSent = true;
    this.sendGoaway(ERROR.none, "");
    if (this.streams.size === 0) this.onIdle();
  }
}
