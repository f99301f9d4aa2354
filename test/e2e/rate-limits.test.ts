import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { type Mesh, splitRule, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { type RateLimitServer, startRateLimitServer } from "../support/rate-limit-server.ts";
import { type RateLimitService, startRateLimitService } from "../support/rate-limit-service.ts";

// A MetaRouter's limits before calls of real Dubbo2, gRPC and HTTP peers, through the two workers of `trestle up`.
const run = promisify(execFile);
const service = { group: "g", version: "1.0.0" };
let mesh: Mesh;
let consumer: Consumer;
let grpc: GrpcServer;
let http: HttpProvider;
let limiter: RateLimitServer;
let real: RateLimitService;

const entry = (host: string, port: number, protocol: string): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${host.toLowerCase()}}
spec: {hosts: [${host}], resolution: STATIC, ports: [{number: ${port}, name: p, protocol: ${protocol}}], endpoints: [{address: 127.0.0.1}]}
---
`;
const entries = (): string =>
  entry("com.acme.Relay", grpc.port, "GRPC") +
  entry("shop", http.port, "HTTP") +
  entry("limiter", limiter.port, "GRPC") +
  entry("limits.example", real.port, "GRPC");
const router = (host: string, spec: string): string => `apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: {name: limits-of-${host.toLowerCase()}}
spec: {hosts: [${host}], ${spec}}
---
`;
const bucket = (tokens: number) => `tokenBucket: {maxTokens: ${tokens}, tokensPerFill: ${tokens}, fillInterval: 3600s}`;

/** What Envoy's own service is told to count. */
const LIMITS = `domain: real
descriptors:
- key: what
  value: whoAmI
  descriptors: [{key: level, value: gold, rate_limit: {unit: year, requests_per_unit: 3}}]
- {key: what, value: Say, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: level, value: gold, rate_limit: {unit: year, requests_per_unit: 2}}
`;

beforeAll(async () => {
  requireNamespace();
  grpc = await startGrpcServer("grpc");
  http = await startHttpProvider((request, response) => response.end(`shop ${request.url}`));
  limiter = await startRateLimitServer();
  real = await startRateLimitService(LIMITS);
  mesh = await startMesh();
  await startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "one", warmup: 1 });
  consumer = await startConsumer("2.7", { ...service, registry: mesh.inside, timeout: 3_000, retries: 2 });
  await mesh.rules(entries());
  await eventually("a call", async () => (await outcomes(1, "whoAmI")).passed === 1);
});

afterAll(async () => {
  await stopAll();
  grpc?.kill();
  await http?.close();
  limiter?.close();
});

interface Outcomes {
  passed: number;
  limited: number;
  others: string[];
}

/** What becomes of `count` calls of the consumer, one after the other. */
async function outcomes(
  count: number,
  method: string,
  arg?: unknown,
  attach?: Record<string, string>,
): Promise<Outcomes> {
  const seen: Outcomes = { passed: 0, limited: 0, others: [] };
  for (let i = 0; i < count; i++) {
    try {
      await consumer.call(method, arg, attach);
      seen.passed++;
    } catch (error) {
      const { message } = error as Error;
      if (/RuntimeException.*rate limited/s.test(message)) seen.limited++;
      else seen.others.push(message);
    }
  }
  return seen;
}

async function inForce(name: string): Promise<void> {
  await eventually(`limits of ${name}`, async () => {
    const { routes } = (await mesh.trestle.json("/api/v1/routes")) as { routes: { host: string; policies: string }[] };
    return routes.some(({ host, policies }) => host.startsWith(name) && policies.includes("limit"));
  });
  // Workers take what the parent knows a moment later.
  await new Promise((resolve) => setTimeout(resolve, 300));
}

/** Calls that a metric's labels name, from /metrics. */
async function counted(...labels: readonly string[]): Promise<number> {
  const { body } = await mesh.trestle.get("/metrics");
  return body
    .split("\n")
    .filter((line) => line.startsWith("istio_requests_total{") && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("Dubbo2 calls over a limit are RuntimeExceptions, tried once, and the two workers let through no more than it says", async () => {
  const limits = `localRateLimit: {${bucket(20)}, conditions: [{match: {attributes: {method: {exact: getOrder}, level: {exact: gold}}}, ${bucket(4)}}]}`;
  await mesh.rules(entries() + router("com.acme.OrderService", limits));
  await inForce("com.acme.orderservice");
  const before = await counted('response_flags="RL"');
  const seen = await outcomes(60, "whoAmI");
  expect(seen.others).toEqual([]);
  expect(seen.passed + seen.limited).toBe(60);
  // A consumer draws among the workers; each has half of the bucket.
  expect(seen.passed).toBe(20);
  await eventually(
    "calls counted once each",
    async () => (await counted('response_flags="RL"')) - before === seen.limited,
  );
  expect(await counted('response_flags="RL"', 'response_code="429"', 'grpc_response_status="8"')).toBeGreaterThan(0);
  const gold = await outcomes(20, "getOrder", 1, { level: "gold" });
  expect(gold).toMatchObject({ passed: 4, limited: 16, others: [] });
  // A rule for routes of the same service leaves the limits, and what was taken of them, as they are.
  await mesh.rules(
    entries() +
      router("com.acme.OrderService", limits) +
      splitRule(["whoAmI"], "v1", "v2").replaceAll(/region: v\d/g, "side: provider"),
  );
  await eventually("the split", async () => {
    const { routes } = (await mesh.trestle.json("/api/v1/routes")) as { routes: { policies: string; to: string }[] };
    return routes.some(({ policies, to }) => policies.includes("limit 20") && to.includes("|v1|"));
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await outcomes(10, "whoAmI")).toMatchObject({ passed: 0, limited: 10, others: [] });
  const explained = await mesh.trestle.command(
    "explain",
    "com.acme.OrderService.getOrder",
    "--attachment",
    "level=gold",
  );
  expect(explained.stdout).toContain("limit 4 and 4 more each 3600s");
});

async function shopAddress(): Promise<string> {
  const { services } = (await mesh.trestle.json("/api/v1/services")) as {
    services: { service: string; http: string }[];
  };
  return services.find((one) => one.service === "shop")!.http;
}

test("gRPC calls over a limit are answered 8, HTTP requests 429", async () => {
  await mesh.rules(
    entries() +
      router("com.acme.Relay", `localRateLimit: {${bucket(6)}}`) +
      router(
        "shop",
        `localRateLimit: {${bucket(5)}, conditions: [{match: {attributes: {level: {prefix: g}}}, ${bucket(2)}}]}`,
      ),
  );
  await inForce("shop");
  const client = grpcClient(`${hosts.trestle}:50051`);
  const codes: number[] = [];
  for (let i = 0; i < 8; i++) codes.push((await client.say("hello")).code);
  client.close();
  // One connection, so one worker, which has half of it.
  expect(codes).toEqual([0, 0, 0, 8, 8, 8, 8, 8]);
  const address = await shopAddress();
  const ask = async (...args: string[]): Promise<string> =>
    (await run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", ...args, `http://${address}/x`])).stdout;
  const plain: string[] = [];
  for (let i = 0; i < 7; i++) plain.push(await ask());
  expect(plain).toEqual(["200", "200", "200", "200", "200", "429", "429"]);
  const gold: string[] = [];
  for (let i = 0; i < 3; i++) gold.push(await ask("-H", "level: gold"));
  expect(gold).toEqual(["200", "200", "429"]);
});

test("calls are let through as a rate limit service says; without its word as denyOnFail says", async () => {
  const global = (more: string) =>
    router(
      "com.acme.OrderService",
      `globalRateLimit: {domain: orders, rateLimitService: "outbound|${limiter.port}||limiter", requestTimeout: 2s, ${more}}`,
    );
  const descriptors = "descriptors: [{property: method, descriptorKey: what}, {property: level, descriptorKey: level}]";
  limiter.limit = (text) => (text === "orders what=whoAmI,level=gold" ? 3 : undefined);
  await mesh.rules(entries() + global(descriptors));
  await inForce("com.acme.orderservice");
  expect(await outcomes(5, "whoAmI", undefined, { level: "gold" })).toMatchObject({
    passed: 3,
    limited: 2,
    others: [],
  });
  expect(await outcomes(5, "whoAmI", undefined, { level: "silver" })).toMatchObject({ passed: 5, limited: 0 });
  // One that lacks a property is not asked for.
  expect(await outcomes(5, "whoAmI")).toMatchObject({ passed: 5 });
  expect(Object.fromEntries(limiter.asked)).toEqual({
    "orders what=whoAmI,level=gold": 5,
    "orders what=whoAmI,level=silver": 5,
  });
  limiter.silent = true;
  expect(await outcomes(1, "whoAmI", undefined, { level: "silver" })).toMatchObject({ passed: 1, limited: 0 });
  await mesh.rules(
    entries() +
      global(`denyOnFail: true, match: {attributes: {method: {exact: whoAmI}}}, ${descriptors}`).replace("2s", "50ms"),
  );
  await eventually(
    "calls that are denied",
    async () => (await outcomes(1, "whoAmI", undefined, { level: "silver" })).passed === 0,
  );
  const refused = await outcomes(1, "whoAmI", undefined, { level: "silver" });
  expect(refused.others.join()).toMatch(/RuntimeException.*the rate limit service does not answer/s);
  expect(await outcomes(1, "getOrder", 1, { level: "silver" })).toMatchObject({ passed: 1 });
});

test("Envoy's own rate limit service counts calls of all protocols and of both workers; its headers go back with the answers", async () => {
  const global = (host: string, descriptors: string, more = "") =>
    router(
      host,
      `globalRateLimit: {domain: real, rateLimitService: limits.example, requestTimeout: 2s, ${more}descriptors: [${descriptors}]}`,
    );
  const what = "{property: method, descriptorKey: what}";
  const level = "{property: level, descriptorKey: level}";
  const rules = (more = "") =>
    entries() +
    global("com.acme.OrderService", `${what}, ${level}`, more) +
    global("com.acme.Relay", what) +
    global("shop", level);
  await mesh.rules(rules());
  await inForce("shop");
  // A descriptor that its configuration does not know is let through.
  expect(await outcomes(5, "whoAmI", undefined, { level: "silver" })).toMatchObject({ passed: 5, limited: 0 });
  expect(await outcomes(12, "whoAmI", undefined, { level: "gold" })).toEqual({ passed: 3, limited: 9, others: [] });
  expect(await real.asked("real_what_whoAmI_level_gold")).toBe(12);

  const client = grpcClient(`${hosts.trestle}:50051`);
  const codes: number[] = [];
  for (let i = 0; i < 4; i++) codes.push((await client.say("hello")).code);
  client.close();
  expect(codes).toEqual([0, 0, 8, 8]);

  const url = `http://${await shopAddress()}/x`;
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url, { headers: { level: "gold" } });
    const { headers } = answer;
    seen.push(`${answer.status} ${headers.get("ratelimit-limit")} left ${headers.get("ratelimit-remaining")}`);
  }
  expect(seen).toEqual([
    expect.stringMatching(/^200 2\b.* left 1$/),
    expect.stringMatching(/^200 2\b.* left 0$/),
    expect.stringMatching(/^429 2\b.* left 0$/),
  ]);

  // Without its Redis it answers with errors.
  await real.killRedis();
  expect(await outcomes(2, "whoAmI", undefined, { level: "gold" })).toMatchObject({ passed: 2 });
  await mesh.rules(rules("denyOnFail: true, "));
  const denied = async () => (await outcomes(1, "whoAmI", undefined, { level: "gold" })).others.join();
  await eventually("calls that are denied", async () => /the rate limit service does not answer/.test(await denied()));
});
