import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { WireProtocol } from "../../src/codecs/xds/core.ts";
import { FAULT_FILTER, type Route, type RouteAction } from "../../src/codecs/xds/route.ts";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { endpoint, provided, service } from "../support/triple-services.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName, type TestEndpoint } from "../support/xds-fixtures.ts";

// What rules do to calls of real Java callers, carried as they are and translated: a provider of each protocol, callers of both.
const key = "g/com.acme.OrderService:1.0.0";
const always = { numerator: 100, denominator: "HUNDRED" } as const;
const endpoints: Readonly<Record<WireProtocol, TestEndpoint>> = {
  tri: endpoint("tri"),
  dubbo: { ...endpoint("dubbo"), address: hosts.provider2 },
};
const labels = { tri: "tri-3.3", dubbo: "dubbo-2.7" } as const;
let stage: TripleStage;
const providers: Partial<Record<WireProtocol, Peer>> = {};

function start(protocol: WireProtocol): Promise<Peer> {
  const line = protocol === "tri" ? "3.3" : "2.7";
  const { address: host } = endpoints[protocol];
  return startProvider(line, { ...provided, ...(host && { host }), protocol, label: labels[protocol] });
}

const to = (protocol: WireProtocol, more: Partial<RouteAction> = {}): RouteAction => ({
  cluster: clusterName(key, protocol),
  ...more,
});
const rule = (name: string, more: Partial<Route>): Route => ({ name, match: { prefix: "/" }, ...more });

function apply(...routes: readonly Route[]): Promise<void> {
  const subsets = { tri: [endpoints.tri], dubbo: [endpoints.dubbo] };
  return stage.apply([{ key, endpoints: [], subsets, routes }]);
}

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  [providers.tri, providers.dubbo] = await Promise.all([start("tri"), start("dubbo")]);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

let nextId = 9_000;
const callers: readonly { line: DubboLine; speaks: WireProtocol }[] = [
  { line: "3.3", speaks: "tri" },
  { line: "3.2", speaks: "tri" },
  { line: "2.7", speaks: "dubbo" },
  { line: "2.6", speaks: "dubbo" },
];

function json(method: string, body: string): Promise<Response> {
  const { host } = new URL(stage.url.replace(/^tri:/, "http:"));
  return fetch(`http://${host}/com.acme.OrderService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", "tri-service-group": "g", "tri-service-version": "1.0.0" },
    body,
  });
}

const served = { header: { key: "x-served", value: "by rule" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;

test.each(["tri", "dubbo"] as const)("answers of a provider that speaks %s have what a rule adds", async (protocol) => {
  await apply(rule("answers", { route: to(protocol), responseHeadersToAdd: [served] }));
  // Of Dubbo's consumers 2.6 tells what came with an answer where it has one address.
  const consumer = await startConsumer("2.6", { ...service, url: stage.dubboUrl });
  const { answered } = await consumer.ask({ op: "call", method: "whoAmI" });
  expect(answered).toMatchObject({ "x-served": "by rule" });
  await consumer.stop();
  const answer = await json("sayHi", '["x"]');
  expect([answer.status, answer.headers.get("x-served")]).toEqual([200, "by rule"]);
});

test("calls in JSON are sent by their arguments", async () => {
  const match = { prefix: "/", headers: [{ name: "dubbo-arg-0.customer.name", stringMatch: { exact: "Ada" } }] };
  await apply(rule("by-customer", { match, route: to("tri") }), rule("all", { route: to("dubbo") }));
  const servedBy = async (order: string) =>
    ((await (await json("createOrder", order)).json()) as { servedBy: string }).servedBy;
  expect(await servedBy('[{"id": 1, "customer": {"name": "Ada"}}]')).toBe(labels.tri);
  expect(await servedBy('{"id": 1, "customer": {"name": "Ada"}}')).toBe(labels.tri);
  expect(await servedBy('[{"id": 1, "customer": {"name": "Bob"}}]')).toBe(labels.dubbo);
  expect((await json("createOrder", '[{"id":')).status).toBe(400);
});

describe.each(callers)("a $line caller over $speaks", ({ line, speaks }) => {
  let consumer: Consumer;
  const servedBy = async (arg: unknown, attach?: Readonly<Record<string, string>>) =>
    ((await consumer.call("createOrder", arg, attach)) as { servedBy: string }).servedBy;

  beforeAll(async () => {
    await apply(rule("all", { route: to("tri") }));
    const url = speaks === "tri" ? stage.url : stage.dubboUrl;
    consumer = await startConsumer(line, { ...service, url });
  });

  afterAll(async () => {
    await consumer?.stop();
  });

  describe.each(["tri", "dubbo"] as const)("of a provider that speaks %s", (protocol) => {
    const other = protocol === "tri" ? "dubbo" : "tri";

    beforeEach(() => apply(rule("all", { route: to(protocol) })));

    test("is told by name of a fault that a rule injects", async () => {
      for (const httpStatus of [403, 503]) {
        const abort = { [FAULT_FILTER]: { abort: { percentage: always, httpStatus } } };
        await apply(rule("stop", { route: to(protocol), typedPerFilterConfig: abort }));
        await expect(consumer.call("sayHi", "x")).rejects.toThrow(/trestle: fault injected by rule stop/);
      }
      await apply(rule("all", { route: to(protocol) }));
      expect(await consumer.call("sayHi", "x")).toBe("hi x");
    });

    test("is sent by method, generic calls too", async () => {
      const answer = { directResponse: { status: 403, body: { inlineString: "no new orders" } } };
      await apply(
        rule("closed", { match: { path: "/com.acme.OrderService/createOrder" }, ...answer }),
        rule("all", { route: to(protocol) }),
      );
      await expect(consumer.call("createOrder", 1)).rejects.toThrow(/trestle: no new orders/);
      expect(await consumer.call("getOrder", 1)).toMatchObject({ servedBy: labels[protocol] });
      const generic = (method: string, types: string[], args: unknown[]) =>
        consumer.ask({ op: "generic", method, types, args });
      expect((await generic("createOrder", ["com.acme.Order"], [{ id: 1 }]))["error"]).toMatch(/no new orders/);
      expect((await generic("getOrder", ["long"], [1]))["value"]).toMatchObject({ servedBy: labels[protocol] });
    });

    test("is sent by attachment and by argument", async () => {
      const when = (name: string, exact: string) => ({
        match: { prefix: "/", headers: [{ name, stringMatch: { exact } }] },
        route: to(other),
      });
      await apply(
        rule("by-user", when("userid", "7")),
        rule("by-customer", when("dubbo-arg-0.customer.name", "Ada")),
        rule("all", { route: to(protocol) }),
      );
      expect(await servedBy("Bob")).toBe(labels[protocol]);
      expect(await servedBy("Ada")).toBe(labels[other]);
      expect(await servedBy("Bob", { userId: "7" })).toBe(labels[other]);
      expect(await servedBy("Bob", { userId: "8" })).toBe(labels[protocol]);
    });

    test("sends the attachments that a rule writes, and not those that it removes", async () => {
      const set = { header: { key: "x-new", value: "by rule" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;
      const more = { requestHeadersToAdd: [set], requestHeadersToRemove: ["x-old"] };
      await apply(rule("attachments", { route: to(protocol), ...more }));
      const got = await consumer.call("attachments", undefined, { "x-old": "1", "x-kept": "2" });
      expect(got).toMatchObject({ "x-new": "by rule", "x-kept": "2" });
      expect(got).not.toHaveProperty("x-old");
    });

    test("calls another method by a rule that rewrites the path", async () => {
      const renamed = (name: string) =>
        rule("renamed", {
          match: { path: "/com.acme.OrderService/getOrder" },
          route: to(protocol, { prefixRewrite: `/com.acme.OrderService/${name}` }),
        });
      await apply(renamed("find"), rule("all", { route: to(protocol) }));
      expect(await consumer.call("getOrder", 5)).toMatchObject({ id: 5, servedBy: labels[protocol] });
      await apply(renamed("nosuch"), rule("all", { route: to(protocol) }));
      await expect(consumer.call("getOrder", 5)).rejects.toThrow();
      expect(await consumer.call("find", 5)).toMatchObject({ id: 5 });
    });

    test("is mirrored to a provider of the other protocol, and hears the first alone", async () => {
      const id = nextId++;
      await apply(
        rule("notes", { match: { path: "/com.acme.OrderService/notes" }, route: to(other) }),
        rule("all", { route: to(protocol, { requestMirrorPolicies: [{ cluster: clusterName(key, other) }] }) }),
      );
      await consumer.call("cancelOrder", id);
      await eventually("the copy arrived", async () => (await consumer.call("notes", `cancelled-${id}`)) === 1);
      expect((await consumer.ask({ op: "call", method: "whoAmI" }))["value"]).toMatchObject({
        label: labels[protocol],
      });
    });

    test("is given up when a rule's time is over", async () => {
      await apply(rule("slow", { route: to(protocol, { timeout: "0.3s" }) }));
      const before = Date.now();
      await expect(consumer.call("sleep", 4_000)).rejects.toThrow(/timeout|timed out|DEADLINE_EXCEEDED/i);
      expect(Date.now() - before).toBeLessThan(3_500);
      expect(await consumer.call("sleep", 1)).toBe(labels[protocol]);
    });

    test("is told when there is no provider, and is served when there is one again", async () => {
      await stage.apply([{ key, endpoints: [] }]);
      await expect(consumer.call("sayHi", "x")).rejects.toThrow(/trestle: no provider/);
      await apply(rule("all", { route: to(protocol) }));
      expect(await consumer.call("sayHi", "x")).toBe("hi x");
    });
  });

  test("moves from one protocol to the other and back without a failed call", async () => {
    const serve = (...list: readonly WireProtocol[]) =>
      stage.apply([{ key, endpoints: list.map((protocol) => endpoints[protocol]) }]);
    await serve("dubbo");
    const loop = await consumer.loop({ methods: "getOrder,createOrder,sleep", delay: 2, threads: 4 });
    let calls = 0;
    for (const list of [["dubbo", "tri"], ["tri"], ["tri", "dubbo"], ["dubbo"]] as const) {
      await serve(...list);
      const until = calls + 100;
      await eventually("calls go on", async () => {
        calls = (await loop.stats()).calls;
        return calls >= until;
      });
    }
    const { failed, errors, counts } = await loop.stop();
    expect({ failed, errors }).toEqual({ failed: 0, errors: [] });
    const served = new Set(Object.keys(counts).map((name) => name.split("@")[1]));
    expect([...served].sort()).toEqual([labels.dubbo, labels.tri]);
  });

  test.each(["tri", "dubbo"] as const)("loses only the calls of a %s provider that is killed", async (protocol) => {
    const other = protocol === "tri" ? "dubbo" : "tri";
    await stage.apply([{ key, endpoints: [endpoints[protocol]] }]);
    expect(await consumer.call("sleep", 1)).toBe(labels[protocol]);
    const cut = consumer.ask({ op: "call", method: "sleep", arg: 4_000 });
    await eventually("the call is on its way", () => stage.held()["callsInFlight"] === 1);
    const before = Date.now();
    await providers[protocol]?.kill();
    onTestFinished(async () => {
      providers[protocol] = await start(protocol);
    });
    expect((await cut)["error"]).toMatch(/trestle: /);
    expect(Date.now() - before).toBeLessThan(2_500);
    await expect(consumer.call("sleep", 1)).rejects.toThrow(/trestle: no connection/);
    await stage.apply([{ key, endpoints: [endpoints[other]] }]);
    for (let i = 0; i < 4; i++) expect(await consumer.call("sleep", 1)).toBe(labels[other]);
    await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
  });
});
