import { execFile } from "node:child_process";
import { type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { validate } from "@readme/openapi-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../src/codecs/triple/body.ts";
import { encodeEnvelope } from "../../src/codecs/triple/envelope.ts";
import type { JavaDefinition } from "../../src/model/schema.ts";
import { startProvider } from "../support/dubbo.ts";
import { type GatewayStage, startGatewayStage } from "../support/gateway-stage.ts";
import { openRawHttp, startHttpProvider } from "../support/http-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";
import { ordersMethod, ordersSchema } from "../support/proto-fixtures.ts";

// Callers outside the mesh, which know of no registry, to a real 2.7 provider by the routes of a Gateway.
const run = promisify(execFile);
const KEY = "g/com.acme.OrderService:1.0.0";
const PROVIDER = { host: hosts.provider1, port: 20880 };
const shop = "https://shop.example";
let stage: GatewayStage;

const virtualService = (name: string, host: string, http: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ["${host}"]\n  gateways: [edge]\n  http: ${http}\n`;
const to = "route: [{destination: {host: com.acme.OrderService}}]";
const rules = [
  virtualService(
    "orders",
    "api.example.com",
    `[
      {match: [{uri: {exact: /who}, method: {exact: GET}}], rewrite: {uri: /whoAmI}, ${to}},
      {match: [{uri: {prefix: /orders/}}], corsPolicy: {allowOrigins: [{exact: "${shop}"}], allowMethods: [POST], allowHeaders: [content-type], maxAge: 1h}, ${to}},
      {match: [{uri: {prefix: /calls/}}], rewrite: {uri: /}, ${to}},
      {match: [{uri: {regex: "/v[0-9]+/who"}}], rewrite: {uriRegexRewrite: {match: "^/v[0-9]+/(.*)$", rewrite: '/\\1AmI'}}, ${to}},
      {match: [{uri: {exact: /echo}, queryParams: {kind: {exact: int}}}], rewrite: {uri: /echoInt}, ${to}},
      {match: [{uri: {prefix: /read/}, method: {exact: GET}}], ${to}},
      {match: [{uri: {exact: /closed}}], directResponse: {status: 410, body: {string: gone for good}}},
      {match: [{uri: {prefix: /nobody/}}], route: [{destination: {host: com.acme.Nobody}}]}]`,
  ),
];

beforeAll(async () => {
  requireNamespace();
  stage = await startGatewayStage(hosts.trestle);
  await startProvider("2.7", { ...PROVIDER, group: "g", version: "1.0.0", label: "provider" });
  await stage.apply({ [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] }, rules);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly json: unknown;
}

/** One request by curl to `path` at the gateway, as Host `host`. */
async function curl(path: string, args: readonly string[], host = "api.example.com"): Promise<Answer> {
  const url = `http://${stage.host}:${stage.port}${path}`;
  const { stdout } = await run("curl", ["-sS", "-i", "-m", "10", "--path-as-is", "-H", `host: ${host}`, ...args, url]);
  const [head = "", ...body] = stdout.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const headers = new Map(
    lines.map((text) => [text.slice(0, text.indexOf(":")).toLowerCase(), text.slice(text.indexOf(":") + 2)]),
  );
  const text = body.join("\r\n\r\n");
  return { status: Number(line.split(" ")[1]), headers, json: text === "" ? undefined : JSON.parse(text) };
}

interface HiClient {
  sayHi(request: { readonly value: string }): Promise<{ readonly value: string }>;
}

/** The content that a POST is answered, whatever Host it names. */
function post(path: string, headers: OutgoingHttpHeaders, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: stage.host, port: stage.port, path, method: "POST", headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => resolve(Buffer.concat(pieces)));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const json = (body: string, ...more: string[]) => ["-H", "content-type: application/json", "-d", body, ...more];

describe.each([
  ["HTTP/1.1", "--http1.1"],
  ["HTTP/2", "--http2-prior-knowledge"],
])("over %s", (_, flag) => {
  test("JSON is answered by a service that has a group and a version, of which the caller knows nothing", async () => {
    expect(await curl("/orders/getOrder", json("[9007199254740993]", flag))).toMatchObject({
      status: 200,
      json: { id: "9007199254740993" },
    });
    expect(await curl("/echo?kind=int", json("[7]", flag))).toMatchObject({ status: 200, json: 7 });
  });

  test("a GET is a call where a route names it", async () => {
    expect(await curl("/who", [flag])).toMatchObject({ status: 200, json: { label: "provider" } });
    expect(await curl("/orders/whoAmI", [flag])).toMatchObject({ status: 405 });
    expect(await curl("/who", json("[]", flag))).toMatchObject({ status: 405 });
  });

  test("a preflight request is answered, and answers name the origin that may read them", async () => {
    const ask = (origin: string, path = "/orders/whoAmI") =>
      curl(path, [flag, "-X", "OPTIONS", "-H", `origin: ${origin}`, "-H", "access-control-request-method: POST"]);
    const allowed = await ask(shop);
    expect([allowed.status, Object.fromEntries(allowed.headers)]).toEqual([
      204,
      expect.objectContaining({
        "access-control-allow-origin": shop,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "3600",
      }),
    ]);
    expect((await ask("https://evil.example")).headers.has("access-control-allow-origin")).toBe(false);
    expect((await ask(shop, "/none")).status).toBe(404);
    const answer = await curl("/orders/whoAmI", json("[]", flag, "-H", `origin: ${shop}`));
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, shop]);
    const refused = await curl("/orders/noSuchMethod", json("[]", flag, "-H", `origin: ${shop}`));
    expect([refused.status >= 400, refused.headers.get("access-control-allow-origin")]).toEqual([true, shop]);
  });

  test.each([
    ["another Host", "/orders/whoAmI", json("[]"), 404, "other.example.com"],
    ["another path", "/whoAmI", json("[]"), 404],
    ["the name of the service", "/com.acme.OrderService/whoAmI", json("[]"), 404],
    ["a path without a method", "/orders/", json("[]"), 404],
    ["Dubbo's own methods", "/orders/$invoke", json('["whoAmI", [], []]'), 404],
    ["a method that is no name", "/orders/a%2Fb", json("[]"), 404],
    [
      "content that a page can send without asking",
      "/orders/whoAmI",
      ["-H", "content-type: text/plain", "-d", "[]"],
      415,
    ],
    ["content of no type", "/orders/whoAmI", ["-H", "content-type:", "-d", "[]"], 415],
    ["a Java class by its name", "/orders/echoObject", json('[{"class": "com.acme.Order"}]'), 403],
    ["no JSON", "/orders/whoAmI", json("[1"), 400],
    ["a service that is not there", "/nobody/whoAmI", json("[]"), 503],
    ["what a rule answers", "/closed", json("[]"), 410],
    ["the other services of the mesh by a header", "/orders/whoAmI", json("[]", "-H", "tri-service-group: other"), 200],
  ])("%s", async (_, path, args, status, host?) => {
    const answer = await curl(path, [flag, ...args], host);
    expect(answer.status).toBe(status);
    if (status >= 400) expect(answer.json).toMatchObject({ status: String(status), message: expect.any(String) });
  });
});

test("the OpenAPI document describes what the host lets through, and calls made by it are answered as it says", async () => {
  const java: JavaDefinition = {
    methods: [
      { name: "getOrder", parameterTypes: ["long"], parameterNames: ["id"], returnType: "com.acme.Order" },
      { name: "whoAmI", parameterTypes: [], returnType: "com.acme.Whom" },
    ],
    types: { "com.acme.Order": { properties: { id: "long", created: "java.util.Date" } } },
  };
  const services = { [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] };
  await stage.apply(services, rules, { schemas: [{ name: "com.acme.OrderService", java }] });
  const { status, json: document } = await curl("/openapi.json", []);
  expect(status).toBe(200);
  expect(await validate(structuredClone(document) as Parameters<typeof validate>[0])).toMatchObject({ valid: true });
  expect(Object.keys((document as { paths: object }).paths)).toEqual([
    ...["/calls/getOrder", "/calls/whoAmI"],
    ...["/orders/getOrder", "/orders/whoAmI", "/read/getOrder", "/read/whoAmI", "/who"],
  ]);
  expect(await curl("/orders/getOrder", json('{"id": "9007199254740993"}'))).toMatchObject({
    status: 200,
    json: { id: "9007199254740993" },
  });
  expect(await curl("/read/getOrder?id=12", [])).toMatchObject({ status: 200, json: { id: 12 } });
  expect((await curl(`/read/getOrder?${"id=1&".repeat(300)}`, [])).status).toBe(400);
  expect((await curl("/openapi.json", [], "other.example.com")).status).toBe(404);
  expect((await curl("/openapi.json", json("[]"))).status).toBe(404);
  await stage.apply(services, rules);
});

test("what a gateway exposes by a pattern is called by its own name, and only that", async () => {
  const services = {
    [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`],
    "g/com.acme.Other:1.0.0": [`dubbo://${PROVIDER.host}:${PROVIDER.port}`],
  };
  await stage.apply(services, rules, { expose: "com.acme.OrderService" });
  expect(await curl("/com.acme.OrderService/whoAmI", json("[]"), "any.host")).toMatchObject({ status: 200 });
  expect(await curl("/com.acme.OrderService/whoAmI", json("[]"))).toMatchObject({ status: 200 });
  expect(await curl("/com.acme.Other/whoAmI", json("[]"), "any.host")).toMatchObject({ status: 404 });
  await stage.apply(services, rules);
  expect(await curl("/com.acme.OrderService/whoAmI", json("[]"), "any.host")).toMatchObject({ status: 404 });
});

test("gRPC and gRPC-Web clients with a .proto file reach the Dubbo2 provider by the same route as JSON", async () => {
  const services = { [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] };
  const any = virtualService("any", "*", `[{match: [{uri: {prefix: /com.acme.OrderService/}}], ${to}}]`);
  await stage.apply(services, [...rules, any], { schemas: [ordersSchema] });
  const baseUrl = `http://${stage.host}:${stage.port}`;
  const transports = {
    grpc: createGrpcTransport({ baseUrl }),
    "grpc-web over HTTP/1.1": createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    "grpc-web over HTTP/2": createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  };
  const said: Record<string, unknown> = {};
  for (const [name, transport] of Object.entries(transports)) {
    const client = createClient(ordersMethod("SayHi").parent, transport) as unknown as HiClient;
    said[name] = await client.sayHi({ value: name });
  }
  expect(said).toEqual(
    Object.fromEntries(Object.keys(transports).map((name) => [name, expect.objectContaining({ value: `hi ${name}` })])),
  );
  expect(await curl("/com.acme.OrderService/sayHi", json('["JSON"]'), "any.host")).toMatchObject({ json: "hi JSON" });
  await stage.apply(services, rules);
});

test("a call by gRPC with Java's own serialization is refused", async () => {
  const message = encodeRequestWrapper({
    serializeType: "hessian4",
    args: [Buffer.from(encodeHessian2("x"))],
    argTypes: ["java.lang.String"],
  });
  const body = Buffer.concat([encodeEnvelope(message.length), message]);
  const headers = { "content-type": "application/grpc-web+proto", host: "api.example.com" };
  const answer = await post("/orders/sayHi", headers, body);
  expect(answer.toString("latin1")).toContain("grpc-status: 7\r\n");
});

test("one connection has calls of Dubbo and requests to a service that speaks HTTP alone, in turn", async () => {
  const web = await startHttpProvider((request, response) => response.end(`web ${request.method} ${request.url}`));
  const services = {
    [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`],
    web: [`http://127.0.0.1:${web.port}`],
  };
  const more = virtualService("web", "web.example.com", `[{route: [{destination: {host: web}}]}]`);
  await stage.apply(services, [...rules, more]);
  const caller = await openRawHttp(stage.port, stage.host);
  const call =
    "POST /echo?kind=int HTTP/1.1\r\nhost: api.example.com\r\ncontent-length: 3\r\ncontent-type: application/json\r\n\r\n[7]";
  caller.write(
    `${call}GET /a HTTP/1.1\r\nhost: web.example.com\r\n\r\n${call}HEAD /b HTTP/1.1\r\nhost: web.example.com\r\n\r\n${call}`,
  );
  const text = await caller.until((all) => all.split("\r\n\r\n7").length === 4);
  expect(text).toContain("web GET /a");
  expect(text.split("HTTP/1.1 200")).toHaveLength(6);
  caller.socket.destroy();
  // A call's content is bounded, however much a request may have that is carried.
  const large = await openRawHttp(stage.port, stage.host);
  large.write(
    `${call.replace("content-length: 3", "content-length: 99000000").slice(0, -3)}[${"1,".repeat(5_000_000)}`,
  );
  expect(await large.until((all) => all.includes("HTTP/1.1"))).toMatch(/^HTTP\/1.1 4/);
  large.socket.destroy();
  await stage.apply({ [KEY]: services[KEY]! }, rules);
  await web.close();
});

test("pipelined requests that nobody exposes are all answered, though nothing more comes", {
  timeout: 10_000,
}, async () => {
  const socket = connect(stage.port, stage.host);
  socket.write("GET /nothing HTTP/1.1\r\nHost: api.example.com\r\n\r\n".repeat(20));
  let text = "";
  for await (const chunk of socket.setEncoding("latin1")) {
    text += chunk as string;
    if ((text.match(/HTTP\/1.1 404 /g) ?? []).length === 20) break;
  }
  expect(text).toContain("nothing is exposed by this host and path");
});

test("a caller that reads nothing is not answered without end", async () => {
  const made = () => stage.proxy.stats().calls.reduce((sum, { count }) => sum + count, 0);
  const before = made();
  const socket = connect(stage.port, stage.host);
  socket.pause();
  const body = "[100000]";
  const ask = `POST /orders/makeBytes HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (let i = 0; i < 300; i++) socket.write(ask);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // What the kernel's buffers take, and little more, of 40 MB.
  expect(made() - before).toBeGreaterThan(0);
  expect(made() - before).toBeLessThan(200);
  socket.destroy();
});

test("explain says what happens: which method is called, and who refuses", async () => {
  const deny = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [getOrder]}}]}]}");
  await stage.apply({ [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] }, [...rules, deny]);
  const asked: [string, string, string | undefined, number, string?][] = [
    ["/who", "GET", "whoAmI", 200],
    ["/orders/whoAmI", "POST", "whoAmI", 200],
    ["/orders/com.acme.OrderService/whoAmI", "POST", "whoAmI", 200],
    ["/calls/whoAmI", "POST", "whoAmI", 200],
    ["/v2/who", "POST", "whoAmI", 200],
    ["/orders/getOrder", "POST", "getOrder", 403],
    ["/calls/getOrder", "POST", "getOrder", 403],
    ["/orders/whoAmI", "GET", undefined, 405],
    ["/orders/a/b", "POST", undefined, 404],
    ["/orders/$invoke", "POST", undefined, 404],
    ["/orders/whoAmI", "POST", undefined, 415, "text/plain"],
    ["/closed", "GET", undefined, 410],
    ["/nobody/x", "GET", undefined, 503],
    ["/none", "POST", undefined, 404],
  ];
  for (const [path, verb, method, expected, type = "application/json"] of asked) {
    const told = stage.explain(path, "api.example.com", verb, { "content-type": type });
    const content = verb === "POST" ? ["-d", path.endsWith("getOrder") ? "[1]" : "[]"] : [];
    const { status } = await curl(path, ["-X", verb, "-H", `content-type: ${type}`, ...content]);
    const isDenied = told.authorization.some(({ decision }) => decision === "denied");
    const says = told.answer?.status ?? (isDenied ? 403 : 200);
    expect([path, verb, status, says, told.calls?.split(".").at(-1)]).toEqual([path, verb, expected, expected, method]);
  }
  await stage.apply({ [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] }, rules);
});

test("ways to write a path or a Host lead to what the route exposes or nowhere, and round no policy", async () => {
  const deny = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [getOrder]}}]}]}");
  const services = { [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] };
  await stage.apply(services, [...rules, deny]);
  const said = async (target: string, host = "api.example.com"): Promise<number> => {
    const socket = connect(stage.port, stage.host);
    const body = target.includes("getOrder") ? "[1]" : "[]";
    const head = [`POST ${target} HTTP/1.1`, `Host: ${host}`, "Content-Type: application/json"];
    socket.write([...head, `Content-Length: ${body.length}`, "Connection: close", "", body].join("\r\n"), "latin1");
    let text = "";
    for await (const chunk of socket.setEncoding("latin1")) text += chunk as string;
    return Number(text.split(" ")[1]);
  };
  const statuses: Readonly<Record<number, readonly string[]>> = {
    200: [
      "/orders/whoAmI",
      "/orders/com.acme.OrderService/whoAmI",
      "http://api.example.com/orders/whoAmI",
      "/orders/whoAmI?a=//",
      "/calls/whoAmI",
    ],
    403: [
      ...["/calls/getOrder", "/calls/com.acme.OrderService/getOrder"],
      ...["/orders/getOrder", "/orders/getOrder?x", "/orders/getOrder~l", "/orders/com.acme.OrderService/getOrder"],
      ...["http://api.example.com/orders/getOrder", "HTTP://API.example.com./orders/getOrder"],
    ],
    404: [
      ...[
        "/orders//getOrder",
        "//orders/getOrder",
        "/orders/./getOrder",
        "/orders/a/../getOrder",
        "/orders/x/..;/getOrder",
        "/./orders/getOrder",
      ],
      ...[
        "/orders/;/getOrder",
        "/orders/getOrder;x",
        "/orders/getOrder/",
        "/orders/getOrder.",
        "/orders/getOrder.json",
        "/orders/get%4frder",
      ],
      ...[
        "/orders/%67etOrder",
        "/orders%2fgetOrder",
        "/orders/%2e/getOrder",
        "/orders/getOrder%00",
        "/orders/getOrder%20",
        "/orders/%2567etOrder",
      ],
      ...[
        "/orders\\getOrder",
        "/orders/\\getOrder",
        "/ORDERS/getOrder",
        "/orders/$invoke",
        "/orders/getOrder%3b",
        "/orders/other/getOrder",
      ],
      ...["http://other.example.com/orders/whoAmI"],
    ],
  };
  for (const [status, targets] of Object.entries(statuses))
    for (const target of targets) expect([target, await said(target)]).toEqual([target, Number(status)]);
  expect(await said("/orders/GetOrder")).toBe(403);
  for (const host of ["API.EXAMPLE.COM", "api.example.com.", "api.example.com:80"]) {
    expect([host, await said("/orders/whoAmI", host)]).toEqual([host, 200]);
    expect([host, await said("/orders/getOrder", host)]).toEqual([host, 403]);
  }
  await stage.apply(services, rules);
});

test("a port that is in use keeps no other change from being taken up", async () => {
  const busy = `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: busy}\nspec:\n  servers: [{port: {number: ${stage.triPort}, protocol: HTTP}, hosts: ["*"]}]\n`;
  const services = { [KEY]: [`dubbo://${PROVIDER.host}:${PROVIDER.port}`] };
  await stage.apply(services, [...rules, busy]);
  expect(await curl("/who", [])).toMatchObject({ status: 200 });
  await stage.apply(services, rules);
});
