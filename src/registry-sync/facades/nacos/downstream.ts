import { CallError, ProtocolError } from "../../../base/errors.ts";
import { type Fields, fieldValue } from "../../../codecs/fields.ts";
import { Http2Connection } from "../../../codecs/http2/connection.ts";
import type { Http2Event } from "../../../codecs/http2/events.ts";
import type { Http2Stream } from "../../../codecs/http2/stream.ts";
import { ENVELOPE_BYTES, EnvelopeSplitter, encodeEnvelope } from "../../../codecs/triple/envelope.ts";

/** The unary method that all requests go through. */
export const REQUEST_PATH = "/Request/request";
/** The stream of a connection: its setup, and the server's pushes. */
export const STREAM_PATH = "/BiRequestStream/requestBiStream";

/** The codes of gRPC that are answered here. */
export const GRPC = { ok: 0, invalid: 3, deadline: 4, exhausted: 8, unimplemented: 12, internal: 13, unavailable: 14 };

/** A unary call of a client. */
export interface ClientCall {
  readonly stream: Http2Stream;
  /** As the client sent them. */
  readonly fields: Fields;
  readonly sinceMs: number;
  /** The whole envelope, our own copy. */
  readonly message: Buffer;
}

/** What a client does. */
export interface DownstreamListener {
  onCall(call: ClientCall): void;
  /** The client waits for an answer no longer. */
  onCancelled(stream: Http2Stream): void;
  onStreamOpened(fields: Fields): void;
  /** A message on its stream, borrowed. */
  onMessage(message: Buffer): void;
  /** It ended its side of its stream (`inOrder`), or the stream was reset by either side. */
  onStreamEnded(inOrder: boolean): void;
}

/** Bounds of what one client sends. */
export interface DownstreamLimits {
  /** Nacos' own servers take 10 MiB. */
  readonly maxMessageBytes: number;
  /** Bytes of messages that are not whole yet, of all its calls. */
  readonly maxHeldBytes: number;
  readonly maxCalls: number;
  /** Bytes that wait because the client does not read them. */
  readonly maxUnreadBytes: number;
}

/** Bounds where none are given. */
export const DEFAULT_DOWNSTREAM_LIMITS: DownstreamLimits = {
  maxMessageBytes: 10 * 1024 * 1024,
  maxHeldBytes: 32 * 1024 * 1024,
  maxCalls: 512,
  maxUnreadBytes: 32 * 1024 * 1024,
};

interface Incoming {
  readonly stream: Http2Stream;
  readonly fields: Fields;
  readonly splitter: EnvelopeSplitter;
  readonly sinceMs: number;
  message: Buffer | undefined;
  heldBytes: number;
  isStream: boolean;
}

/** The side of a session that its client sees: Nacos' gRPC server without a socket. */
export class Downstream {
  readonly machine: Http2Connection;
  readonly #listener: DownstreamListener;
  readonly #limits: DownstreamLimits;
  #heldBytes = 0;
  #stream: Http2Stream | undefined;
  #isHeaded = false;

  constructor(listener: DownstreamListener, limits: DownstreamLimits, nowMs: number) {
    this.#listener = listener;
    this.#limits = limits;
    this.machine = new Http2Connection("server", nowMs, {
      maxStreams: limits.maxCalls,
      maxQueuedBytes: limits.maxUnreadBytes,
      maxAllQueuedBytes: limits.maxUnreadBytes,
      maxHeaderListBytes: 32 * 1024,
      // One list of instances may be larger than all that a client lets in flight at once.
      stallMs: 30_000,
    });
  }

  /** Bytes of calls that are not whole yet, and of what the client has not read. */
  get keptBytes(): number {
    return this.#heldBytes + this.machine.queuedBytes + this.machine.outputBytes;
  }

  /** Whether the client's stream stands. */
  get hasStream(): boolean {
    return this.#stream !== undefined && !this.#stream.closed;
  }

  /** Takes bytes from the client. Throws `ProtocolError` where it broke a rule or a limit. */
  receive(bytes: Uint8Array, nowMs: number): void {
    this.take(this.machine.receive(bytes, nowMs), nowMs);
  }

  /** Takes events that other calls of the machine brought about. */
  take(events: readonly Http2Event[], nowMs: number): void {
    for (const event of events) this.#handle(event, nowMs);
  }

  /** Lets time pass. Throws `ProtocolError` as `receive` does. */
  tick(nowMs: number): void {
    const due = this.machine.deadline();
    if (due !== undefined && due <= nowMs) this.take(this.machine.tick(nowMs), nowMs);
  }

  /** Answers a call with one message. */
  answer(stream: Http2Stream, message: Uint8Array): void {
    if (stream.closed) return;
    this.machine.head(stream, ANSWER_HEAD, false);
    this.machine.data(stream, encodeEnvelope(message.length), false);
    this.machine.data(stream, message, false);
    this.machine.trailers(stream, OK_TRAILERS);
  }

  /** Answers a call with a status of gRPC and no message. */
  fail(stream: Http2Stream, status: number, text: string): void {
    if (stream.closed) return;
    const fields = [...ANSWER_HEAD, "grpc-status", String(status), "grpc-message", printable(text)];
    this.machine.head(stream, fields, true);
  }

  /** Writes a message to the client's stream; nothing where there is none. */
  push(message: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined || stream.closed) return;
    if (!this.#isHeaded) this.machine.head(stream, ANSWER_HEAD, false);
    this.#isHeaded = true;
    this.machine.data(stream, encodeEnvelope(message.length), false);
    this.machine.data(stream, message, false);
  }

  /** Ends the client's stream as the server did. */
  endStream(status = GRPC.ok, text = ""): void {
    const stream = this.#stream;
    if (stream === undefined || stream.closed) return;
    const end = ["grpc-status", String(status), ...(text === "" ? [] : ["grpc-message", printable(text)])];
    if (this.#isHeaded) this.machine.trailers(stream, end);
    else this.machine.head(stream, [...ANSWER_HEAD, ...end], true);
    this.#stream = undefined;
  }

  #handle(event: Http2Event, nowMs: number): void {
    switch (event.type) {
      case "head":
        this.#begin(event.stream, event.fields, nowMs);
        if (event.end) this.#end(event.stream);
        break;
      case "data":
        this.#data(event.stream, event.bytes);
        if (event.end) this.#end(event.stream);
        break;
      case "trailers":
        this.#end(event.stream);
        break;
      case "reset":
        this.#drop(event.stream);
        break;
    }
  }

  #begin(stream: Http2Stream, fields: Fields, nowMs: number): void {
    const path = fieldValue(fields, ":path");
    const isStream = path === STREAM_PATH;
    if (path !== REQUEST_PATH && !isStream) {
      this.fail(stream, GRPC.unimplemented, "no such method here");
      return;
    }
    if (isStream && this.hasStream) {
      this.fail(stream, GRPC.invalid, "a connection has one stream");
      return;
    }
    const incoming: Incoming = {
      stream,
      fields,
      sinceMs: nowMs,
      isStream,
      message: undefined,
      heldBytes: 0,
      splitter: new EnvelopeSplitter((bytes, start, end) => this.#message(incoming, bytes.subarray(start, end)), {
        maxMessageBytes: this.#limits.maxMessageBytes,
        allowedFlags: 0,
      }),
    };
    stream.context = incoming;
    if (!isStream) return;
    this.#stream = stream;
    this.#isHeaded = false;
    this.#listener.onStreamOpened(fields);
  }

  #message(incoming: Incoming, message: Buffer): void {
    if (incoming.isStream) this.#listener.onMessage(message);
    else if (incoming.message === undefined) incoming.message = Buffer.from(message);
    else throw new CallError("internal", "undecodable", "a unary call has one message");
  }

  #data(stream: Http2Stream, bytes: Buffer): void {
    const incoming = stream.context as Incoming | undefined;
    this.machine.release(stream, bytes.length);
    if (incoming === undefined) return;
    try {
      // The machine's bytes are good until it gets the next ones; a message that is not whole is held for longer.
      incoming.splitter.push(Buffer.from(bytes));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#forget(incoming);
      stream.context = undefined;
      this.fail(stream, error.code === "resource_exhausted" ? GRPC.exhausted : GRPC.internal, error.message);
      if (incoming.isStream) this.#streamEnded(stream, false);
      return;
    }
    const held = incoming.splitter.heldBytes + (incoming.message?.length ?? 0);
    this.#heldBytes += held - incoming.heldBytes;
    incoming.heldBytes = held;
    if (this.#heldBytes > this.#limits.maxHeldBytes)
      throw new ProtocolError("nacos", `unfinished calls are over maxHeldBytes ${this.#limits.maxHeldBytes}`);
  }

  #end(stream: Http2Stream): void {
    const incoming = stream.context as Incoming | undefined;
    if (incoming === undefined) return;
    stream.context = undefined;
    this.#forget(incoming);
    if (incoming.isStream) {
      this.#streamEnded(stream, true);
      return;
    }
    const { fields, sinceMs, message } = incoming;
    if (message === undefined || incoming.splitter.heldBytes > ENVELOPE_BYTES)
      this.fail(stream, GRPC.internal, "a unary call has one message");
    else this.#listener.onCall({ stream, fields, sinceMs, message });
  }

  #drop(stream: Http2Stream): void {
    const incoming = stream.context as Incoming | undefined;
    stream.context = undefined;
    if (incoming !== undefined) this.#forget(incoming);
    if (stream === this.#stream) {
      this.#stream = undefined;
      this.#listener.onStreamEnded(false);
    } else this.#listener.onCancelled(stream);
  }

  #streamEnded(stream: Http2Stream, inOrder: boolean): void {
    if (stream === this.#stream) this.#listener.onStreamEnded(inOrder);
  }

  #forget(incoming: Incoming): void {
    this.#heldBytes -= incoming.heldBytes;
    incoming.heldBytes = 0;
  }
}

const ANSWER_HEAD: Fields = [":status", "200", "content-type", "application/grpc"];
const OK_TRAILERS: Fields = ["grpc-status", "0"];

/** As `grpc-message` has text: percent-encoded outside of printable ASCII, and short. */
function printable(text: string): string {
  const short = text.slice(0, 500);
  if (/^[\x20-\x7e]*$/.test(short)) return short.trim();
  return encodeURI(short.replace(/\p{Surrogate}/gu, "?"))
    .replaceAll("%20", " ")
    .trim();
}
