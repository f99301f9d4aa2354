import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseDefinition } from "../../../../src/registry-sync/sources/metadata-definition.ts";

const NAME = "peer.api.OrderService";

/** A provider's report as a real peer wrote it. */
function recorded(name: string): string {
  const file = new URL(`../../../../fixtures/registry/${name}.json`, import.meta.url);
  const nodes = JSON.parse(readFileSync(file, "utf8")) as readonly { readonly path: string; readonly data: string }[];
  return nodes.find(({ path }) => /peer.api.OrderService.*\/provider\/order-provider$/.test(path))!.data;
}

const methods = (definition: ReturnType<typeof parseDefinition>) =>
  definition.methods
    .map(({ name, parameterTypes, returnType }) => `${returnType} ${name}(${parameterTypes.join()})`)
    .sort();

test.each(["zk-3.2.18-all", "zk-3.3.6-all-tri", "zk-3.3.6-all-remote", "zk-2.7.23-service"])(
  "%s says the same as 2.7.23 does in its own form",
  (name) => {
    const old = parseDefinition(recorded("zk-2.7.23-interface"), NAME);
    const newer = parseDefinition(recorded(name), NAME);
    expect(methods(newer)).toEqual(methods(old));
    expect(newer.types).toEqual(old.types);
  },
);

test("2.7.23's report gives methods, classes with properties and constants of enums, its references resolved", () => {
  const definition = parseDefinition(recorded("zk-2.7.23-interface"), NAME);
  expect(definition.methods).toHaveLength(29);
  expect(methods(definition)).toContain("java.util.List<peer.api.Order> list(int)");
  expect(definition.types).toEqual({
    "peer.api.Item": { properties: { price: "java.math.BigDecimal", quantity: "int", sku: "java.lang.String" } },
    "peer.api.Node": {
      properties: { children: "java.util.List<peer.api.Node>", name: "java.lang.String", parent: "peer.api.Node" },
    },
    "peer.api.Order": {
      properties: {
        blob: "byte[]",
        created: "java.util.Date",
        extra: "java.util.Map<java.lang.String,java.lang.Object>",
        gift: "boolean",
        id: "long",
        items: "java.util.List<peer.api.Item>",
        labels: "java.util.Map<java.lang.String,java.lang.String>",
        note: "java.lang.String",
        revision: "java.lang.Integer",
        status: "peer.api.Status",
        total: "java.math.BigDecimal",
        weight: "double",
      },
    },
    "peer.api.Status": { enums: ["NEW", "PAID", "SHIPPED"] },
  });
});

// As org.apache.dubbo.metadata.definition.ServiceDefinitionBuilder of each line writes an interface with inner classes.
test.each([
  [
    "2.7.23",
    {
      methods: [
        {
          name: "get",
          parameterTypes: [
            "com.acme.Orders$Line",
            "com.acme.Orders.Kind",
            "java.util.List<com.acme.Orders$Line>",
            "java.util.Map<java.lang.String,com.acme.Orders$Line$Tax>",
            "com.acme.Orders.Line[]",
          ],
          returnType: "com.acme.Orders$Line",
        },
      ],
      types: [
        {
          type: "com.acme.Orders$Line",
          properties: { tax: { type: "com.acme.Orders$Line$Tax", properties: { rate: { type: "int" } } } },
        },
        { type: "com.acme.Orders.Kind", enums: ["A", "B"] },
      ],
    },
  ],
  [
    "3.2.18 and 3.3.6",
    {
      methods: [
        {
          name: "get",
          parameterTypes: [
            "com.acme.Orders.Line",
            "com.acme.Orders.Kind",
            "java.util.List<com.acme.Orders.Line>",
            "java.util.Map<java.lang.String,com.acme.Orders.Line.Tax>",
            "com.acme.Orders.Line[]",
          ],
          returnType: "com.acme.Orders.Line",
        },
      ],
      types: [
        { type: "com.acme.Orders.Line.Tax", properties: { rate: "int" } },
        { type: "com.acme.Orders.Line", properties: { tax: "com.acme.Orders.Line.Tax" } },
        { type: "com.acme.Orders.Kind", enums: ["A", "B"] },
      ],
    },
  ],
])("inner classes are named as on the wire: %s", (_, given) => {
  expect(parseDefinition(JSON.stringify(given), "com.acme.Orders")).toEqual({
    methods: [
      {
        name: "get",
        parameterTypes: [
          "com.acme.Orders$Line",
          "com.acme.Orders$Kind",
          "java.util.List<com.acme.Orders$Line>",
          "java.util.Map<java.lang.String,com.acme.Orders$Line$Tax>",
          "com.acme.Orders$Line[]",
        ],
        returnType: "com.acme.Orders$Line",
      },
    ],
    types: {
      "com.acme.Orders$Kind": { enums: ["A", "B"] },
      "com.acme.Orders$Line": { properties: { tax: "com.acme.Orders$Line$Tax" } },
      "com.acme.Orders$Line$Tax": { properties: { rate: "int" } },
    },
  });
});

test.each([
  ["com.ACME.Orders", "com.ACME.Line", "com.ACME.Line"],
  ["com.ACME.Orders", "com.ACME.Line.Tax", "com.ACME.Line$Tax"],
  ["com.acme.Api$Orders", "com.acme.Api.Line", "com.acme.Api$Line"],
  ["a.B", "java.util.Map.Entry<a.B.C,int[]>", "java.util.Map$Entry<a.B$C,int[]>"],
  ["a.B", "x.lower.names", "x.lower.names"],
])("in the report of %s %s is %s", (interfaceName, type, expected) => {
  const given = { methods: [{ name: "a", parameterTypes: [], returnType: type }] };
  expect(parseDefinition(JSON.stringify(given), interfaceName).methods[0]?.returnType).toBe(expected);
});

const method = { name: "a", parameterTypes: ["int", "a.B"], returnType: "void" };
const withTypes = (types: unknown) => ({ methods: [], types });

test.each([
  ["names of parameters in a list", { methods: [{ ...method, parameterNames: ["x", "y"] }] }, ["x", "y"]],
  [
    "names of parameters in definitions",
    { methods: [{ ...method, parameters: [{ name: "x" }, { name: "y" }] }] },
    ["x", "y"],
  ],
  ["too few names", { methods: [{ ...method, parameterNames: ["x"] }] }, undefined],
  ["a name twice", { methods: [{ ...method, parameterNames: ["x", "x"] }] }, undefined],
  ["what is no name", { methods: [{ ...method, parameterNames: ["x", "y z"] }] }, undefined],
  [
    "types where names may stand",
    { methods: [{ ...method, parameters: [{ type: "int" }, { type: "a.B" }] }] },
    undefined,
  ],
])("%s", (_, given, expected) => {
  const [first] = parseDefinition(JSON.stringify(given), NAME).methods;
  expect(first?.parameterNames).toEqual(expected);
  expect(first?.parameterTypes).toEqual(["int", "a.B"]);
});

test.each([
  ["a map of definitions", withTypes({ "a.B": { properties: { x: "int" } } }), { "a.B": { properties: { x: "int" } } }],
  [
    "definitions within definitions",
    withTypes([{ type: "a.B", properties: { c: { type: "a.C", properties: { x: { type: "int" } } } } }]),
    { "a.B": { properties: { c: "a.C" } }, "a.C": { properties: { x: "int" } } },
  ],
  [
    "wildcards and spaces",
    withTypes([{ type: "a.B", properties: { m: "java.util.Map<java.lang.String, ? extends a.C>" } }]),
    { "a.B": { properties: { m: "java.util.Map<java.lang.String,a.C>" } } },
  ],
  [
    "type variables, in place of types and of arguments",
    withTypes([{ type: "a.B", properties: { v: "V", t: "T", k: "java.util.List<T>", i: "int", a: "[I" } }]),
    {
      "a.B": {
        properties: { v: "java.lang.Object", t: "java.lang.Object", k: "java.util.List<T>", i: "int", a: "int[]" },
      },
    },
  ],
  [
    "a type that is no name",
    withTypes([{ type: "a.B", properties: { x: "<>" } }]),
    { "a.B": { properties: { x: "java.lang.Object" } } },
  ],
  [
    "a reference to nowhere, to a reference, and in a circle",
    withTypes([
      {
        type: "a.B",
        properties: { x: { $ref: "$.types[7]" }, y: { $ref: "$.types[0].properties.x" }, z: { $ref: ".." } },
      },
    ]),
    { "a.B": { properties: { x: "java.lang.Object", y: "java.lang.Object", z: "java.lang.Object" } } },
  ],
  ["a reference to itself", withTypes([{ $ref: "$.types[0]" }]), {}],
  ["what is no definition", withTypes([1, null, [], "x", { type: 5 }, { properties: [] }]), {}],
  [
    "classes of Java, arrays and generic types",
    withTypes([
      { type: "java.time.LocalTime", properties: { hour: "byte" } },
      { type: "a.B[]", properties: { x: "int" } },
      { type: "a.B<a.C>", properties: { x: "int" } },
    ]),
    {},
  ],
  [
    "properties that are no names",
    withTypes([{ type: "a.B", properties: { "x y": "int", z: "int" } }]),
    { "a.B": { properties: { z: "int" } } },
  ],
])("types: %s", (_, given, types) => {
  expect(parseDefinition(JSON.stringify(given), NAME).types).toEqual(types);
});

test("a property that is named as JavaScript names prototypes is an ordinary one", () => {
  const text = '{"methods":[],"types":[{"type":"a.B","properties":{"__proto__":"int","constructor":"long"}}]}';
  const { types } = parseDefinition(text, NAME);
  expect(JSON.stringify(types)).toBe('{"a.B":{"properties":{"__proto__":"int","constructor":"long"}}}');
  expect(({} as Record<string, unknown>)["int"]).toBeUndefined();
});

test("methods without a name, or with more parameters than Java has, are left out", () => {
  const many = { name: "b", parameterTypes: Array.from({ length: 256 }, () => "int"), returnType: "void" };
  const given = { methods: [{}, null, "x", { name: "" }, { name: "a b" }, many, { name: "c" }] };
  expect(parseDefinition(JSON.stringify(given), NAME).methods).toEqual([
    { name: "c", parameterTypes: [], returnType: "java.lang.Object" },
  ]);
});

const nested = (depth: number): unknown =>
  depth === 0 ? { type: "a.X" } : { type: `a.T${depth}`, properties: { x: nested(depth - 1) } };
const several = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ type: `a.T${i}`, properties: { x: "int" } }));
const properties = Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`p${i}`, "int"]));

test.each([
  ["no JSON", "{", "it is no JSON"],
  ["JSON without an end", "[".repeat(200_000), "it is no JSON"],
  ["another value", "[]", "it has no list of methods"],
  ["no methods", '{"methods":{}}', "it has no list of methods"],
  ["a long text", " ".repeat(524_289), "it has 524289 bytes, over the limit of 524288"],
  ["many methods", JSON.stringify({ methods: Array(2_001).fill(0) }), "it has over 2000 methods"],
  ["deep types", JSON.stringify(withTypes([nested(65)])), "its types are nested deeper than 64"],
  ["many types", JSON.stringify(withTypes(several(5_001))), "it has over 5000 types"],
  ["a wide type", JSON.stringify(withTypes([{ type: "a.B", properties }])), "a.B has over 2000 properties"],
])("%s is refused", (_, text, message) => {
  expect(() => parseDefinition(text, NAME)).toThrow(message);
});

test("every beginning of a real report is refused as no JSON, never otherwise", () => {
  const text = recorded("zk-2.7.23-interface");
  for (let length = 0; length < text.length; length += 37)
    expect(() => parseDefinition(text.slice(0, length), NAME)).toThrow("it is no JSON");
});
