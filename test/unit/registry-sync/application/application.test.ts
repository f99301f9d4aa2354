import { expect, test } from "vitest";
import type { ApplicationService } from "../../../../src/model/application.ts";
import { buildApplication, readApplicationNodes } from "../../../../src/registry-sync/application/application.ts";
import { instanceAt, offered } from "../../../support/applications.ts";

function knowing(
  known: Readonly<Record<string, readonly ApplicationService[]>>,
  failures: Record<string, string> = {},
) {
  return {
    services: (_: string, revision: string) => known[revision],
    failure: (_: string, revision: string) => failures[revision],
  };
}

const SERVICES = [offered("a.B")];

function build(
  instances = [instanceAt("h:1")],
  known = knowing({ r1: SERVICES }),
  before?: ReturnType<typeof buildApplication>,
) {
  return buildApplication({ name: "shop", instances, at: "/services/shop" }, known, before);
}

test("an application is its instances, the services of their revisions, and what is to be asked", () => {
  const built = build();
  expect([...built.application.revisions]).toEqual([["r1", SERVICES]]);
  expect(built.wanted).toEqual([{ application: "shop", revision: "r1", instances: [instanceAt("h:1")] }]);
  expect([...built.offers.byInterface.keys()]).toEqual(["a.B"]);
  expect(built.findings).toEqual([]);
});

test("nothing is asked of an instance that offers nothing or says no revision", () => {
  const built = build([instanceAt("h:1", { revision: "0" }), instanceAt("h:2", { revision: "" })]);
  expect([built.wanted, built.application.revisions.size, built.application.instances.length]).toEqual([[], 0, 2]);
});

test("an instance whose new revision is not known keeps what it offered; the rest of the application is not touched", () => {
  const other = instanceAt("h:2");
  const before = build([instanceAt("h:1"), other]);
  const after = build([instanceAt("h:1", { revision: "r2" }), other], knowing({ r1: SERVICES }), before);
  expect(after.offers.byInterface.get("a.B")?.map(({ url }) => url.port)).toEqual([20880, 20880]);
  expect([before.application.kept, [...(after.application.kept ?? [])]]).toEqual([undefined, ["r2"]]);
  const later = build([instanceAt("h:1", { revision: "r2" }), other], knowing({ r1: SERVICES, r2: [] }), after);
  expect(later.application.kept).toBeUndefined();
  expect(later.offers.byInterface.get("a.B")).toHaveLength(1);
});

test("a revision that cannot be had is a finding; one that replaces a known one leaves the last state", () => {
  const failing = knowing({}, { r1: "no connection to h:1", r2: "no connection to h:1" });
  const never = build([instanceAt("h:1")], failing);
  expect([...never.application.failed]).toEqual(["r1"]);
  expect(never.findings).toMatchObject([{ code: "TR0123", at: "/services/shop" }]);
  expect(never.findings[0]?.message).toBe(
    "the services of application shop, revision r1 (h:1), cannot be learned: no connection to h:1; they are shown as they are",
  );
  const changed = build([instanceAt("h:1", { revision: "r2" })], failing, build());
  expect([changed.application.failed.size, changed.application.revisions.get("r2")]).toEqual([0, SERVICES]);
  expect(changed.findings[0]?.message).toMatch(/what they offered before counts$/);
});

test("what did not change is the same object", () => {
  const instances = [instanceAt("h:1")];
  const before = build(instances);
  expect(build(instances, knowing({ r1: SERVICES }), before)).toBe(before);
});

const DUBBO = {
  "@class": "org.apache.dubbo.registry.zookeeper.ZookeeperInstance",
  metadata: { "dubbo.metadata.revision": "r1" },
};

function node(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

test("nodes that cannot be read are left out and told of, nothing else is lost; others' nodes are nobody's business", () => {
  const nodes = new Map([
    ["10.0.0.1:1", node({ address: "10.0.0.1", port: 1, payload: DUBBO })],
    ["10.0.0.2:1", node("{")],
    ["10.0.0.3:1", node({ address: "10.0.0.3", port: 70_000, payload: DUBBO })],
    ["10.0.0.4:1", new Uint8Array(1 << 20).fill(32)],
    ["b7c1", node("not a node of ours")],
  ]);
  const read = readApplicationNodes(nodes);
  expect(read.instances.map(({ id }) => id)).toEqual(["10.0.0.1:1"]);
  expect(read.faults).toEqual([
    "10.0.0.2:1: instance is no JSON in UTF-8",
    "10.0.0.3:1: instance has no usable port",
    "10.0.0.4:1: instance of 1048576 bytes is over the limit of 262144",
  ]);
  const { findings } = buildApplication(
    { name: "shop", instances: read.instances, faults: read.faults, at: "/services/shop" },
    knowing({ r1: SERVICES }),
  );
  expect(findings.map(({ code, at }) => [code, at])[0]).toEqual(["TR0107", "/services/shop/10.0.0.2:1"]);
});

test("a node that stays as it was is not read again", () => {
  const bytes = node({ address: "10.0.0.1", port: 1, payload: DUBBO });
  const first = readApplicationNodes(new Map([["10.0.0.1:1", bytes]]));
  const second = readApplicationNodes(new Map([["10.0.0.1:1", bytes]]), first);
  expect(second.instances[0]).toBe(first.instances[0]);
});
