import { expect, test } from "vitest";
import { merge, mergeSchemas } from "../../../../src/registry-sync/merge/merge.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

test("nothing merges to nothing", () => {
  expect(merge([])).toEqual({ entries: [], consumers: [], findings: [] });
});

test("entries of all registries stand by host", () => {
  const merged = merge([
    world("x", entry("b.B", ["10.0.0.1"]), entry("d.D", ["10.0.0.1"])),
    world("y", entry("a.A", ["10.0.0.1"]), entry("c.C", ["10.0.0.1"])),
  ]);
  expect(merged.entries.map((one) => one.host)).toEqual(["a.a", "b.b", "c.c", "d.d"]);
});

test("one registry's entries are handed on as they are, sorted by host", () => {
  const one = world("x", entry("b.B", ["10.0.0.1"]), entry("a.A", ["10.0.0.1"]));
  const merged = merge([one]);
  expect(merged.entries.map((each) => each.host)).toEqual(["a.a", "b.b"]);
  expect(merged.entries[1]).toBe(one.entries[0]);
});

test("an endpoint in two registries is one, as the first registry has it", () => {
  const merged = merge([
    world("x", entry("a.A", [endpoint("10.0.0.1", { origin: "x", weight: 1 })])),
    world("y", entry("a.A", [endpoint("10.0.0.1", { origin: "y", weight: 2 }), endpoint("10.0.0.0", { origin: "y" })])),
  ]);
  expect(merged.entries[0]?.endpoints.map((one) => [one.address, one.origin, one.weight])).toEqual([
    ["10.0.0.0", "y", 100],
    ["10.0.0.1", "x", 1],
  ]);
});

test("another protocol or port at one address is another endpoint", () => {
  const merged = merge([
    world("x", entry("a.A", [endpoint("10.0.0.1")])),
    world("y", entry("a.A", [endpoint("10.0.0.1", { protocol: "tri" }), endpoint("10.0.0.1:20881")])),
  ]);
  expect(merged.entries[0]?.endpoints).toHaveLength(3);
});

test("what another Trestle shows of its other registries counts where nobody else has the service", () => {
  const own = entry("a.A", [endpoint("10.0.0.1")]);
  const shown = (address: string) => endpoint(address, { params: { "trestle.from": "theirs" } });
  const facade = world("y", entry("a.A", [shown("10.9.0.1"), shown("10.9.0.2")]));
  const addresses = (...worlds: Parameters<typeof merge>[0]) =>
    merge(worlds).entries[0]?.endpoints.map(({ address, params }) => [address, params["trestle.from"]]);
  expect(addresses(world("x", own), facade)).toEqual([["10.0.0.1", undefined]]);
  expect(addresses(facade, world("x", own))).toEqual([["10.0.0.1", undefined]]);
  expect(addresses(facade, world("z", entry("a.A", [endpoint("10.9.0.1")])))).toEqual([["10.9.0.1", undefined]]);
  expect(addresses(world("x"), facade)).toEqual([
    ["10.9.0.1", "theirs"],
    ["10.9.0.2", "theirs"],
  ]);
});

test("what did not change keeps its identity", () => {
  const x = world("x", entry("a.A", ["10.0.0.1"]), entry("b.B", ["10.0.0.1"]));
  const y = world("y", entry("a.A", ["10.0.0.2"]));
  const first = merge([x, y]);
  const second = merge([{ ...x, entries: [x.entries[0]!, entry("b.B", ["10.0.0.9"])] }, y], first);
  expect(second.entries[0]).toBe(first.entries[0]);
  expect(second.entries[1]).not.toBe(first.entries[1]);
});

test("of two services with one host the first by key stays and the other is told", () => {
  for (const names of [
    ["a.bee", "a.BEE"],
    ["a.BEE", "a.bee"],
  ]) {
    const merged = merge([world("x", ...names.map((name) => entry(name, ["10.0.0.1"])))]);
    expect(merged.entries.map((one) => one.service.interface)).toEqual(["a.BEE"]);
    expect(merged.findings.map((one) => [one.code, one.at])).toEqual([["TR0140", "a.bee"]]);
  }
});

test("consumers and findings stand in order of the registries", () => {
  const finding = (code: string) => ({ code, severity: "info", message: "m", at: "a" }) as const;
  const consumer = (address: string) => ({ service: entry("a.A", []).service, address, application: "", params: {} });
  const merged = merge([
    { name: "x", entries: [], consumers: [consumer("2")], findings: [finding("B")] },
    { name: "y", entries: [], consumers: [consumer("1")], findings: [finding("A")] },
  ]);
  expect(merged.consumers.map((one) => one.address)).toEqual(["2", "1"]);
  expect(merged.findings.map((one) => one.code)).toEqual(["B", "A"]);
});

test("types of calls are the first registry's that has them, and the same list while they are", () => {
  const a = { name: "a.A", protobuf: "AA==" };
  const other = { name: "a.A", protobuf: "AQ==" };
  const b = { name: "b.B", protobuf: "Ag==" };
  const merged = mergeSchemas([{ schemas: [a] }, {}, { schemas: [other, b] }], []);
  expect(merged).toEqual([a, b]);
  expect(mergeSchemas([{ schemas: [a] }, { schemas: [b] }], merged)).toBe(merged);
  expect(mergeSchemas([{ schemas: [other] }, { schemas: [b] }], merged)).toEqual([other, b]);
});

test("a merged entry keeps the host as others write it", () => {
  const written = { ...entry("a.B", ["10.0.0.1"]), writtenHost: "A.B" };
  const { entries } = merge([world("one", written), world("two", { ...written, endpoints: [endpoint("10.0.0.2")] })]);
  expect(entries).toMatchObject([{ host: "a.b", writtenHost: "A.B", endpoints: [{}, {}] }]);
});

test("a change costs the same however many services there are: no other host is joined again, and lists that stay are the same", () => {
  for (const size of [10, 1_000]) {
    const names = Array.from({ length: size }, (_, i) => `com.acme.S${String(i).padStart(4, "0")}`);
    const one = world("one", ...names.map((name) => entry(name, ["10.0.0.1"])));
    const two = world("two", ...names.map((name) => entry(name, ["10.0.0.2"])));
    const before = merge([one, two]);
    let reads = 0;
    for (const made of two.entries.slice(6)) {
      const { endpoints } = made;
      const get = () => {
        reads++;
        return endpoints;
      };
      Object.defineProperty(made, "endpoints", { get });
    }
    const changed = { ...two, entries: two.entries.with(5, entry(names[5]!, ["10.0.0.9"])) };
    const after = merge([one, changed], before);
    expect(after.entries.flatMap((made, i) => (made === before.entries[i] ? [] : [made.host]))).toEqual([
      "com.acme.s0005",
    ]);
    expect([reads, after.consumers === before.consumers, after.findings === before.findings]).toEqual([0, true, true]);
    expect(merge([one, changed]).entries).toEqual(after.entries);
  }
});

test("services that come to share a host are told, and no more once one of them is gone", () => {
  const [lower, upper] = [entry("com.acme.order", ["10.0.0.1"]), entry("com.acme.Order", ["10.0.0.2"])];
  const alone = merge([world("one", lower)]);
  const both = merge([world("one", lower, upper)], alone);
  expect([both.entries.length, both.findings.map(({ code }) => code)]).toEqual([1, ["TR0140"]]);
  const again = merge([world("one", lower)], both);
  expect([again.entries, again.findings]).toEqual([[lower], []]);
});

test("further ports of one number are one port, wherever they stand", () => {
  const at = (port: number, ...addresses: string[]) => ({
    ...{ protocol: "http", port },
    endpoints: addresses.map((address) => endpoint(address, { protocol: "http" })),
  });
  const a = entry("a.A", ["10.0.0.1"]);
  const merged = merge([
    world("x", { ...a, further: [at(9090, "10.0.0.1")] }),
    world("y", { ...a, further: [at(9090, "10.0.0.2", "10.0.0.1"), at(9091, "10.0.0.3")] }),
  ]);
  const further = merged.entries[0]!.further!;
  expect(further.map(({ port, endpoints }) => [port, ...endpoints.map(({ address }) => address)])).toEqual([
    [9090, "10.0.0.1", "10.0.0.2"],
    [9091, "10.0.0.3"],
  ]);
  expect(merge([world("x", a), world("y", a)]).entries[0]).not.toHaveProperty("further");
});
