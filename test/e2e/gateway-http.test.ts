import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GatewayStage, startGatewayStage } from "../support/gateway-stage.ts";
import { type HttpProvider, openRawHttp, startHttpProvider } from "../support/http-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { destinationRuleText } from "../support/rules.ts";

// Callers outside the mesh, by HTTP/1.1 and HTTP/2, at a Gateway whose routes lead to services that speak HTTP alone: curl before it, Node's server behind it.
const run = promisify(execFile);
const shop = "https://shop.example";
let folder: string;
let stage: GatewayStage;
let one: HttpProvider;
let two: HttpProvider;
const answers: string[] = [];
let written = 0;

const virtualService = (name: string, host: string, http: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ["${host}"]\n  gateways: [edge]\n  http: ${http}\n`;
const to = "route: [{destination: {host: shop}}]";

const rules = [
  virtualService("plain", "plain.example.com", `[{${to}}]`),
  virtualService(
    "policies",
    "rules.example.com",
    `[
      {match: [{uri: {prefix: /retried}}], retries: {attempts: 2, retryOn: 5xx}, ${to}},
      {match: [{uri: {prefix: /late}}], timeout: 0.2s, ${to}},
      {match: [{uri: {prefix: /fault}}], fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, ${to}},
      {match: [{uri: {prefix: /copied}}], mirror: {host: cart}, ${to}},
      {match: [{uri: {prefix: /split}}], route: [{destination: {host: shop, subset: v1}, weight: 50}, {destination: {host: cart}, weight: 50}]},
      {match: [{uri: {prefix: /moved/}}], redirect: {prefixRewrite: /here/, scheme: https, authority: new.example.com, redirectCode: 308}, headers: {response: {set: {x-said: rule}}}},
      {match: [{uri: {prefix: /gone}}], route: [{destination: {host: nobody}}]},
      {match: [{uri: {prefix: /limited}}], route: [{destination: {host: limited}}]},
      {match: [{uri: {prefix: /guarded}}], route: [{destination: {host: guarded}}]}]`,
  ),
  "apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: limited}\nspec: {hosts: [limited], localRateLimit: {tokenBucket: {maxTokens: 3, fillInterval: 3600s}}}\n",
  destinationRuleText("shop", "shop", "subsets: [{name: v1, labels: {v: '1'}}]"),
  policyText(
    "guarded",
    "{targetRefs: [{kind: ServiceEntry, group: networking.istio.io, name: guarded}], action: DENY, rules: [{to: [{operation: {paths: [/guarded/no*]}}]}, {when: [{key: 'request.headers[x-who]', values: [mallory]}]}]}",
  ),
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
  folder = await mkdtemp(join(tmpdir(), "trestle-gateway-http-"));
  stage = await startGatewayStage(hosts.trestle);
  one = await startHttpProvider((request, response) => {
    const pieces: Buffer[] = [];
    if (request.url === "/unread") return;
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { method, url = "", headers, trailers } = request;
      answers.push(`${method} ${url}`);
      if (url.startsWith("/retried") && answers.filter((text) => text.endsWith(url)).length < 3)
        response.statusCode = 503;
      if (url.startsWith("/late")) return;
      if (url === "/204" || url === "/304") {
        response.writeHead(Number(url.slice(1)), { etag: "e" }).end();
        return;
      }
      if (url === "/trailers") {
        response.writeHead(200, { trailer: "x-sum" });
        response.addTrailers({ "x-sum": String(Buffer.concat(pieces).length) });
        response.end("with trailers");
        return;
      }
      if (url === "/hints") response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      if (url === "/endless") {
        const more = (): void => {
          if (response.destroyed) return;
          written += 65_536;
          if (response.write(Buffer.alloc(65_536))) setImmediate(more);
          else response.once("drain", more);
        };
        more();
        return;
      }
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.setHeader("x-by", "one");
      if (url === "/cors") response.setHeader("access-control-allow-origin", "*");
      const more = Object.keys(trailers).length > 0 && { trailers };
      const text = JSON.stringify({ by: "one", method, url, headers, body: Buffer.concat(pieces).toString(), ...more });
      response.setHeader("content-length", text.length);
      response.end(text);
    });
  });
  two = await startHttpProvider((request, response) => response.end(`two ${request.method} ${request.url}`));
  await stage.apply(
    {
      shop: [`http://127.0.0.1:${one.port}?v=1`],
      cart: [`http://127.0.0.1:${two.port}`],
      guarded: [`http://127.0.0.1:${one.port}`],
      limited: [`http://127.0.0.1:${one.port}`],
    },
    rules,
  );
});

afterAll(async () => {
  await stage?.close();
  await one?.close();
  await two?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Until something that grows does so no more. */
async function untilSame(count: () => number): Promise<void> {
  let last = 0;
  const isSame = () => {
    const now = count();
    const same = now > 0 && now === last;
    last = now;
    return same;
  };
  await expect.poll(isSame, { interval: 200, timeout: 5_000 }).toBe(true);
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** One request by curl to `path` at the gateway, as Host `host`. */
async function curl(path: string, args: readonly string[] = [], host = "api.example.com"): Promise<Answer> {
  const url = `http://${stage.host}:${stage.port}${path}`;
  const { stdout } = await run("curl", ["-sS", "-i", "-m", "10", "--path-as-is", "-H", `host: ${host}`, ...args, url], {
    maxBuffer: 16_000_000,
  });
  const [head = "", ...body] = stdout.replace(/^HTTP\/[\d.]+ 100 .*\r\n\r\n/, "").split("\r\n\r\n");
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
  expect(status, text.slice(0, 1_000)).toBe(200);
  return JSON.parse(text) as Seen;
}

test("explain says what happens: who answers, and what", async () => {
  const rulesHost = "rules.example.com";
  const asked: [string, string, string, Record<string, string>?][] = [
    ["/admin/x", "api.example.com", "GET"],
    ["/old/a?b", "api.example.com", "GET"],
    ["/x", "api.example.com", "DELETE"],
    ["/x", "api.example.com", "GET", { to: "two" }],
    ["/x?to=two", "api.example.com", "POST"],
    ["/x?to=t%77o", "api.example.com", "GET"],
    ["/%61dmin", "api.example.com", "GET"],
    ["/admin;a=b", "api.example.com", "GET"],
    ["/x/..%2fadmin", "api.example.com", "GET"],
    ["/a%2Fb//c", "plain.example.com", "PATCH"],
    ["/x", "other.example.com", "GET"],
    ["/openapi.json", "rules.example.com", "GET"],
    ["/x", "api.example.com", "POST", { "content-type": "application/grpc" }],
    ["/pages/a", "api.example.com", "OPTIONS", { origin: shop, "access-control-request-method": "PUT" }],
    ["/moved/a", rulesHost, "PUT"],
    ["/gone", rulesHost, "GET"],
    ["/guarded/yes", rulesHost, "GET"],
    ["/guarded/no/more", rulesHost, "GET"],
    ["/guarded/yes", rulesHost, "GET", { "x-who": "mallory" }],
    ["/nothing", rulesHost, "GET"],
  ];
  const statuses: number[] = [];
  for (const [target, host, verb, headers = {}] of asked) {
    const told = stage.explain(target, host, verb, headers);
    const args = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const { status, text, headers: answered } = await curl(target, ["-X", verb, ...args], host);
    statuses.push(status);
    const [destination] = told.destinations;
    const isDenied = told.authorization.some(({ decision }) => decision === "denied");
    const expected = told.answer?.status ?? (destination?.refusal !== undefined ? 503 : isDenied ? 403 : 200);
    const isGrpc = headers["content-type"]?.startsWith("application/grpc") === true;
    expect([target, verb, isGrpc ? answered.get("grpc-status") : status]).toEqual([
      ...[target, verb, isGrpc ? "12" : expected],
    ]);
    if (status !== 200 || told.answer !== undefined) continue;
    expect([target, text.startsWith("two ") ? "cart" : "shop"]).toEqual([
      target,
      destination?.host.replace("guarded", "shop"),
    ]);
  }
  expect([...new Set(statuses)].sort()).toEqual([200, 204, 308, 400, 403, 404, 405, 503]);
});

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

  test("a rule sends callers elsewhere, with their query", async () => {
    const { status, headers, text } = await curl("/moved/a?b=1", [flag, "-X", "PUT", "-d", "x"], "rules.example.com");
    expect([status, headers.get("location"), headers.get("x-said"), text]).toEqual([
      308,
      "https://new.example.com/here/a?b=1",
      "rule",
      "",
    ]);
  });

  test("pages of other origins are answered as the rule says, or as the service does", async () => {
    const asks = [flag, "-X", "OPTIONS", "-H", `origin: ${shop}`, "-H", "access-control-request-method: PUT"];
    const preflight = await curl("/pages/a", asks);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-methods")).toBe("GET,PUT");
    const answer = await curl("/pages/a", [flag, "-H", `origin: ${shop}`]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ "access-control-allow-origin": shop, "x-said": "rule" });
    expect(await seen("/cors", asks)).toMatchObject({ method: "OPTIONS" });
    expect((await curl("/cors", [flag])).headers.get("access-control-allow-origin")).toBe("*");
  });

  test("answers without content, and large content both ways", async () => {
    expect(await curl("/204", [flag])).toMatchObject({ status: 204, text: "" });
    const same = await curl("/304", [flag]);
    expect([same.status, same.headers.get("etag"), same.text]).toEqual([304, "e", ""]);
    const many = "x".repeat(3_000_000);
    const path = join(folder, "many");
    await writeFile(path, many);
    const sent = await seen("/big", [flag, "-X", "POST", "--data-binary", `@${path}`]);
    expect(sent.body.length).toBe(many.length);
    const chunked = await seen("/big", [flag, "-T", path, "-H", "transfer-encoding: chunked"]);
    expect([chunked.body.length, chunked.headers["transfer-encoding"]]).toEqual([many.length, "chunked"]);
  });

  test("paths that servers read in several ways go round no route", async () => {
    const before = answers.length;
    for (const path of [
      "//admin",
      "/x/../admin",
      "/x/%2e%2e/admin",
      "/./admin",
      "/%2fadmin",
      "/admin%2fx",
      "/x\\..\\admin",
    ])
      expect([path, (await curl(path, [flag])).status]).not.toEqual([path, 200]);
    for (const path of ["/%61dmin", "/admin;a=b", "/;/admin", "/%20/admin", "/admi%6e/x"])
      expect([path, [400, 403].includes((await curl(path, [flag])).status)]).toEqual([path, true]);
    expect(answers.length).toBe(before);
    expect(await seen("/a;b=c/d%20e", [flag])).toMatchObject({ url: "/a;b=c/d%20e" });
    // Where one route takes everything there is nothing to get round.
    expect(await seen("/a%2Fb//c", [flag], "plain.example.com")).toMatchObject({ url: "/a%2Fb//c" });
  });

  test("rules hold: retries, time-outs, faults, copies, shares, nobody there, policies", async () => {
    const host = "rules.example.com";
    const path = `/retried/${flag}`;
    expect((await curl(path, [flag, "-d", "a"], host)).status).toBe(200);
    expect(answers.filter((text) => text === `POST ${path}`)).toHaveLength(3);
    expect((await curl("/late", [flag], host)).status).toBe(504);
    expect((await curl("/fault", [flag], host)).status).toBe(418);
    const copies = two.requests;
    expect((await seen("/copied", [flag, "-d", "a"], host)).body).toBe("a");
    await expect.poll(() => two.requests).toBe(copies + 1);
    const by = new Set<string>();
    for (let i = 0; i < 40 && by.size < 2; i++) by.add((await curl("/split", [flag], host)).text.slice(0, 3));
    expect(by.size).toBe(2);
    const gone = await curl("/gone/1", [flag], host);
    expect([gone.status, gone.text]).toEqual([503, expect.stringContaining("no provider of nobody")]);
    expect((await curl("/guarded/yes", [flag], host)).status).toBe(200);
    for (const denied of ["/guarded/no", "/guarded/%6eo/x"])
      expect((await curl(denied, [flag], host)).status).toBe(403);
    expect((await curl("/guarded/yes", [flag, "-H", "x-who: mallory"], host)).status).toBe(403);
    expect((await curl("/guarded//no", [flag], host)).status).toBe(400);
  });

  test("gRPC is refused by a service that speaks HTTP alone", async () => {
    const { status, headers } = await curl("/acme.Shop/Get", [flag, "-H", "content-type: application/grpc", "-d", "a"]);
    expect([status, headers.get("grpc-status")]).toEqual([200, "12"]);
  });
});

test("limits of the service hold", async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await curl("/limited", [], "rules.example.com")).status);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
});

test("HTTP/2: trailers, hints and the request for content go through", async () => {
  const session = connect(`http://${stage.host}:${stage.port}`);
  const ask = (path: string, body?: string, more: Record<string, string> = {}) =>
    new Promise<Record<string, IncomingHttpHeaders | string>>((resolve, reject) => {
      const got: Record<string, IncomingHttpHeaders | string> = {};
      const stream = session.request({
        ...{ ":path": path, ":authority": "plain.example.com", ":method": body === undefined ? "GET" : "POST" },
        ...more,
      });
      let text = "";
      stream.on("headers", (headers) => {
        got[String(headers[":status"])] = headers;
        if (headers[":status"] === 100) stream.end(body);
      });
      stream.on("response", (headers) => {
        got.head = headers;
      });
      stream.on("trailers", (headers) => {
        got.trailers = headers;
      });
      stream.on("data", (piece: Buffer) => {
        text += piece.toString();
      });
      stream.on("close", () => resolve({ ...got, text }));
      stream.on("error", reject);
      if (more.expect === undefined) stream.end(body);
    });
  expect(await ask("/trailers", "four")).toMatchObject({ text: "with trailers", trailers: { "x-sum": "4" } });
  expect(await ask("/hints")).toMatchObject({ "103": { link: "</a.css>; rel=preload" }, head: { ":status": 200 } });
  const waited = await ask("/x", "content", { expect: "100-continue" });
  expect(JSON.parse(waited.text as string)).toMatchObject({ body: "content" });
  session.close();
});

test("HTTP/2: a caller that reads nothing is not answered without end, nor does a provider that reads nothing get all", async () => {
  const session = connect(`http://${stage.host}:${stage.port}`);
  written = 0;
  const stream = session.request({ ":path": "/endless", ":authority": "plain.example.com" });
  stream.on("error", () => {});
  await untilSame(() => written);
  expect(written).toBeLessThan(16 * 1024 * 1024);
  stream.close();
  const unread = session.request({ ":path": "/unread", ":authority": "plain.example.com", ":method": "PUT" });
  unread.on("error", () => {});
  unread.write(Buffer.alloc(64 * 1024 * 1024));
  await untilSame(() => unread.writableLength);
  const bytes = () => session.socket.bytesWritten;
  await untilSame(bytes);
  expect(bytes()).toBeLessThan(32 * 1024 * 1024);
  session.destroy();
});

test("HTTP/1.1: one connection has requests of all kinds after each other, trailers, hints, and a tunnel in the end", async () => {
  one.server.on("upgrade", (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.on("data", (piece: Buffer) => socket.write(`echo ${piece.toString()}`));
  });
  const caller = await openRawHttp(stage.port, stage.host);
  const get = (path: string, more = "", host = "plain.example.com") =>
    caller.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${more}\r\n`);
  get("/trailers");
  await caller.until((text) => text.includes("x-sum: 0"));
  const chunked = "POST /sum HTTP/1.1\r\nhost: plain.example.com\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n";
  caller.write(`${chunked}X-Sum: 2\r\nx-own: b\r\nx-forwarded-proto: https\r\n\r\n`);
  await caller.until((text) => text.includes('"body":"ab"'));
  expect(/"trailers":(\{.*?\})/.exec(caller.text)?.[1]).toBe('{"x-sum":"2","x-own":"b"}');
  get("/hints");
  await caller.until((text) => text.includes("HTTP/1.1 103 Early Hints") && text.includes('"url":"/hints"'));
  get("/admin", "", "api.example.com");
  await caller.until((text) => text.includes("closed"));
  get("/x", "", "other.example.com");
  await caller.until((text) => text.includes("nothing is exposed"));
  get("/ws", "connection: upgrade\r\nupgrade: websocket\r\n");
  await caller.until((text) => /101 Switching[\s\S]*upgrade: websocket/i.test(text));
  caller.write("hello");
  await caller.until((text) => text.includes("echo hello"));
  caller.socket.destroy();
});

test("HTTP/1.1: who waits to be asked for content is asked by the provider, and a provider that answers at once has none of it", async () => {
  one.server.on("checkContinue", (request, response) => {
    if (request.url === "/refused") response.writeHead(413).end("no");
    else {
      response.writeContinue();
      request.resume().on("end", () => response.end("taken"));
    }
  });
  const head = "host: plain.example.com\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
  const caller = await openRawHttp(stage.port, stage.host);
  caller.write(`PUT /x HTTP/1.1\r\n${head}`);
  expect(await caller.until((text) => text.includes("\r\n\r\n"))).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  caller.write("four");
  await caller.until((text) => text.includes("taken"));
  caller.write(`PUT /refused HTTP/1.1\r\n${head}`);
  const refused = await caller.until((_, ended) => ended);
  expect(refused).toMatch(/413 [\s\S]*connection: close/i);
  expect(refused.split("100 Continue")).toHaveLength(2);
});

test.each([
  ["two lengths", "content-length: 4\r\ncontent-length: 5\r\n\r\nfour"],
  ["a length beside chunks", "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["another coding", "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
  ["a folded line", "a: b\r\n c\r\n\r\n"],
  ["a blank before a colon", "content-length : 4\r\n\r\nfour"],
  ["two Hosts", "host: api.example.com\r\n\r\n"],
])("HTTP/1.1: %s are refused, and the provider hears of nothing", async (_, lines) => {
  const before = answers.length;
  const caller = await openRawHttp(stage.port, stage.host);
  caller.write(`POST /x HTTP/1.1\r\nhost: plain.example.com\r\n${lines}`);
  expect(await caller.until((_text, ended) => ended)).toMatch(/^HTTP\/1\.1 (400|501) /);
  expect(answers.length).toBe(before);
});

test("HTTP/1.1: neither side is read faster than the other one takes", async () => {
  written = 0;
  const caller = await openRawHttp(stage.port, stage.host);
  caller.socket.pause();
  caller.write("GET /endless HTTP/1.1\r\nhost: plain.example.com\r\n\r\n");
  await untilSame(() => written);
  expect(written).toBeLessThan(32 * 1024 * 1024);
  caller.socket.destroy();
  const other = await openRawHttp(stage.port, stage.host);
  other.write("PUT /unread HTTP/1.1\r\nhost: plain.example.com\r\ntransfer-encoding: chunked\r\n\r\n4000000\r\n");
  other.socket.write(Buffer.alloc(32 * 1024 * 1024));
  other.socket.write(Buffer.alloc(32 * 1024 * 1024));
  const taken = () => other.socket.bytesWritten - other.socket.writableLength;
  await untilSame(taken);
  expect(taken()).toBeLessThan(64 * 1024 * 1024);
  other.socket.destroy();
});

test("metrics name the service, the request's method and HTTP", () => {
  const calls = stage.proxy.stats().calls.filter(({ protocol }) => protocol === "http");
  const known = calls.map(({ service, method }) => `${service} ${method}`);
  expect(known).toEqual(expect.arrayContaining(["shop GET", "shop PUT", "cart GET", "api.example.com DELETE"]));
});
