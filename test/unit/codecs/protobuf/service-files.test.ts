import { readFileSync } from "node:fs";
import { create, createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { compileProtoFiles } from "../../../../src/cli/triple/proto-files.ts";
import { createSchema, readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";
import { serviceFiles } from "../../../../src/codecs/protobuf/service-files.ts";
import { outline } from "../../../support/schema-outline.ts";

const folder = new URL("../../../../fixtures/grpc/", import.meta.url);

function service(texts: Readonly<Record<string, string>>, name: string): DescService {
  const files = compileProtoFiles({ files: [Object.keys(texts)[0]!], paths: ["."], read: (path) => texts[path] });
  return createSchema(files, "x").types.getService(name)!;
}

/** The set, read as it stands by protobuf's own reader: it fails on what is missing or out of order. */
function read(bytes: Uint8Array) {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  return { files: set.file, types: createFileRegistry(set) };
}

test("a service of every kind of field and call keeps all its types, as protoc has them", () => {
  const whole = createSchema(readDescriptorSet(readFileSync(new URL("shop.pb", folder)), "shop.pb"), "shop.pb");
  const { files, types } = read(serviceFiles(whole.types.getService("acme.Shop")!));
  expect(types.getService("acme.Shop")?.methods).toHaveLength(7);
  const kept = outline(types, "acme.");
  const all = new Set(outline(whole.types, "acme."));
  expect(kept.length).toBeGreaterThan(50);
  expect(kept.filter((line) => !all.has(line))).toEqual([]);
  expect(files.at(-1)?.name).toBe("shop.proto");
  expect(files.every(({ sourceCodeInfo }) => sourceCodeInfo === undefined)).toBe(true);
});

test("other services, types that no message reaches and files without use are left out", () => {
  const { files, types } = read(
    serviceFiles(
      service(
        {
          "a.proto": `syntax = "proto3"; package a; import "b.proto"; import "unused.proto";
            service One { rpc Get(In) returns (Out); }
            service Two { rpc Get(Other) returns (Other); }
            message In { message Inner { b.Kind kind = 1; } Inner inner = 1; }
            message Out { map<string, Item> items = 1; }
            message Item { Out again = 1; }
            message Other { unused.X x = 1; }`,
          "b.proto": 'syntax = "proto3"; package b; enum Kind { NONE = 0; } enum Unused { NIL = 0; } message Lost {}',
          "unused.proto": 'syntax = "proto3"; package unused; message X {}',
        },
        "a.One",
      ),
    ),
  );
  expect(files.map(({ name, dependency }) => [name, dependency])).toEqual([
    ["b.proto", []],
    ["a.proto", ["b.proto"]],
  ]);
  expect([...types].map(({ typeName }) => typeName).sort()).toEqual([
    "a.In",
    "a.In.Inner",
    "a.Item",
    "a.One",
    "a.Out",
    "b.Kind",
  ]);
});

test("a type that stands with a field of text, where nobody asks for it, is not missed", () => {
  const label = FieldDescriptorProto_Label.OPTIONAL;
  const field = [
    { name: "x", jsonName: "x", number: 1, label, type: FieldDescriptorProto_Type.STRING, typeName: ".B" },
  ];
  const service = [{ name: "S", method: [{ name: "Get", inputType: ".A", outputType: ".A" }] }];
  const messageType = [{ name: "A", field }];
  const files = [
    create(FileDescriptorProtoSchema, { name: "a.proto", syntax: "proto3", messageType, service }),
    create(FileDescriptorProtoSchema, { name: "b.proto", syntax: "proto3", messageType: [{ name: "B" }] }),
  ];
  const bytes = serviceFiles(createSchema(files, "x").types.getService("S")!);
  expect(createSchema(readDescriptorSet(bytes, "x"), "x").services).toEqual(["S"]);
});

test("protobuf's own types come along where they are needed, with what they need", () => {
  const taking = (type: string) => {
    const method = [{ name: "Get", inputType: `.google.protobuf.${type}`, outputType: `.google.protobuf.${type}` }];
    const file = create(FileDescriptorProtoSchema, {
      name: "a.proto",
      syntax: "proto3",
      service: [{ name: "S", method }],
    });
    return read(serviceFiles(createSchema([file], "x").types.getService("S")!));
  };
  expect(taking("Any").files.map(({ name }) => name)).toEqual(["google/protobuf/any.proto", "a.proto"]);
  expect(taking("Type").types.getMessage("google.protobuf.Option")).toBeDefined();
});
