import { expect, test } from "vitest";
import { compileJava, kindOfJava, printJavaMethod, resultOfJava } from "../../../src/codecs/java-schema.ts";
import { parseJavaType, printJavaType } from "../../../src/codecs/java-types.ts";
import type { JavaDefinition } from "../../../src/model/schema.ts";

const definition: JavaDefinition = {
  methods: [
    { name: "find", parameterTypes: ["long"], returnType: "com.acme.Order", parameterNames: ["id"] },
    { name: "find", parameterTypes: ["java.util.List<java.lang.Long>", "int[]"], returnType: "void" },
    { name: "find", parameterTypes: ["long"], returnType: "com.acme.Order" },
    { name: "broken", parameterTypes: ["<<"], returnType: "void" },
    { name: "odd", parameterTypes: [], returnType: "<<" },
    { name: "one", parameterTypes: ["int"], returnType: "int", parameterNames: ["a", "b"] },
  ],
  types: {
    "com.acme.Order": { properties: { id: "long", lines: "java.util.List<com.acme.Line>", bad: "<<" } },
    "com.acme.Status": { enums: ["NEW", "PAID"] },
  },
};

test("overloads are methods of their own, each once, and types are read", () => {
  const java = compileJava(definition);
  expect(java.methods("find").map(printJavaMethod)).toEqual([
    "find(long)",
    "find(java.util.List<java.lang.Long>, int[])",
  ]);
  expect(java.methods("find").map(({ erased, names }) => [erased, names])).toEqual([
    [["long"], ["id"]],
    [["java.util.List", "int[]"], undefined],
  ]);
  expect(java.methods("toString")).toEqual([]);
});

test("what cannot be read is left out", () => {
  const java = compileJava(definition);
  expect(java.methods("broken")).toEqual([]);
  expect(java.methods("odd").map(({ returns }) => printJavaType(returns))).toEqual(["java.lang.Object"]);
  expect(java.methods("one").map(({ names }) => names)).toEqual([undefined]);
  expect([...java.properties("com.acme.Order")!.keys()]).toEqual(["id", "lines"]);
});

test("classes are found by their own names alone", () => {
  const java = compileJava(definition);
  expect(java.constants("com.acme.Status")).toEqual(["NEW", "PAID"]);
  expect(java.properties("com.acme.Status")).toBeUndefined();
  for (const name of ["constructor", "__proto__", "com.acme.None"]) {
    expect([java.properties(name), java.constants(name)]).toEqual([undefined, undefined]);
  }
});

test("a definition is read once", () => {
  expect(compileJava(definition)).toBe(compileJava(definition));
});

test.each([
  ["void", "void"],
  ["boolean", "boolean"],
  ["java.lang.Boolean", "boolean"],
  ["long", "integer"],
  ["java.math.BigInteger", "integer"],
  ["java.lang.Double", "float"],
  ["char", "char"],
  ["java.lang.String", "text"],
  ["java.math.BigDecimal", "decimal"],
  ["java.util.Date", "date"],
  ["java.time.Instant", "time"],
  ["java.time.DayOfWeek", "bean"],
  ["byte[]", "bytes"],
  ["int[]", "list"],
  ["java.util.Set<java.lang.String>", "list"],
  ["java.util.concurrent.ConcurrentHashMap", "map"],
  ["java.lang.Object", "any"],
  ["T", "any"],
  ["java.util.UUID", "library"],
  ["com.acme.Order", "bean"],
  ["Order", "bean"],
])("%s is of kind %s", (type, kind) => {
  expect(kindOfJava(parseJavaType(type))).toBe(kind);
});

test.each([
  ["java.util.concurrent.CompletableFuture<com.acme.Order>", "com.acme.Order"],
  ["java.util.Optional<java.lang.Long>", "java.lang.Long"],
  ["java.util.List<java.lang.Long>", "java.util.List<java.lang.Long>"],
  ["java.util.concurrent.Future", "java.util.concurrent.Future"],
])("the result of %s is %s", (type, result) => {
  expect(printJavaType(resultOfJava(parseJavaType(type)))).toBe(result);
});
