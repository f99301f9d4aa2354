import { Client, compressionAlgorithms, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startConsumer, startProvider } from "../support/dubbo.ts";
import { ordersService } from "../support/grpc-orders.ts";
import { startIdlConsumer } from "../support/idl.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { ordersSchema } from "../support/proto-fixtures.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Real callers that compress their messages by gzip, and a 2.7 provider. A relay counts what comes: a million bytes that are all alike in
// a fiftieth of them is proof that they do.
const SIZE = 1_000_000;
const gzip = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
/** Dubbo reads this from the environment alone. */
const compressing = (encoding: string) => ({ DUBBO_RPC_TRI_COMPRESSOR: encoding });
let stage: TripleStage;
let relay: Relay;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  await startProvider("2.7", { host: hosts.provider1, port: 20880, label: "old" });
  const endpoints = [{ address: hosts.provider1, port: 20880 }];
  await stage.apply([{ key: "com.acme.OrderService", endpoints }], [ordersSchema]);
  relay = await startRelay(hosts.relay, 50051, stage.host, stage.port);
});

afterAll(async () => {
  await relay?.stop();
  await stage?.close();
  await stopAll();
});

test("a gRPC client in Node", async () => {
  const client = new Client(`${relay.host}:${relay.port}`, credentials.createInsecure(), gzip);
  onTestFinished(() => client.close());
  const { path, requestSerialize, responseDeserialize } = ordersService["CountBytes"]!;
  const before = relay.bytesFromCallers();
  const counted = await new Promise((resolve, reject) => {
    const request = { value: Buffer.alloc(SIZE) };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, value) =>
      error === null ? resolve(value) : reject(error),
    );
  });
  expect(counted).toEqual({ value: SIZE });
  expect(relay.bytesFromCallers() - before).toBeLessThan(20_000);
});

test.each(["3.3", "3.2"] as const)("a %s consumer with protobuf stubs", async (line) => {
  const consumer = await startIdlConsumer(line, { url: `tri://${relay.host}:${relay.port}` }, compressing("gzip"));
  onTestFinished(() => consumer.stop());
  const before = relay.bytesFromCallers();
  const counted = await consumer.call("CountBytes", { value: Buffer.alloc(SIZE) });
  expect(counted).toMatchObject({ code: 0, value: { value: SIZE } });
  expect(relay.bytesFromCallers() - before).toBeLessThan(20_000);
  const order = await consumer.call("CreateOrder", { id: "7", note: "n".repeat(100) });
  expect(order).toMatchObject({ code: 0, value: { id: "7", servedBy: "old" } });
});

test.each(["3.3", "3.2"] as const)("a %s consumer of the Java interface", async (line) => {
  const url = `tri://${relay.host}:${relay.port}`;
  const consumer = await startConsumer(line, { url }, [], compressing("gzip"));
  onTestFinished(() => consumer.stop());
  const before = relay.bytesFromCallers();
  expect(await consumer.call("echoString", "x".repeat(SIZE))).toBe("x".repeat(SIZE));
  expect(relay.bytesFromCallers() - before).toBeLessThan(20_000);
  expect(await consumer.call("createOrder", 7)).toMatchObject({ id: 7, servedBy: "old" });
  const { error } = await consumer.ask({ op: "call", method: "fail", arg: "checked" });
  expect(error).toContain("com.acme.OrderException: no such order");
});

test("nothing is held when all calls are over", async () => {
  await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
});
