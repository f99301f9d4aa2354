import { expect, test } from "vitest";
import { asList, asObject, asText, DocumentReader, member } from "../../../../src/codecs/openapi/node.ts";

const root = {
  components: {
    schemas: {
      Order: { type: "object" },
      "a/b": { type: "string" },
      Other: { $ref: "#/components/schemas/Order" },
      Loop: { $ref: "#/components/schemas/Loop" },
    },
  },
};

test.each<[string, unknown, unknown]>([
  ["an object is itself", { type: "x" }, { node: { type: "x" }, name: undefined }],
  [
    "a reference is what it leads to",
    { $ref: "#/components/schemas/Order" },
    { node: { type: "object" }, name: "Order" },
  ],
  [
    "two references have the last name",
    { $ref: "#/components/schemas/Other" },
    { node: { type: "object" }, name: "Order" },
  ],
  ["a name is unescaped", { $ref: "#/components/schemas/a~1b" }, { node: { type: "string" }, name: "a/b" }],
  ["a bad escape is taken as it is", { $ref: "#/components/%E0/x" }, undefined],
  ["a circle leads nowhere", { $ref: "#/components/schemas/Loop" }, undefined],
  ["a reference into nothing", { $ref: "#/components/schemas/None" }, undefined],
  ["a name of every object's is nothing", { $ref: "#/constructor" }, undefined],
  ["a reference out of the document", { $ref: "http://elsewhere/x#/a" }, undefined],
  ["no object", 7, undefined],
])("%s", (_, node, found) => {
  expect(new DocumentReader(root).resolve(node)).toEqual(found);
});

test("work has a bound", () => {
  const reader = new DocumentReader(root);
  reader.step(400_000);
  expect(() => reader.step()).toThrow("document takes more than 400000 steps to read");
});

test("members are an object's own, and of the type that is asked for", () => {
  expect(member({ a: 1 }, "a")).toBe(1);
  expect(member({}, "toString")).toBeUndefined();
  expect(member(undefined, "a")).toBeUndefined();
  expect([asObject([]), asObject(null), asObject({})]).toEqual([undefined, undefined, {}]);
  expect([asList({}, 2), asList([1], 2), asList([1, 2, 3], 2)]).toEqual([[], [1], [1, 2]]);
  expect([asText(1), asText("a")]).toEqual([undefined, "a"]);
});
