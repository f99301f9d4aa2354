import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { FAULT_FILTER, type Route, type RouteAction } from "../../src/codecs/xds/route.ts";
import { type GrpcClient, type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { type CarriedService, startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName, type TestEndpoint } from "../support/xds-fixtures.ts";

// gRPC between processes that know nothing of Dubbo, through a proxy: what it carries unchanged, and what rules do to it.
const key = "com.acme.Relay";
const always = { numerator: 100, denominator: "HUNDRED" } as const;
let stage: TripleStage;
let one: GrpcServer;
let two: GrpcServer;
let client: GrpcClient;

const at = (server: GrpcServer): TestEndpoint => ({ port: server.port, protocol: "tri" });
const route = (name: string, more: Partial<Route>): Route => ({ name, match: { prefix: "/" }, ...more });
const to = (more: Partial<RouteAction> = {}, subset = ""): RouteAction => ({
  cluster: clusterName(key, subset),
  ...more,
});

function apply(routes: readonly Route[] = [], more: Partial<CarriedService> = {}): Promise<void> {
  return stage.apply([{ key, endpoints: [at(one), at(two)], routes, ...more }]);
}

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

beforeEach(async () => {
  [one, two] = await Promise.all([startGrpcServer("one"), startGrpcServer("two")]);
  await apply();
  client = grpcClient(`${stage.host}:${stage.port}`);
});

afterEach(async () => {
  client.close();
  one.kill();
  two.kill();
});

afterAll(() => stage?.close());

const onlyOne = () => apply([], { endpoints: [at(one)] });

test("metadata, text and binary, goes both ways as it is", async () => {
  await onlyOne();
  const sent = { "x-color": "blue", "x-many": "a, b", "x-bytes-bin": Buffer.from([0, 255, 10, 13]) };
  const { values, code } = await client.say("headers", { metadata: sent });
  expect(code).toBe(0);
  expect(JSON.parse(values[0]!)).toMatchObject({ ...sent, "x-bytes-bin": "\x00\u00ff\n\r" });
  const back = await client.say("trailers a b");
  expect(back).toMatchObject({ code: 0, values: ["one"], headers: { "x-head": "trailers a b" } });
  expect(back.trailers).toMatchObject({ "x-tail": "trailers a b", "x-tail-bin": "\x00\u00ff\x01" });
});

test("an error keeps its code, its text and its details", async () => {
  const answer = await client.say("fail 5 no order 7: 100% \u00e9\u4e2d");
  expect(answer).toMatchObject({ code: 5, details: "no order 7: 100% \u00e9\u4e2d", values: [] });
  expect(answer.trailers).toMatchObject({ "grpc-status-details-bin": "details of 5", "x-tail": "failed" });
  for (const code of [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]) {
    expect(await client.say(`fail ${code} x`)).toMatchObject({ code, details: "x" });
  }
});

test("streams go each way, and their errors after messages", async () => {
  await onlyOne();
  const counted = await client.count(500);
  expect(counted).toMatchObject({ code: 0, values: Array.from({ length: 500 }, (_, n) => `one ${n}`) });
  expect(await client.count(0)).toMatchObject({ code: 0, values: [] });
  expect(await client.sum([1, 2, 3, -10])).toMatchObject({ code: 0, values: ["one: -4"] });
  expect(await client.talk(["a", "\u00e9"])).toMatchObject({ code: 0, values: ["one: a", "one: \u00e9"] });
  const failed = await client.talk(["a", "fail 3 bad word", "b"]);
  expect(failed).toMatchObject({ code: 3, details: "bad word", trailers: { "x-tail": "failed" } });
});

test("bodies of 7 MB go both ways", async () => {
  const down = await client.say("big 7000000");
  expect([down.code, down.values[0]?.length]).toEqual([0, 7_000_000]);
  expect(await client.say(`length ${"y".repeat(7_000_000 - 7)}`)).toMatchObject({ code: 0, values: ["7000000"] });
});

test("200 calls at once on one connection are spread over both servers", async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => client.say("sleep 100")));
  expect(answers.filter(({ code }) => code !== 0)).toEqual([]);
  const of = (label: string) => answers.filter(({ values }) => values[0] === label).length;
  expect([of("one"), of("two")]).toEqual([100, 100]);
});

test("a deadline reaches the server, and ends the call there too", async () => {
  await onlyOne();
  const { values } = await client.say("deadline", { deadlineMs: 30_000 });
  expect(Number(values[0])).toBeGreaterThan(1_000);
  expect(Number(values[0])).toBeLessThanOrEqual(30_000);
  expect((await client.say("deadline")).values).toEqual(["none"]);
  expect(await client.say("sleep 5000", { deadlineMs: 200 })).toMatchObject({ code: 4 });
  await eventually("the server knows", () => one.seen.get("say-cancelled") === 1, 3_000);
});

test("a cancelled call is cancelled at the server", async () => {
  await onlyOne();
  expect(await client.say("sleep 5000", { cancelAfter: 0 })).toMatchObject({ code: 1 });
  const endless = await client.count(-1, { cancelAfter: 3 });
  expect(endless).toMatchObject({ code: 1, values: ["one 0", "one 1", "one 2"] });
  await eventually("the server knows of both", () => one.seen.get("say-cancelled") === 1, 3_000);
  await eventually("the server knows of both", () => one.seen.get("count-cancelled") === 1, 3_000);
});

test("health and reflection pass through", async () => {
  await client.say("hello");
  expect(await client.check("com.acme.Relay")).toMatchObject({ code: 0, values: ["SERVING"] });
  expect(await client.check("com.acme.Other")).toMatchObject({ code: 5, details: "unknown service com.acme.Other" });
  expect(await client.list()).toMatchObject({ code: 0, values: [["com.acme.Relay"]] });
  expect((await client.files("com.acme.Relay")).values[0]).toBeGreaterThan(0);
});

test("an unknown service is unimplemented", async () => {
  await stage.apply([{ key: "com.acme.Other", endpoints: [at(one)] }]);
  expect(await client.say("hello")).toMatchObject({ code: 12, details: expect.stringMatching(/^trestle: .*Relay/) });
});

test("a server that dies in the middle of a call fails that call alone", async () => {
  await onlyOne();
  const cut = client.say("sleep 5000");
  const stream = client.count(-1);
  await eventually("the call is there", () => one.seen.get("say") === 1);
  one.kill();
  expect(await cut).toMatchObject({ code: expect.toBeOneOf([1, 14]) });
  expect(await stream).toMatchObject({ code: expect.toBeOneOf([1, 2, 13, 14]) });
  expect(await client.say("hello")).toMatchObject({ code: 14, details: expect.stringMatching(/^trestle: /) });
  await apply([], { endpoints: [at(two)] });
  expect(await client.say("hello")).toMatchObject({ code: 0, values: ["two: hello"] });
});

test("servers come and go without a failed call", async () => {
  let running = true;
  const codes = new Map<number, number>();
  const labels = new Set<string>();
  const loops = Array.from({ length: 8 }, async () => {
    while (running) {
      const { code, values } = await client.say("sleep 2");
      codes.set(code, (codes.get(code) ?? 0) + 1);
      labels.add(values[0] ?? "");
    }
  });
  const calls = () => [...codes.values()].reduce((sum, count) => sum + count, 0);
  const more = async (count: number) => {
    const until = calls() + count;
    await eventually("calls go on", () => calls() >= until, 20_000, 5);
  };
  await more(50);
  await apply([], { endpoints: [at(two)] });
  await one.stop();
  await more(50);
  const three = await startGrpcServer("three");
  onTestFinished(() => three.kill());
  await apply([], { endpoints: [at(two), at(three)] });
  await more(50);
  // Says goodbye while it is still listed.
  const gone = two.stop();
  await more(50);
  await apply([], { endpoints: [at(three)] });
  await gone;
  await more(50);
  running = false;
  await Promise.all(loops);
  expect([...codes.keys()]).toEqual([0]);
  expect([...labels].sort()).toEqual(["one", "three", "two"]);
});

test("rules send calls by method, by header, and by weight", async () => {
  const subsets = { first: [at(one)], second: [at(two)] };
  const header = [{ name: "x-to", stringMatch: { exact: "two" } }];
  await apply(
    [
      route("by-method", { match: { path: `/${key}/Count` }, route: to({}, "second") }),
      route("by-header", { match: { prefix: "/", headers: header }, route: to({}, "second") }),
      route("rest", { route: to({}, "first") }),
    ],
    { subsets },
  );
  expect((await client.count(1)).values).toEqual(["two 0"]);
  for (const to of ["two", ["no", "two"]])
    expect((await client.say("x", { metadata: { "x-to": to } })).values).toEqual(["two: x"]);
  expect((await client.say("x", { metadata: { "x-to": "no,two" } })).values).toEqual(["one: x"]);
  expect((await client.say("x")).values).toEqual(["one: x"]);
  const weights = (first: number, second: number) => ({
    weightedClusters: {
      clusters: [
        { name: clusterName(key, "first"), weight: first },
        { name: clusterName(key, "second"), weight: second },
      ],
    },
  });
  await apply([route("weights", { route: weights(0, 100) })], { subsets });
  expect((await client.say("x")).values).toEqual(["two: x"]);
  await apply([route("weights", { route: weights(50, 50) })], { subsets });
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.say("x")));
  expect(new Set(answers.map(({ values }) => values[0]))).toEqual(new Set(["one: x", "two: x"]));
});

test("rules write and remove headers", async () => {
  const set = { header: { key: "x-new", value: "by rule" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;
  const more = { requestHeadersToAdd: [set], requestHeadersToRemove: ["x-old"] };
  await apply([route("headers", { route: to(), ...more })]);
  const { values } = await client.say("headers", { metadata: { "x-old": "1", "x-kept": "2" } });
  const seen = JSON.parse(values[0]!);
  expect(seen).toMatchObject({ "x-new": "by rule", "x-kept": "2" });
  expect(seen).not.toHaveProperty("x-old");
});

test("a rule's time-out ends the call on both sides", async () => {
  await apply([route("slow", { route: to({ timeout: "0.2s" }) })], { endpoints: [at(one)] });
  const answer = await client.say("sleep 5000");
  expect(answer).toMatchObject({ code: 4, details: expect.stringMatching(/^trestle: /) });
  await eventually("the server knows", () => one.seen.get("say-cancelled") === 1, 3_000);
  expect(Number((await client.say("deadline", { deadlineMs: 20_000 })).values[0])).toBeLessThanOrEqual(20_000);
});

test("a rule's retries try again what may be, and nothing else", async () => {
  const retryPolicy = { retryOn: "unavailable", numRetries: 2, retryBackOff: { baseInterval: "0.001s" } };
  await apply([route("retries", { route: to({ retryPolicy }) })]);
  const said = () => (one.seen.get("say") ?? 0) + (two.seen.get("say") ?? 0);
  expect(await client.say("fail 14 not now")).toMatchObject({ code: 14, details: "not now" });
  expect(said()).toBe(3);
  expect(await client.say("fail 9 never")).toMatchObject({ code: 9 });
  expect(said()).toBe(4);
  // A server that is gone but still listed: the other one answers.
  one.kill();
  for (let i = 0; i < 6; i++) expect(await client.say("x")).toMatchObject({ code: 0, values: ["two: x"] });
});

test("a rule's faults abort and delay", async () => {
  const abort = (more: object) => ({ [FAULT_FILTER]: { abort: { percentage: always, ...more } } });
  const calls = () => (one.seen.get("say") ?? 0) + (two.seen.get("say") ?? 0);
  await apply([route("stop", { route: to(), typedPerFilterConfig: abort({ grpcStatus: 10 }) })]);
  const answer = await client.say("x");
  expect(answer).toMatchObject({ code: 10, details: expect.stringMatching(/^trestle: fault .*stop/) });
  for (const [httpStatus, code] of [
    [401, 16],
    [403, 7],
    [404, 12],
    [503, 14],
    [504, 4],
  ] as const) {
    await apply([route("stop", { route: to(), typedPerFilterConfig: abort({ httpStatus }) })]);
    expect([httpStatus, (await client.say("x")).code]).toEqual([httpStatus, code]);
    expect([httpStatus, (await client.talk(["x"])).code]).toEqual([httpStatus, code]);
  }
  expect(calls()).toBe(0);
  const delay = { [FAULT_FILTER]: { delay: { fixedDelay: "0.3s", percentage: always } } };
  await apply([route("wait", { route: to(), typedPerFilterConfig: delay })]);
  const before = Date.now();
  expect(await client.say("x")).toMatchObject({ code: 0 });
  expect(Date.now() - before).toBeGreaterThanOrEqual(290);
});

test("a rule answers by itself", async () => {
  await apply([route("closed", { directResponse: { status: 403, body: { inlineString: "closed on sundays" } } })]);
  expect(await client.say("x")).toMatchObject({ code: 7, details: "trestle: closed on sundays" });
});

test("calls above the limit of waiting ones are turned away", async () => {
  await apply([], { endpoints: [at(one)], maxRequests: 2 });
  const held = [client.say("sleep 500"), client.say("sleep 500")];
  await eventually("both wait", () => one.seen.get("say") === 2);
  expect(await client.say("x")).toMatchObject({ code: 14, details: expect.stringMatching(/^trestle: /) });
  expect((await Promise.all(held)).map(({ code }) => code)).toEqual([0, 0]);
  expect(await client.say("x")).toMatchObject({ code: 0 });
});

test("a call is counted once, by its method and what became of it", async () => {
  const count = (method: string, grpcStatus: number) =>
    stage.proxy
      .stats()
      .calls.filter((series) => series.service === key && series.method === method && series.grpcStatus === grpcStatus)
      .reduce((sum, series) => sum + series.count, 0);
  const before = [count("Say", 0), count("Say", 5), count("Count", 0)];
  await client.say("x");
  await client.say("fail 5 x");
  await client.count(3);
  expect([count("Say", 0), count("Say", 5), count("Count", 0)]).toEqual(before.map((was) => was + 1));
});

test("nothing is held when all calls are over", async () => {
  await client.say("x");
  await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
});
