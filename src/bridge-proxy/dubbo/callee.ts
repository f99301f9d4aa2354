import { ProtocolError } from "../../base/errors.ts";
import { isException } from "../../codecs/dubbo2/body.ts";
import {
  encodeHeartbeat,
  encodeHeartbeatAnswer,
  eventKind,
  FLAG_EVENT,
  FLAG_REQUEST,
  HEADER_BYTES,
  isTwoWay,
  MAX_EVENT_BYTES,
} from "../../codecs/dubbo2/frame.ts";
import { type FrameSink, FrameSplitter } from "../../codecs/dubbo2/splitter.ts";
import type { CalleePort, ProviderPort, ProxyContext } from "../context.ts";
import { endCall, failCallsOf, logBug, moveCallsOf } from "../pending.ts";
import { OK_EXCEPTION, outcomeOfStatus } from "../policies/outcome.ts";
import { SocketDriver, type SocketOwner } from "../socket-driver.ts";
import { openSocket, superviseConnect } from "../upstream/connecting.ts";
import type { ConnectionOwner, UpstreamConnection } from "../upstream/host.ts";
import { answerReason } from "./answers.ts";

/** Takes a call that the provider makes on its own: a callback. Undefined on connections that many callers share. */
export type CallbackSink = (bytes: Buffer, start: number, end: number) => void;

/**
 * One connection to a Dubbo2 provider. Calls of many callers share it: each is known by its slot in the call table, which is
 * also its request id here. Heartbeats are answered and made here; they never travel through the proxy.
 */
export class Callee implements CalleePort, UpstreamConnection, SocketOwner, FrameSink {
  readonly host: ProviderPort;
  firstCall = -1;
  /** Connected: frames may be sent. */
  ready = false;
  onCallback: CallbackSink | undefined;
  readonly #context: ProxyContext;
  readonly #owner: ConnectionOwner;
  readonly #driver: SocketDriver;
  readonly #splitter: FrameSplitter;
  #waiting: Buffer[] = [];
  #onReady: ((error: string | undefined) => void)[] = [];
  #waitingBytes = 0;
  #sent = 0;
  readonly #maxCalls: number;
  #closed = false;
  #endWhenIdle = false;
  #ended = false;
  #failure = "";
  #lastReadMs: number;
  #lastAskedMs = 0;
  #heartbeatId = 0;

  constructor(context: ProxyContext, host: ProviderPort, owner: ConnectionOwner) {
    this.host = host;
    this.#context = context;
    this.#owner = owner;
    this.#lastReadMs = context.nowMs;
    this.#maxCalls = host.pool?.maxCalls ?? Number.POSITIVE_INFINITY;
    const { maxSkipBytes } = context.limits;
    this.#splitter = new FrameSplitter(this, { maxBodyBytes: maxSkipBytes, maxSkipBytes });
    this.#driver = new SocketDriver((onread) => openSocket(host, onread), context.queue, this);
    const { socket } = this.#driver;
    superviseConnect(context, socket, host, {
      onSlow: () => moveCallsOf(context, this, `connecting to ${host.address}:${host.port} takes too long`),
      onGivenUp: (message) => {
        this.#failure = message;
      },
      onConnected: () => this.#onConnected(),
      onDistrusted: () => this.#owner.onLeaving(),
    });
    socket.once("end", () => this.#lose());
  }

  /** Bytes that wait here to be sent or to be taken. */
  get backlogBytes(): number {
    return this.#waitingBytes + this.#driver.backlogBytes;
  }

  /** Calls that wait for the connection to be made. */
  get waitingCalls(): number {
    if (this.ready) return 0;
    const { next } = this.#context.calls;
    let count = this.#onReady.length;
    for (let slot = this.firstCall; slot >= 0; slot = next[slot]!) count++;
    return count;
  }

  /** Sends frames now when connected; else keeps a copy until it is. Whether they were taken: no, when the backlog is full. */
  send(bytes: Buffer, start: number, end: number): boolean {
    if (this.backlogBytes + end - start > this.#context.limits.maxBacklogBytes) return false;
    if (this.ready) {
      this.#driver.append(bytes, start, end);
    } else {
      this.#waiting.push(Buffer.from(bytes.subarray(start, end)));
      this.#waitingBytes += end - start;
    }
    if (++this.#sent >= this.#maxCalls && !this.#endWhenIdle) this.#owner.onLeaving();
    return true;
  }

  /** Calls `run` once connected, at once where it is already; with an error's text where that fails. */
  whenReady(run: (error: string | undefined) => void): void {
    if (this.ready) run(undefined);
    else this.#onReady.push(run);
  }

  /** Ends the connection once no call waits on it. */
  endWhenIdle(): void {
    this.#endWhenIdle = true;
    this.#endIfIdle();
  }

  /** Ends the connection once a call that is about to be sent, and all others, are over. */
  endAfterNext(): void {
    this.#endWhenIdle = true;
  }

  /** No call may be sent any more. */
  get ended(): boolean {
    return this.#ended || this.#closed;
  }

  destroy(): void {
    this.#driver.destroy();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    const context = this.#context;
    context.nowMs = performance.now();
    this.#lastReadMs = context.nowMs;
    const held = this.#splitter.heldBytes;
    try {
      this.#splitter.push(bytes, start, end);
    } catch (error) {
      context.counters.upstreamProtocolErrors++;
      this.#failure = (error as Error).message;
      logBug(context, error);
      this.onClosed(error as Error);
      throw error;
    } finally {
      context.heldBytes += this.#splitter.heldBytes - held;
    }
    this.#endIfIdle();
  }

  onFrame(bytes: Buffer, start: number, end: number): void {
    const flags = bytes[start + 2]!;
    if ((flags & FLAG_REQUEST) !== 0) {
      if ((flags & FLAG_EVENT) !== 0) this.#onEvent(bytes, start, end);
      else this.onCallback?.(bytes, start, end);
      return;
    }
    if ((flags & FLAG_EVENT) !== 0) return;
    const { calls, counters, nowMs } = this.#context;
    const slot = calls.find(bytes.readInt32BE(start + 4), bytes.readInt32BE(start + 8));
    if (slot < 0 || calls.callees[slot] !== this) {
      counters.lateAnswers++;
      this.#deliverLate(bytes, start, end);
      return;
    }
    const owner = calls.exchanges[slot];
    if (owner !== undefined) {
      endCall(this.#context, slot);
      owner.answered(bytes, start, end);
      return;
    }
    const outcome = isException(bytes, start, end) ? OK_EXCEPTION : outcomeOfStatus(bytes[start + 3]!);
    calls.rows[slot]!.record(outcome, nowMs - calls.startMs[slot]!);
    const caller = calls.callers[slot]!;
    if (!caller.closed) {
      bytes.writeInt32BE(calls.idHigh[slot]!, start + 4);
      bytes.writeInt32BE(calls.idLow[slot]!, start + 8);
      caller.deliver(bytes, start, end);
    }
    endCall(this.#context, slot);
  }

  onOversize(header: Buffer, bodyBytes: number): void {
    throw new ProtocolError(
      "dubbo2",
      `answer of ${bodyBytes} bytes is over the limit (id ${header.toString("hex", 4, 12)})`,
    );
  }

  onClosed(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { counters } = this.#context;
    this.#context.nowMs = performance.now();
    this.#context.heldBytes -= this.#splitter.heldBytes;
    const wasReady = this.ready;
    this.ready = false;
    if (wasReady) counters.upstreamResets += this.firstCall < 0 ? 0 : 1;
    else counters.upstreamConnectFailures++;
    this.#owner.onClosed(wasReady);
    const why = this.#failure || error?.message || "connection closed";
    const peer = `${this.host.address}:${this.host.port}`;
    if (wasReady) failCallsOf(this.#context, this, "reset", `${peer} closed the connection before it answered: ${why}`);
    else failCallsOf(this.#context, this, "connect_failure", `no connection to ${peer}: ${why}`);
    for (const call of this.#context.late.takeAllOf(this)) {
      if (!call.caller.closed) answerReason(call, "reset", `${peer} closed the connection before it answered: ${why}`);
    }
    this.#settleReady(`no connection to ${peer}: ${why}`);
  }

  /** Asks an idle peer for a sign of life; ends the connection when three such times passed without one. */
  tick(): void {
    const { nowMs, limits } = this.#context;
    if (!this.ready) return;
    this.#endIfIdle();
    const idleMs = nowMs - this.#lastReadMs;
    if (idleMs > 3 * limits.heartbeatMs) {
      this.#failure = `nothing was heard for ${Math.round(idleMs)} ms`;
      this.#lose();
    } else if (idleMs > limits.heartbeatMs && nowMs - this.#lastAskedMs > limits.heartbeatMs) {
      this.#lastAskedMs = nowMs;
      const frame = encodeHeartbeat(0xffffffff, this.#heartbeatId++);
      this.#driver.append(frame, 0, frame.length);
    }
  }

  #onConnected(): void {
    const { counters } = this.#context;
    this.#lastReadMs = this.#context.nowMs;
    this.ready = true;
    counters.upstreamConnections++;
    for (const frame of this.#waiting) {
      // A call that was given up meanwhile, or went elsewhere, must not be carried out here.
      const slot = this.#context.calls.find(frame.readInt32BE(4), frame.readInt32BE(8));
      if (slot >= 0 && this.#context.calls.callees[slot] === this) this.#driver.append(frame, 0, frame.length);
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#owner.onReady();
    this.#settleReady(undefined);
  }

  /** Nothing more will come from the provider: calls end now, and none may be sent in the time until the socket is closed. */
  #lose(): void {
    this.onClosed(undefined);
    this.#driver.destroy();
  }

  #endIfIdle(): void {
    if (!this.#endWhenIdle || this.firstCall >= 0) return;
    this.#ended = true;
    this.#driver.end();
  }

  /** The answer to a call whose caller said that it would not wait so long: it may, after all. */
  #deliverLate(bytes: Buffer, start: number, end: number): void {
    const call = this.#context.late.take(this, bytes.readInt32BE(start + 4), bytes.readInt32BE(start + 8));
    if (call === undefined || call.caller.closed) return;
    bytes.writeInt32BE(call.idHigh, start + 4);
    bytes.writeInt32BE(call.idLow, start + 8);
    const edited = call.edit?.(bytes.subarray(start, end));
    if (edited !== undefined) {
      call.caller.deliver(edited, 0, edited.length);
      return;
    }
    this.#context.counters.answersUnchanged += call.edit === undefined ? 0 : 1;
    call.caller.deliver(bytes, start, end);
  }

  #settleReady(error: string | undefined): void {
    const waiting = this.#onReady;
    this.#onReady = [];
    for (const run of waiting) run(error);
  }

  #onEvent(bytes: Buffer, start: number, end: number): void {
    if (end - start - HEADER_BYTES > MAX_EVENT_BYTES) {
      throw new ProtocolError(
        "dubbo2",
        `event of ${end - start - HEADER_BYTES} bytes is over the limit ${MAX_EVENT_BYTES}`,
      );
    }
    if (isTwoWay(bytes, start)) {
      const frame = encodeHeartbeatAnswer(bytes, start, end);
      this.#driver.append(frame, 0, frame.length);
      return;
    }
    const kind = eventKind(bytes, start, end);
    if (kind === "readonly") this.host.setDraining(true);
    else if (kind === "writeable") this.host.setDraining(false);
  }
}
