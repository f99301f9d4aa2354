import { expect, test } from "vitest";
import type { NodeText } from "../../../../src/codecs/xds/discovery.ts";
import { LISTENER_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { createCompiler } from "../../../../src/control/compile/compiler.ts";
import { clientKind, createServedSource } from "../../../../src/control/compile/served-source.ts";
import { createSnapshot, type Snapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../support/rules.ts";

const node = (userAgentName: string, id = "n", metadata: NodeText["metadata"] = {}): NodeText => ({
  id,
  cluster: "",
  metadata,
  userAgentName,
  userAgentVersion: "",
});

test.each([
  ["envoy", "sidecar~10.0.0.1~a~b", {}, "envoy"],
  ["gRPC Go", "anything", {}, "grpc"],
  ["gRPC Java", "", {}, "grpc"],
  ["gRPC Node Pure JS", "", {}, "grpc"],
  ["trestle", "sidecar~10.0.0.1~a~b", {}, "trestle"],
  ["", "sidecar~10.0.0.1~a~b", {}, "dubbo-xds"],
  ["", "router~10.0.0.1~a~b", {}, "envoy"],
  ["", "tool", {}, "envoy"],
  ["envoy", "sidecar~10.0.0.1~a~b", { GENERATOR: "grpc" }, "grpc"],
  ["", "x", { GENERATOR: "dubbo-xds" }, "dubbo-xds"],
  ["gRPC Go", "x", { GENERATOR: "other" }, "grpc"],
] as const)("user agent '%s', id %s, metadata %o: %s", (agent, id, metadata, kind) => {
  expect(clientKind(node(agent, id, metadata))).toBe(kind);
});

test("each kind of client is given its own form of the same services; a Trestle proxy and one that comes too early nothing", () => {
  let snapshot: Snapshot | undefined;
  const compile = createCompiler();
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (of) => compile(of, { id: "any", dubbo: [] }),
  });
  expect(source.resourcesFor(node("envoy"))).toBeUndefined();
  snapshot = createSnapshot(
    [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.1:50051"])],
    [],
    ["dubbo", "tri"],
  );
  const listeners = (of: NodeText) =>
    source
      .resourcesFor(of)
      ?.types.get(LISTENER_TYPE)
      ?.map(({ name }) => name);
  expect(listeners(node("envoy"))).toEqual(["127.0.0.1_20880", "127.0.0.1_50051"]);
  expect(listeners(node("gRPC Go"))).toEqual(["com.acme.a:50051"]);
  expect(listeners(node("", "sidecar~a~b~c"))).toEqual(["dubbo-xds-outbound"]);
  expect(listeners(node("trestle"))).toBeUndefined();
  expect(source.resourcesFor(node("envoy", "a"))).toBe(source.resourcesFor(node("envoy", "b")));
  expect(source.findings()).toEqual([]);
});

test("what clients of each kind cannot do is told of all kinds, while that is so", () => {
  const entry = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.1:50051"]);
  const routing = { steps: [], tags: { rule: "shop.tag-router", names: [], force: true } };
  let snapshot = createSnapshot([{ ...entry, routing }], [], ["dubbo", "tri"]);
  const compile = createCompiler();
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (of) => compile(of, { id: "any", dubbo: [] }),
  });
  expect(source.findings()).toEqual([]);
  for (const agent of ["envoy", "gRPC Go", "gRPC Java"]) source.resourcesFor(node(agent));
  expect(source.findings().map(({ code, message }) => `${code} ${message.split(":")[0]}`)).toEqual([
    "TR0716 service com.acme.a in a stock Envoy",
    "TR0716 service com.acme.a in a gRPC client",
  ]);
  snapshot = createSnapshot([entry], [], ["dubbo", "tri"]);
  expect(source.findings()).toEqual([]);
});

test("what one Envoy cannot do is told, whichever was served last", () => {
  const rules = rulesOf(destinationRuleText("d", "com.acme.A", "trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}"));
  const snapshot = createSnapshot([entryOf("com.acme.A", ["tri://10.0.0.1:50051"])], rules, ["dubbo", "tri"]);
  const compile = createCompiler();
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (of) => compile(of, { id: "any", dubbo: [] }),
  });
  const trusted = { ...node("envoy", "b"), identity: "spiffe://cluster.local/ns/default/sa/b" };
  const codes = () => source.findings().map(({ code }) => code);
  source.resourcesFor(trusted);
  expect(codes()).toEqual([]);
  source.resourcesFor(node("envoy", "a"));
  source.resourcesFor(trusted);
  source.resourcesFor(node("envoy", "c"));
  expect(codes()).toEqual(["TR0715"]);
});
