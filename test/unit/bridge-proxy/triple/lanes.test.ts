import { expect, test } from "vitest";
import { HostLimits } from "../../../../src/bridge-proxy/policies/limits.ts";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { decideByMessage, laneOf } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { Cluster, type HostPools } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { globalLimit } from "../../../support/limits.ts";
import { protobufOf } from "../../../support/proto-fixtures.ts";
import { clusterName, clusterOf, endpointsOf, routesOf } from "../../../support/xds-fixtures.ts";

const KEY = "g/com.acme.A:1.0.0";
const pool = { host: (address: string, port: number) => ({ address, port }), version: 0 };
const all: Route = { name: "all", match: { prefix: "/" }, route: { cluster: clusterName(KEY) } };

function configOf(...routes: Route[]): RuntimeConfig {
  const pools = { dubbo: pool, tri: pool } as unknown as HostPools;
  const cluster = new Cluster(clusterOf(KEY), endpointsOf(KEY, "", [{ port: 1, protocol: "tri" }]), pools);
  return {
    routes: new RouteTable(routesOf({ [KEY]: [...routes, all] }), () => cluster),
    applicationOf: (address) => (address === "10.0.0.9" ? "shop" : undefined),
    tagOf: () => "blue",
    callerOf: () => undefined,
    schemaOf: () => undefined,
    classes: () => compileJava({ methods: [], types: {} }),
  };
}

const fieldsOf = (path: string, ...more: string[]) => [
  ":path",
  path,
  "content-type",
  "application/grpc",
  "tri-service-group",
  "g",
  "tri-service-version",
  "1.0.0",
  ...more,
];

const when = (name: string, exact: string): Route => ({
  ...all,
  name: "special",
  match: { prefix: "/", headers: [{ name, stringMatch: { exact } }] },
});

test("a limit that asks for an argument has the message read", () => {
  const isRead = (name: string): boolean => {
    const limits = new HostLimits(globalLimit([{ requestHeaders: { headerName: name, descriptorKey: "k" } }]), 1);
    const routes = new RouteTable(
      routesOf({ [KEY]: [all] }),
      () => ({}) as Cluster,
      undefined,
      () => limits,
    );
    return laneOf({ ...configOf(), routes }, "", fieldsOf("/com.acme.A/get"), undefined).needsMessage;
  };
  expect([isRead("level"), isRead("dubbo-arg-0.level")]).toEqual([false, true]);
});

test("the same list has the same lane until the configuration changes", () => {
  const [one, two] = [configOf(), configOf()];
  const fields = fieldsOf("/com.acme.A/get", "grpc-timeout", "1500m");
  const lane = laneOf(one, "", fields, undefined);
  expect(lane).toMatchObject({ refusal: undefined, callerTimeoutMs: 1500, tag: "blue", tagForced: false });
  expect(lane.route?.name).toBe("all");
  expect(laneOf(one, "", fields, undefined)).toBe(lane);
  expect(laneOf(two, "", fields, undefined)).not.toBe(lane);
  const own = laneOf(one, "", fields, undefined, false);
  expect([own === lane, own.sent, own.route]).toEqual([false, undefined, lane.route]);
});

test.each<[string, string, string, string[], string]>([
  ["a field", "user", "7", ["user", "7"], ""],
  ["a field in other letters", "User", "7", ["user", "7"], ""],
  ["the group", "dubbo-group", "g", [], ""],
  ["the version", "dubbo-version", "1.0.0", [], ""],
  ["the application that the call names", "dubbo-application", "web", ["tri-consumer-appname", "web"], "10.0.0.9"],
  ["the application that registered from the address", "dubbo-application", "shop", [], "10.0.0.9"],
])("rules see %s", (_, name, value, more, address) => {
  const lane = laneOf(configOf(when(name, value)), address, fieldsOf("/com.acme.A/get", ...more), undefined);
  expect(lane.route?.name).toBe("special");
  expect(
    laneOf(configOf(when(name, `${value}!`)), address, fieldsOf("/com.acme.A/get", ...more), undefined).route?.name,
  ).toBe("all");
});

test("one of several lines of a field is enough for a rule, but for names that Dubbo calls have of their own", () => {
  const routeOf = (name: string, value: string, ...more: string[]) =>
    laneOf(configOf(when(name, value)), "", fieldsOf("/com.acme.A/get", ...more), undefined).route?.name;
  const two = ["user", "ann", "user", "b\u00c3\u00b6"];
  expect([routeOf("user", "ann", ...two), routeOf("user", "bö", ...two)]).toEqual(["special", "special"]);
  expect(routeOf("user", "ann,bö", ...two)).toBe("all");
  expect(routeOf("dubbo-group", "x", "dubbo-group", "x", "dubbo-group", "y")).toBe("all");
});

test("a call without a version goes to version 1.0.0 of its group, which Java to 3.1 leaves out", () => {
  const fields = [":path", "/com.acme.A/get", "content-type", "application/grpc", "tri-service-group", "g"];
  expect(laneOf(configOf(), "", fields, undefined)).toMatchObject({
    refusal: undefined,
    decision: { host: { key: { version: "1.0.0" } } },
  });
  for (const more of [
    ["tri-service-version", "2.0.0"],
    ["tri-service-version", "0.0.0"],
  ])
    expect(laneOf(configOf(), "", [...fields, ...more], undefined).refusal).toBeDefined();
  expect(laneOf(configOf(), "", fields.slice(0, 4), undefined).refusal).toBeDefined();
});

test("an argument in a rule, and a generic call, need the first message", () => {
  const asking = configOf(when("dubbo-arg-0", "1"));
  expect(laneOf(asking, "", fieldsOf("/com.acme.A/get"), undefined)).toMatchObject({
    needsMessage: true,
    route: undefined,
  });
  expect(laneOf(configOf(), "", fieldsOf("/com.acme.A/$invoke"), undefined).needsMessage).toBe(true);
});

test("what is known nowhere is refused by its name", () => {
  const refusal = (path: string) => laneOf(configOf(), "", fieldsOf(path), undefined).refusal;
  expect(refusal("/com.acme.B/get")).toEqual({
    reason: "no_route",
    message: "no service g/com.acme.B:1.0.0 is known here",
    isUnknown: true,
  });
  expect(refusal("/nothing")?.message).toContain("is not /interface/method");
  const bad = laneOf(configOf(), "", fieldsOf("/com.acme.A/get", "grpc-timeout", "soon"), undefined);
  expect(bad.refusal?.reason).toBe("undecodable");
});

test("health checks go where the connection's calls go", () => {
  const config = configOf();
  const other = laneOf(config, "", fieldsOf("/com.acme.A/get"), undefined);
  const health = [":path", "/grpc.health.v1.Health/Check", "content-type", "application/grpc"];
  expect(laneOf(config, "", health, other.decision).decision?.host.host).toBe(other.decision?.host.host);
});

test("a message decides by its arguments, and a generic one by the method that it names", () => {
  const wrap = (...values: Value[]) =>
    encodeRequestWrapper({
      serializeType: "hessian4",
      args: values.map((value) => encodeHessian2(value)),
      argTypes: values.map(() => "java.lang.Object"),
    });
  const asking = configOf(when("dubbo-arg-0", "7"));
  const lane = laneOf(asking, "", fieldsOf("/com.acme.A/get"), undefined);
  expect(decideByMessage(lane, wrap(7n)).route?.name).toBe("special");
  expect(decideByMessage(lane, wrap(8n)).route?.name).toBe("all");
  const generic = laneOf(asking, "", fieldsOf("/com.acme.A/$invoke"), undefined);
  const decided = decideByMessage(generic, wrap("set", null, listValue([7n])));
  expect([decided.decision.method, decided.route?.name]).toEqual(["set", "special"]);
});

test("routes go by an argument as it stands there, which policies are not shown where providers may read it otherwise", () => {
  const lane = laneOf(configOf(when("dubbo-arg-0", "07")), "", fieldsOf("/com.acme.A/get"), undefined);
  const read = (type: string) =>
    decideByMessage(
      lane,
      encodeRequestWrapper({ serializeType: "hessian4", args: [encodeHessian2("07")], argTypes: [type] }),
    );
  const [text, long] = [read("java.lang.String"), read("long")];
  expect([text.route?.name, text.judged("dubbo-arg-0")]).toEqual(["special", "07"]);
  expect([long.route?.name, long.header("dubbo-arg-0")]).toEqual(["special", "07"]);
  expect(() => long.judged("dubbo-arg-0")).toThrow("written otherwise");
});

test("arguments of protobuf calls are known where the service's messages are", () => {
  const protobuf = protobufOf(`syntax = "proto3"; package com.acme;
    service A { rpc Get(Id) returns (Id); }
    message Id { int64 id = 1; }`);
  const schema = { name: "com.acme.A", protobuf };
  const asking = { ...configOf(when("dubbo-arg-0", "7")), schemaOf: () => schema };
  const lane = laneOf(asking, "", fieldsOf("/com.acme.A/Get"), undefined);
  expect(lane.needsMessage).toBe(true);
  expect(decideByMessage(lane, Buffer.from("0807", "hex")).route?.name).toBe("special");
  expect(decideByMessage(lane, Buffer.from("0808", "hex")).route?.name).toBe("all");
  const wrapped = encodeRequestWrapper({ serializeType: "hessian4", args: [encodeHessian2(7n)], argTypes: ["long"] });
  const java = laneOf(asking, "", fieldsOf("/com.acme.A/get"), undefined);
  expect(decideByMessage(java, wrapped).route?.name).toBe("special");
});

test("arguments of JSON are those of its content, and of what is neither framed nor JSON there are none", () => {
  const asking = configOf(when("dubbo-arg-0.id", "7"));
  const typed = (type: string) =>
    fieldsOf("/com.acme.A/get").map((field) => (field === "application/grpc" ? type : field));
  const lane = laneOf(asking, "", typed("application/json"), undefined);
  expect(lane.needsMessage).toBe(true);
  expect(decideByMessage(lane, Buffer.from('[{"id": 7}]')).route?.name).toBe("special");
  expect(decideByMessage(lane, Buffer.from('{"id": 8}')).route?.name).toBe("all");
  const bare = laneOf(asking, "", typed("application/proto"), undefined);
  expect(() => decideByMessage(bare, Buffer.from([8, 7]))).toThrow("gRPC-framed calls and JSON alone");
});
