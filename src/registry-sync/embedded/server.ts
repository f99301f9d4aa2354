import { randomBytes } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, realClock } from "../../base/clock.ts";
import { ProtocolError } from "../../base/errors.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { type ServerEvent, ZooKeeperServerMachine } from "../../codecs/zookeeper/connection.ts";
import { DEFAULT_MAX_REQUEST_BYTES } from "../../codecs/zookeeper/constants.ts";
import { type Peer, Registry, type RegistryLimits } from "./registry.ts";
import { answerWord } from "./words.ts";

/** How to run an embedded registry; everything but the address has a default that suits a single machine. */
export interface EmbeddedRegistryOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** The unit of session time-outs, ms: a session gets 2 to 20 of it. 2000 as in ZooKeeper. */
  readonly tickMs?: number;
  readonly limits?: Partial<RegistryLimits>;
  readonly maxConnections?: number;
  /** The largest request, bytes; over it the connection is closed. */
  readonly maxRequestBytes?: number;
  /** How much a client may leave unread before it is cut off, bytes. */
  readonly maxUnreadBytes?: number;
}

/** A running embedded registry. */
export interface EmbeddedRegistry {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
const READ_PAUSE_BYTES = 1 << 20;

/**
 * Starts an in-memory ZooKeeper server, for demos, tests and a single machine: what it knows is gone when it ends.
 * Rejects when the address can't be bound.
 */
export async function createEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const driver = new Driver(options);
  await driver.listen(options.host, options.port);
  return driver;
}

/** Joins sockets, machines and the registry. */
class Driver implements EmbeddedRegistry {
  readonly registry: Registry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tickMs: number;
  readonly #startedMs: number;
  readonly #maxRequestBytes: number;
  readonly #maxUnreadBytes: number;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #address: AddressInfo = { address: "", family: "", port: 0 };
  #closed = false;

  constructor(options: EmbeddedRegistryOptions) {
    this.#clock = options.clock ?? realClock;
    this.#log = options.log ?? silentLogger;
    this.#tickMs = options.tickMs ?? 2000;
    this.#startedMs = this.#clock.now();
    this.#maxRequestBytes = options.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES;
    this.#maxUnreadBytes = options.maxUnreadBytes ?? 64 << 20;
    const limits: RegistryLimits = {
      maxNodes: 1_000_000,
      maxBytes: 256 << 20,
      maxSessions: 10_000,
      minTimeoutMs: 2 * this.#tickMs,
      maxTimeoutMs: 20 * this.#tickMs,
      maxWatchesPerPeer: 200_000,
      containerCheckMs: 60_000,
      ...options.limits,
    };
    this.registry = new Registry(limits, this.#startedMs, randomBytes);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections ?? 10_000;
  }

  get host(): string {
    return this.#address.address;
  }

  get port(): number {
    return this.#address.port;
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        // Kept, since a closed server no longer says it.
        this.#address = this.#server.address() as AddressInfo;
        resolve();
      });
    });
    this.#server.on("error", (error) => this.#log.error("embedded registry can't accept", { error: error.message }));
    this.#tickLater();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const nowMs = this.#clock.now();
    const machine = new ZooKeeperServerMachine({
      maxPacketBytes: this.#maxRequestBytes,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      nowMs,
    });
    const connection = new Connection(socket, machine, this.#clock, this.#maxUnreadBytes);
    this.#connections.add(connection);
    socket.on("data", (chunk) => this.#receive(connection, chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#connections.delete(connection);
      this.registry.gone(connection);
    });
  }

  #receive(connection: Connection, chunk: Uint8Array): void {
    const nowMs = this.#clock.now();
    try {
      for (const event of connection.machine.receive(chunk, nowMs)) this.#handle(connection, event, nowMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof ProtocolError) {
        this.#log.debug("embedded registry closes a connection", { address: connection.address, reason });
      } else {
        this.#log.error("embedded registry failed on a request", { address: connection.address, reason });
      }
      connection.end();
    }
  }

  #handle(connection: Connection, event: ServerEvent, nowMs: number): void {
    switch (event.type) {
      case "word": {
        const { registry, port } = this;
        const connections = this.#connections.size;
        const context = { registry, port, tickMs: this.#tickMs, connections, startedMs: this.#startedMs, nowMs };
        connection.send({ type: "text", text: answerWord(event.word, context) });
        connection.end();
        return;
      }
      case "connect":
        this.registry.connect(connection, event.request, nowMs);
        return;
      case "request":
      case "malformed":
        this.registry.handle(connection, event, nowMs);
        return;
      case "lost":
        connection.end();
        return;
      default:
        event satisfies never;
    }
  }

  #tickLater(): void {
    this.#clock.after(Math.max(50, this.#tickMs / 4), () => {
      if (this.#closed) return;
      const nowMs = this.#clock.now();
      this.registry.tick(nowMs);
      for (const connection of this.#connections) {
        for (const event of connection.machine.tick(nowMs)) this.#handle(connection, event, nowMs);
      }
      this.#tickLater();
    });
  }
}

/** One socket with its machine; output is collected and written once a loop turn. */
class Connection implements Peer {
  readonly socket: Socket;
  readonly machine: ZooKeeperServerMachine;
  readonly address: string;
  readonly #clock: Clock;
  readonly #maxUnreadBytes: number;
  #flushing = false;
  #ending = false;

  constructor(socket: Socket, machine: ZooKeeperServerMachine, clock: Clock, maxUnreadBytes: number) {
    this.socket = socket;
    this.machine = machine;
    this.address = (socket.remoteAddress ?? "0.0.0.0").replace(/^::ffff:/, "");
    this.#clock = clock;
    this.#maxUnreadBytes = maxUnreadBytes;
    socket.on("drain", () => socket.resume());
  }

  send(out: Parameters<Peer["send"]>[0]): void {
    if (this.#ending || this.socket.destroyed) return;
    this.machine.send(out, this.#clock.now());
    const unread = this.machine.outputBytes + this.socket.writableLength;
    // A client that doesn't read has no use for more answers, and events for it must not pile up.
    if (unread > this.#maxUnreadBytes) this.socket.destroy();
    else if (unread > READ_PAUSE_BYTES) this.socket.pause();
    this.#flushLater();
  }

  end(): void {
    this.#ending = true;
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.socket.destroyed) return;
    const output = this.machine.takeOutput();
    if (output.length > 0 && this.socket.write(output)) this.socket.resume();
    if (!this.#ending) return;
    this.socket.end();
    // What the client still sends is of no interest; it must not keep the socket open either.
    this.socket.removeAllListeners("data").resume();
    this.#clock.after(1000, () => this.socket.destroy());
  }
}
