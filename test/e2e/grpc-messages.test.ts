import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type OrdersClient, ordersClient, startOrdersServer } from "../support/grpc-orders.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { ordersSchema } from "../support/proto-fixtures.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Both sides speak HTTP/2 with gRPC's framing; one has protobuf messages, the other Triple's wrapper. The proxy between them translates.
const key = "com.acme.OrderService";
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
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

  test("an order goes there and back", async () => {
    const order = {
      id: "9007199254740993",
      customer: { name: "Zoë 🚀", age: 41, vip: true, tags: { a: "1" } },
      status: "ORDER_STATUS_SHIPPED",
      total: "12345678901234567890.99",
      created: { seconds: "1795289400", nanos: 123_000_000 },
      signature: Buffer.from([0, 255, 128]),
      lines: [{ sku: "x", quantity: 2, price: "0.10" }],
      note: "n",
    };
    const { code, details, value } = await client.call("CreateOrder", order);
    expect([code, details]).toEqual([0, ""]);
    expect(value).toMatchObject({ ...order, servedBy: "java" });
  });

  test.each<[string, string, unknown]>([
    ["long", "EchoLong", { value: "-9223372036854775808" }],
    ["double", "EchoDouble", { value: 1e300 }],
    ["text", "EchoString", { value: "h\u00e9 🚀" }],
    ["bytes", "EchoBytes", { value: Buffer.from([0, 1, 255]) }],
    ["Date", "EchoDate", { value: { seconds: "-1", nanos: 999_000_000 } }],
    ["an enum", "EchoStatus", { value: "ORDER_STATUS_CANCELLED" }],
  ])("%s", async (_name, method, request) => {
    const { code, details, value } = await client.call(method, request);
    expect([code, details]).toEqual([0, ""]);
    expect(value).toMatchObject(request as object);
  });

  test("an exception is status 2 with its class and message", async () => {
    expect(await client.call("Fail", { value: "checked" })).toMatchObject({
      code: 2,
      details: "com.acme.OrderException: no such order",
    });
  });

  test("a deadline ends the call", async () => {
    expect(await client.call("Sleep", { ms: "3000" }, { deadlineMs: 400 })).toMatchObject({ code: 4 });
  });

  test("a stream that the interface does not have is refused", async () => {
    const details = "trestle: the Java interface of com.acme.OrderService has no method watch";
    expect(await client.call("Watch", { value: 1 })).toMatchObject({ code: 12, details });
  });

  test("100 calls at once are served, and nothing is held after them", async () => {
    const calls = Array.from({ length: 100 }, (_, i) => client.call("GetOrder", { id: String(i) }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ code, value }) => [code, (value as { id: string }).id])).toEqual(
      answers.map((_, i) => [0, String(i)]),
    );
    expect(stage.held()).toMatchObject({ callsInFlight: 0, heldBytes: 0 });
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

  describe.each(["3.3", "3.2"] as const)("by a %s consumer", (line) => {
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
