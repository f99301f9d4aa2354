import { Agent, createServer as createHttpServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Http1Client } from "../../src/codecs/http1/client.ts";
import type { ClientEvent, RequestToSend } from "../../src/codecs/http1/connection.ts";
import { Http1Server } from "../../src/codecs/http1/server.ts";

// The codec against Node's own HTTP/1.1 (llhttp) as the peer, in both directions, over real sockets.
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Our server on a socket: echoes method, target and body; in chunks with a trailer when the target says so. */
function echoServer(): Server {
  return createServer((socket) => {
    closers.push(() => socket.destroy());
    const machine = new Http1Server();
    const texts = new Map<number, string>();
    const turn = (bytes: Buffer): void => {
      for (let events = machine.receive(bytes, 0); events.length > 0; events = machine.receive(Buffer.alloc(0), 0)) {
        for (const event of events) {
          if (event.type === "head") {
            const { id, head } = event;
            if (head.upgrade) machine.send({ type: "head", id, status: 101, upgrade: "echo" }, 0);
            machine.sendContinue(id);
            texts.set(id, `${head.method} ${head.target} `);
          } else if (event.type === "data") {
            const tunnel = texts.get(event.id)?.includes("/tunnel") === true;
            if (tunnel) machine.send({ type: "data", id: event.id, bytes: event.bytes }, 0);
            else texts.set(event.id, `${texts.get(event.id)}${event.bytes.latin1Slice()}`);
          } else if (event.type === "end") {
            const { id } = event;
            const body = Buffer.from(texts.get(id) ?? "");
            const chunked = body.includes("/chunked");
            if (!body.includes("/tunnel")) {
              machine.send({ type: "head", id, status: 200, length: chunked ? undefined : body.length }, 0);
              machine.send({ type: "data", id, bytes: body }, 0);
              machine.send({ type: "end", id, trailers: [["x-trailer", "t"]] }, 0);
            }
          }
        }
      }
      const output = machine.takeOutput();
      if (output.length > 0) socket.write(output);
      if (machine.closing) socket.end();
    };
    socket.on("data", turn);
    socket.on("error", () => socket.destroy());
  });
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of message) text += String(piece);
  return text;
}

test("node:http calls our server: bodies both ways, trailers, HEAD, 100-continue, on one kept connection", async () => {
  const port = await listen(echoServer());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  closers.push(() => agent.destroy());
  const sockets = new Set<unknown>();
  const call = (method: string, path: string, body: string, headers: Record<string, string> = {}) =>
    new Promise<readonly [number, string, string | undefined]>((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port, agent, method, path, headers }, (answer) => {
        textOf(answer).then((text) => resolve([answer.statusCode ?? 0, text, answer.trailers["x-trailer"]]), reject);
      });
      outgoing.on("error", reject);
      outgoing.on("socket", (socket) => sockets.add(socket));
      if (headers["Expect"] === undefined) outgoing.end(body);
      else outgoing.on("continue", () => outgoing.end(body));
    });
  const large = "0123456789".repeat(50_000);
  expect(await call("GET", "/a?b=c", "")).toEqual([200, "GET /a?b=c ", undefined]);
  expect(await call("POST", "/chunked", "hello", { "Transfer-Encoding": "chunked" })).toEqual([
    200,
    "POST /chunked hello",
    "t",
  ]);
  expect(await call("HEAD", "/h", "")).toEqual([200, "", undefined]);
  expect(await call("PUT", "/e", "body", { Expect: "100-continue", "Content-Length": "4" })).toEqual([
    200,
    "PUT /e body",
    undefined,
  ]);
  expect((await call("POST", "/large", large))[1].length).toBe("POST /large ".length + large.length);
  expect(sockets.size).toBe(1);
});

test("node:http upgrades on our server and talks through the tunnel", async () => {
  const port = await listen(echoServer());
  const echoed = await new Promise<string>((resolve, reject) => {
    const headers = { Connection: "Upgrade", Upgrade: "echo" };
    const outgoing = request({ host: "127.0.0.1", port, path: "/tunnel", headers });
    outgoing.on("upgrade", (_answer, socket) => {
      closers.push(() => socket.destroy());
      socket.on("data", (bytes) => resolve(String(bytes)));
      socket.write("through");
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
  expect(echoed).toBe("through");
});

test("our client calls node:http: chunks, trailers, 204, HEAD, interim answers, close", async () => {
  const peer = createHttpServer((incoming, answer) => {
    void textOf(incoming).then((text) => {
      if (incoming.url === "/none") answer.writeHead(204).end();
      else if (incoming.url === "/hints") {
        answer.writeEarlyHints({ link: "</style.css>; rel=preload" });
        answer.end("hinted");
      } else if (incoming.url === "/close") answer.writeHead(200, { connection: "close" }).end(text);
      else {
        answer.writeHead(200, { "transfer-encoding": "chunked", trailer: "x-t" });
        answer.write(`${incoming.method} ${text} ${incoming.trailers["x-s"] ?? ""}`);
        answer.addTrailers({ "x-t": "v" });
        answer.end();
      }
    });
  });
  const port = await listen(peer);
  const socket = connect(port, "127.0.0.1");
  closers.push(() => socket.destroy());
  const machine = new Http1Client();
  let told: string[] = [];
  let ended: () => void = () => {};
  const note = (events: readonly ClientEvent[]): void => {
    for (const event of events) {
      if (event.type === "head") told.push(String(event.head.status));
      else if (event.type === "data") told.push(event.bytes.latin1Slice());
      else {
        told.push(event.type === "end" ? `end ${event.trailers?.get("x-t") ?? ""}` : event.error.message);
        ended();
      }
    }
  };
  socket.on("data", (bytes) => note(machine.receive(bytes, 0)));
  socket.on("end", () => note(machine.receiveEnd(0)));
  let id = 0;
  const call = async (send: Pick<RequestToSend, "method" | "target" | "length">, body: string): Promise<string[]> => {
    told = [];
    const done = new Promise<void>((resolve) => {
      ended = resolve;
    });
    id++;
    machine.send({ type: "head", id, ...send, fields: [["Host", "h"]] }, 0);
    machine.send({ type: "data", id, bytes: Buffer.from(body) }, 0);
    machine.send({ type: "end", id, trailers: [["x-s", "sent"]] }, 0);
    socket.write(machine.takeOutput());
    await done;
    return told;
  };
  expect((await call({ method: "POST", target: "/" }, "hello")).join("|")).toBe("200|POST hello sent|end v");
  expect((await call({ method: "POST", target: "/", length: 2 }, "ok")).join("|")).toBe("200|POST ok |end v");
  expect(await call({ method: "GET", target: "/none", length: 0 }, "")).toEqual(["204", "end "]);
  expect(await call({ method: "HEAD", target: "/", length: 0 }, "")).toEqual(["200", "end "]);
  expect((await call({ method: "GET", target: "/hints", length: 0 }, "")).join("|")).toBe("103|200|hinted|end ");
  expect(machine.isReusable).toBe(true);
  expect((await call({ method: "POST", target: "/close", length: 3 }, "bye")).join("|")).toBe("200|bye|end ");
  expect([machine.isReusable, machine.closing]).toEqual([false, true]);
});
