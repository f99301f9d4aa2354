import { afterAll, beforeAll, expect, test } from "vitest";
import { type Envoy, startEnvoy } from "../support/envoy.ts";
import { type GrpcClient, type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// A stock Envoy before the proxy and behind it: gRPC client -> Envoy -> Trestle -> Envoy -> gRPC server.
const key = "com.acme.Relay";
let stage: TripleStage;
let server: GrpcServer;
let before: Envoy;
let behind: Envoy;
let client: GrpcClient;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  server = await startGrpcServer("one");
  [before, behind] = await Promise.all([
    startEnvoy([`${stage.host}:${stage.port}`]),
    startEnvoy([`127.0.0.1:${server.port}`, `127.0.0.1:${server.port}`]),
  ]);
  await stage.apply([{ key, endpoints: [{ port: behind.ports[0]!, protocol: "tri" }] }]);
  client = grpcClient(`127.0.0.1:${before.ports[0]!}`);
});

afterAll(async () => {
  client?.close();
  server?.kill();
  await stage?.close();
  await stopAll();
});

test("all kinds of calls pass, with metadata, trailers and errors", async () => {
  const sent = { "x-color": "blue", "x-bytes-bin": Buffer.from([0, 255, 10]) };
  const { values, code } = await client.say("headers", { metadata: sent });
  expect([code, JSON.parse(values[0]!)]).toMatchObject([0, { "x-color": "blue", "x-bytes-bin": "\x00\u00ff\n" }]);
  expect(await client.say("trailers a b")).toMatchObject({ code: 0, trailers: { "x-tail": "trailers a b" } });
  expect(await client.say("fail 5 no order 7: 100% \u00e9")).toMatchObject({
    code: 5,
    details: "no order 7: 100% \u00e9",
  });
  expect((await client.count(500)).values).toHaveLength(500);
  expect(await client.sum([1, 2, 3])).toMatchObject({ code: 0, values: ["one: 6"] });
  expect(await client.talk(["a", "b"])).toMatchObject({ code: 0, values: ["one: a", "one: b"] });
});

test("bodies of 3 MB go both ways", async () => {
  const down = await client.say("big 3000000");
  expect([down.code, down.values[0]?.length]).toEqual([0, 3_000_000]);
  expect(await client.say(`length ${"y".repeat(3_000_000 - 7)}`)).toMatchObject({ code: 0, values: ["3000000"] });
});

test("deadlines and cancellation reach the server through both", async () => {
  const seen = () => server.seen.get("say-cancelled") ?? 0;
  const start = seen();
  expect(await client.say("sleep 5000", { deadlineMs: 300 })).toMatchObject({ code: 4 });
  await eventually("the server knows of the deadline", () => seen() === start + 1, 3_000);
  expect(await client.say("sleep 5000", { cancelAfter: 0 })).toMatchObject({ code: 1 });
  await eventually("the server knows of the cancellation", () => seen() === start + 2, 3_000);
});

test("200 calls at once are answered, and nothing is held after them", async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => client.say(`n${i}`)));
  expect(answers.map(({ code, values }) => [code, values[0]])).toEqual(answers.map((_, i) => [0, `one: n${i}`]));
  await eventually("nothing is held", () => JSON.stringify(stage.held()) === JSON.stringify(NOTHING_HELD));
});

test("an Envoy behind the proxy drains without a failed call", async () => {
  let running = true;
  const failed: unknown[] = [];
  let calls = 0;
  const callers = Array.from({ length: 8 }, async () => {
    while (running) {
      const answer = await client.say("sleep 5");
      calls++;
      if (answer.code !== 0) failed.push(answer);
    }
  });
  await eventually("calls go on", () => calls > 50);
  // As an operator would: the new address is there before the old Envoy says goodbye.
  const ends = behind.ports.map((port) => ({ port, protocol: "tri" as const }));
  await stage.apply([{ key, endpoints: ends }]);
  await behind.drain();
  const at = calls;
  await eventually("calls go on", () => calls > at + 200);
  running = false;
  await Promise.all(callers);
  expect(failed).toEqual([]);
});
