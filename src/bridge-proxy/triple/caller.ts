import type { Http2Event } from "../../codecs/http2/events.ts";
import type { ProxyContext } from "../context.ts";
import { logBug } from "../pending.ts";
import type { AcceptedSocket } from "./accepted.ts";
import { Http2CallerStream } from "./caller-stream.ts";
import type { Entrance } from "./entrance.ts";
import { Http2Link, type LinkOwner, StreamOn } from "./link.ts";
import type { ServedRequest, TripleCallerPort } from "./served.ts";

/** One accepted HTTP/2 connection of a Triple or gRPC caller. Whatever happens to providers, it stays. */
export class TripleCaller implements TripleCallerPort, LinkOwner {
  readonly link: Http2Link;
  readonly #context: ProxyContext;
  readonly #entrance: Entrance;
  readonly #accepted: AcceptedSocket;
  /** In no order; each call knows its place. (A Set that calls come and go from is what the collector cannot keep up with.) */
  readonly #calls: ServedRequest[] = [];
  #lastAskedMs = 0;

  constructor(context: ProxyContext, accepted: AcceptedSocket, entrance: Entrance) {
    this.#context = context;
    this.#entrance = entrance;
    this.#accepted = accepted;
    this.link = new Http2Link(context, "server", (owner) => accepted.drive(owner), this);
  }

  forget(call: ServedRequest): void {
    const last = this.#calls.pop()!;
    if (last === call) return;
    this.#calls[call.place] = last;
    last.place = call.place;
  }

  /** Asks the caller to send its next calls elsewhere. */
  leave(): void {
    const { originMs, nowMs } = this.#context;
    this.link.machine.drain(originMs + nowMs);
    this.link.wake();
  }

  /** Bytes that the caller has not taken yet. */
  get backlogBytes(): number {
    return this.link.backlogBytes;
  }

  end(): void {
    this.link.driver.end();
  }

  destroy(): void {
    this.link.driver.destroy();
  }

  onEvent(event: Http2Event): void {
    switch (event.type) {
      case "head": {
        const { stream, shared } = event;
        const own = new Http2CallerStream(new StreamOn(this.link, stream));
        const call = this.#entrance.admit({ port: this, stream: own, head: event, shared });
        stream.context = call;
        call.place = this.#calls.length;
        this.#calls.push(call);
        call.start();
        break;
      }
      case "data":
        (event.stream.context as ServedRequest).onRequestData(event.bytes, event.end);
        break;
      case "trailers":
        (event.stream.context as ServedRequest).onRequestTrailers(event.fields);
        break;
      case "drain":
        (event.stream.context as ServedRequest).onCallerDrain();
        break;
      case "reset":
        (event.stream.context as ServedRequest).onCallerGone();
        break;
      case "drained":
        this.link.driver.end();
        break;
      case "goaway":
      case "settings":
      case "pong":
        break;
      default:
        event satisfies never;
    }
  }

  onProtocolError(error: Error): void {
    this.#context.counters.downstreamProtocolErrors++;
    logBug(this.#context, error);
  }

  onClosed(error: Error | undefined): void {
    if (error !== undefined)
      this.#context.log.debug("caller connection ended", { peer: this.#accepted.address, error: error.message });
    for (const call of [...this.#calls]) call.onCallerGone();
    this.#accepted.gone();
  }

  /** Lets the machine's timers run; ends connections that are silent for three heartbeats. */
  tick(): void {
    const { nowMs, limits } = this.#context;
    this.link.tick();
    const idleMs = nowMs - this.link.lastReadMs;
    if (idleMs > 3 * limits.heartbeatMs) {
      this.link.driver.destroy();
    } else if (idleMs > limits.heartbeatMs && nowMs - this.#lastAskedMs > limits.heartbeatMs) {
      this.#lastAskedMs = nowMs;
      this.link.machine.ping();
      this.link.wake();
    }
  }
}
