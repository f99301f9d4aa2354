import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type OrdersClient, ordersClient, startOrdersServer } from "../support/grpc-orders.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { ordersSchema } from "../support/proto-fixtures.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// A Node application with nothing but a .proto file calls an unmodified Dubbo provider of the old lines; the proxy between them
// translates. Calls whose Java types are known are in the bridge matrix, and so are 2.7 consumers of a gRPC server.
let stage: TripleStage;
let client: OrdersClient;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  client = ordersClient(`${stage.host}:${stage.port}`);
});

afterAll(async () => {
  client?.close();
  await stage?.close();
  await stopAll();
});

const typesKnown = [ordersSchema];
const protoAlone = [{ name: ordersSchema.name, protobuf: ordersSchema.protobuf! }];

describe.each(["2.7"] as const)("a %s provider, called by gRPC", (line) => {
  const label = `dubbo-${line}`;
  let provider: Peer;
  const services = [
    {
      key: "com.acme.OrderService",
      endpoints: [{ address: hosts.provider1, port: 20880, protocol: "dubbo" as const }],
    },
  ];

  beforeAll(async () => {
    provider = await startProvider(line, { host: hosts.provider1, port: 20880, label, params: { threads: "300" } });
  });

  afterAll(async () => {
    await provider?.stop(3_000);
  });

  describe("by the .proto file alone", () => {
    beforeAll(async () => {
      await stage.apply(services, protoAlone);
    });

    const order = {
      id: "9007199254740993",
      customer: { name: "Zoë 🚀", age: 41, vip: true, tags: { a: "1", b: "" } },
      status: "ORDER_STATUS_SHIPPED",
      total: "12345678901234567890.99",
      created: { seconds: "1795289400", nanos: 123_000_000 },
      signature: Buffer.from([0, 255, 128]),
      lines: [
        { sku: "x", quantity: 2, price: "0.10" },
        { sku: "y", quantity: 1, price: "7" },
      ],
      note: "n",
    };

    test("an order goes there and back", async () => {
      const { code, details, value } = await client.call("CreateOrder", order);
      expect([code, details]).toEqual([0, ""]);
      expect(value).toMatchObject({ ...order, servedBy: label });
    });

    test.each<[string, string, unknown, unknown?]>([
      ["boolean", "EchoBoolean", { value: true }],
      ["byte", "EchoByte", { value: -128 }],
      ["short", "EchoShort", { value: 32767 }],
      ["int", "EchoInt", { value: -2147483648 }],
      ["zero", "EchoInt", { value: 0 }],
      ["long", "EchoLong", { value: "-9223372036854775808" }],
      ["float", "EchoFloat", { value: 1.5 }],
      ["double", "EchoDouble", { value: 1e300 }],
      ["char", "EchoChar", { value: "é" }],
      ["Long", "EchoBoxedLong", { value: "5" }],
      ["text", "EchoString", { value: "h\u00e9 🚀" }],
      ["bytes", "EchoBytes", { value: Buffer.from([0, 1, 255]) }],
      ["int[]", "EchoInts", { values: [1, -2, 3] }],
      ["String[]", "EchoStrings", { keys: ["a", ""] }],
      ["BigDecimal", "EchoDecimal", { value: "1234567890.12345678901234567890" }],
      ["Date", "EchoDate", { value: { seconds: "-1", nanos: 999_000_000 } }],
      ["an enum", "EchoStatus", { value: "ORDER_STATUS_CANCELLED" }],
      ["Set", "EchoSet", { keys: ["a"] }],
      ["Map", "EchoMap", { entries: { a: "b" } }],
      ["Map of longs", "EchoLongKeys", { entries: { "-7": "b" } }],
    ])("%s", async (_name, method, request) => {
      const { code, details, value } = await client.call(method, request);
      expect([code, details]).toEqual([0, ""]);
      expect(value).toMatchObject(request as object);
    });

    test("no argument, a scalar's message, a list, a map, an overload, a later answer", async () => {
      expect(await client.call("WhoAmI", {})).toMatchObject({ code: 0, value: { label } });
      expect(await client.call("SayHi", { value: "Zoë" })).toMatchObject({ code: 0, value: { value: "hi Zoë" } });
      const { value } = await client.call("ListOrders", { count: 3 });
      expect((value as { orders: unknown[] }).orders).toMatchObject([
        { id: "0" },
        { id: "1" },
        { id: "2", servedBy: label },
      ]);
      expect(await client.call("OrdersByKey", { keys: ["a", "b"] })).toMatchObject({
        code: 0,
        value: { orders: { a: { id: "0" }, b: { id: "1" } } },
      });
      const later = await client.call("LaterOrder", { id: "5" });
      expect(later).toMatchObject({ code: 0, value: { id: "5" } });
      expect(await client.call("CancelOrder", { id: "5" })).toMatchObject({ code: 0, value: {} });
      expect(await client.call("Notes", { value: "cancelled-5" })).toMatchObject({ code: 0, value: {} });
    });

    test("metadata and attachments go both ways", async () => {
      const { value, trailers } = await client.call(
        "Attachments",
        {},
        { metadata: { "x-user": "7", "answer-with": "green" } },
      );
      expect(value).toMatchObject({ entries: { "x-user": "7" } });
      expect(trailers).toMatchObject({ "x-answer": "green" });
    });

    test.each([
      ["checked", "com.acme.OrderException: no such order"],
      ["runtime", "java.lang.IllegalStateException: not now"],
      ["rejected", "com.acme.OrderRejected: rejected by rule 7"],
    ])("the provider's exception (%s) is status 2 with its class and message", async (kind, details) => {
      expect(await client.call("Fail", { value: kind })).toMatchObject({ code: 2, details });
    });

    test("a method that the provider does not have is status 12", async () => {
      expect(await client.call("Missing", { value: 1 })).toMatchObject({
        code: 12,
        details: expect.stringMatching(
          /^[\w.]+RpcException: No such method missing in class interface [\w.]+$/,
        ) as string,
      });
    });

    test("a stream is refused", async () => {
      expect(await client.call("Watch", { value: 1 })).toMatchObject({
        code: 12,
        details: "trestle: Watch is a stream, which is not translated",
      });
    });
  });

  test("what Java's types cannot hold is refused before the provider sees it", async () => {
    await stage.apply(services, typesKnown);
    expect(await client.call("EchoByte", { value: 300 })).toMatchObject({
      code: 3,
      details: "trestle: field value: int32 300 does not fit byte",
    });
  });

  test("without a .proto file the refusal says where types may come from", async () => {
    await stage.apply(services, []);
    const { code, details } = await client.call("GetOrder", { id: "1" });
    expect([code, details]).toEqual([12, expect.stringContaining("com.acme.OrderService are not known here")]);
  });
});

describe("a gRPC server in Node", () => {
  let server: { port: number; stop(): void };

  beforeAll(async () => {
    server = await startOrdersServer(hosts.provider2, "node");
    const endpoint = { address: hosts.provider2, port: server.port, protocol: "tri" as const };
    await stage.apply([{ key: "com.acme.OrderService", endpoints: [endpoint] }], typesKnown);
  });

  afterAll(() => {
    server?.stop();
  });

  describe.each(["2.6"] as const)("called by a %s consumer", (line) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer(line, { url: stage.dubboUrl });
    });

    afterAll(async () => {
      await consumer?.stop();
    });

    test("an order goes there and back, of Java's own classes", async () => {
      expect(await consumer.call("createOrder", 7)).toMatchObject({ id: 7, servedBy: "node" });
      expect(await consumer.call("getOrder", 9)).toMatchObject({ id: 9, servedBy: "node" });
    });

    test("scalars, no argument and nothing", async () => {
      expect(await consumer.call("sayHi", "Zoë")).toBe("hi Zoë");
      expect(await consumer.call("whoAmI")).toMatchObject({ line: "grpc", label: "node" });
      expect(await consumer.call("cancelOrder", 1)).toBeNull();
      expect(await consumer.call("echoString", "é 🚀")).toBe("é 🚀");
    });

    test("a generic call gets maps", async () => {
      const generic = { op: "generic", method: "getOrder", types: ["long"], args: [5] };
      expect((await consumer.ask(generic))["value"]).toMatchObject({ id: 5, status: "PAID" });
      const list = { op: "generic", method: "listOrders", types: ["int"], args: [2] };
      expect((await consumer.ask(list))["value"]).toMatchObject([{ id: 0 }, { id: 1 }]);
    });

    test("a generic call in the form bean sends descriptors and gets them", async () => {
      const { value, error } = await consumer.ask({ op: "style", style: "bean", arg: 7 });
      expect([error, value]).toMatchObject([undefined, { id: 7, note: "note 7", servedBy: "node" }]);
      const bean = { op: "generic", style: "bean" };
      const hi = await consumer.ask({ ...bean, method: "sayHi", types: ["java.lang.String"], args: ["Zoë"] });
      expect(hi["value"]).toBe("hi Zoë");
      const failed = await consumer.ask({ ...bean, method: "fail", types: ["java.lang.String"], args: ["5 no order"] });
      expect(failed["error"]).toMatch(/no order/);
    });

    test("an error is a status of Dubbo2 or an exception with its text", async () => {
      await expect(consumer.call("fail", "5 no such order")).rejects.toThrow(/no such order/);
      await expect(consumer.call("fail", "3 bad id")).rejects.toThrow(/bad id/);
    });

    test("200 calls at once are served", async () => {
      expect(await consumer.burst(200, 100)).toMatchObject({ errors: [], ok: 200, labels: { node: 200 } });
    });

    test("a server at a Unix socket is called, by Dubbo2 and by gRPC", async () => {
      const folder = await mkdtemp(join(tmpdir(), "trestle-unix-"));
      const address = `unix://${join(folder, "orders.sock")}`;
      const local = await startOrdersServer(address, "local");
      const endpoint = { address, port: 50_051, protocol: "tri" as const };
      await stage.apply([{ key: "com.acme.OrderService", endpoints: [endpoint] }], typesKnown);
      expect(await consumer.call("whoAmI")).toMatchObject({ label: "local" });
      expect(await client.call("WhoAmI", {})).toMatchObject({ code: 0, value: { label: "local" } });
      local.stop();
      await rm(folder, { recursive: true });
    });
  });
});
