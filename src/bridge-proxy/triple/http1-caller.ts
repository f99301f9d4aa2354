import type { ServerEvent } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import { Http1Server } from "../../codecs/http1/server.ts";
import type { ProxyContext } from "../context.ts";
import { upgradeOf } from "../http/head.ts";
import type { SocketDriver, SocketOwner } from "../socket-driver.ts";
import type { AcceptedSocket } from "./accepted.ts";
import type { Entrance } from "./entrance.ts";
import { fieldsOf, Http1CallerStream, type Http1StreamOwner, trailersOf } from "./http1-stream.ts";
import type { ServedRequest, TripleCallerPort } from "./served.ts";

/** Content of a request that is not used yet: above this the caller is not read from. */
const PAUSE_BYTES = 256 * 1024;
/** Answers that the caller has not taken: above this its next request waits. */
const BACKLOG_BYTES = 256 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** One accepted HTTP/1.1 connection, which has one call at a time. */
export class Http1Caller implements TripleCallerPort, Http1StreamOwner, SocketOwner {
  readonly machine: Http1Server;
  isLeaving = false;
  readonly #context: ProxyContext;
  readonly #entrance: Entrance;
  readonly #accepted: AcceptedSocket;
  readonly #driver: SocketDriver;
  #call: ServedRequest | undefined;
  #stream: Http1CallerStream | undefined;
  #unreleased = 0;
  /** When something came last, or was answered. */
  #lastMs: number;
  /** Since when a head is not complete; 0 where none has begun. */
  #partSinceMs = 0;

  constructor(context: ProxyContext, accepted: AcceptedSocket, entrance: Entrance) {
    this.#context = context;
    this.#entrance = entrance;
    this.#accepted = accepted;
    this.#lastMs = context.nowMs;
    this.machine = new Http1Server({ maxBodyBytes: entrance.maxContentBytes ?? context.limits.maxSkipBytes });
    this.#driver = accepted.drive(this);
  }

  /** Calls end by themselves here: there is one at a time. */
  forget(): void {}

  get backlogBytes(): number {
    return this.#driver.backlogBytes;
  }

  wake(): void {
    this.#lastMs = this.#context.nowMs;
    this.#driver.wake();
  }

  released(bytes: number): void {
    this.#unreleased -= bytes;
    this.#pace();
  }

  onAnswered(): void {
    this.#call = undefined;
    this.#stream = undefined;
    this.#unreleased = 0;
    this.#driver.wake();
  }

  leave(): void {
    this.isLeaving = true;
    if (this.#call === undefined) this.#driver.end();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    // A request that crosses the end of its connection: nobody would hear of its answer, so nobody is to act on it.
    if (this.#driver.isEnding && this.#call === undefined && !this.machine.isInMessage) return;
    if (this.#driver.backlogBytes === 0) this.machine.reuseOutput();
    this.#context.nowMs = performance.now();
    this.#lastMs = this.#context.nowMs;
    if (this.#partSinceMs === 0 && this.#call === undefined) this.#partSinceMs = this.#context.nowMs;
    this.#handle(this.machine.receive(bytes.subarray(start, end), 0));
  }

  onFlush(): void {
    if (this.#driver.closed) return;
    // A request that was held while the one before was answered.
    // One that is answered at once makes room for the next in this same flush: waking does nothing within it.
    while (!this.#driver.isEnding && this.machine.heldBytes > 0 && !this.machine.isPaused && !this.#isFull())
      this.#handle(this.machine.receive(NO_BYTES, 0));
    const output = this.machine.takeOutput();
    if (output.length > 0) this.#driver.append(output, 0, output.length);
    if (this.machine.closing) this.#driver.end();
    else if (this.#stream !== undefined && this.#stream.queuedBytes > 0) {
      this.#driver.onDrained(() => this.#call?.onCallerDrain());
    } else if (this.#isFull()) {
      this.#driver.onDrained(() => {
        this.#pace();
        this.#driver.wake();
      });
    }
    this.#pace();
  }

  onClosed(error: Error | undefined): void {
    this.#context.nowMs = performance.now();
    if (error !== undefined) {
      const peer = this.#accepted.address;
      this.#context.log.debug("caller connection ended", { peer, error: error.message });
    }
    this.#call?.onCallerGone();
    this.#accepted.gone();
  }

  /** Ends connections that are silent, and those that do not finish a head. Those that stay keep no memory of a large answer. */
  tick(): void {
    const { nowMs, limits } = this.#context;
    const isStuck = this.#partSinceMs > 0 && nowMs - this.#partSinceMs > limits.frameTimeoutMs;
    const isIdle = this.#call === undefined && nowMs - this.#lastMs > limits.heartbeatMs;
    if (isStuck || isIdle || nowMs - this.#lastMs > limits.maxCallMs) this.#driver.destroy();
    else if (this.#driver.backlogBytes === 0) this.machine.reuseOutput();
  }

  #handle(events: readonly ServerEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case "head":
          this.#begin(event);
          break;
        case "data":
          // Nobody gives back what comes behind an early answer: it is read and dropped.
          if (this.#call === undefined) break;
          this.#unreleased += event.bytes.length;
          this.#call.onRequestData(event.bytes, false);
          break;
        case "end":
          if (this.#stream !== undefined) this.#stream.requestEnded = true;
          this.#endRequest(event.trailers);
          break;
        case "abort":
          this.#context.counters.downstreamProtocolErrors++;
          this.#call?.onCallerGone();
          break;
        default:
          event satisfies never;
      }
    }
    this.#pace();
    this.#driver.wake();
  }

  #endRequest(trailers: FieldLines | undefined): void {
    const call = this.#call;
    if (trailers !== undefined && trailers.count > 0 && call?.takesTrailers === true)
      call.onRequestTrailers(trailersOf(trailers));
    else call?.onRequestData(NO_BYTES, true);
  }

  #begin({ id, head }: Extract<ServerEvent, { readonly type: "head" }>): void {
    this.#partSinceMs = 0;
    const fields = fieldsOf(head, this.#accepted.scheme);
    const stream = new Http1CallerStream(this, id);
    this.#stream = stream;
    const { chunked, expectContinue: expectsContinue } = head;
    const http1 = { chunked, expectsContinue, upgrade: upgradeOf(head) };
    const call = this.#entrance.admit({
      port: this,
      stream,
      head: { fields, never: [], end: false, http1 },
      shared: false,
    });
    if (call.asksForContent !== true) this.machine.sendContinue(id);
    this.#call = call;
    call.start();
  }

  #pace(): void {
    if (this.machine.isPaused || this.#unreleased > PAUSE_BYTES || this.#isFull()) this.#driver.pause();
    else this.#driver.resume();
  }

  /** Between two requests, while the caller does not take the answers that it has. */
  #isFull(): boolean {
    return this.#call === undefined && this.#driver.backlogBytes + this.machine.outputBytes > BACKLOG_BYTES;
  }
}
