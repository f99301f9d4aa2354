import { ProtocolError } from "../../base/errors.ts";
import type { ConnectionMachine } from "../connection.ts";
import { type OpName, XIDS } from "./constants.ts";
import {
  encodePacket,
  type FourLetterWord,
  fourLetterWord,
  LENGTH_BYTES,
  PacketSplitter,
  packetBody,
} from "./frame.ts";
import { JuteReader, PROTOCOL } from "./jute.ts";
import {
  type ConnectRequest,
  type ConnectResponse,
  type ReplyHeader,
  readConnectRequest,
  readConnectResponse,
  readRequestHeader,
  type WatcherEvent,
  writeConnectRequest,
  writeConnectResponse,
} from "./records.ts";
import { decodeEvent, decodeReply, peekReply, type Reply, writeEvent, writeReply } from "./replies.ts";
import { type Request, readRequest, writeRequest } from "./requests.ts";

/**
 * Both ends of a ZooKeeper connection without I/O.
 *
 *   client -> server   ConnectRequest, then {RequestHeader, record}*       (or four letters, and nothing more)
 *   server -> client   ConnectResponse, then {ReplyHeader, record}*, replies in the order of the requests, events between them
 *
 * Reference: ClientCnxn and NIOServerCnxn of Apache ZooKeeper 3.8.
 */

/** What a client is told by its machine. */
export type ClientEvent =
  | { readonly type: "connected"; readonly response: ConnectResponse }
  /** The session is gone; the server closes. */
  | { readonly type: "expired" }
  | { readonly type: "reply"; readonly header: ReplyHeader; readonly reply: Reply | undefined }
  | { readonly type: "event"; readonly event: WatcherEvent }
  /** The server has been silent for too long: close, and try another. */
  | { readonly type: "lost"; readonly reason: string };

/** What a client sends; `xid` is its own number, or one of `XIDS` for auth and setWatches. */
export interface ClientOut {
  readonly xid: number;
  readonly request: Request;
}

/** How a client opens a connection. */
export interface ClientOptions {
  readonly connect: ConnectRequest;
  /** The server must have answered the handshake after this time, ms. */
  readonly handshakeTimeoutMs: number;
  /** The largest packet taken from the server, bytes. */
  readonly maxPacketBytes: number;
  readonly nowMs: number;
}

/**
 * A client's end. The handshake is in the output at once. Pings when nothing was sent for a third of the session's time-out, and
 * reports `lost` when nothing came for two thirds, as ClientCnxn does: a peer that takes bytes and gives none is noticed.
 */
export class ZooKeeperClientMachine implements ConnectionMachine<ClientEvent, ClientOut> {
  readonly #splitter: PacketSplitter;
  readonly #output: Uint8Array[] = [];
  /** Requests without an answer, oldest first: the reply does not say what it answers. */
  readonly #pending: { readonly xid: number; readonly op: OpName }[] = [];
  #head = 0;
  #established = false;
  #timeoutMs: number;
  #heardMs: number;
  #sentMs: number;
  #closing = false;

  constructor(options: ClientOptions) {
    this.#splitter = new PacketSplitter(options.maxPacketBytes);
    this.#timeoutMs = options.handshakeTimeoutMs;
    this.#heardMs = options.nowMs;
    this.#sentMs = options.nowMs;
    this.#output.push(encodePacket((writer) => writeConnectRequest(writer, options.connect)));
  }

  /** Requests without an answer. */
  get pendingCount(): number {
    return this.#pending.length - this.#head;
  }

  receive(bytes: Uint8Array, nowMs: number): ClientEvent[] {
    this.#heardMs = nowMs;
    return this.#splitter.push(bytes).map((packet) => this.#packet(packetBody(packet)));
  }

  send({ xid, request }: ClientOut, nowMs: number): void {
    this.#sentMs = nowMs;
    if (request.op === "closeSession") this.#closing = true;
    if (request.op !== "ping") this.#pending.push({ xid, op: request.op });
    this.#output.push(encodePacket((writer) => writeRequest(writer, xid, request)));
  }

  takeOutput(): Uint8Array {
    return takeAll(this.#output);
  }

  deadline(): number {
    if (!this.#established) return this.#heardMs + this.#timeoutMs;
    const lostMs = this.#heardMs + Math.floor((this.#timeoutMs * 2) / 3);
    return this.#closing ? lostMs : Math.min(lostMs, this.#sentMs + Math.floor(this.#timeoutMs / 3));
  }

  tick(nowMs: number): ClientEvent[] {
    if (nowMs < this.deadline()) return [];
    const silentMs = nowMs - this.#heardMs;
    if (!this.#established) return [{ type: "lost", reason: `no answer to the handshake for ${silentMs} ms` }];
    if (silentMs >= Math.floor((this.#timeoutMs * 2) / 3)) {
      return [{ type: "lost", reason: `no byte from the server for ${silentMs} ms` }];
    }
    this.send({ xid: XIDS.ping, request: { op: "ping" } }, nowMs);
    return [];
  }

  #packet(body: Uint8Array): ClientEvent {
    if (!this.#established) {
      const response = readConnectResponse(new JuteReader(Uint8Array.from(body)));
      this.#established = true;
      if (response.timeoutMs <= 0) return { type: "expired" };
      this.#timeoutMs = response.timeoutMs;
      return { type: "connected", response };
    }
    const header = peekReply(body);
    if (header.isEvent) return { type: "event", event: decodeEvent(body).event };
    if (header.xid === XIDS.ping) return { type: "reply", header, reply: { op: "ping" } };
    const asked = this.#pending[this.#head];
    if (asked === undefined || asked.xid !== header.xid) {
      const awaited = asked === undefined ? "none" : String(asked.xid);
      throw new ProtocolError(PROTOCOL, `zookeeper reply to request ${header.xid} where ${awaited} is awaited`);
    }
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#head = 0;
    }
    // A reply's data outlives the chunk it came in.
    return { type: "reply", ...decodeReply(Uint8Array.from(body), asked.op) };
  }
}

/** What a server is told by its machine. */
export type ServerEvent =
  | { readonly type: "word"; readonly word: FourLetterWord }
  | { readonly type: "connect"; readonly request: ConnectRequest }
  | { readonly type: "request"; readonly xid: number; readonly request: Request }
  /** A header that can be read in front of a record that can't, or of an operation that is not known. */
  | { readonly type: "malformed"; readonly xid: number; readonly op: number; readonly reason: string }
  /** The client did not say what it wants in time. */
  | { readonly type: "lost"; readonly reason: string };

/** What a server sends. */
export type ServerOut =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "connected"; readonly response: ConnectResponse }
  | { readonly type: "reply"; readonly header: ReplyHeader; readonly reply?: Reply | undefined }
  | { readonly type: "event"; readonly event: WatcherEvent };

/** What a server grants a client. */
export interface ServerOptions {
  /** The largest packet taken from the client, bytes; a server's jute.maxbuffer. */
  readonly maxPacketBytes: number;
  /** The handshake must be there after this time, ms. */
  readonly handshakeTimeoutMs: number;
  readonly nowMs: number;
}

/** A server's end. Sessions and their time-outs are the caller's: the machine knows one connection. */
export class ZooKeeperServerMachine implements ConnectionMachine<ServerEvent, ServerOut> {
  readonly #splitter: PacketSplitter;
  readonly #output: Uint8Array[] = [];
  readonly #handshakeDueMs: number;
  #first: Uint8Array | undefined = new Uint8Array(0);
  #state: "new" | "open" | "ended" = "new";
  #outputBytes = 0;

  constructor(options: ServerOptions) {
    this.#splitter = new PacketSplitter(options.maxPacketBytes);
    this.#handshakeDueMs = options.nowMs + options.handshakeTimeoutMs;
  }

  /** Bytes that `takeOutput` has not yet handed out. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  receive(bytes: Uint8Array, _nowMs: number): ServerEvent[] {
    if (this.#state === "ended") return [];
    let rest = bytes;
    if (this.#first !== undefined) {
      rest = new Uint8Array(this.#first.length + bytes.length);
      rest.set(this.#first);
      rest.set(bytes, this.#first.length);
      if (rest.length < LENGTH_BYTES) {
        this.#first = rest;
        return [];
      }
      this.#first = undefined;
      const word = fourLetterWord(rest);
      if (word !== undefined) {
        this.#state = "ended";
        return [{ type: "word", word }];
      }
    }
    const events: ServerEvent[] = [];
    for (const packet of this.#splitter.push(rest)) events.push(this.#packet(packetBody(packet)));
    return events;
  }

  send(out: ServerOut, _nowMs: number): void {
    const bytes =
      out.type === "text"
        ? new TextEncoder().encode(out.text)
        : encodePacket((writer) => {
            if (out.type === "connected") writeConnectResponse(writer, out.response);
            else if (out.type === "reply") writeReply(writer, out.header, out.reply);
            else writeEvent(writer, out.event);
          }, 128);
    this.#output.push(bytes);
    this.#outputBytes += bytes.length;
  }

  takeOutput(): Uint8Array {
    this.#outputBytes = 0;
    return takeAll(this.#output);
  }

  deadline(): number | undefined {
    return this.#state === "new" ? this.#handshakeDueMs : undefined;
  }

  tick(nowMs: number): ServerEvent[] {
    if (this.#state !== "new" || nowMs < this.#handshakeDueMs) return [];
    return [{ type: "lost", reason: "the client sent no handshake in time" }];
  }

  #packet(body: Uint8Array): ServerEvent {
    // What a request carries (data, passwords) outlives the chunk it came in.
    const reader = new JuteReader(Uint8Array.from(body));
    if (this.#state === "new") {
      this.#state = "open";
      return { type: "connect", request: readConnectRequest(reader) };
    }
    const { xid, type } = readRequestHeader(reader);
    try {
      return { type: "request", xid, request: readRequest(reader, type) };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { type: "malformed", xid, op: type, reason: error.message };
    }
  }
}

function takeAll(parts: Uint8Array[]): Uint8Array {
  const taken = parts.splice(0);
  if (taken.length === 1) return taken[0];
  const whole = new Uint8Array(taken.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of taken) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
