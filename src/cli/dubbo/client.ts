import type { Socket } from "node:net";
import { printAddress } from "../../base/address.ts";
import { type Clock, realClock } from "../../base/clock.ts";
import { CallError, ProtocolError } from "../../base/errors.ts";
import type { RequestParts, Response } from "../../codecs/dubbo2/body.ts";
import { type ClientEvent, Dubbo2Client } from "../../codecs/dubbo2/connection.ts";
import { MachinePump } from "../machine-pump.ts";
import { endSocket, openSocket, type SocketOptions } from "../socket.ts";

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: CallError) => void;
}

/**
 * Opens one connection to a Dubbo2 server. Rejects with `CallError` (`connect_failure`) that names the address and the reason.
 */
export async function connectDubbo(options: SocketOptions): Promise<DubboClient> {
  const socket = await openSocket(options);
  return new DubboClient(socket, printAddress(options.host, options.port), options.clock ?? realClock);
}

/** One open connection, calls and answers in any number and order. What happens to it ends the calls, never the process. */
export class DubboClient {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #machine: Dubbo2Client;
  readonly #pump: MachinePump;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onChange = new Set<() => void>();
  #key = 0;
  #readonly = false;
  #closed = false;

  constructor(socket: Socket, address: string, clock: Clock) {
    this.#socket = socket;
    this.#address = address;
    this.#clock = clock;
    const machine = new Dubbo2Client(clock.now());
    this.#machine = machine;
    this.#pump = new MachinePump({ machine, socket, clock, onDue: () => this.#run(() => machine.tick(clock.now())) });
    socket.on("data", (chunk) => this.#run(() => this.#machine.receive(chunk, clock.now())));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#end(`connection to ${address} broke: ${error.code ?? error.message}`),
    );
    socket.on("close", () => this.#end(`connection to ${address} was closed`));
    this.#pump.run();
  }

  /** `readonly`: the server asked for no new calls; those in flight go on. */
  get state(): "open" | "readonly" | "closed" {
    return this.#closed ? "closed" : this.#readonly ? "readonly" : "open";
  }

  /** Calls without an answer yet. */
  get callsInFlight(): number {
    return this.#waiting.size;
  }

  /** Calls `listener` after each change of {@link state}. */
  onChange(listener: () => void): void {
    this.#onChange.add(listener);
  }

  /**
   * Makes a call; resolves with the answer, whatever its status; a one-way call resolves at once with null. Rejects with
   * `CallError`: `timeout`, `reset` when the connection ended first, `undecodable`, `over_limit`, `overflow`.
   */
  call(request: Omit<RequestParts, "idHigh" | "idLow">, timeoutMs: number): Promise<Response | null> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new CallError("unavailable", "reset", `connection to ${this.#address} was closed`);
      const key = this.#key++;
      this.#machine.send({ type: "call", key, request, timeoutMs }, this.#clock.now());
      if (request.twoWay) this.#waiting.set(key, { resolve, reject });
      else resolve(null);
      this.#pump.run();
    });
  }

  /** Closes the connection after what has been sent; calls in flight reject. */
  close(): void {
    if (this.#closed) return;
    this.#pump.write();
    endSocket(this.#socket, this.#clock);
    this.#end(`connection to ${this.#address} was closed`);
  }

  #run(step: () => ClientEvent[]): void {
    try {
      for (const event of step()) this.#take(event);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket.destroy();
      this.#end(`${this.#address} broke the protocol: ${error.message}`);
      return;
    }
    this.#pump.run();
  }

  #take(event: ClientEvent): void {
    switch (event.type) {
      case "reply":
        this.#settle(event.key)?.resolve(event.response);
        return;
      case "undecodable":
        this.#settle(event.key)?.reject(new CallError("internal", "undecodable", event.text));
        return;
      case "timeout":
        this.#settle(event.key)?.reject(
          new CallError("deadline_exceeded", "timeout", `no answer from ${this.#address} in time`),
        );
        return;
      case "readonly":
      case "writeable":
        this.#readonly = event.type === "readonly";
        this.#changed();
        return;
      case "idle":
        this.#socket.destroy();
        this.#end(`${this.#address} has been silent for too long`);
        return;
      default:
        event satisfies never;
    }
  }

  #settle(key: number): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting;
  }

  #end(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pump.stop();
    for (const { reject } of this.#waiting.values()) reject(new CallError("unavailable", "reset", why));
    this.#waiting.clear();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#onChange) listener();
  }
}
