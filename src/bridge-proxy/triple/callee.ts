import type { Http2Event } from "../../codecs/http2/events.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import type { CalleePort, ProviderPort, ProxyContext } from "../context.ts";
import { failCallsOf, logBug, moveCallsOf } from "../pending.ts";
import { SocketDriver, type SocketOwner } from "../socket-driver.ts";
import { openSocket, superviseConnect } from "../upstream/connecting.ts";
import type { ConnectionOwner, UpstreamConnection } from "../upstream/host.ts";
import { type InLine, Line } from "./line.ts";
import { Http2Link, type LinkOwner } from "./link.ts";

type EventOf<T extends Http2Event["type"]> = Extract<Http2Event, { readonly type: T }>;

/** One try of a call on a callee's connection: the owner of an upstream stream, or of a place in the line for one. */
export interface UpstreamCall extends InLine {
  /** The connection that it waits on. */
  readonly callee: TripleCallee | undefined;
  /** A stream may be opened on `callee` now; to be used at once or never. */
  onOpen(callee: TripleCallee): void;
  onHead(event: EventOf<"head">): void;
  onData(event: EventOf<"data">): void;
  onTrailers(event: EventOf<"trailers">): void;
  /** Content that waited has gone out. */
  onDrain(): void;
  onReset(code: number, why: string): void;
  /** The connection that it waits on takes no more calls; nothing was sent. `isWorn`: as many were carried as it may carry. */
  onMoved(isWorn: boolean): void;
  /** It may not wait for a stream: as many do as may. */
  onOverflow(message: string): void;
}

/**
 * Servers of gRPC's own take a question on a connection that carries nothing else every five minutes, and end the connection with all its
 * calls where there are more (grpc-java and grpc-go: too_many_pings).
 */
const STRICT_PING_MS = 330_000;

/** Netty's servers, Dubbo's among them, end a connection with all its calls over 200 resets in 30 s: half of that, for those under way. */
const MAX_RESETS = 100;
const RESETS_MS = 30_000;

/**
 * Netty's servers, Dubbo 3.3's among them, may keep an answer that they write just as another stream of the connection is reset, until
 * something comes in: they are asked for a sign of life so long after a reset. Busy ones may read reset and question together, before
 * they write: they are asked once more where nothing came. gRPC's own servers bear two questions between answers.
 */
const NUDGE_MS = 100;
const SECOND_NUDGE_MS = 1_000;

/** Calls that wait for a stream to a provider, in their order: whichever of its connections has one first takes the next. */
const lines = new WeakMap<ProviderPort, Line<UpstreamCall>>();

function lineOf(host: ProviderPort): Line<UpstreamCall> {
  const line = lines.get(host) ?? new Line<UpstreamCall>(host.pool?.budget);
  lines.set(host, line);
  return line;
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
  /** Calls that wait for a connection, or for the end of another stream; of all connections to the host. */
  readonly #line: Line<UpstreamCall>;
  readonly #maxStreams: number;
  readonly #maxCalls: number;
  #closed = false;
  #leaving = false;
  #endWhenIdle = false;
  #ended = false;
  #failure = "";
  #resets = 0;
  #resetsSinceMs = 0;
  #nudge: NodeJS.Timeout | undefined;
  #secondNudge: NodeJS.Timeout | undefined;
  #lastAskedMs = Number.NEGATIVE_INFINITY;
  /** It sent more than an answer to our last question. */
  #spoke = true;

  constructor(context: ProxyContext, host: ProviderPort, owner: ConnectionOwner) {
    this.host = host;
    this.#line = lineOf(host);
    this.#maxStreams = host.pool?.maxStreams ?? Number.POSITIVE_INFINITY;
    this.#maxCalls = Math.min(context.limits.maxStreamsPerConnection, host.pool?.maxCalls ?? Number.POSITIVE_INFINITY);
    this.#context = context;
    this.#owner = owner;
    const drive = (socketOwner: SocketOwner) =>
      new SocketDriver((onread) => openSocket(host, onread), context.queue, socketOwner);
    this.link = new Http2Link(context, "client", drive, this);
    const { socket } = this.link.driver;
    superviseConnect(context, socket, host, {
      onSlow: () => moveCallsOf(context, this, `connecting to ${host.address}:${host.port} takes too long`),
      onGivenUp: (message) => {
        this.#failure = message;
      },
      onConnected: () => {
        context.counters.upstreamConnections++;
        this.ready = true;
        this.link.lastReadMs = context.nowMs;
        this.#owner.onReady();
        this.#advance();
      },
      onDistrusted: () => {
        if (!this.#leaving) this.#leave();
      },
    });
    socket.once("end", () => this.#lose());
  }

  get backlogBytes(): number {
    if (this.ready && !this.#canOpen()) return Number.POSITIVE_INFINITY;
    return this.link.backlogBytes;
  }

  get ended(): boolean {
    return this.#ended || this.#closed || this.#leaving;
  }

  /** Calls `call.onOpen` as soon as a stream may be opened, at once where that is now. */
  enter(call: UpstreamCall): void {
    if (this.ready && this.#line.size === 0 && this.#canOpen()) {
      call.onOpen(this);
      this.#leaveWhenWorn();
      return;
    }
    const overPending = this.host.pool?.budget.overPending;
    if (overPending === undefined) this.#line.add(call);
    else call.onOverflow(overPending);
  }

  /** Whether one more stream may be opened now. */
  #canOpen(): boolean {
    const { machine } = this.link;
    return machine.canOpen && machine.openStreams < this.#maxStreams && machine.openedStreams < this.#maxCalls;
  }

  #leaveWhenWorn(): void {
    if (!this.#leaving && this.link.machine.openedStreams >= this.#maxCalls) this.#leave(true);
  }

  /** Takes a call out of the line. */
  leave(call: UpstreamCall): void {
    this.#line.delete(call);
  }

  /** Nothing that still comes of a stream is wanted: ends it, where it is still open. */
  cancel(stream: Http2Stream, code: number): void {
    const { machine } = this.link;
    // What has come and was not looked at would be missing from the connection's window for ever.
    if (stream.closed) machine.release(stream, stream.unreleased);
    else {
      machine.reset(stream, code);
      this.#countReset();
      this.#nudge ??= setTimeout(() => this.#nudgePeer(), NUDGE_MS).unref();
    }
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
        this.#spoke = true;
        (event.stream.context as UpstreamCall).onHead(event);
        break;
      case "data":
        this.#spoke = true;
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
        this.#leave();
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
    clearTimeout(this.#nudge);
    clearTimeout(this.#secondNudge);
    const { counters } = this.#context;
    const wasReady = this.ready;
    this.ready = false;
    if (wasReady) counters.upstreamResets += this.firstCall < 0 ? 0 : 1;
    else counters.upstreamConnectFailures++;
    this.#owner.onClosed(wasReady);
    if (wasReady) this.#moveLine();
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
    const { lastReadMs } = this.link;
    const idleMs = nowMs - lastReadMs;
    const isAsked = this.#lastAskedMs > lastReadMs;
    const restMs = this.#spoke ? limits.heartbeatMs : Math.max(limits.heartbeatMs, STRICT_PING_MS);
    if (isAsked && idleMs > 3 * limits.heartbeatMs) {
      this.#failure = `nothing was heard for ${Math.round(idleMs)} ms`;
      this.#lose();
    } else if (!isAsked && idleMs > limits.heartbeatMs && nowMs - this.#lastAskedMs > restMs) {
      this.#ask(nowMs);
    }
  }

  #ask(nowMs: number): void {
    this.#lastAskedMs = nowMs;
    this.#spoke = false;
    this.link.machine.ping();
    this.link.wake();
  }

  /** Has the peer send what it kept, where calls wait for it; once more after a while of silence. */
  #nudgePeer(): void {
    this.#nudge = undefined;
    if (!this.ready || !this.#spoke || this.link.machine.openStreams === 0) return;
    this.#ask(performance.now());
    clearTimeout(this.#secondNudge);
    this.#secondNudge = setTimeout(() => {
      if (this.ready && !this.#spoke && this.link.machine.openStreams > 0) this.#ask(performance.now());
    }, SECOND_NUDGE_MS).unref();
  }

  /** Lets those in the line open their streams, as far as there is room. */
  #advance(): void {
    if (this.ready) {
      for (let left = this.#line.size; left > 0 && this.#canOpen(); left--) {
        const call = this.#line.first(({ callee }) => !this.#endWhenIdle || callee === this);
        if (call === undefined) break;
        this.#line.delete(call);
        call.onOpen(this);
      }
    }
    this.#leaveWhenWorn();
    if (this.#endWhenIdle) this.#endIfIdle();
  }

  /** Too many streams given up on one connection look like an attack to its server: a new one takes over before. */
  #countReset(): void {
    const { nowMs } = this.#context;
    if (nowMs - this.#resetsSinceMs > RESETS_MS) {
      this.#resetsSinceMs = nowMs;
      this.#resets = 0;
    }
    if (++this.#resets >= MAX_RESETS && !this.#leaving) this.#leave();
  }

  /** It takes no new call. */
  #leave(isWorn = false): void {
    this.#leaving = true;
    this.#owner.onLeaving();
    this.#moveLine(isWorn);
  }

  /** Nothing of its calls in the line was sent, so another connection may take them. */
  #moveLine(isWorn = false): void {
    for (const call of this.#line.all()) {
      if (call.callee !== this) continue;
      this.#line.delete(call);
      call.onMoved(isWorn);
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
