import type { Socket } from "node:net";
import { peerOf } from "../authz/peer.ts";
import type { ProxyContext } from "../context.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { addressOf, adopt, SocketDriver, type SocketOwner } from "../socket-driver.ts";
import type { AcceptedSocket } from "./accepted.ts";
import { TripleCaller } from "./caller.ts";
import { detect } from "./detect.ts";
import { type CreateEntrance, type Entrance, meshEntrance } from "./entrance.ts";
import { Http1Caller } from "./http1-caller.ts";
import { WebEntrance } from "./web.ts";

/** A connection that says nothing at all is ended after this time. */
const FIRST_BYTES_MS = 10_000;

/** One accepted connection on a port for Triple: HTTP/2, or HTTP/1.1, as its first bytes say. */
export class AcceptedCaller implements SocketOwner, AcceptedSocket {
  readonly address: string;
  readonly scheme: "http" | "https";
  readonly #context: ProxyContext;
  readonly #entrance: Entrance;
  readonly #driver: SocketDriver;
  readonly #onClosed: () => void;
  readonly #sinceMs: number;
  #first = Buffer.alloc(0);
  #caller: TripleCaller | Http1Caller | undefined;
  #owner: SocketOwner | undefined;

  constructor(
    context: ProxyContext,
    socket: Socket,
    config: () => RuntimeConfig,
    onClosed: () => void,
    createEntrance: CreateEntrance = meshEntrance,
  ) {
    this.#context = context;
    this.#onClosed = onClosed;
    this.#sinceMs = context.nowMs;
    this.address = addressOf(socket);
    const peer = peerOf(socket, this.address);
    this.scheme = peer.scheme;
    this.#entrance = new WebEntrance(createEntrance(context, config, peer));
    this.#driver = new SocketDriver((onread) => adopt(socket, onread), context.queue, this);
  }

  drive(owner: SocketOwner): SocketDriver {
    this.#owner = owner;
    return this.#driver;
  }

  /** Bytes that the caller has not taken yet. */
  get backlogBytes(): number {
    return this.#caller instanceof TripleCaller ? this.#caller.backlogBytes : this.#driver.backlogBytes;
  }

  /** Asks the caller to send its next calls elsewhere. */
  leave(): void {
    if (this.#caller === undefined) this.#driver.end();
    else this.#caller.leave();
  }

  end(): void {
    this.#driver.end();
  }

  destroy(): void {
    this.#driver.destroy();
  }

  tick(): void {
    if (this.#caller !== undefined) this.#caller.tick();
    else if (this.#context.nowMs - this.#sinceMs > FIRST_BYTES_MS) this.#driver.destroy();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#owner !== undefined) {
      this.#owner.onBytes(bytes, start, end);
      return;
    }
    this.#first = Buffer.concat([this.#first, bytes.subarray(start, end)]);
    const protocol = detect(this.#first);
    if (protocol === undefined) return;
    const first = this.#first;
    this.#first = Buffer.alloc(0);
    this.#caller =
      protocol === "http2"
        ? new TripleCaller(this.#context, this, this.#entrance)
        : new Http1Caller(this.#context, this, this.#entrance);
    this.#owner!.onBytes(first, 0, first.length);
  }

  onFlush(): void {
    this.#owner?.onFlush?.();
  }

  onClosed(error: Error | undefined): void {
    if (this.#owner === undefined) this.#onClosed();
    else this.#owner.onClosed(error);
  }

  gone(): void {
    this.#onClosed();
  }
}
