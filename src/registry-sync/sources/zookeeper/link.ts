import { connect, type Socket } from "node:net";
import type { Clock, Timer } from "../../../base/clock.ts";
import { type ClientEvent, type ClientOut, ZooKeeperClientMachine } from "../../../codecs/zookeeper/connection.ts";
import type { ConnectRequest } from "../../../codecs/zookeeper/records.ts";
import type { ServerAddress } from "./address.ts";

/** How to open a connection to one server, and whom to tell. */
export interface LinkOptions {
  readonly server: ServerAddress;
  readonly clock: Clock;
  readonly connect: ConnectRequest;
  /** For the TCP connection and the handshake together, ms. */
  readonly handshakeTimeoutMs: number;
  readonly maxPacketBytes: number;
  onEvent(event: ClientEvent): void;
  /** Told once, last. */
  onClose(end: LinkEnd): void;
}

/** How a connection ended. */
export interface LinkEnd {
  /** For people. */
  readonly reason: string;
  /** The server took the connection and closed it without having said anything. */
  readonly isSilent: boolean;
}

/** A connection to a server, whatever carries it. */
export interface ServerLink {
  /** Queues a request; it is written with all others of this loop turn. */
  send(out: ClientOut): void;
  /** Closes at once; `onClose` is told. */
  close(reason: string): void;
}

/** One socket to one server, with the machine that speaks on it. */
export class Link implements ServerLink {
  readonly #socket: Socket;
  readonly #machine: ZooKeeperClientMachine;
  readonly #options: LinkOptions;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #flushing = false;
  #closed = false;

  constructor(options: LinkOptions) {
    const { server, clock, handshakeTimeoutMs, maxPacketBytes } = options;
    this.#options = options;
    this.#machine = new ZooKeeperClientMachine({
      connect: options.connect,
      handshakeTimeoutMs,
      maxPacketBytes,
      nowMs: clock.now(),
    });
    this.#socket = connect({ host: server.host, port: server.port, noDelay: true });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#close(error.message));
    this.#socket.on("close", () => {
      this.#close("the server closed the connection", this.#socket.bytesWritten > 0 && this.#socket.bytesRead === 0);
    });
    this.#flushLater();
    this.#arm();
  }

  /** Queues a request; it is written with all others of this loop turn. */
  send(out: ClientOut): void {
    if (this.#closed) return;
    this.#machine.send(out, this.#options.clock.now());
    this.#flushLater();
  }

  /** Closes the socket at once; `onClose` is told. */
  close(reason: string): void {
    this.#close(reason);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const event of this.#machine.receive(chunk, this.#options.clock.now())) {
        if (this.#closed) return;
        this.#options.onEvent(event);
      }
    } catch (error) {
      this.#close(error instanceof Error ? error.message : String(error));
    }
    // The handshake's answer brings the first ping nearer than the handshake's own deadline was.
    if (this.#machine.deadline() < this.#timerDueMs) this.#arm();
  }

  #arm(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timerDueMs = this.#machine.deadline();
    this.#timer = clock.after(Math.max(1, this.#timerDueMs - clock.now()), () => {
      for (const event of this.#machine.tick(clock.now())) {
        if (event.type === "lost") this.#close(event.reason);
        else this.#options.onEvent(event);
      }
      this.#flushLater();
      this.#arm();
    });
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const output = this.#machine.takeOutput();
      if (!this.#closed && output.length > 0) this.#socket.write(output);
    });
  }

  #close(reason: string, isSilent = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket.destroy();
    this.#options.onClose({ reason, isSilent });
  }
}
