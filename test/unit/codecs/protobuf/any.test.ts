import { create, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, test } from "vitest";
import { bigDecimalValue } from "../../../../src/codecs/hessian2/java.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { classInAny, messageOfUrl, packedIn, urlOf } from "../../../../src/codecs/protobuf/any.ts";
import { javaToMessage } from "../../../../src/codecs/protobuf/from-java.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import { JavaBuilder, type ToJavaOptions } from "../../../../src/codecs/protobuf/to-java.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { JavaDefinition } from "../../../../src/model/schema.ts";
import { protobufOf } from "../../../support/proto-fixtures.ts";

const service = grpcServiceOf({
  name: "shop.Boxes",
  protobuf: protobufOf(`syntax = "proto3"; package shop;
    import "google/protobuf/any.proto";
    import "google/protobuf/empty.proto";
    option java_package = "com.shop";
    service Boxes { rpc Put(Box) returns (Box); rpc Many(Several) returns (google.protobuf.Empty); }
    message Box { google.protobuf.Any held = 1; }
    message Several { int32 id = 1; repeated google.protobuf.Any held = 2; map<string, google.protobuf.Any> by_name = 3; }
    message Cat { string name = 1; int32 lives = 2; }
    message Dog { string name = 1; Cat enemy = 2; message Tag { string text = 1; } }`),
})!;

function type(name: string): DescMessage {
  return service.types.getMessage(`shop.${name}`)!;
}

const objects: ToJavaOptions = { java: undefined, beans: "objects", defaults: true };
const maps: ToJavaOptions = { java: undefined, beans: "maps", defaults: true };
const url = (name: string) => `type.googleapis.com/${name}`;

/** A message from its JSON as a value. */
function read(name: string, json: JsonValue, options: ToJavaOptions): Value {
  const desc = type(name);
  const message = fromBinary(desc, toBinary(desc, fromJson(desc, json, { registry: service.types })));
  return new JavaBuilder(options).message(reflect(desc, message));
}

/** A value as a message, over the wire, in JSON. */
function written(name: string, value: Value): JsonValue {
  const desc = type(name);
  return toJson(desc, fromBinary(desc, toBinary(desc, javaToMessage(desc, value))), { registry: service.types });
}

const cat = objectValue("com.shop.Cat", [
  ["name", "Tom"],
  ["lives", 9],
]);
const catMap = mapValue([
  ["name", "Tom"],
  ["lives", 9],
  ["class", "com.shop.Cat"],
]);
const catJson = { "@type": url("shop.Cat"), name: "Tom", lives: 9 };

describe("an Any of a message of the schema", () => {
  test("is an object of its class, or a map that names it", () => {
    expect(read("Box", { held: catJson }, objects)).toEqual(objectValue("com.shop.Box", [["held", cat]]));
    expect(read("Box", { held: catJson }, maps)).toEqual(mapValue([["held", catMap]]));
  });

  test("has a class that the schema names, not its sender", () => {
    const desc = type("Box");
    const message = fromBinary(desc, toBinary(desc, fromJson(desc, { held: catJson }, { registry: service.types })));
    const builder = new JavaBuilder(maps);
    const box = builder.message(reflect(desc, message));
    expect([...builder.named]).toEqual([catMap]);
    expect(builder.named.has(box)).toBe(false);
  });

  test("has its type too, in answers to those who speak JSON", () => {
    const held = mapValue([["@type", url("shop.Cat")], ...catMap.entries]);
    expect(read("Box", { held: catJson }, { ...maps, typeUrls: true })).toEqual(mapValue([["held", held]]));
  });

  test.each<[string, Value]>([
    ["an object of its class", cat],
    [
      "an object of a class of its name",
      objectValue("other.Cat", [
        ["name", "Tom"],
        ["lives", 9],
      ]),
    ],
    ["a map that names its class", catMap],
    [
      "a map that names its type",
      mapValue([
        ["@type", url("shop.Cat")],
        ["lives", 9],
        ["name", "Tom"],
      ]),
    ],
    ["a map that names its type and class", mapValue([["@type", "/shop.Cat"], ...catMap.entries])],
  ])("comes from %s", (_, value) => {
    expect(written("Box", mapValue([["held", value]]))).toEqual({ held: catJson });
    expect(written("Box", value)).toEqual({ held: catJson });
  });

  test("may be of a message inside another, and hold an Any", () => {
    const tag = objectValue("com.shop.Dog$Tag", [["text", "rex"]]);
    expect(written("Box", objectValue("com.shop.Box", [["held", tag]]))).toEqual({
      held: { "@type": url("shop.Dog.Tag"), text: "rex" },
    });
    const nested = { held: { "@type": url("shop.Box"), held: catJson } };
    const value = read("Box", nested, objects);
    expect(value).toEqual(objectValue("com.shop.Box", [["held", objectValue("com.shop.Box", [["held", cat]])]]));
    expect(written("Box", value)).toEqual(nested);
  });

  test("stands in lists and maps", () => {
    const json = { id: 1, held: [catJson, catJson], byName: { a: catJson } };
    const value = read("Several", json, objects);
    expect(value).toMatchObject({ values: [1, listValue([cat, cat]), mapValue([["a", cat]])] });
    expect(written("Several", value)).toEqual(json);
  });
});

test.each<[string, Value, JsonValue]>([
  ["a text", "x", { "@type": url("google.protobuf.StringValue"), value: "x" }],
  ["an int", 5, { "@type": url("google.protobuf.Int32Value"), value: 5 }],
  ["a long", 5n, { "@type": url("google.protobuf.Int64Value"), value: "5" }],
  ["a double", doubleValue(1.5), { "@type": url("google.protobuf.DoubleValue"), value: 1.5 }],
  ["a boolean", true, { "@type": url("google.protobuf.BoolValue"), value: true }],
  ["bytes", new Uint8Array([0, 255]), { "@type": url("google.protobuf.BytesValue"), value: "AP8=" }],
  ["a date", dateValue(500), { "@type": url("google.protobuf.Timestamp"), value: "1970-01-01T00:00:00.500Z" }],
])("%s is a message of protobuf's own", (_, value, packed) => {
  const desc = type("Box");
  const any = javaToMessage(desc, mapValue([["held", value]])) as unknown as {
    held: { typeUrl: string; value: Uint8Array };
  };
  expect(any.held.typeUrl).toBe((packed as { "@type": string })["@type"]);
  const message = messageOfUrl(desc.fields[0]!.message!, any.held.typeUrl)!;
  expect(toJson(message, fromBinary(message, any.held.value))).toEqual((packed as { value: JsonValue }).value);
  const again = fromBinary(desc, toBinary(desc, javaToMessage(desc, mapValue([["held", value]]))));
  const held = value instanceof Uint8Array ? Buffer.from(value) : value;
  expect(new JavaBuilder(maps).message(reflect(desc, again))).toEqual(mapValue([["held", held]]));
});

test("a map with @type says the value of protobuf's own messages by its key value", () => {
  const timed = mapValue([
    ["@type", url("google.protobuf.Timestamp")],
    ["value", "1970-01-01T00:00:00.500Z"],
  ]);
  const desc = type("Box");
  const message = fromBinary(desc, toBinary(desc, javaToMessage(desc, mapValue([["held", timed]]))));
  expect(new JavaBuilder(maps).message(reflect(desc, message))).toEqual(mapValue([["held", dateValue(500)]]));
});

test("an Any that is empty is null", () => {
  expect(read("Box", {}, maps)).toEqual(mapValue([]));
  const desc = type("Box");
  const message = create(desc, { held: { typeUrl: "", value: new Uint8Array() } } as never);
  expect(new JavaBuilder(maps).message(reflect(desc, message))).toEqual(mapValue([["held", null]]));
});

describe("is refused:", () => {
  test.each<[string, Value, string]>([
    [
      "an object of no message's class",
      objectValue("a.Bird", [["name", "x"]]),
      "field held: a.Bird does not fit a google.protobuf.Any",
    ],
    ["a map that says nothing", mapValue([["name", "x"]]), "field held: a map does not fit a google.protobuf.Any"],
    [
      "a type that is not known",
      mapValue([["@type", url("a.B")]]),
      "no message of the schema is of its class or @type",
    ],
    ["a list", listValue([]), "field held: a list does not fit a google.protobuf.Any"],
    [
      "content that does not fit",
      mapValue([
        ["@type", url("shop.Cat")],
        ["lives", "many"],
      ]),
      'field held.lives: the string "many" does not fit int32',
    ],
    ["a BigDecimal's text is one", bigDecimalValue("x"), ""],
  ])("%s", (_, value, text) => {
    const write = () => written("Box", mapValue([["held", value]]));
    if (text === "") expect(() => javaToMessage(type("Box"), mapValue([["held", value]]))).not.toThrow();
    else expect(write).toThrow(text);
  });

  function packed(typeUrl: string, value: Uint8Array): Value {
    const desc = type("Box");
    return new JavaBuilder(maps).message(reflect(desc, create(desc, { held: { typeUrl, value } } as never)));
  }

  test.each<[string, string, string, string]>([
    [
      "a message of another schema",
      url("a.B"),
      "",
      'field held: an Any of "type.googleapis.com/a.B", which the schema does not have,',
    ],
    ["a type's name without end", "x".repeat(2000), "", 'field held: an Any of "xxx'],
    ["bytes that are no such message", url("shop.Cat"), "0a05", "no shop.Cat:"],
  ])("%s", (_, typeUrl, hex, text) => {
    expect(() => packed(typeUrl, Buffer.from(hex, "hex"))).toThrow(text);
  });

  test("an Any in more than eight others, either way", () => {
    const desc = type("Box");
    const nest = (depth: number) => {
      let bytes: Uint8Array = new Uint8Array();
      for (let i = 0; i < depth; i++) {
        bytes = toBinary(desc, create(desc, { held: { typeUrl: url("shop.Box"), value: bytes } } as never));
      }
      return fromBinary(desc, bytes);
    };
    expect(() => new JavaBuilder(maps).message(reflect(desc, nest(8)))).not.toThrow();
    expect(() => new JavaBuilder(maps).message(reflect(desc, nest(9)))).toThrow("an Any inside 8 others");
    let value: Value = cat;
    for (let i = 0; i < 8; i++) value = objectValue("com.shop.Box", [["held", value]]);
    expect(() => javaToMessage(desc, value)).not.toThrow();
    expect(() => javaToMessage(desc, objectValue("com.shop.Box", [["held", value]]))).toThrow("an Any inside 8 others");
  });

  test("a value inside itself", () => {
    const box = objectValue("com.shop.Box", [["held", null]]);
    box.values[0] = box;
    expect(() => javaToMessage(type("Box"), box)).toThrow("an Any inside 8 others");
  });
});

test("a declared class is the message's where it has all its fields", () => {
  const definition: JavaDefinition = {
    methods: [],
    types: {
      "a.Animal": { properties: { name: "java.lang.String" } },
      "a.Feline": { properties: { name: "java.lang.String", lives: "int" } },
    },
  };
  const java = compileJava(definition);
  const named = (name: string) => classInAny(java, type("Cat"), { name, args: [] }).name;
  expect([named("a.Feline"), named("a.Animal"), named("java.lang.Object")]).toEqual([
    "a.Feline",
    "com.shop.Cat",
    "com.shop.Cat",
  ]);
});

test("types of a schema are known to that schema's Any alone", () => {
  const other = grpcServiceOf({
    name: "b.B",
    protobuf: protobufOf(`syntax = "proto3"; package b; import "google/protobuf/any.proto";
      service B { rpc Put(Box) returns (Box); } message Box { google.protobuf.Any held = 1; }`),
  })!;
  const any = other.types.getMessage("google.protobuf.Any")!;
  expect(messageOfUrl(any, url("shop.Cat"))).toBeUndefined();
  expect(messageOfUrl(any, url("b.Box"))?.typeName).toBe("b.Box");
  expect(packedIn(any, cat)).toBeUndefined();
  expect(urlOf(type("Cat"))).toBe(url("shop.Cat"));
});
