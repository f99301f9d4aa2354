import type { Fields } from "../../codecs/fields.ts";
import { Http2Connection } from "../../codecs/http2/connection.ts";
import type { Http2Event } from "../../codecs/http2/events.ts";
import type { Http2Limits } from "../../codecs/http2/limits.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import type { ProxyContext } from "../context.ts";
import type { SocketDriver, SocketOwner } from "../socket-driver.ts";

/** What the peer may leave unread in the socket before content waits in its streams, where windows bound it. */
const BLOCK_BYTES = 256 * 1024;
/** What an answer that was translated may have more than its frame had. */
const ROOM_BYTES = 64 * 1024;

/** What a {@link Http2Link} tells its owner. */
export interface LinkOwner {
  onEvent(event: Http2Event): void;
  /** The peer broke the connection's rules; it ends. */
  onProtocolError(error: Error): void;
  /** The connection is gone, exactly once. */
  onClosed(error: Error | undefined): void;
}

/** An HTTP/2 machine on a socket: events out, output written once a turn, content held in the streams while the socket is full. */
export class Http2Link implements SocketOwner {
  readonly machine: Http2Connection;
  readonly driver: SocketDriver;
  /** When bytes came last, monotonic ms. */
  lastReadMs: number;
  readonly #context: ProxyContext;
  readonly #owner: LinkOwner;
  #blocked = false;
  /** What of the proxy's held bytes is queued here. */
  #counted = 0;

  /** `drive` gives the driver of the socket, which tells the link from then on. */
  constructor(
    context: ProxyContext,
    role: "server" | "client",
    drive: (owner: SocketOwner) => SocketDriver,
    owner: LinkOwner,
    limits: Partial<Http2Limits> = {},
  ) {
    this.#context = context;
    this.#owner = owner;
    this.lastReadMs = context.nowMs;
    const { maxSkipBytes, maxHeldBytes } = context.limits;
    const bounds = { maxQueuedBytes: maxSkipBytes + ROOM_BYTES, maxAllQueuedBytes: maxHeldBytes / 2, ...limits };
    this.machine = new Http2Connection(role, this.#wallMs(), bounds);
    this.driver = drive(this);
    this.driver.wake();
  }

  /** Has output written at the end of the turn; to be called after calls of the machine. */
  wake(): void {
    this.driver.wake();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#context.nowMs = performance.now();
    this.lastReadMs = this.#context.nowMs;
    this.#guarded(() => this.machine.receive(bytes.subarray(start, end), this.#wallMs()));
    this.driver.wake();
  }

  onFlush(): void {
    if (this.driver.closed) return;
    try {
      this.#report(this.machine.takeEvents());
    } catch (error) {
      // Nobody is above this turn's end to catch it.
      this.#owner.onProtocolError(error as Error);
      this.driver.destroy();
      return;
    }
    this.#count();
    if (!this.#blocked) {
      const output = this.machine.takeOutput();
      if (output.length > 0) this.driver.append(output, 0, output.length);
      if (this.driver.backlogBytes > BLOCK_BYTES) this.#block();
    }
  }

  /** Bytes that the peer has not taken yet, wherever they wait. */
  get backlogBytes(): number {
    return this.driver.backlogBytes + this.machine.outputBytes + this.machine.queuedBytes;
  }

  /** Content, copied. Returns the bytes of the stream that wait here; a stream for which there is no room is reset, and told so. */
  data(stream: Http2Stream, bytes: Buffer, end: boolean): number {
    const { heldBytes, limits } = this.#context;
    this.machine.full = heldBytes > limits.maxHeldBytes;
    const queued = this.machine.data(stream, bytes, end);
    if (queued > 0) this.#count();
    this.wake();
    return queued;
  }

  onClosed(error: Error | undefined): void {
    this.#context.nowMs = performance.now();
    this.#context.heldBytes -= this.#counted;
    this.#counted = 0;
    this.#owner.onClosed(error);
  }

  /** Lets the machine's timers run. Throws nothing: a peer that is late is said goodbye. */
  tick(): void {
    const due = this.machine.deadline();
    if (due === undefined || due > this.#wallMs()) return;
    try {
      this.#guarded(() => this.machine.tick(this.#wallMs()));
      this.driver.wake();
    } catch {
      this.onFlush();
      this.driver.end();
    }
  }

  #guarded(work: () => readonly Http2Event[]): void {
    try {
      this.#report(work());
    } catch (error) {
      this.#owner.onProtocolError(error as Error);
      throw error;
    }
  }

  /** Reports events, and those that come of them: what those ask to be sent is sent this turn. */
  #report(events: readonly Http2Event[]): void {
    for (let now = events; now.length > 0; now = this.machine.takeEvents()) {
      for (const event of now) this.#owner.onEvent(event);
    }
  }

  /** Counts what is queued here among the bytes that the proxy holds. */
  #count(): void {
    if (this.driver.closed) return;
    const { queuedBytes } = this.machine;
    this.#context.heldBytes += queuedBytes - this.#counted;
    this.#counted = queuedBytes;
  }

  #block(): void {
    this.#blocked = true;
    this.machine.setBlocked(true);
    this.driver.onDrained(() => {
      this.#blocked = false;
      this.machine.setBlocked(false);
      this.driver.wake();
    });
  }

  #wallMs(): number {
    return this.#context.originMs + this.#context.nowMs;
  }
}

/** Where the content of a request goes. */
export interface ContentSink {
  /** Borrows `bytes`; `end` ends it. Above 0: more is to come only when that much has gone on. */
  data(bytes: Buffer, end: boolean): number;
  /** Ends it by trailers. */
  trailers(fields: Fields): void;
}

/** A stream on a connection: where content comes from or goes to. */
export class StreamOn implements ContentSink {
  readonly link: Http2Link;
  readonly stream: Http2Stream;

  constructor(link: Http2Link, stream: Http2Stream) {
    this.link = link;
    this.stream = stream;
  }

  data(bytes: Buffer, end: boolean): number {
    return this.link.data(this.stream, bytes, end);
  }

  trailers(fields: Fields): void {
    this.link.machine.trailers(this.stream, fields);
    this.link.wake();
  }
}
