import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { ConfigError } from "../../../../../src/base/errors.ts";
import { failure } from "../../../../../src/codecs/nacos/messages.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { createNacosSource, type NacosSourceOptions } from "../../../../../src/registry-sync/sources/nacos/source.ts";
import { offered } from "../../../../support/applications.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";
import { FakeNacosGrpc, nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const provider = { protocol: "dubbo", interface: "a.B", path: "a.B", application: "app" };

function watching(options: Partial<NacosSourceOptions> = {}) {
  const clock = new ManualClock();
  const grpc = new FakeNacosGrpc();
  const http = new FakeNacos(clock);
  const worlds: World[] = [];
  const told: string[] = [];
  const messages: string[] = [];
  const source = createNacosSource({
    ...{ name: "n", hosts: ["a:8848"], api: "grpc", openTransport: grpc.open, fetch: http.fetch, clock },
    onConnected: (connected) => void told.push(connected ? "connected" : "lost"),
    onFindings: (findings) => {
      messages.push(...findings.map(({ message }) => message));
      told.push(findings.map(({ code }) => code).join() || "no findings");
    },
    ...options,
  });
  const ending = new AbortController();
  const start = () => {
    const running = (async () => {
      for await (const world of source.watch(ending.signal, () => told.push("disturbed"))) worlds.push(world);
    })();
    const end = async () => {
      ending.abort();
      clock.advance(60_000);
      await running;
    };
    onTestFinished(end);
    return end;
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 5) {
      clock.advance(Math.min(5, left));
      if (ms <= 500 || left % 50 === 0) await settle();
    }
    await settle();
  };
  return {
    source,
    clock,
    grpc,
    http,
    start,
    pass,
    messages,
    take: () => told.splice(0),
    worlds: () => worlds.splice(0),
  };
}

const shown = (worlds: readonly World[]) =>
  worlds.map(({ entries }) =>
    entries.map(({ service, endpoints }) => `${service.interface} ${endpoints.map(({ port }) => port)}`),
  );

test("the first world comes when all was read, rules and types with it; then each change comes as a world", async () => {
  const { grpc, start, pass, worlds, take } = watching();
  grpc.put("providers:a.B::", [nacosHost("a", 1, provider)]);
  grpc.put("order", [nacosHost("a", 2)]);
  grpc.config("app.configurators", "configs:\n- side: provider\n  parameters: {weight: 7}\n");
  grpc.config("a.B:::provider:app", '{"methods":[{"name":"hi","parameterTypes":[],"returnType":"void"}],"types":[]}');
  start();
  await pass(100);
  const [first, ...more] = worlds();
  expect([shown([first!]), more]).toEqual([[["a.B 1", "order 2"]], []]);
  expect(first!.entries[0]!.endpoints[0]!.weight).toBe(7);
  expect(first!.schemas?.map(({ name }) => name)).toEqual(["a.B"]);
  grpc.put("order", [nacosHost("a", 2), nacosHost("a", 3)]);
  await pass(5);
  const [second] = worlds();
  expect(shown([second!])).toEqual([["a.B 1", "order 2,3"]]);
  expect(second!.entries[0]).toBe(first!.entries[0]);
  expect(take()).toEqual(["connected"]);
});

test("an empty registry is an empty world", async () => {
  const { start, pass, worlds } = watching();
  start();
  await pass(100);
  expect(shown(worlds())).toEqual([[]]);
});

test("a server that is lost yields nothing; what it says when it is back counts, and the disturbance is told", async () => {
  const { source, grpc, start, pass, worlds, take } = watching();
  grpc.put("order", [nacosHost("a", 2)]);
  expect(source.status?.()).toEqual({ state: "connecting", errors: 0 });
  start();
  await pass(100);
  worlds();
  take();
  grpc.isUp = false;
  grpc.drop();
  await pass(10_000);
  expect([worlds(), take()]).toEqual([[], ["disturbed", "lost"]]);
  const { errors = 0, lastError } = source.status?.() ?? {};
  expect(source.status?.()).toEqual({ state: "lost", errors: expect.any(Number), lastError: expect.any(String) });
  expect([errors > 1, lastError]).toEqual([true, "nacos at a:8848: connection refused"]);
  grpc.put("order", [nacosHost("a", 4)]);
  grpc.isUp = true;
  await pass(12_000);
  // What a server that is new does not name stays for 6 s.
  expect([shown(worlds()), take()]).toEqual([
    [["order 2,4"], ["order 4"]],
    ["disturbed", "connected"],
  ]);
  expect(source.status?.()).toMatchObject({ state: "connected", lastError });
});

test.each(["auto", "grpc", "http"] as const)(
  "a registry that was never reached says why under %s, and counts",
  async (api) => {
    const down = async () => Promise.reject(new TypeError("fetch failed"));
    const { source, grpc, start, pass, take } = watching({ api, fetch: down });
    grpc.isUp = false;
    start();
    await pass(10_000);
    const { state, errors = 0, lastError } = source.status?.() ?? {};
    expect([state, errors > 1, take()]).toEqual(["connecting", true, []]);
    expect(lastError).toMatch(/a:8848/);
  },
);

test("rules that can't be read hold the first world for two seconds, and are told of", async () => {
  const { grpc, start, pass, worlds } = watching();
  grpc.refused.set("ConfigBatchListenRequest", failure(302, "RequestHandler Not Found"));
  grpc.put("providers:a.B::", [nacosHost("a", 1, provider)]);
  start();
  await pass(1_900);
  expect(worlds()).toEqual([]);
  await pass(300);
  expect(worlds().map(({ findings }) => findings.map(({ code }) => code))).toEqual([["TR0161"]]);
});

test.each([
  ["a right", failure(403, "no right"), "check username, password and their rights"],
  ["sense", { type: "Unexpected", body: {} }, "it is asked on"],
])("what is said of a list that lacks %s", async (_name, answer, advice) => {
  const { grpc, start, pass, messages } = watching();
  grpc.refused.set("ServiceListRequest", answer);
  start();
  await pass(1_000);
  expect(messages.map((text) => text.slice(text.lastIndexOf(": ") + 2))).toEqual([advice]);
});

test("a list that is denied yields nothing and is told of, until it is given", async () => {
  const { grpc, start, pass, worlds, take } = watching();
  grpc.refused.set("ServiceListRequest", failure(403, "no right"));
  start();
  await pass(1_000);
  expect([worlds(), take()]).toEqual([[], ["connected", "TR0105"]]);
  grpc.refused.clear();
  await pass(3_000);
  expect([shown(worlds()), take()]).toEqual([[[]], ["no findings"]]);
});

test("what is over a limit, refused or unreadable is told of, the rest is there", async () => {
  const { grpc, start, pass, worlds } = watching({ limits: { maxServices: 3, maxInstances: 2 } });
  grpc.put("a", [nacosHost("a", 1), nacosHost("a", 2), nacosHost("a", 3)]);
  grpc.put("b", []);
  grpc.put("c", []);
  grpc.put("d", []);
  grpc.refused.set("SubscribeServiceRequest b", failure(500, "broken"));
  start();
  await pass(5_000);
  const world = worlds().at(-1)!;
  expect(shown([world])).toEqual([["a 1,2"]]);
  expect(world.findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "TR0104 registry n holds 1 services more than are read",
    "TR0104 registry n holds 1 instances more than are read, such as of DEFAULT_GROUP@@a",
    "TR0106 registry n does not give 1 of its services: nacos at a:8848 refuses SubscribeServiceRequest: broken",
  ]);
});

test("revisions are had from the configurations, or from the instances themselves, before the first world", async () => {
  const asked: string[] = [];
  const { grpc, start, pass, worlds } = watching({
    askMetadata: async (application, { id, revision }) => {
      asked.push(`${application} ${id} ${revision}`);
      return { application, revision, services: [offered("a.C")] };
    },
  });
  const instance = (revision: string, storage: string) => ({
    ...{ "dubbo.metadata.revision": revision, "dubbo.metadata.storage-type": storage },
  });
  const service = { name: "a.B", protocol: "dubbo", port: 20880, path: "a.B", params: {} };
  const info = JSON.stringify({ app: "shop", revision: "r1", services: { "a.B:dubbo": service } });
  grpc.config("shop", info, "", "r1");
  grpc.put("shop", [nacosHost("10.0.0.1", 20880, instance("r1", "remote"))]);
  grpc.put("cart", [nacosHost("10.0.0.2", 20880, instance("r2", "local"))]);
  start();
  await pass(500);
  expect(shown(worlds())).toEqual([["a.B 20880", "a.C 20880"]]);
  expect(asked).toEqual(["cart 10.0.0.2:20880 r2"]);
});

test("groups and clusters that were asked for count, others don't", async () => {
  const { grpc, start, pass, worlds } = watching({ groups: ["G1", "G2"], clusters: ["C"] });
  grpc.put("a", [nacosHost("a", 1, {}, { clusterName: "C" }), nacosHost("a", 2)], "G1");
  grpc.put("b", [nacosHost("a", 3, {}, { clusterName: "C" })], "G2");
  grpc.put("c", [nacosHost("a", 4, {}, { clusterName: "C" })]);
  start();
  await pass(100);
  expect(shown(worlds())).toEqual([["a 1", "b 3"]]);
});

test("when it ends nothing of it goes on", async () => {
  const { grpc, start, pass, take } = watching();
  const end = start();
  await pass(100);
  await end();
  expect([grpc.connected, take()]).toEqual([[], ["connected", "no findings"]]);
});

test("an address that can't be is refused at once", () => {
  expect(() => createNacosSource({ name: "n", hosts: ["a:99999"] })).toThrow(ConfigError);
});
