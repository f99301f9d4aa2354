import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { type NacosMessage, success } from "../../../../../src/codecs/nacos/messages.ts";
import { createConfigs, ruleDataIds } from "../../../../../src/registry-sync/sources/nacos/configs-of-world.ts";
import { createNacosHttp } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const provided = (name: string, application = "app") =>
  entry(name, [endpoint("10.0.0.1", { params: { application, interface: name } })]);
const definition = JSON.stringify({
  methods: [{ name: "hi", parameterTypes: ["int"], returnType: "void" }],
  types: [],
});

function configs() {
  const clock = new ManualClock();
  const server = new FakeNacos(clock);
  const told: string[] = [];
  const http = createNacosHttp({
    ...{ hosts: ["a:8848"], contextPath: "/nacos", username: "", password: "", clock, fetch: server.fetch },
  });
  const one = createConfigs({
    ...{ name: "n", http, namespace: "public", clock, log: silentLogger },
    onRules: (rules) => void told.push(...[...rules].map(([dataId, text]) => `${dataId}=${text}`)),
    onReports: () =>
      void told.push(`types of ${one.schemas.map(({ name }) => name)}; ${one.findings.map(({ code }) => code)}`),
  });
  const ending = new AbortController();
  const running = one.runHttp(ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await running;
  });
  return { clock, server, configs: one, take: () => told.splice(0), stopHttp: () => ending.abort() };
}

test("rules are those of providers' applications and of services, each in the forms that Dubbo writes", () => {
  const order = entry("order", [endpoint("10.0.0.2", { protocol: "http", params: {} })]);
  expect([...ruleDataIds([provided("a.B"), order])]).toEqual([
    "app.configurators",
    "app.condition-router",
    "app.tag-router",
    "app.script-router",
    "app.MESHAPPRULE",
    "a.B::.configurators",
    "a.B::.condition-router",
    "a.B:0.0.0:.configurators",
    "a.B:0.0.0:.condition-router",
  ]);
});

test("an entry's data ids are worked out once: the work for a change does not grow with the other entries", () => {
  let looks = 0;
  const { service, endpoints, ...rest } = provided("a.C");
  const counted = {
    ...rest,
    service,
    get endpoints() {
      looks++;
      return endpoints;
    },
  };
  const first = ruleDataIds([counted, provided("a.B")]);
  expect(ruleDataIds([counted, provided("a.B")])).toEqual(first);
  expect(looks).toBe(1);
});

test("rules and metadata reports of what is there are read, and followed", async () => {
  const { server, configs: one, take } = configs();
  server.put("app.configurators", "1");
  server.put("a.B:::provider:app", definition);
  one.follow([provided("a.B")]);
  expect(one.isRead).toBe(false);
  await settle();
  expect([take(), one.isRead]).toEqual([["app.configurators=1", "types of a.B; "], true]);
  server.put("a.B::.condition-router", "2");
  await settle();
  server.put("app.configurators", undefined);
  await settle();
  expect(take()).toEqual(["a.B::.condition-router=2", "app.configurators=undefined"]);
});

test("other entries are looked at once a second, and rules of what is gone are taken back", async () => {
  const { clock, server, configs: one, take } = configs();
  server.put("old.configurators", "1");
  server.put("new.configurators", "2");
  one.follow([provided("a.B", "old")]);
  await settle();
  take();
  one.follow([provided("a.B", "new")]);
  await settle();
  expect(take()).toEqual([]);
  clock.advance(1_000);
  await settle();
  const told = take();
  expect(told).toContain("old.configurators=undefined");
  expect(told).toContain("new.configurators=2");
  expect(one.isRead).toBe(true);
});

test("a server that is lost is told of once, and what was known stands", async () => {
  const { clock, server, configs: one, take } = configs();
  server.put("a.B:::provider:app", definition);
  one.follow([provided("a.B")]);
  await settle();
  take();
  server.kill();
  await settle();
  clock.advance(5_000);
  await settle();
  expect(take()).toEqual(["types of a.B; TR0161"]);
});

test("over gRPC they are followed as well, and revisions are asked for wherever the server is in reach", async () => {
  const { server, configs: one, take, stopHttp } = configs();
  stopHttp();
  server.put("shop", "over HTTP", "", "r1");
  server.put("old:r1", "of Go before 3.1");
  const signal = AbortSignal.timeout(5_000);
  expect(await one.revision("shop", "r1", signal)).toBe("over HTTP");
  expect(await one.revision("old", "r1", signal)).toBe("of Go before 3.1");
  expect(await one.revision("shop", "r2", signal)).toBeUndefined();
  const asked: string[] = [];
  const connection = {
    ...{ server: "a:8848", isOpen: true },
    async request({ type, body }: NacosMessage) {
      asked.push(`${type} ${body["dataId"] ?? ""}`);
      if (type === "ConfigQueryRequest") return success("", { content: "over gRPC", md5: "m" }).body;
      return success("", { changedConfigs: [{ dataId: "app.configurators", group: "dubbo" }] }).body;
    },
  };
  const ending = new AbortController();
  const running = one.runGrpc(connection, ending.signal);
  one.follow([provided("a.B")]);
  await settle();
  expect([take(), one.isRead]).toEqual([["app.configurators=over gRPC"], true]);
  expect(await one.revision("shop", "r1", signal)).toBe("over gRPC");
  expect(asked).toEqual([
    "ConfigBatchListenRequest ",
    "ConfigQueryRequest app.configurators",
    "ConfigQueryRequest shop",
  ]);
  one.push({ type: "ConfigChangeNotifyRequest", body: { dataId: "app.configurators", group: "dubbo" } });
  await settle();
  expect(asked.at(-1)).toBe("ConfigQueryRequest app.configurators");
  one.doubt("NotifySubscriberRequest");
  await settle();
  expect(asked.at(-1)).toBe("ConfigQueryRequest app.configurators");
  asked.length = 0;
  one.doubt("ConfigChangeNotifyRequest");
  await settle();
  expect(asked[0]).toBe("ConfigBatchListenRequest ");
  connection.isOpen = false;
  expect(await one.revision("shop", "r1", signal)).toBe("over HTTP");
  ending.abort();
  await running;
  one.close();
});

test("a rule that is again what it was when HTTP was followed last is told again", async () => {
  const { clock, server, configs: one, take, stopHttp } = configs();
  server.put("app.configurators", "1");
  one.follow([provided("a.B")]);
  await settle();
  expect(take()).toEqual(["app.configurators=1"]);
  stopHttp();
  const connection = {
    server: "a:8848",
    isOpen: true as boolean,
    async request({ type, body }: NacosMessage) {
      if (type === "ConfigQueryRequest") return success("", { content: "2", md5: "22" }).body;
      const contexts = body["configListenContexts"] as { dataId: string }[];
      const changedConfigs = contexts
        .filter(({ dataId }) => dataId === "app.configurators")
        .map(({ dataId }) => ({ dataId, group: "dubbo", tenant: "" }));
      return success("", { changedConfigs }).body;
    },
  };
  const over = new AbortController();
  const running = one.runGrpc(connection, over.signal);
  await settle();
  expect(take()).toEqual(["app.configurators=2"]);
  connection.isOpen = false;
  over.abort();
  await running;
  const again = new AbortController();
  const polling = one.runHttp(again.signal);
  await settle();
  clock.advance(1_000);
  await settle();
  expect(take()).toEqual(["app.configurators=1"]);
  again.abort();
  await polling;
});
