import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { createSchema, findMethod, readDescriptor, readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";

const bytes = readFileSync(new URL("../../../../fixtures/grpc/shop.pb", import.meta.url));
const files = readDescriptorSet(bytes, "shop.pb");
const shop = createSchema(files, "the server");

describe("a schema", () => {
  test("has the services of its files, whatever their order, and protobuf's own where they lack", () => {
    const own = files.filter(({ name }) => !name.startsWith("google/")).reverse();
    expect(own.map(({ name }) => name)).toEqual(["shop.proto", "parts/money.proto", "legacy.proto"]);
    const schema = createSchema(own, "x");
    expect(schema.services).toEqual(["acme.Shop"]);
    expect(findMethod(schema, "acme.Shop", "Watch").methodKind).toBe("server_streaming");
  });
  test("says what its files lack", () => {
    const lacking = files.filter(({ name }) => name !== "legacy.proto");
    expect(() => createSchema(lacking, "x")).toThrow(
      "the descriptors of x do not fit together: they lack acme.old.Slip",
    );
  });
  test("that names what it does not have is refused", () => {
    const field = [{ name: "b", number: 1, type: 11, label: 1, typeName: ".B" }];
    const broken = create(FileDescriptorProtoSchema, {
      name: "a",
      syntax: "proto3",
      messageType: [{ name: "A", field }],
    });
    expect(() => createSchema([broken], "the server")).toThrow(
      /^the descriptors of the server do not fit together: .*B/,
    );
  });
});

describe("a method that is not there is refused with what is:", () => {
  test.each([
    ["acme.Nosuch", "Get", "the server has no service acme.Nosuch; it has acme.Shop"],
    [
      "acme.Shop",
      "Nosuch",
      "service acme.Shop has no method Nosuch; it has Get, Watch, PutAll, Talk, Echo, EchoSlip, Name",
    ],
    ["acme.Shop", "get", "service acme.Shop has no method get; Get is how it is written"],
    ["acme.Order", "Get", "the server has no service acme.Order; it has acme.Shop"],
  ])("%s/%s", (service, method, text) => {
    expect(() => findMethod(shop, service, method)).toThrow(text);
  });
  test("of many services the first twenty are named", () => {
    const many = Array.from({ length: 25 }, (_, i) => `s.S${String(i).padStart(2, "0")}`);
    expect(() => findMethod(createSchema([], "it", many), "x", "y")).toThrow(/s\.S18, s\.S19 and 5 more$/);
    expect(() => findMethod(createSchema([], "it"), "x", "y")).toThrow("it has no service x; it has none");
  });
});

describe("a descriptor set", () => {
  test("that is none, or empty, is refused", () => {
    expect(() => readDescriptorSet(Buffer.from("text"), "a.pb")).toThrow("a.pb is no FileDescriptorSet: ");
    expect(() => readDescriptorSet(Buffer.alloc(0), "a.pb")).toThrow("a.pb is a FileDescriptorSet without files");
    expect(() => readDescriptor(Buffer.from([0xff]))).toThrow("a file descriptor cannot be read: ");
  });
  test("without its imports is refused with what helps", () => {
    const set = create(FileDescriptorSetSchema, { file: files.filter(({ name }) => name === "shop.proto") });
    expect(() => readDescriptorSet(toBinary(FileDescriptorSetSchema, set), "a.pb")).toThrow(
      "a.pb lacks acme.parts.State, acme.parts.Money, acme.old.Slip; have protoc write it with --include_imports",
    );
  });
});
