import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { failure } from "../../../../../src/codecs/nacos/messages.ts";
import { encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { followServers, type NacosApi } from "../../../../../src/registry-sync/sources/nacos/follow-servers.ts";
import type { NacosHttp } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { NamingMirror } from "../../../../../src/registry-sync/sources/nacos/mirror.ts";
import { settle } from "../../../../support/fake-nacos.ts";
import { FakeNacosGrpc, nacosHost } from "../../../../support/fake-nacos-grpc.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

function following(api: NacosApi) {
  const clock = new ManualClock();
  const server = new FakeNacosGrpc();
  const told: string[] = [];
  const asked: string[] = [];
  /** What HTTP answers; nothing for a server out of reach. */
  const answers = new Map<string, string>();
  const late: { until?: Promise<void> } = {};
  const http: NacosHttp = {
    async request({ path }) {
      asked.push(path);
      await late.until;
      const body = answers.get(path);
      if (body === undefined) throw new TransientError("out of reach");
      return { status: 200, headers: new Headers(), body: Buffer.from(body) };
    },
    token: async () => undefined,
    forgetToken: () => void told.push("token forgotten"),
  };
  const { logger: log } = recordingLogger();
  const mirror = new NamingMirror({
    ...{ groups: ["DEFAULT_GROUP"], clusters: [], limits: { maxServices: 9, maxInstances: 9 }, clock },
    onService: (key, info) => void told.push(`${key}=${info?.hosts.map(({ port }) => port)}`),
    onRound: () => {},
  });
  const ending = new AbortController();
  const start = () => {
    const running = followServers(
      {
        ...{ name: "n", servers: [{ host: "a", port: 8848 }], api, namespace: "public", http, mirror },
        ...{ openTransport: server.open, clock, log },
        onConnected: (connected) => void told.push(connected ? "connected" : "lost"),
        onDenied: (reason) => void told.push(reason),
        onDoubt: (type) => void told.push(`doubt ${type}`),
      },
      ending.signal,
    );
    onTestFinished(async () => {
      ending.abort();
      clock.advance(60_000);
      await running;
    });
    return settle();
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return { server, answers, late, start, pass, take: () => told.splice(0), asked: () => asked.splice(0) };
}

const LIST = "/v1/ns/service/list";
const SERVICE = "/v1/ns/instance/list";

test.each<NacosApi>(["auto", "grpc"])("under %s gRPC is followed, through losses of the server", async (api) => {
  const { server, start, pass, take, asked } = following(api);
  server.put("x", [nacosHost("a", 1)]);
  await start();
  expect(take()).toEqual(["connected", "DEFAULT_GROUP@@x=1"]);
  server.put("x", [nacosHost("a", 2)]);
  expect(take()).toEqual(["DEFAULT_GROUP@@x=2"]);
  server.isUp = false;
  server.drop();
  await settle();
  expect(new Set(take())).toEqual(new Set(["lost"]));
  server.isUp = true;
  server.put("x", [nacosHost("a", 3)]);
  await pass(5_000);
  await pass(4_000);
  await pass(4_000);
  // What a new server does not name stays for 6 s.
  expect(take()).toEqual(["connected", "DEFAULT_GROUP@@x=3,2", "DEFAULT_GROUP@@x=3"]);
  expect(asked().every((path) => path === LIST)).toBe(true);
});

test("under auto HTTP stands in where gRPC is closed, until gRPC stands", async () => {
  const { server, answers, start, pass, take } = following("auto");
  server.isUp = false;
  answers.set(LIST, '{"count":1,"doms":["x"]}');
  answers.set(SERVICE, '{"name":"DEFAULT_GROUP@@x","hosts":[{"ip":"a","port":1}]}');
  await start();
  await settle();
  expect(take()).toEqual(["connected", "DEFAULT_GROUP@@x=1"]);
  answers.set(SERVICE, '{"name":"DEFAULT_GROUP@@x","hosts":[{"ip":"a","port":2}]}');
  await pass(2_000);
  expect(take()).toEqual(["connected", "DEFAULT_GROUP@@x=2"]);
  server.isUp = true;
  server.put("x", [nacosHost("a", 3)]);
  await pass(5_000);
  await pass(4_000);
  await pass(4_000);
  expect(take().filter((one) => one.includes("="))).toEqual(["DEFAULT_GROUP@@x=3,2", "DEFAULT_GROUP@@x=3"]);
  server.put("x", [nacosHost("a", 4)]);
  expect(take()).toEqual(["DEFAULT_GROUP@@x=4"]);
});

test("HTTP that answers only once gRPC stands is not followed beside it", async () => {
  const { server, answers, late, start, pass, take, asked } = following("auto");
  server.isUp = false;
  answers.set(LIST, '{"count":1,"doms":["x"]}');
  answers.set(SERVICE, '{"name":"DEFAULT_GROUP@@x","hosts":[{"ip":"a","port":1}]}');
  let answer = () => {};
  late.until = new Promise((resolve) => {
    answer = resolve;
  });
  await start();
  expect(asked()).toEqual([LIST]);
  server.isUp = true;
  server.put("x", [nacosHost("a", 2)]);
  await pass(1_000);
  expect(take()).toEqual(["connected", "DEFAULT_GROUP@@x=2"]);
  answer();
  await settle();
  server.asked.length = 0;
  await pass(10_000);
  expect([asked(), take()]).toEqual([[], []]);
  expect(server.asked.filter((type) => type !== "HealthCheckRequest")).toEqual(["ServiceListRequest"]);
});

test("under grpc HTTP is never asked, under http gRPC is not", async () => {
  const grpc = following("grpc");
  grpc.server.isUp = false;
  grpc.answers.set(LIST, '{"count":0,"doms":[]}');
  await grpc.start();
  await grpc.pass(5_000);
  expect([grpc.asked(), new Set(grpc.take())]).toEqual([[], new Set(["lost"])]);
  const http = following("http");
  http.answers.set(LIST, '{"count":0,"doms":[]}');
  await http.start();
  expect([http.server.asked, http.take()]).toEqual([[], ["connected"]]);
});

test("over HTTP a loss is told, and what comes after it", async () => {
  const { answers, start, pass, take } = following("http");
  answers.set(LIST, '{"count":0,"doms":[]}');
  await start();
  take();
  answers.delete(LIST);
  await pass(2_000);
  expect(take()).toEqual(["lost"]);
  answers.set(LIST, '{"count":0,"doms":[]}');
  await pass(5_000);
  expect(take()).toEqual(["connected"]);
});

test("a list that is denied is told, and asked for again with a token got anew", async () => {
  const { server, start, pass, take } = following("grpc");
  server.refused.set("ServiceListRequest", failure(403, "user not found!"));
  await start();
  const why = "nacos at a:8848 refuses ServiceListRequest: user not found!";
  expect(take()).toEqual(["connected", "token forgotten", why]);
  server.refused.clear();
  server.put("x", [nacosHost("a", 1)]);
  await pass(2_000);
  expect(take()).toEqual(["DEFAULT_GROUP@@x=1"]);
});

test("a push that cannot be read has services read again where it is of one, and is told of where not", async () => {
  const { server, start, pass, take } = following("grpc");
  server.put("x", [nacosHost("a", 1)]);
  await start();
  await pass(1_000);
  take();
  server.asked.length = 0;
  const tell = async (type: string) => {
    server.tell(encodePayload({ type, body: "{" }));
    await settle();
    await pass(1_000);
    return server.asked.splice(0).filter((one) => one.startsWith("Subscribe"));
  };
  expect([await tell("ConfigChangeNotifyRequest"), take()]).toEqual([[], ["doubt ConfigChangeNotifyRequest"]]);
  expect([await tell("NotifySubscriberRequest"), take()]).toEqual([["SubscribeServiceRequest x"], []]);
});

test("the further connections end with the one that they were beside, at once", async () => {
  const { server, start, pass } = following("grpc");
  for (let i = 0; i < 32; i++) server.put(`x${i}`, [nacosHost("a", 1)]);
  await start();
  await pass(50);
  await pass(3_000);
  expect(server.connected).toHaveLength(8);
  await pass(100);
  server.drop("dropped", 1);
  await settle();
  expect(server.connected).toHaveLength(8);
});
