import { readFileSync } from "node:fs";
import { clone, create, createFileRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { wholeDescriptors } from "../../../../src/codecs/protobuf/descriptors.ts";
import { readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";
import { outline } from "../../../support/schema-outline.ts";

const bytes = readFileSync(new URL("../../../../fixtures/grpc/shop.pb", import.meta.url));
const shop = readDescriptorSet(bytes, "shop.pb");

function file(parts: MessageInitShape<typeof FileDescriptorProtoSchema>): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, { syntax: "proto3", ...parts });
}

/** A message with one field of the type `typeName`. */
function message(name: string, typeName: string, nestedType: DescriptorProto[] = []): DescriptorProto {
  return create(DescriptorProtoSchema, {
    name,
    nestedType,
    field: [{ name: "the_field", number: 1, type: 11, label: 1, typeName }],
  });
}

function outlineOf(files: readonly FileDescriptorProto[]): string[] {
  const { files: whole, missing } = wholeDescriptors(files);
  expect(missing).toEqual([]);
  return outline(createFileRegistry(create(FileDescriptorSetSchema, { file: [...whole] })), "acme.");
}

describe("descriptors", () => {
  test("of protoc's are whole, in any order, with or without protobuf's own files", () => {
    const expected = outlineOf(shop);
    expect(expected.length).toBeGreaterThan(50);
    expect(outlineOf([...shop].reverse())).toEqual(expected);
    expect(outlineOf(shop.filter(({ name }) => !name.startsWith("google/")))).toEqual(expected);
  });

  test("without imports, names in JSON and leading dots are made whole; what was given stays as it was", () => {
    const bare = shop.map((one) => clone(FileDescriptorProtoSchema, one));
    const strip = (messages: DescriptorProto[]): void => {
      for (const { field, nestedType } of messages) {
        for (const one of field) {
          if (one.name !== "other") one.jsonName = "";
          // As protobufjs shortens: from where the name's first part is known.
          one.typeName = one.typeName.replace(/^\.(?:acme\.)?(?:Order\.|old\.Slip\.)?/, "");
        }
        strip(nestedType);
      }
    };
    for (const one of bare) {
      one.dependency = [];
      strip(one.messageType);
    }
    const before = JSON.stringify(bare, (_, value) => (typeof value === "bigint" ? String(value) : value));
    expect(outlineOf(bare)).toEqual(outlineOf(shop));
    expect(JSON.stringify(bare, (_, value) => (typeof value === "bigint" ? String(value) : value))).toBe(before);
  });

  test("of protobuf's own types under a made-up name give way to the real ones", () => {
    const google = file({
      name: "google_protobuf.proto",
      package: "google.protobuf",
      messageType: [{ name: "StringValue" }],
    });
    const own = file({ name: "a.proto", package: "acme", messageType: [message("A", "google.protobuf.StringValue")] });
    const { files, missing } = wholeDescriptors([google, own]);
    expect(missing).toEqual([]);
    expect(files.map(({ name }) => name)).not.toContain("google_protobuf.proto");
    expect(files.at(-1)!.dependency).toEqual(["google/protobuf/wrappers.proto"]);
  });

  test("name what they lack, by each scope that it may be in", () => {
    const own = file({ name: "a.proto", package: "a.b", messageType: [message("A", "X"), message("B", ".c.Y")] });
    expect(wholeDescriptors([own]).missing).toEqual(["a.b.A.X", "a.b.X", "a.X", "X", "c.Y"]);
  });

  test("mean the innermost type of a name", () => {
    const inner = message("A", "T", [create(DescriptorProtoSchema, { name: "T" })]);
    const own = file({ name: "a.proto", package: "acme", messageType: [inner, message("B", "T"), { name: "T" }] });
    expect(outlineOf([own])).toEqual([
      "message acme.A",
      "  1 the_field theField: message acme.A.T, explicit",
      "message acme.A.T",
      "message acme.B",
      "  1 the_field theField: message acme.T, explicit",
      "message acme.T",
    ]);
  });

  test("that need each other are refused, and a long chain is not", () => {
    const one = file({ name: "a.proto", messageType: [message("A", ".B")] });
    const other = file({ name: "b.proto", messageType: [message("B", ".A")] });
    expect(() => wholeDescriptors([one, other])).toThrow("b.proto and a.proto need each other's types");
    const chain = Array.from({ length: 3000 }, (_, i) => {
      return file({ name: `${i}`, messageType: i === 2999 ? [{ name: `M${i}` }] : [message(`M${i}`, `.M${i + 1}`)] });
    });
    expect(wholeDescriptors(chain).files.at(-1)!.name).toBe("0");
  });

  test("nested beyond reason are refused", () => {
    let deep = create(DescriptorProtoSchema, { name: "M" });
    for (let i = 0; i < 150; i++) deep = create(DescriptorProtoSchema, { name: "M", nestedType: [deep] });
    expect(() => wholeDescriptors([file({ name: "a.proto", messageType: [deep] })])).toThrow(
      "messages of a.proto are nested deeper than 100",
    );
  });
});
