import type { Socket } from "node:net";
import type { Clock, Timer } from "../../../base/clock.ts";
import { ProtocolError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Burden, Burdens } from "../burdens.ts";
import type { UpstreamHosts } from "../hosts.ts";
import type { NacosCounters } from "./counters.ts";
import type { NacosSession } from "./session.ts";

/** What a connection needs beside its socket. */
export interface NacosConnectionOptions {
  readonly upstream: UpstreamHosts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: NacosCounters;
  /** What the facade keeps for all its clients. */
  readonly burdens: Burdens;
  /** How long one server may take to accept a connection, ms. */
  readonly connectTimeoutMs: number;
  /** Numbers in [0, 1); spreads the connections that are made anew. */
  readonly random: () => number;
}

/** How often a session is looked at in which something waits, and in which nothing does, ms. */
const TICK_MS = 100;
const IDLE_TICK_MS = 5_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** Those that hold no registration come after those that do, so that no subscriber is told of a list before its providers are back. */
const LATER_MS = 300;
const KEEP_ALIVE_MS = 30_000;
/** How long a silent server's end stays open after another one took the client, ms. */
const SILENT_END_MS = 2_000;

/**
 * Joins one client's socket and one server's by a session. The server's end may break and be made anew; the client's end is closed only
 * when the session says so.
 */
export class NacosConnection {
  readonly #session: NacosSession;
  readonly #client: Socket;
  readonly #options: NacosConnectionOptions;
  readonly #abort = new AbortController();
  readonly #onClosed: () => void;
  #server: Socket | undefined;
  /** One that gave no sign of life: its end is the end of the client's instances there, so that waits until they stand elsewhere. */
  #silent: Socket | undefined;
  #connecting = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: Timer | undefined;
  #timer: Timer | undefined;
  #timerMs = 0;
  #closed = false;
  /** The client was sent away: its instances stand until it has registered them elsewhere. */
  #isLeaving = false;
  /** When it went after it was sent away. */
  #leftMs: number | undefined;
  #flushing = false;
  readonly #burden: Burden;
  /** The client's socket has more than it takes at once. */
  #isBlocked = false;

  constructor(client: Socket, session: NacosSession, options: NacosConnectionOptions, onClosed: () => void) {
    this.#client = client;
    this.#session = session;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#burden = options.burdens.open(() => {
      options.counters.broken++;
      options.log.info("nacos facade: connection ended", { side: "client", error: "it makes us keep too much" });
      client.destroy();
      this.close();
    });
    client.setNoDelay(true);
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.on("error", () => this.#clientGone());
    client.on("close", () => this.#clientGone());
    client.on("drain", () => {
      this.#isBlocked = false;
      this.#feed(() => session.setBlocked("client", false));
    });
    client.on("data", (chunk) => this.#feed(() => session.fromClient(chunk)));
    this.#feed(() => {});
  }

  /** How many services the client has instances of at its server that go with its connection. */
  get registrations(): number {
    return this.#session.registrations;
  }

  /** What is shown may be another; of lists of providers those of `interfaces` alone, where they are given. */
  contextChanged(interfaces?: ReadonlySet<string>): void {
    this.#feed(() => this.#session.contextChanged(interfaces));
  }

  /** Asks the client to go to another server. What it has at its own stands until `close`, though the client may be gone before. */
  sendAway(): void {
    this.#isLeaving = true;
    this.#feed(() => this.#session.sendAway());
  }

  /** When a client that was sent away went, ms; undefined while it is there. */
  get leftMs(): number | undefined {
    return this.#leftMs;
  }

  /** Ends both sides; what was written before still goes out. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#isLeaving = false;
    this.#timer?.cancel();
    this.#retry?.cancel();
    this.#abort.abort();
    this.#burden.end();
    end(this.#client);
    if (this.#server !== undefined) end(this.#server);
    this.#silent?.destroy();
    this.#onClosed();
  }

  #clientGone(): void {
    if (this.#isLeaving) this.#leftMs ??= this.#options.clock.now();
    else this.close();
  }

  #feed(take: () => void): void {
    if (this.#closed) return;
    try {
      take();
    } catch (error) {
      this.#broken(error, "client");
      return;
    }
    this.#flushLater();
  }

  #feedServer(server: Socket, take: () => void): void {
    if (this.#closed || server !== this.#server) return;
    try {
      take();
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        this.#broken(error, "server");
        return;
      }
      this.#options.log.warn("nacos facade: a server broke the protocol", { error: error.message });
      this.#serverGone(server);
      return;
    }
    this.#flushLater();
  }

  #broken(error: unknown, side: string): void {
    this.#options.counters.broken++;
    const { log } = this.#options;
    if (error instanceof ProtocolError) log.info("nacos facade: connection ended", { side, error: error.message });
    else log.error("nacos facade: connection ended by a fault of ours", { error: stackOf(error) });
    // The goodbye of HTTP/2 is among what the client's side has to say.
    write(this.#client, this.#session.takeToClient());
    this.close();
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (this.#closed) return;
      try {
        this.#flush();
      } catch (error) {
        this.#broken(error, "client");
      }
    });
  }

  #flush(): void {
    const session = this.#session;
    if (!write(this.#client, session.takeToClient())) {
      this.#isBlocked = true;
      session.setBlocked("client", true);
    }
    const server = this.#server;
    if (server !== undefined) {
      if (!write(server, session.takeToServer())) session.setBlocked("server", true);
      if (session.takeReset()) {
        this.#options.upstream.passOn();
        this.#serverGone(server);
      } else if (session.wantsServer) this.#drop(server);
    }
    if (session.isOver && !this.#isLeaving) {
      this.close();
      return;
    }
    if (session.isServed) this.#endSilent();
    if (session.wantsServer && !this.#connecting && this.#retry === undefined) this.#connectLater(0);
    this.#schedule();
    this.#burden.set(session.keptBytes + (this.#isBlocked ? this.#client.writableLength : 0));
  }

  /** A moment later: Nacos answers a registration before it shows it. */
  #endSilent(): void {
    const silent = this.#silent;
    if (silent === undefined) return;
    this.#silent = undefined;
    this.#options.clock.after(SILENT_END_MS, () => silent.destroy());
  }

  #schedule(): void {
    const delayMs = this.#session.waits ? TICK_MS : IDLE_TICK_MS;
    if (this.#timer !== undefined && this.#timerMs <= delayMs) return;
    this.#timer?.cancel();
    this.#timerMs = delayMs;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#feed(() => this.#session.tick());
    });
  }

  #connectLater(delayMs: number): void {
    if (delayMs === 0) {
      void this.#connect();
      return;
    }
    this.#retry = this.#options.clock.after(delayMs, () => {
      this.#retry = undefined;
      void this.#connect();
    });
  }

  async #connect(): Promise<void> {
    const { upstream, connectTimeoutMs, log } = this.#options;
    this.#connecting = true;
    try {
      const server = await upstream.connect(connectTimeoutMs, this.#abort.signal);
      this.#connecting = false;
      if (this.#closed || !this.#session.wantsServer) server.destroy();
      else this.#join(server);
    } catch (error) {
      this.#connecting = false;
      if (this.#closed) return;
      this.#options.counters.upstreamFailures++;
      log.debug("nacos facade: registry out of reach", { error: String(error) });
      this.#retryLater();
    }
  }

  #retryLater(): void {
    const spreadMs = this.#options.random() * this.#retryMs + (this.#session.registrations > 0 ? 0 : LATER_MS);
    this.#connectLater(Math.max(1, this.#retryMs / 2 + spreadMs));
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
  }

  #join(server: Socket): void {
    this.#server = server;
    const gone = () => this.#serverGone(server);
    server.on("error", gone);
    server.on("close", gone);
    server.on("end", gone);
    server.on("drain", () => this.#feedServer(server, () => this.#session.setBlocked("server", false)));
    server.on("data", (chunk) => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#feedServer(server, () => this.#session.fromServer(chunk));
    });
    const host = server.remoteFamily === "IPv6" ? `[${server.remoteAddress}]` : server.remoteAddress;
    this.#feedServer(server, () => this.#session.serverConnected(`${host}:${server.remotePort}`));
  }

  #serverGone(server: Socket): void {
    if (server !== this.#server || this.#closed) return;
    this.#session.serverLost();
    this.#drop(server);
    this.#flushLater();
  }

  /** Closes a server's end that the session has given up. */
  #drop(server: Socket): void {
    this.#server = undefined;
    const { wasSilent, registrations } = this.#session;
    if (wasSilent && registrations > 0 && this.#silent === undefined) this.#silent = server;
    else server.destroy();
    if (this.#session.wantsServer && this.#retry === undefined && !this.#connecting) this.#retryLater();
  }
}

/** Whether the socket takes more. */
function write(socket: Socket, bytes: Uint8Array): boolean {
  if (bytes.length === 0 || socket.destroyed || !socket.writable) return true;
  return socket.write(bytes);
}

/** Lets what was written go out, then closes; a side that takes nothing is cut off soon after. */
function end(socket: Socket): void {
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
