import type { Socket } from "node:net";
import type { Clock, Timer } from "../../../base/clock.ts";
import { ProtocolError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { UpstreamHosts } from "../hosts.ts";
import type { FacadeCounters } from "./counters.ts";
import type { Refusals } from "./refusals.ts";
import type { FacadeSession } from "./session.ts";

/** What a connection needs beside its socket. */
export interface ConnectionOptions {
  readonly upstream: UpstreamHosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: FacadeCounters;
  readonly refusals: Refusals;
  /** How long a client may take to say what it wants, and the server to answer that, ms. */
  readonly handshakeTimeoutMs: number;
  /** How long one server may take to accept a connection, ms. */
  readonly connectTimeoutMs: number;
}

/** What Node says of a connection that was not made, as far as it is looked at. */
interface ConnectError {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
}

/** Bytes that a client may leave unread, beyond one answer of the largest size, before it is cut off. */
const MAX_UNREAD_BYTES = 128 * 1024 * 1024;
/** A client's host that is gone without a word is noticed by the system after some time, asked for the first time after this, ms. */
const KEEP_ALIVE_MS = 30_000;

/** How often a session is looked at whose answers wait, ms. */
const TICK_MS = 100;

/**
 * Joins one client's socket and one server's by a session: bytes go through it both ways, the one side is read no faster than the
 * other takes, and what ends one side ends the other as the client would see it without us.
 */
export class FacadeConnection {
  readonly #session: FacadeSession;
  readonly #client: Socket;
  readonly #options: ConnectionOptions;
  readonly #abort = new AbortController();
  #server: Socket | undefined;
  #timer: Timer;
  #waiting: Timer | undefined;
  #closed = false;
  /** Whether the server has said anything. */
  #isAnswered = false;
  readonly #onClosed: () => void;

  constructor(client: Socket, session: FacadeSession, options: ConnectionOptions, onClosed: () => void) {
    this.#client = client;
    this.#session = session;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#timer = options.clock.after(options.handshakeTimeoutMs, () => this.#handshakeOver());
    client.setNoDelay(true);
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.on("error", () => this.close());
    client.on("close", () => this.close());
    client.on("end", () => this.close());
    client.pause();
    void this.#connect();
  }

  /** The context was replaced: the client is told what changed for it. */
  contextChanged(): void {
    if (this.#server !== undefined) this.#feed(() => this.#session.contextChanged());
  }

  /** Writes what the session has for either side. */
  #flush(): void {
    const server = this.#server;
    if (this.#closed || server === undefined) return;
    writeAll(server, this.#session.takeToServer());
    writeAll(this.#client, this.#session.takeToClient());
    if (this.#client.writableLength > MAX_UNREAD_BYTES) {
      this.#options.counters.broken++;
      this.#options.log.info("zookeeper facade: a client that reads nothing was cut off", { unread: MAX_UNREAD_BYTES });
      this.#client.destroy();
      return;
    }
    this.#balance();
    if (this.#session.waits && this.#waiting === undefined) this.#tickLater();
  }

  /** Looks again at answers that wait for the proxies; a new context lets them go at once. */
  #tickLater(): void {
    this.#waiting = this.#options.clock.after(TICK_MS, () => {
      this.#waiting = undefined;
      this.#feed(() => this.#session.tick());
    });
  }

  /** Ends both sides; what was written before still goes out. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.cancel();
    this.#waiting?.cancel();
    this.#abort.abort();
    this.#session.end();
    endSocket(this.#client);
    if (this.#server !== undefined) endSocket(this.#server);
    this.#onClosed();
  }

  async #connect(): Promise<void> {
    const { upstream, connectTimeoutMs, counters, log, refusals } = this.#options;
    try {
      const server = await upstream.connect(connectTimeoutMs, this.#abort.signal);
      if (this.#closed) {
        server.destroy();
        return;
      }
      this.#join(server);
    } catch (error) {
      if (this.#closed) return;
      counters.upstreamFailures++;
      log.debug("zookeeper facade: client closed, registry out of reach", { error: String(error) });
      // Taken, and closed before we looked.
      const { code, address, port } = ((error as Error).cause ?? {}) as ConnectError;
      if (code === "ECONNRESET") refusals.refused(`${address}:${port}`, counters.sessions);
      this.close();
    }
  }

  #join(server: Socket): void {
    this.#server = server;
    const name = `${server.remoteAddress}:${server.remotePort}`;
    server.on("error", () => this.#serverGone(name));
    server.on("close", () => this.#serverGone(name));
    server.on("end", () => this.#serverGone(name));
    server.on("drain", () => this.#balance());
    this.#client.on("drain", () => this.#balance());
    server.on("data", (chunk) => {
      this.#feed(() => this.#session.fromServer(chunk));
      if (!this.#isAnswered && this.#session.established) this.#options.refusals.accepted();
      this.#isAnswered = true;
    });
    this.#client.on("data", (chunk) => this.#feed(() => this.#session.fromClient(chunk)));
    this.#client.resume();
  }

  /** The server ended the connection; one that never answered will not take the next one either. */
  #serverGone(server: string): void {
    const { counters, refusals, upstream } = this.#options;
    if (!this.#closed && !this.#isAnswered) {
      counters.upstreamFailures++;
      upstream.passOn();
      refusals.refused(server, counters.sessions);
    }
    this.close();
  }

  #feed(take: () => void): void {
    if (this.#closed) return;
    try {
      take();
    } catch (error) {
      this.#options.counters.broken++;
      if (error instanceof ProtocolError)
        this.#options.log.info("zookeeper facade: connection ended", { error: error.message });
      else this.#options.log.error("zookeeper facade: connection ended by a fault of ours", { error: stackOf(error) });
      this.close();
      return;
    }
    if (this.#session.established) this.#timer.cancel();
    this.#flush();
  }

  /** Each side is read only while the other side takes what comes. */
  #balance(): void {
    const server = this.#server;
    if (server === undefined || this.#closed) return;
    toggle(
      this.#client,
      !server.writableNeedDrain && !this.#client.writableNeedDrain && this.#session.takesClientBytes,
    );
    toggle(server, !this.#client.writableNeedDrain && this.#session.takesServerBytes);
  }

  #handshakeOver(): void {
    if (this.#session.established) return;
    this.#options.counters.broken++;
    this.close();
  }
}

function toggle(socket: Socket, read: boolean): void {
  if (read && socket.isPaused()) socket.resume();
  else if (!read && !socket.isPaused()) socket.pause();
}

function writeAll(socket: Socket, packets: readonly Uint8Array[]): void {
  if (packets.length === 0 || socket.destroyed) return;
  socket.cork();
  for (const packet of packets) socket.write(packet);
  socket.uncork();
}

/** Lets what was written go out, then closes; a side that takes nothing is cut off soon after. */
function endSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableLength === 0) {
    socket.destroy();
    return;
  }
  socket.end(() => socket.destroy());
  socket.setTimeout(2_000, () => socket.destroy());
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
