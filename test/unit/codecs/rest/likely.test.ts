import { describe, expect, test } from "vitest";
import { arrangements, likeness, withoutArguments } from "../../../../src/codecs/rest/likely.ts";
import { restMethod } from "../../../support/rest-schema.ts";

describe("types that a document lets one expect", () => {
  test.each<[string, string, number | undefined]>([
    ["java.lang.Long", "long", 2],
    ["long", "java.lang.Long", 2],
    ["java.lang.Integer", "long", 1],
    ["java.math.BigDecimal", "int", 1],
    ["java.lang.Long", "java.lang.String", undefined],
    ["java.lang.String", "java.lang.String", 2],
    ["java.lang.String", "java.util.Date", 1],
    ["java.lang.String", "com.acme.Status", 1],
    ["java.lang.String", "java.util.List", undefined],
    ["byte[]", "byte[]", 2],
    ["java.util.List<java.lang.String>", "java.util.List", 2],
    ["java.util.List<com.acme.Order>", "com.acme.Order[]", 1],
    ["java.util.List<com.acme.Order>", "java.util.Set<com.acme.Order>", 1],
    ["java.util.List<com.acme.Order>", "com.acme.Order", undefined],
    ["com.acme.Order", "com.acme.Order", 2],
    ["com.acme.Order", "com.acme.OrderRequest", 1],
    ["com.acme.Order", "java.util.Map", 1],
    ["com.acme.Order", "long", undefined],
    ["java.lang.Boolean", "boolean", 2],
    ["java.lang.Boolean", "int", undefined],
    ["java.lang.Object", "long", 1],
    ["com.acme.Order", "java.lang.Object", 1],
  ])("%s for %s: %s", (expected, type, score) => {
    expect(likeness([expected], [type])).toBe(score);
  });

  test("add up, and want as many", () => {
    expect(likeness(["long", "int"], ["java.lang.Long", "long"])).toBe(3);
    expect(likeness(["long"], ["long", "long"])).toBeUndefined();
    expect(likeness([], [])).toBe(0);
  });

  test("are not held up by a name without end", () => {
    expect(likeness(["long"], ["<".repeat(1_000_000)])).toBe(1);
  });
});

test.each([
  ["java.util.List<java.lang.Long>", "java.util.List"],
  ["java.util.Map<a.B,java.util.List<a.C>>[]", "java.util.Map[]"],
  ["long", "long"],
  ["<a", "<a"],
  [">a<", ">a<"],
])("%s without type arguments is %s", (type, plain) => {
  expect(withoutArguments(type)).toBe(plain);
});

describe("a published method", () => {
  const parameters = [
    { name: "id", in: "path" },
    { name: "dry", in: "query" },
    { name: "body", in: "body" },
  ] as const;
  const likely = { parameterTypes: ["long", "boolean", "com.acme.Order"], returnType: "void" };

  test("may have its body anywhere in Java, first of all where the document has it", () => {
    const forms = arrangements(restMethod("put", "PUT /o/{id}", parameters, { likely }), 9);
    expect(forms.map((form) => form.parameters.map(({ name }) => name))).toEqual([
      ["id", "dry", "body"],
      ["body", "id", "dry"],
      ["id", "body", "dry"],
    ]);
    expect(forms[1]!.likely!.parameterTypes).toEqual(["com.acme.Order", "long", "boolean"]);
  });

  test.each([
    ["of a rule", restMethod("put", "PUT /o/{id}", parameters)],
    ["without a body", restMethod("get", "GET /o/{id}", parameters.slice(0, 2), { likely })],
    ["with a body alone", restMethod("add", "POST /o", parameters.slice(2), { likely })],
  ])("%s has one order", (_, method) => {
    expect(arrangements(method, 9)).toEqual([method]);
  });

  test("may be called without the last of those that it can do without, the body aside", () => {
    const forms = arrangements(restMethod("put", "PUT /o/{id}", parameters, { likely: { ...likely, optional: 1 } }), 9);
    expect(forms.map((form) => form.parameters.map(({ name }) => name))).toEqual([
      ["id", "dry", "body"],
      ["body", "id", "dry"],
      ["id", "body", "dry"],
      ["id", "body"],
      ["body", "id"],
    ]);
    expect(forms[3]!.likely!.parameterTypes).toEqual(["long", "com.acme.Order"]);
  });

  test.each([0, 1, 2, 4, 5])("has no more forms than %d, but its own", (most) => {
    const method = restMethod("put", "PUT /o/{id}", parameters, { likely: { ...likely, optional: 1 } });
    expect(arrangements(method, most)).toEqual(arrangements(method, 9).slice(0, Math.max(1, most)));
  });
});
