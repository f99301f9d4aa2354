import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileProtoFiles } from "../../../../src/cli/triple/proto-files.ts";
import { createSchema, readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";
import { outline } from "../../../support/schema-outline.ts";

const folder = new URL("../../../../fixtures/grpc/", import.meta.url);

function readFixture(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, folder), "utf8");
  } catch {
    return undefined;
  }
}

/** Files of a made-up folder. */
function files(texts: Readonly<Record<string, string>>) {
  return (path: string) => texts[path];
}

describe("files", () => {
  test("mean what protoc takes them to mean", () => {
    const ours = compileProtoFiles({ files: ["shop.proto"], paths: ["."], read: readFixture });
    const theirs = readDescriptorSet(readFileSync(new URL("shop.pb", folder)), "shop.pb");
    const [mine, protoc] = [ours, theirs].map((set) => outline(createSchema(set, "x").types, "acme."));
    expect(protoc!.length).toBeGreaterThan(50);
    expect(mine).toEqual(protoc);
  });

  test("are found by the folders that imports start from, each once", () => {
    const read = files({
      "protos/a.proto": 'syntax = "proto3"; package a; import "sub/b.proto"; message A { b.B b = 1; }',
      "protos/sub/b.proto": 'syntax = "proto3"; package b; import "c.proto"; message B { c.C c = 1; }',
      "other/c.proto": 'syntax = "proto3"; package c; message C {}',
    });
    const compiled = compileProtoFiles({
      files: ["protos/a.proto", "./protos/sub/b.proto"],
      paths: ["protos", "other/"],
      read,
    });
    expect(compiled.map(({ name, dependency }) => [name, dependency])).toEqual([
      ["a.proto", ["sub/b.proto"]],
      ["sub/b.proto", ["c.proto"]],
      ["c.proto", []],
    ]);
    const schema = createSchema(compiled, "x");
    expect(outline(schema.types, "a.")).toEqual(["message a.A", "  1 b b: message b.B, explicit"]);
  });

  test("without a package, and of one package in several files", () => {
    const read = files({
      "a.proto": 'syntax = "proto3"; import "b.proto"; message A { B b = 1; } service S { rpc M(A) returns (B); }',
      "b.proto": 'syntax = "proto3"; message B {}',
    });
    const schema = createSchema(compileProtoFiles({ files: ["a.proto"], paths: ["."], read }), "x");
    expect(schema.services).toEqual(["S"]);
    expect(outline(schema.types, "")).toContain("  M: unary, A -> B");
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["that are not there", {}, "there is no file a.proto"],
    [
      "with a fault of syntax",
      { "a.proto": 'syntax = "proto3";\nmessage A {\n  strin g a = 1;\n}' },
      "a.proto: illegal token 'a', '=' expected (line 3)",
    ],
    [
      "that import what is not there",
      { "a.proto": 'syntax = "proto3"; import "x/b.proto";' },
      'a.proto imports "x/b.proto", which is not in ".", "protos"; name its folder with --proto-path',
    ],
    [
      "with a type that is nowhere",
      { "a.proto": 'syntax = "proto3"; message A { Bee b = 1; }' },
      "the .proto files do not fit together: no such Type or Enum 'Bee' in Type .A",
    ],
    [
      "that define a name twice",
      {
        "a.proto": 'syntax = "proto3"; import "b.proto"; message A {}',
        "b.proto": 'syntax = "proto3"; message A {}',
      },
      "b.proto: duplicate name 'A' in Root",
    ],
  ])("%s are refused", (_name, texts, message) => {
    const compile = () => compileProtoFiles({ files: ["a.proto"], paths: [".", "protos"], read: files(texts) });
    expect(compile).toThrow(message);
  });

  test("that are endless are refused", () => {
    const read = (path: string) => `syntax = "proto3"; import "${path.replace(/\d+/, (n) => String(Number(n) + 1))}";`;
    expect(() => compileProtoFiles({ files: ["f1.proto"], paths: ["."], read })).toThrow(
      "the .proto files import more than 1000 others",
    );
    const long = () => " ".repeat(8 * 1024 * 1024 + 1);
    expect(() => compileProtoFiles({ files: ["a.proto"], paths: ["."], read: long })).toThrow(
      "a.proto has more than 8388608 characters",
    );
  });
});

test("two files may import the same one of google/protobuf", () => {
  const texts: Readonly<Record<string, string>> = {
    "a.proto": 'syntax = "proto3"; import "google/protobuf/wrappers.proto"; import "b.proto"; message A { B b = 1; }',
    "b.proto":
      'syntax = "proto3"; import "google/protobuf/wrappers.proto"; message B { google.protobuf.StringValue text = 1; }',
  };
  const compiled = compileProtoFiles({ files: ["a.proto"], paths: ["."], read: (path) => texts[path] });
  expect(compiled.map(({ name, dependency }) => [name, dependency])).toEqual([
    ["a.proto", ["google/protobuf/wrappers.proto", "b.proto"]],
    ["b.proto", ["google/protobuf/wrappers.proto"]],
  ]);
});

test("each file has its own java_package, or none", () => {
  const texts: Readonly<Record<string, string>> = {
    "a.proto":
      'syntax = "proto3"; package a; option java_package = "com.acme.a"; import "b.proto"; import "c.proto"; message A {}',
    "b.proto": 'syntax = "proto3"; package a; message B {}',
    "c.proto": 'syntax = "proto3"; option java_package = "com.acme.c"; message C {}',
  };
  const compiled = compileProtoFiles({ files: ["a.proto"], paths: ["."], read: (path) => texts[path] });
  expect(compiled.map(({ name, options }) => [name, options?.javaPackage])).toEqual([
    ["a.proto", "com.acme.a"],
    ["b.proto", undefined],
    ["c.proto", "com.acme.c"],
  ]);
});
