import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { type FeedServer, feedCalls, feedOrder, startFeedServer } from "../support/grpc-feed.ts";
import { type OrdersClient, ordersClient } from "../support/grpc-orders.ts";
import { startIdlConsumer, startIdlProvider } from "../support/idl.ts";
import { hosts } from "../support/netns.ts";
import type { Peer } from "../support/process.ts";
import { feedReported, ordersSchema } from "../support/proto-fixtures.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Streams where one side has protobuf messages and the other Triple's wrapper around Java's objects: each message is translated as it comes.
const key = "com.acme.OrderFeed";
const protoAlone = { name: feedReported.name, protobuf: feedReported.protobuf! };
const lines = ["3.3", "3.2"] as const;
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

describe.each(lines)("a %s provider of a Java interface, called by gRPC with a .proto file", (line) => {
  const endpoint = { address: hosts.provider1, port: 50051, protocol: "tri" as const, takesWrapper: true as const };
  const services = [key, ordersSchema.name].map((one) => ({ key: one, endpoints: [endpoint] }));
  let provider: Peer;
  let client: Client;
  let orders: OrdersClient;
  let feed: ReturnType<typeof feedCalls>;

  beforeAll(async () => {
    const options = { host: hosts.provider1, port: 50051, protocol: "tri", label: "java", streams: true } as const;
    provider = await startProvider(line, options);
    client = new Client(`${stage.host}:${stage.port}`, credentials.createInsecure());
    orders = ordersClient(`${stage.host}:${stage.port}`);
    feed = feedCalls(client);
    await stage.apply(services, [feedReported, ordersSchema]);
  });

  afterAll(async () => {
    client?.close();
    orders?.close();
    await provider?.stop(3_000);
  });

  test("a stream from the provider", async () => {
    const { values, code, details } = await feed.orders(5);
    expect([code, details]).toEqual([0, ""]);
    expect(values).toMatchObject([0, 1, 2, 3, 4].map((id) => feedOrder(id, { servedBy: "java" })));
    expect(await feed.orders(0)).toMatchObject({ code: 0, values: [] });
  });

  test("a stream to the provider", async () => {
    const { values, code, details } = await feed.collect([1, 2, 3].map((id) => feedOrder(id)));
    expect([code, details, values]).toEqual([0, "", ["java: 1,2,3"]]);
  });

  test("streams both ways, and an exception after messages", async () => {
    const given = [1, 2, 3].map((id) => feedOrder(id));
    const both = await feed.review(given);
    expect([both.code, both.details]).toEqual([0, ""]);
    expect(both.values).toMatchObject(given.map((order) => ({ ...order, servedBy: "java" })));
    const refused = await feed.review([...given, feedOrder(4, { note: "refuse" })]);
    expect([refused.code, refused.details]).toEqual([2, "order 4 refused"]);
    expect(refused.values).toHaveLength(3);
  });

  test("a stream that the caller ends is ended at the provider", async () => {
    const endless = await feed.orders(-1, { cancelAfter: 3 });
    expect([endless.code, endless.values.length]).toEqual([1, 3]);
    const notes = async () => (await orders.call("Notes", { value: "feed-cancelled" })).value;
    await expect.poll(notes, { timeout: 5_000 }).toMatchObject({ value: 1 });
  });

  test("a consumer with Dubbo's own stubs of the .proto file", async () => {
    const consumer = await startIdlConsumer("3.3", { url: stage.url });
    const given = [1, 2].map((id) => ({ id: String(id), note: `n${id}` }));
    expect(await consumer.stream("OrderFeed", "Review", given)).toMatchObject({
      ended: "completed",
      answers: given.map((order) => ({ ...order, servedBy: "java" })),
    });
    expect(await consumer.stream("OrderFeed", "Orders", [{ value: 2 }])).toMatchObject({
      ended: "completed",
      answers: [{ id: "0" }, { id: "1" }],
    });
    expect(await consumer.stream("OrderFeed", "Collect", given)).toMatchObject({ answers: [{ value: "java: 1?,2?" }] });
    await consumer.stop();
  });

  test("by the .proto file alone", async () => {
    await stage.apply(services, [protoAlone, ordersSchema]);
    const { values, code } = await feed.orders(2);
    expect([code, values]).toMatchObject([0, [0, 1].map((id) => feedOrder(id, { servedBy: "java" }))]);
  });
});

describe("servers with a .proto file, called by consumers of a Java interface", () => {
  let node: FeedServer;
  const serve = (address: string, port: number) =>
    stage.apply([{ key, endpoints: [{ address, port, protocol: "tri" }] }], [feedReported, ordersSchema]);

  beforeAll(async () => {
    node = await startFeedServer(hosts.provider2, "node");
    await startIdlProvider("3.3", { host: hosts.provider1, label: "idl" });
  });

  afterAll(() => node?.stop());

  describe.each(lines)("of %s", (line) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer(line, { url: stage.url });
    });

    afterAll(async () => {
      await consumer?.stop();
    });

    test.each(["node", "idl"])("streams of all kinds, and an error after messages: %s", async (label) => {
      await (label === "node" ? serve(hosts.provider2, node.port) : serve(hosts.provider1, 50051));
      const values = [0, 1, 2].map((id) => `${id}@${label}`);
      expect(await consumer.stream({ kind: "orders" })).toEqual({ values, ended: "completed" });
      expect(await consumer.stream({ kind: "collect" })).toEqual({ values: [`${label}: 0,1,2`], ended: "completed" });
      expect(await consumer.stream({ kind: "review" })).toEqual({ values, ended: "completed" });
      expect(await consumer.stream({ kind: "review", refuse: true })).toEqual({
        values: values.slice(0, 2),
        ended: expect.stringContaining("order 2 refused") as string,
      });
    });

    test("a stream that the consumer ends is ended at the server", async () => {
      await serve(hosts.provider2, node.port);
      const before = node.seen.get("orders-cancelled") ?? 0;
      expect(await consumer.stream({ kind: "orders", count: -1, cancelAfter: 3 })).toMatchObject({
        ended: "cancelled",
      });
      await expect.poll(() => node.seen.get("orders-cancelled"), { timeout: 5_000 }).toBe(before + 1);
    });

    test("nothing is held when all is over", async () => {
      await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
    });
  });
});
