import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { FAULT_FILTER, type Route } from "../../src/codecs/xds/route.ts";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { freePort, type LoneProxy, type LoneService, startLoneProxy } from "../support/lone-proxy.ts";
import { frame, hessianString, openRaw, type RawConnection, request } from "../support/raw-dubbo.ts";

// What happens between two things that are each harmless: an address that goes and comes back, a connection that is ending, a
// call that is held while its proxy drains, an answer that comes after its call was given up.

const SERVICE = "com.acme.Orders";
const CALL = { service: SERVICE, method: "getOrder" };

let one: FakeProvider;
let two: FakeProvider;
let lone: LoneProxy;
let caller: RawConnection;

beforeEach(async () => {
  one = await startFakeProvider();
  two = await startFakeProvider();
});

afterEach(async () => {
  caller?.destroy();
  await lone?.close();
  await Promise.all([one.close(), two.close()]);
});

async function start(
  changes: Partial<LoneService> = {},
  limits: Parameters<typeof startLoneProxy>[1] = {},
): Promise<void> {
  lone = await startLoneProxy(service(changes), limits);
  caller = await openRaw(lone.host, lone.port);
}

function service(changes: Partial<LoneService> = {}): LoneService[] {
  return [{ interface: SERVICE, ports: [one.port], ...changes }];
}

let nextId = 1n;

function ask(extra: Partial<Parameters<typeof request>[0]> = {}, on = caller): bigint {
  const id = nextId++;
  on.write(request({ ...CALL, ...extra, id }));
  return id;
}

/** The next answer to a call; events are passed by. */
async function reply(timeoutMs = 5_000) {
  for (;;) {
    const answer = await caller.answer(timeoutMs);
    if ((answer.flags & 0x20) === 0) return answer;
  }
}

async function works(extra: Partial<Parameters<typeof request>[0]> = {}): Promise<void> {
  const id = ask(extra);
  expect(await reply()).toMatchObject({ id, status: 20 });
}

async function soon(check: () => void | Promise<void>, timeoutMs = 3_000): Promise<void> {
  await vi.waitFor(check, { timeout: timeoutMs, interval: 10 });
}

/** A port whose connections are left without an answer, since its queue is full and its process stopped, until it is told to accept. */
async function blackHole(): Promise<{ readonly port: number; accept(forMs: number): Promise<number> }> {
  const code = `let seen = 0;
    const server = require("node:net").createServer((socket) => socket.on("data", (chunk) => { seen += chunk.length; }).on("error", () => {}));
    server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => process.send(server.address().port));
    process.on("message", () => process.send(seen));`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const said = () => new Promise<number>((resolve) => child.once("message", (value) => resolve(Number(value))));
  const port = await said();
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 4 }, () => connect({ host: "127.0.0.1", port }).on("error", () => {}));
  onTestFinished(() => {
    for (const filler of fillers) filler.destroy();
    child.kill("SIGKILL");
  });
  await sleep(100);
  return {
    port,
    async accept(forMs) {
      child.kill("SIGCONT");
      await sleep(forMs);
      child.send("how many bytes");
      return said();
    },
  };
}

const delayed = (seconds: string, extra: Partial<Route> = {}): Partial<LoneService> => ({
  routes: (cluster) => [
    {
      name: "delayed",
      match: { prefix: "/" },
      route: { cluster },
      typedPerFilterConfig: {
        [FAULT_FILTER]: { delay: { fixedDelay: seconds, percentage: { numerator: 100, denominator: "HUNDRED" } } },
      },
      ...extra,
    },
  ],
});

describe("an address that goes and comes back", () => {
  test("while a call is in flight on its connection costs no call afterwards", async () => {
    await start({ ports: [one.port, two.port] });
    for (let i = 0; i < 4; i++) await works();
    for (let round = 0; round < 20; round++) {
      const held: SeenFrame[] = [];
      one.onCall = (seen) => void held.push(seen);
      two.onCall = (seen) => void held.push(seen);
      const ids = [ask(), ask()];
      await soon(() => expect(held.length).toBe(2));
      await lone.apply(service({ ports: [two.port] }));
      await lone.apply(service({ ports: [one.port, two.port] }));
      one.onCall = (seen) => answerCall(seen);
      two.onCall = (seen) => answerCall(seen);
      for (const seen of held) answerCall(seen);
      const statuses: number[] = [];
      for (let i = 0; i < 2; i++) statuses.push((await reply()).status);
      // As soon as the calls are answered, and while a connection may be about to end.
      for (let i = 0; i < 20; i++) ids.push(ask());
      for (let i = 0; i < 20; i++) statuses.push((await reply()).status);
      expect(new Set(statuses)).toEqual(new Set([20]));
    }
  });

  test("at once, without a call in flight, costs none either", async () => {
    await start();
    await works();
    for (let round = 0; round < 30; round++) {
      await lone.apply(service({ ports: [] }));
      await lone.apply(service());
      await works();
    }
  });

  test("ends the connection that it had", async () => {
    await start();
    await works();
    await lone.apply(service({ ports: [two.port] }));
    await works();
    await soon(() => expect(one.sockets.size).toBe(0));
  });

  test("is connected to by a held call and left again when that is answered", async () => {
    await start(delayed("0.2s"));
    ask();
    await sleep(50);
    await lone.apply(service({ ports: [two.port] }));
    await soon(async () => expect((await reply(50)).status).toBe(20));
    await soon(() => expect(one.sockets.size).toBe(0));
    await soon(() => expect(lone.proxy.stats().gauges["upstreamOpen"]).toBeLessThanOrEqual(1));
  });
});

describe("an answer after its caller's time-out", () => {
  const slow = { attachments: { timeout: "50" } };

  test("reaches the caller if it still waits: one method's time-out may differ from call to call", async () => {
    await start();
    await works(slow);
    let held: SeenFrame | undefined;
    one.onCall = (seen) => {
      held = seen;
    };
    const id = ask({ attachments: { timeout: "5000" } });
    await soon(() => expect(held).toBeDefined());
    await sleep(150);
    answerCall(held!, "late");
    const answer = await reply(1_000);
    expect(answer).toMatchObject({ id, status: 20 });
    expect(answer.body.toString("latin1", 2)).toBe("late");
    expect(lone.proxy.stats().gauges["callsInFlight"]).toBe(0);
  });

  test("reaches it once", async () => {
    await start();
    await works(slow);
    let held: SeenFrame | undefined;
    one.onCall = (seen) => {
      held = seen;
    };
    const id = ask(slow);
    await sleep(150);
    answerCall(held!, "late");
    answerCall(held!, "later");
    one.onCall = (seen) => answerCall(seen);
    expect(await reply()).toMatchObject({ id });
    await works();
  });

  test("reaches it where a rule holds the call, too", async () => {
    await start({
      routes: (cluster) => [
        { name: "retried", match: { prefix: "/" }, route: { cluster, retryPolicy: { retryOn: "5xx", numRetries: 1 } } },
      ],
    });
    await works(slow);
    one.onCall = (seen) => void setTimeout(() => answerCall(seen, "late"), 150);
    const id = ask({ attachments: { timeout: "5000" } });
    expect(await reply(1_000)).toMatchObject({ id, status: 20 });
    expect(one.calls).toBe(2);
  });

  test("that never comes because the provider is gone is answered 80", async () => {
    await start();
    await works(slow);
    one.onCall = () => {};
    const id = ask({ attachments: { timeout: "5000" } });
    await sleep(150);
    for (const socket of one.sockets) socket.destroy();
    expect(await reply(1_000)).toMatchObject({ id, status: 80 });
  });
});

describe("a provider whose connections are left without an answer", () => {
  test("holds no call up while another one can be reached", async () => {
    const hole = await blackHole();
    await start({ ports: [one.port, hole.port] });
    const startMs = performance.now();
    for (let i = 0; i < 4; i++) ask();
    for (let i = 0; i < 4; i++) expect(await reply(2_500)).toMatchObject({ status: 20 });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(one.calls).toBe(4);
  });
});

test("a call that was given up while its connection was being made is not sent on it", async () => {
  const hole = await blackHole();
  await start({ ports: [hole.port], timeout: "0.05s" });
  ask();
  expect((await reply()).status).toBe(31);
  // The kernel asks again after a second, and then there is room.
  expect(await hole.accept(1_800)).toBe(0);
});

test("a connection that is one caller's own is kept alive while nothing is said on it", async () => {
  await start({ callbackMethods: ["listen"] }, { heartbeatMs: 500 });
  caller.socket.on("data", (chunk: Buffer) => {
    if (chunk[2] === 0xe2) caller.write(frame(0x22, chunk.readBigInt64BE(4), chunk.subarray(16), undefined, 20));
  });
  ask({ method: "listen" });
  expect((await reply()).status).toBe(20);
  const before = one.heartbeats;
  await sleep(3_500);
  expect(one.heartbeats).toBeGreaterThanOrEqual(before + 4);
  expect(one.sockets.size).toBe(2);
}, 10_000);

test("a subscription goes to a provider that can be reached", async () => {
  const gone = await freePort();
  await start({ ports: [gone, one.port], callbackMethods: ["listen"] });
  for (let i = 0; i < 6; i++) {
    ask({ method: "listen" });
    expect((await reply()).status).toBe(20);
  }
});

describe("draining", () => {
  test("waits for calls that a rule delays", async () => {
    await start(delayed("1.6s"));
    const id = ask();
    await sleep(50);
    const ended = lone.proxy.drain(5_000);
    await soon(async () => expect(await reply(100)).toMatchObject({ id, status: 20 }), 4_000);
    await ended;
  });

  test("waits for calls that are about to be tried again", async () => {
    await start({
      routes: (cluster) => [
        {
          name: "retried",
          match: { prefix: "/" },
          route: {
            cluster,
            retryPolicy: {
              retryOn: "reset",
              numRetries: 1,
              retryBackOff: { baseInterval: "4s", maxInterval: "1.6s" },
            },
          },
        },
      ],
    });
    await works();
    one.onCall = (seen) => {
      one.onCall = (again) => answerCall(again);
      seen.socket.destroy();
    };
    const id = ask();
    await sleep(50);
    const ended = lone.proxy.drain(5_000);
    await soon(async () => expect(await reply(100)).toMatchObject({ id, status: 20 }), 4_000);
    await ended;
  });

  test("goes on without listening when configuration changes meanwhile", async () => {
    await start();
    await works();
    one.onCall = () => {};
    ask({ attachments: { timeout: "500" } });
    await sleep(20);
    const ended = lone.proxy.drain(3_000);
    await lone.apply(service({ ports: [one.port, two.port] }));
    expect(lone.proxy.listening).toEqual([]);
    await ended;
  });

  test("ends with a caller that takes its answer slowly when it has all of it", async () => {
    const big = Buffer.concat([Buffer.from([0x91, 0x53, 0x80, 0x00]), Buffer.alloc(8_000_000, 0x61)]);
    await start();
    one.onCall = ({ socket, id }) => void socket.write(frame(0x02, id, big, undefined, 20));
    const id = ask();
    caller.socket.pause();
    await soon(() => expect(one.calls).toBe(1));
    await sleep(100);
    const ended = lone.proxy.drain(5_000);
    setTimeout(() => caller.socket.resume(), 1_800);
    expect(await reply(5_000)).toMatchObject({ id, status: 20 });
    await ended;
  });
});

describe("bounds", () => {
  test("calls that a rule holds are answered 100 over the limit, and the rest is carried out", async () => {
    await start(delayed("0.3s"), { maxExchangeBytes: 100_000 });
    const args = { types: "Ljava/lang/String;", args: hessianString("x".repeat(1_000)) };
    const ids = Array.from({ length: 200 }, () => ask(args));
    const statuses: number[] = [];
    for (const _ of ids) statuses.push((await reply()).status);
    expect(new Set(statuses)).toEqual(new Set([20, 100]));
    expect(statuses.filter((status) => status === 20).length).toBeGreaterThan(50);
    await works();
  });

  test("unfinished frames are counted right when their connection breaks off after finishing one", async () => {
    await start();
    await works();
    for (let i = 0; i < 5; i++) {
      const bad = await openRaw(lone.host, lone.port);
      const bytes = request({ ...CALL, types: "Ljava/lang/String;", args: hessianString("x".repeat(900)), id: 1n });
      bad.write(bytes.subarray(0, 700));
      await sleep(20);
      bad.write(Buffer.concat([bytes.subarray(700), Buffer.from("deadbeefdeadbeefdeadbeefdeadbeef", "hex")]));
      expect(await bad.closed()).toBe(true);
    }
    expect(lone.proxy.stats().gauges["heldBytes"]).toBe(0);
  });

  test("a caller that goes on with a frame a byte at a time is ended", async () => {
    await start({}, { frameTimeoutMs: 1_000 });
    const trickling = await openRaw(lone.host, lone.port);
    trickling.write(frame(0xc2, 1n, Buffer.alloc(20), 1_000_000));
    const trickle = setInterval(() => void trickling.write(Buffer.of(0)), 50);
    onTestFinished(() => clearInterval(trickle));
    expect(await trickling.closed(6_000)).toBe(true);
  });

  test("a delay over what a timer can count is the longest that it can", async () => {
    await start(delayed("5000000s"));
    ask();
    await expect(reply(300)).rejects.toThrow(/no answer/);
  });
});
