import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { type OrdersClient, ordersClient, startOrdersServer } from "../support/grpc-orders.ts";
import { hosts } from "../support/netns.ts";
import { ordersSchema } from "../support/proto-fixtures.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Both sides speak HTTP/2 with gRPC's framing; one has protobuf messages, the other Triple's wrapper. The proxy between them translates.
// What every cell of the bridge matrix has is there.
const key = "com.acme.OrderService";
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

describe("a 3.3 provider of a Java interface, in Triple alone, called by gRPC with a .proto file", () => {
  const endpoint = {
    address: hosts.provider1,
    port: 50051,
    protocol: "tri" as const,
    takesWrapper: true as const,
  };
  let client: OrdersClient;

  beforeAll(async () => {
    await startProvider("3.3", { host: hosts.provider1, port: 50051, protocol: "tri", label: "java" });
    await stage.apply([{ key, endpoints: [endpoint] }], [ordersSchema]);
    client = ordersClient(`${stage.host}:${stage.port}`);
  });

  afterAll(() => client?.close());

  test("a stream that the interface does not have is refused", async () => {
    const details = "trestle: the Java interface of com.acme.OrderService has no method watch";
    expect(await client.call("Watch", { value: 1 })).toMatchObject({ code: 12, details });
  });
});

describe("a gRPC server in Node, called in Triple's wrapper and in JSON", () => {
  let server: { port: number; stop(): void };

  beforeAll(async () => {
    server = await startOrdersServer(hosts.provider2, "node");
    const endpoint = { address: hosts.provider2, port: server.port, protocol: "tri" as const };
    await stage.apply([{ key, endpoints: [endpoint] }], [ordersSchema]);
  });

  afterAll(() => server?.stop());

  describe.each(["3.2"] as const)("by a %s consumer", (line) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer(line, { url: stage.url });
    });

    afterAll(() => consumer?.stop());

    test("orders are objects of Java's own classes", async () => {
      expect(await consumer.call("createOrder", 7)).toMatchObject({ id: 7, servedBy: "node" });
      expect(await consumer.call("getOrder", 9)).toMatchObject({ id: 9, servedBy: "node" });
    });

    test("generic calls get maps, objects or descriptors, as they ask", async () => {
      const generic = { op: "generic", method: "getOrder", types: ["long"], args: [5] };
      expect((await consumer.ask(generic))["value"]).toMatchObject({ id: 5, status: "PAID" });
      const raw = await consumer.ask({ op: "style", style: "raw.return", arg: 5 });
      expect([raw["error"], raw["value"]]).toMatchObject([undefined, { id: 5, servedBy: "node" }]);
      const { value, error } = await consumer.ask({ op: "style", style: "bean", arg: 7 });
      expect([error, value]).toMatchObject([undefined, { id: 7, note: "note 7", servedBy: "node" }]);
    });

    test("a status of the server is its error", async () => {
      await expect(consumer.call("fail", "9 not in this state")).rejects.toThrow("not in this state");
    });
  });

  test("by JSON", async () => {
    const response = await fetch(`http://${stage.host}:${stage.port}/${key}/getOrder`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "[42]",
    });
    expect([response.status, await response.json()]).toMatchObject([200, { id: 42, servedBy: "node" }]);
  });

  test("a gRPC caller's messages pass as they are", async () => {
    const client = ordersClient(`${stage.host}:${stage.port}`);
    expect(await client.call("GetOrder", { id: "5" })).toMatchObject({ code: 0, value: { id: "5", servedBy: "node" } });
    client.close();
  });
});
