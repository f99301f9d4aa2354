import { connect } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { CalleePort, ProxyContext, ProxyLimits } from "../../src/bridge-proxy/context.ts";
import { encodeRequestWrapper, encodeResponseWrapper } from "../../src/codecs/triple/body.ts";
import { ENDPOINT_TYPE } from "../../src/codecs/xds/resources.ts";
import { FAULT_FILTER, PREVIOUS_HOSTS, type Route } from "../../src/codecs/xds/route.ts";
import { answerCall, startFakeProvider } from "../support/fake-provider.ts";
import {
  answerOk,
  envelope,
  fieldOf,
  type H2Caller,
  type H2Provider,
  type MadeCall,
  openH2Caller,
  type SeenCall,
  startH2Provider,
} from "../support/h2-peers.ts";
import { eventually } from "../support/process.ts";
import { frame, hessianString, openRaw, request } from "../support/raw-dubbo.ts";
import { type CarriedService, startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName, endpointsOf, named } from "../support/xds-fixtures.ts";

// What callers and providers that misbehave, or have bad luck, do to a proxy that carries Triple, and to each other through it.

/** The proxy's own state, taken where each call passes: what has to be empty when all calls are over. */
const inside = vi.hoisted(() => ({
  context: undefined as unknown,
  hosts: new Set<unknown>(),
  clusters: new Set<unknown>(),
}));
vi.mock("../../src/bridge-proxy/pending.ts", async (original) => {
  const actual = await original<typeof import("../../src/bridge-proxy/pending.ts")>();
  const see = (context: ProxyContext, { host }: CalleePort) => {
    inside.context = context;
    inside.hosts.add(host);
  };
  const linkCall: typeof actual.linkCall = (context, slot, callee) => {
    see(context, callee);
    actual.linkCall(context, slot, callee);
  };
  const fillSlot: typeof actual.fillSlot = (context, slot, owner, times) => {
    see(context, owner.callee);
    actual.fillSlot(context, slot, owner, times);
  };
  return { ...actual, linkCall, fillSlot };
});
vi.mock("../../src/bridge-proxy/upstream/cluster.ts", async (original) => {
  const actual = await original<typeof import("../../src/bridge-proxy/upstream/cluster.ts")>();
  class Cluster extends actual.Cluster {
    constructor(...parts: ConstructorParameters<typeof actual.Cluster>) {
      super(...parts);
      inside.clusters.add(this);
    }
  }
  return { ...actual, Cluster };
});

const key = "com.acme.Shaky";
const path = `/${key}/say`;
let stage: TripleStage;
let one: H2Provider;
let two: H2Provider;
let caller: H2Caller;

const at = ({ port }: { readonly port: number }) => ({ port, protocol: "tri" }) as const;
const route = (more: Partial<Route>): Route => ({ name: "rule", match: { prefix: "/" }, ...more });
const to = { cluster: clusterName(key) };
const grpc = (text: string) => envelope(Buffer.from(text));

function apply(providers: readonly H2Provider[], more: Partial<CarriedService> = {}): Promise<void> {
  return stage.apply([{ key, endpoints: providers.map(at), ...more }]);
}

/** What is held for calls, as one list of numbers that are all 0 when no call is under way. */
function heldState(): Record<string, number> {
  const context = inside.context as ProxyContext | undefined;
  const sum = (list: Iterable<unknown>, field: string) =>
    [...list].reduce((total: number, one) => total + (one as Record<string, number>)[field]!, 0);
  return {
    slots: context?.calls.size ?? 0,
    exchanges: context?.exchanges ?? 0,
    exchangeBytes: context?.exchangeBytes ?? 0,
    heldBytes: context?.heldBytes ?? 0,
    unknown: context?.unknown.size ?? 0,
    active: sum(inside.hosts, "active"),
    waiting: sum(inside.clusters, "waiting"),
  };
}
const NOTHING = { slots: 0, exchanges: 0, exchangeBytes: 0, heldBytes: 0, unknown: 0, active: 0, waiting: 0 };

beforeEach(async () => {
  inside.context = undefined;
  inside.hosts.clear();
  inside.clusters.clear();
  [stage, one, two] = await Promise.all([startTripleStage("127.0.0.1"), startH2Provider(), startH2Provider()]);
  await apply([one]);
  caller = await openH2Caller(stage.port);
});

afterEach(async () => {
  caller.close();
  await eventually("nothing is held once all calls are over", () => {
    const held = heldState();
    return Object.values(held).every((count) => count === 0);
  }).catch(() => expect(heldState()).toEqual(NOTHING));
  await stage.close();
  await Promise.all([one.close(), two.close()]);
});

test("a call goes through", async () => {
  const call = await caller.call(path, { body: grpc("hi") }).done();
  expect(call.status).toBe(0);
  expect(one.seen[0]!.body).toEqual(grpc("hi"));
});

test("a refused call is answered when its request ends, not when its time to wait is over", async () => {
  await caller.call(path, { body: grpc("hi") }).done();
  const refused = caller.call("/nothing", { body: grpc("first"), end: false });
  await eventually("it waits for its end", () => heldState().unknown === 1);
  refused.send(grpc("last"), true);
  expect((await refused.done()).status).toBe(12);
  expect(heldState().unknown).toBe(1);
});

/** Starts the stage anew, with limits. */
async function limit(limits: Partial<ProxyLimits>): Promise<void> {
  caller.close();
  await stage.close();
  stage = await startTripleStage("127.0.0.1", limits);
  await apply([one]);
  caller = await openH2Caller(stage.port);
}

test("a call whose last provider goes away while it waits is answered once, and nobody else notices", async () => {
  const other = caller.call(path, { body: grpc("stays"), end: false });
  await eventually("the other call is there", () => one.seen.length === 1);
  one.onEnd = ({ link, stream }) => {
    void stage.proxy.apply([
      { typeUrl: ENDPOINT_TYPE, resources: [named(clusterName(key), endpointsOf(key, "", []))], removedResources: [] },
    ]);
    link.machine.reset(stream, 7);
  };
  const call = await caller.call(path, { body: grpc("hi") }).done();
  expect(call).toMatchObject({ status: 14, resetCode: -1 });
  one.onEnd = (seen) => answerOk(seen);
  other.send(grpc("end"), true);
  expect((await other.done()).status).toBe(0);
  expect(stage.carried()).toBe(2);
});

test("a call whose own time is over in the middle of its answer is ended, not answered again", async () => {
  one.onEnd = ({ link, stream }) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
    link.machine.data(stream, grpc("first of many"), false);
  };
  const call = await caller.call(path, { body: grpc("hi"), fields: ["grpc-timeout", "200m"] }).done();
  expect(call).toMatchObject({ head: expect.anything(), trailers: undefined, resetCode: 8 });
  await eventually("the provider knows", () => one.seen[0]!.resetCode === 8);
});

test("a provider's token that no field can carry fails the calls to it alone", async () => {
  const bad = { ...at(one), token: "a\r\nb" };
  await stage.apply([{ key, endpoints: [bad, { ...at(two), token: "good" }] }]);
  const calls = await Promise.all([0, 1, 2, 3].map(() => caller.call(path, { body: grpc("hi") }).done()));
  expect(calls.map(({ status }) => status).sort()).toEqual([0, 0, 3, 3]);
  expect(fieldOf(two.seen[0]!.fields, "token")).toBe("good");
});

test("a call that is given up during a fault's delay is held no longer, and a rule can hold so many only", async () => {
  await limit({ maxCalls: 3 });
  const typedPerFilterConfig = {
    [FAULT_FILTER]: { delay: { fixedDelay: "3600s", percentage: { numerator: 100, denominator: "HUNDRED" } } },
  } as const;
  await apply([one], { routes: [route({ route: to, typedPerFilterConfig })] });
  const calls = [0, 1, 2, 3].map(() => caller.call(path, { body: grpc("hi") }));
  expect((await calls[3]!.done()).status).toBe(14);
  for (const call of calls) call.reset();
  await eventually("none is held", () => stage.proxy.stats().gauges.callsHeldByRules === 0);
});

test("requests that wait for their end are bounded, all together", async () => {
  await limit({ maxExchangeBytes: 500_000 });
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  await stage.apply([{ key, endpoints: [{ port: dubbo.port }] }]);
  const calls = [0, 1, 2].map(() => caller.call(path, { body: Buffer.alloc(200_000), end: false }));
  expect((await Promise.race(calls.map((call) => call.done()))).status).toBe(14);
  expect(calls.filter(({ over }) => over)).toHaveLength(1);
  for (const call of calls) call.reset();
});

test("calls beyond a provider's streams wait in line for whichever connection has one first", async () => {
  await one.close();
  one = await startH2Provider({ maxStreams: 1 });
  await apply([one]);
  await caller.call(path, { body: grpc("warm") }).done();
  one.onEnd = () => {};
  const said = () => one.seen.map(({ body }) => body.subarray(5).toString());
  const calls = [0, 1, 2, 3].map((n) => caller.call(path, { body: grpc(`call ${n}`) }));
  // Four connections are as many as a host gets: each has its one stream.
  await eventually("four have a stream", () => one.seen.length === 5);
  const later = [4, 5].map((n) => caller.call(path, { body: grpc(`call ${n}`) }));
  const last = one.seen.at(-1)!;
  answerOk(last);
  await eventually("the next has a stream", () => one.seen.length === 6);
  const overtaking = caller.call(path, { body: grpc("call 6") });
  expect(said().at(-1)).toBe("call 4");
  expect([later[1]!.over, overtaking.over]).toEqual([false, false]);
  answerOk(one.seen.at(-1)!);
  await eventually("and the next", () => one.seen.length === 7);
  expect(said().at(-1)).toBe("call 5");
  one.onEnd = (seen) => answerOk(seen);
  for (const seen of one.seen.slice(1)) if (!seen.stream.closed) answerOk(seen);
  const done = await Promise.all([...calls, ...later, overtaking].map((call) => call.done()));
  expect(done.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test("a call in the line survives the connections that it waited for", async () => {
  await one.close();
  one = await startH2Provider({ maxStreams: 1 });
  await apply([one]);
  await caller.call(path, { body: grpc("warm") }).done();
  one.onEnd = () => {};
  const taken = [0, 1, 2, 3].map(() => caller.call(path, { body: grpc("taken") }));
  await eventually("four have a stream", () => one.seen.length === 5);
  const waits = caller.call(path, { body: grpc("waits") });
  await eventually("it is there", () => heldState().slots === 5);
  one.onEnd = (seen) => answerOk(seen);
  for (const { socket } of one.links) socket.destroy();
  expect(await waits.done()).toMatchObject({ status: 0 });
  expect((await Promise.all(taken.map((call) => call.done()))).map(({ status }) => status)).toEqual([14, 14, 14, 14]);
});

test("a connection that has carried as many streams as it may is followed by another", async () => {
  await limit({ maxStreamsPerConnection: 10 });
  for (let n = 0; n < 45; n++) expect((await caller.call(path, { body: grpc("hi") }).done()).status).toBe(0);
  expect(one.connections).toBeGreaterThanOrEqual(4);
  await eventually("old ones end", () => one.links.size <= 2);
});

test("answers that cannot be translated leave the provider's connection as it was", async () => {
  const provider = await startH2Provider();
  onTestFinished(() => provider.close());
  await stage.apply([{ key, endpoints: [at(provider)] }]);
  const dubbo = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => dubbo.destroy());
  const call = (id: bigint) => dubbo.write(request({ id, service: key, method: "say" }));
  // Compressed, and longer than a frame: the fault is seen before the rest of the answer is.
  provider.onEnd = (seen) => answerOk(seen, Buffer.alloc(40_000), 1);
  for (let n = 0n; n < 150n; n++) {
    call(n);
    expect((await dubbo.answer()).status).not.toBe(20);
  }
  const good = encodeResponseWrapper({
    serializeType: "hessian4",
    data: hessianString("x".repeat(900)),
    type: "java.lang.String",
  });
  provider.onEnd = (seen) => answerOk(seen, good);
  call(1000n);
  expect(await dubbo.answer()).toMatchObject({ id: 1000n, status: 20 });
  expect(provider.connections).toBe(1);
});

test("a provider that takes nothing is sent no more than the backlog's limit", async () => {
  await limit({ maxBacklogBytes: 1_000_000 });
  await caller.call(path, { body: grpc("warm") }).done();
  const calls: MadeCall[] = [];
  for (let n = 0; n < 950 && !calls.some(({ over }) => over); n++) {
    for (const { socket } of one.links) socket.pause();
    calls.push(caller.call(path, { body: grpc("hi"), fields: ["x-filler", "f".repeat(50_000)] }));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(calls.find(({ over }) => over)?.status).toBe(14);
  for (const call of calls) if (!call.over) call.reset();
  for (const { socket } of one.links) socket.resume();
  await eventually(
    "it is served again",
    async () => (await caller.call(path, { body: grpc("hi") }).done()).status === 0,
  );
});

test("a request that goes on is ended when its answer has been taken whole, however slowly", async () => {
  const wide = await openH2Caller(stage.port, { streamWindowBytes: 64 << 20, connectionWindowBytes: 64 << 20 });
  onTestFinished(() => wide.close());
  await wide.call(path, { body: grpc("warm") }).done();
  one.onHead = (seen) => answerOk(seen, Buffer.alloc(12_000_000));
  one.onEnd = () => {};
  const call = wide.call(path, { body: grpc("goes on"), end: false });
  wide.link.socket.pause();
  await eventually("the proxy holds the rest", () => stage.proxy.stats().gauges.heldBytes > 0);
  wide.link.socket.resume();
  await eventually("the answer is whole", () => call.trailers !== undefined);
  await eventually("the request is ended", () => call.resetCode === 0);
  expect(call.bytes).toBe(12_000_005);
});

test("a call with more headers than its provider takes is refused here, and nobody else's connection ends", async () => {
  await one.close();
  one = await startH2Provider({ maxHeaderListBytes: 8192 });
  await apply([one]);
  await caller.call(path, { body: grpc("warm") }).done();
  const large = await caller.call(path, { body: grpc("hi"), fields: ["x-large", "l".repeat(20_000)] }).done();
  expect(large).toMatchObject({ status: 3, resetCode: -1 });
  const dubbo = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => dubbo.destroy());
  const attachments = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`key-${n}`, "v".repeat(1000)]));
  dubbo.write(request({ id: 1n, service: key, method: "say", attachments }));
  expect((await dubbo.answer()).status).not.toBe(20);
  expect(one.seen).toHaveLength(1);
  expect(one.connections).toBe(1);
});

test("a bridged answer of 30 MB reaches a Triple caller that reads", async () => {
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  const size = 30 << 20;
  dubbo.onCall = ({ socket, id }) => {
    // A value of bytes in chunks of 32 KB.
    const chunk = Buffer.concat([Buffer.from([0x41, 0x80, 0x00]), Buffer.alloc(0x8000, 7)]);
    const chunks = Array.from({ length: size / 0x8000 - 1 }, () => chunk);
    const last = Buffer.concat([Buffer.from([0x42, 0x80, 0x00]), Buffer.alloc(0x8000, 7)]);
    socket.write(frame(0x02, id, Buffer.concat([Buffer.from([0x91]), ...chunks, last]), undefined, 20));
  };
  await stage.apply([{ key, endpoints: [{ port: dubbo.port }] }]);
  const body = envelope(encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] }));
  const call = await caller.call(path, { body }).done(20_000);
  expect(call).toMatchObject({ status: 0, resetCode: -1 });
  expect(call.bytes).toBeGreaterThan(size);
});

test("garbage behind a request over HTTP/1.1 ends that connection alone", async () => {
  const socket = connect({ host: "127.0.0.1", port: stage.port });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const good = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n`;
  socket.write(`${good}BAD\u0000 garbage\r\n\r\n`);
  await closed;
  expect((await caller.call(path, { body: grpc("hi") }).done()).status).toBe(0);
});

test("answers with attachments that no header can carry fail their call alone", async () => {
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  await stage.apply([{ key, endpoints: [{ port: dubbo.port }] }]);
  const attachments: Record<string, string> = {};
  dubbo.onCall = ({ socket, id }) => {
    const pairs = Buffer.concat(Object.entries(attachments).flat().map(hessianString));
    const parts = [Buffer.from([0x94]), hessianString("ok"), Buffer.from("H"), pairs, Buffer.from("Z")];
    socket.write(frame(0x02, id, Buffer.concat(parts), undefined, 20));
  };
  const body = envelope(encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] }));
  const status = async () => (await caller.call(path, { body }).done()).status;
  attachments.fine = "yes";
  expect(await status()).toBe(0);
  attachments.bad = "a\r\nx-injected: 1";
  expect(await status()).not.toBe(0);
  delete attachments.bad;
  for (let n = 0; n < 100; n++) attachments[`key-${n}`] = "v".repeat(1_000);
  expect(await status()).not.toBe(0);
  for (let n = 0; n < 100; n++) delete attachments[`key-${n}`];
  expect(await status()).toBe(0);
});

test("draining waits for a caller that has not taken its answer yet", async () => {
  caller.close();
  caller = await openH2Caller(stage.port, { streamWindowBytes: 65_535 });
  caller.reads = false;
  one.onEnd = (seen) => answerOk(seen, Buffer.alloc(200_000));
  const call = caller.call(path, { body: grpc("hi") });
  await eventually("it has what its window takes", () => call.bytes > 60_000);
  const drained = stage.proxy.drain(8_000);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  caller.reads = true;
  caller.link.machine.release(call.stream, call.bytes);
  caller.link.flush();
  expect((await call.done()).status).toBe(0);
  expect(call.bytes).toBe(200_005);
  await drained;
});

test("a silent stream is not ended by questions whether the provider lives; one that is dead is found out", async () => {
  await limit({ heartbeatMs: 1_000 });
  one.onEnd = () => {};
  const call = caller.call(path, { body: grpc("hi") });
  await eventually("it is there", () => one.seen.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  expect(call.over).toBe(false);
  const [link] = one.links;
  expect(link!.pings).toBe(1);
  link!.socket.pause();
  answerOk(one.seen[0]!);
  expect((await call.done()).status).toBe(0);
  const next = caller.call(path, { body: grpc("hi") });
  expect((await next.done(8_000)).status).toBe(14);
});

// As Dubbo 3.3 does at times: what it wrote while another stream was reset stays with it until it reads something.
test("an answer that its provider keeps since another call was given up is had by asking", async () => {
  one.onEnd = () => {};
  const [given, waiting] = [caller.call(path, { body: grpc("a") }), caller.call(path, { body: grpc("b") })];
  await eventually("both are there", () => one.seen.length === 2);
  given.reset();
  await eventually("it is reset", () => one.seen[0]!.resetCode === 8);
  await eventually("it is asked", () => [...one.links].some(({ pings }) => pings === 1), 2_000);
  answerOk(one.seen[1]!);
  expect((await waiting.done()).status).toBe(0);
});

/** Numbers in [0, 1) that are the same in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a provider may do with a call, one time in so many. */
const whims: readonly ((seen: SeenCall) => void)[] = [
  (seen) => answerOk(seen),
  (seen) => answerOk(seen),
  (seen) => answerOk(seen, Buffer.alloc(100_000)),
  () => {},
  ({ link, stream }) => link.machine.head(stream, [":status", "200", "grpc-status", "14"], true),
  ({ link, stream }) => link.machine.head(stream, [":status", "503"], true),
  ({ link, stream }) => link.machine.reset(stream, 8),
  ({ link, stream }) => link.machine.reset(stream, 7),
  ({ link, stream }) => link.machine.trailers(stream, ["grpc-status", "0"]),
  (seen) => {
    for (let n = 0; n < 3; n++) seen.link.machine.head(seen.stream, [":status", "103"], false);
    answerOk(seen, Buffer.from("late"));
    answerOk(seen, Buffer.from("twice"));
  },
  ({ link, stream }) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
    link.machine.data(stream, Buffer.alloc(20_000), false);
  },
  ({ link, stream }) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
    link.machine.data(stream, Buffer.alloc(20_000), false);
    link.machine.reset(stream, 2);
  },
];

test("ten thousand streams that end in every way leave nothing behind", async () => {
  const random = seeded(20_261_121);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  dubbo.onCall = (seen) => {
    if (random() < 0.7) answerCall(seen);
    else if (random() < 0.1) seen.socket.destroy();
  };
  for (const provider of [one, two]) {
    provider.onHead = (seen) => {
      if (random() < 0.1) pick(whims)(seen);
    };
    provider.onEnd = (seen) => {
      if (seen.stream.closed || seen.stream.localEnded) return;
      pick(whims)(seen);
      if (random() < 0.002) seen.link.machine.goaway(0);
      if (random() < 0.002) seen.link.socket.resetAndDestroy();
      seen.link.flush();
    };
  }
  const delay = { fixedDelay: "0.02s", percentage: { numerator: 50, denominator: "HUNDRED" } } as const;
  const retryPolicy = {
    retryOn: "5xx,reset,connect-failure",
    numRetries: 2,
    retryHostPredicate: [{ name: PREVIOUS_HOSTS }],
  };
  const routes = [
    route({ match: { path: `/${key}/slow` }, route: to, typedPerFilterConfig: { [FAULT_FILTER]: { delay } } }),
    route({ match: { path: `/${key}/again` }, route: { ...to, retryPolicy } }),
    route({ match: { path: `/${key}/brief` }, route: { ...to, timeout: "0.03s" } }),
  ];
  const services = (providers: readonly H2Provider[]): CarriedService[] => [
    { key, endpoints: providers.map(at), routes },
    { key: "com.acme.Old", endpoints: [{ port: dubbo.port }] },
    { key: "com.acme.Tight", endpoints: providers.map(at), maxRequests: 5 },
  ];
  const wrapped = envelope(encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] }));
  const paths = [
    path,
    `/${key}/slow`,
    `/${key}/again`,
    `/${key}/brief`,
    "/com.acme.Old/say",
    "/com.acme.Tight/say",
    "/no/such",
  ];
  const bodies = [
    wrapped,
    wrapped,
    undefined,
    grpc("hi"),
    Buffer.alloc(80_000),
    envelope(Buffer.alloc(3), 1),
    envelope(Buffer.alloc(3), 0, 99),
  ];
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await stage.apply(services([one, two]));
  let opened = 0;
  const run = async (streams: number) => {
    const mine = await openH2Caller(stage.port);
    mine.reads = random() < 0.8;
    const calls: MadeCall[] = [];
    // A connection with so many resets may be told to go.
    for (let n = 0; n < streams && mine.link.machine.canOpen; n++) {
      const fields = random() < 0.3 ? ["grpc-timeout", "40m"] : [];
      const body = pick(bodies);
      calls.push(mine.call(pick(paths), { fields, end: random() < 0.9, ...(body !== undefined && { body }) }));
      opened++;
      if (random() < 0.2) pick(calls).reset();
      if (random() < 0.1) calls.at(-1)!.send(Buffer.alloc(1_000), true);
      if (random() < 0.1) await pause(Math.floor(random() * 5));
    }
    if (random() < 0.5) await pause(100);
    mine.close();
  };
  const old = async (count: number) => {
    const raw = await openRaw("127.0.0.1", stage.dubboPort);
    raw.socket.on("error", () => {});
    for (let id = 0n; id < count; id++) {
      const method = pick(["say", "slow", "again", "brief"]);
      raw.write(request({ id, service: key, method, attachments: { timeout: "60" }, oneWay: random() < 0.2 }));
      if (random() < 0.1) await pause(2);
    }
    await pause(50);
    raw.destroy();
  };
  for (let round = 0; round < 10; round++) {
    await Promise.all([...[0, 1, 2, 3].map(() => run(250)), old(50)]);
    await stage.apply(services(round % 3 === 0 ? [one] : round % 3 === 1 ? [two] : [one, two]));
  }
  expect(opened).toBeGreaterThan(9_000);
  await eventually("all calls are over", () => Object.values(heldState()).every((count) => count === 0)).catch(
    () => {},
  );
  expect(heldState()).toEqual(NOTHING);
  for (const provider of [one, two]) {
    provider.onHead = () => {};
    provider.onEnd = (seen) => answerOk(seen, Buffer.alloc(1_000_000));
  }
  await stage.apply(services([one, two]));
  const after = await Promise.all(Array.from({ length: 20 }, () => caller.call(path, { body: wrapped }).done(10_000)));
  expect(after.map(({ status, bytes }) => [status, bytes])).toEqual(after.map(() => [0, 1_000_005]));
});

test("answers that callers do not take are bounded, on one connection and over all", async () => {
  await limit({ maxHeldBytes: 4_000_000 });
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  const chunk = Buffer.concat([Buffer.from([0x42, 0x80, 0x00]), Buffer.alloc(0x8000, 7)]);
  const more = Buffer.concat([Buffer.from([0x41, 0x80, 0x00]), Buffer.alloc(0x8000, 7)]);
  const body = Buffer.concat([Buffer.from([0x91]), ...Array.from({ length: 15 }, () => more), chunk]);
  dubbo.onCall = ({ socket, id }) => socket.write(frame(0x02, id, body, undefined, 20));
  await stage.apply([{ key, endpoints: [{ port: dubbo.port }] }]);
  const request = envelope(encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] }));
  const deaf = await Promise.all([0, 1, 2, 3].map(() => openH2Caller(stage.port, { streamWindowBytes: 65_535 })));
  for (const one of deaf) {
    one.reads = false;
    for (let n = 0; n < 8; n++) one.call(path, { body: request });
  }
  await eventually("all have been answered", () => dubbo.calls === 32 && heldState().slots === 0);
  await eventually("most of it is held", () => heldState().heldBytes! > 2_500_000);
  expect(heldState().heldBytes).toBeLessThanOrEqual(4_600_000);
  for (const one of deaf) one.close();
  await eventually("nothing is held", () => heldState().heldBytes === 0);
  expect((await caller.call(path, { body: request }).done()).status).toBe(0);
});
