import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { type Ran, runTrestle } from "../support/trestle.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// `trestle call tri://` against real providers of Triple's interface style, as a person at a shell makes it.
let zookeeper: ZooKeeper;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper(hosts.registry);
});

afterAll(async () => {
  await stopAll();
});

function callAt(address: string, method: string, json: string, ...options: string[]): Promise<Ran> {
  return runTrestle(["call", address, `com.acme.OrderService.${method}`, json, ...options]);
}

describe.each(["3.2", "3.3"] as const)("a %s provider", (line) => {
  const port = 50_051;
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider(line, {
      registry: zookeeper.address,
      host: hosts.provider1,
      port,
      protocol: "tri",
      streams: true,
      group: "g",
      version: "1.0.0",
      label: line,
    });
  });

  afterAll(async () => {
    await provider.stop();
  });

  function call(method: string, json: string, ...options: string[]): Promise<Ran> {
    return callAt(`tri://${hosts.provider1}`, method, json, "--group", "g", "--version", "1.0.0", ...options);
  }

  test("answers a call whose types are not known", async () => {
    const ran = await call("getOrder", "[42]");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({ id: 42, servedBy: line, class: "com.acme.Order" });
  });

  test.each<[string, string, string, string]>([
    ["echoLong", "[9007199254740993]", "long", '"9007199254740993"'],
    ["echoDouble", "[2]", "double", "2.0"],
    ["echoDecimal", '["1.10"]', "java.math.BigDecimal", '"1.10"'],
    ["echoString", '["é中🚀"]', "String", '"é中🚀"'],
    ["echoBytes", '["Af8A"]', "byte[]", '"Af8A"'],
    ["echoInts", "[[1,-1,2147483647]]", "[I", "[1,-1,2147483647]"],
    ["echoMap", '[{"k":1}]', "java.util.Map", '{"k":1}'],
    ["echoObject", "[null]", "Object", "null"],
    ["cancelOrder", "[1]", "J", "null"],
  ])("%s of %s as %s is %s", async (method, json, types, result) => {
    const ran = await call(method, json, "--types", types);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout.replace(/\s+/g, "")).toBe(result);
  });

  test("tells overloads apart by --types, and takes objects, typed and generic", async () => {
    const found = await call("find", '["shelf"]', "--types", "String");
    expect(JSON.parse(found.stdout)).toMatchObject({ note: "shelf", servedBy: line });
    for (const options of [["--types", "com.acme.Order"], []]) {
      const ran = await call("createOrder", '[{"id":7,"note":"shelf","class":"com.acme.Order"}]', ...options);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(ran.stdout)).toMatchObject({ servedBy: line, note: expect.stringContaining("shelf") });
    }
  });

  test("sees the attachments in their own case", async () => {
    const ran = await call("attachments", "[]", "--attachment", "x-gray=blue", "--attachment", "userId=a=b c");
    expect(JSON.parse(ran.stdout)).toMatchObject({ "x-gray": "blue", userId: "a=b c" });
  });

  test("has its exceptions and their causes told, with exit code 1", async () => {
    const typed = await call("fail", '["runtime-cause"]', "--types", "String");
    expect(typed).toMatchObject({ code: 1, stdout: "" });
    expect(typed.stderr).toMatch(
      /^java\.lang\.IllegalArgumentException: bad id\ncaused by: .+NumberFormatException: x\n/,
    );
    for (const options of [["--types", "String"], []]) {
      const checked = await call("fail", '["checked"]', ...options);
      expect(checked).toMatchObject({ code: 1, stdout: "" });
      expect(checked.stderr).toMatch(/^com\.acme\.OrderException: no such order\n/);
    }
  });

  test("has its refusals told in one line, with exit code 1", async () => {
    const nobody = await call("nosuch", "[1]", "--types", "long");
    expect(nobody).toMatchObject({ code: 1, stdout: "" });
    // 3.3.6 trips over a method that is not there.
    const said =
      line === "3.3" ? /^trestle: the provider answered 2 \(unknown\): .+\n$/ : /12 \(unimplemented\): .*nosuch.*\n$/;
    expect(nobody.stderr).toMatch(said);
    const service = await runTrestle(["call", `tri://${hosts.provider1}`, "com.acme.NoSuch.getOrder", "[42]"]);
    expect(service).toMatchObject({ code: 1, stdout: "" });
    expect(service.stderr).toMatch(/^trestle: the provider answered 12 \(unimplemented\)(: .+)?\n$/);
  });

  test("that is too slow is given up, with exit code 2", async () => {
    const ran = await call("sleep", "[5000]", "--types", "long", "--timeout", "300");
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toBe(`trestle: no answer from ${hosts.provider1}:${port} in time\n`);
  });

  test("is found in a registry", async () => {
    const where = ["--registry", zookeeper.address, "--group", "g", "--version", "1.0.0"];
    const ran = await runTrestle(["call", "com.acme.OrderService.sayHi", '["bob"]', ...where]);
    expect(ran).toEqual({ code: 0, stderr: "", stdout: '"hi bob"\n' });
    const oneWay = await runTrestle(["call", "com.acme.OrderService.note", '["x"]', ...where, "--one-way"]);
    const none = "the registry lists no dubbo provider of com.acme.OrderService in that group and version";
    expect(oneWay).toEqual({ code: 2, stdout: "", stderr: `trestle: ${none}\n` });
  });

  test("is found in a registry and called by the protocol that is named", async () => {
    const where = ["--registry", zookeeper.address, "--group", "g", "--version", "1.0.0"];
    const say = (protocol: string, ...more: string[]) =>
      runTrestle(["call", ...more, ...where, "--protocol", protocol]);
    expect(await say("tri", "com.acme.OrderService.sayHi", '["bob"]')).toMatchObject({ code: 0, stdout: '"hi bob"\n' });
    const relay = fileURLToPath(new URL("../../fixtures/peers/grpc/relay.proto", import.meta.url));
    const grpc = await say("grpc", "com.acme.Relay/Say", '"hi"', "--proto", relay);
    expect(grpc).toEqual({ code: 0, stderr: "", stdout: `"${line}: hi"\n` });
    const http = await say("http", "com.acme.OrderService.sayHi", '["bob"]');
    // 3.2 takes no JSON.
    if (line === "3.3") expect(http).toEqual({ code: 0, stderr: "", stdout: '"hi bob"\n' });
    else expect(http).toMatchObject({ code: expect.toBeOneOf([1, 2]) as number, stdout: "" });
    const dubbo = await say("dubbo", "com.acme.OrderService.sayHi", '["bob"]');
    expect(dubbo.stderr).toContain("the registry lists no dubbo provider of com.acme.OrderService");
  });

  if (line === "3.3") {
    test("is called by JSON over HTTP", async () => {
      const service = ["--group", "g", "--version", "1.0.0"];
      const callJson = (method: string, json: string, ...options: string[]) => {
        const at = [`http://${hosts.provider1}:${port}`, `com.acme.OrderService.${method}`, json];
        return runTrestle(["call", ...at, ...service, ...options]);
      };
      const order = await callJson("getOrder", "[42]");
      expect(order).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(order.stdout)).toMatchObject({ id: 42, servedBy: line });
      expect(JSON.parse((await callJson("find~l", "[1]")).stdout)).toMatchObject({ id: 1 });
      expect(JSON.parse((await callJson("echoStrings", '[["a","b"]]')).stdout)).toEqual(["a", "b"]);
      expect(await callJson("cancelOrder", "[1]")).toEqual({ code: 0, stdout: "null\n", stderr: "" });
      const attached = await callJson("attachments", "[]", "--attachment", "userId=7");
      expect(JSON.parse(attached.stdout)).toMatchObject({ userId: "7" });
      const failed = await callJson("fail", '["checked"]');
      const stderr = "trestle: the provider answered 500 (Internal Server Error): no such order\n";
      expect(failed).toEqual({ code: 1, stdout: "", stderr });
      expect(await callJson("nosuch", "[]")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("404 (Not Found)"),
      });
      const late = `trestle: no answer from ${hosts.provider1}:${port} in time\n`;
      expect(await callJson("sleep", "[5000]", "--timeout", "300")).toEqual({ code: 2, stdout: "", stderr: late });
    });
  }

  test("of protobuf messages is called by grpc://, streams too", async () => {
    const relay = fileURLToPath(new URL("../../fixtures/peers/grpc/relay.proto", import.meta.url));
    const callRelay = (method: string, json: string) => {
      const options = ["--proto", relay, "--group", "g", "--version", "1.0.0"];
      return runTrestle(["call", `grpc://${hosts.provider1}`, `com.acme.Relay/${method}`, json, ...options]);
    };
    expect(await callRelay("Say", '"hi"')).toEqual({ code: 0, stderr: "", stdout: `"${line}: hi"\n` });
    expect(await callRelay("Count", "2")).toEqual({ code: 0, stderr: "", stdout: `"${line} 0"\n"${line} 1"\n` });
    expect((await callRelay("Sum", "[1,2]")).stdout).toMatch(/3"\n$/);
    expect((await callRelay("Talk", '["a","b"]')).stdout.trim().split("\n")).toHaveLength(2);
    const failed = await callRelay("Say", '"fail 5 no such order"');
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^trestle: the provider answered 5 \(not_found\): .*no such order\n$/);
  });

  test("may answer with megabytes, up to the limit", async () => {
    const ran = await call("makeBytes", "[5000000]", "--types", "int");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(Buffer.from(JSON.parse(ran.stdout), "base64")).toHaveLength(5_000_000);
    const over = await call("makeBytes", "[5000000]", "--types", "int", "--max-message", "1000000");
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toMatch(/^trestle: grpc message of \d+ bytes is over maxMessageBytes 1000000\n$/);
  });
});

describe("a peer that gives no answer", () => {
  const servers = new Set<{ close(): unknown }>();
  const target = "com.acme.OrderService.getOrder";

  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** Has it listen, and calls it. */
  async function callPeer(server: Server, scheme: "tri" | "http", ...options: string[]): Promise<Ran> {
    servers.add(server);
    await new Promise<void>((resolve) => server.listen(0, hosts.trestle, resolve));
    const { port } = server.address() as { port: number };
    const ran = await runTrestle(["call", `${scheme}://${hosts.trestle}:${port}`, target, "[42]", ...options]);
    return { ...ran, stderr: ran.stderr.replace(`${hosts.trestle}:${port}`, "PEER") };
  }

  /** A server of Node's own HTTP/2. */
  function http2(answer: (stream: ServerHttp2Stream) => void): Server {
    const server = createHttp2Server({ settings: { maxFrameSize: 16_384 } });
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      answer(stream);
    });
    return server;
  }

  /** SETTINGS, and GOAWAY with a last stream, a code and a text. */
  function goodbye(lastStream: number, code: number, text: string): Buffer {
    const head = Buffer.from("000000040000000000" + "00000007000000000000000000" + "00000000", "hex");
    head.writeUInt8(8 + text.length, 11);
    head.writeUInt32BE(lastStream, 18);
    head.writeUInt32BE(code, 22);
    return Buffer.concat([head, Buffer.from(text)]);
  }

  const grpc = { ":status": 200, "content-type": "application/grpc" };

  test.each<[string, () => Server, string]>([
    [
      "that speaks HTTP/1",
      () => createHttp1Server((_, response) => void response.end("hello")),
      'PEER speaks HTTP/1, not HTTP/2: it answered "HTTP/1.1 400 Bad Request"',
    ],
    [
      "that answers with text, as Dubbo2's telnet does",
      () => createServer((socket) => void socket.write("Unsupported command: PRI\r\ndubbo>")),
      'PEER speaks no HTTP/2: it answered "Unsupported command: PRI"',
    ],
    [
      "that hangs up",
      () => createServer((socket) => void socket.once("data", () => socket.end())),
      "PEER closed the connection instead of speaking HTTP/2",
    ],
    [
      "that resets the connection",
      () => createServer((socket) => void socket.once("data", () => socket.resetAndDestroy())),
      "connection to PEER broke: ECONNRESET",
    ],
    [
      "that says nothing",
      () => createServer((socket) => void socket.resume()),
      "no answer from PEER in time; it has not begun to speak HTTP/2 (a port of Dubbo2 is called by dubbo://)",
    ],
    ["that never answers", () => http2(() => {}), "no answer from PEER in time"],
    ["that resets the call", () => http2((stream) => stream.close(2)), "PEER reset the call (INTERNAL_ERROR)"],
    [
      "that says goodbye",
      () => createServer((socket) => void socket.write(goodbye(0, 11, "too_many_pings"))),
      "PEER reset the call (REFUSED_STREAM) after GOAWAY (ENHANCE_YOUR_CALM: too_many_pings)",
    ],
    [
      "that says goodbye and leaves",
      () => createServer((socket) => void socket.once("data", () => socket.end(goodbye(1, 2, "out of memory")))),
      "connection to PEER was closed after GOAWAY (INTERNAL_ERROR: out of memory)",
    ],
    [
      "that is no gRPC server",
      () => http2((stream) => stream.respond({ ":status": 200, "content-type": "text/html" }) ?? stream.end("<p>")),
      "the answer has http status 200 and content-type text/html: this is no gRPC",
    ],
    [
      "that compresses what was not agreed",
      () =>
        http2((stream) => {
          stream.respond({ ...grpc, "grpc-encoding": "snappy" });
          stream.end(Buffer.from("010000000100", "hex"));
        }),
      'grpc message is compressed, but its answer has grpc-encoding "snappy"; identity,gzip,deflate were offered',
    ],
    [
      "that breaks off within a message",
      () =>
        http2((stream) => {
          stream.respond(grpc);
          stream.end(Buffer.from("0000000010aabb", "hex"));
        }),
      "grpc message is cut off: its stream ended 7 bytes into it",
    ],
  ])("%s is named, with exit code 2", async (_name, server, text) => {
    const ran = await callPeer(server(), "tri", "--timeout", "1000");
    expect(ran).toEqual({ code: 2, stdout: "", stderr: `trestle: ${text}\n` });
  });

  test.each<[string, () => Server, string]>([
    [
      "that speaks no HTTP",
      () => createServer((socket) => void socket.write("Unsupported command: POST\r\n")),
      'PEER speaks no HTTP/1: it answered "Unsupported command: POST"',
    ],
    [
      "that hangs up",
      () => createServer((socket) => void socket.once("data", () => socket.end())),
      "connection to PEER broke: ECONNRESET",
    ],
    ["that says nothing", () => createServer((socket) => void socket.resume()), "no answer from PEER in time"],
    ["that speaks HTTP/2 alone", () => http2(() => {}), "PEER speaks HTTP/2, not HTTP/1; call it by tri:// or grpc://"],
    [
      "that answers with a page",
      () => createHttp1Server((_, answer) => void answer.setHeader("content-type", "text/html").end("<p>")),
      'the answer is no JSON but "text/html"',
    ],
    [
      "that answers without end",
      () =>
        createHttp1Server((_, answer) => {
          answer.on("error", () => {});
          const timer = setInterval(() => answer.write(Buffer.alloc(1000)), 1);
          answer.on("close", () => clearInterval(timer));
        }),
      "the answer is over maxMessageBytes 10000",
    ],
    [
      "that breaks off",
      () =>
        createHttp1Server((_, answer) => {
          answer.writeHead(200, { "content-type": "application/json", "content-length": "100" });
          answer.write("{");
          setTimeout(() => answer.destroy(), 50);
        }),
      "connection to PEER broke: ECONNRESET",
    ],
  ])("to a call by HTTP, %s, is named too", async (_name, server, text) => {
    const ran = await callPeer(server(), "http", "--timeout", "1000", "--max-message", "10000");
    expect(ran).toEqual({ code: 2, stdout: "", stderr: `trestle: ${text}\n` });
  });

  test("an HTTP status that no proxy of gRPC's would give is an error of the callee's", async () => {
    const ran = await callPeer(
      http2((stream) => stream.respond({ ":status": 503 }, { endStream: true })),
      "tri",
    );
    const stderr =
      "trestle: the provider answered 14 (unavailable): answer with http status 503 and without grpc-status\n";
    expect(ran).toEqual({ code: 1, stdout: "", stderr });
  });

  test("nobody listens", async () => {
    const ran = await runTrestle(["call", `tri://${hosts.trestle}:9`, target, "[42]"]);
    const stderr = `trestle: no connection to ${hosts.trestle}:9: ECONNREFUSED\n`;
    expect(ran).toEqual({ code: 2, stdout: "", stderr });
  });

  test("a call that could not be written is not made", async () => {
    const at = ["call", `tri://${hosts.trestle}:9`, target, "[42]"];
    const attachment = await runTrestle([...at, "--attachment", "a b=1"]);
    expect(attachment).toMatchObject({ code: 2, stderr: 'trestle: no header can carry attachment "a b"\n' });
    const oneWay = await runTrestle([...at, "--one-way"]);
    expect(oneWay).toMatchObject({
      code: 2,
      stderr: "trestle: --one-way is for dubbo alone: every call of Triple has an answer\n",
    });
  });
});
