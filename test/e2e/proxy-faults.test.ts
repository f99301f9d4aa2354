import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { type LoneProxy, type LoneService, startLoneProxy } from "../support/lone-proxy.ts";
import {
  frame,
  hessianString,
  openRaw,
  type RawAnswer,
  type RawConnection,
  request,
  requestBody,
} from "../support/raw-dubbo.ts";

// A proxy in this process with callers and providers made of bytes by hand: it needs nothing but Node. One caller goes on
// calling another service all the while, and none of its calls may fail, whatever the others do.

const SERVICE = "com.acme.Orders";
const CALM = "com.acme.Calm";
const OTHER = "com.acme.Other";
const CALL = { service: SERVICE, method: "getOrder", types: "Ljava/lang/String;", args: hessianString("x") };
const LIMITS = { heartbeatMs: 1_100, frameTimeoutMs: 1_000, connectTimeoutMs: 500, maxBacklogBytes: 4 * 1024 * 1024 };

let one: FakeProvider;
let two: FakeProvider;
let calm: FakeProvider;
let lone: LoneProxy;
const opened: RawConnection[] = [];
let bystander: { readonly failures: string[]; calls: number; stop(): Promise<void> };

function services(changes: Partial<LoneService> = {}): LoneService[] {
  return [
    { interface: SERVICE, ports: [one.port], ...changes },
    { interface: CALM, ports: [calm.port] },
    { interface: OTHER, ports: [two.port] },
  ];
}

beforeAll(async () => {
  one = await startFakeProvider();
  two = await startFakeProvider();
  calm = await startFakeProvider();
  lone = await startLoneProxy(services(), LIMITS);
  bystander = await startBystander();
});

beforeEach(async () => {
  for (const provider of [one, two])
    Object.assign(provider, { onCall: (seen: SeenFrame) => answerCall(seen), alive: true });
  await lone.apply(services());
  bystander.failures.length = 0;
  bystander.calls = 0;
});

/** After every test: the bystander has gone on calling without a failure, and nothing is left in the proxy. */
afterEach(async () => {
  await sleep(60);
  for (const connection of opened.splice(0)) connection.destroy();
  expect(bystander.failures).toEqual([]);
  expect(bystander.calls).toBeGreaterThan(0);
  await soon(
    () => {
      const { gauges } = lone.proxy.stats();
      expect(gauges["callsInFlight"]).toBeLessThanOrEqual(1);
      expect(gauges["heldBytes"]).toBe(0);
      expect(gauges["downstreamOpen"]).toBe(1);
    },
    5_000,
    "the proxy holds nothing of what is gone",
  );
});

afterAll(async () => {
  await bystander?.stop();
  await lone?.close();
  await Promise.all([one, two, calm].map((provider) => provider?.close()));
});

async function startBystander(): Promise<typeof bystander> {
  const connection = await openRaw(lone.host, lone.port);
  const state = { failures: [] as string[], calls: 0, running: true };
  const done = (async () => {
    for (let id = 1n; state.running; id++) {
      try {
        connection.write(request({ ...CALL, service: CALM, id }));
        const answer = await connection.answer(2_000);
        if (answer.status !== 20 || answer.id !== id)
          state.failures.push(`call ${id}: ${answer.status} ${answer.body.toString("latin1")}`);
      } catch (error) {
        state.failures.push(`call ${id}: ${(error as Error).message}`);
        break;
      }
      state.calls++;
      await sleep(2);
    }
  })();
  return Object.assign(state, {
    async stop() {
      state.running = false;
      await done;
      connection.destroy();
    },
  });
}

async function open(): Promise<RawConnection> {
  const connection = await openRaw(lone.host, lone.port);
  opened.push(connection);
  return connection;
}

async function works(connection: RawConnection, service = SERVICE): Promise<void> {
  connection.write(request({ ...CALL, service, id: 4242n }));
  expect(await reply(connection)).toMatchObject({ id: 4242n, status: 20 });
}

/** The next answer to a call: heartbeats of the proxy are passed by. */
async function reply(connection: RawConnection): Promise<RawAnswer> {
  for (;;) {
    const answer = await connection.answer(10_000);
    if ((answer.flags & 0x20) === 0) return answer;
  }
}

function textOf(body: Buffer): string {
  return body.subarray(body[0]! >= 0x30 ? 2 : 1).toString("latin1");
}

/** Waits until `check` throws nothing any more; fails with `what` and its last error after `timeoutMs`. */
async function soon(check: () => void | Promise<void>, timeoutMs: number, what: string): Promise<void> {
  await vi.waitFor(check, { timeout: timeoutMs, interval: 20 }).catch((error: Error) => {
    throw new Error(`${what}: ${error.message}`);
  });
}

function counter(name: string): number {
  return lone.proxy.stats().counters[name] ?? 0;
}

describe("what a caller can send", () => {
  test.each<[string, Buffer]>([
    ["a wrong magic", Buffer.from("deadbeef".repeat(8), "hex")],
    ["half of the magic, then something else", Buffer.from("dadadada", "hex")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a length of -1", frame(0xc2, 1n, Buffer.alloc(0), -1)],
    ["a length of -2^31", frame(0xc2, 1n, Buffer.alloc(0), -(2 ** 31))],
    ["a length of 2^31-1", frame(0xc2, 1n, Buffer.alloc(64), 2 ** 31 - 1)],
    ["an event of 16 bytes", frame(0xe2, 1n, Buffer.alloc(16))],
  ])("%s closes that connection alone", async (_name, bytes) => {
    const before = counter("downstreamProtocolErrors");
    const [bad, good] = [await open(), await open()];
    bad.write(bytes);
    expect(await bad.closed()).toBe(true);
    expect(counter("downstreamProtocolErrors")).toBe(before + 1);
    await works(good);
  });

  test.each<[string, Buffer, number, RegExp]>([
    [
      "an unknown service",
      request({ ...CALL, service: "com.acme.Nobody", id: 1n }),
      60,
      /no service com\.acme\.Nobody/,
    ],
    ["a body that is no Hessian", frame(0xc2, 1n, Buffer.alloc(64, 0xff)), 40, /protocol version is no string/],
    ["an empty body", frame(0xc2, 1n, Buffer.alloc(0)), 40, /ends before its protocol version/],
    [
      "a serialization that could mean any service",
      frame(0xd1, 1n, Buffer.from("beef", "hex")),
      40,
      /serialization 17/,
    ],
    ["9 MB", frame(0xc2, 1n, Buffer.alloc(9_000_000)), 40, /9000000 bytes is over the limit 8388608/],
    [
      "a string that claims more than there is",
      frame(0xc2, 1n, Buffer.from("05322e302e3253ffff61", "hex")),
      40,
      /65535 units is cut off/,
    ],
  ])("%s is answered, and the connection goes on", async (_name, bytes, status, text) => {
    const connection = await open();
    connection.write(bytes);
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 1n, status });
    expect(textOf(answer.body)).toMatch(text);
    await works(connection);
  });

  test.each<[string, Buffer]>([
    ["an unknown service", request({ ...CALL, service: "com.acme.Nobody", id: 1n, oneWay: true })],
    ["a body that is no Hessian", frame(0x82, 1n, Buffer.alloc(64, 0xff))],
    ["9 MB", frame(0x82, 1n, Buffer.alloc(9_000_000))],
    ["an answer to nothing", frame(0x02, 1n, Buffer.from("9291", "hex"), undefined, 20)],
    ["a readonly event", frame(0xa2, 1n, Buffer.from("0152", "hex"))],
  ])("one-way: %s is not answered", async (_name, bytes) => {
    const connection = await open();
    connection.write(bytes);
    await works(connection);
  });

  test("arguments that are no Hessian, and 200,000 lists in one another, are carried when no rule has to read them", async () => {
    const connection = await open();
    const bodies: Buffer[] = [];
    one.onCall = (seen) => {
      bodies.push(seen.body);
      answerCall(seen);
    };
    const sent = [Buffer.from("40404040", "hex"), Buffer.alloc(200_000, 0x79)].map((args, i) => ({
      ...CALL,
      args,
      id: BigInt(i),
    }));
    for (const call of sent) {
      connection.write(request(call));
      expect(await connection.answer()).toMatchObject({ id: call.id, status: 20 });
    }
    expect(bodies.map((body) => body.toString("hex"))).toEqual(sent.map((call) => requestBody(call).toString("hex")));
  });

  test("the same are answered 40 when a rule looks at attachments", async () => {
    await lone.apply(
      services({
        routes: (cluster) => [
          {
            name: "blue",
            match: { prefix: "/", headers: [{ name: "x-color", stringMatch: { exact: "blue" } }] },
            route: { cluster },
          },
        ],
      }),
    );
    const connection = await open();
    for (const args of [
      Buffer.from("40404040", "hex"),
      Buffer.alloc(200_000, 0x79),
      Buffer.from("5604" + "5b696e74" + "497fffffff", "hex"),
    ]) {
      connection.write(request({ ...CALL, args, id: 7n }));
      const answer = await connection.answer();
      expect(answer).toMatchObject({ id: 7n, status: 40 });
      expect(textOf(answer.body)).toMatch(/hessian2: /);
    }
    await works(connection);
  });

  test("a call cut off at each byte, by an end and by a reset, disturbs nobody", async () => {
    const bytes = request({ ...CALL, id: 1n });
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const connection = await openRaw(lone.host, lone.port);
      connection.write(bytes.subarray(0, cut));
      if (cut % 2 === 0) connection.socket.end();
      else setImmediate(() => connection.socket.resetAndDestroy());
    }
    await works(await open());
  });

  test("a caller that sends a byte at a time is served, and one that stops in a frame is ended", async () => {
    const slow = await open();
    for (const byte of request({ ...CALL, id: 5n })) {
      slow.write(Buffer.of(byte));
      await sleep(1);
    }
    expect(await slow.answer()).toMatchObject({ id: 5n, status: 20 });
    const stopped = await open();
    stopped.write(request({ ...CALL, id: 6n }).subarray(0, 40));
    expect(await stopped.closed(5_000)).toBe(true);
  });

  test("a caller that is silent for three heartbeats is ended, one that answers them is not", async () => {
    const silent = await open();
    const living = await open();
    living.socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0xe2) living.write(frame(0x22, chunk.readBigInt64BE(4), chunk.subarray(16), undefined, 20));
    });
    expect(await silent.closed(8_000)).toBe(true);
    await works(living);
  });

  test("the same id twice in flight is answered twice", async () => {
    const waiting: SeenFrame[] = [];
    one.onCall = (seen) => void waiting.push(seen);
    const connection = await open();
    for (let i = 0; i < 2; i++) connection.write(request({ ...CALL, id: 9n }));
    await soon(() => expect(waiting.length).toBe(2), 2_000, "both calls reach the provider");
    expect(waiting[0]!.id).not.toBe(waiting[1]!.id);
    for (const [i, seen] of waiting.reverse().entries()) answerCall(seen, `n${i}`);
    expect(
      [await connection.answer(), await connection.answer()].map(({ id, body }) => [id, body.toString("latin1", 2)]),
    ).toEqual([
      [9n, "n0"],
      [9n, "n1"],
    ]);
  });

  test("ids of all 64 bits come back as they were", async () => {
    const connection = await open();
    for (const id of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x0123456789abcdefn]) {
      connection.write(request({ ...CALL, id }));
      expect((await connection.answer()).id).toBe(id);
    }
  });

  test("2,000 callers that send a call and go at once leave nothing behind", async () => {
    const bytes = request({ ...CALL, id: 1n });
    for (let round = 0; round < 20; round++) {
      const connections = await Promise.all(Array.from({ length: 100 }, () => openRaw(lone.host, lone.port)));
      for (const [i, connection] of connections.entries()) {
        connection.write(bytes);
        if (i % 3 === 0) connection.destroy();
        else if (i % 3 === 1) connection.socket.resetAndDestroy();
        else connection.socket.end();
      }
    }
    await works(await open());
  });

  test("100 callers that announce 60 MB each and send no more cost no memory", async () => {
    const before = process.memoryUsage();
    const connections = await Promise.all(Array.from({ length: 100 }, open));
    for (const connection of connections) connection.write(frame(0xc2, 1n, Buffer.alloc(100), 60_000_000));
    await sleep(200);
    const after = process.memoryUsage();
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(40_000_000);
    for (const connection of connections) connection.destroy();
  });

  test("a caller that takes no answers is held back, not buffered for", async () => {
    const big = Buffer.concat([Buffer.from([0x91, 0x53, 0x80, 0x00]), Buffer.alloc(0x8000, 0x61)]);
    one.onCall = ({ socket, id }) => void socket.write(frame(0x02, id, big, undefined, 20));
    const deaf = await open();
    deaf.socket.pause();
    const bytes = request({ ...CALL, id: 1n });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4_000 && !deaf.socket.destroyed; i++) {
      deaf.write(bytes);
      if (i % 50 === 0) await sleep(1);
    }
    await sleep(300);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
    await works(await open(), OTHER);
    deaf.destroy();
  });
});

describe("what a provider can do", () => {
  /** Makes the call that the provider spoils; the caller's connection must live and be served by the other provider. */
  async function spoiled(spoil: (seen: SeenFrame) => void, status: number, text: RegExp): Promise<void> {
    one.onCall = spoil;
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status });
    expect(textOf(answer.body)).toMatch(text);
    one.onCall = (seen) => answerCall(seen);
    await works(connection, OTHER);
    await works(connection);
  }

  test("a connection that is reset mid-call is answered 80", () =>
    spoiled(({ socket }) => socket.resetAndDestroy(), 80, /closed the connection before it answered/));
  test("a connection that ends mid-call is answered 80", () =>
    spoiled(({ socket }) => socket.end(), 80, /closed the connection before it answered/));
  test("a connection that is reset in the middle of an answer is answered 80", () =>
    spoiled(
      ({ socket, id }) => {
        socket.write(frame(0x02, id, Buffer.from("91026f6b", "hex"), undefined, 20).subarray(0, 18));
        setTimeout(() => socket.resetAndDestroy(), 30);
      },
      80,
      /closed the connection before it answered/,
    ));
  test("an answer that is no Dubbo2 is answered 80", () =>
    spoiled(({ socket }) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"), 80, /not a dubbo2 frame/));
  test("an answer of negative length is answered 80", () =>
    spoiled(
      ({ socket, id }) => void socket.write(frame(0x02, id, Buffer.alloc(0), -5, 20)),
      80,
      /body length -5 is negative/,
    ));
  test("an answer over every limit is answered 80", () =>
    spoiled(
      ({ socket, id }) => void socket.write(frame(0x02, id, Buffer.alloc(10), 2 ** 31 - 1, 20)),
      80,
      /over maxSkipBytes/,
    ));

  test.each([25, 30, 31, 35, 40, 50, 60, 70, 80, 90, 99, 100, 255])(
    "its status %i is passed with its text",
    async (status) => {
      one.onCall = ({ socket, id }) =>
        void socket.write(frame(0x17, id, Buffer.from("000000054d646f776e", "hex"), undefined, status));
      const connection = await open();
      connection.write(request({ ...CALL, id: 3n }));
      const answer = await connection.answer();
      expect(answer).toMatchObject({ id: 3n, status, flags: 0x17 });
      expect(answer.body.toString("hex")).toBe("000000054d646f776e");
      await works(connection, OTHER);
    },
  );

  test("answers to unknown ids, and second answers, are dropped and counted", async () => {
    const before = counter("lateAnswers");
    one.onCall = (seen) => {
      answerCall({ ...seen, id: seen.id + 1_000_000n }, "wrong");
      answerCall(seen, "right");
      answerCall(seen, "again");
    };
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("right");
    await works(connection, OTHER);
    await soon(() => expect(counter("lateAnswers")).toBe(before + 2), 2_000, "both are counted");
  });

  test("a call that is never answered ends at the route's time-out with 31, its late answer is dropped", async () => {
    await lone.apply(services({ timeout: "0.2s" }));
    let late: SeenFrame | undefined;
    one.onCall = (seen) => {
      late = seen;
    };
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status: 31 });
    answerCall(late!);
    one.onCall = (seen) => answerCall(seen);
    await works(connection);
  });

  test("a slow provider holds nobody else up, on the same connection either", async () => {
    const waiting: SeenFrame[] = [];
    one.onCall = (seen) => void waiting.push(seen);
    const connection = await open();
    for (let id = 0n; id < 50n; id++) connection.write(request({ ...CALL, id }));
    const startMs = performance.now();
    await works(connection, OTHER);
    expect(performance.now() - startMs).toBeLessThan(500);
    await soon(() => expect(waiting.length).toBe(50), 2_000, "all calls reach the provider");
    for (const seen of waiting) answerCall(seen);
    const ids = new Set<bigint>();
    for (let i = 0; i < 50; i++) ids.add((await connection.answer()).id);
    expect(ids.size).toBe(50);
  });

  test("one that refuses connections is passed over while another lives", async () => {
    const gone = await startFakeProvider();
    const port = gone.port;
    await gone.close();
    await lone.apply(services({ ports: [port, one.port] }));
    const connection = await open();
    for (let i = 0; i < 20; i++) await works(connection);
  });

  test("when none can be reached the answer is 80 and says which, and one that comes is used", async () => {
    const gone = await startFakeProvider();
    const port = gone.port;
    await gone.close();
    await lone.apply(services({ ports: [port] }));
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer.status).toBe(80);
    expect(textOf(answer.body)).toContain(`127.0.0.1:${port}`);
    const back = await startFakeProvider(port);
    onTestFinished(() => back.close());
    await soon(
      async () => {
        connection.write(request({ ...CALL, id: 4n }));
        expect((await connection.answer()).status).toBe(20);
      },
      5_000,
      "the provider that came is used",
    );
  });

  test("none at all is 80", async () => {
    await lone.apply(services({ ports: [] }));
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status: 80 });
    expect(textOf(answer.body)).toMatch(/no provider of com\.acme\.orders/);
  });

  test("one that answers no heartbeats is left after three", async () => {
    const connection = await open();
    await works(connection);
    one.alive = false;
    one.onCall = () => {};
    const before = one.heartbeats;
    connection.write(request({ ...CALL, id: 3n }));
    connection.socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0xe2) connection.write(frame(0x22, chunk.readBigInt64BE(4), chunk.subarray(16), undefined, 20));
    });
    const answer = await reply(connection);
    expect(answer).toMatchObject({ id: 3n, status: 80 });
    expect(textOf(answer.body)).toMatch(/nothing was heard/);
    expect(one.heartbeats).toBeGreaterThan(before);
  });

  test("its heartbeats are answered and never reach a caller", async () => {
    const connection = await open();
    await works(connection);
    const answers: Buffer[] = [];
    for (const socket of one.sockets) {
      socket.on("data", (chunk: Buffer) => void answers.push(chunk));
      socket.write(frame(0xe2, 77n, Buffer.from("4e", "hex")));
    }
    const expected = frame(0x22, 77n, Buffer.from("4e", "hex"), undefined, 20).toString("hex");
    await soon(
      () => expect(answers.map((chunk) => chunk.toString("hex"))).toContain(expected),
      2_000,
      "it is answered",
    );
    await works(connection);
  });

  test("after READONLY it gets no new call while another lives, and its call in flight is answered", async () => {
    await lone.apply(services({ ports: [one.port, two.port] }));
    const connection = await open();
    for (let i = 0; i < 4; i++) await works(connection);
    const held: SeenFrame[] = [];
    one.onCall = (seen) => void held.push(seen);
    two.onCall = (seen) => answerCall(seen, "two");
    for (let id = 1n; id <= 2n; id++) connection.write(request({ ...CALL, id }));
    await soon(() => expect(held.length).toBe(1), 2_000, "one call waits at the first provider");
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("two");
    for (const socket of one.sockets) socket.write(frame(0xa2, 0n, Buffer.from("0152", "hex")));
    await sleep(50);
    const calls = one.calls;
    for (let i = 0; i < 10; i++) await works(connection);
    expect(one.calls).toBe(calls);
    answerCall(held[0]!, "one");
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("one");
  });

  test("providers that come and go under load cost no call", async () => {
    await lone.apply(services({ ports: [one.port, two.port] }));
    const connection = await open();
    const statuses = new Map<number, number>();
    let running = true;
    const load = (async () => {
      for (let id = 0n; running; id++) {
        connection.write(request({ ...CALL, id }));
        const { status } = await connection.answer();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    })();
    for (let i = 0; i < 20; i++) {
      await lone.apply(services({ ports: i % 2 === 0 ? [two.port] : [one.port] }));
      await sleep(20);
    }
    running = false;
    await load;
    expect([...statuses.keys()]).toEqual([20]);
  });
});
