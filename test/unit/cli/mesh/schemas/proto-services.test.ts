import { readFileSync } from "node:fs";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ProtoFault } from "../../../../../src/cli/mesh/schemas/proto-fault.ts";
import { readProtoServices } from "../../../../../src/cli/mesh/schemas/proto-services.ts";

const shop = readFileSync(new URL("../../../../../fixtures/grpc/shop.pb", import.meta.url));

function read(path: string, texts: Readonly<Record<string, string>>, folders: readonly string[] = []) {
  return readProtoServices({
    path,
    content: Buffer.from(texts[path]!),
    folders,
    read: (one) => texts[one],
  });
}

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtoFault) return `${error.at}: ${error.message}`;
    throw error;
  }
  return "no fault";
}

const methodsOf = (protobuf: string | undefined, name: string) => {
  const set = fromBinary(FileDescriptorSetSchema, Buffer.from(protobuf ?? "", "base64"));
  return createFileRegistry(set)
    .getService(name)
    ?.methods.map((method) => `${method.name}(${method.input.typeName})`);
};

test("a proto file gives the services that it defines, with the types that it imports", () => {
  const found = read(
    "api/sub/a.proto",
    {
      "api/sub/a.proto": `syntax = "proto3"; package a; import "b.proto"; import "near.proto";
        service One { rpc Get(b.In) returns (near.Out); } service Two { rpc Put(b.In) returns (b.In); }`,
      "api/b.proto": 'syntax = "proto3"; package b; message In {} service Elsewhere { rpc Get(In) returns (In); }',
      "api/sub/near.proto": 'syntax = "proto3"; package near; message Out {}',
    },
    ["api"],
  );
  expect(found.map(({ name }) => name)).toEqual(["a.One", "a.Two"]);
  expect(methodsOf(found[0]?.protobuf, "a.One")).toEqual(["Get(b.In)"]);
});

test("a proto file without a service gives none, and its faults are no one's", () => {
  expect(read("a.proto", { "a.proto": 'syntax = "proto3"; message A { nonsense' })).toEqual([]);
});

test("a descriptor set gives all its services", () => {
  const found = readProtoServices({ path: "shop.pb", content: shop, folders: [], read: () => undefined });
  expect(found.map(({ name }) => name)).toEqual(["acme.Shop"]);
  expect(methodsOf(found[0]?.protobuf, "acme.Shop")).toContain("Echo(acme.Order)");
});

const service = "service S { rpc Get(A) returns (A); }";

test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    "a fault of syntax",
    { "p/a.proto": `syntax = "proto3";\n${service}\nmessage A { int32 x = ; }` },
    "p/a.proto:3: illegal id ';' (a.proto, line 3)",
  ],
  [
    "a fault of syntax in an import",
    {
      "p/a.proto": `syntax = "proto3"; import "b.proto";\n${service} message A {}`,
      "p/b.proto": 'syntax = "proto3";\n\n\nmessage',
    },
    "p/b.proto:4: ",
  ],
  [
    "an import that is not there",
    { "p/a.proto": `syntax = "proto3"; import "b.proto";\n${service} message A {}` },
    'p/a.proto: a.proto imports "b.proto", which is not in "p"; name its folder in protos (--protos)',
  ],
  ["a type that is not there", { "p/a.proto": `syntax = "proto3"; ${service}` }, "p/a.proto: "],
])("%s is told with its place", (_, texts, text) => {
  expect(faultOf(() => read("p/a.proto", texts, ["p"]))).toContain(text);
});

test.each([
  ["no descriptor set", Buffer.from("nonsense"), "x.pb: x.pb is no FileDescriptorSet"],
  ["an empty one", Buffer.alloc(0), "x.pb: x.pb is a FileDescriptorSet without files"],
])("%s is told", (_, content, text) => {
  expect(faultOf(() => readProtoServices({ path: "x.pb", content, folders: [], read: () => undefined }))).toContain(
    text,
  );
});

test("types over the limit are told with their size", () => {
  const field = Array.from({ length: 1_100 }, (_, i) => ({
    ...{ name: `${"f".repeat(1_000)}${i}`, number: i + 1, jsonName: "x" },
    ...{ type: FieldDescriptorProto_Type.STRING, label: FieldDescriptorProto_Label.OPTIONAL },
  }));
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: "a.proto", syntax: "proto3", messageType: [{ name: "A", field }] },
    service: [{ name: "S", method: [{ name: "Get", inputType: ".A", outputType: ".A" }] }],
  });
  const content = Buffer.from(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [file] })));
  const run = () => readProtoServices({ path: "a.pb", content, folders: [], read: () => undefined });
  expect(faultOf(run)).toMatch(/^a\.pb: the types of S have \d+ bytes, over the limit of 1048576$/);
});
