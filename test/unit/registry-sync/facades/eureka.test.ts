import type { Server } from "node:http";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TransientError } from "../../../../src/base/errors.ts";
import { createEurekaFacade, type EurekaFacade } from "../../../../src/registry-sync/facades/eureka.ts";
import { createPresentContext } from "../../../../src/registry-sync/present/context.ts";
import { PretendSocket } from "../../../support/pretend-socket.ts";

const listening = vi.hoisted(() => ({ server: undefined as Server | undefined }));

// The facade's server listens nowhere: connections are handed to it.
vi.mock("../../../../src/registry-sync/facades/listen.ts", () => ({
  async listenAt(server: Server) {
    listening.server = server;
    server.address = () => ({ address: "10.0.0.9", port: 8761, family: "IPv4" });
  },
}));

/** The server of a test that has one: who asks it, and what it answers with. */
const registry = vi.hoisted(() => ({
  asked: [] as { readonly path: string; readonly signal?: AbortSignal }[],
  answer: undefined as (() => Promise<unknown>) | undefined,
}));

vi.mock("../../../../src/registry-sync/facades/eureka/upstream.ts", () => ({
  EurekaUpstream: class {
    async pass(request: { readonly path: string; readonly signal?: AbortSignal }): Promise<unknown> {
      registry.asked.push(request);
      if (registry.answer === undefined) throw new TransientError("no server");
      return registry.answer();
    }
  },
}));

/** A client's connection. */
class Line extends PretendSocket {
  readonly remoteAddress = "10.1.0.1";

  get status(): string {
    return /^HTTP\/1.1 (\d+)/.exec(this.said)?.[1] ?? "";
  }
}

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
let facade: EurekaFacade;

async function start(maxKeptBytes?: number): Promise<void> {
  facade = await createEurekaFacade({
    listen: { host: "10.0.0.9", port: 8761 },
    upstream: [],
    context: createPresentContext({ addresses: [] }),
    clock: new ManualClock(),
    ...(maxKeptBytes !== undefined && { maxKeptBytes }),
  });
}

function open(): Line {
  const line = new Line();
  listening.server!.emit("connection", line);
  return line;
}

/** Everything that is due has run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nhost: e\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const MIB = 1024 * 1024;

beforeEach(() => {
  unhandled.length = 0;
  registry.asked.length = 0;
  registry.answer = undefined;
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  await settled();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
  listening.server?.closeAllConnections();
});

test.each([
  ["an instance of 1 MiB is passed on, and 503 where no server is there", "/eureka/apps/A", MIB, "503"],
  ["one of a byte more is refused", "/eureka/apps/A", MIB + 1, "413"],
  ["a batch may be longer", "/eureka/peerreplication/batch/", MIB + 1, "503"],
  ["a batch under /v2 may be longer", "/eureka/v2/peerreplication/batch/", MIB + 1, "503"],
  ["what only looks like a batch may not", "/eureka/apps/peerreplication/", MIB + 1, "413"],
])("%s", async (_, path, length, status) => {
  await start();
  const line = open();
  line.push(post(path, length));
  for (let left = length; left > 0; left -= 65_536) line.push(Buffer.alloc(Math.min(left, 65_536), 32));
  await settled();
  expect(line.status).toBe(status);
  expect(line.said.includes("connection: close")).toBe(true);
});

test("a body that breaks off with its connection ends nothing else", async () => {
  await start();
  const [broken, other] = [open(), open()];
  broken.push(post("/eureka/apps/A", 1_000));
  broken.push("half");
  await settled();
  broken.destroy(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
  other.push(post("/eureka/apps/B", 2));
  other.push("{}");
  await settled();
  expect([broken.status, other.status]).toEqual(["", "503"]);
});

test("over what may be kept of all, who has sent the most is cut off, and others are answered", async () => {
  await start(1_000);
  const [much, little] = [open(), open()];
  much.push(post("/eureka/apps/A", 2_000));
  much.push("x".repeat(990));
  await settled();
  little.push(post("/eureka/apps/B", 20));
  little.push("x".repeat(20));
  await settled();
  expect([much.destroyed, much.status, little.status]).toEqual([true, "", "503"]);
  expect(facade.counters.broken).toBe(1);
});

test("the body of a client that is gone counts until its request ends, and that is given up first where too much is kept", async () => {
  registry.answer = () => new Promise(() => {});
  await start(1_000);
  const [gone, stays] = [open(), open()];
  gone.push(`${post("/eureka/apps/A", 900)}${"x".repeat(900)}`);
  await settled();
  gone.destroy();
  await settled();
  stays.push(`${post("/eureka/apps/B", 200)}${"x".repeat(200)}`);
  await settled();
  expect(registry.asked.map(({ path, signal }) => [path, signal?.aborted])).toEqual([
    ["/eureka/apps/A", true],
    ["/eureka/apps/B", false],
  ]);
  expect([stays.destroyed, facade.counters.broken]).toEqual([false, 0]);
});

test("what is answered to a client that is gone does not count any more", async () => {
  let answer: (message: Readable) => void = () => {};
  registry.answer = () => new Promise((resolve) => (answer = resolve));
  await start(1_000);
  const [gone, stays] = [open(), open()];
  gone.push(`${post("/eureka/apps/A", 900)}${"x".repeat(900)}`);
  await settled();
  gone.destroy();
  await settled();
  answer(Object.assign(Readable.from(["ok"]), { statusCode: 200, headers: {} }));
  await settled();
  stays.push(`${post("/eureka/apps/B", 900)}${"x".repeat(900)}`);
  await settled();
  expect(registry.asked.map(({ signal }) => signal?.aborted)).toEqual([false, false]);
});

test("a status that cannot be passed on is the server's fault, and its answer is let go of", async () => {
  const message = Object.assign(Readable.from(["ok"]), { statusCode: 99, headers: {} });
  registry.answer = async () => message;
  await start();
  const line = open();
  line.push(`${post("/eureka/apps/A", 2)}{}`);
  await settled();
  expect([line.status, message.destroyed]).toEqual(["502", true]);
});
