import { Http2Connection } from "../../codecs/http2/connection.ts";
import type { Http2Event } from "../../codecs/http2/events.ts";
import type { Http2Limits } from "../../codecs/http2/limits.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import type { ProxyContext } from "../context.ts";
import type { SocketDriver, SocketOwner } from "../socket-driver.ts";

/** What the peer may leave unread in the socket before content waits in its streams, where windows bound it. */
const BLOCK_BYTES = 256 * 1024;

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
    this.machine = new Http2Connection(role, this.#wallMs(), limits);
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
    if (!this.#blocked) {
      const output = this.machine.takeOutput();
      if (output.length > 0) this.driver.append(output, 0, output.length);
      if (this.driver.backlogBytes > BLOCK_BYTES) this.#block();
    }
    for (const event of this.machine.takeEvents()) this.#owner.onEvent(event);
  }

  onClosed(error: Error | undefined): void {
    this.#context.nowMs = performance.now();
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
    let events: readonly Http2Event[];
    try {
      events = work();
    } catch (error) {
      this.#owner.onProtocolError(error as Error);
      throw error;
    }
    for (const event of events) this.#owner.onEvent(event);
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

/** A stream on a connection: where content comes from or goes to. */
export interface StreamOn {
  readonly link: Http2Link;
  readonly stream: Http2Stream;
}
