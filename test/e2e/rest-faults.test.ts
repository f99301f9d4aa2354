import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectDubbo, type DubboClient } from "../../src/cli/dubbo/client.ts";
import { isObject, type Value } from "../../src/codecs/value.ts";
import { eventually } from "../support/process.ts";
import { restMethod, restSchema } from "../support/rest-schema.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// REST services that misbehave, or have bad luck, and what a Dubbo2 caller is told then. The service is bytes by hand.
const key = "com.acme.Orders";
let stage: TripleStage;
let client: DubboClient;
let server: Server;
let port: number;
/** What is done with each request, by its whole text; connections are told apart by their socket. */
let onRequest: (socket: Socket, text: string) => void = () => {};
let requests: string[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      requests.push(chunk);
      onRequest(socket, chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
  stage = await startTripleStage("127.0.0.1", { maxSkipBytes: 1024 * 1024 });
  const id = { name: "id", in: "path" } as const;
  const schema = restSchema([
    restMethod("get", "GET /orders/{id}", [id], { parameterTypes: ["long"], returnType: "java.lang.String" }),
    restMethod("add", "POST /orders", [{ name: "order", in: "body" }], { returnType: "int" }),
  ]);
  await stage.apply([{ key, endpoints: [{ port, protocol: "http" }] }], [schema]);
  client = await connectDubbo({ host: stage.host, port: stage.dubboPort });
});

beforeEach(() => {
  requests = [];
});

afterAll(async () => {
  client?.close();
  await stage?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
});

function call(
  method: string,
  descriptor: string,
  args: readonly Value[],
  attachments: Readonly<Record<string, string>> = {},
) {
  const names = { interface: key, group: "", version: "" };
  return client.call({ ...names, twoWay: true, method, descriptor, args, attachments }, 10_000);
}

const get = (attachments?: Readonly<Record<string, string>>) => call("get", "J", [7n], attachments);

/** The status, and the value, the exception's message or the error's text. */
async function told(made: ReturnType<typeof call>): Promise<readonly [number, unknown]> {
  const answer = (await made)!;
  const { status, type, value, text } = answer;
  if (type === "error") return [status, text];
  return [status, type === "exception" && isObject(value) ? value.values[0] : value];
}

const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

describe("an answer", () => {
  test.each<[string, string, readonly [number, unknown]]>([
    ["by its length", ok("seven"), [20, "seven"]],
    [
      "in chunks, with trailers",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/plain\r\n\r\n3\r\nsev\r\n2\r\nen\r\n0\r\nx: y\r\n\r\n",
      [20, "seven"],
    ],
    ["behind interim ones", `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok("seven")}`, [20, "seven"]],
    ["with nothing", "HTTP/1.1 204 No Content\r\n\r\n", [20, null]],
    [
      "that is an error",
      'HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"message":"no"}',
      [20, "HTTP 409: no"],
    ],
    [
      "that is no HTTP",
      "SSH-2.0-OpenSSH\r\n\r\n",
      [80, expect.stringContaining("closed the connection before it answered")],
    ],
    [
      "with two lengths",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
      [80, expect.stringContaining("before it answered")],
    ],
    [
      "over the limit",
      `HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n${"a".repeat(1_500_000)}`,
      [40, expect.stringContaining("answer is over the limit of 1048576 bytes")],
    ],
    [
      "in another coding",
      ok("seven", "content-encoding: gzip\r\n"),
      [40, expect.stringContaining("content-encoding gzip, which was not asked for")],
    ],
    [
      "of another type",
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-16\r\ncontent-length: 1\r\n\r\na",
      [40, expect.stringContaining("charset utf-16")],
    ],
  ])("%s", async (_, bytes, expected) => {
    onRequest = (socket) => socket.write(bytes, "latin1");
    expect(await told(get())).toEqual(expected);
  });

  test("until the connection closes", async () => {
    onRequest = (socket) => socket.end("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nseven");
    expect(await told(get())).toEqual([20, "seven"]);
  });

  test("that ends in its middle", async () => {
    onRequest = (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsev");
    expect(await told(get())).toEqual([80, expect.stringContaining("closed the connection within its answer")]);
  });

  test("that never comes ends with the caller's patience, and so does its connection", async () => {
    onRequest = () => {};
    const before = sockets.size;
    const made = call("get", "J", [8n], { timeout: "200" });
    await eventually("the request is there", () => requests.length === 1);
    await eventually("its connection is closed", () => sockets.size <= Math.max(0, before - 1), 3_000);
    onRequest = (socket) => socket.write(ok("seven"));
    expect(await told(get())).toEqual([20, "seven"]);
    made.catch(() => {});
  });
});

test("a connection that was closed meanwhile costs a GET nothing", async () => {
  onRequest = (socket) => socket.write(ok("one"));
  expect(await told(get())).toEqual([20, "one"]);
  let refused = 0;
  const stale = new Set(sockets);
  onRequest = (socket) => {
    if (stale.has(socket)) {
      refused++;
      socket.destroy();
    } else socket.write(ok("two"));
  };
  expect(await told(get())).toEqual([20, "two"]);
  expect(refused).toBeGreaterThan(0);
});

test("a POST is not sent again", async () => {
  onRequest = (socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n7");
  expect(await told(call("add", "Ljava/lang/Object;", ["x"]))).toEqual([20, 7]);
  const stale = new Set(sockets);
  requests = [];
  onRequest = (socket) => (stale.has(socket) ? socket.destroy() : socket.write(ok("7")));
  expect(await told(call("add", "Ljava/lang/Object;", ["x"]))).toEqual([
    80,
    expect.stringContaining("before it answered"),
  ]);
  expect(requests).toHaveLength(1);
});

test("a request is one request, whatever the arguments and attachments are", async () => {
  onRequest = (socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n7");
  const attachments = { trace: "t 1", host: "evil", "content-length": "0", "x\r\ny": "z" };
  expect(await told(call("add", "Ljava/lang/Object;", ["a\r\n\r\nGET /evil HTTP/1.1"], attachments))).toEqual([20, 7]);
  const [head, body] = requests.join("").split("\r\n\r\n") as [string, string];
  expect(head.split("\r\n").sort()).toEqual([
    "POST /orders HTTP/1.1",
    "accept: application/json, */*;q=0.5",
    "content-length: 29",
    "content-type: application/json",
    `host: 127.0.0.1:${port}`,
    "trace: t 1",
  ]);
  expect(body).toBe('"a\\r\\n\\r\\nGET /evil HTTP/1.1"');
  requests = [];
  expect(await told(get({ trace: "a\r\nb: c" }))).toEqual([40, expect.stringContaining("control character 0x0d")]);
  expect(await told(call("put", "J", [7n]))).toEqual([
    40,
    expect.stringContaining("no rest mapping of com.acme.Orders is for put(long)"),
  ]);
  expect(requests).toEqual([]);
});

test("the request of a caller that hangs up is given up", async () => {
  let asked: Socket | undefined;
  onRequest = (socket) => {
    asked = socket;
  };
  const other = await connectDubbo({ host: stage.host, port: stage.dubboPort });
  const names = { interface: key, group: "", version: "" };
  const made = other.call(
    { ...names, twoWay: true, method: "get", descriptor: "J", args: [7n], attachments: {} },
    10_000,
  );
  await eventually("the request is there", () => asked !== undefined);
  other.close();
  await expect(made).rejects.toThrow();
  await eventually("its connection is closed", () => !sockets.has(asked!), 2_000);
  onRequest = (socket) => socket.write(ok("seven"));
  expect(await told(get())).toEqual([20, "seven"]);
});

test("nothing is held when all calls are over", async () => {
  await eventually(
    "nothing is held",
    () => JSON.stringify(stage.held()) === '{"callsInFlight":0,"heldBytes":0,"callsHeldByRules":0}',
    5_000,
  );
});

test("a service that is gone is told at once", async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  const [status, text] = await told(get());
  expect([status, text]).toEqual([80, expect.stringMatching(/no connection|no provider|closed the connection/)]);
});
