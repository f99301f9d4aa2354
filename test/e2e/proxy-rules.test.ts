import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { createProxy, type RunningProxy } from "../../src/bridge-proxy/proxy.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  FAULT_FILTER,
  LISTENER_TYPE,
  ROUTE_TYPE,
  type Route,
  TRESTLE_METADATA,
} from "../../src/codecs/xds/resources.ts";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { freePort } from "../support/lone-proxy.ts";
import { frame, openRaw, type RawConnection, type RequestOptions, request } from "../support/raw-dubbo.ts";
import { clusterName, clusterOf, endpointsOf, named, routesOf, type TestEndpoint } from "../support/xds-fixtures.ts";

/** What rules make of single calls, with a proxy in this process and peers made of bytes. */

const KEY = "com.acme.A:1.0.0";
const ALL = { denominator: "HUNDRED", numerator: 100 } as const;

let proxy: RunningProxy;
let port: number;
let one: FakeProvider;
let two: FakeProvider;
let caller: RawConnection;
let nextId = 1n;

beforeEach(async () => {
  [one, two, port] = [await startFakeProvider(), await startFakeProvider(), await freePort()];
  one.onCall = (seen) => answerCall(seen, "one");
  two.onCall = (seen) => answerCall(seen, "two");
  proxy = createProxy({ worker: "test", log: silentLogger });
});

afterEach(async () => {
  caller?.destroy();
  await proxy.close();
  await Promise.all([one.close(), two.close()]);
});

interface Setup {
  /** Routes of the service; one to the whole cluster unless given. */
  readonly routes?: readonly Route[];
  /** Further virtual hosts by key. */
  readonly others?: Readonly<Record<string, readonly Route[]>>;
  /** Endpoints by subset. */
  readonly endpoints?: Readonly<Record<string, readonly TestEndpoint[]>>;
  readonly clusterKey?: string;
  readonly maxRequests?: number;
  readonly callbackMethods?: string[];
}

async function setUp({
  routes,
  others = {},
  endpoints = { "": [{ port: one.port }] },
  clusterKey = KEY,
  ...extra
}: Setup): Promise<void> {
  const listener = {
    name: "dubbo",
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "dubbo" as const, routeConfigName: "dubbo" } } },
  };
  const all = {
    [KEY]: routes ?? [{ name: "all", match: { prefix: "/" }, route: { cluster: clusterName(clusterKey) } }],
    ...others,
  };
  await proxy.apply([
    { typeUrl: LISTENER_TYPE, resources: [named("dubbo", listener)], removedResources: [] },
    {
      typeUrl: CLUSTER_TYPE,
      resources: Object.keys(endpoints).map((subset) =>
        named(clusterName(clusterKey, subset), clusterOf(clusterKey, subset, { lbPolicy: "ROUND_ROBIN", ...extra })),
      ),
      removedResources: [],
    },
    {
      typeUrl: ENDPOINT_TYPE,
      resources: Object.entries(endpoints).map(([subset, list]) =>
        named(clusterName(clusterKey, subset), endpointsOf(clusterKey, subset, list)),
      ),
      removedResources: [],
    },
    { typeUrl: ROUTE_TYPE, resources: [named("dubbo", routesOf(all))], removedResources: [] },
  ]);
  caller = await openRaw("127.0.0.1", port);
}

function ask(options: Partial<RequestOptions> = {}): bigint {
  const id = nextId++;
  caller.write(request({ id, service: "com.acme.A", version: "1.0.0", method: "get", ...options }));
  return id;
}

async function call(options: Partial<RequestOptions> = {}): Promise<{ status: number; text: string }> {
  const id = ask(options);
  const answer = await caller.answer(4_000);
  expect(answer.id).toBe(id);
  return { status: answer.status, text: answer.body.toString("latin1") };
}

const toAll = (extra: object = {}, more: Partial<Route> = {}): Route[] => [
  { name: "all", match: { prefix: "/" }, route: { cluster: clusterName(KEY), ...extra }, ...more },
];

describe("retries", () => {
  test("a call whose connection is lost is tried at another provider where the rule says so", async () => {
    await setUp({
      endpoints: { "": [{ port: one.port }, { port: two.port }] },
      routes: toAll({ retryPolicy: { retryOn: "reset", numRetries: 1 } }),
    });
    one.onCall = ({ socket }) => socket.destroy();
    for (let i = 0; i < 4; i++) expect((await call()).text).toContain("two");
    expect(proxy.stats().counters["retries"]).toBeGreaterThan(0);
  });

  test("without a rule it is answered 80 and not tried again", async () => {
    await setUp({ endpoints: { "": [{ port: one.port }] } });
    one.onCall = ({ socket }) => socket.destroy();
    expect(await call()).toMatchObject({ status: 80 });
    expect(one.calls).toBe(1);
  });

  test("there are no more tries than the rule allows", async () => {
    await setUp({ routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 2 } }) });
    one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, Buffer.from("\x04busy"), undefined, 100));
    expect(await call()).toMatchObject({ status: 100 });
    expect(one.calls).toBe(3);
  });

  test("a try that takes too long is given up for another one", async () => {
    await setUp({
      endpoints: { "": [{ port: one.port }, { port: two.port }] },
      routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 1, perTryTimeout: "0.1s" } }),
    });
    one.onCall = () => {};
    for (let i = 0; i < 2; i++) expect((await call()).text).toContain("two");
  });

  test("an exception of the callee is its answer, not a failure", async () => {
    await setUp({ routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 2 } }) });
    one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, Buffer.from("904e", "hex"), undefined, 20));
    expect(await call()).toMatchObject({ status: 20 });
    expect(one.calls).toBe(1);
    expect(proxy.stats().calls).toMatchObject([{ responseCode: 200, exception: true, count: 1 }]);
  });
});

describe("faults", () => {
  const fault = (config: object): Partial<Route> => ({ typedPerFilterConfig: { [FAULT_FILTER]: config } });

  test("an abort below 500 is an exception, from 500 on a status 80; nothing reaches the provider", async () => {
    await setUp({
      routes: [
        {
          name: "f",
          match: { path: "/com.acme.A/denied" },
          route: { cluster: clusterName(KEY) },
          ...fault({ abort: { httpStatus: 403, percentage: ALL } }),
        },
        {
          name: "g",
          match: { prefix: "/" },
          route: { cluster: clusterName(KEY) },
          ...fault({ abort: { httpStatus: 503, percentage: ALL } }),
        },
      ],
    });
    const denied = await call({ method: "denied" });
    expect(denied.status).toBe(20);
    expect(denied.text).toContain("java.lang.RuntimeException");
    expect(await call()).toMatchObject({ status: 80 });
    expect(one.calls).toBe(0);
    expect(proxy.stats().calls.map(({ responseCode, responseFlags }) => [responseCode, responseFlags])).toEqual([
      [403, "FI"],
      [503, "FI"],
    ]);
  });

  test("a delay holds its own call and no other", async () => {
    await setUp({
      routes: [
        {
          name: "slow",
          match: { path: "/com.acme.A/slow" },
          route: { cluster: clusterName(KEY) },
          ...fault({ delay: { fixedDelay: "0.3s", percentage: ALL } }),
        },
        ...toAll(),
      ],
    });
    const startMs = Date.now();
    const slow = ask({ method: "slow" });
    const quick = ask();
    expect((await caller.answer()).id).toBe(quick);
    expect(Date.now() - startMs).toBeLessThan(250);
    expect((await caller.answer()).id).toBe(slow);
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(295);
  });
});

test("a route's time-out is answered 31", async () => {
  await setUp({ routes: toAll({ timeout: "0.1s" }) });
  one.onCall = () => {};
  const answer = await call();
  expect(answer.status).toBe(31);
  expect(answer.text).toContain("no answer within 100 ms");
});

describe("what the provider is sent", () => {
  let seen: SeenFrame[];
  beforeEach(() => {
    seen = [];
    one.onCall = (got) => {
      seen.push(got);
      answerCall(got);
    };
  });
  const text = () => seen[0]!.body.toString("latin1");

  test("attachments are set, added and removed, and the rest stays byte for byte", async () => {
    await setUp({
      routes: toAll(
        {},
        {
          requestHeadersToAdd: [
            { header: { key: "lane", value: "blue" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
            { header: { key: "seen-by", value: "trestle" }, appendAction: "APPEND_IF_EXISTS_OR_ADD" },
          ],
          requestHeadersToRemove: ["secret"],
        },
      ),
    });
    await call({ attachments: { lane: "red", secret: "x", other: "stays", "seen-by": "a" } });
    expect(text()).toContain("\x04lane\x04blue");
    expect(text()).toContain("\x07seen-by\x09a,trestle");
    expect(text()).not.toContain("secret");
    expect(text()).toContain("\x05other\x05stays");
  });

  test("a call for another service has its interface, group and version rewritten wherever they stand", async () => {
    await setUp({
      clusterKey: "g/com.acme.B:2.0.0",
      routes: [{ name: "moved", match: { prefix: "/" }, route: { cluster: clusterName("g/com.acme.B:2.0.0") } }],
    });
    await call({ attachments: { timeout: "1000" } });
    expect(text().startsWith("\x052.0.2\x0acom.acme.B\x052.0.0\x03get")).toBe(true);
    expect(text()).not.toContain("com.acme.A");
    expect(text()).not.toContain("1.0.0");
    expect(text()).toContain("\x05group\x01g");
  });

  test("each provider gets the token that it asks for", async () => {
    await setUp({
      endpoints: {
        "": [
          { port: one.port, token: "t-one" },
          { port: two.port, token: "t-two" },
        ],
      },
    });
    const twos: string[] = [];
    two.onCall = (got) => {
      twos.push(got.body.toString("latin1"));
      answerCall(got, "two");
    };
    for (let i = 0; i < 4; i++) await call({ attachments: { token: "whatever" } });
    expect(seen.every(({ body }) => body.toString("latin1").includes("\x05token\x05t-one"))).toBe(true);
    expect(twos.every((body) => body.includes("\x05token\x05t-two"))).toBe(true);
    expect([seen.length, twos.length]).toEqual([2, 2]);
  });
});

describe("tags", () => {
  test("a tagged call goes to the provider with its tag, an untagged one to that without", async () => {
    await setUp({ endpoints: { "": [{ port: one.port }, { port: two.port, tag: "gray" }] } });
    for (let i = 0; i < 3; i++) {
      expect((await call({ attachments: { "dubbo.tag": "gray" } })).text).toContain("two");
      expect((await call()).text).toContain("one");
    }
  });

  test("a tag that nobody has falls back, unless it is forced", async () => {
    await setUp({ endpoints: { "": [{ port: one.port }, { port: two.port, tag: "gray" }] } });
    expect((await call({ attachments: { "dubbo.tag": "blue" } })).text).toContain("one");
    expect(await call({ attachments: { "dubbo.tag": "blue", "dubbo.force.tag": "true" } })).toMatchObject({
      status: 80,
    });
  });
});

describe("who is meant", () => {
  test("groups of one interface and version are told apart by the attachment", async () => {
    await setUp({
      others: { "g/com.acme.A:1.0.0": [{ match: { prefix: "/" }, route: { cluster: clusterName(KEY, "g") } }] },
      endpoints: { "": [{ port: one.port }], g: [{ port: two.port }] },
    });
    expect((await call()).text).toContain("one");
    expect(await call({ group: "h" })).toMatchObject({ status: 60 });
  });

  test("a generic call is routed by the method that it names", async () => {
    await setUp({
      routes: [
        { name: "create", match: { path: "/com.acme.A/create" }, route: { cluster: clusterName(KEY, "v2") } },
        ...toAll(),
      ],
      endpoints: { "": [{ port: one.port }], v2: [{ port: two.port }] },
    });
    const types = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    const generic = (method: string) => ({
      method: "$invoke",
      types,
      args: Buffer.concat([Buffer.from([method.length]), Buffer.from(method), Buffer.from("4e4e", "hex")]),
    });
    expect((await call(generic("create"))).text).toContain("two");
    expect((await call(generic("get"))).text).toContain("one");
    expect(new Set(proxy.stats().calls.map(({ method }) => method))).toEqual(new Set(["create", "get"]));
  });

  test("a serialization that is only carried goes to the one service there is", async () => {
    await setUp({});
    expect(await call({ serialization: 8 })).toMatchObject({ status: 20 });
    expect(proxy.stats().counters["carriedUnread"]).toBe(1);
  });

  test("where it could be several it follows the connection's readable calls, and is refused before there were any", async () => {
    await setUp({ others: { "com.acme.B": toAll() } });
    expect(await call({ serialization: 8 })).toMatchObject({ status: 40 });
    await call();
    expect(await call({ serialization: 8 })).toMatchObject({ status: 20 });
  });
});

test("a method with a callback parameter has a connection of its own, and the provider's calls reach that caller", async () => {
  await setUp({ callbackMethods: ["listen"] });
  let back: SeenFrame | undefined;
  one.onCall = (seen) => {
    if (seen.body.includes("listen"))
      seen.socket.write(request({ id: 77n, service: "com.acme.Listener", method: "changed" }));
    answerCall(seen);
  };
  await call();
  ask({ method: "listen" });
  const answers = [await caller.answer(), await caller.answer()];
  const pushed = answers.find(({ flags }) => (flags & 0x80) !== 0)!;
  expect(pushed.body.includes("changed")).toBe(true);
  expect(one.sockets.size).toBe(2);
  for (const socket of one.sockets) {
    socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0x02) back = { socket, flags: chunk[2], id: chunk.readBigInt64BE(4), body: chunk.subarray(16) };
    });
  }
  caller.write(frame(0x02, pushed.id, Buffer.from("92", "hex"), undefined, 20));
  await expect.poll(() => back?.id).toBe(77n);
});

test("a cluster's limit of waiting calls is answered 100, until one of them is answered", async () => {
  await setUp({ maxRequests: 2 });
  const waiting: SeenFrame[] = [];
  one.onCall = (seen) => void waiting.push(seen);
  ask();
  ask();
  expect(await call()).toMatchObject({ status: 100 });
  await expect.poll(() => waiting.length).toBe(2);
  answerCall(waiting[0]!);
  await caller.answer();
  one.onCall = (seen) => answerCall(seen);
  expect(await call()).toMatchObject({ status: 20 });
});

test("a one-way call is sent on and never answered", async () => {
  await setUp({});
  ask({ oneWay: true });
  await expect.poll(() => one.calls).toBe(1);
  expect(await call()).toMatchObject({ status: 20 });
  expect(
    proxy
      .stats()
      .calls.map(({ oneWay, count }) => [oneWay, count])
      .sort(),
  ).toEqual([
    [false, 1],
    [true, 1],
  ]);
});

test("a provider's larger payload raises the limit, a smaller one is kept to", async () => {
  await setUp({ endpoints: { "": [{ port: one.port, payloadBytes: 100 }] } });
  expect(await call()).toMatchObject({ status: 20 });
  expect(await call({ attachments: { filler: "x".repeat(200) } })).toMatchObject({ status: 40 });
  await setUp({ endpoints: { "": [{ port: one.port, payloadBytes: 20_000_000 }] } });
  caller.write(frame(0xc2, 9n, Buffer.alloc(9_000_000)));
  expect((await caller.answer()).body.toString("latin1")).not.toContain("over the limit");
});

test("configuration changes while calls are on their way cost none of them", async () => {
  await setUp({ endpoints: { "": [{ port: one.port }] } });
  one.onCall = (seen) => void setTimeout(() => answerCall(seen, "one"), 30);
  const ids = new Set<bigint>();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) ids.add(ask());
    const resources = [
      named(clusterName(KEY), endpointsOf(KEY, "", [{ port: round % 2 === 0 ? two.port : one.port }])),
    ];
    await proxy.apply([{ typeUrl: ENDPOINT_TYPE, resources, removedResources: [] }]);
  }
  while (ids.size > 0) {
    const answer = await caller.answer();
    expect(answer.status).toBe(20);
    expect(ids.delete(answer.id)).toBe(true);
  }
});

test("a drained proxy says READONLY, answers what is on its way, and ends", async () => {
  await setUp({});
  one.onCall = (seen) => void setTimeout(() => answerCall(seen), 300);
  const id = ask();
  await expect.poll(() => one.calls).toBe(1);
  const draining = proxy.drain(5_000);
  const readonly = await caller.answer();
  expect([readonly.flags & 0xe0, readonly.body.toString("latin1")]).toEqual([0xa0, "\x01R"]);
  expect((await caller.answer()).id).toBe(id);
  await draining;
  expect(await caller.closed(1_000)).toBe(true);
  await expect(openRaw("127.0.0.1", port)).rejects.toThrow();
});
