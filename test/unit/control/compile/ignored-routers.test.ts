import { expect, test } from "vitest";
import { createCompiler } from "../../../../src/control/compile/compiler.ts";
import { ignoredRouters } from "../../../../src/control/compile/ignored-routers.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import type { Routing } from "../../../../src/model/routing.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const step = (rule: string): Routing["steps"][number] => ({
  ...{ rule, text: "=> region = hz", force: false, when: [] },
  to: [{ match: [{ key: "region", is: ["hz"] }], weight: 1 }],
});
const routing: Routing = {
  steps: ["a", "b", "b", "c", "d"].map(step),
  tags: { rule: "t", names: ["gray"], force: false },
};

test("services under routers are told of, once each, to whom the client is that is given them", () => {
  const entries: Entry[] = [
    { ...entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.1:50051"]), routing },
    { ...entryOf("com.acme.B", ["dubbo://10.0.0.1:20880"]), routing: { steps: [step("b")] } },
    entryOf("com.acme.C", ["dubbo://10.0.0.1:20880"]),
  ];
  const resources = createCompiler()(createSnapshot(entries, [], ["dubbo", "tri"]), { id: "any", dubbo: [] });
  const told = (kind: "envoy" | "grpc" | "dubbo-xds") =>
    ignoredRouters(resources, entries, kind).map(({ code, at, message }) => `${code} ${at}: ${message}`);
  expect(told("grpc")).toEqual([
    "TR0716 com.acme.a: service com.acme.a in a gRPC client: what t, a, b of the registry chooses does not count; a Trestle proxy does it",
  ]);
  expect(told("envoy")).toEqual([
    expect.stringContaining("com.acme.a in a stock Envoy"),
    expect.stringContaining("com.acme.b in a stock Envoy: what b of"),
  ]);
  expect(told("dubbo-xds").length).toBe(2);
  expect(ignoredRouters(resources, entries, "envoy")).toBe(ignoredRouters(resources, entries, "envoy"));
});
