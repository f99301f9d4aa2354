import type { Socket } from "node:net";
import { printAddress } from "../../base/address.ts";
import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { CallError, ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { Http2Connection } from "../../codecs/http2/connection.ts";
import type { Http2Event } from "../../codecs/http2/events.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import { EnvelopeSplitter, encodeEnvelope, FLAG_COMPRESSED } from "../../codecs/triple/envelope.ts";
import { MachinePump } from "../machine-pump.ts";
import { endSocket, openSocket, type SocketOptions } from "../socket.ts";
import { ACCEPTED_ENCODINGS, inflate } from "./encoding.ts";
import { describeGoaway, describeReset, describeStranger, unframed } from "./refusals.ts";

/** What a message from a peer may measure unless told otherwise, before and after it was decompressed. */
export const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** Whom a {@link GrpcClient} calls. */
export interface GrpcClientOptions extends SocketOptions {
  /** {@link DEFAULT_MAX_MESSAGE_BYTES} unless given. */
  readonly maxMessageBytes?: number;
}

/** One call in gRPC's framing. */
export interface GrpcCall {
  /** The request's head. */
  readonly fields: Fields;
  /** All messages of the caller; the call's own side ends behind them. */
  readonly messages: readonly Uint8Array[];
  /** Of the whole call. */
  readonly timeoutMs: number;
  /** Gets each message of the answer, decompressed; the bytes are only borrowed. What it throws ends the call. */
  readonly onMessage: (message: Buffer) => void;
}

/** What stood around an answer's messages. */
export interface GrpcEnd {
  /** Null where trailers were all. */
  readonly head: Fields | null;
  readonly trailers: Fields | null;
}

/** Opens one connection to a server of Triple or gRPC. Rejects with `CallError` (`connect_failure`). */
export async function connectGrpc(options: GrpcClientOptions): Promise<GrpcClient> {
  const socket = await openSocket(options);
  return new GrpcClient(socket, options);
}

/** A call that has not ended yet. */
interface Pending {
  readonly stream: Http2Stream;
  readonly splitter: EnvelopeSplitter;
  readonly timer: Timer;
  readonly resolve: (end: GrpcEnd) => void;
  readonly reject: (error: Error) => void;
  head: Fields | null;
}

/** As much of what a peer sent first as tells what it speaks. */
const KEPT_BYTES = 64;

/** One open connection, any number of calls. What happens to it ends the calls, never the process. */
export class GrpcClient {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #maxMessageBytes: number;
  readonly #machine: Http2Connection;
  readonly #pump: MachinePump;
  readonly #pending = new Set<Pending>();
  /** The peer's SETTINGS have come: it speaks HTTP/2. */
  #settled = false;
  #first = Buffer.alloc(0);
  #goaway = "";
  #ended: string | undefined;

  constructor(socket: Socket, options: GrpcClientOptions) {
    const clock = options.clock ?? realClock;
    this.#socket = socket;
    this.#address = printAddress(options.host, options.port);
    this.#clock = clock;
    this.#maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    const machine = new Http2Connection("client", clock.now());
    this.#machine = machine;
    const onDue = () => {
      if (this.#ended === undefined) this.#run(() => machine.tick(clock.now()));
    };
    this.#pump = new MachinePump({ machine, socket, clock, onDue });
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#end(`connection to ${this.#address} broke: ${error.code ?? error.message}`),
    );
    socket.on("close", () => this.#end(this.#closedText()));
    this.#pump.run();
  }

  /** `host:port` of the server. */
  get address(): string {
    return this.#address;
  }

  /** Whether a call could be made now: the connection is up, and the peer has not said goodbye. */
  get takesCalls(): boolean {
    return this.#ended === undefined && this.#machine.canOpen;
  }

  /**
   * Makes a call; resolves when the answer has ended, whatever its status. Rejects with `CallError`: `timeout`, `reset` when the
   * stream or the connection ended first, `over_limit`, `undecodable`; or with what `onMessage` threw.
   */
  call(call: GrpcCall): Promise<GrpcEnd> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw new CallError("unavailable", "reset", this.#ended);
      const stream = this.#machine.open([...call.fields, "grpc-accept-encoding", ACCEPTED_ENCODINGS], false);
      if (stream === undefined) {
        throw new CallError("unavailable", "reset", `${this.#address} takes no more calls${this.#goaway}`);
      }
      const timer = this.#clock.after(call.timeoutMs, () => {
        this.#fail(pending, new CallError("deadline_exceeded", "timeout", this.#lateText()), ERROR.cancel);
      });
      const limits = { maxMessageBytes: this.#maxMessageBytes, allowedFlags: FLAG_COMPRESSED };
      const splitter = new EnvelopeSplitter((bytes, start, end, flags) => {
        const message = bytes.subarray(start, end);
        const isCompressed = (flags & FLAG_COMPRESSED) !== 0;
        const encoding = fieldValue(pending.head ?? [], "grpc-encoding");
        call.onMessage(isCompressed ? inflate(message, encoding, this.#maxMessageBytes) : message);
      }, limits);
      const pending: Pending = { stream, splitter, timer, resolve, reject, head: null };
      stream.context = pending;
      this.#pending.add(pending);
      for (const message of call.messages) {
        this.#machine.data(stream, encodeEnvelope(message.length), false);
        this.#machine.data(stream, message, false);
      }
      this.#machine.data(stream, Buffer.alloc(0), true);
      this.#take(this.#machine.takeEvents());
      this.#pump.run();
    });
  }

  /** Says goodbye and closes; calls that have not ended reject. */
  close(): void {
    if (this.#ended !== undefined) return;
    this.#machine.goaway(ERROR.none);
    this.#pump.write();
    endSocket(this.#socket, this.#clock);
    this.#end(`connection to ${this.#address} was closed`);
    this.#socket.unref();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    if (!this.#settled && this.#first.length < KEPT_BYTES) {
      this.#first = Buffer.concat([this.#first, chunk.subarray(0, KEPT_BYTES - this.#first.length)]);
    }
    this.#run(() => this.#machine.receive(chunk, this.#clock.now()));
  }

  #run(step: () => readonly Http2Event[]): void {
    try {
      this.#take(step());
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#pump.write();
      this.#socket.destroy();
      const stranger = this.#settled ? undefined : describeStranger(this.#first);
      this.#end(`${this.#address} ${stranger ?? `broke HTTP/2: ${error.message}`}`);
      return;
    }
    this.#pump.run();
  }

  #take(events: readonly Http2Event[]): void {
    // Streams that a goodbye refuses are reported before it; the first reason counts.
    for (const event of events) {
      if (event.type !== "goaway" || (this.#goaway !== "" && event.code === ERROR.none)) continue;
      this.#goaway = describeGoaway(event.code, event.debug);
    }
    for (const event of events) {
      switch (event.type) {
        case "settings":
          this.#settled = true;
          break;
        case "head":
        case "data":
        case "trailers":
        case "reset": {
          const pending = event.stream.context as Pending;
          if (this.#pending.has(pending)) this.#step(pending, event);
          break;
        }
        case "goaway":
        case "drain":
        case "pong":
        case "drained":
          break;
        default:
          event satisfies never;
      }
    }
  }

  #step(pending: Pending, event: Http2Event): void {
    try {
      if (event.type === "head" && !event.informational) {
        if (event.end) this.#finish(pending, event.fields);
        else pending.head = event.fields;
      } else if (event.type === "data") {
        const refusal = unframed(pending.head ?? []);
        if (refusal !== undefined) throw refusal;
        // A copy: what the splitter keeps of a message that is not whole must outlive the connection's next bytes.
        pending.splitter.push(Buffer.from(event.bytes));
        this.#machine.release(event.stream, event.bytes.length);
        if (event.end) this.#finish(pending, null);
      } else if (event.type === "trailers") this.#finish(pending, event.fields);
      else if (event.type === "reset") {
        const text = `${this.#address} ${describeReset(event.code, event.why)}${this.#goaway}`;
        this.#fail(pending, new CallError("unavailable", "reset", text));
      }
    } catch (error) {
      this.#fail(pending, error as Error, ERROR.cancel);
    }
  }

  #finish(pending: Pending, trailers: Fields | null): void {
    pending.splitter.finish();
    this.#settle(pending);
    pending.resolve({ head: pending.head, trailers });
  }

  #fail(pending: Pending, error: Error, resetWith?: number): void {
    this.#settle(pending);
    if (resetWith !== undefined) this.#machine.reset(pending.stream, resetWith);
    pending.reject(error);
    this.#pump.run();
  }

  #settle(pending: Pending): void {
    pending.timer.cancel();
    this.#pending.delete(pending);
  }

  #lateText(): string {
    const text = `no answer from ${this.#address} in time${this.#goaway}`;
    return this.#settled ? text : `${text}; it has not begun to speak HTTP/2 (a port of Dubbo2 is called by dubbo://)`;
  }

  #closedText(): string {
    if (this.#settled) return `connection to ${this.#address} was closed${this.#goaway}`;
    const stranger = this.#first.length === 0 ? undefined : describeStranger(this.#first);
    return `${this.#address} ${stranger ?? "closed the connection instead of speaking HTTP/2"}`;
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#pump.stop();
    for (const pending of [...this.#pending]) {
      this.#settle(pending);
      pending.reject(new CallError("unavailable", "reset", why));
    }
  }
}
