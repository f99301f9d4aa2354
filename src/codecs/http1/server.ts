/**
 * The server's end of an HTTP/1.1 connection. It serves one request after the other: bytes of later ones are held (bounded) until
 * the answer before is out, so answers are in order.
 *
 * Reference: RFC 9112, RFC 9110 sections 7.8, 10.1.1 and 15.
 */
import { CallError } from "../../base/errors.ts";
import type { ConnectionMachine } from "../connection.ts";
import type { ResponseToSend, ServerEvent, ServerSend } from "./connection.ts";
import { type Parsed, parseRequestHead, type RequestHead } from "./head.ts";
import type { Http1Error, Http1Limits } from "./limits.ts";
import { Http1Machine } from "./machine.ts";
import { BY_LENGTH, CHUNKED, checkedText, NO_BODY, owedAfter, RAW } from "./output.ts";
import { isBodiless, reasonOf } from "./status.ts";

/** What almost all answers begin with: made and checked once. */
const OK_LINE = ["HTTP/1.1 200 OK\r\n"];

/** The server's end. */
export class Http1Server
  extends Http1Machine<RequestHead, ServerEvent>
  implements ConnectionMachine<ServerEvent, ServerSend>
{
  #request: RequestHead | undefined;
  /** The answer's head is out. */
  #started = false;
  #answered = true;
  #keepAlive = true;
  #continueOwed = false;
  #mode = NO_BODY;
  #owed = 0;
  #cut = false;

  constructor(limits: Partial<Http1Limits> = {}) {
    super(limits);
  }

  override get closing(): boolean {
    return this.#cut || (this.#answered && !this.tunnel && (!this.#keepAlive || this.over));
  }

  send(event: ServerSend, _nowMs: number): void {
    if (event.id !== this.reading || this.#cut) return;
    if (event.type === "abort") {
      this.#cut = true;
      return;
    }
    if (this.#answered && !this.tunnel) return;
    switch (event.type) {
      case "head":
        this.#head(event);
        return;
      case "data":
        this.#data(event.bytes);
        return;
      case "end":
        if (this.#mode === CHUNKED) this.writeLastChunk(event.trailers);
        // The peer waits for bytes that don't come: only closing tells it so.
        if (this.tunnel || !this.#started || (this.#mode === BY_LENGTH && this.#owed > 0)) this.#cut = true;
        this.#answered = true;
        return;
      default:
        event satisfies never;
    }
  }

  /** Asks the peer for the body of exchange `id`, if it waits to be asked (`expectContinue`). */
  sendContinue(id: number): void {
    if (id !== this.reading || !this.#continueOwed || this.#started || this.#cut) return;
    this.#continueOwed = false;
    this.output.text("HTTP/1.1 100 Continue\r\n\r\n");
  }

  protected override get mayRead(): boolean {
    return this.#answered;
  }

  protected override get openId(): number {
    return this.#answered && !this.inMessage ? 0 : this.reading;
  }

  protected override parse(bytes: Buffer, start: number, end: number): Parsed<RequestHead> | undefined {
    return parseRequestHead(bytes, start, end, this.limits);
  }

  protected override onHead(head: RequestHead): void {
    const id = this.reading + 1;
    this.#request = head;
    this.#started = false;
    this.#answered = false;
    this.#keepAlive = head.keepAlive;
    this.#mode = NO_BODY;
    if (head.chunked) this.body.startChunked();
    else this.body.startLength(Math.max(0, head.contentLength));
    this.#continueOwed = head.expectContinue && !this.body.done;
    this.events.push({ type: "head", id, head });
    // What follows CONNECT belongs to the tunnel, not to the request.
    this.startMessage(id);
  }

  protected override onMessageEnd(): void {
    this.#continueOwed = false;
  }

  protected override onBroken(error: Http1Error): void {
    if (this.tunnel || this.#cut || (!this.#answered && this.#started) || (this.#answered && this.inMessage)) {
      this.#cut = true;
      return;
    }
    this.#cut = true;
    const text = `${error.message}\n`;
    this.output.text(
      `HTTP/1.1 ${error.status} ${reasonOf(error.status)}\r\ncontent-type: text/plain\r\n` +
        `content-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
    );
  }

  #head(event: ResponseToSend): void {
    const request = this.#request!;
    if (this.#started) throw new CallError("internal", "internal", "http1 answer has a second head");
    const { status } = event;
    const reason = event.reason ?? reasonOf(status);
    const line = status === 200 && reason === "OK" ? OK_LINE : [`HTTP/1.1 ${status} ${checkedText(reason)}\r\n`];
    if (status === 101) {
      if (!request.upgrade || event.upgrade === undefined || this.inMessage) {
        throw new CallError("internal", "internal", "http1 upgrade that was not asked for");
      }
      this.writeHead(line, `connection: upgrade\r\nupgrade: ${checkedText(event.upgrade)}\r\n\r\n`, event);
      this.#tunnel();
      return;
    }
    if (status < 200) {
      if (request.minor === 1) this.writeHead(line, "\r\n", event);
      return;
    }
    if (request.method === "CONNECT" && status < 300) {
      if (this.inMessage) throw new CallError("internal", "internal", "http1 tunnel within a request's body");
      this.writeHead(line, "\r\n", event);
      this.#tunnel();
      return;
    }
    const bodiless = isBodiless(status) || request.method === "HEAD";
    let mode = event.length === undefined ? (request.minor === 1 ? CHUNKED : RAW) : BY_LENGTH;
    // Whether the body that was never asked for comes all the same can't be known.
    let close = !this.#keepAlive || event.close === true || this.#continueOwed;
    if (mode === RAW && !bodiless) close = true;
    let own = "";
    if (mode === BY_LENGTH && status !== 204) own = `content-length: ${event.length}\r\n`;
    else if (mode === CHUNKED && status !== 204 && status !== 304) own = "transfer-encoding: chunked\r\n";
    if (close) own += "connection: close\r\n";
    else if (request.minor === 0) own += "connection: keep-alive\r\n";
    if (bodiless) mode = NO_BODY;
    this.writeHead(line, `${own}\r\n`, event);
    this.#keepAlive = !close;
    this.#started = true;
    this.#mode = mode;
    this.#owed = event.length ?? 0;
  }

  #tunnel(): void {
    this.#started = true;
    this.#mode = RAW;
    this.#answered = true;
    this.#keepAlive = true;
    this.startTunnel(this.reading);
  }

  #data(bytes: Uint8Array): void {
    if (!this.#started) throw new CallError("internal", "internal", "http1 body before its head");
    if (bytes.length === 0 || this.#mode === NO_BODY) return;
    if (this.#mode === CHUNKED) this.writeChunk(bytes);
    else {
      if (this.#mode === BY_LENGTH) this.#owed = owedAfter(this.#owed, bytes.length);
      this.output.bytes(bytes);
    }
  }
}
