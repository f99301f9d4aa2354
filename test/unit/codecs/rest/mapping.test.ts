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

  test("tries no more forms of published methods than a service can have", () => {
    const parameters = [
      ...Array.from({ length: 31 }, (_, i) => ({ name: `q${i}`, in: "query" }) as const),
      { name: "body", in: "body" } as const,
    ];
    const likely = { parameterTypes: [...Array(31).fill("int"), "com.acme.Order"], returnType: "void", optional: 31 };
    const published = Array.from({ length: 2_000 }, (_, i) =>
      restMethod(`m${i}`, `POST /m${i}`, parameters, { likely }),
    );
    const service = restServiceOf({ ...restSchema([]), published: { methods: published, types: {} } })!;
    const types = [...Array(30).fill("int"), "com.acme.Order"];
    expect(service.find("m0", 31, types)?.method.parameters).toHaveLength(31);
    expect(service.find("m1999", 31, types)).toBeUndefined();
    expect(service.find("m1999", 32, ["int", ...types])?.method.path).toBe("/m1999");
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

describe("what a service publishes", () => {
  const likely = (returnType: string, ...parameterTypes: string[]) => ({ likely: { parameterTypes, returnType } });
  const body = { name: "body", in: "body" } as const;
  const published = {
    methods: [
      restMethod("find", "GET /ids/{id}", [id], likely("com.acme.Order", "java.lang.Long")),
      restMethod("find", "GET /notes/{id}", [id], likely("com.acme.Order", "java.lang.String")),
      restMethod("put", "PUT /o/{id}", [id, body], likely("void", "java.lang.Long", "com.acme.Order")),
      restMethod("own", "GET /theirs", []),
    ],
    types: { "com.acme.Order": { properties: { id: "java.lang.Integer" } }, "com.acme.Line": { properties: {} } },
  };
  const mine = restSchema([restMethod("own", "GET /mine", [])]);
  const service = restServiceOf({ ...mine, published })!;

  test.each<[string, string, string[] | undefined, string | undefined, string[]]>([
    ["an overload, though Java's is no box", "find", ["long"], "/ids/{id}", ["id"]],
    ["the other overload", "find", ["java.lang.String"], "/notes/{id}", ["id"]],
    ["a type of another name", "put", ["long", "org.x.Other"], "/o/{id}", ["id", "body"]],
    ["the body first", "put", ["com.acme.Order", "long"], "/o/{id}", ["body", "id"]],
    ["the body first, of a class that Java writes as an array", "put", ["[Lcom.acme.X;", "long"], undefined, []],
    ["neither of two where no type is said", "find", undefined, undefined, []],
    ["the document's order where no type is said", "put", undefined, "/o/{id}", ["id", "body"]],
    ["a type that cannot be", "find", ["java.util.List"], undefined, []],
    ["the rule's own before what is published", "own", [], "/mine", []],
  ])("is found by %s", (_, name, types, path, names) => {
    const found = service.find(name, types?.length ?? (name === "put" ? 2 : 1), types);
    expect([found?.method.path, found?.method.parameters.map((one) => one.name) ?? []]).toEqual([path, names]);
  });

  test("says what a call answers, and what its classes are", () => {
    expect(service.find("find", 1, ["long"])?.returnType?.name).toBe("com.acme.Order");
    expect(service.fieldsOf("com.acme.Order")).toEqual(new Map([["id", "java.lang.Integer"]]));
  });

  test("is known less well than by the metadata, which has the order too", () => {
    const known: JavaDefinition = {
      methods: [
        ...java.methods,
        { name: "put", parameterTypes: ["com.acme.Request", "long"], returnType: "java.lang.String" },
      ],
      types: java.types,
    };
    const better = restServiceOf({ ...mine, published, java: known })!;
    const put = better.find("put", 2, undefined);
    expect(put?.method.parameters.map(({ name }) => name)).toEqual(["body", "id"]);
    expect([put?.parameterTypes, put?.returnType?.name]).toEqual([["com.acme.Request", "long"], "java.lang.String"]);
    expect(better.find("find", 1, ["java.lang.String"])?.returnType?.name).toBe("java.lang.String");
    expect(better.fieldsOf("com.acme.Order")).toEqual(new Map([["id", "long"]]));
    expect(better.fieldsOf("com.acme.Line")).toEqual(new Map());
  });

  test("is Java's methods for callers that name no types", () => {
    expect(service.java.methods.find(({ name }) => name === "put")).toEqual({
      ...{ name: "put", parameterTypes: ["java.lang.Long", "com.acme.Order"], returnType: "void" },
      parameterNames: ["id", "body"],
    });
  });

  test("is called without what it can do without, unless another method takes just that", () => {
    const [customer, limit] = [{ name: "customer", in: "query" } as const, { name: "limit", in: "query" } as const];
    const query = { parameterTypes: ["java.lang.String", "java.lang.Integer"], returnType: "void", optional: 2 };
    const methods = [
      restMethod("list", "GET /some", [customer, limit], { likely: query }),
      restMethod("list", "GET /all", [], likely("void")),
      restMethod("one", "GET /one", [customer, limit], { likely: query }),
    ];
    const shorter = restServiceOf({ ...mine, published: { methods, types: {} } })!;
    expect(shorter.find("list", 2, ["java.lang.String", "int"])?.method.path).toBe("/some");
    expect(shorter.find("list", 1, ["java.lang.String"])?.method.parameters).toEqual([customer]);
    expect(shorter.find("list", 0, [])?.method.path).toBe("/all");
    expect(shorter.find("list", 0, undefined)?.method.path).toBe("/all");
    expect(shorter.find("one", 0, [])?.method.parameters).toEqual([]);
    expect(shorter.find("one", 1, ["int"])).toBeUndefined();
    expect(shorter.java.methods.map(({ parameterTypes }) => parameterTypes.length)).toEqual([0, 2, 0, 2]);
    const known: JavaDefinition = {
      methods: [
        { name: "one", parameterTypes: ["java.lang.String"], returnType: "int" },
        { name: "one", parameterTypes: [], returnType: "long" },
      ],
      types: {},
    };
    const told = restServiceOf({ ...mine, published: { methods, types: {} }, java: known })!;
    expect(told.find("one", 0, [])?.returnType?.name).toBe("long");
    expect(told.find("one", 1, undefined)?.returnType?.name).toBe("int");
    expect(told.find("one", 2, undefined)).toBeUndefined();
  });
});
