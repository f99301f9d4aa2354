import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { encodeRequestWrapper, encodeResponseWrapper } from "../../src/codecs/triple/body.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { answerOk, envelope, fieldOf, type H2Provider, openH2Caller, startH2Provider } from "../support/h2-peers.ts";
import { eventually } from "../support/process.ts";
import { frame, hessianString, openRaw, request } from "../support/raw-dubbo.ts";
import { restMethod, restSchema } from "../support/rest-schema.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Line breaks in what becomes a header on the other side: the call is refused, or the text stays one field. Peers are bytes by hand,
// so what they see is what was on the wire.

const key = "com.acme.Named";
const text = "java.lang.String";
const EVIL = "a\r\nx-injected: 1";
let stage: TripleStage;
let dubbo: FakeProvider;
let triple: H2Provider;
let rest: { port: number; seen: string; answer: string };
const sockets = new Set<Socket>();

beforeAll(async () => {
  [stage, dubbo, triple] = await Promise.all([startTripleStage("127.0.0.1"), startFakeProvider(), startH2Provider()]);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on("error", () => {})
      .on("data", (bytes: Buffer) => {
        rest.seen += bytes.latin1Slice();
        socket.write(rest.answer);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  rest = { port: (server.address() as { port: number }).port, seen: "", answer: "" };
  stops.push(() => void server.close());
});

const stops: (() => void)[] = [];

afterAll(async () => {
  await stage?.close();
  await Promise.all([dubbo?.close(), triple?.close()]);
  for (const socket of sockets) socket.destroy();
  for (const stop of stops) stop();
});

const ok = encodeResponseWrapper({ serializeType: "hessian4", data: hessianString("ok"), type: text });

beforeEach(() => {
  triple.seen.length = 0;
  dubbo.calls = 0;
  triple.onEnd = (call) => answerOk(call, ok);
  rest.seen = "";
  rest.answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
});

type Far = "dubbo" | "tri" | "http";

async function lead(far: Far): Promise<void> {
  const port = { dubbo, tri: triple, http: rest }[far].port;
  const more = { parameterTypes: [text], returnType: text };
  const parameter = { name: "X-Word", in: "header" } as const;
  const schema = { ...restSchema([restMethod("say", "GET /say", [parameter], more)]), name: key };
  await stage.apply([{ key, endpoints: [{ port, protocol: far }] }], far === "http" ? [schema] : []);
}

/** A Dubbo2 call; its status. */
async function dubboCall(attachments: Record<string, string>, word = "x"): Promise<number> {
  const caller = await openRaw("127.0.0.1", stage.dubboPort);
  const call = { service: key, method: "say", types: "Ljava/lang/String;", args: hessianString(word) };
  caller.write(request({ ...call, id: 1n, attachments }));
  const { status } = await caller.answer();
  caller.destroy();
  return status;
}

/** A Triple call; its status, and all fields of its answer. */
async function tripleCall(word = "x") {
  const caller = await openH2Caller(stage.port);
  const wrapper = { serializeType: "hessian4", args: [hessianString(word)], argTypes: [text] };
  const made = await caller.call(`/${key}/say`, { body: envelope(encodeRequestWrapper(wrapper)) }).done();
  caller.close();
  return { status: made.status, fields: [...(made.head ?? []), ...(made.trailers ?? [])] };
}

/** A JSON call over HTTP/1.1 by these bytes; the whole answer. */
async function jsonCall(word = "x", lines = ""): Promise<string> {
  const body = JSON.stringify([word]);
  const socket = connect({ host: "127.0.0.1", port: stage.port });
  let got = "";
  socket
    .on("error", () => {})
    .on("data", (bytes) => {
      got += bytes.latin1Slice();
    });
  socket.write(
    `POST /${key}/say HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${lines}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually("an answer", () => socket.closed || socket.readableEnded);
  socket.destroy();
  return got;
}

const statusOf = (answer: string) => Number(answer.slice(9, 12));
const headOf = (answer: string) => answer.slice(0, answer.indexOf("\r\n\r\n"));
const namesOf = (fields: readonly string[]) => fields.filter((_, i) => i % 2 === 0);
/** The names of a head's lines, without the first. */
const namesOfLines = (bytes: string) =>
  headOf(bytes)
    .split("\r\n")
    .slice(1)
    .map((line) => line.split(":")[0]!);

/** A Dubbo2 provider's answer with attachments, or its exception by a text. */
function dubboAnswers(name: string, value: string): void {
  dubbo.onCall = ({ socket, id }) => {
    const pairs = Buffer.concat([hessianString(name), hessianString(value)]);
    const parts = [Buffer.of(0x94), hessianString("ok"), Buffer.from("H"), pairs, Buffer.from("Z")];
    socket.write(frame(0x02, id, Buffer.concat(parts), undefined, 20));
  };
}

function dubboFails(message: string): void {
  dubbo.onCall = ({ socket, id }) => socket.write(frame(0x02, id, hessianString(message), undefined, 70));
}

interface Row {
  readonly name: string;
  readonly far: Far;
  readonly call: () => Promise<number | undefined>;
  readonly told: number;
  /** Whether the provider is asked, without what cannot be a field. */
  readonly asked?: true;
}

const tripleStatus = async (word: string) => (await tripleCall(word)).status;
const jsonStatus = async (word: string, lines = "") => statusOf(await jsonCall(word, lines));

const requests: readonly Row[] = [
  { name: "an attachment's value, to Triple", far: "tri", call: () => dubboCall({ a: EVIL }), told: 40 },
  { name: "a line feed alone, to Triple", far: "tri", call: () => dubboCall({ a: "b\nc" }), told: 40 },
  { name: "a zero byte, to Triple", far: "tri", call: () => dubboCall({ a: "b\0c" }), told: 40 },
  {
    name: "an attachment's name, to Triple",
    far: "tri",
    call: () => dubboCall({ [EVIL]: "v" }),
    told: 20,
    asked: true,
  },
  {
    name: "HTTP/2's own name, to Triple",
    far: "tri",
    call: () => dubboCall({ ":path": "/evil" }),
    told: 20,
    asked: true,
  },
  { name: "an attachment's value, to REST", far: "http", call: () => dubboCall({ a: EVIL }), told: 40 },
  { name: "an attachment's name, to REST", far: "http", call: () => dubboCall({ [EVIL]: "v" }), told: 20, asked: true },
  { name: "a Dubbo2 argument that is a header of REST", far: "http", call: () => dubboCall({}, EVIL), told: 40 },
  { name: "a Triple argument that is a header of REST", far: "http", call: () => tripleStatus(EVIL), told: 3 },
  { name: "a JSON argument that is a header of REST", far: "http", call: () => jsonStatus(EVIL), told: 400 },
  {
    name: "a line of HTTP/1.1 that holds CR",
    far: "tri",
    call: () => jsonStatus("x", "a: b\rx-injected: 1\r\n"),
    told: 400,
  },
  {
    name: "a folded line of HTTP/1.1",
    far: "dubbo",
    call: () => jsonStatus("x", "a: b\r\n x-injected: 1\r\n"),
    told: 400,
  },
];

test.each(requests)("of a request: $name", async ({ far, call, told, asked = false }) => {
  await lead(far);
  expect(await call()).toBe(told);
  expect(triple.seen.length + Number(rest.seen !== "") + dubbo.calls).toBe(asked ? 1 : 0);
  const names = [...triple.seen.flatMap(({ fields }) => namesOf(fields)), ...namesOfLines(rest.seen)];
  expect(names.filter((name) => !/^:?[A-Za-z0-9-]+$/.test(name))).toEqual([]);
  expect(names).not.toContain("x-injected");
  for (const { fields } of triple.seen) expect(fieldOf(fields, ":path")).toBe(`/${key}/say`);
});

interface Answer {
  readonly name: string;
  readonly far: Far;
  readonly answer: () => void;
  readonly status: number;
  readonly http: number;
}

const REST_ERROR = JSON.stringify({ message: EVIL });
const answers: readonly Answer[] = [
  { name: "an attachment's value", far: "dubbo", answer: () => dubboAnswers("a", EVIL), status: 3, http: 400 },
  { name: "an attachment's name", far: "dubbo", answer: () => dubboAnswers(EVIL, "v"), status: 0, http: 200 },
  { name: "an error's text", far: "dubbo", answer: () => dubboFails(EVIL), status: 13, http: 500 },
  {
    name: "the text of a REST service's error",
    far: "http",
    answer: () => {
      const head = `HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: ${REST_ERROR.length}`;
      rest.answer = `${head}\r\n\r\n${REST_ERROR}`;
    },
    status: 0,
    http: 500,
  },
];

test.each(answers)("of an answer: $name", async ({ far, answer, status, http }) => {
  await lead(far);
  answer();
  const called = await tripleCall();
  expect(called.status).toBe(status);
  expect(called.fields.filter((part) => /[\r\n]/.test(part))).toEqual([]);
  expect(namesOf(called.fields)).not.toContain("x-injected");
  const json = await jsonCall();
  expect(statusOf(json)).toBe(http);
  expect(namesOfLines(json)).toEqual(["content-type", "content-length", "connection"]);
});

test("of an answer: a gRPC message with line breaks is text to a Dubbo2 caller", async () => {
  await lead("tri");
  triple.onEnd = ({ link, stream }) => {
    const head = [":status", "200", "content-type", "application/grpc", "grpc-status", "14"];
    link.machine.head(stream, [...head, "grpc-message", "a%0D%0Ax-injected: 1"], true);
    link.flush();
  };
  expect(await dubboCall({})).toBe(80);
});
