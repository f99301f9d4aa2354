import { connect as connectHttp2, constants } from "node:http2";
import { Client, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { encodeEnvelope } from "../../src/codecs/triple/envelope.ts";
import { type FeedServer, feedCalls, feedOrder, feedService, startFeedServer } from "../support/grpc-feed.ts";
import { freePort } from "../support/lone-proxy.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";
import { feedSchema } from "../support/proto-fixtures.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import {
  answerMessage,
  answerText,
  javaOrder,
  openJavaStream,
  requestMessage,
  requestText,
  startJavaFeed,
} from "../support/wrapper-feed.ts";

// Translated streams whose peers fail, dawdle or lie: callers with Java's messages and a gRPC server, then the other way round.
const key = "com.acme.OrderFeed";
const MB = 1024 * 1024;
let stage: TripleStage;
let server: FeedServer;
let client: Client;

const at = (port: number) => ({ port, protocol: "tri" as const });
const apply = (...ports: readonly number[]) => stage.apply([{ key, endpoints: ports.map(at) }], [feedSchema]);
const connect = (options: object = {}) =>
  new Client(`${stage.host}:${stage.port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_send_message_length": 64 * MB,
    ...options,
  });

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

beforeEach(async () => {
  server = await startFeedServer("127.0.0.1", "node");
  await apply(server.port);
  client = connect();
});

afterEach(async () => {
  client.close();
  server.stop();
  await expect.poll(() => stage.held(), { timeout: 10_000 }).toEqual(NOTHING_HELD);
});

afterAll(() => stage?.close());

type JavaStream = ReturnType<typeof openJavaStream>;

/** What comes of a stream: ids or texts as they come, and how it ended. */
function watch(stream: JavaStream) {
  const values: string[] = [];
  stream.on("data", (bytes: Buffer) => values.push(answerText(bytes)));
  stream.on("error", () => {});
  const status = new Promise<StatusObject>((resolve) => stream.on("status", resolve));
  return { values, status };
}

function send(stream: JavaStream, ids: readonly number[]): void {
  for (const id of ids) stream.write(requestMessage(javaOrder(id)));
}

test("messages go on as they come, one for one, before the request has ended", async () => {
  const stream = openJavaStream(client, "review");
  const { values, status } = watch(stream);
  for (const id of [1, 2, 3]) {
    send(stream, [id]);
    await eventually(`order ${id} is back`, () => values.at(-1) === String(id));
  }
  stream.end();
  expect(await status).toMatchObject({ code: 0 });
});

test("metadata goes both ways, an error keeps its code and text, and both are counted by what they were", async () => {
  const metadata = new Metadata();
  metadata.set("x-question", "green");
  const same = (bytes: Buffer) => bytes;
  const stream: JavaStream = client.makeBidiStreamRequest("/com.acme.OrderFeed/collect", same, same, metadata);
  const { values, status } = watch(stream);
  send(stream, [1, 2]);
  stream.end();
  expect((await status).metadata.getMap()).toMatchObject({ "x-answer": "green" });
  expect(values).toEqual(["node: 1,2"]);
  const failed = openJavaStream(client, "review");
  const seen = watch(failed);
  failed.write(requestMessage(javaOrder(1)));
  failed.write(requestMessage(javaOrder(2, "fail 5 no order é")));
  expect(await seen.status).toMatchObject({ code: 5, details: "no order é" });
  expect(seen.values).toEqual(["1"]);
  const count = (method: string, grpcStatus: number) =>
    stage.proxy.stats().calls.find((row) => row.method === method && row.grpcStatus === grpcStatus)?.count;
  expect([count("collect", 0), count("review", 5)]).toEqual([1, 1]);
});

test("a provider that never answers is given up at the caller's deadline", async () => {
  const stream = openJavaStream(client, "orders", { deadline: Date.now() + 400 });
  const { status } = watch(stream);
  stream.end(requestMessage(-2, "int"));
  expect(await status).toMatchObject({ code: 4 });
  await eventually("the provider knows", () => server.seen.get("orders-cancelled") === 1);
});

test("a caller that resets half-way, or whose connection goes, ends the stream at the provider", async () => {
  const stream = openJavaStream(client, "orders");
  const { values, status } = watch(stream);
  stream.end(requestMessage(-1, "int"));
  await eventually("it runs", () => values.length > 2);
  stream.cancel();
  expect(await status).toMatchObject({ code: 1 });
  await eventually("the provider knows", () => server.seen.get("orders-cancelled") === 1);
  const other = openUnread("/com.acme.OrderFeed/orders", requestMessage(-1, "int"));
  let read = 0;
  other.on("data", () => read++);
  await eventually("it runs", () => read > 2);
  other.session!.destroy();
  await eventually("the provider knows", () => server.seen.get("orders-cancelled") === 2);
});

test("a provider that answers before the request has ended ends the call", async () => {
  const stream = openJavaStream(client, "collect");
  const { values, status } = watch(stream);
  send(stream, [1, 999]);
  expect(await status).toMatchObject({ code: 0 });
  expect(values).toEqual(["node: enough"]);
});

test("a provider that dies after messages ends the call with 14; one that is dead already is passed over", async () => {
  const stream = openJavaStream(client, "review");
  const { values, status } = watch(stream);
  send(stream, [1]);
  await eventually("it runs", () => values.length === 1);
  server.stop();
  expect(await status).toMatchObject({ code: 14, details: expect.stringMatching(/^trestle: /) as string });
  const other = await startFeedServer("127.0.0.1", "other");
  onTestFinished(() => other.stop());
  await apply(server.port, await freePort(), other.port);
  for (let i = 0; i < 4; i++) {
    const { values, status } = collect([1]);
    expect(await status).toMatchObject({ code: 0 });
    expect(values).toEqual(["other: 1"]);
  }
});

function collect(ids: readonly number[]) {
  const stream = openJavaStream(client, "collect");
  const watched = watch(stream);
  send(stream, ids);
  stream.end();
  return watched;
}

test("a message over the limit ends the call with 8, with answers before it or none", async () => {
  for (const first of [[], [1]]) {
    const stream = openJavaStream(client, "review");
    const { values, status } = watch(stream);
    send(stream, first);
    await eventually("answers are there", () => values.length === first.length);
    stream.write(requestMessage(javaOrder(2, "x".repeat(9 * MB))));
    expect(await status).toMatchObject({
      code: 8,
      details: expect.stringMatching(/^trestle: .* limit|maxMessageBytes/) as string,
    });
  }
  expect(await collect([1]).status).toMatchObject({ code: 0 });
});

test("a message that cannot be read, or does not fit, ends the call with 3", async () => {
  for (const bytes of [Buffer.from("0801", "hex"), Buffer.from("ff", "hex"), requestMessage("x")]) {
    const stream = openJavaStream(client, "review");
    const { status } = watch(stream);
    stream.write(bytes);
    expect(await status).toMatchObject({ code: 3, details: expect.stringMatching(/^trestle: /) as string });
  }
});

test("compressed messages are inflated", async () => {
  const packing = connect({ "grpc.default_compression_algorithm": 2 });
  onTestFinished(() => packing.close());
  const stream = openJavaStream(packing, "review");
  const { values, status } = watch(stream);
  stream.end(requestMessage(javaOrder(7, "x".repeat(100_000))));
  expect(await status).toMatchObject({ code: 0 });
  expect(values).toEqual(["7"]);
});

/** A stream of a client that reads when it is told to; `message` is its request. */
function openUnread(path: string, message: Buffer) {
  const session = connectHttp2(`http://${stage.host}:${stage.port}`);
  onTestFinished(() => session.destroy());
  const fields = { ":method": "POST", ":path": path, "content-type": "application/grpc+proto", te: "trailers" };
  const stream = session.request(fields);
  stream.on("error", () => {});
  stream.end(Buffer.concat([encodeEnvelope(message.length), message]));
  return stream;
}

test("a caller that reads nothing holds up its own stream alone, with few bytes held", async () => {
  const slow = openUnread("/com.acme.OrderFeed/orders", requestMessage(-1, "int"));
  let before = -1;
  const waits = () => {
    const is = server.sent() === before && before > 0;
    before = server.sent();
    return is;
  };
  await eventually("the provider sends no more, once all windows are full", waits, 10_000, 300);
  expect(stage.held()["heldBytes"]).toBeLessThan(2 * MB);
  expect(await collect([1, 2]).status).toMatchObject({ code: 0 });
  let read = 0;
  slow.on("data", (bytes: Buffer) => {
    read += bytes.length;
  });
  await eventually("it goes on", () => read > 5 * MB, 20_000);
  slow.close(constants.NGHTTP2_CANCEL);
  await eventually("the provider knows", () => server.seen.get("orders-cancelled") === 1);
});

test("thousands of messages at once are all translated, and another call beside them is served", async () => {
  const stream = openJavaStream(client, "collect");
  const { values, status } = watch(stream);
  for (let n = 0; n < 5_000; n++) stream.write(requestMessage(javaOrder(1)));
  stream.end();
  expect(await collect([1]).status).toMatchObject({ code: 0 });
  expect(await status).toMatchObject({ code: 0 });
  expect(values).toEqual([`node: ${"1,".repeat(4_999)}1`]);
});

test("a Java provider that reads nothing holds up its caller, with few bytes held", async () => {
  let released = false;
  let taken = 0;
  const provider = await startJavaFeed("127.0.0.1", {
    collect: (call) => {
      const take = () => {
        call.on("data", () => taken++);
        call.on("end", () => {
          call.write(answerMessage(`took ${taken}`));
          call.end();
        });
      };
      const wait = () => (released ? take() : setTimeout(wait, 20));
      wait();
    },
  });
  onTestFinished(() => provider.stop());
  await stage.apply([{ key, endpoints: [{ ...at(provider.port), takesWrapper: true }] }], [feedSchema]);
  const method = feedService["Collect"]!;
  const stream = client.makeBidiStreamRequest<object, { value: string }>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
  );
  const values: string[] = [];
  stream.on("data", ({ value }) => values.push(value));
  stream.on("error", () => {});
  let written = 0;
  while (written < 4_000) {
    const order = feedOrder(1, { note: "x".repeat(1_000) });
    written++;
    if (!stream.write(order)) break;
  }
  for (; written < 4_000; written++) stream.write(feedOrder(1, { note: "x".repeat(1_000) }));
  await eventually("bytes wait", () => (stage.held()["heldBytes"] ?? 0) > 0, 5_000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(stage.held()["heldBytes"]).toBeLessThan(2 * MB);
  released = true;
  stream.end();
  await eventually("the provider took all", () => values.length === 1, 20_000);
  expect(values).toEqual(["took 4000"]);
});

test("an answer of a Java provider that does not fit ends the call with 13, behind those that do", async () => {
  const provider = await startJavaFeed("127.0.0.1", {
    orders: (call) => {
      call.on("data", (bytes: Buffer) => {
        call.write(answerMessage(javaOrder(Number(requestText(bytes)))));
        call.write(answerMessage("no order"));
      });
      call.on("error", () => {});
    },
  });
  onTestFinished(() => provider.stop());
  await stage.apply([{ key, endpoints: [{ ...at(provider.port), takesWrapper: true }] }], [feedSchema]);
  const { code, details, values } = await feedCalls(client).orders(7);
  expect([code, details]).toEqual([13, expect.stringContaining("does not fit a message com.acme.Order")]);
  expect(values).toMatchObject([{ id: "7" }]);
});

test("a page gets a Java provider's stream by gRPC-Web, over HTTP/1.1, and its exception as a status", async () => {
  const provider = await startJavaFeed("127.0.0.1", {
    orders: (call) => {
      call.on("data", (bytes: Buffer) => {
        for (let id = 0; id < Number(requestText(bytes)); id++) call.write(answerMessage(javaOrder(id)));
        call.emit("error", { code: 9, details: "no more" });
      });
    },
  });
  onTestFinished(() => provider.stop());
  await stage.apply([{ key, endpoints: [{ ...at(provider.port), takesWrapper: true }] }], [feedSchema]);
  const answer = await fetch(`http://${stage.host}:${stage.port}/com.acme.OrderFeed/Orders`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto" },
    body: Buffer.from("00000000020803", "hex"),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const lengths: number[] = [];
  let at0 = 0;
  for (; (body[at0]! & 0x80) === 0; at0 += 5 + body.readUInt32BE(at0 + 1)) lengths.push(body.readUInt32BE(at0 + 1));
  // Order 0 has nothing that is not so by default; the others their id.
  expect(lengths).toHaveLength(3);
  expect(body.subarray(at0 + 5).toString()).toMatch(/grpc-status: ?9\r\n/);
});
