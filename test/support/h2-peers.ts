import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Http2Connection } from "../../src/codecs/http2/connection.ts";
import type { Http2Event } from "../../src/codecs/http2/events.ts";
import type { Http2Limits } from "../../src/codecs/http2/limits.ts";
import type { Http2Stream } from "../../src/codecs/http2/stream.ts";

/*
 * HTTP/2 peers that do what a test says and nothing else: they answer nothing, give no window back and end nothing by themselves,
 * unless told.
 */

/** One connection of such a peer. */
export interface H2Link {
  readonly machine: Http2Connection;
  readonly socket: Socket;
  /** PINGs that it has answered. */
  pings: number;
  /** Writes what the machine has to say. */
  flush(): void;
}

const PING_ANSWER = Buffer.from("000008060100000000", "hex");

function drive(socket: Socket, machine: Http2Connection, onEvent: (event: Http2Event, link: H2Link) => void): H2Link {
  const link: H2Link = {
    machine,
    socket,
    pings: 0,
    flush() {
      const bytes = machine.takeOutput();
      for (let at = bytes.indexOf(PING_ANSWER); at >= 0; at = bytes.indexOf(PING_ANSWER, at + 1)) link.pings++;
      if (bytes.length > 0 && socket.writable) socket.write(bytes);
    },
  };
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const event of machine.receive(chunk, Date.now())) onEvent(event, link);
    } catch {
      link.flush();
      socket.destroy();
      return;
    }
    for (const event of machine.takeEvents()) onEvent(event, link);
    link.flush();
  });
  link.flush();
  return link;
}

/** One call that an {@link H2Provider} was sent. */
export interface SeenCall {
  readonly link: H2Link;
  readonly stream: Http2Stream;
  readonly fields: readonly string[];
  /** Content so far. */
  body: Buffer;
  ended: boolean;
  /** Code of the caller's reset; -1 for none. */
  resetCode: number;
}

/** A provider that speaks HTTP/2 and does what it is told. */
export interface H2Provider {
  readonly port: number;
  readonly links: ReadonlySet<H2Link>;
  /** All calls, oldest first. */
  readonly seen: SeenCall[];
  /** Connections so far. */
  connections: number;
  onHead: (call: SeenCall) => void;
  /** The request is complete; {@link answerOk} until it is set. */
  onEnd: (call: SeenCall) => void;
  /** Content has come; gives its window back until it is set. */
  onData: (call: SeenCall, bytes: Buffer) => void;
  close(): Promise<void>;
}

const OK_HEAD = [":status", "200", "content-type", "application/grpc"] as const;

/** Answers as gRPC does, with `body` in an envelope with `flags`. */
export function answerOk({ link, stream }: SeenCall, body: Buffer = Buffer.from("ok"), flags = 0): void {
  link.machine.head(stream, [...OK_HEAD], false);
  link.machine.data(stream, envelope(body, flags), false);
  link.machine.trailers(stream, ["grpc-status", "0"]);
  link.flush();
}

/** A gRPC message in its envelope; `length` lies about it when given. */
export function envelope(body: Buffer, flags = 0, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

/** Starts a provider on 127.0.0.1. */
export async function startH2Provider(limits: Partial<Http2Limits> = {}): Promise<H2Provider> {
  const links = new Set<H2Link>();
  const seen: SeenCall[] = [];
  const server = createServer((socket) => {
    const link = drive(socket, new Http2Connection("server", Date.now(), limits), (event, on) => {
      const call = "stream" in event ? (event.stream.context as SeenCall) : undefined;
      if (event.type === "head") {
        const { stream, fields, end } = event;
        const made: SeenCall = { link: on, stream, fields, body: Buffer.alloc(0), ended: end, resetCode: -1 };
        stream.context = made;
        seen.push(made);
        provider.onHead(made);
        if (end) provider.onEnd(made);
      } else if (event.type === "data" && call !== undefined) {
        call.body = Buffer.concat([call.body, event.bytes]);
        call.ended ||= event.end;
        provider.onData(call, event.bytes);
        if (event.end) provider.onEnd(call);
      } else if (event.type === "trailers" && call !== undefined) {
        call.ended = true;
        provider.onEnd(call);
      } else if (event.type === "reset" && call !== undefined) {
        call.resetCode = event.code;
      }
    });
    provider.connections++;
    links.add(link);
    socket.on("close", () => links.delete(link));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider: H2Provider = {
    port: (server.address() as AddressInfo).port,
    links,
    seen,
    connections: 0,
    onHead: () => {},
    onEnd: (call) => answerOk(call),
    onData: ({ link, stream }, bytes) => link.machine.release(stream, bytes.length),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const { socket } of links) socket.destroy();
      }),
  };
  return provider;
}

/** One call that an {@link H2Caller} made. */
export interface MadeCall {
  readonly stream: Http2Stream;
  head: readonly string[] | undefined;
  /** Bytes of content so far; they are kept up to 1 MB. */
  bytes: number;
  content: Buffer[];
  trailers: readonly string[] | undefined;
  /** Code of a reset; -1 for none. */
  resetCode: number;
  /** Ended, one way or another. */
  over: boolean;
  send(bytes: Buffer, end: boolean): void;
  reset(code?: number): void;
  /** Resolves when it is over; rejects after `timeoutMs`. */
  done(timeoutMs?: number): Promise<MadeCall>;
  /** `grpc-status` of the trailers, or of the head where that is all; undefined for none. */
  readonly status: number | undefined;
}

/** A caller that speaks HTTP/2 and does what it is told. */
export interface H2Caller {
  readonly link: H2Link;
  /** Gives window back for answers' content: true until told. */
  reads: boolean;
  /** The connection has ended. */
  readonly closed: boolean;
  /** Errors of the machine: what the peer did wrong. */
  readonly goaways: number[];
  call(path: string, more?: { fields?: readonly string[]; body?: Buffer; end?: boolean }): MadeCall;
  close(): void;
}

/** The value of a field. */
export function fieldOf(fields: readonly string[] | undefined, name: string): string | undefined {
  for (let i = 0; fields !== undefined && i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** Connects to a listener. */
export async function openH2Caller(
  port: number,
  limits: Partial<Http2Limits> = {},
  host = "127.0.0.1",
): Promise<H2Caller> {
  const socket = connect({ host, port });
  let closed = false;
  const goaways: number[] = [];
  const wakers = new Set<() => void>();
  const wake = () => {
    for (const waker of wakers) waker();
  };
  socket.on("close", () => {
    closed = true;
    wake();
  });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const link = drive(socket, new Http2Connection("client", Date.now(), limits), (event) => {
    const call = "stream" in event ? (event.stream.context as MadeCall) : undefined;
    if (event.type === "goaway") goaways.push(event.code);
    if (call === undefined) return;
    if (event.type === "head" && !event.informational) {
      call.head = event.fields;
      call.over ||= event.end;
    } else if (event.type === "data") {
      call.bytes += event.bytes.length;
      if (call.bytes < 1_000_000) call.content.push(Buffer.from(event.bytes));
      if (caller.reads) link.machine.release(event.stream, event.bytes.length);
      call.over ||= event.end;
    } else if (event.type === "trailers") {
      call.trailers = event.fields;
      call.over = true;
    } else if (event.type === "reset") {
      call.resetCode = event.code;
      call.over = true;
    }
    wake();
  });
  const caller: H2Caller = {
    link,
    reads: true,
    get closed() {
      return closed;
    },
    goaways,
    call(path, { fields = [], body, end = true } = {}) {
      const head = [":method", "POST", ":scheme", "http", ":authority", "test", ":path", path];
      head.push("content-type", "application/grpc", "te", "trailers", ...fields);
      const stream = link.machine.open(head, end && body === undefined);
      if (stream === undefined) throw new Error("no stream can be opened");
      const made: MadeCall = {
        stream,
        head: undefined,
        bytes: 0,
        content: [],
        trailers: undefined,
        resetCode: -1,
        over: false,
        send(bytes, last) {
          link.machine.data(stream, bytes, last);
          link.flush();
        },
        reset(code = 8) {
          link.machine.reset(stream, code);
          made.over = true;
          link.flush();
          wake();
        },
        done: (timeoutMs = 5_000) =>
          new Promise((resolve, reject) => {
            const check = () => {
              if (!made.over && !closed) return;
              clearTimeout(timer);
              wakers.delete(check);
              resolve(made);
            };
            const timer = setTimeout(() => {
              wakers.delete(check);
              reject(new Error(`call ${path} is not over after ${timeoutMs} ms`));
            }, timeoutMs);
            wakers.add(check);
            check();
          }),
        get status() {
          const text = fieldOf(made.trailers, "grpc-status") ?? fieldOf(made.head, "grpc-status");
          return text === undefined ? undefined : Number(text);
        },
      };
      stream.context = made;
      if (body !== undefined) link.machine.data(stream, body, end);
      link.flush();
      return made;
    },
    close: () => void socket.destroy(),
  };
  return caller;
}
