import { describe, expect, test } from "vitest";
import { SchemaTypes } from "../../../../src/codecs/openapi/java-types.ts";
import { DocumentReader } from "../../../../src/codecs/openapi/node.ts";

const start = (schemas: Record<string, unknown> = {}, classes: Record<string, string> = {}, packageName = "com.acme") =>
  new SchemaTypes(new DocumentReader({ components: { schemas } }), { package: packageName, classes });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

describe("a schema's Java type", () => {
  test.each<[string, unknown, string]>([
    ["int32", { type: "integer", format: "int32" }, "java.lang.Integer"],
    ["int64", { type: "integer", format: "int64" }, "java.lang.Long"],
    ["a whole number", { type: "integer" }, "java.math.BigInteger"],
    ["float", { type: "number", format: "float" }, "java.lang.Float"],
    ["double", { type: "number", format: "double" }, "java.lang.Double"],
    ["a number", { type: "number" }, "java.math.BigDecimal"],
    ["a boolean", { type: "boolean" }, "java.lang.Boolean"],
    ["a text", { type: "string" }, "java.lang.String"],
    ["bytes", { type: "string", format: "byte" }, "byte[]"],
    ["a moment", { type: "string", format: "date-time" }, "java.util.Date"],
    ["a day", { type: "string", format: "date" }, "java.time.LocalDate"],
    ["a time", { type: "string", format: "time" }, "java.time.LocalTime"],
    ["a uuid", { type: "string", format: "uuid" }, "java.util.UUID"],
    ["3.1's null", { type: ["string", "null"] }, "java.lang.String"],
    ["several types", { type: ["string", "integer"] }, "java.lang.Object"],
    ["anyOf with null", { anyOf: [{ type: "boolean" }, { type: "null" }] }, "java.lang.Boolean"],
    ["oneOf two", { oneOf: [{ type: "boolean" }, { type: "string" }] }, "java.lang.Object"],
    ["an enum of its own", { type: "string", enum: ["A"] }, "java.lang.String"],
    ["a list", { type: "array", items: { type: "boolean" } }, "java.util.List<java.lang.Boolean>"],
    ["a set", { type: "array", uniqueItems: true, items: {} }, "java.util.Set<java.lang.Object>"],
    [
      "a map",
      { type: "object", additionalProperties: { type: "string" } },
      "java.util.Map<java.lang.String,java.lang.String>",
    ],
    ["an object", { type: "object" }, "java.util.Map<java.lang.String,java.lang.Object>"],
    [
      "one without a name",
      { type: "object", properties: { a: {} } },
      "java.util.Map<java.lang.String,java.lang.Object>",
    ],
    ["nothing", {}, "java.lang.Object"],
    ["no schema", 7, "java.lang.Object"],
    ["a class of Dubbo's", { type: "object", properties: {}, "x-java-class": "com.x.A" }, "com.x.A"],
    [
      "a map of Dubbo's",
      { type: "object", "x-java-class": "java.util.Map<java.lang.Long, java.lang.String>" },
      "java.util.Map<java.lang.Long,java.lang.String>",
    ],
    [
      "a list of no class",
      { type: "array", items: {}, "x-java-class": "java.util.List<" },
      "java.util.List<java.lang.Object>",
    ],
    ["a reference to nothing", ref("None"), "java.lang.Object"],
  ])("%s", (_, schema, type) => {
    expect(start().of(schema)).toBe(type);
  });

  test("of a list in a list without end is of anything at last", () => {
    let schema: unknown = { type: "string" };
    for (let i = 0; i < 100; i++) schema = { type: "array", items: schema };
    expect(start().of(schema).length).toBeLessThan(300);
  });
});

describe("a schema with a name", () => {
  const Order = {
    type: "object",
    properties: {
      id: { type: "integer", format: "int64" },
      lines: { type: "array", items: ref("Line") },
      state: { type: "string", enum: ["A", "B"] },
      next: ref("Order"),
    },
  };
  const Line = { type: "object", properties: { sku: { type: "string" } } };

  test("is a class of the interface's package, with all that it uses", () => {
    const types = start({ Order, Line });
    expect(types.of(ref("Order"))).toBe("com.acme.Order");
    expect(types.hasProperties("com.acme.Order")).toBe(true);
    expect(types.types()).toEqual({
      "com.acme.Order": {
        properties: {
          id: "java.lang.Long",
          lines: "java.util.List<com.acme.Line>",
          state: "java.lang.String",
          next: "com.acme.Order",
        },
      },
      "com.acme.Line": { properties: { sku: "java.lang.String" } },
    });
    expect(types.unnamed()).toEqual(["Order.state"]);
  });

  test("has the class that a rule says, and so has a property", () => {
    const types = start({ Order, Line }, { Line: "com.acme.OrderLine", "Order.state": "com.acme.OrderState" });
    types.of(ref("Order"));
    expect(types.types()["com.acme.Order"]!.properties).toMatchObject({
      lines: "java.util.List<com.acme.OrderLine>",
      state: "com.acme.OrderState",
    });
    expect(types.unnamed()).toEqual([]);
  });

  test("that has dots is a class's whole name; without a package the name is all", () => {
    expect(start({ "org.x.Order": Line }).of(ref("org.x.Order"))).toBe("org.x.Order");
    expect(start({ Line }, {}, "").of(ref("Line"))).toBe("Line");
    expect(start({ "no class": Line }).of(ref("no class"))).toBe("java.util.Map<java.lang.String,java.lang.Object>");
  });

  test("is an enum where it is one", () => {
    const types = start({ State: { type: "string", enum: ["A", 1, "B"] } });
    expect(types.of(ref("State"))).toBe("com.acme.State");
    expect(types.types()).toEqual({ "com.acme.State": { enums: ["A", "B"] } });
  });

  test("inherits by allOf", () => {
    const Big = {
      allOf: [ref("Line"), { type: "object", properties: { size: { type: "integer", format: "int32" } } }],
    };
    const types = start({ Line, Big });
    expect(types.of(ref("Big"))).toBe("com.acme.Big");
    expect(types.types()["com.acme.Big"]).toEqual({
      properties: { sku: "java.lang.String", size: "java.lang.Integer" },
    });
  });

  test("that inherits itself twice over is not followed without end", () => {
    const schemas = { A: { allOf: [ref("B"), ref("B"), {}] }, B: { allOf: [ref("A"), ref("A"), {}] } };
    const types = start(schemas);
    types.of(ref("A"));
    expect(() => types.types()).toThrow("document takes more than");
  });

  test("in a chain of ten thousand is read without running out of stack", () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`C${i}`, { type: "object", properties: { next: ref(`C${i + 1}`) } }]),
    );
    const types = start(schemas);
    types.of(ref("C0"));
    expect(Object.keys(types.types())).toHaveLength(4_096);
  });

  test("may have properties of any name", () => {
    const odd = JSON.parse(
      '{"type": "object", "properties": {"__proto__": {"type": "string"}, "constructor": {"type": "string"}}}',
    );
    const types = start({ Odd: odd });
    types.of(ref("Odd"));
    expect(Object.keys(types.types()["com.acme.Odd"]!.properties!)).toEqual(["constructor"]);
  });
});
