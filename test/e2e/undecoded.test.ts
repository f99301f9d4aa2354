import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper, encodeResponseWrapper } from "../../src/codecs/triple/body.ts";
import { listValue, type Value } from "../../src/codecs/value.ts";
import type { HeaderMatcher } from "../../src/codecs/xds/route.ts";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { answerOk, envelope, type H2Provider, openH2Caller, startH2Provider } from "../support/h2-peers.ts";
import { startHttpProvider, startHttpProxy } from "../support/http-stage.ts";
import { frame, openRaw, request, requestBody } from "../support/raw-dubbo.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

// Where both sides have the same encoding, arguments and results go through as bytes: what the decoders do is counted.

/** Values read into trees; values walked over; wrappers, JSON and fastjson2 read. */
const count = vi.hoisted(() => ({ read: 0, walked: 0, wrappers: 0, jsonb: 0, json: 0 }));

vi.mock("../../src/codecs/hessian2/reader.ts", async (original) => {
  const actual = await original<typeof import("../../src/codecs/hessian2/reader.ts")>();
  class Hessian2Reader extends actual.Hessian2Reader {
    override readValue(): Value {
      count.read++;
      return super.readValue();
    }
  }
  const decodeHessian2: typeof actual.decodeHessian2 = (...parts) => {
    count.read++;
    return actual.decodeHessian2(...parts);
  };
  return { ...actual, Hessian2Reader, decodeHessian2 };
});
vi.mock("../../src/codecs/hessian2/skip.ts", async (original) => {
  const actual = await original<typeof import("../../src/codecs/hessian2/skip.ts")>();
  class Skipper extends actual.Skipper {
    override skipValues(values: number): void {
      count.walked++;
      super.skipValues(values);
    }
  }
  return { ...actual, Skipper };
});
vi.mock("../../src/codecs/fastjson2/reader.ts", async (original) => {
  const actual = await original<typeof import("../../src/codecs/fastjson2/reader.ts")>();
  class Fastjson2Reader extends actual.Fastjson2Reader {
    override readValue(...parts: Parameters<InstanceType<typeof actual.Fastjson2Reader>["readValue"]>): Value {
      count.jsonb++;
      return super.readValue(...parts);
    }
  }
  return { ...actual, Fastjson2Reader };
});
vi.mock("../../src/codecs/triple/body.ts", async (original) => {
  const actual = await original<typeof import("../../src/codecs/triple/body.ts")>();
  const counted =
    <A extends unknown[], R>(read: (...parts: A) => R) =>
    (...parts: A): R => {
      count.wrappers++;
      return read(...parts);
    };
  return {
    ...actual,
    decodeRequestWrapper: counted(actual.decodeRequestWrapper),
    decodeResponseWrapper: counted(actual.decodeResponseWrapper),
    looksWrapped: counted(actual.looksWrapped),
  };
});
vi.mock("../../src/codecs/json-text.ts", async (original) => {
  const actual = await original<typeof import("../../src/codecs/json-text.ts")>();
  const parseJson: typeof actual.parseJson = (...parts) => {
    count.json++;
    return actual.parseJson(...parts);
  };
  return { ...actual, parseJson };
});

const NOTHING = { ...count };
const CALLS = 50;
const key = "com.acme.Sealed";

let stage: TripleStage;
let dubbo: FakeProvider;
let triple: H2Provider;

beforeAll(async () => {
  [stage, dubbo, triple] = await Promise.all([startTripleStage("127.0.0.1"), startFakeProvider(), startH2Provider()]);
});

afterEach(() => {
  dubbo.onCall = (seen) => answerCall(seen);
  triple.onEnd = (call) => answerOk(call);
});

afterAll(async () => {
  await Promise.all([stage.close(), dubbo.close(), triple.close()]);
});

async function apply(protocol: "dubbo" | "tri", header?: HeaderMatcher): Promise<void> {
  const endpoint = protocol === "tri" ? { port: triple.port, protocol } : { port: dubbo.port };
  const match = { prefix: "/", ...(header === undefined ? {} : { headers: [header] }) };
  const routes = [{ name: "rule", match, route: { cluster: clusterName(key) } }];
  await stage.apply([{ key, endpoints: [endpoint], routes }]);
}

/** Counts over `CALLS` runs of `act`, after one that is not counted: a connection's first call of a kind is looked at. */
async function counted(act: () => Promise<void>): Promise<typeof count> {
  await act();
  Object.assign(count, NOTHING);
  for (let i = 0; i < CALLS; i++) await act();
  return { ...count };
}

const LIST = encodeHessian2(listValue(["a", listValue([1, 2])]));
const GARBAGE = Buffer.from("4040ff4040", "hex");
const FASTJSON2 = 23;
const UNKNOWN = 9;

/** Sends `body` in a serialization over and over, and sees that the provider gets that very body. */
async function dubboCalls(body: Buffer, serialization: number): Promise<typeof count> {
  const connection = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => connection.destroy());
  const seen: SeenFrame[] = [];
  dubbo.onCall = (call) => {
    seen.push(call);
    call.socket.write(frame(serialization, call.id, GARBAGE, undefined, 20));
  };
  let id = 0n;
  const counts = await counted(async () => {
    connection.write(frame(0xc0 | serialization, ++id, body));
    expect(await connection.answer()).toMatchObject({ id, status: 20, body: GARBAGE });
  });
  expect(seen).toHaveLength(CALLS + 1);
  for (const one of seen) expect(one.body.equals(body)).toBe(true);
  return counts;
}

const call = { id: 0n, service: key, method: "say", types: "Ljava/util/List;", args: LIST };
const jsonb = (text: string) => Buffer.concat([Buffer.of(0x49 + text.length), Buffer.from(text, "latin1")]);
const JSONB_BODY = Buffer.concat(
  ["2.0.2", key, "0.0.0", "say", "Ljava/util/List;"].map(jsonb).flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return [length, text];
  }),
);

test.each([
  ["Hessian2", requestBody(call), 2, {}],
  ["Hessian2 whose arguments nobody could read", requestBody({ ...call, args: GARBAGE }), 2, {}],
  // Its head has four texts, which are read for each call.
  [
    "fastjson2 whose arguments nobody could read",
    Buffer.concat([JSONB_BODY, GARBAGE]),
    FASTJSON2,
    { jsonb: 4 * CALLS },
  ],
  ["a serialization that nobody here knows", GARBAGE, UNKNOWN, {}],
])(
  "no argument is decoded of Dubbo2 calls and answers that are carried: %s",
  async (_name, body, serialization, head) => {
    await apply("dubbo");
    expect(await dubboCalls(body, serialization)).toEqual({ ...NOTHING, ...head });
  },
);

test("a rule that asks for an attachment has arguments walked over, once a call, and not read", async () => {
  await apply("dubbo", { name: "path", stringMatch: { exact: key } });
  expect(await dubboCalls(requestBody(call), 2)).toEqual({ ...NOTHING, walked: CALLS });
});

test("a rule that asks for an argument has it read", async () => {
  await apply("dubbo", { name: "dubbo-arg-0.0", stringMatch: { exact: "a" } });
  const { read } = await dubboCalls(requestBody(call), 2);
  expect(read).toBeGreaterThanOrEqual(CALLS);
});

/** Makes calls with `message`, and sees that it arrives, and its answer too, byte by byte. */
async function tripleCalls(message: Buffer, answer: Buffer, flags = 0): Promise<typeof count> {
  const caller = await openH2Caller(stage.port);
  onTestFinished(() => caller.close());
  triple.onEnd = (seen) => answerOk(seen, answer, flags);
  const body = envelope(message, flags);
  triple.seen.length = 0;
  const counts = await counted(async () => {
    const made = await caller.call(`/${key}/say`, { body, fields: ["tri-consumer-appname", "shop"] }).done();
    expect([made.status, Buffer.concat(made.content)]).toEqual([0, envelope(answer, flags)]);
  });
  expect(triple.seen).toHaveLength(CALLS + 1);
  for (const seen of triple.seen) expect(seen.body.equals(body)).toBe(true);
  return counts;
}

const WRAPPER = encodeRequestWrapper({ serializeType: "hessian4", args: [LIST], argTypes: ["java.util.List"] });
const ANSWER = encodeResponseWrapper({ serializeType: "hessian4", data: LIST, type: "java.util.List" });

test.each([
  ["wrapped", WRAPPER, 0],
  [
    "wrapped, with arguments that nobody could read",
    encodeRequestWrapper({ serializeType: "hessian4", args: [GARBAGE], argTypes: ["a.B"] }),
    0,
  ],
  ["protobuf", Buffer.from("0a03616263", "hex"), 0],
  ["what is no message at all", Buffer.from("ffff", "hex"), 0],
  ["compressed by nobody knows what", GARBAGE, 1],
])("nothing is decoded of Triple calls and answers that are carried: %s", async (_name, message, flags) => {
  await apply("tri");
  expect(await tripleCalls(message, flags === 0 ? ANSWER : GARBAGE, flags)).toEqual(NOTHING);
});

test("a rule that asks for an argument has a Triple call's wrapper read", async () => {
  await apply("tri", { name: "dubbo-arg-0.0", stringMatch: { exact: "a" } });
  const counts = await tripleCalls(WRAPPER, ANSWER);
  expect([counts.read, counts.wrappers].every((times) => times >= CALLS)).toBe(true);
});

const NO_JSON = Buffer.from('[{"a": nobody could read this');

/** Makes calls with this content, said to be JSON, at `url`, and gives what they are answered. */
async function jsonCalls(url: string, isHttp2: boolean, content: Buffer): Promise<[typeof count, Set<string>]> {
  const answers = new Set<string>();
  const headers = { "content-type": "application/json" };
  if (!isHttp2) {
    const counts = await counted(async () => {
      const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(content) });
      answers.add(`${answer.status} ${await answer.text()}`);
    });
    return [counts, answers];
  }
  const session = connect(url);
  onTestFinished(() => session.close());
  const counts = await counted(async () => {
    const stream = session.request({ ":method": "POST", ":path": new URL(url).pathname, ...headers });
    stream.end(content);
    const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    answers.add(`${head[":status"]} ${Buffer.concat(chunks).toString("utf8")}`);
  });
  return [counts, answers];
}

const callUrl = () => `http://127.0.0.1:${stage.port}/${key}/say`;

test.each([
  ["HTTP/1.1", false],
  ["HTTP/2", true],
])(
  "nothing is decoded of JSON over %s that is carried to a Java provider whose types are not known",
  async (_name, isHttp2) => {
    const endpoint = { port: triple.port, protocol: "tri", takesWrapper: true } as const;
    await stage.apply([{ key, endpoints: [endpoint] }]);
    triple.seen.length = 0;
    triple.onEnd = ({ link, stream }) => {
      link.machine.head(stream, [":status", "200", "content-type", "application/json"], false);
      link.machine.data(stream, NO_JSON, true);
      link.flush();
    };
    const [counts, answers] = await jsonCalls(callUrl(), isHttp2, NO_JSON);
    expect(answers).toEqual(new Set([`200 ${NO_JSON}`]));
    expect(triple.seen).toHaveLength(CALLS + 1);
    for (const seen of triple.seen) expect(seen.body.equals(NO_JSON)).toBe(true);
    expect(counts).toEqual(NOTHING);
  },
);

test("JSON to a Dubbo2 provider is read", async () => {
  await apply("dubbo");
  const [counts] = await jsonCalls(callUrl(), false, Buffer.from('["a"]'));
  expect(counts.json).toBeGreaterThanOrEqual(CALLS);
});

test("nothing is decoded of HTTP/1.1 that is passed through", async () => {
  const bodies: Buffer[] = [];
  const provider = await startHttpProvider(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks));
    response.writeHead(200, { "content-type": "application/json" }).end(NO_JSON);
  });
  onTestFinished(() => provider.close());
  const http = await startHttpProxy({ ports: { "": [provider.port] } });
  onTestFinished(() => http.close());
  const [counts, answers] = await jsonCalls(`${http.url}/orders?id=%ff`, false, NO_JSON);
  expect(answers).toEqual(new Set([`200 ${NO_JSON}`]));
  expect(bodies).toHaveLength(CALLS + 1);
  for (const body of bodies) expect(body.equals(NO_JSON)).toBe(true);
  expect(counts).toEqual(NOTHING);
});

test("a call that is translated has its list walked over and moved: no value is read on the way there or back", async () => {
  await apply("tri");
  triple.onEnd = (seen) => answerOk(seen, ANSWER);
  const connection = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => connection.destroy());
  let id = 0n;
  const there = await counted(async () => {
    connection.write(request({ ...call, id: ++id }));
    const answer = await connection.answer();
    expect([answer.status, answer.body.subarray(1, 1 + LIST.length).equals(LIST)]).toEqual([20, true]);
  });
  expect(there).toMatchObject({ read: 0, walked: CALLS });

  await apply("dubbo");
  dubbo.onCall = ({ socket, id: one }) => {
    socket.write(frame(0x02, one, Buffer.concat([Buffer.of(0x94), LIST, Buffer.from("HZ")]), undefined, 20));
  };
  const caller = await openH2Caller(stage.port);
  onTestFinished(() => caller.close());
  const back = await counted(async () => {
    expect((await caller.call(`/${key}/say`, { body: envelope(WRAPPER) }).done()).status).toBe(0);
  });
  expect(back.read).toBe(0);
  expect(back.walked).toBeGreaterThanOrEqual(CALLS);
});
