import { expect, test } from "vitest";
import { javaClasses, withClasses } from "../../../src/codecs/java-classes.ts";
import { compileJava } from "../../../src/codecs/java-schema.ts";
import type { JavaType } from "../../../src/model/schema.ts";

const schema = (name: string, types: Readonly<Record<string, JavaType>>) => ({ name, java: { methods: [], types } });
const all = javaClasses([
  schema("a.A", { "a.Order": { properties: { id: "long" } }, "a.State": { enums: ["NEW"] } }),
  schema("a.B", { "a.Order": { properties: { id: "int" } }, "a.Line": { properties: { sku: "java.lang.String" } } }),
  { name: "a.C" },
]);
const shown = (java: ReturnType<typeof javaClasses>, name: string) =>
  [...(java.properties(name) ?? [])].map(([property, { name: type }]) => `${property}: ${type}`);

test("classes are those of all interfaces, of two that describe one the first's", () => {
  expect(["a.Order", "a.Line", "a.Other"].map((name) => shown(all, name))).toEqual([
    ["id: long"],
    ["sku: java.lang.String"],
    [],
  ]);
  expect([all.constants("a.State"), all.methods("m")]).toEqual([["NEW"], []]);
});

test("an interface's own classes count before those of others, and its methods alone", () => {
  const own = compileJava({
    methods: [{ name: "m", parameterTypes: [], returnType: "void" }],
    types: { "a.Order": { properties: { key: "int" } } },
  });
  const java = withClasses(own, all);
  expect(["a.Order", "a.Line"].map((name) => shown(java, name))).toEqual([["key: int"], ["sku: java.lang.String"]]);
  expect([java.constants("a.State"), java.methods("m").length]).toEqual([["NEW"], 1]);
  expect(withClasses(own, all)).toBe(java);
  expect(withClasses(undefined, all)).toBe(all);
});
