import { Agent, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { EurekaUpstream } from "../../../../../src/registry-sync/facades/eureka/upstream.ts";
import { PretendSocket } from "../../../../support/pretend-socket.ts";

/** A connection that was accepted. */
class Line extends PretendSocket {
  readonly host: string;

  constructor(host: string) {
    super();
    this.host = host;
  }

  /** First lines of the requests on it. */
  get asked(): readonly string[] {
    return this.said.match(/^[A-Z]+ \/\S*(?= HTTP)/gm) ?? [];
  }
}

function stage(...hosts: readonly string[]) {
  const lines: Line[] = [];
  vi.spyOn(Agent.prototype as unknown as { createConnection(to: { host: string }): Duplex }, "createConnection") //
    .mockImplementation(({ host }) => {
      const line = new Line(host);
      lines.push(line);
      return line;
    });
  const clock = new ManualClock();
  const startMs = clock.now();
  const upstream = new EurekaUpstream({
    ...{ connectTimeoutMs: 2_000, timeoutMs: 5_000, budgetMs: 7_000, clock },
    servers: hosts.map((host) => ({ host, port: 8761 })),
  });
  const outcomes: string[] = [];
  const put = (path: string) => {
    upstream.pass({ method: "PUT", path, headers: {}, body: Buffer.alloc(0) }).then(
      (answer: IncomingMessage) => outcomes.push(`${answer.statusCode}`) && answer.on("error", () => {}).resume(),
      (error: Error) => outcomes.push(`${clock.now() - startMs} ms: ${error.message}`),
    );
    return settled();
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { lines, outcomes, put, pass, upstream };
}

/** Everything that is due without time passing has run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const CUT = Object.assign(new Error("cut"), { code: "ECONNRESET" });

afterEach(() => {
  vi.restoreAllMocks();
});

test("servers that accept and say nothing take no longer together than one budget, and one that would get too little is not asked", async () => {
  const { lines, outcomes, put, pass } = stage("a", "b", "c");
  await put("/x");
  await pass(4_999);
  expect(lines.map(({ host, asked }) => [host, ...asked])).toEqual([["a", "PUT /x"]]);
  await pass(1);
  expect(lines.map(({ host }) => host)).toEqual(["a", "b"]);
  await pass(1_999);
  expect(outcomes).toEqual([]);
  await pass(1);
  expect(outcomes).toEqual([
    "7000 ms: no eureka server answers: a:8761: no answer within 5000 ms; b:8761: no answer within 2000 ms",
  ]);
  expect(lines.map(({ host }) => host)).toEqual(["a", "b"]);
});

test("the next request begins with the server that is due, and stays with the one that answered", async () => {
  const { lines, outcomes, put } = stage("a", "b");
  await put("/x");
  lines[0]!.destroy(CUT);
  await settled();
  lines[1]!.push(OK);
  await settled();
  await put("/y");
  lines[1]!.push(OK);
  await settled();
  expect(outcomes).toEqual(["200", "200"]);
  expect(lines.map(({ host, asked }) => [host, ...asked])).toEqual([
    ["a", "PUT /x"],
    ["b", "PUT /x", "PUT /y"],
  ]);
});

test("a request that was given up on a kept connection is not sent again behind its back", async () => {
  const { lines, outcomes, put, pass } = stage("a");
  await put("/x");
  lines[0]!.push(OK);
  await settled();
  await put("/y");
  await pass(5_000);
  expect(outcomes).toEqual(["200", "5000 ms: no eureka server answers: a:8761: no answer within 5000 ms"]);
  await pass(20_000);
  expect(lines.flatMap(({ asked }) => asked)).toEqual(["PUT /x", "PUT /y"]);
});

test("an answer that is cut off on a kept connection does not have its request sent again", async () => {
  const { lines, outcomes, put, pass } = stage("a");
  await put("/x");
  lines[0]!.push(OK);
  await settled();
  await put("/y");
  lines[0]!.push("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
  await settled();
  lines[0]!.destroy(CUT);
  await pass(20_000);
  expect(outcomes).toEqual(["200", "200"]);
  expect(lines.flatMap(({ asked }) => asked)).toEqual(["PUT /x", "PUT /y"]);
});

test("a request that is sent anew, as its kept connection was closed, has what is left of its time", async () => {
  const { lines, outcomes, put, pass } = stage("a");
  await put("/x");
  lines[0]!.push(OK);
  await settled();
  await put("/y");
  await pass(4_000);
  lines[0]!.destroy(CUT);
  await settled();
  expect(lines.map(({ asked }) => asked)).toEqual([["PUT /x", "PUT /y"], ["PUT /y"]]);
  await pass(1_000);
  expect(outcomes).toEqual(["200", "5000 ms: no eureka server answers: a:8761: no answer within 1000 ms"]);
});

test("a request whose signal is aborted ends with its connection, and no other server is asked", async () => {
  const { lines, upstream } = stage("a", "b");
  const giving = new AbortController();
  const request = { method: "POST", path: "/x", headers: {}, body: Buffer.from("{}"), signal: giving.signal };
  const asked = upstream.pass(request);
  await settled();
  giving.abort();
  await expect(asked).rejects.toThrow("the request to eureka was given up");
  await expect(upstream.pass(request)).rejects.toThrow("the request to eureka was given up");
  await settled();
  expect(lines.map(({ host, destroyed }) => [host, destroyed])).toEqual([["a", true]]);
  const last = upstream.pass({ ...request, signal: new AbortController().signal });
  await settled();
  expect(lines[1]!.host).toBe("a");
  lines[1]!.push(OK);
  expect((await last).statusCode).toBe(200);
});
