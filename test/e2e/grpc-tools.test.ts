import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORDER_PROTO } from "../../src/cli/demo/order-proto.ts";
import { type SampleProvider, startSampleProvider } from "../../src/cli/demo/provider.ts";
import { parseJson, printJson } from "../../src/codecs/json-text.ts";
import { builtGoTool } from "../support/go-peers.ts";
import { type GrpcServer, startGrpcServer } from "../support/grpc-peer.ts";
import { type Shop, shopFolder, startShop } from "../support/grpc-shop.ts";
import { requireNamespace } from "../support/netns.ts";
import { protobufOf } from "../support/proto-fixtures.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Tools that people test gRPC with, unmodified, against servers of @grpc/grpc-js behind the proxy.

const run = promisify(execFile);
const host = "127.0.0.1";
const relayFolder = join(shopFolder, "../peers/grpc");
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(host);
});

afterAll(() => stage?.close());

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runTool(program: string, args: readonly string[]): Promise<Ran> {
  try {
    return { code: 0, ...(await run(program, args, { timeout: 60_000 })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== "number" || stdout === undefined || stderr === undefined) throw error;
    return { code, stdout, stderr };
  }
}

describe("grpcurl", () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await startShop(host, "protoc");
    await stage.apply([{ key: "acme.Shop", endpoints: [{ port: shop.port, protocol: "tri" }] }]);
  });

  afterAll(() => shop?.stop());

  const grpcurl = (...args: string[]) => runTool(builtGoTool("grpcurl"), ["-plaintext", ...args]);
  const at = () => `${host}:${stage.port}`;
  const called = (method: string, json: string, ...more: string[]) =>
    grpcurl(...more, "-d", json, at(), `acme.Shop/${method}`);
  /** Its answers, one line each. */
  const lines = ({ stdout }: Ran) =>
    stdout
      .split(/^(?=\{)/m)
      .filter((text) => text.trim() !== "")
      .map((text) => printJson(parseJson(text)));

  test("lists and describes services by reflection, which passes through", async () => {
    expect((await grpcurl(at(), "list")).stdout).toBe("acme.Shop\n");
    expect((await grpcurl(at(), "list", "acme.Shop")).stdout.split("\n")).toContain("acme.Shop.PutAll");
    const { stdout } = await grpcurl(at(), "describe", "acme.Shop.Watch");
    expect(stdout).toContain("rpc Watch ( .acme.GetRequest ) returns ( stream .acme.Order );");
    expect((await grpcurl(at(), "describe", "acme.Nothing")).code).not.toBe(0);
  });

  test("makes calls of all four kinds, with the types from reflection", async () => {
    expect(lines(await called("Get", '{"id": "9007199254740993", "note": "hi"}'))).toEqual([
      '{"id":"9007199254740993","note":"hi"}',
    ]);
    expect(lines(await called("Watch", '{"count": 3, "note": "n"}'))).toEqual([
      '{"note":"n"}',
      '{"id":"1","note":"n"}',
      '{"id":"2","note":"n"}',
    ]);
    expect(lines(await called("PutAll", '{"id": 1} {"id": 41}'))).toEqual(['{"count":2,"sumOfIds":"42"}']);
    expect(lines(await called("Talk", '{"id": 1, "note": "a"} {"id": 2, "note": "b"}'))).toEqual([
      '{"id":"1","note":"seen a"}',
      '{"id":"2","note":"seen b"}',
    ]);
  });

  test("sends metadata and shows what came back", async () => {
    const { stdout } = await called("Get", '{"note": "metadata"}', "-v", "-H", "x-color: blue");
    expect(stdout).toContain('\\"x-color\\":\\"blue\\"');
    expect(stdout).toContain("Response headers received:");
    expect(stdout).toContain("Sent 1 request and received 1 response");
  });

  test.each([
    ["an error of the server", "Get", '{"note": "fail 9 not now"}', "FailedPrecondition", "not now"],
    ["an error behind messages", "Watch", '{"count": 2, "note": "fail 5 gone"}', "NotFound", "gone"],
  ])("shows %s as it is", async (_, method, json, code, message) => {
    const { stderr, code: exit } = await called(method, json);
    expect(stderr).toContain(`Code: ${code}\n  Message: ${message}\n`);
    expect(exit).toBeGreaterThan(64);
  });

  test("a deadline ends a call, and nothing of it is left in the proxy", async () => {
    const before = Date.now();
    const { stderr } = await called("Get", '{"note": "sleep 20000"}', "-max-time", "1");
    expect(stderr).toMatch(/DeadlineExceeded|deadline exceeded/);
    expect(Date.now() - before).toBeLessThan(15_000);
    await expect.poll(() => stage.held(), { timeout: 10_000 }).toEqual(NOTHING_HELD);
  });

  test("a service that nobody provides is Unimplemented, with the proxy's text", async () => {
    await stage.apply([]);
    const { stderr } = await called("Get", "{}", "-import-path", shopFolder, "-proto", "shop.proto");
    expect(stderr).toContain("Code: Unimplemented\n  Message: trestle: no service acme.Shop is known here\n");
  });
});

describe("load tools", () => {
  let servers: GrpcServer[];

  beforeAll(async () => {
    servers = await Promise.all([startGrpcServer("one"), startGrpcServer("two")]);
    const endpoints = servers.map(({ port }) => ({ port, protocol: "tri" as const }));
    await stage.apply([{ key: "com.acme.Relay", endpoints }]);
  });

  afterAll(() => {
    for (const server of servers ?? []) server.kill();
  });

  const said = () => servers.map(({ seen }) => seen.get("say") ?? 0);

  test("ghz makes 2,000 calls, 50 at once, without an error, and they are spread over two servers", async () => {
    const before = said();
    const { stdout, stderr, code } = await runTool(builtGoTool("ghz"), [
      ...["--insecure", "--proto", join(relayFolder, "relay.proto"), "--call", "com.acme.Relay.Say"],
      ...["-d", '"hello"', "-n", "2000", "-c", "50", "--connections", "5", "-O", "json", `${host}:${stage.port}`],
    ]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const report = JSON.parse(stdout) as { count: number; statusCodeDistribution: unknown; errorDistribution: unknown };
    expect(report).toMatchObject({ count: 2_000, statusCodeDistribution: { OK: 2_000 }, errorDistribution: {} });
    const [one = 0, two = 0] = said().map((count, i) => count - before[i]!);
    expect(one + two).toBe(2_000);
    expect(Math.abs(one - two)).toBeLessThanOrEqual(100);
  });

  test("h2load makes 10,240 calls on 16 connections of 64 streams each, and all succeed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "h2load-"));
    const body = join(folder, "body");
    // One message: StringValue "hello".
    await writeFile(body, Buffer.from("00000000070a0568656c6c6f", "hex"));
    const before = said();
    const { stdout } = await runTool("h2load", [
      ...[
        "-n",
        "10240",
        "-c",
        "16",
        "-m",
        "64",
        "-d",
        body,
        "-H",
        "content-type: application/grpc",
        "-H",
        "te: trailers",
      ],
      `http://${host}:${stage.port}/com.acme.Relay/Say`,
    ]);
    await rm(folder, { recursive: true });
    expect(stdout).toContain(
      "requests: 10240 total, 10240 started, 10240 done, 10240 succeeded, 0 failed, 0 errored, 0 timeout",
    );
    expect(stdout).toContain("status codes: 10240 2xx, 0 3xx, 0 4xx, 0 5xx");
    expect(said().reduce((sum, count, i) => sum + count - before[i]!, 0)).toBe(10_240);
    await expect.poll(() => stage.held(), { timeout: 10_000 }).toEqual(NOTHING_HELD);
  });
});

describe("in front of Dubbo2 providers, by a .proto file alone", () => {
  let folder: string;
  let providers: SampleProvider[];
  const proto = () => ["-import-path", folder, "-proto", "orders.proto"];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "orders-"));
    await writeFile(join(folder, "orders.proto"), ORDER_PROTO);
    const start = (label: string) =>
      startSampleProvider({ host, port: 0, label, register: async () => async () => {} });
    providers = await Promise.all([start("v1"), start("v2")]);
    const endpoints = providers.map(({ url }) => ({ port: url.port, protocol: "dubbo" as const }));
    const name = "com.acme.OrderService";
    await stage.apply([{ key: name, endpoints }], [{ name, protobuf: protobufOf(ORDER_PROTO) }]);
  });

  afterAll(async () => {
    await Promise.all((providers ?? []).map((provider) => provider.close()));
    await rm(folder, { recursive: true });
  });

  const call = (method: string, json: string) =>
    runTool(builtGoTool("grpcurl"), [
      ...["-plaintext", ...proto(), "-d", json, `${host}:${stage.port}`, `com.acme.OrderService/${method}`],
    ]);

  test("grpcurl gets orders, and exceptions as errors", async () => {
    const { stdout } = await call("GetOrder", '{"id": "9007199254740993"}');
    expect(JSON.parse(stdout)).toMatchObject({
      id: "9007199254740993",
      item: "teapot",
      quantity: 1,
      status: "SHIPPED",
    });
    expect(JSON.parse((await call("SayHello", '{"name": "bob"}')).stdout).text).toMatch(/^hello bob from v[12]$/);
    const { stderr } = await call("GetOrder", '{"id": -1}');
    expect(stderr).toContain("Code: Unknown\n  Message: java.lang.IllegalArgumentException: no order -1\n");
  });

  test("ghz makes 2,000 calls, 50 at once, without an error, and they are spread over both", async () => {
    const counts = () => providers.map(({ calls }) => calls.get("createOrder") ?? 0);
    const before = counts();
    const { stdout, stderr, code } = await runTool(builtGoTool("ghz"), [
      ...["--insecure", "--proto", join(folder, "orders.proto"), "--call", "com.acme.OrderService.CreateOrder"],
      ...["-d", '{"item": "pot", "quantity": 2}', "-n", "2000", "-c", "50", "--connections", "5", "-O", "json"],
      `${host}:${stage.port}`,
    ]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      count: 2_000,
      statusCodeDistribution: { OK: 2_000 },
      errorDistribution: {},
    });
    const [one = 0, two = 0] = counts().map((count, i) => count - before[i]!);
    expect(one + two).toBe(2_000);
    expect(Math.abs(one - two)).toBeLessThanOrEqual(100);
    await expect.poll(() => stage.held(), { timeout: 10_000 }).toEqual(NOTHING_HELD);
  });

  test.each([
    ["HTTP/2, 64 streams each", ["-m", "64"]],
    ["HTTP/1.1", ["--h1"]],
  ])("h2load makes 4,096 JSON calls on 16 connections of %s, and all succeed", async (_, flags) => {
    const body = join(folder, "body");
    await writeFile(body, "[42]");
    const { stdout } = await runTool("h2load", [
      ...["-n", "4096", "-c", "16", ...flags, "-d", body, "-H", "content-type: application/json"],
      `http://${host}:${stage.port}/com.acme.OrderService/getOrder`,
    ]);
    expect(stdout).toContain(
      "requests: 4096 total, 4096 started, 4096 done, 4096 succeeded, 0 failed, 0 errored, 0 timeout",
    );
    expect(stdout).toContain("status codes: 4096 2xx, 0 3xx, 0 4xx, 0 5xx");
  });
});
