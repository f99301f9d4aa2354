import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GatewayStage, startGatewayStage } from "../support/gateway-stage.ts";
import { type Shop, shopFolder, startShop } from "../support/grpc-shop.ts";

// An unmodified gRPC-Web client (connect-node) to a gRPC server (grpc-js), by a Gateway and by a port for Triple.
const descriptors = fromBinary(FileDescriptorSetSchema, readFileSync(`${shopFolder}/shop.pb`));
const service = createFileRegistry(descriptors).getService("acme.Shop")!;
const origin = "https://shop.example";
let stage: GatewayStage;
let shop: Shop;

interface Order {
  readonly id: bigint;
  readonly note: string;
}
type Asked = { readonly id: bigint; readonly note: string; readonly count?: number };
interface ShopClient {
  get(request: Asked, options?: object): Promise<Order>;
  watch(request: Asked, options?: object): AsyncIterable<Order>;
}

beforeAll(async () => {
  stage = await startGatewayStage("127.0.0.1");
  shop = await startShop("127.0.0.1", false);
  const rule = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec:\n  hosts: ["*"]\n  gateways: [edge]\n  http: [{match: [{uri: {prefix: /acme.Shop/}}], corsPolicy: {allowOrigins: [{exact: "${origin}"}], allowHeaders: [content-type, x-grpc-web]}, route: [{destination: {host: acme.Shop}}]}]\n`;
  await stage.apply({ "acme.Shop": [`tri://127.0.0.1:${shop.port}`] }, [rule]);
});

afterAll(async () => {
  await stage?.close();
  shop?.stop();
});

const at = (port: number) => `http://127.0.0.1:${port}`;

describe.each([
  ["a gateway", "1.1"],
  ["a gateway", "2"],
  ["a port for Triple", "1.1"],
  ["a port for Triple", "2"],
] as const)("by %s over HTTP/%s", (by, httpVersion) => {
  let client: ShopClient;

  beforeAll(() => {
    const port = by === "a gateway" ? stage.port : stage.triPort;
    const transport = createGrpcWebTransport({ baseUrl: at(port), httpVersion });
    client = createClient(service, transport) as unknown as ShopClient;
  });

  test("a unary call is answered, a large one too", async () => {
    expect(await client.get({ id: 9007199254740993n, note: "a" })).toMatchObject({ id: 9007199254740993n, note: "a" });
    expect((await client.get({ id: 1n, note: "big 3000000" })).note).toHaveLength(3_000_000);
  });

  test("a stream comes piece by piece", async () => {
    const ids: bigint[] = [];
    for await (const { id } of client.watch({ id: 1n, note: "", count: 5 })) ids.push(id);
    expect(ids).toHaveLength(5);
  });

  test("a status of the server's is the caller's", async () => {
    const failure = await client.get({ id: 1n, note: "fail 9 not now" }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectError);
    expect(failure).toMatchObject({ code: Code.FailedPrecondition, rawMessage: "not now" });
  });

  test("a deadline is kept", async () => {
    const late = await client.get({ id: 1n, note: "sleep 5000" }, { timeoutMs: 200 }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("fifty calls at once are answered each with its own", async () => {
    const ids = Array.from({ length: 50 }, (_, i) => BigInt(i));
    const answers = await Promise.all(ids.map((id) => client.get({ id, note: "x" })));
    expect(answers.map(({ id }) => id)).toEqual(ids);
  });
});

/** What a browser's client that reads text alone would send and get: base64 of the call's bytes, cut where it does not belong. */
async function postText(path: string, body: string, more: Readonly<Record<string, string>> = {}): Promise<Response> {
  const headers = { "content-type": "application/grpc-web-text+proto", "x-grpc-web": "1", origin, ...more };
  return fetch(`${at(stage.port)}${path}`, { method: "POST", headers, body });
}

function framesOf(text: string): readonly { readonly flags: number; readonly bytes: Buffer }[] {
  const groups = text.match(/(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})/g) ?? [];
  const content = Buffer.concat(groups.map((group) => Buffer.from(group, "base64")));
  const frames: { flags: number; bytes: Buffer }[] = [];
  for (let i = 0; i < content.length; ) {
    const length = content.readUInt32BE(i + 1);
    frames.push({ flags: content[i]!, bytes: content.subarray(i + 5, i + 5 + length) });
    i += 5 + length;
  }
  return frames;
}

describe("as text, for browsers' clients that read nothing else", () => {
  const id7 = Buffer.from("00000000020807", "hex");

  test("a call and its stream of answers are base64", async () => {
    const watch = Buffer.concat([Buffer.from("0000000004", "hex"), Buffer.from("08071803", "hex")]);
    const answer = await postText("/acme.Shop/Watch", watch.toString("base64"));
    expect([
      answer.status,
      answer.headers.get("content-type"),
      answer.headers.get("access-control-allow-origin"),
    ]).toEqual([200, "application/grpc-web-text+proto", origin]);
    expect(answer.headers.get("access-control-expose-headers")).toContain("grpc-status");
    const frames = framesOf(await answer.text());
    expect(frames.map(({ flags }) => flags)).toEqual([0, 0, 0, 0x80]);
    expect(frames[3]!.bytes.toString()).toContain("grpc-status: 0\r\n");
  });

  test.each([
    ["a cut in a group", id7.toString("base64").slice(0, -3), "3"],
    ["no base64", "AAAA*AAA", "3"],
    ["padding in a group", "A=AA", "3"],
  ])("%s is gRPC 3", async (_, body, status) => {
    const answer = await postText("/acme.Shop/Get", body);
    const frames = framesOf(await answer.text());
    expect(frames.at(-1)!.bytes.toString()).toContain(`grpc-status: ${status}\r\n`);
  });

  test("what no rule exposes is gRPC 12, and a length that lies is an error", async () => {
    const none = framesOf(await (await postText("/acme.Other/Get", id7.toString("base64"))).text());
    expect(none[0]!.bytes.toString()).toContain("grpc-status: 12\r\n");
    const lying = Buffer.from("00ffffffff0807", "hex").toString("base64");
    const lied = framesOf(await (await postText("/acme.Shop/Get", lying)).text());
    expect(lied.at(-1)!.bytes.toString()).toMatch(/grpc-status: [1-9]/);
  });
});
