import { describe, expect, test } from "vitest";
import { noteOrigin } from "../../../../src/codecs/xds/origins.ts";
import { originsOf } from "../../../../src/control/xds/refusals.ts";

const origin = (rule: string) => ({ rule, file: `${rule}.yaml`, line: 1 });
const route = (rule: string, name = "") => ({ name, metadata: { filterMetadata: { "io.trestle": origin(rule) } } });

describe("rules of a refused response", () => {
  const resources = [
    {
      name: "dubbo",
      virtualHosts: [
        { name: "com.acme.orderservice", routes: [route("orders", "orders/v1"), route("orders")] },
        { name: "com.acme.userservice", routes: [route("users")] },
        { name: "com.acme.other", routes: [{ name: "plain" }] },
      ],
    },
  ];
  const rows: readonly (readonly [string, string, string[]])[] = [
    ["all where the message names none", "no", ["orders", "users"]],
    ["that of the host that the message names", "route: host com.acme.userservice is wrong", ["users"]],
    ["that of the route that the message names", "route orders/v1 has no cluster", ["orders"]],
    ["not that of a short name that is in any text", "dubbo", ["orders", "users"]],
  ];
  test.each(rows)("%s", (_name, message, rules) => {
    expect(originsOf(resources, message)).toEqual(rules.map(origin));
  });

  test("no more than five", () => {
    expect(originsOf([{ routes: Array.from({ length: 9 }, (_, i) => route(`r${i}`)) }], "no")).toHaveLength(5);
  });

  test("none of what no rule made", () => {
    expect(originsOf([{ name: "a", metadata: { filterMetadata: { "io.trestle": { host: "b" } } } }], "a")).toEqual([]);
  });
});

test("a cluster's DestinationRule is told", () => {
  const [bad, good] = [{ name: "outbound|1||a" }, { name: "outbound|1||b" }];
  noteOrigin(bad, { rule: "da", file: "r.yaml", line: 1 });
  noteOrigin(good, { rule: "db", file: "r.yaml", line: 9 });
  expect(originsOf([bad, good], "outbound|1||a: no such policy")).toEqual([{ rule: "da", file: "r.yaml", line: 1 }]);
  expect(originsOf([bad, good], "no").map(({ rule }) => rule)).toEqual(["da", "db"]);
});
