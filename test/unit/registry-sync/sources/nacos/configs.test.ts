import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { createConfigWatch } from "../../../../../src/registry-sync/sources/nacos/configs.ts";
import { createNacosHttp } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

const LISTEN = "POST /nacos/v1/cs/configs/listener";

function watch(tenant = "") {
  const clock = new ManualClock();
  const server = new FakeNacos(clock);
  const told: string[] = [];
  const { logger: log, lines } = recordingLogger();
  const http = createNacosHttp({
    ...{ hosts: ["a:8848"], contextPath: "/nacos", username: "", password: "", clock, fetch: server.fetch },
  });
  const configs = createConfigWatch({
    ...{ what: "metadata centre n", http, group: "dubbo", tenant, maxBytes: 10, clock, log },
    onTexts: (texts) => void told.push(...[...texts].map(([id, { data }]) => `${id}=${data}`)),
    onLost: (reason) => void told.push(reason === undefined ? "back" : `lost: ${reason}`),
  });
  const ending = new AbortController();
  const running = configs.run(ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await running;
  });
  const take = () => told.splice(0);
  const asked = () => server.asked.splice(0);
  return { clock, server, configs, take, asked, lines };
}

test("what is there is read at once, what is not is known not to be there, and changes come as they are made", async () => {
  const { server, configs, take, asked } = watch();
  server.put("a", "1");
  await settle();
  expect([asked(), configs.isRead]).toEqual([[], true]);
  configs.follow(["a", "b"]);
  expect(configs.isRead).toBe(false);
  await settle();
  expect([take(), configs.isRead]).toEqual([["back", "a=1"], true]);
  expect(asked()).toEqual([`${LISTEN} 2`, "GET /nacos/v1/cs/configs a", `${LISTEN} 2 held`]);
  server.put("b", "2");
  await settle();
  server.put("a", undefined);
  await settle();
  expect(take()).toEqual(["b=2", "a=null"]);
});

test("while nothing changes the server is asked every half minute", async () => {
  const { clock, configs, take, asked } = watch();
  configs.follow(["a"]);
  await settle();
  asked();
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(29_500);
    await settle();
  }
  expect([asked(), take()]).toEqual([[`${LISTEN} 1 held`, `${LISTEN} 1 held`, `${LISTEN} 1 held`], ["back"]]);
});

test("others that are followed are asked for at once; what nobody follows any more is not told", async () => {
  const { server, configs, take, asked } = watch();
  server.put("a", "1");
  configs.follow(["a"]);
  await settle();
  take();
  asked();
  server.put("b", "2");
  configs.follow(["b"]);
  await settle();
  server.put("a", "3");
  await settle();
  expect(take()).toEqual(["b=2"]);
  expect(asked()).toEqual([`${LISTEN} 1`, "GET /nacos/v1/cs/configs b", `${LISTEN} 1 held`]);
});

test("of many what is new is asked for alone", async () => {
  const { server, configs, take, asked } = watch();
  configs.follow(["a", "b", "c"]);
  await settle();
  asked();
  server.put("d", "1");
  configs.follow(["a", "b", "c", "d"]);
  await settle();
  expect(asked()).toEqual([`${LISTEN} 1`, "GET /nacos/v1/cs/configs d", `${LISTEN} 4 held`]);
  server.put("a", "2");
  await settle();
  expect(take()).toEqual(["back", "d=1", "a=2"]);
});

test("a namespace is asked for by its id", async () => {
  const { server, configs, take } = watch("dev");
  server.put("a", "1", "dev");
  server.put("a", "2");
  configs.follow(["a"]);
  await settle();
  expect(take()).toEqual(["back", "a=1"]);
});

test("a server that is lost is logged once and tried again; what changed meanwhile is read at once when it is back", async () => {
  const { clock, server, configs, take, asked, lines } = watch();
  server.put("a", "1");
  configs.follow(["a"]);
  await settle();
  take();
  server.kill();
  await settle();
  for (let turn = 0; turn < 4; turn++) {
    clock.advance(2_000);
    await settle();
  }
  expect(new Set(take())).toEqual(new Set(["lost: nacos at a:8848: ECONNREFUSED"]));
  server.isUp = true;
  server.put("a", "2");
  asked();
  clock.advance(30_000);
  await settle();
  expect(take()).toEqual(["back", "a=2"]);
  expect(asked()).toEqual([`${LISTEN} 1`, "GET /nacos/v1/cs/configs a", `${LISTEN} 1 held`]);
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    "warn metadata centre n is out of reach; retrying",
    "info metadata centre n works again",
  ]);
});

test.each([
  ["names what did not change", "a%02dubbo%01"],
  ["does not wait", ""],
])("a server that %s is asked no more than once a second", async (_, text) => {
  const { clock, server, configs, asked } = watch();
  server.put("a", "1");
  configs.follow(["a"]);
  await settle();
  server.changedText = text;
  server.put("b", "2");
  clock.advance(29_500);
  await settle();
  asked();
  for (let turn = 0; turn < 5; turn++) {
    clock.advance(1_000);
    await settle();
  }
  expect(asked().filter((line) => line.startsWith(LISTEN))).toHaveLength(5);
});

test("what a server should not say is an error of its own, and what nobody asked for is not read", async () => {
  const { clock, server, configs, take, asked } = watch();
  server.changedText = "<html>";
  configs.follow(["a"]);
  await settle();
  expect(take()).toEqual(["lost: nacos' list of changed configurations has no end"]);
  server.changedText = "zz%02dubbo%01";
  asked();
  clock.advance(1_000);
  await settle();
  expect([take(), asked().filter((line) => line.startsWith("GET"))]).toEqual([["back"], []]);
});

test("a text over the limit is cut behind its next byte", async () => {
  const { server, configs, take } = watch();
  server.put("a", "0123456789abcdef");
  configs.follow(["a"]);
  await settle();
  expect(take()).toEqual(["back", "a=0123456789a"]);
});

test("thousands are listened to in several requests, of which one with news ends the others' waiting", async () => {
  const { server, configs, take, asked } = watch();
  configs.follow(Array.from({ length: 7_000 }, (_, index) => `c${index}`));
  await settle();
  expect(asked()).toEqual(
    [3_000, 3_000, 1_000]
      .flatMap((count) => [`${LISTEN} ${count}`])
      .concat([3_000, 3_000, 1_000].map((count) => `${LISTEN} ${count} held`)),
  );
  server.put("c6999", "x");
  await settle();
  expect(take()).toEqual(["back", "c6999=x"]);
  expect(asked()).toHaveLength(4);
});
