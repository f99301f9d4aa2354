import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, realClock } from "../../base/clock.ts";
import { ProtocolError } from "../../base/errors.ts";
import type { Outcome } from "../../codecs/dubbo2/body.ts";
import { Dubbo2Server, type IncomingCall, type ServerEvent } from "../../codecs/dubbo2/connection.ts";
import { SERVICE_ERROR } from "../../codecs/dubbo2/status.ts";
import { MachinePump } from "../machine-pump.ts";

/** Answers a call. What it throws becomes status 70 with the error's message. */
export type CallHandler = (call: IncomingCall) => Outcome | Promise<Outcome>;

/** Where a {@link DubboServer} listens, and who answers. */
export interface DubboServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly handler: CallHandler;
  readonly clock?: Clock;
}

/** Starts a Dubbo2 server. Rejects when the address can't be bound. */
export async function listenDubbo(options: DubboServerOptions): Promise<DubboServer> {
  const server = new DubboServer(options);
  await server.listen(options.host, options.port);
  return server;
}

/** A Dubbo2 server for applications: decoded calls in, outcomes out. */
export class DubboServer {
  readonly #handler: CallHandler;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #connections = new Set<ServerConnection>();

  constructor(options: Pick<DubboServerOptions, "handler" | "clock">) {
    this.#handler = options.handler;
    this.#clock = options.clock ?? realClock;
    this.#server = createServer({ noDelay: true }, (socket) => {
      const connection = new ServerConnection(socket, this.#handler, this.#clock);
      this.#connections.add(connection);
      socket.on("close", () => this.#connections.delete(connection));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Tells every client to send no new calls here. */
  sendReadonly(): void {
    for (const connection of this.#connections) connection.sendReadonly();
  }

  /** Stops listening and closes every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection.close();
    });
  }
}

class ServerConnection {
  readonly #socket: Socket;
  readonly #handler: CallHandler;
  readonly #clock: Clock;
  readonly #machine: Dubbo2Server;
  readonly #pump: MachinePump;

  constructor(socket: Socket, handler: CallHandler, clock: Clock) {
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    const machine = new Dubbo2Server(clock.now());
    this.#machine = machine;
    this.#pump = new MachinePump({ machine, socket, clock, onDue: () => this.#run(() => machine.tick(clock.now())) });
    socket.on("data", (chunk) => this.#run(() => this.#machine.receive(chunk, clock.now())));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#pump.stop());
    this.#pump.run();
  }

  sendReadonly(): void {
    this.#machine.send({ type: "readonly" }, this.#clock.now());
    this.#pump.run();
  }

  close(): void {
    this.#socket.destroy();
  }

  #run(step: () => ServerEvent[]): void {
    try {
      for (const event of step()) {
        if (event.type === "idle") this.#socket.destroy();
        else void this.#answer(event);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket.destroy();
      return;
    }
    this.#pump.run();
  }

  async #answer(call: IncomingCall): Promise<void> {
    try {
      const outcome = await this.#handler(call);
      this.#machine.send({ type: "outcome", call, outcome }, this.#clock.now());
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#machine.send({ type: "error", call, status: SERVICE_ERROR, text }, this.#clock.now());
    }
    this.#pump.run();
  }
}
