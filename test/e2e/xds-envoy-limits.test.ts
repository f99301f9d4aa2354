import { createServer, request, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { type RateLimitServer, startRateLimitServer } from "../support/rate-limit-server.ts";
import { type RateLimitService, startRateLimitService } from "../support/rate-limit-service.ts";
import { startXdsEnvoy, startXdsStage, type World, type XdsEnvoy, type XdsStage } from "../support/xds-stage.ts";

// A MetaRouter's limits in a stock Envoy that knows nothing but Trestle's xDS.
let stage: XdsStage;
let envoy: XdsEnvoy;
let grpc: GrpcServer;
let limiter: RateLimitServer;
let real: RateLimitService;
let shop: Server;
let shopPort: number;
const bind = hosts.trestle;

function services(): World["services"] {
  return {
    shop: [`http://127.0.0.1:${shopPort}`],
    "com.acme.Relay": [`tri://127.0.0.1:${grpc.port}`],
    limiter: [`tri://127.0.0.1:${limiter.port}`],
    "limits.example": [`tri://127.0.0.1:${real.port}`],
    "com.acme.OrderService": [`dubbo://${hosts.provider1}:20880`],
  };
}

const router = (host: string, spec: string): string => `apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: {name: limits-of-${host.toLowerCase()}}
spec: {hosts: [${host}], ${spec}}
---
`;
const bucket = (tokens: number) => `tokenBucket: {maxTokens: ${tokens}, tokensPerFill: ${tokens}, fillInterval: 3600s}`;

beforeAll(async () => {
  requireNamespace();
  grpc = await startGrpcServer("grpc");
  limiter = await startRateLimitServer();
  real = await startRateLimitService(
    `domain: real
descriptors:
- {key: level, value: gold, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: level, value: bronze, rate_limit: {unit: year, requests_per_unit: 1000}}
`,
  );
  shop = createServer((_, answer) => answer.end("shop"));
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  shopPort = (shop.address() as { port: number }).port;
  stage = await startXdsStage("127.0.0.1", { services: services() });
  envoy = await startXdsEnvoy({
    nodeId: `sidecar~${bind}~limits~e2e`,
    server: stage,
    mode: "delta",
    settings: { bind },
  });
});

afterAll(async () => {
  shop?.close();
  grpc?.kill();
  limiter?.close();
  await stage?.close();
  await stopAll();
});

async function statuses(count: number, headers: Record<string, string> = {}): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) {
    seen.push(
      await new Promise<number>((resolve, reject) => {
        const options = {
          host: bind,
          port: shopPort,
          path: "/x?q=1",
          agent: false,
          headers: { host: "shop", ...headers },
        };
        const sent = request(options, (answer) => answer.resume().on("end", () => resolve(answer.statusCode ?? 0)));
        sent.on("error", reject).end();
      }),
    );
  }
  return seen;
}

test("local limits hold for HTTP and gRPC, with conditions of their own; of Dubbo2 it is said that they do not", async () => {
  const condition = `conditions: [{match: {attributes: {path-is-not: {exact: x}}}, ${bucket(1)}}, {match: {attributes: {level: {exact: gold}}}, ${bucket(2)}}]`;
  const rules =
    router("shop", `localRateLimit: {${bucket(3)}, ${condition}}`) +
    router(
      "com.acme.Relay",
      `localRateLimit: {conditions: [{match: {attributes: {method: {exact: Say}}}, ${bucket(2)}}]}`,
    ) +
    router("com.acme.OrderService", `localRateLimit: {${bucket(1)}}`);
  await stage.apply({ services: services(), rules });
  expect(await envoy.rejected()).toEqual({});
  await eventually("the limit", async () => (await statuses(4)).includes(429));
  expect(await statuses(3)).toEqual([429, 429, 429]);
  expect(await statuses(3, { level: "gold" })).toEqual([200, 200, 429]);
  const client = grpcClient(`${bind}:${grpc.port}`);
  const codes: number[] = [];
  for (let i = 0; i < 4; i++) codes.push((await client.say("x")).code);
  expect(codes).toEqual([0, 0, 8, 8]);
  expect((await client.sum([1, 2])).code).toBe(0);
  client.close();
  expect(stage.source.findings().map(({ code }) => code)).toContain("TR0713");
});

test("a rate limit service is asked, for the calls that the rule means", async () => {
  limiter.limit = (text) => (text === "shop level=gold" ? 2 : undefined);
  const ask = (more: string) =>
    router(
      "shop",
      `globalRateLimit: {domain: shop, rateLimitService: "outbound|${limiter.port}||limiter", requestTimeout: 1s, ${more}, descriptors: [{property: level, descriptorKey: level}]}`,
    );
  await stage.apply({ services: services(), rules: ask("denyOnFail: true") });
  expect(await envoy.rejected()).toEqual({});
  await eventually("a question", async () => {
    await statuses(1, { level: "silver" });
    return limiter.asked.size > 0;
  });
  expect(await statuses(4, { level: "gold" })).toEqual([200, 200, 429, 429]);
  expect(await statuses(2)).toEqual([200, 200]);
  expect([...limiter.asked.keys()].sort()).toEqual(["shop level=gold", "shop level=silver"]);
  await stage.apply({ services: services(), rules: ask("match: {attributes: {color: {exact: blue}}}") });
  await eventually("no question", async () => {
    const before = limiter.asked.get("shop level=gold");
    return (await statuses(1, { level: "gold" }))[0] === 200 && limiter.asked.get("shop level=gold") === before;
  });
  await eventually("a question about blue calls", async () => {
    return (await statuses(1, { level: "gold", color: "blue" }))[0] === 429;
  });
  expect(await statuses(2, { level: "gold", color: "blue" })).toEqual([429, 429]);
  expect(await envoy.rejected()).toEqual({});
});

test("Envoy asks its own rate limit service as a Trestle proxy does", async () => {
  const rules = router(
    "shop",
    `globalRateLimit: {domain: real, rateLimitService: limits.example, requestTimeout: 2s, denyOnFail: true, descriptors: [{property: level, descriptorKey: level}]}`,
  );
  await stage.apply({ services: services(), rules });
  expect(await envoy.rejected()).toEqual({});
  await eventually("a question", async () => {
    return (await statuses(1, { level: "gold" }))[0] === 200 && (await real.asked("real_level_gold")) > 0;
  });
  await eventually("the limit", async () => (await statuses(1, { level: "gold" }))[0] === 429);
  expect(await statuses(3, { level: "gold" })).toEqual([429, 429, 429]);
  expect(await statuses(2, { level: "silver" })).toEqual([200, 200]);
  expect(await statuses(2, { level: "bronze" })).toEqual([200, 200]);
  await real.killRedis();
  // It is refused as a call over its limit is.
  await eventually("calls that are denied", async () => (await statuses(1, { level: "bronze" }))[0] === 429);
});
