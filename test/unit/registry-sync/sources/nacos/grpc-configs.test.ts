import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { failure, type NacosMessage } from "../../../../../src/codecs/nacos/messages.ts";
import { encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { createGrpcConfigs, queryText } from "../../../../../src/registry-sync/sources/nacos/grpc-configs.ts";
import { type NacosConnection, runNacosSession } from "../../../../../src/registry-sync/sources/nacos/session.ts";
import { settle } from "../../../../support/fake-nacos.ts";
import { FakeNacosGrpc } from "../../../../support/fake-nacos-grpc.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

async function watch(tenant = "") {
  const clock = new ManualClock();
  const server = new FakeNacosGrpc();
  const told: string[] = [];
  const { logger: log, lines } = recordingLogger();
  const configs = createGrpcConfigs({
    ...{ what: "configurations of registry n", group: "dubbo", tenant, maxBytes: 10, clock, log },
    onTexts: (texts) => void told.push(...[...texts].map(([id, { data }]) => `${id}=${data}`)),
    onLost: (reason) => void told.push(reason === undefined ? "ok" : `lost: ${reason}`),
  });
  const ending = new AbortController();
  let current: NacosConnection | undefined;
  const runs: Promise<void>[] = [];
  const running = runNacosSession(
    {
      ...{ servers: [{ host: "a", port: 8848 }], labels: {}, openTransport: server.open, clock, log },
      token: async () => undefined,
      onDenied: () => {},
      onReady: (connection) => {
        current = connection;
        runs.push(configs.run(connection, ending.signal));
      },
      onLost: () => {},
      onPush: (message: NacosMessage) => configs.push(message),
      onDoubt: () => configs.doubt(),
      onUnreachable: () => {},
    },
    ending.signal,
  );
  onTestFinished(async () => {
    ending.abort();
    clock.advance(60_000);
    await Promise.all([running, ...runs]);
  });
  await settle();
  const take = () => told.splice(0).filter((one) => one !== "ok");
  const asked = () => server.asked.splice(0).filter((one) => one.startsWith("Config"));
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return { server, configs, take, asked, pass, lines, connection: () => current! };
}

test.each(["", "dev"])(
  "in namespace %j what is there is read, what is not is known not to be there, and changes come",
  async (tenant) => {
    const { server, configs, take, asked } = await watch(tenant);
    server.config("a", "1", tenant);
    configs.follow(["a", "b"]);
    expect(configs.isRead).toBe(false);
    await settle();
    expect([take(), asked(), configs.isRead]).toEqual([
      ["a=1"],
      ["ConfigBatchListenRequest", "ConfigQueryRequest a"],
      true,
    ]);
    server.config("b", "2", tenant);
    await settle();
    server.config("a", undefined, tenant);
    await settle();
    expect([take(), asked()]).toEqual([
      ["b=2", "a=null"],
      ["ConfigQueryRequest b", "ConfigQueryRequest a"],
    ]);
  },
);

test("what is not followed any more is not listened to, and pushes of it are nothing", async () => {
  const { server, configs, take, asked } = await watch();
  configs.follow(["a", "b"]);
  await settle();
  configs.follow(["b"]);
  await settle();
  expect(server.listened).toEqual(["b"]);
  asked();
  configs.push({ type: "ConfigChangeNotifyRequest", body: { dataId: "a", group: "dubbo" } });
  configs.push({ type: "ConfigChangeNotifyRequest", body: { dataId: "b", group: "other" } });
  configs.push({ type: "ConfigChangeNotifyRequest", body: {} });
  await settle();
  expect([take(), asked()]).toEqual([[], []]);
});

test("on another connection all is listened to anew, and only what changed meanwhile is read", async () => {
  const { server, configs, take, asked, pass } = await watch();
  server.config("a", "1");
  server.config("b", "2");
  configs.follow(["a", "b"]);
  await settle();
  take();
  asked();
  server.isUp = false;
  server.drop();
  server.config("b", "3");
  await settle();
  server.isUp = true;
  for (let turn = 0; turn < 5; turn++) await pass(1_000);
  expect([take(), asked(), server.listened]).toEqual([
    ["b=3"],
    ["ConfigBatchListenRequest", "ConfigQueryRequest b"],
    ["a", "b"],
  ]);
});

test("many are listened to 500 at a time", async () => {
  const { configs, asked, server } = await watch();
  configs.follow(Array.from({ length: 1_200 }, (_, i) => `c${i}`));
  await settle();
  expect([asked().length, server.listened.length, configs.isRead]).toEqual([3, 1_200, true]);
});

test("every five minutes all is listened to anew, in case a push was lost", async () => {
  const { server, configs, take, asked, pass } = await watch();
  configs.follow(["a"]);
  await settle();
  asked();
  server.isMute = true;
  server.config("a", "1");
  server.isMute = false;
  await pass(0);
  expect(take()).toEqual([]);
  for (let second = 0; second < 301; second++) await pass(1_000);
  expect(take()).toEqual(["a=1"]);
});

test("a server that refuses is told of once, asked on, and what was known stands", async () => {
  const { server, configs, take, pass, lines } = await watch();
  server.refused.set("ConfigBatchListenRequest", failure(302, "RequestHandler Not Found"));
  configs.follow(["a"]);
  await settle();
  const why = "lost: nacos at a:8848 refuses ConfigBatchListenRequest: RequestHandler Not Found";
  await pass(2_000);
  expect([take(), configs.isRead]).toEqual([[why, why], false]);
  expect(lines.filter(([level]) => level === "warn")).toHaveLength(1);
  server.config("a", "1");
  server.refused.clear();
  await pass(2_000);
  expect([take(), configs.isRead]).toEqual([["a=1"], true]);
});

test("a text that can't be read is read again; a long one is cut behind its next byte", async () => {
  const { server, configs, take, pass } = await watch();
  server.config("a", "0123456789abcdef");
  server.refused.set("ConfigQueryRequest", failure(500, "broken"));
  configs.follow(["a"]);
  await settle();
  expect([take(), configs.isRead]).toEqual([["lost: nacos refuses a configuration: broken"], false]);
  server.refused.clear();
  await pass(2_000);
  expect(take()).toEqual(["a=0123456789a"]);
});

test("one text is read by itself", async () => {
  const { server, connection } = await watch();
  const key = { dataId: "a", group: "dubbo", tenant: "" };
  expect(await queryText(connection(), key)).toBeUndefined();
  server.config("a", "1");
  expect(await queryText(connection(), key)).toMatchObject({ content: "1" });
});

test("a push that cannot be read has all listened to anew at once, and then once in 30 s", async () => {
  const { server, configs, take, asked, pass } = await watch();
  server.config("a", "1");
  configs.follow(["a"]);
  await settle();
  const push = encodePayload({ type: "ConfigChangeNotifyRequest", body: '{"dataId":' });
  const change = async (text: string) => {
    // The change is known, its push is another.
    server.config("a", text, "", "dubbo", push);
    await settle();
  };
  take();
  asked();
  await change("2");
  expect([take(), asked()]).toEqual([["a=2"], ["ConfigBatchListenRequest", "ConfigQueryRequest a"]]);
  await change("3");
  await change("4");
  await pass(29_000);
  expect([take(), asked()]).toEqual([[], []]);
  await pass(1_000);
  expect([take(), asked()]).toEqual([["a=4"], ["ConfigBatchListenRequest", "ConfigQueryRequest a"]]);
  await pass(60_000);
  expect(asked()).toEqual([]);
});
