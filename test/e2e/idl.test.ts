import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ordersClient } from "../support/grpc-orders.ts";
import { type IdlConsumer, startIdlConsumer, startIdlProvider } from "../support/idl.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Dubbo's own stubs of .proto files on both sides, through the proxy: nothing is translated.
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  const endpoints = [{ address: hosts.provider1, port: 50051, protocol: "tri" as const }];
  await stage.apply(["OrderService", "Relay", "OrderFeed"].map((name) => ({ key: `com.acme.${name}`, endpoints })));
  await startIdlProvider("3.3", { host: hosts.provider1, label: "idl" });
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

describe.each(["3.3", "3.2"] as const)("a %s consumer with generated stubs", (line) => {
  let consumer: IdlConsumer;

  beforeAll(async () => {
    consumer = await startIdlConsumer(line, { url: stage.url });
  });

  afterAll(async () => {
    await consumer?.stop();
  });

  test("gets messages, attachments and statuses", async () => {
    const got = await consumer.call("GetOrder", { id: "7" });
    expect(got).toMatchObject({ code: 0, value: { id: "7", note: "note 7", servedBy: "idl" } });
    const { value, trailers } = await consumer.call(
      "Attachments",
      {},
      { metadata: { "x-user": "7", "answer-with": "green" } },
    );
    expect(value).toMatchObject({ entries: { "x-user": "7" } });
    expect(trailers).toMatchObject({ "x-answer": "green" });
    // Dubbo puts the status's name before the text where a provider throws.
    expect(await consumer.call("Fail", { value: "5 no such order" })).toMatchObject({
      code: 5,
      details: expect.stringMatching(/no such order$/) as string,
    });
    expect(await consumer.call("Fail", { value: "runtime" })).toMatchObject({ code: 2, details: "not now" });
    expect(await consumer.call("Sleep", { ms: "2000" }, { deadlineMs: 300 })).toMatchObject({ code: 4 });
  });

  test("streams in every kind", async () => {
    const down = await consumer.stream("OrderFeed", "Orders", [{ value: 3 }]);
    expect(down).toMatchObject({
      ended: "completed",
      answers: [{ id: "0" }, { id: "1" }, { id: "2", servedBy: "idl" }],
    });
    const orders = down.answers;
    expect(await consumer.stream("OrderFeed", "Collect", orders)).toMatchObject({ answers: [{ value: "idl: 0,1,2" }] });
    expect((await consumer.stream("OrderFeed", "Review", orders)).answers).toEqual(orders);
    const refused = await consumer.stream("OrderFeed", "Review", [
      orders[0],
      { ...(orders[1] as object), note: "refuse" },
    ]);
    expect(refused).toMatchObject({ answers: [{ id: "0" }], ended: "failed" });
  });

  test("a stream that the consumer ends is ended at the provider", async () => {
    const key = "feed-cancelled";
    const before = ((await consumer.call("Notes", { value: key })).value as { value: number }).value;
    expect(await consumer.stream("OrderFeed", "Orders", [{ value: -1 }], { cancelAfter: 2 })).toMatchObject({
      ended: "cancelled",
    });
    await expect.poll(async () => (await consumer.call("Notes", { value: key })).value).toEqual({ value: before + 1 });
  });

  test("nothing is held when all calls are over", async () => {
    await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
  });
});

describe("a 3.2 provider with generated stubs", () => {
  beforeAll(async () => {
    await startIdlProvider("3.2", { host: hosts.provider2, label: "idl-3.2" });
    const endpoints = [{ address: hosts.provider2, port: 50051, protocol: "tri" as const }];
    await stage.apply([{ key: "com.acme.OrderService", endpoints }]);
  });

  test("answers a gRPC client", async () => {
    const client = ordersClient(`${stage.host}:${stage.port}`);
    onTestFinished(() => client.close());
    expect(await client.call("GetOrder", { id: "7" })).toMatchObject({ value: { id: "7", servedBy: "idl-3.2" } });
    expect(await client.call("Fail", { value: "5 no such order" })).toMatchObject({ code: 5 });
  });
});
