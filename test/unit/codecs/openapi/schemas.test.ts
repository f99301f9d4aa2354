import { expect, test } from "vitest";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { parseJavaType } from "../../../../src/codecs/java-types.ts";
import { ClassSchemas, type JsonSchema } from "../../../../src/codecs/openapi/schemas.ts";

const java = compileJava({
  methods: [],
  types: {
    "com.acme.Order": {
      properties: {
        id: "long",
        level: "com.acme.Level",
        lines: "java.util.List<com.acme.Line>",
        parent: "com.acme.Order",
      },
    },
    "com.acme.Line": { properties: { count: "int", price: "java.math.BigDecimal", __proto__x: "java.lang.String" } },
    "com.acme.Level": { enums: ["GOLD", "TIN"] },
    "com.acme.Page": { properties: { items: "java.util.List<T>", next: "T" } },
  },
});
const of = (text: string) => new ClassSchemas().of(parseJavaType(text), java);

test.each<[string, JsonSchema]>([
  ["boolean", { type: "boolean" }],
  ["java.lang.Short", { type: "integer", format: "int32" }],
  ["long", { type: ["integer", "string"], format: "int64" }],
  ["java.math.BigInteger", { type: ["integer", "string"] }],
  ["float", { type: "number", format: "float" }],
  ["java.lang.Double", { type: "number", format: "double" }],
  ["char", { type: "string", minLength: 1, maxLength: 1 }],
  ["java.lang.String", { type: "string" }],
  ["java.math.BigDecimal", { type: ["string", "number"], format: "decimal" }],
  ["java.util.Date", { type: "string", format: "date-time" }],
  ["java.time.LocalDate", { type: "string", format: "date", description: "java.time.LocalDate" }],
  ["java.time.LocalDateTime", { type: "string", description: "java.time.LocalDateTime" }],
  ["java.util.UUID", { type: "string", format: "uuid", description: "java.util.UUID" }],
  ["byte[]", { type: "string", contentEncoding: "base64" }],
  ["int[]", { type: "array", items: { type: "integer", format: "int32" } }],
  ["java.util.Set<java.lang.String>", { type: "array", items: { type: "string" } }],
  ["java.util.List", { type: "array", items: {} }],
  [
    "java.util.Map<java.lang.String,int>",
    { type: "object", additionalProperties: { type: "integer", format: "int32" } },
  ],
  ["java.util.Map", { type: "object", additionalProperties: {} }],
  ["java.lang.Object", {}],
  ["T", {}],
  ["void", { type: "null" }],
  ["com.acme.Unknown", { type: "object", description: "com.acme.Unknown" }],
  ["com.acme.Level", { $ref: "#/components/schemas/com.acme.Level" }],
])("%s is described", (type, schema) => {
  expect(of(type)).toEqual(schema);
});

test("a map whose keys are no text is a list of pairs, and an object where it is empty", () => {
  expect(of("java.util.Map<java.lang.Long,boolean>")).toMatchObject({
    anyOf: [{ type: "array", items: { prefixItems: [{ format: "int64" }, { type: "boolean" }] } }, { type: "object" }],
  });
});

test("classes refer to each other and to themselves; what is no primitive may be null", () => {
  const classes = new ClassSchemas();
  classes.of(parseJavaType("com.acme.Order"), java);
  const line = { type: "object", description: "com.acme.Line" };
  expect(classes.components()).toEqual({
    "com.acme.Level": { type: "string", enum: ["GOLD", "TIN"] },
    "com.acme.Line": {
      ...line,
      properties: {
        count: { type: "integer", format: "int32" },
        price: { anyOf: [{ type: ["string", "number"], format: "decimal" }, { type: "null" }] },
        __proto__x: { type: ["string", "null"] },
      },
    },
    "com.acme.Order": {
      type: "object",
      description: "com.acme.Order",
      properties: {
        id: { type: ["integer", "string"], format: "int64" },
        level: { anyOf: [{ $ref: "#/components/schemas/com.acme.Level" }, { type: "null" }] },
        lines: { type: ["array", "null"], items: { $ref: "#/components/schemas/com.acme.Line" } },
        parent: { anyOf: [{ $ref: "#/components/schemas/com.acme.Order" }, { type: "null" }] },
      },
    },
  });
});

test("a class with type arguments is described for each of them", () => {
  const classes = new ClassSchemas();
  for (const text of ["com.acme.Page<com.acme.Line>", "com.acme.Page<int[]>", "com.acme.Page<com.acme.Line>"])
    classes.of(parseJavaType(text), java);
  expect(Object.keys(classes.components())).toEqual(["com.acme.Page_com.acme.Line_", "com.acme.Page_intArray_"]);
  expect(classes.components()["com.acme.Page_intArray_"]).toMatchObject({ properties: { next: {} } });
});

test("one name that two services describe differently is two schemas", () => {
  const classes = new ClassSchemas();
  const other = compileJava({ methods: [], types: { "com.acme.Line": { properties: { sum: "int" } } } });
  const type = parseJavaType("com.acme.Line");
  expect([classes.of(type, java), classes.of(type, other), classes.of(type, java)].map(({ $ref }) => $ref)).toEqual([
    "#/components/schemas/com.acme.Line",
    "#/components/schemas/com.acme.Line-2",
    "#/components/schemas/com.acme.Line",
  ]);
});

test("lists inside lists end", () => {
  const text = `${"java.util.List<".repeat(40)}int${">".repeat(40)}`;
  expect(JSON.stringify(of(text)).length).toBeLessThan(1_000);
});
