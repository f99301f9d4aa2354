import { connect } from "node:net";
import type { Http2Event } from "../../codecs/http2/events.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import type { CalleePort, ProviderPort, ProxyContext } from "../context.ts";
import { failCallsOf, logBug, moveCallsOf } from "../pending.ts";
import { SocketDriver, type SocketOwner } from "../socket-driver.ts";
import { superviseConnect } from "../upstream/connecting.ts";
import type { ConnectionOwner, UpstreamConnection } from "../upstream/host.ts";
import { Http2Link, type LinkOwner } from "./link.ts";

type EventOf<T extends Http2Event["type"]> = Extract<Http2Event, { readonly type: T }>;

/** One try of a call on a callee's connection: the owner of an upstream stream, or of a place in the line for one. */
export interface UpstreamCall {
  /** A stream may be opened now; to be used at once or never. */
  onOpen(): void;
  onHead(event: EventOf<"head">): void;
  onData(event: EventOf<"data">): void;
  onTrailers(event: EventOf<"trailers">): void;
  /** Content that waited has gone out. */
  onDrain(): void;
  onReset(code: number, why: string): void;
}

/** One HTTP/2 connection to a Triple or gRPC provider, shared by calls of many callers: each has a stream. */
export class TripleCallee implements CalleePort, UpstreamConnection, LinkOwner {
  readonly host: ProviderPort;
  readonly link: Http2Link;
  firstCall = -1;
  /** Connected: streams may be opened, as far as the provider allows. */
  ready = false;
  readonly #context: ProxyContext;
  readonly #owner: ConnectionOwner;
  /** Calls that wait for the connection, or for the end of another stream, in their order. */
  readonly #line = new Set<UpstreamCall>();
  #closed = false;
  #leaving = false;
  #endWhenIdle = false;
  #ended = false;
  #failure = "";
  #lastAskedMs = 0;

  constructor(context: ProxyContext, host: ProviderPort, owner: ConnectionOwner) {
    this.host = host;
    this.#context = context;
    this.#owner = owner;
    const drive = (socketOwner: SocketOwner) =>
      new SocketDriver(
        (onread) => connect({ host: host.address, port: host.port, onread }),
        context.queue,
        socketOwner,
      );
    this.link = new Http2Link(context, "client", drive, this, { maxQueuedBytes: context.limits.maxSkipBytes });
    const { socket } = this.link.driver;
    superviseConnect(context, socket, {
      onSlow: () => moveCallsOf(context, this, `connecting to ${host.address}:${host.port} takes too long`),
      onTooSlow: (message) => {
        this.#failure = message;
      },
      onConnected: () => {
        context.counters.upstreamConnections++;
        this.ready = true;
        this.link.lastReadMs = context.nowMs;
        this.#owner.onReady();
        this.#advance();
      },
    });
    socket.once("end", () => this.#lose());
  }

  get backlogBytes(): number {
    if (this.ready && !this.link.machine.canOpen) return Number.POSITIVE_INFINITY;
    return this.link.driver.backlogBytes;
  }

  get ended(): boolean {
    return this.#ended || this.#closed || this.#leaving;
  }

  /** Calls `call.onOpen` as soon as a stream may be opened, at once where that is now. */
  enter(call: UpstreamCall): void {
    if (this.ready && this.#line.size === 0 && this.link.machine.canOpen) call.onOpen();
    else this.#line.add(call);
  }

  /** Takes a call out of the line. */
  leave(call: UpstreamCall): void {
    this.#line.delete(call);
  }

  /** Ends a stream before its time, where it is still open. */
  cancel(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.link.machine.reset(stream, code);
    this.link.wake();
    this.#advance();
  }

  endWhenIdle(): void {
    this.#endWhenIdle = true;
    this.#endIfIdle();
  }

  endAfterNext(): void {
    this.#endWhenIdle = true;
  }

  destroy(): void {
    this.link.driver.destroy();
  }

  onEvent(event: Http2Event): void {
    switch (event.type) {
      case "head":
        (event.stream.context as UpstreamCall).onHead(event);
        break;
      case "data":
        (event.stream.context as UpstreamCall).onData(event);
        break;
      case "trailers":
        (event.stream.context as UpstreamCall).onTrailers(event);
        break;
      case "drain":
        (event.stream.context as UpstreamCall).onDrain();
        return;
      case "reset":
        (event.stream.context as UpstreamCall).onReset(event.code, event.why);
        break;
      case "goaway":
        this.#leaving = true;
        this.#owner.onLeaving();
        this.#moveLine();
        break;
      case "settings":
      case "pong":
      case "drained":
        break;
      default:
        event satisfies never;
    }
    this.#advance();
  }

  onProtocolError(error: Error): void {
    this.#context.counters.upstreamProtocolErrors++;
    this.#failure = error.message;
    logBug(this.#context, error);
  }

  onClosed(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { counters } = this.#context;
    const wasReady = this.ready;
    this.ready = false;
    this.#line.clear();
    if (wasReady) counters.upstreamResets += this.firstCall < 0 ? 0 : 1;
    else counters.upstreamConnectFailures++;
    this.#owner.onClosed(wasReady);
    const why = this.#failure || error?.message || "connection closed";
    const peer = `${this.host.address}:${this.host.port}`;
    if (wasReady) failCallsOf(this.#context, this, "reset", `${peer} closed the connection before it answered: ${why}`);
    else failCallsOf(this.#context, this, "connect_failure", `no connection to ${peer}: ${why}`);
  }

  /** Asks an idle peer for a sign of life; ends the connection when three such times passed without one. */
  tick(): void {
    const { nowMs, limits } = this.#context;
    if (!this.ready) return;
    this.link.tick();
    this.#endIfIdle();
    const idleMs = nowMs - this.link.lastReadMs;
    if (idleMs > 3 * limits.heartbeatMs) {
      this.#failure = `nothing was heard for ${Math.round(idleMs)} ms`;
      this.#lose();
    } else if (idleMs > limits.heartbeatMs && nowMs - this.#lastAskedMs > limits.heartbeatMs) {
      this.#lastAskedMs = nowMs;
      this.link.machine.ping();
      this.link.wake();
    }
  }

  /** Lets those in the line open their streams, as far as there is room. */
  #advance(): void {
    if (this.#line.size > 0 && this.ready) {
      for (const call of this.#line) {
        if (!this.link.machine.canOpen) break;
        this.#line.delete(call);
        call.onOpen();
      }
    }
    if (this.#endWhenIdle) this.#endIfIdle();
  }

  /** Nothing of these calls was sent, so another connection may take them. */
  #moveLine(): void {
    for (const call of [...this.#line]) {
      this.#line.delete(call);
      call.onReset(ERROR.refused, "");
    }
  }

  /** Nothing more will come from the provider. */
  #lose(): void {
    this.onClosed(undefined);
    this.link.driver.destroy();
  }

  #endIfIdle(): void {
    if (!this.#endWhenIdle || this.firstCall >= 0 || this.link.machine.openStreams > 0 || this.#ended) return;
    this.#ended = true;
    this.link.driver.end();
  }
}
