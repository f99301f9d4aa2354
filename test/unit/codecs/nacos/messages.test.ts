import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { NacosBody } from "../../../../src/codecs/nacos/body.ts";
import {
  acknowledgement,
  connectionSetup,
  encodeMessage,
  failure,
  listRequest,
  NO_HANDLER,
  readConnectionSetup,
  readInstances,
  readReset,
  readResult,
  readServerCheck,
  readServiceAddress,
  readServiceList,
  readSubscription,
  request,
  subscribeRequest,
  success,
} from "../../../../src/codecs/nacos/messages.ts";
import { decodePayload } from "../../../../src/codecs/nacos/payload.ts";

const recorded = readFileSync("fixtures/wire/nacos/messages.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { run: string; type: string; body: NacosBody });
const bodyOf = (type: string, run?: string) =>
  recorded.find((one) => one.type === type && (run === undefined || one.run === run))!.body;

test.each([
  [request("ServerCheckRequest", "internal")],
  [request("HealthCheckRequest", "internal")],
  [subscribeRequest({ namespace: "public", serviceName: "svc-x", groupName: "DEFAULT_GROUP" })],
  [listRequest("public", "DEFAULT_GROUP", 1, 10)],
  [success("HealthCheckResponse")],
  [acknowledgement({ type: "NotifySubscriberRequest", body: { requestId: "7" } })],
  [acknowledgement({ type: "ConnectResetRequest", body: { requestId: "3" } })],
])("$type is what Java clients and servers write", ({ type, body }) => {
  expect(body).toEqual(bodyOf(type));
});

test("a client's setup is read, with and without what it is able to", () => {
  const labels = { source: "sdk", module: "naming", AppName: "unknown", "tls.enable": "false" };
  const setup = readConnectionSetup(bodyOf("ConnectionSetupRequest", "server 2.3.2"));
  expect(setup).toEqual({ clientVersion: "Nacos-Java-Client:v2.4.3", tenant: "", labels, hasAbilityTable: true });
  expect(readConnectionSetup(bodyOf("ConnectionSetupRequest", "spring 2021.0")).hasAbilityTable).toBe(false);
  const ours = connectionSetup({ clientVersion: "Trestle", tenant: "", labels: { source: "sdk" } });
  expect(readConnectionSetup(ours.body)).toMatchObject({ clientVersion: "Trestle", hasAbilityTable: true });
});

test("answers say whether they are one", () => {
  expect(readResult(bodyOf("SubscribeServiceResponse"))).toEqual({ isOk: true, errorCode: 0, message: "success" });
  expect(readResult(bodyOf("ErrorResponse"))).toEqual({
    isOk: false,
    errorCode: NO_HANDLER,
    message: "RequestHandler Not Found",
  });
  expect(readResult({})).toMatchObject({ isOk: true });
  expect(failure(NO_HANDLER, "RequestHandler Not Found")).toMatchObject({
    type: "ErrorResponse",
    body: { resultCode: 500 },
  });
});

test("a server check gives the connection's id, and whether a SetupAck will come", () => {
  const { connectionId, negotiates } = readServerCheck(bodyOf("ServerCheckResponse"));
  expect(connectionId).toMatch(/^\d+_[\d.]+_\d+$/);
  expect(negotiates).toBe(true);
  expect(readServerCheck({})).toEqual({ connectionId: "", negotiates: false });
});

test.each([
  ["nowhere", {}, undefined],
  ["a server", { serverIp: "10.0.0.2", serverPort: "8848" }, "10.0.0.2:8848"],
  ["a port that is none", { serverIp: "10.0.0.2", serverPort: "x" }, undefined],
  ["a port out of range", { serverIp: "10.0.0.2", serverPort: 99_999 }, undefined],
])("a reset leads to: %s", (_, body, address) => {
  expect(readReset(body)).toBe(address);
});

test("naming requests say which service they are about, the group also in front of the name", () => {
  expect(readServiceAddress(bodyOf("SubscribeServiceRequest"))).toEqual({
    namespace: "public",
    groupName: "DEFAULT_GROUP",
    serviceName: "svc-x",
  });
  expect(readServiceAddress({ serviceName: "G@@a" })).toEqual({
    namespace: "public",
    groupName: "G",
    serviceName: "a",
  });
  expect(readSubscription(bodyOf("SubscribeServiceRequest"))).toEqual({ subscribe: true, clusters: "" });
});

test("instances of single and of batch registrations are read alike, bounded", () => {
  const ports = (type: string, max = 100) => readInstances(bodyOf(type), max).map(({ port }) => port);
  expect(ports("InstanceRequest")).toEqual([7001]);
  expect(ports("PersistentInstanceRequest")).toEqual([7003]);
  const batch = ports("BatchInstanceRequest");
  expect(batch.length).toBeGreaterThan(1);
  expect(ports("BatchInstanceRequest", 1)).toEqual(batch.slice(0, 1));
});

test("a page of names is read, whatever else it holds", () => {
  expect(readServiceList(bodyOf("ServiceListResponse"))).toEqual({ count: 3, names: ["svc-m", "svc-p", "svc-x"] });
  expect(readServiceList({ count: "-3", serviceNames: ["a", 7, null, ""] })).toEqual({ count: 0, names: ["a"] });
  expect(readServiceList({ serviceNames: "a" })).toEqual({ count: 0, names: [] });
});

test("a message stands in its envelope as JSON, under its type and headers", () => {
  const payload = decodePayload(encodeMessage(failure(NO_HANDLER, "no"), [["accessToken", "t"]]));
  expect([payload.type, [...payload.headers], Buffer.from(payload.body).toString()]).toEqual([
    "ErrorResponse",
    [["accessToken", "t"]],
    '{"resultCode":500,"errorCode":302,"message":"no","success":false}',
  ]);
});
