import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type FeedServer, feedCalls, feedOrder, startFeedServer } from "../support/grpc-feed.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { feedSchema } from "../support/proto-fixtures.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Streams where one side has protobuf messages and the other Triple's wrapper around Java's objects: each message is translated as it comes.
const key = "com.acme.OrderFeed";
const protoAlone = { name: feedSchema.name, protobuf: feedSchema.protobuf! };
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

describe("a 3.3 provider of a Java interface, called by gRPC with a .proto file", () => {
  const endpoint = { address: hosts.provider1, port: 50051, protocol: "tri" as const, takesWrapper: true as const };
  let provider: Peer;
  let client: Client;
  let feed: ReturnType<typeof feedCalls>;

  beforeAll(async () => {
    const options = { host: hosts.provider1, port: 50051, protocol: "tri", label: "java", streams: true } as const;
    provider = await startProvider("3.3", options);
    client = new Client(`${stage.host}:${stage.port}`, credentials.createInsecure());
    feed = feedCalls(client);
  });

  afterAll(async () => {
    client?.close();
    await provider?.stop(3_000);
  });

  describe.each([
    ["the .proto file and Java's types", feedSchema],
    ["the .proto file alone", protoAlone],
  ])("by %s", (_, schema) => {
    test("a stream from the provider", async () => {
      await stage.apply([{ key, endpoints: [endpoint] }], [schema]);
      const { values, code, details } = await feed.orders(5);
      expect([code, details]).toEqual([0, ""]);
      expect(values).toMatchObject([0, 1, 2, 3, 4].map((id) => feedOrder(id, { servedBy: "java" })));
      expect(await feed.orders(0)).toMatchObject({ code: 0, values: [] });
    });
  });

  test("a stream to the provider", async () => {
    await stage.apply([{ key, endpoints: [endpoint] }], [feedSchema]);
    const { values, code, details } = await feed.collect([1, 2, 3].map((id) => feedOrder(id)));
    expect([code, details, values]).toEqual([0, "", ["java: 1,2,3"]]);
  });

  test("streams both ways, and an exception after messages", async () => {
    const orders = [1, 2, 3].map((id) => feedOrder(id));
    const both = await feed.review(orders);
    expect([both.code, both.details]).toEqual([0, ""]);
    expect(both.values).toMatchObject(orders.map((order) => ({ ...order, servedBy: "java" })));
    const refused = await feed.review([...orders, feedOrder(4, { note: "refuse" })]);
    expect(refused).toMatchObject({ code: 2, details: expect.stringContaining("order 4 refused") as string });
    expect(refused.values).toHaveLength(3);
  });
});

describe("a gRPC server in Node, called by a 3.3 consumer of a Java interface", () => {
  let server: FeedServer;
  let consumer: Consumer;

  beforeAll(async () => {
    server = await startFeedServer(hosts.provider2, "node");
    const endpoint = { address: hosts.provider2, port: server.port, protocol: "tri" as const };
    await stage.apply([{ key, endpoints: [endpoint] }], [feedSchema]);
    consumer = await startConsumer("3.3", { url: stage.url });
  });

  afterAll(async () => {
    await consumer?.stop();
    server?.stop();
  });

  test("streams of all kinds", async () => {
    const values = ["0@node", "1@node", "2@node"];
    expect(await consumer.stream({ kind: "orders" })).toEqual({ values, ended: "completed" });
    expect(await consumer.stream({ kind: "collect" })).toEqual({ values: ["node: 0,1,2"], ended: "completed" });
    expect(await consumer.stream({ kind: "review" })).toEqual({ values, ended: "completed" });
  });

  test("an error after messages", async () => {
    const { values, ended } = await consumer.stream({ kind: "review", refuse: true });
    expect(values).toEqual(["0@node", "1@node"]);
    expect(ended).toContain("order 2 refused");
  });

  test("nothing is held", async () => {
    await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
  });
});
