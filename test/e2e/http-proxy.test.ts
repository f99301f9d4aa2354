import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  type HttpProvider,
  type HttpProxy,
  openRawHttp,
  startHttpProvider,
  startHttpProxy,
} from "../support/http-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

let one: HttpProvider;
let two: HttpProvider;
let proxy: HttpProxy;

beforeAll(async () => {
  one = await startHttpProvider(() => {});
  two = await startHttpProvider(() => {});
  proxy = await startHttpProxy({ ports: { "": [one.port] } });
});

afterAll(async () => {
  await proxy?.close();
  await one?.close();
  await two?.close();
});

/** Answers with what it was asked, as JSON. */
function mirror(name: string) {
  return (request: IncomingMessage, response: import("node:http").ServerResponse) => {
    const pieces: Buffer[] = [];
    request.on("data", (chunk: Buffer) => pieces.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.setHeader("content-type", "application/json");
      response.setHeader("X-Provider", name);
      response.end(JSON.stringify({ name, method, url, headers, body: Buffer.concat(pieces).toString() }));
    });
  };
}

beforeEach(async () => {
  one.answer = mirror("one");
  two.answer = mirror("two");
  await proxy.apply({ ports: { "": [one.port] } });
});

test("a request goes on as it was sent, with the caller's address, and the answer comes back as it was given", async () => {
  const answer = await fetch(`${proxy.url}/orders/7?full=true`, {
    method: "POST",
    body: "hello",
    headers: { "X-Own": "Äbc" },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-provider")).toBe("one");
  expect(await answer.json()).toMatchObject({
    method: "POST",
    url: "/orders/7?full=true",
    body: "hello",
    headers: { host: `127.0.0.1:${proxy.port}`, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http" },
  });
});

test("pipelined requests are answered in order, and connections to the provider are used again", async () => {
  const before = one.connections;
  one.answer = (request, response) => {
    setTimeout(() => response.end(`answer ${request.url}`), request.url === "/1" ? 60 : 0);
  };
  const caller = await openRawHttp(proxy.port);
  caller.write([1, 2, 3, 4].map((n) => `GET /${n} HTTP/1.1\r\nHost: shop\r\n\r\n`).join(""));
  const text = await caller.until((all) => all.includes("answer /4"));
  expect(text.match(/answer \/\d/g)).toEqual(["answer /1", "answer /2", "answer /3", "answer /4"]);
  expect(one.connections - before).toBeLessThanOrEqual(1);
  caller.socket.destroy();
});

test("500 requests over 50 kept connections all get their own answers", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const get = (n: number) =>
    new Promise<void>((resolve, reject) => {
      httpRequest(`${proxy.url}/n/${n}`, { agent, method: "PUT" }, (answer) => {
        let text = "";
        answer.on("data", (chunk) => {
          text += chunk;
        });
        answer.on("end", () => (JSON.parse(text).body === `body ${n}` ? resolve() : reject(new Error(text))));
        answer.on("error", reject);
      })
        .on("error", reject)
        .end(`body ${n}`);
    });
  await Promise.all(Array.from({ length: 500 }, (_, n) => get(n)));
  agent.destroy();
});

test("bodies of 20 MB stream both ways, chunked, with trailers", async () => {
  one.answer = (request, response) => {
    response.writeHead(200, { trailer: "X-Sum" });
    let sum = 0;
    request.on("data", (chunk: Buffer) => {
      sum += chunk.length;
    });
    request.pipe(response, { end: false });
    request.on("end", () => {
      response.addTrailers({ "X-Sum": String(sum) });
      response.end();
    });
  };
  const size = 20 * 1024 * 1024;
  const seen = await new Promise<{ bytes: number; sum: unknown }>((resolve, reject) => {
    const request = httpRequest(`${proxy.url}/big`, { method: "POST" }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.on("end", () => resolve({ bytes, sum: answer.trailers["x-sum"] }));
      answer.on("error", reject);
    });
    request.on("error", reject);
    const piece = Buffer.alloc(1024 * 1024, "x");
    let left = 20;
    const more = () => {
      while (left > 0) {
        left--;
        if (!request.write(piece)) {
          request.once("drain", more);
          return;
        }
      }
      request.end();
    };
    more();
  });
  expect(seen).toEqual({ bytes: size, sum: String(size) });
});

test.each([
  {
    name: "HEAD",
    send: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    answer: (r: import("node:http").ServerResponse) => r.writeHead(200, { "content-length": "5" }).end(),
    head: "HTTP/1.1 200 OK",
    body: "",
  },
  {
    name: "204",
    send: "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
    answer: (r: import("node:http").ServerResponse) => r.writeHead(204).end(),
    head: "HTTP/1.1 204 No Content",
    body: "",
  },
  {
    name: "304",
    send: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    answer: (r: import("node:http").ServerResponse) => r.writeHead(304, { etag: '"x"' }).end(),
    head: "HTTP/1.1 304 Not Modified",
    body: "",
  },
  {
    name: "HTTP/1.0",
    send: "GET / HTTP/1.0\r\n\r\n",
    answer: (r: import("node:http").ServerResponse) => r.end("old"),
    head: "HTTP/1.1 200 OK",
    body: "old",
  },
])("$name passes", async ({ send, answer, head, body }) => {
  one.answer = (_, response) => void answer(response);
  const caller = await openRawHttp(proxy.port);
  caller.write(send);
  const text = await caller.until((all) => all.includes("\r\n\r\n") && all.endsWith(body));
  expect(text.split("\r\n")[0]).toBe(head);
  expect(text.split("\r\n\r\n")[1]).toBe(body);
  if (!send.includes("1.0")) {
    caller.write("GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    await caller.until((all) => all.split("HTTP/1.1").length === 3);
  }
  caller.socket.destroy();
});

test("100-continue is the provider's to give", async () => {
  const caller = await openRawHttp(proxy.port);
  caller.write("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  await caller.until((all) => all === "HTTP/1.1 100 Continue\r\n\r\n");
  caller.write("body");
  const text = await caller.until((all) => all.includes('"body":"body"'));
  expect(text).toContain("HTTP/1.1 200 OK");
  caller.socket.destroy();
});

test("server-sent events come as they are sent", async () => {
  let next: () => void = () => {};
  one.answer = (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
    next = () => response.write("data: 2\n\n");
  };
  const caller = await openRawHttp(proxy.port);
  caller.write("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  await caller.until((all) => all.includes("data: 1\n\n"));
  next();
  await caller.until((all) => all.includes("data: 2\n\n"));
  caller.socket.destroy();
});

test("an upgrade becomes a tunnel both ways, and h2c does not", async () => {
  one.server.on("upgrade", (request, socket: Socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.on("data", (chunk) => socket.write(`echo ${chunk}`));
  });
  const caller = await openRawHttp(proxy.port);
  caller.write(
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
  );
  await caller.until((all) => /^HTTP\/1.1 101 .*upgrade: websocket\r\n\r\n$/is.test(all));
  caller.write("one");
  await caller.until((all) => all.endsWith("echo one"));
  caller.write("two");
  await caller.until((all) => all.endsWith("echo two"));
  caller.socket.destroy();
  one.server.removeAllListeners("upgrade");

  const h2c = await openRawHttp(proxy.port);
  h2c.write(
    "GET /h2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
  );
  const text = await h2c.until((all) => all.includes('"url":"/h2"'));
  expect(text).not.toContain("h2c");
  expect(text.toLowerCase()).not.toContain("http2-settings");
  h2c.socket.destroy();
});

test("rules see method, path, query and headers, and change the request", async () => {
  const to = (subset: string) => ({ cluster: clusterName("shop", subset) });
  await proxy.apply({
    ports: { "": [one.port], v2: [two.port] },
    routes: [
      {
        name: "put",
        match: { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "PUT" } }] },
        route: to("v2"),
      },
      {
        name: "query",
        match: { path: "/find", queryParameters: [{ name: "v", stringMatch: { exact: "2" } }] },
        route: to("v2"),
      },
      {
        name: "header",
        match: { prefix: "/", headers: [{ name: "x-user", stringMatch: { prefix: "a" } }] },
        route: to("v2"),
      },
      {
        name: "rewritten",
        match: { prefix: "/old/" },
        route: { ...to("v2"), prefixRewrite: "/new/", hostRewriteLiteral: "inner" },
        requestHeadersToAdd: [{ header: { key: "X-Set", value: "yes" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
        requestHeadersToRemove: ["x-gone"],
      },
      { name: "direct", match: { path: "/direct" }, directResponse: { status: 418, body: { inlineString: "tea" } } },
    ],
  });
  const ask = async (path: string, init: RequestInit = {}) =>
    (await (await fetch(`${proxy.url}${path}`, init)).json()) as Record<string, unknown>;
  expect(await ask("/a")).toMatchObject({ name: "one" });
  expect(await ask("/a", { method: "PUT" })).toMatchObject({ name: "two" });
  expect(await ask("/find?v=1")).toMatchObject({ name: "one" });
  expect(await ask("/find?x=1&v=2")).toMatchObject({ name: "two", url: "/find?x=1&v=2" });
  expect(await ask("/a", { headers: { "x-user": "anna" } })).toMatchObject({ name: "two" });
  const rewritten = await ask("/old/7?q=1", { headers: { "x-gone": "1", "x-set": "no" } });
  expect(rewritten).toMatchObject({ name: "two", url: "/new/7?q=1", headers: { host: "inner", "x-set": "yes" } });
  expect(rewritten["headers"]).not.toHaveProperty("x-gone");
  const direct = await fetch(`${proxy.url}/direct`);
  expect([direct.status, await direct.text()]).toEqual([418, "tea"]);
  const row = proxy.proxy.stats().calls.find(({ route }) => route === "put");
  expect(row).toMatchObject({ protocol: "http", method: "PUT", subset: "v2", responseCode: 200, responseFlags: "-" });
});

test("a request is mirrored, body and all, to a Host that says so; the caller hears the first answer", async () => {
  const seen: { url: string | undefined; host: string | undefined; body: string }[] = [];
  two.answer = (request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (chunk: Buffer) => pieces.push(chunk));
    request.on("end", () => {
      seen.push({ url: request.url, host: request.headers.host, body: Buffer.concat(pieces).toString() });
      response.end("nobody hears this");
    });
  };
  const requestMirrorPolicies = [{ cluster: clusterName("shop", "shadow") }];
  const route = {
    name: "shadowed",
    match: { prefix: "/" },
    route: { cluster: clusterName("shop"), requestMirrorPolicies },
  };
  await proxy.apply({ ports: { "": [one.port], shadow: [two.port] }, routes: [route] });
  const body = "x".repeat(100_000);
  const answer = await fetch(`${proxy.url}/orders?x=1`, { method: "POST", body });
  expect(await answer.json()).toMatchObject({ name: "one", body });
  expect(await (await fetch(`${proxy.url}/plain`)).json()).toMatchObject({ name: "one" });
  await vi.waitFor(() => expect(seen).toHaveLength(2), 10_000);
  const host = `127.0.0.1-shadow:${proxy.port}`;
  expect(seen).toContainEqual({ url: "/orders?x=1", host, body });
  expect(seen).toContainEqual({ url: "/plain", host, body: "" });
  expect(proxy.proxy.stats().counters).toMatchObject({ mirrored: 2, mirrorsDropped: 0 });
});

test("a rule's header that none can be refuses the call, in an answer and in a direct response, and ends no connection", async () => {
  const add = { header: { key: "x-bad", value: "a\u0001b" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;
  const bad = { responseHeadersToAdd: [add] };
  await proxy.apply({
    ports: { "": [one.port] },
    routes: [
      { name: "own", match: { path: "/own" }, directResponse: { status: 200, body: { inlineString: "x" } }, ...bad },
      { name: "bad", match: { path: "/bad" }, route: { cluster: clusterName("shop") }, ...bad },
      { name: "all", match: { prefix: "/" }, route: { cluster: clusterName("shop") } },
    ],
  });
  for (const path of ["/own", "/bad"]) {
    const answer = await fetch(`${proxy.url}${path}`);
    expect([path, answer.status]).toEqual([path, 400]);
    expect(await answer.text()).toContain("trestle: ");
  }
  expect(await (await fetch(`${proxy.url}/`)).json()).toMatchObject({ name: "one" });
});

test("answers' headers change by rules, and a direct response's too; its body may be bytes", async () => {
  const changes = {
    responseHeadersToAdd: [
      { header: { key: "x-served", value: "by rule" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
    ],
    responseHeadersToRemove: ["x-provider"],
  } as const;
  const bytes = Buffer.from([0, 255, 10]);
  await proxy.apply({
    ports: { "": [one.port] },
    routes: [
      {
        name: "own",
        match: { path: "/own" },
        directResponse: { status: 200, body: { inlineBytes: bytes.toString("base64") } },
        ...changes,
      },
      { name: "all", match: { prefix: "/" }, route: { cluster: clusterName("shop") }, ...changes },
    ],
  });
  const answer = await fetch(`${proxy.url}/`);
  expect([answer.headers.get("x-served"), answer.headers.get("x-provider")]).toEqual(["by rule", null]);
  expect(await answer.json()).toMatchObject({ name: "one" });
  const own = await fetch(`${proxy.url}/own`);
  expect([own.headers.get("x-served"), Buffer.from(await own.arrayBuffer())]).toEqual(["by rule", bytes]);
});

test("a path is rewritten by a pattern, the query stays", async () => {
  const regexRewrite = { pattern: { regex: "^/v(\\d+)/(.*)$" }, substitution: "/\\2/of/\\1" };
  const route = { name: "moved", match: { prefix: "/v" }, route: { cluster: clusterName("shop"), regexRewrite } };
  await proxy.apply({ ports: { "": [one.port] }, routes: [route] });
  expect(await (await fetch(`${proxy.url}/v2/orders?a=b`)).json()).toMatchObject({ url: "/orders/of/2?a=b" });
});

test("a caller without the cookie that a hash asks for is given one", async () => {
  const hashPolicy = [{ cookie: { name: "sid", ttl: "60s", path: "/" } }];
  const route = { name: "sticky", match: { prefix: "/" }, route: { cluster: clusterName("shop"), hashPolicy } };
  await proxy.apply({ ports: { "": [one.port, two.port] }, routes: [route] });
  const first = await fetch(`${proxy.url}/`);
  await first.json();
  const line = first.headers.get("set-cookie")!;
  expect(line).toMatch(/^sid="[0-9a-f]{16}"; Max-Age=60; Path=\/; HttpOnly$/);
  const again = await fetch(`${proxy.url}/`, { headers: { cookie: line.split(";")[0]! } });
  expect(again.headers.get("set-cookie")).toBeNull();
  await again.json();
});
