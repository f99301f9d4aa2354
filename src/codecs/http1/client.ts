/**
 * The client's end of an HTTP/1.1 connection. Several requests may be under way (bounded); answers belong to them in order.
 *
 * Reference: RFC 9112, RFC 9110 sections 7.8, 10.1.1 and 15.
 */
import { CallError } from "../../base/errors.ts";
import type { ConnectionMachine } from "../connection.ts";
import type { ClientEvent, ClientSend, RequestToSend } from "./connection.ts";
import { type Parsed, parseResponseHead, type ResponseHead } from "./head.ts";
import { Http1Error, type Http1Limits } from "./limits.ts";
import { Http1Machine } from "./machine.ts";
import { BY_LENGTH, CHUNKED, checkedText, isToken, NO_BODY, owedAfter } from "./output.ts";
import { isBodiless } from "./status.ts";

interface Pending {
  readonly id: number;
  readonly method: string;
  /** What it asks to change to. */
  readonly upgrade: string | undefined;
  interim: number;
}

/** The client's end. */
export class Http1Client
  extends Http1Machine<ResponseHead, ClientEvent>
  implements ConnectionMachine<ClientEvent, ClientSend>
{
  readonly #pending: Pending[] = [];
  #sending = 0;
  #mode = NO_BODY;
  #owed = 0;
  #keepAlive = true;
  #cut = false;

  constructor(limits: Partial<Http1Limits> = {}) {
    super(limits);
  }

  override get closing(): boolean {
    return this.#cut || (this.#pending.length === 0 && (!this.#keepAlive || this.over) && !this.tunnel);
  }

  /** Requests without their whole answer. */
  get callsInFlight(): number {
    return this.#pending.length;
  }

  /** Whether nothing is under way and another request may be sent. */
  get isReusable(): boolean {
    return (
      this.#keepAlive && !this.over && !this.#cut && this.#pending.length === 0 && this.#sending === 0 && !this.tunnel
    );
  }

  /** Throws `CallError` (`overflow`) over `maxPipelined`, (`reset`) when the connection takes no more requests. */
  send(event: ClientSend, _nowMs: number): void {
    if (event.type === "head") {
      this.#head(event);
      return;
    }
    if (event.type === "abort") {
      if (this.#sending === event.id || this.#pending.some((pending) => pending.id === event.id)) this.#cut = true;
      return;
    }
    if (this.tunnel && event.id === this.reading) {
      if (event.type === "data") this.output.bytes(event.bytes);
      else this.#cut = true;
      return;
    }
    if (event.id !== this.#sending || this.#cut) return;
    if (event.type === "data") {
      if (event.bytes.length === 0) return;
      if (this.#mode === CHUNKED) this.writeChunk(event.bytes);
      else {
        this.#owed = owedAfter(this.#owed, event.bytes.length);
        this.output.bytes(event.bytes);
      }
      return;
    }
    if (this.#mode === CHUNKED) this.writeLastChunk(event.trailers);
    else if (this.#owed > 0) this.#cut = true;
    this.#sending = 0;
  }

  protected override get mayRead(): boolean {
    return true;
  }

  protected override get openId(): number {
    return this.tunnel ? this.reading : (this.#pending[0]?.id ?? 0);
  }

  protected override parse(bytes: Buffer, start: number, end: number): Parsed<ResponseHead> | undefined {
    if (this.#pending.length === 0) throw new Http1Error(502, "answer without a request", start);
    return parseResponseHead(bytes, start, end, this.limits);
  }

  protected override onHead(head: ResponseHead): void {
    const pending = this.#pending[0]!;
    const { status } = head;
    if (status === 101) {
      if (pending.upgrade === undefined) throw new Http1Error(502, "answer 101 to a request without upgrade");
      if (!isAmong(head.fields.get("upgrade"), pending.upgrade))
        throw new Http1Error(502, "answer 101 that changes to nothing that was asked for");
    } else if (status < 200 && ++pending.interim > this.limits.maxInterim) {
      throw new Http1Error(502, `more than maxInterim ${this.limits.maxInterim} interim answers`);
    }
    this.events.push({ type: "head", id: pending.id, head });
    if (status === 101 || (pending.method === "CONNECT" && status >= 200 && status < 300)) {
      this.#pending.shift();
      this.#keepAlive = false;
      this.startTunnel(pending.id);
      this.#failPending("connection became a tunnel before the answer");
      return;
    }
    if (status < 200) return;
    if (!head.keepAlive) this.#keepAlive = false;
    if (isBodiless(status) || pending.method === "HEAD") this.body.startLength(0);
    else if (head.chunked) this.body.startChunked();
    else if (head.contentLength >= 0) this.body.startLength(head.contentLength);
    else {
      this.#keepAlive = false;
      this.body.startUntilClose();
    }
    this.startMessage(pending.id);
  }

  protected override onMessageEnd(): void {
    const pending = this.#pending.shift()!;
    // The callee answered before it had the whole request: what it does with the rest is not known.
    if (this.#sending === pending.id) this.#keepAlive = false;
    if (!this.#keepAlive) this.#failPending("connection closes before the answer");
  }

  protected override onEnd(): void {
    super.onEnd();
    this.#failPending("connection closed before the answer");
  }

  protected override onBroken(error: Http1Error): void {
    this.#cut = true;
    this.#pending.shift();
    this.#failPending(error.message);
  }

  #failPending(text: string): void {
    for (const { id } of this.#pending) this.events.push({ type: "abort", id, error: new Http1Error(502, text) });
    this.#pending.length = 0;
  }

  #head(event: RequestToSend): void {
    if (this.#pending.length >= this.limits.maxPipelined) {
      const text = `more than maxPipelined ${this.limits.maxPipelined} requests in flight`;
      throw new CallError("resource_exhausted", "overflow", text);
    }
    if (!this.#keepAlive || this.over || this.#cut || this.tunnel) {
      throw new CallError("unavailable", "reset", "http1 connection takes no more requests");
    }
    if (this.#sending !== 0) throw new CallError("internal", "internal", "http1 request before the last one's end");
    const { method, target, length } = event;
    if (!isToken(method) || !/^[!-~]+$/.test(target)) {
      throw new CallError(
        "invalid_argument",
        "undecodable",
        "http1 method or target has a character that none can carry",
      );
    }
    let own = "";
    if (length === undefined) own = "transfer-encoding: chunked\r\n";
    else if (length > 0 || method === "POST" || method === "PUT" || method === "PATCH")
      own = `content-length: ${length}\r\n`;
    if (event.expectContinue === true) own += "expect: 100-continue\r\n";
    if (event.upgrade !== undefined) own += `connection: upgrade\r\nupgrade: ${checkedText(event.upgrade)}\r\n`;
    else if (event.close === true) own += "connection: close\r\n";
    this.writeHead([method, " ", target, " HTTP/1.1\r\n"], own === "" ? "\r\n" : `${own}\r\n`, event);
    if (event.close === true) this.#keepAlive = false;
    this.#pending.push({ id: event.id, method, upgrade: event.upgrade, interim: 0 });
    this.#mode = length === undefined ? CHUNKED : BY_LENGTH;
    this.#owed = length ?? 0;
    this.#sending = event.id;
  }
}

/** Whether a server that changes protocols says to which, and that this was asked for: one that a caller has say 101 does not know it. */
function isAmong(answered: string | undefined, asked: string): boolean {
  const namesIn = (text: string) =>
    text
      .toLowerCase()
      .split(",")
      .map((name) => name.trim());
  const wanted = namesIn(asked);
  return answered !== undefined && namesIn(answered).every((name) => wanted.includes(name));
}
