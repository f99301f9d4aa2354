import { readFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";
import { ProtocolError } from "../../src/base/errors.ts";
import { HEADER_BYTES } from "../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../src/codecs/dubbo2/head.ts";
import { decodeFastjson2, Fastjson2Reader } from "../../src/codecs/fastjson2/reader.ts";
import { Fastjson2Skipper } from "../../src/codecs/fastjson2/skip.ts";
import { encodeFastjson2 } from "../../src/codecs/fastjson2/writer.ts";
import { WebTextDecoder } from "../../src/codecs/grpc-web/body.ts";
import { Http1Client } from "../../src/codecs/http1/client.ts";
import { Http1Server } from "../../src/codecs/http1/server.ts";
import { Http2Connection } from "../../src/codecs/http2/connection.ts";
import { HpackDecoder } from "../../src/codecs/http2/hpack-decoder.ts";
import type { Http2Stream } from "../../src/codecs/http2/stream.ts";
import {
  argTypesOf,
  decodeRequestWrapper,
  decodeResponseWrapper,
  encodeRequestWrapper,
  looksWrapped,
} from "../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES, EnvelopeSplitter } from "../../src/codecs/triple/envelope.ts";
import { parseRequestHead } from "../../src/codecs/triple/head.ts";
import { ArgumentWalk } from "../../src/codecs/triple/moves.ts";
import { encodeFields } from "../../src/codecs/triple/protobuf.ts";
import { decodeDetails } from "../../src/codecs/triple/status.ts";
import { unwrapArguments, wrapArguments, wrapResult } from "../../src/codecs/triple/transcode.ts";
import { WrapperView } from "../../src/codecs/triple/wrapper-view.ts";
import { HESSIAN2_LINES, recordedFrames } from "../support/dubbo2-frames.ts";
import { fastjson2Vectors } from "../support/fastjson2-vectors.ts";
import { fuzz } from "../support/fuzz.ts";
import { recordedCalls, TRIPLE_LINES } from "../support/triple-calls.ts";

/** Every decoder of the data path that has no file of its own here: seeded mutants of what real peers wrote. */

function agree(one: unknown, other: unknown, what: string): void {
  if (!isDeepStrictEqual(one, other)) throw new Error(`${what}: ${inspect(one)} and ${inspect(other)}`);
}

/** Bytes in two pieces, or byte by byte. */
function pieces(bytes: Buffer, below: (n: number) => number): Buffer[] {
  if (below(8) === 0 && bytes.length < 2_000) return Array.from(bytes, (byte) => Buffer.of(byte));
  const at = below(bytes.length + 1);
  return [Buffer.from(bytes.subarray(0, at)), Buffer.from(bytes.subarray(at))];
}

/** A machine's events, with the end of the connection where that is one. */
interface Machine {
  receive(bytes: Buffer, nowMs: number): readonly object[];
  receiveEnd?(nowMs: number): readonly object[];
}

/** What a machine reports of bytes: the kinds of its events and how much content; or the error that ends it, which alone counts. */
function reported(machine: Machine, parts: readonly Buffer[]): readonly unknown[] {
  let content = 0;
  const kinds: string[] = [];
  const take = (events: readonly object[] = []) => {
    for (const event of events as readonly { type: string; bytes?: Uint8Array }[]) {
      content += event.bytes?.length ?? 0;
      if (event.type !== "data") kinds.push(event.type);
    }
  };
  try {
    for (const part of parts) take(machine.receive(part, 0));
    take(machine.receiveEnd?.(0));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return [error.message];
  }
  return [content, ...kinds];
}

const text = (...lines: string[]) => Buffer.from(lines.join("\r\n"), "latin1");
const requests = [
  text("GET /a/b?c=d HTTP/1.1", "Host: x", "Accept: */*", "", ""),
  text("POST /a HTTP/1.1", "Host: x", "Content-Length: 5", "", "hello"),
  text("POST /a HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "5;a=b", "hello", "0", "X-T: 1", "", ""),
  text("GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "", "\x81\x05hello"),
  text("POST /a HTTP/1.0", "Connection: keep-alive", "Content-Length: 0", "", "GET /b HTTP/1.0", "", ""),
  text("PUT /a HTTP/1.1", "Host: x", "Expect: 100-continue", "Content-Length: 1", "", "x"),
];
const responses = [
  text("HTTP/1.1 200 OK", "Content-Length: 2", "", "hi"),
  text("HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "2", "hi", "0", "", ""),
  text("HTTP/1.1 204 No Content", "", "HTTP/1.1 304 Not Modified", "ETag: x", "", ""),
  text("HTTP/1.0 200 OK", "Content-Type: a/b", "", "until the end"),
  text("HTTP/1.1 101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket", "", "bytes"),
];
const HTTP1_BYTES = [0x0d, 0x0a, 0x20, 0x3a, 0x09, 0x00, 0x2c, 0x3b, 0x30, 0x66, 0x80];

function newClient(): Http1Client {
  const client = new Http1Client();
  for (const id of [1, 2]) {
    client.send({ type: "head", id, method: "GET", target: "/", fields: [["host", "x"]], length: 0 }, 0);
    client.send({ type: "end", id }, 0);
  }
  return client;
}

const recordedHttp2 = Buffer.from(
  JSON.parse(readFileSync("fixtures/wire/http2/node-client.json", "utf8")).hex as string,
  "hex",
);

const CALL_HEAD = [":method", "POST", ":scheme", "http", ":path", "/a.B/c", ":authority", "x", "te", "trailers"];

/** A client with a request of each kind under way: ended, with content that may not fit the windows, and open. */
function askingClient(): Http2Connection {
  const client = new Http2Connection("client", 0);
  client.data(client.open(CALL_HEAD, false)!, Buffer.alloc(100_000, 1), true);
  client.open(CALL_HEAD, true);
  client.open(CALL_HEAD, false);
  return client;
}

/** What a server may write to {@link askingClient}: answers of each kind, beside windows, pings and resets. */
function serverHttp2(): Buffer[] {
  const answers: ((server: Http2Connection, streams: readonly Http2Stream[]) => void)[] = [
    (server, [one, two, three]) => {
      server.head(one!, [":status", "200", "content-type", "application/grpc"], false);
      server.data(one!, Buffer.from("\0\0\0\0\x02hi", "latin1"), false);
      server.trailers(one!, ["grpc-status", "0"]);
      server.head(two!, [":status", "404"], true);
      server.release(three!, 0);
    },
    (server, [one, two, three]) => {
      server.head(one!, [":status", "103", "link", "x"], false);
      server.head(one!, [":status", "200"], true);
      server.reset(two!, 8);
      server.head(three!, [":status", "200"], false);
      server.ping();
      server.drain(0);
    },
  ];
  return answers.map((answer) => {
    const server = new Http2Connection("server", 0);
    const streams = server
      .receive(askingClient().takeOutput(), 0)
      .flatMap((event) => (event.type === "head" ? [event.stream] : []));
    answer(server, streams);
    return Buffer.from(server.takeOutput());
  });
}

/** What our client writes for a call of each kind. */
function ourHttp2(): Buffer {
  const client = new Http2Connection("client", 0);
  for (let n = 0; n < 3; n++) {
    const stream = client.open([...CALL_HEAD, "n", String(n)], n === 0)!;
    if (n === 0) continue;
    client.data(stream, Buffer.from("\0\0\0\0\x02hi", "latin1"), n === 1);
    if (n === 2) client.trailers(stream, ["end", "1"]);
  }
  client.ping();
  return Buffer.from(client.takeOutput());
}

const blocks = ["828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865", "40037365740376616c"].map(
  (hex) => Buffer.from(hex, "hex"),
);

const calls = TRIPLE_LINES.flatMap((line) => recordedCalls(line));
const frames = HESSIAN2_LINES.flatMap((line) => recordedFrames(`${line}-hessian2`)).filter(({ ser, bytes }) => {
  return ser === 2 && (bytes[2]! & 0x20) === 0 && bytes.length > HEADER_BYTES;
});
const bodies = (dir: string) =>
  frames.filter((frame) => frame.dir === dir).map(({ bytes }) => bytes.subarray(HEADER_BYTES));
const CALL = { protocolVersion: "2.0.2", path: "a.B", version: "0.0.0", method: "m", attachments: [] };
const HESSIAN_BYTES = [0x43, 0x48, 0x4d, 0x4f, 0x51, 0x52, 0x53, 0x55, 0x57, 0x58, 0x5a, 0x60, 0x70, 0x78, 0x90];
const PROTOBUF_BYTES = [0x0a, 0x12, 0x1a, 0x08, 0x80, 0xff, 0x7f];

const walk = new ArgumentWalk();

fuzz([
  {
    name: "http1 server",
    corpus: requests,
    telling: HTTP1_BYTES,
    run: (bytes, below) => {
      const whole = reported(new Http1Server(), [Buffer.from(bytes)]);
      agree(reported(new Http1Server(), pieces(bytes, below)), whole, "split");
    },
  },
  {
    name: "http1 client",
    corpus: responses,
    telling: HTTP1_BYTES,
    run: (bytes, below) => {
      agree(reported(newClient(), pieces(bytes, below)), reported(newClient(), [Buffer.from(bytes)]), "split");
    },
  },
  {
    name: "http2 server",
    corpus: [recordedHttp2, ourHttp2()],
    telling: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x25, 0x2d, 0x80, 0xff],
    run: (bytes, below) => {
      const whole = reported(new Http2Connection("server", 0), [Buffer.from(bytes)]);
      agree(reported(new Http2Connection("server", 0), pieces(bytes, below)), whole, "split");
    },
  },
  {
    name: "http2 client",
    corpus: serverHttp2(),
    telling: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x25, 0x2d, 0x80, 0x88, 0xff],
    run: (bytes, below) => {
      const [one, other] = [askingClient(), askingClient()];
      const whole = reported(one, [Buffer.from(bytes)]);
      agree(reported(other, pieces(bytes, below)), whole, "split");
      // Settings may let all of the request out, each frame is answered by a few bytes at most.
      if (one.takeOutput().length > 110_000 + 32 * bytes.length) throw new Error("more output than was asked for");
      for (const client of [one, other])
        agree([client.openStreams <= 3, client.queuedBytes <= 100_000], [true, true], "held");
    },
  },
  {
    name: "hpack",
    corpus: blocks,
    telling: [0x00, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbe, 0xff],
    run: (bytes) => {
      const [one, other] = [new HpackDecoder(), new HpackDecoder()];
      // A block that comes again gives the same list, from its third time on by another way.
      for (let times = 0; times < 4; times++) {
        agree(one.decode(bytes, 0, bytes.length), other.decode(Buffer.from(bytes), 0, bytes.length), "again");
      }
    },
  },
  {
    name: "triple envelope",
    corpus: calls.map(({ request }) => request),
    telling: [0, 1, 2, 0x80, 0xff],
    run: (bytes, below) => {
      const cut = (parts: readonly Buffer[]) => {
        const messages: string[] = [];
        const limits = { maxMessageBytes: 100_000, allowedFlags: 1 };
        const splitter = new EnvelopeSplitter(
          (from, start, end) => void messages.push(from.toString("hex", start, end)),
          limits,
        );
        try {
          for (const part of parts) splitter.push(part);
          messages.push(`${splitter.heldBytes} held`);
        } catch (error) {
          messages.push((error as Error).message);
        }
        return messages;
      };
      agree(cut(pieces(bytes, below)), cut([Buffer.from(bytes)]), "split");
    },
  },
  {
    name: "triple wrapper",
    corpus: calls.map(({ request }) => request.subarray(ENVELOPE_BYTES)),
    telling: [...PROTOBUF_BYTES, ...HESSIAN_BYTES],
    run: (bytes) => {
      const wrapped = looksWrapped(bytes);
      const wrapper = decodeRequestWrapper(bytes);
      if (wrapped) agree(decodeRequestWrapper(encodeRequestWrapper(wrapper)), wrapper, "written again");
      const view = new WrapperView("$invoke", bytes);
      void [view.effectiveMethod, view.effectiveArgument(0), view.effectiveArgument(300)];
      unwrapArguments(CALL, wrapper);
    },
  },
  {
    name: "triple answer",
    corpus: calls.flatMap(({ response }) =>
      response.length > ENVELOPE_BYTES ? [response.subarray(ENVELOPE_BYTES)] : [],
    ),
    telling: PROTOBUF_BYTES,
    run: (bytes) => {
      decodeDetails(bytes.toString("base64"));
      decodeResponseWrapper(bytes);
    },
  },
  {
    name: "triple head",
    corpus: [
      Buffer.from("/a.B/c\ngrpc-timeout\n5S\ntri-header-convert\n%7B%22a%22%3A%22A%22%7D\na\nx\nb-bin\nAAA", "latin1"),
    ],
    telling: [0x25, 0x2f, 0x3f, 0x7e, 0x0a, 0x22, 0x5c, 0x80, 0xff],
    run: (bytes) => {
      const [path = "", ...rest] = bytes.toString("latin1").split("\n");
      const head = parseRequestHead([":path", path, "content-type", "application/grpc", ...rest]);
      void [head.attachments.size, head.method];
    },
  },
  {
    name: "fastjson2",
    corpus: fastjson2Vectors().map(({ hex }) => Buffer.from(hex, "hex")),
    telling: [0x7f, 0x90, 0x91, 0x92, 0x93, 0x94, 0xa4, 0xa5, 0xa6, 0xaf, 0xbe, 0xff],
    run: (bytes) => {
      const reader = new Fastjson2Reader().reset(bytes);
      const value = reader.readValue();
      const skipper = new Fastjson2Skipper().reset(bytes, 0, bytes.length);
      skipper.skipValue();
      agree(skipper.offset, reader.offset, "read and skipped");
      decodeFastjson2(encodeFastjson2(value));
    },
  },
  {
    name: "grpc-web text",
    corpus: [Buffer.from("AAAAAAJoaQ=="), Buffer.from("AAAAAAA=AAAAAAA=")],
    telling: [0x3d, 0x2b, 0x2d, 0x20, 0x0a, 0x80],
    run: (bytes) => {
      void new WebTextDecoder().push(bytes);
    },
  },
  {
    name: "dubbo2 request to triple and back",
    corpus: bodies("c2s"),
    telling: HESSIAN_BYTES,
    run: (bytes) => {
      const head = new RequestHead();
      head.scan(bytes, 0, bytes.length);
      const { wrapper, decoded } = wrapArguments(head);
      if (decoded > 0 || !walk.inBody(bytes, head.argsStart, head.bodyEnd, head.argumentCount)) return;
      const types = encodeFields(argTypesOf(head.descriptor).map((type) => [3, type]));
      agree(walk.encodeWrapper(types).subarray(ENVELOPE_BYTES), encodeRequestWrapper(wrapper), "moved and wrapped");
      const back = unwrapArguments(CALL, wrapper);
      if (back.decoded > 0) throw new Error("arguments that were moved there are decoded on the way back");
      const args = Buffer.concat(wrapper.args);
      agree(back.body.includes(args), true, "moved back");
    },
  },
  {
    name: "dubbo2 answer to triple",
    corpus: bodies("s2c"),
    telling: HESSIAN_BYTES,
    run: (bytes) => {
      const header = Buffer.alloc(HEADER_BYTES);
      header.write("dabb0214", "hex");
      header.writeInt32BE(bytes.length, 12);
      const frame = Buffer.concat([header, bytes]);
      const { attachmentsAt, wrapper } = wrapResult(frame, 0, frame.length, "java.lang.Object");
      if (attachmentsAt > frame.length || wrapper.data.length > frame.length) throw new Error("more than there is");
    },
  },
]);
