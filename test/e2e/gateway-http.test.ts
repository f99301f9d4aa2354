import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GatewayStage, startGatewayStage } from "../support/gateway-stage.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";

// Callers outside the mesh, by HTTP/1.1 and HTTP/2, at a Gateway whose routes lead to services that speak HTTP alone: curl before it, Node's server behind it.
const run = promisify(execFile);
const shop = "https://shop.example";
let stage: GatewayStage;
let one: HttpProvider;
let two: HttpProvider;

const virtualService = (name: string, host: string, http: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ["${host}"]\n  gateways: [edge]\n  http: ${http}\n`;
const to = "route: [{destination: {host: shop}}]";

const rules = [
  virtualService("plain", "plain.example.com", `[{${to}}]`),
  virtualService(
    "shop",
    "api.example.com",
    `[
      {match: [{uri: {prefix: /admin}}], directResponse: {status: 403, body: {string: closed}}},
      {match: [{uri: {prefix: /old/}}], rewrite: {uri: /new/, authority: inner.example}, ${to}},
      {match: [{uri: {prefix: /}, method: {exact: DELETE}}], directResponse: {status: 405}},
      {match: [{uri: {prefix: /}, headers: {to: {exact: two}}}], route: [{destination: {host: cart}}]},
      {match: [{uri: {prefix: /}, queryParams: {to: {exact: two}}}], route: [{destination: {host: cart}}]},
      {match: [{uri: {prefix: /pages/}}], corsPolicy: {allowOrigins: [{exact: "${shop}"}], allowMethods: [GET, PUT]}, headers: {response: {set: {x-said: rule}}}, ${to}},
      {${to}}]`,
  ),
];

beforeAll(async () => {
  requireNamespace();
  stage = await startGatewayStage(hosts.trestle);
  one = await startHttpProvider((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.setHeader("x-by", "one");
      if (url === "/cors") response.setHeader("access-control-allow-origin", "*");
      const text = JSON.stringify({ by: "one", method, url, headers, body: Buffer.concat(pieces).toString() });
      response.setHeader("content-length", text.length);
      response.end(text);
    });
  });
  two = await startHttpProvider((request, response) => response.end(`two ${request.method} ${request.url}`));
  await stage.apply({ shop: [`http://127.0.0.1:${one.port}`], cart: [`http://127.0.0.1:${two.port}`] }, rules);
});

afterAll(async () => {
  await stage?.close();
  await one?.close();
  await two?.close();
});

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** One request by curl to `path` at the gateway, as Host `host`. */
async function curl(path: string, args: readonly string[] = [], host = "api.example.com"): Promise<Answer> {
  const url = `http://${stage.host}:${stage.port}${path}`;
  const { stdout } = await run("curl", ["-sS", "-i", "-m", "10", "--path-as-is", "-H", `host: ${host}`, ...args, url]);
  const [head = "", ...body] = stdout.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const headers = new Map(
    lines.map((text) => [text.slice(0, text.indexOf(":")).toLowerCase(), text.slice(text.indexOf(":") + 2)]),
  );
  return { status: Number(line.split(" ")[1]), headers, text: body.join("\r\n\r\n") };
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function seen(path: string, args: readonly string[] = [], host?: string): Promise<Seen> {
  const { status, text } = await curl(path, args, host);
  expect(status, text).toBe(200);
  return JSON.parse(text) as Seen;
}

describe.each([
  ["HTTP/1.1", "--http1.1"],
  ["HTTP/2", "--http2-prior-knowledge"],
])("over %s", (_, flag) => {
  test("requests of every method reach the service as they are", async () => {
    const got = await seen("/a/b?c=d", [flag, "-H", "x-own: 1", "-H", "cookie: a=1; b=2"]);
    expect(got).toMatchObject({ method: "GET", url: "/a/b?c=d", body: "" });
    expect(got.headers).toMatchObject({ host: "api.example.com", "x-own": "1", cookie: "a=1; b=2" });
    expect(got.headers).toMatchObject({ "x-forwarded-for": stage.host, "x-forwarded-proto": "http" });
    expect(await seen("/x", [flag, "-X", "PUT", "-d", "hello"])).toMatchObject({ method: "PUT", body: "hello" });
    expect((await seen("/x", [flag, "-H", "x-forwarded-proto: https", "-H", "x-envoy-a: 1"])).headers).toMatchObject({
      "x-forwarded-proto": "http",
    });
    const answered = await curl("/x", [flag]);
    expect(answered.headers.get("x-by")).toBe("one");
    const head = await curl("/x", [flag, "-I"]);
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(10);
  });

  test("routes go by path, method, headers and query; rewrites and direct answers hold", async () => {
    expect(await curl("/admin/x", [flag])).toMatchObject({ status: 403, text: "closed" });
    expect(await seen("/old/a?b", [flag])).toMatchObject({ url: "/new/a?b", headers: { host: "inner.example" } });
    expect(await curl("/x", [flag, "-X", "DELETE"])).toMatchObject({ status: 405 });
    expect(await curl("/x", [flag, "-H", "to: two"])).toMatchObject({ status: 200, text: "two GET /x" });
    expect(await curl("/x?to=two", [flag])).toMatchObject({ status: 200, text: "two GET /x?to=two" });
    expect(await curl("/x", [flag], "other.example.com")).toMatchObject({ status: 404 });
  });
});
