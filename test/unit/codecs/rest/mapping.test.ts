import { describe, expect, test } from "vitest";
import { restServiceOf, sourceNames } from "../../../../src/codecs/rest/mapping.ts";
import type { JavaDefinition } from "../../../../src/model/schema.ts";
import { restMethod, restSchema } from "../../../support/rest-schema.ts";

const id = { name: "id", in: "path" } as const;
const java: JavaDefinition = {
  methods: [
    { name: "get", parameterTypes: ["long"], returnType: "com.acme.Order" },
    { name: "list", parameterTypes: ["java.util.List<java.lang.Long>"], returnType: "java.util.List<com.acme.Order>" },
    { name: "find", parameterTypes: ["long"], returnType: "com.acme.Order" },
    { name: "find", parameterTypes: ["java.lang.String"], returnType: "java.lang.String" },
  ],
  types: { "com.acme.Order": { properties: { id: "long" } }, "com.acme.State": { enums: ["NEW"] } },
};

describe("a REST mapping", () => {
  test("is made once for a schema, and not at all without one", () => {
    const schema = restSchema([]);
    expect(restServiceOf(schema)).toBe(restServiceOf(schema));
    expect(restServiceOf({ name: "com.acme.Orders" })).toBeUndefined();
    expect(restServiceOf(undefined)).toBeUndefined();
  });

  test("takes types from the metadata where it says none", () => {
    const service = restServiceOf(restSchema([restMethod("get", "GET /o/{id}", [id])], {}, java));
    expect(service?.find("get", 1, ["long"])).toMatchObject({
      parameterTypes: ["long"],
      returnType: { name: "com.acme.Order" },
    });
  });

  test("is Java's methods with the mapping's names of parameters, of Object where nobody says a type", () => {
    const methods = [
      restMethod("get", "GET /o/{id}", [id]),
      restMethod(
        "add",
        "POST /o",
        [
          { name: "order", in: "body" },
          { name: "by", in: "header" },
        ],
        { returnType: "int" },
      ),
    ];
    expect(restServiceOf(restSchema(methods, {}, java))!.java.methods).toEqual([
      { name: "get", parameterTypes: ["long"], returnType: "com.acme.Order", parameterNames: ["id"] },
      {
        name: "add",
        parameterTypes: ["java.lang.Object", "java.lang.Object"],
        returnType: "int",
        parameterNames: ["order", "by"],
      },
    ]);
  });

  test("is not held up by a type's name without end", () => {
    const methods = [restMethod("get", "GET /o/{id}", [id], { parameterTypes: ["long"] })];
    expect(restServiceOf(restSchema(methods))!.find("get", 1, ["<".repeat(1_000_000)])).toBeUndefined();
  });

  test("says its own types over the metadata's", () => {
    const methods = [restMethod("get", "GET /o/{id}", [id], { returnType: "long" })];
    const types = { "com.acme.Order": { properties: { id: "int" } } };
    const service = restServiceOf(restSchema(methods, { types }, java));
    expect(service?.find("get", 1, ["long"])?.returnType?.name).toBe("long");
    expect(service?.fieldsOf("com.acme.Order")).toEqual(new Map([["id", "int"]]));
    expect(service?.isEnum("com.acme.State")).toBe(true);
    expect(service?.isEnum("com.acme.Order")).toBe(false);
    expect(service?.fieldsOf("constructor")).toBeUndefined();
    expect(service?.isEnum("constructor")).toBe(false);
  });

  test("takes what comes later for what is awaited", () => {
    const returnType = "java.util.concurrent.CompletableFuture<com.acme.Order>";
    const service = restServiceOf(restSchema([restMethod("get", "GET /o/{id}", [id], { returnType })]));
    expect(service?.find("get", 1, undefined)?.returnType?.name).toBe("com.acme.Order");
  });

  const overloads = restServiceOf(
    restSchema(
      [
        restMethod("find", "GET /ids/{id}", [id], { parameterTypes: ["long"] }),
        restMethod("find", "GET /notes/{id}", [id], { parameterTypes: ["java.lang.String"] }),
        restMethod("list", "GET /o", [{ name: "id", in: "query" }], {
          parameterTypes: ["java.util.List<java.lang.Long>"],
        }),
        restMethod("any", "GET /any", [{ name: "id", in: "query" }]),
      ],
      {},
      java,
    ),
  );

  test.each([
    ["by its type", "find", ["long"], "/ids/{id}"],
    ["by its other type", "find", ["java.lang.String"], "/notes/{id}"],
    ["not where the type is another", "find", ["int"], undefined],
    ["not where the types are not said", "find", undefined, undefined],
    ["by its raw type", "list", ["java.util.List"], "/o"],
    ["of any types where it says none", "any", ["int"], "/any"],
    ["not with another number of arguments", "any", ["int", "int"], undefined],
    ["not by another name", "toString", ["int"], undefined],
  ])("finds a method %s", (_, name, types, path) => {
    expect(overloads?.find(name, types?.length ?? 1, types)?.method.path).toBe(path);
  });

  test("names a descriptor's types as source does", () => {
    expect(sourceNames("Ljava/lang/String;I[J[[Lcom/acme/Order;")).toEqual([
      "java.lang.String",
      "int",
      "long[]",
      "com.acme.Order[][]",
    ]);
    expect(() => sourceNames("Q")).toThrow("no java type");
  });
});
