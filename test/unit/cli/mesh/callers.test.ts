import { describe, expect, test } from "vitest";
import { applicationsByAddress, tagsByAddress, valuesByAddress } from "../../../../src/cli/mesh/callers.ts";
import type { Consumer, Entry } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";

type Row = readonly [service: string, address: string, tag?: string, application?: string];

/** A service written `interface[:version[:group]]`. */
function key(text: string) {
  const [name = "", version = "", group = ""] = text.split(":");
  return serviceKey(name, group, version);
}

function consumers(rows: readonly Row[]): Consumer[] {
  return rows.map(([service, address, tag, application = "web"]) => ({
    service: key(service),
    address,
    application,
    params: tag === undefined ? {} : { "dubbo.tag": tag },
  }));
}

function entries(...services: string[]): Entry[] {
  return services.map((service) => ({ host: service, service: key(service), endpoints: [] }));
}

describe("tags of callers", () => {
  test.each<[string, Row[], string[], ReturnType<typeof tagsByAddress>]>([
    ["one consumer", [["a.B:1", "10.0.0.1", "gray"]], ["a.B:1"], { "a.B:1": { "10.0.0.1": "gray" } }],
    ["an encoded tag", [["a.B", "10.0.0.1", "%E7%81%B0"]], ["a.B"], { "a.B": { "10.0.0.1": "\u7070" } }],
    ["no tag at all", [["a.B:1", "10.0.0.1"]], ["a.B:1"], undefined],
    ["an empty tag", [["a.B:1", "10.0.0.1", ""]], ["a.B:1"], undefined],
    ["a service that nobody provides", [["a.B:2", "10.0.0.1", "gray"]], ["a.B:1"], undefined],
    ["a consumer without an address", [["a.B:1", "", "gray"]], ["a.B:1"], undefined],
    [
      "two that agree",
      [
        ["a.B", "10.0.0.1", "gray"],
        ["a.B", "10.0.0.1", "gray"],
      ],
      ["a.B"],
      { "a.B": { "10.0.0.1": "gray" } },
    ],
    [
      "two that do not agree, and one elsewhere",
      [
        ["a.B", "10.0.0.1", "gray"],
        ["a.B", "10.0.0.1"],
        ["a.B", "10.0.0.2", "blue"],
      ],
      ["a.B"],
      { "a.B": { "10.0.0.2": "blue" } },
    ],
    [
      "three of which two agree again",
      [
        ["a.B", "10.0.0.1", "gray"],
        ["a.B", "10.0.0.1"],
        ["a.B", "10.0.0.1", "gray"],
      ],
      ["a.B"],
      undefined,
    ],
    [
      "one address with two services",
      [
        ["a.B", "10.0.0.1", "gray"],
        ["a.C", "10.0.0.1"],
      ],
      ["a.B", "a.C"],
      { "a.B": { "10.0.0.1": "gray" } },
    ],
    [
      "any version and several groups",
      [["a.B:*:g,h", "10.0.0.1", "gray"]],
      ["a.B:2:h", "a.B:1:g", "a.B:1:i"],
      { "g/a.B:1": { "10.0.0.1": "gray" }, "h/a.B:2": { "10.0.0.1": "gray" } },
    ],
  ])("%s", (_, rows, services, expected) => {
    expect(tagsByAddress(consumers(rows), entries(...services))).toEqual(expected);
  });

  test("print alike in whatever order consumers and services come", () => {
    const rows: Row[] = [
      ["a.B", "10.0.0.2", "gray"],
      ["a.C", "10.0.0.1", "blue"],
      ["a.B", "10.0.0.1", "gray"],
    ];
    const one = JSON.stringify(tagsByAddress(consumers(rows), entries("a.B", "a.C")));
    expect(JSON.stringify(tagsByAddress(consumers([...rows].reverse()), entries("a.C", "a.B")))).toBe(one);
  });
});

test("an address has an application where all its consumers name the same", () => {
  const rows: Row[] = [
    ["a.B", "10.0.0.2", "", "web"],
    ["a.C", "10.0.0.2", "", "web"],
    ["a.B", "10.0.0.1", "", "web"],
    ["a.B", "10.0.0.1", "", "batch"],
    ["a.B", "10.0.0.3", "", ""],
  ];
  expect(applicationsByAddress(consumers(rows))).toEqual({ "10.0.0.2": "web" });
});

test("what routers ask of consumers is said by address, where all consumers there say the same", () => {
  const consumer = (address: string, params: Readonly<Record<string, string>>, name = "a.B") => ({
    service: serviceKey(name),
    address,
    application: "web",
    params,
  });
  const step = { rule: "/r", text: "", force: false, to: [{ match: [{ key: "region", is: ["$zone"] }], weight: 1 }] };
  const when = [
    { key: "site", is: ["east"] },
    { key: "method", is: ["get"] },
  ];
  const entry: Entry = {
    host: "a.b",
    service: serviceKey("a.B"),
    endpoints: [],
    routing: { steps: [{ ...step, when }] },
  };
  const consumers = [
    consumer("10.0.0.2", { site: "east", zone: "hz", other: "x" }),
    consumer("10.0.0.1", { site: "east", zone: "hz" }),
    consumer("10.0.0.1", { site: "west", zone: "hz" }),
    consumer("10.0.0.3", { site: "east" }, "a.C"),
  ];
  expect(valuesByAddress(consumers, [entry])).toEqual({
    "a.B": { "10.0.0.1": { zone: "hz" }, "10.0.0.2": { site: "east", zone: "hz" } },
  });
  expect(valuesByAddress(consumers, [{ host: "a.b", service: serviceKey("a.B"), endpoints: [] }])).toBeUndefined();
  expect(valuesByAddress([], [entry])).toBeUndefined();
});
