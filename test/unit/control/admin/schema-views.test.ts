import { expect, test } from "vitest";
import { viewOrigins, viewSchemas } from "../../../../src/control/admin/schema-views.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entry } from "../../../support/worlds.ts";

const java = { methods: [], types: {} };
const snapshot = createSnapshot(
  [entry("a.A:1", ["10.0.0.1"]), entry("a.A:2", ["10.0.0.1"]), entry("b.B", ["10.0.0.2"])],
  [],
  ["dubbo"],
  [
    { name: "a.A", java, protobuf: "AA==" },
    { name: "c.C", protobuf: "AQ==" },
  ],
);
const origins = new Map([
  ["a.A", { java: "registry", protobuf: "files" }],
  ["c.C", { protobuf: "reflection" }],
]);

test("each service is told who says its types", () => {
  expect(viewOrigins(snapshot, origins)).toEqual([
    { java: "registry", protobuf: "files" },
    { java: "registry", protobuf: "files" },
    {},
  ]);
});

test("what a source has said since the snapshot was made is not shown yet", () => {
  const newer = new Map([["c.C", { java: "registry", protobuf: "files" }]]);
  expect(viewSchemas(snapshot, newer, "c.C")).toMatchObject([{ from: { protobuf: "files" } }]);
});

test("all that have types are listed, whether they are services here or not", () => {
  expect(viewSchemas(snapshot, origins, undefined)).toEqual([
    { name: "a.A", from: { java: "registry", protobuf: "files" } },
    { name: "c.C", from: { protobuf: "reflection" } },
  ]);
});

test("one interface's types are shown whole", () => {
  expect(viewSchemas(snapshot, origins, "A.a")).toEqual([
    { name: "a.A", java, protobuf: "AA==", from: { java: "registry", protobuf: "files" } },
  ]);
  expect(viewSchemas(snapshot, origins, "x")).toEqual([]);
});
