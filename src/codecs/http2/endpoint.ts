/** What an HTTP/2 connection is beside its frames: its life, its clock, its streams, its accounts. */
import { ProtocolError } from "../../base/errors.ts";
import type { Http2Event } from "./events.ts";
import { FloodGuard } from "./floods.ts";
import { DEFAULT_WINDOW, ERROR, FrameReader, Http2Error, PREFACE, SETTING } from "./frame.ts";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "./limits.ts";
import { Sender } from "./sender.ts";
import { type Ending, Http2Stream, StreamTable } from "./stream.ts";

/** The ground that the receiving half stands on. */
export abstract class Endpoint {
  readonly role: "server" | "client";
  protected readonly limits: Http2Limits;
  protected readonly sender: Sender;
  protected readonly streams = new StreamTable();
  protected events: Http2Event[] = [];
  protected peerMaxStreams = 100;
  /** What the peer takes as a header list; until it says so, what most do. */
  protected peerMaxListBytes = 64 * 1024;
  /** The peer has said goodbye. */
  protected goneAway = false;
  readonly #reader: FrameReader;
  protected readonly guard: FloodGuard;
  #prefaceBytes = 0;
  protected settled = false;
  protected acknowledged = false;
  #failed = false;
  #handshakeDueMs: number;
  #scanMs = 0;
  /** The highest stream that was ever opened, and the last one that our goodbye promises to serve. */
  protected lastId = 0;
  protected lastServed = 0x7fffffff;
  protected receiveWindow: number;
  #credit = 0;
  /** The header block in the making; 0 for none. */
  protected blockStream = 0;
  protected blockDueMs = 0;

  constructor(role: "server" | "client", nowMs: number, limits: Partial<Http2Limits>) {
    this.role = role;
    this.limits = { ...DEFAULT_HTTP2_LIMITS, ...limits };
    this.sender = new Sender(
      {
        onDrain: (stream) => this.events.push({ type: "drain", stream }),
        onEnded: (stream) => this.ended(stream),
        onContent: () => this.guard.earnFrame(),
      },
      nowMs,
      this.limits.headerTableBytes,
    );
    this.guard = new FloodGuard(nowMs);
    this.#reader = new FrameReader(
      (bytes, start, end, type, flags, stream) => this.onFrame(bytes, start, end, type, flags, stream),
      this.limits.maxFrameBytes,
    );
    this.receiveWindow = Math.max(DEFAULT_WINDOW, this.limits.connectionWindowBytes);
    this.#handshakeDueMs = nowMs + this.limits.handshakeMs;
    if (role === "client") this.#prefaceBytes = PREFACE.length;
  }

  protected abstract onFrame(bytes: Buffer, start: number, end: number, type: number, flags: number, id: number): void;
  protected abstract onPong(bytes: Buffer, at: number): void;
  protected abstract onIdle(): void;
  protected abstract drainDeadline(): number | undefined;
  protected abstract tickDrain(nowMs: number): void;

  /**
   * Takes bytes from the peer; returns what they complete. Throws `ProtocolError` when the peer broke the connection's rules; then only
   * `takeOutput` may be called (it has the GOAWAY), and the connection is closed.
   */
  receive(bytes: Uint8Array, nowMs: number): Http2Event[] {
    return this.#guarded(nowMs, () => {
      const { sender, limits } = this;
      if (sender.blocked && sender.out.length > limits.maxOutputBytes) {
        throw new Http2Error(ERROR.calm, `unread output is over maxOutputBytes ${limits.maxOutputBytes}`);
      }
      let chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (this.#prefaceBytes < PREFACE.length) chunk = this.#preface(chunk);
      if (chunk.length > 0) this.#reader.push(chunk);
    });
  }

  /** What calls have brought about since the last `receive` or `tick`: `drain` by `setBlocked(false)`, `reset` by `data`, `drained`. */
  takeEvents(): Http2Event[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  /** When `tick` wants to be called, ms since 1970; undefined for not at all. */
  deadline(): number | undefined {
    let due = this.drainDeadline() ?? Number.POSITIVE_INFINITY;
    if (!this.settled || !this.acknowledged) due = Math.min(due, this.#handshakeDueMs);
    if (this.blockStream > 0) due = Math.min(due, this.blockDueMs);
    if (this.sender.waiting.length > 0) due = Math.min(due, this.#scanMs + Math.ceil(this.limits.stallMs / 8));
    return Number.isFinite(due) ? due : undefined;
  }

  /** Lets timers run: handshake, unfinished header blocks, streams whose reader takes nothing. Returns and throws like `receive`. */
  tick(nowMs: number): Http2Event[] {
    return this.#guarded(nowMs, () => {
      const { limits, sender } = this;
      if ((!this.settled || !this.acknowledged) && nowMs >= this.#handshakeDueMs) {
        throw new Http2Error(ERROR.settingsTimeout, `no settings and acknowledgement within ${limits.handshakeMs} ms`);
      }
      if (this.blockStream > 0 && nowMs >= this.blockDueMs) {
        throw new Http2Error(ERROR.calm, `header block not complete within ${limits.handshakeMs} ms`);
      }
      this.#scanMs = nowMs;
      for (const stream of sender.waiting.filter((one) => nowMs - one.stalledMs >= limits.stallMs)) {
        this.resetStream(stream, ERROR.cancel, `content was not taken for ${limits.stallMs} ms`);
      }
      this.tickDrain(nowMs);
    });
  }

  #guarded(nowMs: number, work: () => void): Http2Event[] {
    if (this.#failed) throw new Http2Error(ERROR.protocol, "the connection is over");
    this.sender.nowMs = nowMs;
    this.guard.advance(nowMs);
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#failed = true;
      const code = error instanceof Http2Error ? error.code : ERROR.compression;
      this.sender.goaway(this.role === "server" ? this.lastId : 0, code, error.message);
      throw error;
    }
    return this.takeEvents();
  }

  #preface(chunk: Buffer): Buffer {
    const take = Math.min(PREFACE.length - this.#prefaceBytes, chunk.length);
    if (PREFACE.compare(chunk, 0, take, this.#prefaceBytes, this.#prefaceBytes + take) !== 0) {
      throw new Http2Error(ERROR.protocol, "client preface is wrong");
    }
    this.#prefaceBytes += take;
    return chunk.subarray(take);
  }

  protected sendSettings(): void {
    const { limits } = this;
    this.sender.settings([
      [SETTING.headerTableSize, limits.headerTableBytes],
      ...(this.role === "client" ? [[SETTING.enablePush, 0] as const] : []),
      ...(this.role === "server" ? [[SETTING.maxConcurrentStreams, limits.maxStreams] as const] : []),
      [SETTING.initialWindowSize, limits.streamWindowBytes],
      [SETTING.maxFrameSize, limits.maxFrameBytes],
      [SETTING.maxHeaderListSize, limits.maxHeaderListBytes],
    ]);
    const more = this.receiveWindow - DEFAULT_WINDOW;
    if (more > 0) this.sender.windowUpdate(0, more);
  }

  protected sendGoaway(code: number, debug: string): void {
    this.lastServed = Math.min(this.lastServed, this.lastId);
    this.sender.goaway(this.role === "server" ? this.lastServed : 0, code, debug);
  }

  protected addStream(id: number): Http2Stream {
    const window = this.limits.streamWindowBytes;
    // Until our SETTINGS are acknowledged the peer goes by the window of the RFC.
    const receiveWindow = this.acknowledged ? window : Math.max(window, DEFAULT_WINDOW);
    const stream = new Http2Stream(id, this.sender.initialWindow, receiveWindow);
    this.lastId = id;
    this.streams.add(stream);
    return stream;
  }

  /** Our side's end is framed. */
  protected ended(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.close(stream, "ended");
  }

  protected close(stream: Http2Stream, ending: Ending): void {
    if (stream.closed) return;
    stream.closed = true;
    this.sender.drop(stream);
    this.streams.remove(stream, ending);
    if (ending === "ended") this.guard.earnStream();
    else {
      this.credit(stream.unreleased - stream.shared);
      stream.unreleased = 0;
      stream.shared = 0;
    }
    if (this.streams.size === 0) this.onIdle();
  }

  /** Ends a stream because of a rule or limit, and reports it. */
  protected resetStream(stream: Http2Stream, code: number, why: string): void {
    this.sender.reset(stream.id, code);
    this.events.push({ type: "reset", stream, code, why });
    this.close(stream, "we-reset");
    this.spendReset();
  }

  /** Refuses what is no open stream. */
  protected resetUnknown(id: number, code: number): void {
    this.sender.reset(id, code);
    this.streams.remember(id, "we-reset");
    this.spendReset();
  }

  protected spendReset(): void {
    if (this.role === "server") this.guard.spendReset();
  }

  /** Connection window given back; told to the peer in large steps. */
  protected credit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit * 2 < this.limits.connectionWindowBytes || this.#credit === 0) return;
    this.receiveWindow += this.#credit;
    this.sender.windowUpdate(0, this.#credit);
    this.#credit = 0;
  }
}
