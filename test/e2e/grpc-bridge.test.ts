import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { type OrdersClient, ordersClient } from "../support/grpc-orders.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { ordersSchema } from "../support/proto-fixtures.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// A Node application with nothing but a .proto file calls an unmodified Dubbo provider of the old lines; the proxy between them translates.
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

describe.each(["2.7", "2.6"] as const)("a %s provider, called by gRPC", (line) => {
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

  describe.each([
    ["the .proto file and Java's types", typesKnown],
    ["the .proto file alone", protoAlone],
  ])("by %s", (_, schemas) => {
    beforeAll(async () => {
      await stage.apply(services, schemas);
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
  });
});
