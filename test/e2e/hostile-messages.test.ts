import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { encodeRequestWrapper, encodeResponseWrapper } from "../../src/codecs/triple/body.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { envelope, type H2Caller, type H2Provider, openH2Caller, startH2Provider } from "../support/h2-peers.ts";
import { eventually } from "../support/process.ts";
import { hessianString, openRaw, type RawConnection, request } from "../support/raw-dubbo.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Messages that lie, that are too large or that mean nothing, where a call is translated: which status its caller gets, that nobody
// else notices, and that no memory is spent on what was only claimed.

const key = "com.acme.Lied";
const text = "java.lang.String";
const WORD = hessianString("word");
const MB = 1024 * 1024;
let stage: TripleStage;
let dubbo: FakeProvider;
let triple: H2Provider;

beforeAll(async () => {
  [stage, dubbo, triple] = await Promise.all([startTripleStage("127.0.0.1"), startFakeProvider(), startH2Provider()]);
});

afterAll(async () => {
  await stage?.close();
  await Promise.all([dubbo?.close(), triple?.close()]);
});

let rssBefore: number;
beforeEach(() => {
  rssBefore = process.memoryUsage().rss;
});

afterEach(async () => {
  expect((process.memoryUsage().rss - rssBefore) / MB).toBeLessThan(150);
  await eventually("nothing is held", () => Object.values(stage.held()).every((count) => count === 0));
});

const lead = (protocol: "dubbo" | "tri") =>
  stage.apply([{ key, endpoints: [{ port: (protocol === "dubbo" ? dubbo : triple).port, protocol }] }]);

const wrapper = (args: readonly Buffer[], argTypes: readonly string[], serializeType = "hessian4") =>
  encodeRequestWrapper({ serializeType, args, argTypes });
const GOOD = envelope(wrapper([WORD], [text]));

const field = (number: number, bytes: Buffer | string) => {
  const body = Buffer.from(bytes as string);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length), body]);
};

interface Request {
  readonly name: string;
  readonly bytes: Buffer;
  readonly fields?: readonly string[];
  readonly told: number;
}

const requests: readonly Request[] = [
  {
    name: "a message over the limit",
    bytes: envelope(wrapper([Buffer.concat([Buffer.from("4e", "hex"), Buffer.alloc(9 * MB)])], [text])),
    told: 3,
  },
  { name: "a length of 4 GB", bytes: envelope(WORD, 0, 0xffffffff), told: 3 },
  { name: "a length beyond what comes", bytes: envelope(WORD, 0, 1_000_000), told: 3 },
  { name: "half a head of an envelope", bytes: Buffer.of(0, 0), told: 3 },
  { name: "no message", bytes: Buffer.alloc(0), told: 3 },
  { name: "two messages", bytes: Buffer.concat([GOOD, GOOD]), told: 12 },
  { name: "flags of no meaning", bytes: envelope(wrapper([WORD], [text]), 0x42), told: 3 },
  { name: "compression that was not said", bytes: envelope(wrapper([WORD], [text]), 1), told: 12 },
  { name: "compression that is none", bytes: envelope(WORD, 1), fields: ["grpc-encoding", "gzip"], told: 3 },
  { name: "a bomb", bytes: envelope(gzipSync(Buffer.alloc(200 * MB)), 1), fields: ["grpc-encoding", "gzip"], told: 3 },
  { name: "fewer arguments than types", bytes: envelope(wrapper([WORD], [text, text])), told: 3 },
  { name: "more arguments than types", bytes: envelope(wrapper([WORD, WORD], [text])), told: 3 },
  { name: "300 arguments", bytes: envelope(wrapper(Array(300).fill(WORD), Array(300).fill(text))), told: 3 },
  { name: "no wrapper", bytes: envelope(Buffer.alloc(50, 0xff)), told: 12 },
  { name: "a wrapper whose lengths lie", bytes: envelope(Buffer.from("0a0868657373", "hex")), told: 12 },
  { name: "a serialization that nobody knows", bytes: envelope(wrapper([WORD], [text], "kryo9")), told: 12 },
  {
    name: "a type that is not UTF-8",
    bytes: envelope(Buffer.concat([field(1, "hessian4"), field(2, WORD), field(3, Buffer.of(0xc3, 0x28))])),
    told: 3,
  },
  { name: "a type that is no class", bytes: envelope(wrapper([WORD], ["a;b(\u0000"])), told: 3 },
  { name: "an argument that is no Hessian", bytes: envelope(wrapper([Buffer.of(0x45)], [text])), told: 3 },
  {
    name: "an argument that ends too early",
    bytes: envelope(wrapper([Buffer.from("4b", "hex"), WORD], [text, text])),
    told: 3,
  },
  {
    name: "arguments nested 200,000 deep",
    bytes: envelope(wrapper([Buffer.alloc(200_000, 0x79), WORD], [text, text])),
    told: 3,
  },
];

test.each(requests)("a Triple request of $name", async ({ bytes, fields = [], told }) => {
  await lead("dubbo");
  const caller: H2Caller = await openH2Caller(stage.port);
  dubbo.calls = 0;
  const call = await caller.call(`/${key}/say`, { body: bytes, fields }).done();
  expect(call.status).toBe(told);
  expect(dubbo.calls).toBe(told === 0 ? 1 : 0);
  expect((await caller.call(`/${key}/say`, { body: GOOD }).done()).status).toBe(0);
  expect(caller.closed).toBe(false);
  caller.close();
});

const answerOf = (data: Buffer) => encodeResponseWrapper({ serializeType: "hessian4", data, type: text });
const answers: readonly Request[] = [
  { name: "a length of 4 GB", bytes: envelope(WORD, 0, 0xffffffff), told: 40 },
  { name: "a length beyond what comes", bytes: envelope(WORD, 0, 1_000_000), told: 40 },
  { name: "no message", bytes: Buffer.alloc(0), told: 40 },
  { name: "two messages", bytes: Buffer.concat([envelope(answerOf(WORD)), envelope(answerOf(WORD))]), told: 40 },
  { name: "flags of no meaning", bytes: envelope(answerOf(WORD), 0x42), told: 40 },
  { name: "compression that was not said", bytes: envelope(answerOf(WORD), 1), told: 40 },
  { name: "a bomb", bytes: envelope(gzipSync(Buffer.alloc(200 * MB)), 1), fields: ["grpc-encoding", "gzip"], told: 40 },
  { name: "no wrapper", bytes: envelope(Buffer.alloc(50, 0xff)), told: 40 },
  {
    name: "a value that is no Hessian, which is passed on unread",
    bytes: envelope(answerOf(Buffer.of(0x45))),
    told: 20,
  },
  {
    name: "a serialization that nobody knows",
    bytes: envelope(encodeResponseWrapper({ serializeType: "kryo9", data: WORD, type: text })),
    told: 40,
  },
];

test.each(answers)("a Triple answer of $name", async ({ bytes, fields = [], told }) => {
  await lead("tri");
  triple.onEnd = ({ link, stream }) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc", ...fields], false);
    link.machine.data(stream, bytes, false);
    link.machine.trailers(stream, ["grpc-status", "0"]);
    link.flush();
  };
  const caller: RawConnection = await openRaw("127.0.0.1", stage.dubboPort);
  const call = { service: key, method: "say", types: "Ljava/lang/String;", args: WORD };
  caller.write(request({ ...call, id: 1n }));
  const { status } = await caller.answer();
  expect(status).toBe(told);
  triple.onEnd = ({ link, stream }) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
    link.machine.data(stream, envelope(answerOf(WORD)), false);
    link.machine.trailers(stream, ["grpc-status", "0"]);
    link.flush();
  };
  caller.write(request({ ...call, id: 2n }));
  expect((await caller.answer()).status).toBe(20);
  caller.destroy();
});

const texts: readonly { name: string; content: Buffer | string; told: number }[] = [
  { name: "100,000 arrays in one another", content: "[".repeat(100_000), told: 400 },
  { name: "arrays in one another that are closed", content: "[".repeat(5_000) + "]".repeat(5_000), told: 400 },
  { name: "bytes that are not UTF-8", content: Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), told: 400 },
  { name: "half a surrogate", content: '["\\ud800"]', told: 200 },
  { name: "a number of a million digits", content: `[${"9".repeat(1_000_000)}]`, told: 200 },
  { name: "a number with an exponent beyond reason", content: "[1e999999999]", told: 200 },
  { name: "half a text", content: '["wor', told: 400 },
  {
    name: "names that are an object's own",
    content: '[{"__proto__":{"a":1},"constructor":null,"class":"java.lang.Runtime"}]',
    told: 200,
  },
  { name: "more than a million values", content: `[${"[],".repeat(1_000_000)}1]`, told: 400 },
  { name: "content over the limit", content: `["${"a".repeat(20 * MB)}"]`, told: 400 },
];

test.each(texts)("JSON of $name", async ({ content, told }) => {
  await lead("dubbo");
  const ask = async (body: Buffer) => {
    const socket = connect({ host: "127.0.0.1", port: stage.port });
    let got = "";
    socket
      .on("error", () => {})
      .on("data", (bytes) => {
        got += bytes.latin1Slice();
      });
    const head = `POST /${key}/say HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
    socket.write(body);
    await eventually("an answer", () => socket.closed, 10_000);
    return got;
  };
  const got = await ask(Buffer.from(content as string));
  expect(Number(got.slice(9, 12))).toBe(told);
  expect(await ask(Buffer.from('["x"]'))).toMatch(/^HTTP\/1.1 200 /);
});
