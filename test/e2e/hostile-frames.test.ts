import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Consumer, type Loop, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, splitRule, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, sleep, stopAll } from "../support/process.ts";
import {
  frame,
  hessianLong,
  hessianString,
  openRaw,
  type RawConnection,
  request,
  requestBody,
} from "../support/raw-dubbo.ts";
import { takeUp } from "../support/rules-in-force.ts";

// What anybody can send to the proxy's port. A Java consumer calls all the while: it must not notice.
let mesh: Mesh;
let provider: Peer;
let consumer: Consumer;
let loop: Loop;

const service = { group: "g", version: "1.0.0" };
const call = { ...service, service: "com.acme.OrderService", method: "getOrder", types: "J", args: hessianLong(7n) };

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  provider = await startProvider("2.7", {
    ...service,
    registry: mesh.inside,
    host: hosts.provider1,
    label: "p",
    params: { region: "v1" },
  });
  consumer = await startConsumer("2.7", { ...service, registry: mesh.inside });
  loop = await consumer.loop({ methods: "getOrder,createOrder", threads: 2, delay: 10 });
});

afterAll(async () => {
  await stopAll();
});

async function open(port = 20880): Promise<RawConnection> {
  const connection = await openRaw(hosts.trestle, port);
  onTestFinished(() => connection.destroy());
  return connection;
}

/** The consumer has gone on calling without one failure since the last look. */
async function undisturbed(): Promise<void> {
  await sleep(300);
  const summary = await loop.stats(true);
  expect(summary.errors).toEqual([]);
  expect(summary.calls).toBeGreaterThan(0);
  expect(provider.child.exitCode).toBeNull();
}

async function stillAnswers(connection: RawConnection): Promise<void> {
  connection.write(request({ ...call, id: 99n }));
  expect(await connection.answer()).toMatchObject({ id: 99n, status: 20 });
}

/** Resident memory of Trestle's parent and workers together, in MB. */
function residentMb(): number {
  const of = (pid: string): number => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 + children.reduce((sum, child) => sum + of(child), 0);
  };
  return of(String(mesh.trestle.peer.pid));
}

test("a hand-made call is answered by the provider", async () => {
  const connection = await open();
  connection.write(request({ ...call, id: -5n }));
  const answer = await connection.answer();
  expect(answer).toMatchObject({ id: -5n, status: 20 });
  expect(answer.body.includes("com.acme.Order")).toBe(true);
});

test("a heartbeat is answered at once with its own id", async () => {
  const connection = await open();
  connection.write(frame(0xe2, 77n, Buffer.from("N")));
  expect(await connection.answer(1_000)).toMatchObject({ id: 77n, flags: 0x22, status: 20, body: Buffer.from("N") });
});

const closing: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: "a wrong magic", bytes: Buffer.from("deadbeef".repeat(8), "hex") },
  { name: "HTTP", bytes: Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
  { name: "a length of -1", bytes: frame(0xc2, 1n, Buffer.alloc(0), -1) },
  { name: "a length of -2^31", bytes: frame(0xc2, 1n, Buffer.alloc(0), -(2 ** 31)) },
  { name: "a length of 2^31-1", bytes: frame(0xc2, 1n, Buffer.alloc(64), 2 ** 31 - 1) },
];

test.each(closing)("$name closes that connection and no other", async ({ bytes }) => {
  const other = await open();
  const bad = await open();
  bad.write(bytes);
  expect(await bad.closed()).toBe(true);
  await stillAnswers(other);
  await undisturbed();
});

const answered: readonly { readonly name: string; readonly bytes: Buffer; readonly status: number }[] = [
  { name: "an unknown service", bytes: request({ ...call, service: "com.acme.Nobody", id: 1n }), status: 60 },
  {
    name: "an unknown serialization of no readable service",
    bytes: frame(0xd1, 1n, Buffer.from("beef", "hex")),
    status: 40,
  },
  { name: "a body of 9 MB", bytes: frame(0xc2, 1n, Buffer.alloc(9_000_000)), status: 40 },
  { name: "a body that is no Hessian", bytes: frame(0xc2, 1n, Buffer.alloc(64, 0xff)), status: 40 },
  { name: "an empty body", bytes: frame(0xc2, 1n, Buffer.alloc(0)), status: 40 },
];

test.each(answered)("$name is answered $status and the connection goes on", async ({ bytes, status }) => {
  const connection = await open();
  connection.write(bytes);
  const answer = await connection.answer();
  expect(answer).toMatchObject({ id: 1n, status });
  // One string in the frame's own serialization: what went wrong.
  expect(answer.body.length).toBeGreaterThan(4);
  await stillAnswers(connection);
  await undisturbed();
});

test("an unknown method is the provider's to refuse", async () => {
  const connection = await open();
  connection.write(request({ ...call, method: "nosuch", id: 1n }));
  const answer = await connection.answer();
  expect(answer.id).toBe(1n);
  expect(answer.body.includes("nosuch")).toBe(true);
  await stillAnswers(connection);
});

test("an unknown group is no service that is known here", async () => {
  const connection = await open();
  connection.write(request({ ...call, group: "nosuch", id: 1n }));
  const answer = await connection.answer();
  expect(answer).toMatchObject({ id: 1n, status: 60 });
  expect(answer.body.includes("nosuch")).toBe(true);
  await stillAnswers(connection);
});

test("a one-way call to nobody is not answered", async () => {
  const connection = await open();
  connection.write(request({ ...call, service: "com.acme.Nobody", id: 1n, oneWay: true }));
  await stillAnswers(connection);
});

describe("while a rule looks at attachments", () => {
  beforeAll(async () => {
    const rule = splitRule(["getOrder"], "v1", "v1").replace(
      "- method: {exact: getOrder}",
      "- headers: {x-color: {exact: blue}}",
    );
    await takeUp(mesh, rule);
  });

  afterAll(() => mesh.rules(""));

  test("arguments nested 200,000 deep are answered 40", async () => {
    const connection = await open();
    const nested = Buffer.concat([Buffer.alloc(200_000, 0x79), Buffer.from("N")]);
    const body = requestBody({ ...call, method: "echoObject", types: "Ljava/lang/Object;", args: nested, id: 1n });
    connection.write(frame(0xc2, 1n, body));
    expect(await connection.answer()).toMatchObject({ id: 1n, status: 40 });
    await stillAnswers(connection);
    await undisturbed();
  });

  test("arguments that are no Hessian are answered 40", async () => {
    const connection = await open();
    connection.write(request({ ...call, args: Buffer.from("4dffff", "hex"), id: 1n }));
    expect(await connection.answer()).toMatchObject({ id: 1n, status: 40 });
    await stillAnswers(connection);
  });

  test("a string that claims 2 GB is answered 40", async () => {
    const connection = await open();
    const args = Buffer.concat([Buffer.from("53ffff", "hex"), hessianString("short")]);
    connection.write(request({ ...call, types: "Ljava/lang/String;", args, id: 1n }));
    expect(await connection.answer()).toMatchObject({ id: 1n, status: 40 });
    await stillAnswers(connection);
  });
});

describe("many and slow connections", () => {
  test("a call cut off at every byte disturbs nobody", async () => {
    const bytes = request({ ...call, id: 1n });
    for (let length = 0; length <= bytes.length; length++) {
      const connection = await openRaw(hosts.trestle, 20880);
      connection.write(bytes.subarray(0, length));
      connection.socket.end();
      if (length % 2 === 0) connection.socket.resetAndDestroy();
      setTimeout(() => connection.destroy(), 500);
    }
    await undisturbed();
  });

  test("50 callers that send a byte at a time wait alone", async () => {
    const bytes = request({ ...call, id: 1n });
    const slow = await Promise.all(Array.from({ length: 50 }, () => open()));
    for (let at = 0; at < 60; at++) {
      for (const connection of slow) connection.write(bytes.subarray(at, at + 1));
      await sleep(20);
    }
    await undisturbed();
    for (const connection of slow) connection.write(bytes.subarray(60));
    for (const connection of slow) expect(await connection.answer()).toMatchObject({ id: 1n, status: 20 });
  });

  test("3,000 connections that send a call and go at once leave nothing behind", async () => {
    await sleep(500);
    const before = residentMb();
    const bytes = request({ ...call, id: 1n });
    for (let round = 0; round < 30; round++) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => openRaw(hosts.trestle, 20880 + (round % 2))));
      for (const [index, connection] of opened.entries()) {
        connection.write(bytes);
        if (index % 2 === 0) connection.socket.end();
        else connection.socket.resetAndDestroy();
      }
      await sleep(10);
      for (const connection of opened) connection.destroy();
    }
    await undisturbed();
    expect(residentMb() - before).toBeLessThan(150);
  });

  test("100 callers that claim 60 MB each and send nothing more cost no memory", async () => {
    const before = residentMb();
    const greedy = await Promise.all(Array.from({ length: 100 }, () => open()));
    for (const connection of greedy) connection.write(frame(0xc2, 1n, Buffer.alloc(1_000), 60_000_000));
    await undisturbed();
    expect(residentMb() - before).toBeLessThan(100);
  });

  test("a caller that never reads its answers is held back", async () => {
    const before = residentMb();
    const deaf = await open();
    deaf.socket.pause();
    const big = { ...call, method: "makeBytes", types: "I", args: Buffer.from("490010c8e0", "hex") };
    // 66 MB of answers. Many more do not fit the provider's own heap of 256 MB, and it would be what stands still.
    for (let id = 1n; id <= 60n; id++) deaf.write(request({ ...big, id }));
    await sleep(3_000);
    await undisturbed();
    expect(residentMb() - before).toBeLessThan(150);
  });
});
