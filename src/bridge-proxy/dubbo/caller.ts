import type { Socket } from "node:net";
import { type CallReason, ProtocolError } from "../../base/errors.ts";
import { Fastjson2Head } from "../../codecs/dubbo2/fastjson2-head.ts";
import {
  encodeHeartbeat,
  encodeHeartbeatAnswer,
  encodeReadonly,
  FASTJSON2,
  FLAG_EVENT,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  HESSIAN2,
  MAX_EVENT_BYTES,
  SERIALIZATION_MASK,
} from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import { type FrameSink, FrameSplitter } from "../../codecs/dubbo2/splitter.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import { type Peer, peerOf } from "../authz/peer.ts";
import { vouchedPeer } from "../authz/vouched.ts";
import { DEADLINE_CALLER, DEADLINE_ROUTE } from "../call-table.ts";
import type { CallerPort, ProxyContext } from "../context.ts";
import { askToken, isRefused, matchRoute } from "../match.ts";
import { BACKLOG_FULL, failCall, linkCall, logBug } from "../pending.ts";
import { outcomeOfReason } from "../policies/outcome.ts";
import { decideHost, type HostDecision, pickTarget } from "../route.ts";
import { rowLabels, UNKNOWN_ROW } from "../rows.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { addressOf, adopt, SocketDriver, type SocketOwner } from "../socket-driver.ts";
import type { DubboEndpoint } from "../upstream/endpoint.ts";
import type { UpstreamHost } from "../upstream/host.ts";
import { addresseeOf, answerReason } from "./answers.ts";
import { Callbacks } from "./callbacks.ts";
import type { Callee } from "./callee.ts";
import { CallerWatch } from "./caller-watch.ts";
import { type Refusal, rulingOf } from "./guard.ts";
import { headerLookup } from "./header-lookup.ts";
import { holdCall, holdForKey, holdUnknown, type LedFrame, type Waited } from "./hold.ts";
import { asksOf, createLane, type Lane, Lanes, laneOfGroup, laneRow } from "./lanes.ts";
import { Pulse } from "./pulse.ts";
import { policyLookup } from "./readings.ts";
import { calledKey, hostOf } from "./resolve.ts";
import { unreadRuling } from "./unread.ts";

/** Reads the heads of all callers' requests, one at a time: nothing that it holds outlives the frame. */
const hessian2Head = new RequestHead();
const fastjson2Head = new Fastjson2Head();

function headFor(bytes: Buffer, start: number): RequestHead | Fastjson2Head {
  return (bytes[start + 2]! & SERIALIZATION_MASK) === FASTJSON2 ? fastjson2Head : hessian2Head;
}

/** A caller that does not take its answers is not read from above this, so that it makes no new ones. */
const PAUSE_BACKLOG_BYTES = 1024 * 1024;

/** One accepted connection of a Dubbo2 consumer. Whatever happens to providers, it stays. */
export class Caller implements CallerPort, SocketOwner, FrameSink {
  closed = false;
  /** Calls that its end ends. */
  readonly watch = new CallerWatch();
  readonly #context: ProxyContext;
  readonly #config: () => RuntimeConfig;
  readonly #driver: SocketDriver;
  readonly #splitter: FrameSplitter;
  readonly #address: string;
  readonly #peer: Peer;
  readonly #onClosed: () => void;
  readonly #lanes = new Lanes();
  readonly #callbacks: Callbacks;
  /** What the last readable frame was for: frames that are only carried go there too. */
  #lastHost: HostDecision | undefined;
  #paused = false;
  readonly #pulse: Pulse;

  constructor(context: ProxyContext, socket: Socket, config: () => RuntimeConfig, onClosed: () => void) {
    this.#context = context;
    this.#config = config;
    this.#onClosed = onClosed;
    this.#address = addressOf(socket);
    this.#peer = peerOf(socket, this.#address);
    this.#pulse = new Pulse(context.limits, context.nowMs);
    this.#splitter = new FrameSplitter(this, context.frameLimits);
    this.#driver = new SocketDriver((onread) => adopt(socket, onread), context.queue, this);
    this.#callbacks = new Callbacks(context, this);
  }

  deliver(bytes: Buffer, start: number, end: number): void {
    this.#driver.append(bytes, start, end);
    if (this.#driver.backlogBytes > PAUSE_BACKLOG_BYTES) this.#relieve();
  }

  answer(frame: Buffer): void {
    this.deliver(frame, 0, frame.length);
  }

  /** The connection to a provider that is this caller's alone, over which the provider can call back. */
  pinned(host: UpstreamHost<Callee>): Callee {
    return this.#callbacks.pinned(host);
  }

  /** Asks the consumer to send its next calls elsewhere. */
  leave(): void {
    this.answer(encodeReadonly());
  }

  /** Bytes that the consumer has not taken yet. */
  get backlogBytes(): number {
    return this.#driver.backlogBytes;
  }

  end(): void {
    this.#driver.end();
  }

  destroy(): void {
    this.#driver.destroy();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    const context = this.#context;
    context.nowMs = performance.now();
    this.#pulse.read(context.nowMs);
    const held = this.#splitter.heldBytes;
    try {
      this.#splitter.push(bytes, start, end);
    } catch (error) {
      context.counters.downstreamProtocolErrors++;
      logBug(context, error);
      throw error;
    } finally {
      context.heldBytes += this.#splitter.heldBytes - held;
    }
    if (held === 0 || this.#splitter.heldBytes !== held + end - start) this.#pulse.begin(context.nowMs);
    if (context.heldBytes > context.limits.maxHeldBytes && this.#splitter.heldBytes > 0) {
      throw new ProtocolError("dubbo2", `unfinished frames hold over maxHeldBytes ${context.limits.maxHeldBytes}`);
    }
  }

  onFrame(bytes: Buffer, start: number, end: number): void {
    const flags = bytes[start + 2]!;
    if ((flags & FLAG_REQUEST) === 0) {
      if ((flags & FLAG_EVENT) === 0) this.#callbacks.onReply(bytes, start, end);
    } else if ((flags & FLAG_EVENT) !== 0) {
      this.#onEvent(bytes, start, end);
    } else if (this.#driver.isEnding && (flags & FLAG_TWO_WAY) !== 0) {
      // A call that crosses the end of its connection: nobody would hear of its answer, so nobody is to act on it.
    } else if ((flags & SERIALIZATION_MASK) === HESSIAN2) {
      const config = this.#config();
      const lane = this.#lanes.find(config, bytes, start, end);
      // Those that policies let through go on as if there were none.
      if (
        lane !== undefined &&
        (lane.plain || lane.passed?.has(bytes, start + HEADER_BYTES + lane.prefix.length, end) === true)
      )
        this.#carry(lane, bytes, start, end);
      else this.#read(config, lane, bytes, start, end);
    } else if ((flags & SERIALIZATION_MASK) === FASTJSON2) {
      this.#read(this.#config(), undefined, bytes, start, end);
    } else {
      this.#carryUnread(bytes, start, end);
    }
  }

  onOversize(header: Buffer, bodyBytes: number): void {
    this.#context.counters.oversizeFrames++;
    if ((header[2]! & (FLAG_REQUEST | FLAG_TWO_WAY | FLAG_EVENT)) !== (FLAG_REQUEST | FLAG_TWO_WAY)) return;
    this.#refuse(
      header,
      0,
      "over_limit",
      `body of ${bodyBytes} bytes is over the limit ${this.#context.frameLimits.maxBodyBytes}`,
    );
  }

  onClosed(error: Error | undefined): void {
    this.closed = true;
    this.watch.end();
    this.#context.heldBytes -= this.#splitter.heldBytes;
    if (error !== undefined)
      this.#context.log.debug("caller connection ended", { peer: this.#address, error: error.message });
    this.#callbacks.close();
    this.#onClosed();
  }

  /** Ends connections that began a frame and do not go on, or are silent for three heartbeats. */
  tick(): void {
    this.#callbacks.tick();
    const word = this.#pulse.look(this.#context.nowMs, this.#splitter.heldBytes);
    if (word === "end") this.#driver.destroy();
    else if (word === "ask") this.answer(encodeHeartbeat(0xffffffff, 0));
  }

  /** The plain path: an id is replaced, the frame goes on. */
  #carry(lane: Lane, bytes: Buffer, start: number, end: number): void {
    const context = this.#context;
    const route = lane.route!;
    const target = pickTarget(route, context.random)!;
    const endpoint = target.cluster.dubbo.untagged.pick(context.originMs + context.nowMs, context.random);
    const callee = endpoint?.host.state === "ready" ? endpoint.host.connection() : undefined;
    if (callee === undefined || !callee.ready || isOverPayload(endpoint!, end - start)) {
      const { host, callerTimeoutMs } = lane;
      const head = headFor(bytes, start);
      const startMs = context.nowMs;
      this.#hold({ bytes, start, end, decision: host!, route, startMs, callerTimeoutMs, head, ruling: undefined });
      return;
    }
    this.#lastHost = lane.host;
    const row = laneRow(context, lane, target);
    if ((bytes[start + 2]! & FLAG_TWO_WAY) === 0) {
      if (callee.send(bytes, start, end)) row.recordOneWay();
      else row.record(outcomeOfReason("overflow"), 0);
      return;
    }
    const { calls } = context;
    const slot = calls.allocate();
    if (slot < 0) {
      row.record(outcomeOfReason("overflow"), 0);
      this.#refuse(bytes, start, "overflow", `${calls.maxCalls} calls wait already, the proxy's limit`);
      return;
    }
    calls.callers[slot] = this;
    calls.rows[slot] = row;
    calls.idHigh[slot] = bytes.readInt32BE(start + 4);
    calls.idLow[slot] = bytes.readInt32BE(start + 8);
    calls.serialization[slot] = bytes[start + 2]! & SERIALIZATION_MASK;
    calls.startMs[slot] = context.nowMs;
    const isOwn = route.timeoutMs > 0 && route.timeoutMs <= lane.callerTimeoutMs;
    const deadline = context.nowMs + (isOwn ? route.timeoutMs : lane.callerTimeoutMs);
    calls.deadlineMs[slot] = deadline;
    calls.deadlineKind[slot] = isOwn ? DEADLINE_ROUTE : DEADLINE_CALLER;
    if (deadline < context.earliestDeadlineMs) context.earliestDeadlineMs = deadline;
    linkCall(context, slot, callee);
    bytes.writeInt32BE(calls.generations[slot]!, start + 4);
    bytes.writeInt32BE(slot, start + 8);
    if (!callee.send(bytes, start, end)) failCall(context, slot, "overflow", BACKLOG_FULL);
  }

  /** The path of calls of which more than the beginning has to be known. */
  #read(config: RuntimeConfig, found: Lane | undefined, bytes: Buffer, start: number, end: number, by?: Waited): void {
    const context = this.#context;
    const { sinceMs: startMs = context.nowMs } = by ?? {};
    const head = headFor(bytes, start);
    const isFastjson2 = head === fastjson2Head;
    let isScanned = false;
    try {
      head.scan(bytes, start + HEADER_BYTES, end);
      isScanned = true;
      const peer = vouchedPeer(this.#peer, config.identityOf);
      let lane = found && laneOfGroup(found, head);
      if (lane === undefined) {
        lane = createLane(config, context, head, peer);
        // Lanes know beginnings in Hessian2 only.
        if (!isFastjson2) this.#lanes.add(lane, found);
        if (lane.plain && by === undefined) {
          this.#carry(lane, bytes, start, end);
          return;
        }
      }
      const host = lane.host ?? hostOf(lane, head);
      if (host === undefined) {
        this.#holdUnknown(calledKey(head), Buffer.from(bytes.subarray(start, end)), startMs);
        return;
      }
      const header = headerLookup(head, host.host.key, config.applicationOf(this.#address));
      const token =
        host.asksClaims === true ? () => askToken(host, policyLookup(head, header), by?.forKey === true) : undefined;
      const route = matchRoute(host, header, token);
      const { callerTimeoutMs } = lane;
      if (isRefused(route)) {
        this.#refuseToken(host, route, { startMs, callerTimeoutMs }, Buffer.from(bytes.subarray(start, end)));
        return;
      }
      if (route === undefined) {
        const message = `no rule of ${host.host.host} takes method ${host.method}`;
        this.#deny(host, { reason: "no_route", message }, bytes, start, startMs);
        return;
      }
      const { nowMs } = context;
      const known = head.isGeneric ? undefined : lane.checkpoints;
      const ruling = rulingOf({ config, peer, decision: host, route, head, header, nowMs, known });
      if (ruling?.denial !== undefined) this.#deny(host, ruling.denial, bytes, start, startMs);
      else if (lane.carries && route === lane.route && ruling === undefined && by === undefined) {
        if (!isFastjson2) lane.passed?.add(hessian2Head, asksOf(lane));
        this.#carry(lane, bytes, start, end);
      } else this.#hold({ bytes, start, end, decision: host, route, startMs, callerTimeoutMs, head, ruling });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (isFastjson2 && !isScanned) {
        this.#carryUnread(bytes, start, end);
        return;
      }
      this.#deny(undefined, { reason: "undecodable", message: error.message }, bytes, start);
    } finally {
      head.release();
    }
  }

  /** Refuses a call that its token keeps from having a route, or has it wait for the token's key. */
  #refuseToken(
    host: HostDecision,
    denial: Denial,
    { startMs: sinceMs, callerTimeoutMs }: Pick<LedFrame, "startMs" | "callerTimeoutMs">,
    frame: Buffer,
  ): void {
    const again = () => this.#read(this.#config(), undefined, frame, 0, frame.length, { sinceMs, forKey: true });
    const timeLeftMs = sinceMs + callerTimeoutMs - this.#context.nowMs;
    if (holdForKey(this.#context, this.watch, { frame, denial, caller: this.#address, timeLeftMs }, again)) return;
    const path = `/${host.host.key.interface}/${host.method}`;
    this.#context.authz.denied(denial.policy, { peer: vouchedPeer(this.#peer, this.#config().identityOf), path });
    this.#deny(host, denial, frame, 0, sinceMs);
  }

  /** Keeps a call for a moment whose service is not known, and refuses it then. */
  #holdUnknown(key: ServiceKey, frame: Buffer, sinceMs: number): void {
    holdUnknown(this.#context, this.#config, { key, frame }, this, {
      again: () => this.#read(this.#config(), undefined, frame, 0, frame.length, { sinceMs, forKey: false }),
      refuse: () => {
        this.#count(undefined, "no_route", sinceMs);
        if (!this.closed) this.#refuse(frame, 0, "no_route", `no service ${printServiceKey(key)} is known here`);
      },
    });
  }

  #hold(call: LedFrame): void {
    this.#lastHost = call.decision;
    holdCall(this.#context, this.#config(), this, this.#address, call);
  }

  /** A frame whose head cannot be read goes to the one service that it can mean, by the routes that ask nothing of the method. */
  #carryUnread(bytes: Buffer, start: number, end: number): void {
    const { counters, limits } = this.#context;
    const host = this.#lastHost?.host ?? this.#config().routes.onlyHost();
    const decision = host === undefined ? undefined : decideHost(host, "");
    if (decision?.fixed === undefined) {
      const serialization = bytes[start + 2]! & SERIALIZATION_MASK;
      const message = `serialization ${serialization} is only carried, and this call could mean several services or needs a rule to read it`;
      this.#deny(decision, { reason: "undecodable", message }, bytes, start);
      return;
    }
    const { nowMs } = this.#context;
    const config = this.#config();
    const peer = vouchedPeer(this.#peer, config.identityOf);
    const ruling = unreadRuling({ config, peer, decision, route: decision.fixed, nowMs });
    if (ruling?.denial !== undefined) {
      this.#deny(decision, ruling.denial, bytes, start);
      return;
    }
    counters.carriedUnread++;
    const { fixed: route } = decision;
    const times = { startMs: nowMs, callerTimeoutMs: limits.maxCallMs };
    this.#hold({ bytes, start, end, decision, route, ...times, head: undefined, ruling });
  }

  #onEvent(bytes: Buffer, start: number, end: number): void {
    const bodyBytes = end - start - HEADER_BYTES;
    if (bodyBytes > MAX_EVENT_BYTES) {
      throw new ProtocolError("dubbo2", `event of ${bodyBytes} bytes is over the limit ${MAX_EVENT_BYTES}`);
    }
    if ((bytes[start + 2]! & FLAG_TWO_WAY) !== 0) this.answer(encodeHeartbeatAnswer(bytes, start, end));
  }

  #deny(
    host: HostDecision | undefined,
    { reason, message }: Refusal,
    bytes: Buffer,
    start: number,
    startMs = this.#context.nowMs,
  ): void {
    this.#count(host, reason, startMs);
    this.#refuse(bytes, start, reason, message);
  }

  #refuse(bytes: Buffer, start: number, reason: CallReason, message: string): void {
    if ((bytes[start + 2]! & FLAG_TWO_WAY) !== 0) answerReason(addresseeOf(this, bytes, start), reason, message);
  }

  #count(host: HostDecision | undefined, reason: CallReason, startMs: number): void {
    const labels = host === undefined ? UNKNOWN_ROW : rowLabels(host, undefined, undefined);
    this.#context.rows.row(labels).record(outcomeOfReason(reason), this.#context.nowMs - startMs);
  }

  #relieve(): void {
    if (this.#driver.backlogBytes > this.#context.limits.maxBacklogBytes) {
      this.#driver.destroy();
    } else if (!this.#paused) {
      this.#paused = true;
      this.#driver.pause();
      this.#driver.onDrained(() => {
        this.#paused = false;
        this.#driver.resume();
      });
    }
  }
}

function isOverPayload(endpoint: DubboEndpoint, frameBytes: number): boolean {
  return endpoint.payloadBytes > 0 && frameBytes - HEADER_BYTES > endpoint.payloadBytes;
}
