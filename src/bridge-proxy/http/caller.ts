import type { Socket } from "node:net";
import type { ServerEvent } from "../../codecs/http1/connection.ts";
import type { RequestHead, ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { Http1Server } from "../../codecs/http1/server.ts";
import { type Peer, peerOf } from "../authz/peer.ts";
import { vouchedPeer } from "../authz/vouched.ts";
import type { ProxyContext } from "../context.ts";
import { logBug } from "../pending.ts";
import type { CompiledHost } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { addressOf, adopt, SocketDriver, type SocketOwner } from "../socket-driver.ts";
import { HttpCall } from "./call.ts";
import { authorityOf, fieldsOf } from "./head.ts";
import type { HeadChange, HttpCallerPort } from "./port.ts";

/** A connection that asks for nothing is ended after this time. */
const IDLE_MS = 300_000;
/** What is left of a request that was answered early is read for this long. */
const LINGER_MS = 10_000;
/** Answers that the caller has not taken: above this its next request waits. */
const BACKLOG_BYTES = 256 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** One accepted connection on a port of a service that speaks HTTP/1.1, or of all that do. Its requests are served one after the other. */
export class HttpCaller implements HttpCallerPort, SocketOwner {
  readonly address: string;
  readonly #context: ProxyContext;
  readonly #config: () => RuntimeConfig;
  /** Printed key of the service that all requests are for; undefined where each names its own by Host. */
  readonly #service: string | undefined;
  readonly #onClosed: () => void;
  readonly #peer: Peer;
  readonly #machine: Http1Server;
  readonly #driver: SocketDriver;
  #routes: RuntimeConfig["routes"] | undefined;
  /** The service that requests are for, or why there is none. */
  #host: CompiledHost | string = "";
  /** The Host that it was looked up by. */
  #authority: string | undefined;
  #call: HttpCall | undefined;
  #id = 0;
  #requestEnded = true;
  #minor = 1;
  /** The end of the answer is the end of the connection: a broken one must not look whole. */
  #isUntilClose = false;
  #paused = false;
  #leaving = false;
  #activeMs: number;
  /** Since when a head is not complete; 0 where none has begun. */
  #partSinceMs = 0;

  constructor(
    context: ProxyContext,
    socket: Socket,
    config: () => RuntimeConfig,
    onClosed: () => void,
    service: string | undefined,
  ) {
    this.#context = context;
    this.#config = config;
    this.#service = service;
    this.#onClosed = onClosed;
    this.address = addressOf(socket);
    this.#peer = peerOf(socket, this.address);
    this.#activeMs = context.nowMs;
    this.#machine = new Http1Server({ maxBodyBytes: Number.MAX_SAFE_INTEGER });
    this.#driver = new SocketDriver((onread) => adopt(socket, onread), context.queue, this);
  }

  get backlogBytes(): number {
    return this.#driver.backlogBytes + this.#machine.outputBytes;
  }

  /** Further answers say that the connection ends. */
  leave(): void {
    this.#leaving = true;
    if (this.#call === undefined) this.#driver.end();
  }

  end(): void {
    this.#driver.end();
  }

  destroy(): void {
    this.#driver.destroy();
  }

  /**
   * Ends connections that are idle, that do not finish a head, or whose call has made no step for the longest time of a call. Those that stay
   * keep no memory of a large answer.
   */
  tick(): void {
    const { nowMs, limits } = this.#context;
    const isStuck = this.#partSinceMs > 0 && nowMs - this.#partSinceMs > limits.frameTimeoutMs;
    const restMs = this.#call !== undefined ? limits.maxCallMs : this.#requestEnded ? IDLE_MS : LINGER_MS;
    if (isStuck || nowMs - this.#activeMs > restMs) this.#driver.destroy();
    else if (this.#driver.backlogBytes === 0) this.#machine.reuseOutput();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    // A request that crosses the end of its connection: nobody would hear of its answer, so nobody is to act on it.
    if (this.#driver.isEnding && this.#call === undefined && !this.#machine.isInMessage) return;
    const nowMs = performance.now();
    if (this.#driver.backlogBytes === 0) this.#machine.reuseOutput();
    this.#context.nowMs = nowMs;
    this.#activeMs = nowMs;
    if (this.#partSinceMs === 0 && this.#call === undefined) this.#partSinceMs = nowMs;
    this.#handle(this.#machine.receive(bytes.subarray(start, end), 0));
  }

  onFlush(): void {
    const driver = this.#driver;
    if (driver.closed) return;
    const machine = this.#machine;
    // A request that was held while the one before was answered.
    // One that is answered at once makes room for the next in this same flush: waking does nothing within it.
    while (!driver.isEnding && machine.heldBytes > 0 && !machine.isPaused && this.backlogBytes <= BACKLOG_BYTES) {
      this.#handle(machine.receive(NO_BYTES, 0));
    }
    const output = machine.takeOutput();
    if (output.length > 0) driver.append(output, 0, output.length);
    if (machine.closing) driver.end();
    else if (this.#call === undefined && driver.backlogBytes > BACKLOG_BYTES) {
      this.pause();
      driver.onDrained(() => {
        this.resume();
        driver.wake();
      });
    }
  }

  onClosed(error: Error | undefined): void {
    this.#context.nowMs = performance.now();
    if (error !== undefined) {
      this.#context.log.debug("caller connection ended", { peer: this.address, error: error.message });
    }
    this.#call?.onCallerGone();
    this.#onClosed();
  }

  sendContinue(): void {
    this.#machine.sendContinue(this.#id);
    this.#driver.wake();
  }

  interim(head: ResponseHead): void {
    this.#machine.send({ type: "head", id: this.#id, status: head.status, reason: head.reason, from: head }, 0);
    this.#driver.wake();
  }

  head(head: ResponseHead, changed?: HeadChange): void {
    const { status, reason, contentLength } = head;
    this.#activeMs = this.#context.nowMs;
    if (status === 101) {
      const upgrade = head.fields.get("upgrade") ?? "websocket";
      this.#machine.send({ type: "head", id: this.#id, status, reason, from: head, upgrade }, 0);
    } else {
      const length = contentLength < 0 ? undefined : contentLength;
      this.#isUntilClose = length === undefined && this.#minor === 0;
      const close = this.#leaving;
      this.#machine.send({ type: "head", id: this.#id, status, reason, length, from: head, close, ...changed }, 0);
    }
    this.#driver.wake();
  }

  data(bytes: Buffer): void {
    this.#activeMs = this.#context.nowMs;
    this.#machine.send({ type: "data", id: this.#id, bytes }, 0);
    this.#driver.wake();
  }

  endAnswer(trailers: readonly Field[] | undefined): void {
    this.#machine.send({ type: "end", id: this.#id, trailers }, 0);
    this.#driver.wake();
  }

  answer(status: number, body: string | Buffer, more: readonly Field[] = []): void {
    const machine = this.#machine;
    const id = this.#id;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const isTyped = more.some(([name]) => name.toLowerCase() === "content-type");
    const fields: Field[] = isTyped ? [...more] : [["content-type", "text/plain"], ...more];
    // What is left of a request that was not asked for is not worth reading.
    const close = this.#leaving || machine.isInMessage;
    machine.send({ type: "head", id, status, length: bytes.length, fields, close }, 0);
    machine.send({ type: "data", id, bytes }, 0);
    machine.send({ type: "end", id }, 0);
    this.#driver.wake();
  }

  abort(): void {
    if (this.#isUntilClose) {
      this.#driver.socket.resetAndDestroy();
      return;
    }
    this.#machine.send({ type: "abort", id: this.#id }, 0);
    this.#driver.wake();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#driver.pause();
  }

  resume(): void {
    if (!this.#paused || this.#machine.isPaused) return;
    this.#paused = false;
    this.#driver.resume();
  }

  onDrained(run: () => void): void {
    this.#driver.onDrained(run);
  }

  done(): void {
    this.#call = undefined;
    // What is left of its request is read, and a caller that leaves is heard.
    this.resume();
    this.#driver.wake();
  }

  #handle(events: readonly ServerEvent[]): void {
    try {
      for (const event of events) this.#onEvent(event);
    } catch (error) {
      logBug(this.#context, error);
      throw error;
    }
    if (this.#machine.isPaused) this.pause();
    else if (this.#call === undefined) this.resume();
    this.#driver.wake();
  }

  /** Looked up once for each set of routes and Host. */
  #hostNow(head: RequestHead): CompiledHost | string {
    const { routes } = this.#config();
    const authority = this.#service === undefined ? authorityOf(head) : undefined;
    if (routes !== this.#routes || authority !== this.#authority) {
      this.#routes = routes;
      this.#authority = authority;
      this.#host =
        authority === undefined
          ? (routes.hostOf(this.#service ?? "") ?? "the service of this port is not known any more")
          : (routes.hostNamed(authority) ?? `no service of the mesh has the host "${authority}"`);
    }
    return this.#host;
  }

  #onEvent(event: ServerEvent): void {
    switch (event.type) {
      case "head":
        this.#partSinceMs = 0;
        this.#id = event.id;
        this.#requestEnded = false;
        this.#minor = event.head.minor;
        this.#call = new HttpCall(this.#context, this, event.head);
        this.#call.start(this.#hostNow(event.head), this.#routes!, vouchedPeer(this.#peer, this.#config().identityOf));
        break;
      case "data":
        this.#call?.onRequestData(event.bytes);
        break;
      case "end":
        this.#requestEnded = true;
        this.#call?.onRequestEnd(fieldsOf(event.trailers));
        break;
      case "abort":
        this.#context.counters.downstreamProtocolErrors++;
        this.#call?.onCallerGone();
        break;
      default:
        event satisfies never;
    }
  }
}
