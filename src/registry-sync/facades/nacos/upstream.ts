import { CallError, ProtocolError } from "../../../base/errors.ts";
import { type Fields, fieldValue } from "../../../codecs/fields.ts";
import { Http2Connection } from "../../../codecs/http2/connection.ts";
import type { Http2Event } from "../../../codecs/http2/events.ts";
import { ERROR } from "../../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../../codecs/http2/stream.ts";
import { parseBody } from "../../../codecs/nacos/body.ts";
import { readResult } from "../../../codecs/nacos/messages.ts";
import { decodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { EnvelopeSplitter, encodeEnvelope } from "../../../codecs/triple/envelope.ts";
import { GRPC, REQUEST_PATH, STREAM_PATH } from "./downstream.ts";

/** How a call went: with its answer's envelope, or with a status of gRPC. */
export type Outcome =
  | { readonly type: "answer"; readonly message: Buffer }
  | {
      readonly type: "failure";
      readonly status: number;
      readonly text: string;
      /** The server did what it was asked for; its answer is more than is taken. */
      readonly isTooLarge?: true;
    };

/** A call in flight. */
export interface ServerCall {
  /** Gives up; nothing is heard of it any more. */
  cancel(): void;
}

/** What a server does. */
export interface UpstreamListener {
  /** A message on the stream; our own copy. */
  onPush(message: Buffer): void;
  /** A message on the stream, or the answer to a call, was over the limit, and is left out. */
  onOversized(bytes: number): void;
  /** The server ended the stream. */
  onStreamEnded(): void;
}

/** Largest message of a server, bytes: an answer with 100,000 instances has less, unless they have much metadata. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Bytes of answers that are not whole yet, of all calls. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;

/**
 * A server that owes an answer and says nothing is asked for a sign of life after so long, ms, and once more; no oftener before it sends an
 * answer or a push: gRPC's servers in Java end a connection, with all that its client registered, at the fourth question, and count those
 * that a network held back, too.
 */
const QUIET_MS: readonly number[] = [1_500, 6_000];
/** One that gives none within this time is given up, and so is one that may not be asked and says nothing for the other, ms. */
const SIGN_MS = 3_500;
const SILENT_MS = 10_000;

interface Outgoing {
  readonly splitter: EnvelopeSplitter;
  readonly done: ((outcome: Outcome) => void) | undefined;
  message: Buffer | undefined;
  status: string | undefined;
  text: string;
  heldBytes: number;
}

/** The side of a session that faces the real server: a gRPC client of one connection, without a socket. */
export class Upstream {
  readonly machine: Http2Connection;
  readonly #authority: string;
  readonly #listener: UpstreamListener;
  readonly #maxMessageBytes: number;
  #stream: Http2Stream | undefined;
  #heldBytes = 0;
  #inFlight = 0;
  readonly #now: () => number;
  /** When the server last said anything, or was first asked something again. */
  #heardMs: number;
  /** When it was asked for a sign of life; undefined once it gave one. */
  #askedMs: number | undefined;
  /** How often since it sent an answer or a push. */
  #questions = 0;

  constructor(
    authority: string,
    listener: UpstreamListener,
    now: () => number,
    maxMessageBytes: number = MAX_MESSAGE_BYTES,
  ) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#authority = authority;
    this.#listener = listener;
    this.#now = now;
    this.#heardMs = now();
    this.machine = new Http2Connection("client", now(), { maxHeaderListBytes: 32 * 1024 });
  }

  /** Bytes of answers that are not whole yet, and of requests that the server has not read. */
  get keptBytes(): number {
    return this.#heldBytes + this.machine.queuedBytes + this.machine.outputBytes;
  }

  /** Calls whose answers are waited for. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether the stream stands. */
  get hasStream(): boolean {
    return this.#stream !== undefined && !this.#stream.closed;
  }

  /** Takes bytes from the server. Throws `ProtocolError` where it broke a rule or a limit. */
  receive(bytes: Uint8Array, nowMs: number): void {
    this.#heardMs = nowMs;
    this.#askedMs = undefined;
    this.take(this.machine.receive(bytes, nowMs));
  }

  /** Takes events that other calls of the machine brought about. */
  take(events: readonly Http2Event[]): void {
    for (const event of events) this.#handle(event);
  }

  /** Lets time pass; false where the server owed an answer and gives no sign of life. Throws `ProtocolError` as `receive` does. */
  tick(nowMs: number): boolean {
    const due = this.machine.deadline();
    if (due !== undefined && due <= nowMs) this.take(this.machine.tick(nowMs));
    if (this.#askedMs !== undefined) return nowMs - this.#askedMs < SIGN_MS;
    if (this.#inFlight === 0) return true;
    const silentMs = nowMs - this.#heardMs;
    const quietMs = QUIET_MS[this.#questions];
    if (quietMs === undefined) return silentMs < SILENT_MS;
    if (silentMs >= quietMs) {
      this.#askedMs = nowMs;
      this.#questions++;
      this.machine.ping();
    }
    return true;
  }

  /** Makes a unary call; undefined where the connection takes no more now. `fields` are the caller's own, if any. */
  call(message: Uint8Array, fields: Fields, done: (outcome: Outcome) => void): ServerCall | undefined {
    const stream = this.machine.open(this.#head(REQUEST_PATH, fields), false);
    if (stream === undefined) return undefined;
    if (this.#inFlight++ === 0) this.#heardMs = this.#now();
    this.#begin(stream, done);
    this.#send(stream, message, true);
    return {
      cancel: () => {
        if (stream.context === undefined) return;
        this.#forget(stream);
        this.machine.reset(stream, ERROR.cancel);
      },
    };
  }

  /** Opens the stream; false where the connection takes no more. */
  openStream(fields: Fields): boolean {
    const stream = this.machine.open(this.#head(STREAM_PATH, fields), false);
    if (stream === undefined) return false;
    this.#stream = stream;
    this.#begin(stream, undefined);
    return true;
  }

  /** Writes a message to the stream; nothing where there is none. */
  send(message: Uint8Array): void {
    if (this.#stream !== undefined) this.#send(this.#stream, message, false);
  }

  /** Ends our side of the stream, as a client that shuts down. */
  endStream(): void {
    if (this.#stream !== undefined) this.machine.data(this.#stream, NOTHING, true);
  }

  #send(stream: Http2Stream, message: Uint8Array, end: boolean): void {
    this.machine.data(stream, encodeEnvelope(message.length), false);
    this.machine.data(stream, message, end);
  }

  #head(path: string, fields: Fields): Fields {
    const head = [":method", "POST", ":scheme", "http", ":path", path, ":authority", this.#authority];
    head.push("te", "trailers", "content-type", "application/grpc");
    for (let i = 0; i < fields.length; i += 2) {
      if (!fields[i].startsWith(":") && !OURS.has(fields[i])) head.push(fields[i], fields[i + 1]);
    }
    return head;
  }

  #begin(stream: Http2Stream, done: Outgoing["done"]): void {
    const outgoing: Outgoing = {
      done,
      message: undefined,
      status: undefined,
      text: "",
      heldBytes: 0,
      splitter: new EnvelopeSplitter(
        (bytes, start, end) => {
          const message = Buffer.from(bytes.subarray(start, end));
          if (done === undefined) this.#listener.onPush(message);
          else outgoing.message = message;
        },
        {
          maxMessageBytes: this.#maxMessageBytes,
          allowedFlags: 0,
          onOversized: (length) => this.#oversized(stream, outgoing, length),
        },
      ),
    };
    stream.context = outgoing;
  }

  #handle(event: Http2Event): void {
    if (event.type !== "head" && event.type !== "data" && event.type !== "trailers" && event.type !== "reset") return;
    this.#questions = 0;
    const { stream } = event;
    const outgoing = stream.context as Outgoing | undefined;
    if (outgoing === undefined) {
      if (event.type === "data") this.machine.release(stream, event.bytes.length);
      return;
    }
    switch (event.type) {
      case "head":
      case "trailers":
        if (event.type === "head" && event.informational) return;
        outgoing.status = fieldValue(event.fields, "grpc-status") ?? outgoing.status;
        outgoing.text = fieldValue(event.fields, "grpc-message") ?? outgoing.text;
        if (event.type === "trailers" || event.end) this.#end(stream, outgoing);
        break;
      case "data":
        this.#data(stream, outgoing, event.bytes);
        if (event.end) this.#end(stream, outgoing);
        break;
      case "reset":
        outgoing.status = String(GRPC.unavailable);
        outgoing.text = "the server reset the call";
        outgoing.message = undefined;
        this.#end(stream, outgoing);
        break;
    }
  }

  #data(stream: Http2Stream, outgoing: Outgoing, bytes: Buffer): void {
    this.machine.release(stream, bytes.length);
    try {
      // The machine's bytes are good until it gets the next ones; a message that is not whole is held for longer.
      outgoing.splitter.push(Buffer.from(bytes));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new ProtocolError("nacos", `server: ${error.message}`);
    }
    // Its answer was more than is taken.
    if (stream.context === undefined) return;
    const held = outgoing.splitter.heldBytes + (outgoing.message?.length ?? 0);
    this.#heldBytes += held - outgoing.heldBytes;
    outgoing.heldBytes = held;
    if (this.#heldBytes > MAX_HELD_BYTES)
      throw new ProtocolError("nacos", `server: unfinished answers are over ${MAX_HELD_BYTES} bytes`);
  }

  /** A push is stepped over; of a call the rest is not waited for. */
  #oversized(stream: Http2Stream, { done }: Outgoing, length: number): void {
    this.#listener.onOversized(length);
    if (done === undefined) return;
    this.#forget(stream);
    this.machine.reset(stream, ERROR.cancel);
    const text = `the registry's answer of ${length} bytes is over ${this.#maxMessageBytes}`;
    done({ type: "failure", status: GRPC.exhausted, text, isTooLarge: true });
  }

  #end(stream: Http2Stream, outgoing: Outgoing): void {
    if (stream.context === undefined) return;
    this.#forget(stream);
    if (stream === this.#stream) {
      this.#stream = undefined;
      this.#listener.onStreamEnded();
      return;
    }
    const { done, message, status, text } = outgoing;
    if (message !== undefined && (status === "0" || status === undefined)) done?.({ type: "answer", message });
    else done?.({ type: "failure", status: statusOf(status), text: text || "the server gave no answer" });
  }

  #forget(stream: Http2Stream): void {
    const outgoing = stream.context as Outgoing;
    this.#heldBytes -= outgoing.heldBytes;
    if (outgoing.done !== undefined) this.#inFlight--;
    stream.context = undefined;
  }
}

/** Decodes a message of a server, be it as large as one is taken. Throws `ProtocolError`. */
export function decodeAnswer(message: Uint8Array): NacosPayload {
  return decodePayload(message, { maxBodyBytes: MAX_MESSAGE_BYTES });
}

/** Whether a server did what it was asked. */
export function isTaken(outcome: Outcome): boolean {
  if (outcome.type === "failure") return false;
  const body = readable(() => parseBody(decodeAnswer(outcome.message).body));
  return body !== undefined && readResult(body).isOk;
}

/** What is read of a server's message; undefined where that breaks a rule. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

const NOTHING = new Uint8Array(0);

/** Fields of a head that are made anew for each hop. */
const OURS: ReadonlySet<string> = new Set([
  "te",
  "content-type",
  "grpc-encoding",
  "grpc-accept-encoding",
  "content-length",
]);

function statusOf(text: string | undefined): number {
  const status = Number(text);
  return Number.isInteger(status) && status > 0 && status <= 16 ? status : GRPC.internal;
}
