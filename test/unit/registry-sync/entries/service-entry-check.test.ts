import { describe, expect, test } from "vitest";
import { type ServiceEntry, toServiceEntry } from "../../../../src/registry-sync/entries/service-entry.ts";
import { checkServiceEntry } from "../../../../src/registry-sync/entries/service-entry-check.ts";
import { entry } from "../../../support/worlds.ts";

const good = toServiceEntry(entry("a.A", ["10.0.0.1"]), "trestle");
const one = good.spec.endpoints[0]!;
const port = good.spec.ports[0]!;
const spec = (more: Partial<ServiceEntry["spec"]>): ServiceEntry => ({ ...good, spec: { ...good.spec, ...more } });
const metadata = (more: Partial<ServiceEntry["metadata"]>): ServiceEntry => ({
  ...good,
  metadata: { ...good.metadata, ...more },
});

test("a good entry has no fault", () => {
  expect(checkServiceEntry(good)).toEqual([]);
});

describe("a fault is named", () => {
  const rows: readonly (readonly [document: ServiceEntry, fault: string])[] = [
    [metadata({ name: "A" }), 'name "A" is no DNS subdomain'],
    [metadata({ labels: { "a b": "x" } }), 'label key "a b" is not legal'],
    [metadata({ labels: { a: "x y" } }), 'label a has the value "x y", which is not legal'],
    [metadata({ annotations: { "a b": "x" } }), 'annotation key "a b" is not legal'],
    [metadata({ annotations: { a: "x".repeat(262_144) } }), "annotations of 262145 bytes are over the limit of 262144"],
    [spec({ hosts: [] }), "it has no host"],
    [spec({ hosts: ["a_b"] }), 'host "a_b" is no DNS name'],
    [spec({ ports: [], endpoints: [] }), "it has no port"],
    [spec({ ports: [port, { ...port, number: 1 }] }), "two ports have one name"],
    [spec({ ports: [port, { ...port, name: "x" }] }), "two ports have one number"],
    [spec({ ports: [{ ...port, number: 0 }] }), "port 0 is not between 1 and 65535"],
    [spec({ ports: [{ ...port, name: "A" }], endpoints: [] }), 'port name "A" is no DNS label'],
    [spec({ ports: [{ ...port, protocol: "dubbo" }] }), 'port protocol "dubbo" is unknown'],
    [spec({ endpoints: [{ ...one, address: "order" }] }), 'endpoint address "order" is no IP address'],
    [spec({ endpoints: [{ ...one, ports: { x: 1 } }] }), 'endpoint port "x" is no port of the entry'],
    [
      spec({ endpoints: [{ ...one, ports: { "tcp-dubbo": 70_000 } }] }),
      "endpoint port 70000 is not between 1 and 65535",
    ],
    [spec({ endpoints: [{ ...one, weight: -1 }] }), "endpoint weight -1 is no whole number"],
    [spec({ endpoints: [{ ...one, labels: { a: "," } }] }), 'endpoint label a has the value ",", which is not legal'],
  ];
  test.each(rows)("%#: $1", (document, fault) => {
    expect(checkServiceEntry(document)).toEqual([fault]);
  });
});
