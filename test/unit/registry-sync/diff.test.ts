import { expect, test } from "vitest";
import { diffRows, endpointCounts, printDiff } from "../../../src/registry-sync/diff.ts";
import { endpoint, entry } from "../../support/worlds.ts";

const changes = {
  create: [entry("a.A:1.0", ["10.0.0.1"])],
  update: [
    {
      before: entry("b.B", ["10.0.0.1", endpoint("10.0.0.2", { params: { region: "hz", token: "old", gone: "1" } })]),
      after: entry("b.B", [
        endpoint("10.0.0.2", { weight: 7, tag: "gray", params: { region: "bj", token: "new" } }),
        "10.0.0.3",
      ]),
    },
  ],
  delete: [entry("c.C", ["10.0.0.1", "10.0.0.2"])],
};

test("a diff prints each entry with what changes in it", () => {
  expect(printDiff(diffRows(changes))).toBe(
    `+ a.a-1-0  (a.A:1.0, 1 endpoint)
    + dubbo://10.0.0.1:20880
~ b.b  (b.B, 2 endpoints)
    ~ dubbo://10.0.0.2:20880 weight: 100 -> 7
    ~ dubbo://10.0.0.2:20880 tag: "" -> gray
    ~ dubbo://10.0.0.2:20880 gone: 1 -> (none)
    ~ dubbo://10.0.0.2:20880 region: hz -> bj
    ~ dubbo://10.0.0.2:20880 token: (changed)
    + dubbo://10.0.0.3:20880
    - dubbo://10.0.0.1:20880
- c.c  (c.C, 0 endpoints)
    - dubbo://10.0.0.1:20880
    - dubbo://10.0.0.2:20880
1 to create, 1 to change, 1 to remove
`,
  );
});

test("no changes are said so", () => {
  expect(printDiff(diffRows({ create: [], update: [], delete: [] }))).toBe("no changes\n");
});

test("rows are plain values", () => {
  expect(JSON.parse(JSON.stringify(diffRows(changes)))[0]).toEqual({
    change: "create",
    host: "a.a-1-0",
    service: "a.A:1.0",
    endpoints: 1,
    details: ["+ dubbo://10.0.0.1:20880"],
  });
});

test("endpoints are counted by address, port and protocol", () => {
  expect(
    endpointCounts([endpoint("1"), endpoint("2")], [endpoint("2", { weight: 1 }), endpoint("3"), endpoint("4")]),
  ).toEqual({ added: 2, removed: 1 });
});
