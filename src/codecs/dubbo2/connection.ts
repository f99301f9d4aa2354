/**
 * Both ends of a Dubbo2 connection as machines without I/O: for applications (samples, `trestle call`, tests). The proxy
 * carries frames undecoded and has its own path on frame.ts and splitter.ts.
 *
 * | timer | client | server |
 * |---|---|---|
 * | 60 s without bytes from the peer | sends a heartbeat | - |
 * | 180 s without bytes from the peer | reports `idle` | reports `idle` |
 *
 * Reference: HeaderExchangeClient and HeaderExchangeServer of Apache Dubbo 3.3; 2.6 servers send heartbeats too.
 */
import { CallError, ProtocolError } from "../../base/errors.ts";
import type { ConnectionMachine } from "../connection.ts";
import type { Value } from "../value.ts";
import { encodeStatusAnswer } from "./answer.ts";
import {
  decodeResponse,
  encodeOutcome,
  encodeRequest,
  type Outcome,
  PROTOCOL_VERSION,
  type RequestParts,
  type Response,
  supportsResponseAttachments,
} from "./body.ts";
import {
  encodeHeartbeat,
  encodeReadonly,
  encodeWriteable,
  HEADER_BYTES,
  HESSIAN2,
  idHigh,
  idLow,
  isEvent,
  isRequest,
  isTwoWay,
  serializationId,
  serializationName,
} from "./frame.ts";
import { RequestHead } from "./head.ts";
import { type Dubbo2Limits, Dubbo2Machine } from "./machine.ts";
import { BAD_REQUEST, SERIALIZATION_ERROR, THREADPOOL_EXHAUSTED } from "./status.ts";

/** A call that came in; answered by `send` with this object. */
export interface IncomingCall {
  readonly type: "call";
  readonly idHigh: number;
  readonly idLow: number;
  /** False: nothing may be answered, and nothing is. */
  readonly twoWay: boolean;
  readonly protocolVersion: string;
  readonly interface: string;
  /** `""` for none. */
  readonly group: string;
  /** `""` for none. */
  readonly version: string;
  readonly method: string;
  readonly descriptor: string;
  readonly args: readonly Value[];
  readonly attachments: Readonly<Record<string, string>>;
}

/** What a server machine reports. `idle`: the peer has been silent for too long, close. */
export type ServerEvent = IncomingCall | { readonly type: "idle" };

/** What a server machine is told to send. Answers to one-way calls are dropped. */
export type ServerSend =
  | { readonly type: "outcome"; readonly call: IncomingCall; readonly outcome: Outcome }
  | { readonly type: "error"; readonly call: IncomingCall; readonly status: number; readonly text: string }
  | { readonly type: "readonly" }
  | { readonly type: "writeable" };

/** What a client machine reports; `key` is the caller's own number for the call. */
export type ClientEvent =
  | { readonly type: "reply"; readonly key: number; readonly response: Response }
  /** The answer came and could not be read. */
  | { readonly type: "undecodable"; readonly key: number; readonly text: string }
  | { readonly type: "timeout"; readonly key: number }
  | { readonly type: "readonly" }
  | { readonly type: "writeable" }
  | { readonly type: "idle" };

/** A call to send. Two-way calls end in `reply`, `undecodable` or `timeout`; one-way calls report nothing. */
export interface ClientSend {
  readonly type: "call";
  readonly key: number;
  readonly request: Omit<RequestParts, "idHigh" | "idLow">;
  /** Sent along as attachment `timeout` unless the request has one. */
  readonly timeoutMs: number;
}

/** The server's end: decodes calls, answers heartbeats and what it can't decode. */
export class Dubbo2Server extends Dubbo2Machine<ServerEvent> implements ConnectionMachine<ServerEvent, ServerSend> {
  readonly #head = new RequestHead();
  #calls = 0;

  constructor(nowMs: number, limits: Partial<Dubbo2Limits> = {}) {
    super(nowMs, limits);
  }

  /** Two-way calls that have not been answered. */
  get callsInFlight(): number {
    return this.#calls;
  }

  send(event: ServerSend, _nowMs: number): void {
    switch (event.type) {
      case "outcome": {
        if (!event.call.twoWay) return;
        this.#calls--;
        const { idHigh: high, idLow: low, protocolVersion } = event.call;
        const attachments = supportsResponseAttachments(protocolVersion)
          ? { attachments: { dubbo: PROTOCOL_VERSION, ...event.outcome.attachments } }
          : {};
        const frame = encodeOutcome(high, low, {
          type: event.outcome.type,
          value: event.outcome.value,
          ...attachments,
        });
        const size = frame.length - HEADER_BYTES;
        const limit = this.limits.maxBodyBytes;
        const text = `answer of ${size} bytes is over maxBodyBytes ${limit}`;
        this.write(size <= limit ? frame : encodeStatusAnswer(high, low, HESSIAN2, SERIALIZATION_ERROR, text));
        return;
      }
      case "error":
        if (!event.call.twoWay) return;
        this.#calls--;
        this.write(encodeStatusAnswer(event.call.idHigh, event.call.idLow, HESSIAN2, event.status, event.text));
        return;
      case "readonly":
        this.write(encodeReadonly());
        return;
      case "writeable":
        this.write(encodeWriteable());
        return;
      default:
        event satisfies never;
    }
  }

  deadline(): number | undefined {
    return this.idleAtMs;
  }

  tick(nowMs: number): ServerEvent[] {
    this.tickIdle(nowMs);
    return this.takeEvents();
  }

  protected override onFrame(bytes: Buffer, start: number, end: number): void {
    if (isEvent(bytes, start)) {
      this.onEvent(bytes, start, end);
      return;
    }
    // An answer on the server's end could only be to a callback, and this end makes none.
    if (!isRequest(bytes, start)) return;
    const twoWay = isTwoWay(bytes, start);
    if (twoWay && this.#calls >= this.limits.maxCalls) {
      this.#refuse(bytes, start, THREADPOOL_EXHAUSTED, `more than maxCalls ${this.limits.maxCalls} in flight`);
      return;
    }
    const id = serializationId(bytes, start);
    if (id !== HESSIAN2) {
      this.#refuse(bytes, start, BAD_REQUEST, `body in ${serializationName(id)} (${id}), only hessian2 (2) is read`);
      return;
    }
    try {
      this.events.push(decodeCall(this.#head, bytes, start, end));
      if (twoWay) this.#calls++;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuse(bytes, start, BAD_REQUEST, `request can't be read: ${error.message}`);
    } finally {
      this.#head.release();
    }
  }

  protected override onOversize(header: Buffer, bodyBytes: number): void {
    if (!isRequest(header, 0)) return;
    this.#refuse(header, 0, BAD_REQUEST, `body of ${bodyBytes} bytes is over maxBodyBytes ${this.limits.maxBodyBytes}`);
  }

  #refuse(bytes: Buffer, start: number, status: number, text: string): void {
    if (!isTwoWay(bytes, start)) return;
    this.write(encodeStatusAnswer(idHigh(bytes, start), idLow(bytes, start), HESSIAN2, status, text));
  }
}

interface Pending {
  readonly key: number;
  readonly dueMs: number;
}

/** The client's end: numbers calls, pairs answers, keeps the connection alive. */
export class Dubbo2Client extends Dubbo2Machine<ClientEvent> implements ConnectionMachine<ClientEvent, ClientSend> {
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #heartbeatAtMs: number;
  /** No pending call is due before this. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(nowMs: number, limits: Partial<Dubbo2Limits> = {}) {
    super(nowMs, limits);
    this.#heartbeatAtMs = nowMs;
  }

  /** Two-way calls that wait for an answer. */
  get callsInFlight(): number {
    return this.#pending.size;
  }

  /** Throws `CallError` (`overflow`) over `maxCalls`, (`over_limit`) for a body over `maxBodyBytes`. */
  send(event: ClientSend, nowMs: number): void {
    if (this.#pending.size >= this.limits.maxCalls) {
      throw new CallError("resource_exhausted", "overflow", `more than maxCalls ${this.limits.maxCalls} in flight`);
    }
    let id = this.#nextId;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    const { request } = event;
    const attachments = { timeout: String(event.timeoutMs), ...request.attachments };
    const frame = encodeRequest({ ...request, attachments, idHigh: 0, idLow: id });
    const size = frame.length - HEADER_BYTES;
    if (size > this.limits.maxBodyBytes) {
      const text = `request of ${size} bytes is over maxBodyBytes ${this.limits.maxBodyBytes}`;
      throw new CallError("invalid_argument", "over_limit", text);
    }
    this.#nextId = (id + 1) >>> 0;
    if (request.twoWay) {
      const dueMs = nowMs + event.timeoutMs;
      this.#pending.set(id, { key: event.key, dueMs });
      if (dueMs < this.#dueMs) this.#dueMs = dueMs;
    }
    this.write(frame);
  }

  deadline(): number | undefined {
    const heartbeat = Math.max(this.readAtMs, this.#heartbeatAtMs) + this.limits.heartbeatMs;
    return Math.min(heartbeat, this.#dueMs, this.idleAtMs ?? Number.POSITIVE_INFINITY);
  }

  tick(nowMs: number): ClientEvent[] {
    if (nowMs >= Math.max(this.readAtMs, this.#heartbeatAtMs) + this.limits.heartbeatMs) {
      this.#heartbeatAtMs = nowMs;
      this.write(encodeHeartbeat(0, this.#nextId));
      this.#nextId = (this.#nextId + 1) >>> 0;
    }
    if (nowMs >= this.#dueMs) this.#expire(nowMs);
    this.tickIdle(nowMs);
    return this.takeEvents();
  }

  protected override onFrame(bytes: Buffer, start: number, end: number): void {
    if (isEvent(bytes, start)) {
      const kind = this.onEvent(bytes, start, end);
      if (kind !== undefined) this.events.push({ type: kind });
      return;
    }
    if (isRequest(bytes, start)) {
      // A callback, which this end offers none of.
      if (!isTwoWay(bytes, start)) return;
      const text = "this client takes no callbacks";
      this.write(encodeStatusAnswer(idHigh(bytes, start), idLow(bytes, start), HESSIAN2, BAD_REQUEST, text));
      return;
    }
    const key = this.#take(bytes, start);
    if (key === undefined) return;
    try {
      this.events.push({ type: "reply", key, response: decodeResponse(bytes, start, end) });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.events.push({ type: "undecodable", key, text: error.message });
    }
  }

  protected override onOversize(header: Buffer, bodyBytes: number): void {
    const key = this.#take(header, 0);
    if (key === undefined) return;
    const text = `answer of ${bodyBytes} bytes is over maxBodyBytes ${this.limits.maxBodyBytes}`;
    this.events.push({ type: "undecodable", key, text });
  }

  /** The caller's key for the answer's id; undefined for ids that are not waited for (late answers). */
  #take(bytes: Buffer, start: number): number | undefined {
    if (isRequest(bytes, start) || idHigh(bytes, start) !== 0) return undefined;
    const id = idLow(bytes, start);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending?.key;
  }

  #expire(nowMs: number): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const [id, pending] of this.#pending) {
      if (pending.dueMs <= nowMs) {
        this.#pending.delete(id);
        this.events.push({ type: "timeout", key: pending.key });
      } else if (pending.dueMs < this.#dueMs) {
        this.#dueMs = pending.dueMs;
      }
    }
  }
}

function decodeCall(head: RequestHead, bytes: Buffer, start: number, end: number): IncomingCall {
  head.scan(bytes, start + HEADER_BYTES, end);
  const attachments = head.attachments().toRecord();
  const args: Value[] = [];
  for (let i = 0; i < head.argumentCount; i++) args.push(head.argument(i) ?? null);
  // As Java's decoder does: what the map says about the service goes before the leading strings.
  const version = attachments["version"] ?? head.version ?? "";
  return {
    type: "call",
    idHigh: idHigh(bytes, start),
    idLow: idLow(bytes, start),
    twoWay: isTwoWay(bytes, start),
    protocolVersion: head.protocolVersion,
    interface: attachments["path"] ?? head.service,
    group: attachments["group"] ?? "",
    version: version === "0.0.0" ? "" : version,
    method: head.method,
    descriptor: head.descriptor,
    args,
    attachments,
  };
}
