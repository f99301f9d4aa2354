import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { failure, request, success } from "../../../../../src/codecs/nacos/messages.ts";
import { encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { type NacosConnection, runNacosSession } from "../../../../../src/registry-sync/sources/nacos/session.ts";
import { settle } from "../../../../support/fake-nacos.ts";
import { FakeNacosGrpc } from "../../../../support/fake-nacos-grpc.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

function session(prepare: (server: FakeNacosGrpc) => void = () => {}, hosts: readonly string[] = ["a", "b"]) {
  const clock = new ManualClock();
  const server = new FakeNacosGrpc();
  prepare(server);
  const told: string[] = [];
  const { logger: log, lines } = recordingLogger();
  let connection: NacosConnection | undefined;
  let token: string | undefined;
  const ending = new AbortController();
  const running = runNacosSession(
    {
      servers: hosts.map((host) => ({ host, port: 8848 })),
      labels: { source: "sdk" },
      token: async () => token,
      onDenied: () => void told.push("denied"),
      openTransport: server.open,
      clock,
      log,
      onReady: (one) => {
        connection = one;
        told.push(`ready ${one.server}`);
      },
      onLost: (reason) => void told.push(`lost: ${reason}`),
      onPush: ({ type }) => void told.push(type),
      onDoubt: () => void told.push("doubt"),
      onUnreachable: (reason) => void told.push(`unreachable: ${reason}`),
    },
    ending.signal,
  );
  const end = async () => {
    ending.abort();
    clock.advance(60_000);
    await running;
  };
  onTestFinished(end);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return {
    ...{ server, lines, pass, end },
    take: () => told.splice(0),
    asked: () => server.asked.splice(0),
    current: () => connection!,
    setToken: (text: string) => {
      token = text;
    },
  };
}

test("a connection is checked, its stream set up and acknowledged; gRPC is 1,000 above the port", async () => {
  const { server, take, asked, current } = session();
  await settle();
  expect([take(), asked(), server.connected]).toEqual([
    ["ready a:8848"],
    ["ServerCheckRequest", "> ConnectionSetupRequest"],
    ["a:9848"],
  ]);
  expect(current().isOpen).toBe(true);
});

test("a server that does not negotiate is not waited for long; one that says it does and is silent is given up", async () => {
  const plain = session((server) => {
    server.negotiates = false;
  });
  await settle();
  expect(plain.take()).toEqual([]);
  await plain.pass(50);
  expect(plain.take()).toEqual(["ready a:8848"]);
  const silent = session((server) => {
    server.sendsSetupAck = false;
  });
  await settle();
  await silent.pass(4_999);
  expect(silent.asked()).toHaveLength(2);
  await silent.pass(1);
  expect(silent.asked()).toEqual(["ServerCheckRequest", "> ConnectionSetupRequest"]);
  expect(silent.lines[0]).toMatchObject(["warn", "nacos server is out of reach", { server: "a:8848" }]);
});

test("requests carry the token, and answers are given as they are", async () => {
  const { server, current, setToken } = session();
  await settle();
  setToken("t1");
  server.put("x", []);
  const body = await current().request(
    request("ServiceListRequest", "naming", { groupName: "DEFAULT_GROUP", pageNo: 1, pageSize: 9 }),
  );
  expect(body["serviceNames"]).toEqual(["x"]);
  expect(server.tokens.at(-1)).toBe("t1");
});

test("a refusal is told with its reason; a denial has the token got anew, an unknown connection is lost", async () => {
  const { server, current, take } = session();
  await settle();
  take();
  const ask = () => current().request(request("ServiceListRequest", "naming"));
  server.refused.set("ServiceListRequest", failure(403, "user not found!"));
  await expect(ask()).rejects.toThrow("nacos at a:8848 refuses ServiceListRequest: user not found!");
  expect(take()).toEqual(["denied"]);
  server.refused.set("ServiceListRequest", failure(301, ""));
  await expect(ask()).rejects.toThrow("refuses ServiceListRequest: error 301");
  await settle();
  expect(take()).toEqual(["lost: the server does not know the connection: ", "ready b:8848"]);
});

test.each<[string, Buffer]>([
  ["no envelope", Buffer.from("ff", "hex")],
  ["no JSON", Buffer.from("12051a03526573", "hex")],
])("an answer that cannot be read is a failure of that request alone: %s", async (_, answer) => {
  const { server, current } = session();
  await settle();
  server.twist = () => answer;
  await expect(current().request(request("ServiceListRequest", "naming"))).rejects.toThrow("unreadably");
  expect(current().isOpen).toBe(true);
});

test("pushes are acknowledged with their id and told; those about the connection are not told", async () => {
  const { server, take, asked } = session();
  await settle();
  take();
  asked();
  server.push({ name: "x" });
  server.tell({ type: "ClientDetectionRequest", body: { requestId: "8" } });
  server.tell(success("SomeResponse"));
  expect([take(), asked()]).toEqual([
    ["NotifySubscriberRequest"],
    ["> NotifySubscriberResponse", "> ClientDetectionResponse"],
  ]);
});

test("a reset is followed to where it leads, or to the same server", async () => {
  const { server, take } = session();
  await settle();
  take();
  server.tell({ type: "ConnectResetRequest", body: { requestId: "1", serverIp: "c", serverPort: "8848" } });
  await settle();
  expect([take(), server.connected]).toEqual([
    ["lost: the server asks for another connection", "ready c:8848"],
    ["c:9848"],
  ]);
  server.tell({ type: "ConnectResetRequest", body: { requestId: "2" } });
  await settle();
  expect(take().at(-1)).toBe("ready a:8848");
});

test("when the server is lost the next one is taken at once; when none is in reach they are tried on and on", async () => {
  const { server, take, pass, lines } = session();
  await settle();
  server.drop();
  await settle();
  expect(take()).toEqual(["ready a:8848", "lost: dropped", "ready b:8848"]);
  server.isUp = false;
  server.drop();
  await settle();
  for (let turn = 0; turn < 10; turn++) await pass(3_000);
  const unreachable = take();
  expect(unreachable[0]).toBe("lost: dropped");
  expect(unreachable.length).toBeGreaterThan(8);
  expect(new Set(unreachable.slice(1)).size).toBeLessThanOrEqual(2);
  expect(lines.filter(([level]) => level === "warn").length).toBeLessThan(25);
  server.isUp = true;
  await pass(3_000);
  expect(take().at(-1)).toMatch(/^ready [ab]:8848$/);
});

test("an idle connection is asked whether it lives; a black hole is found within 5 s and what a check may take", async () => {
  const { server, take, asked, pass } = session();
  await settle();
  take();
  asked();
  await pass(5_000);
  // The requests of its setup were news of it.
  expect(asked()).toEqual([]);
  await pass(5_000);
  expect(asked()).toEqual(["HealthCheckRequest"]);
  server.refused.set("HealthCheckRequest", failure(500, "overloaded"));
  await pass(5_000);
  expect(asked()).toEqual([]);
  await pass(5_000);
  expect(take()).toEqual(["lost: health check: overloaded", "ready b:8848"]);
});

test("a server that has not started yet, and a push that cannot be read, are no connection", async () => {
  const starting = session((server) => {
    server.twist = () => success("ServerCheckResponse", { connectionId: "" });
  });
  await settle();
  expect(starting.take()).toEqual(["unreachable: nacos at b:8848 has not started yet"]);
  const broken = session();
  await settle();
  broken.server.tell({ type: "", body: {} });
  await settle();
  expect(broken.take()).toEqual([
    "ready a:8848",
    "lost: a push that is unreadable: nacos payload has no type",
    "ready b:8848",
  ]);
});

test.each([
  ["no JSON", Buffer.from('{"requestId":"7","serviceInfo":{')],
  ["another charset", Buffer.from('{"requestId":"7","serviceInfo":{"name":"caf\xe9"}}', "latin1")],
])("a push of %s is acknowledged and told of, and the connection stands", async (_name, body) => {
  const { server, take, asked, lines } = session();
  await settle();
  asked();
  for (let turn = 0; turn < 3; turn++) server.tell(encodePayload({ type: "NotifySubscriberRequest", body }));
  await settle();
  expect(take()).toEqual(["ready a:8848", "doubt", "doubt", "doubt"]);
  expect(asked()).toEqual(Array(3).fill("> NotifySubscriberResponse"));
  expect(lines.filter(([, text]) => text.includes("cannot be read"))).toHaveLength(1);
});

test("an answer in another charset is none", async () => {
  const { server, current, take } = session();
  await settle();
  const body = Buffer.from('{"resultCode":200,"serviceNames":["caf\xe9"]}', "latin1");
  server.twist = () => encodePayload({ type: "ServiceListResponse", body });
  await expect(current().request(request("ServiceListRequest", "naming"))).rejects.toThrow(
    "nacos at a:8848 answers ServiceListRequest unreadably: nacos text is no utf-8",
  );
  expect(take()).toEqual(["ready a:8848"]);
});

test("a server without negotiation that does not know the connection yet is asked again for three seconds", async () => {
  const { server, current, take, pass } = session((prepared) => {
    prepared.negotiates = false;
  });
  await settle();
  await pass(50);
  server.refused.set("ServiceListRequest", failure(301, "Connection is unregistered."));
  const list = current().request(request("ServiceListRequest", "naming", { groupName: "g", pageNo: 1, pageSize: 1 }));
  await settle();
  await pass(100);
  server.refused.clear();
  await pass(100);
  expect(await list).toMatchObject({ count: 0 });
  server.refused.set("ServiceListRequest", failure(301, "Connection is unregistered."));
  await pass(3_000);
  await expect(current().request(request("ServiceListRequest", "naming"))).rejects.toThrow("refuses");
  expect(take()).toEqual([
    "ready a:8848",
    "lost: the server does not know the connection: Connection is unregistered.",
  ]);
});

test("a server that ends each connection as soon as it stands is come back to twice at once, then after pauses", async () => {
  const { server, take, pass } = session(() => {}, ["a"]);
  await settle();
  const came = () => take().filter((one) => one.startsWith("ready")).length;
  for (let turn = 0; turn < 20; turn++) {
    server.drop();
    await settle();
  }
  expect(came()).toBe(3);
  for (let turn = 0; turn < 100; turn++) {
    await pass(100);
    server.drop();
    await settle();
  }
  expect(came()).toBeLessThan(8);
  await pass(3_000);
  await pass(5_000);
  take();
  server.drop();
  await settle();
  expect(came()).toBe(1);
});

test("a push is read that is as long as the transport takes", async () => {
  const { server, take } = session();
  await settle();
  take();
  server.push({ name: "x", hosts: [], filler: "x".repeat(40 * 1024 * 1024) });
  expect(take()).toEqual(["NotifySubscriberRequest"]);
});

test("it ends with the signal, whatever it does", async () => {
  const { server, take, end } = session();
  await settle();
  await end();
  expect([take(), server.connected]).toEqual([["ready a:8848", "lost: closed"], []]);
});
