import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { readProtoServices } from "../../src/cli/mesh/schemas/proto-services.ts";
import { parseChanged, parseLogin } from "../../src/codecs/nacos/config.ts";
import { createSchema, readDescriptorSet } from "../../src/codecs/protobuf/schema.ts";
import { serviceFiles } from "../../src/codecs/protobuf/service-files.ts";
import type { JavaDefinition } from "../../src/model/schema.ts";
import { parseDefinition } from "../../src/registry-sync/sources/metadata-definition.ts";
import fc from "../support/fast-check.ts";

const read = (path: string) => readFileSync(new URL(`../../fixtures/${path}`, import.meta.url));
const REPORTS = ["zk-2.7.23-interface", "zk-3.3.6-all-tri"].map((name) => {
  const nodes = JSON.parse(read(`registry/${name}.json`).toString()) as { path: string; data: string }[];
  return nodes.find(({ path }) => path.endsWith("/provider/order-provider"))!.data;
});
const edits = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(4), fc.string({ unit: "binary", maxLength: 3 })),
  { maxLength: 4 },
);

/** A text with some characters replaced, cut out or put in. */
function edited(text: string, changes: readonly (readonly [number, number, string])[]): string {
  let result = text;
  for (const [at, cut, put] of changes) {
    const index = Math.floor(at * result.length);
    result = result.slice(0, index) + put + result.slice(index + cut);
  }
  return result;
}

/** What reading gave: undefined where it was refused in one line. */
function tryTo<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect((error as Error).constructor.name).toMatch(/^(Error|ProtoFault)$/);
    expect((error as Error).message).not.toContain("\n");
    return undefined;
  }
}

function expectDefinition({ methods, types }: JavaDefinition): void {
  for (const { name, parameterTypes, returnType, parameterNames } of methods) {
    for (const text of [name, returnType, ...parameterTypes]) expect(text).toBeTypeOf("string");
    if (parameterNames !== undefined) expect(parameterNames).toHaveLength(parameterTypes.length);
  }
  for (const { properties, enums } of Object.values(types)) {
    expect(Object.values(properties ?? enums ?? {}).every((one) => typeof one === "string")).toBe(true);
  }
}

test("an edited report is a definition, or refused in one line", () => {
  fc.assert(
    fc.property(fc.constantFrom(...REPORTS), edits, (report, changes) => {
      const found = tryTo(() => parseDefinition(edited(report, changes), "peer.api.OrderService"));
      if (found !== undefined) expectDefinition(found);
    }),
    { numRuns: 1_000 },
  );
});

test("any JSON with the names that reports have is a definition, or refused in one line", () => {
  const text = fc.constantFrom(
    "int",
    "a.B",
    "java.util.List<a.B>",
    "$.types[0]",
    "$.types[0].properties.x",
    "T",
    "<",
    "",
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 6 },
      text,
      fc.integer(),
      fc.constant(null),
      fc.array(tie("node"), { maxLength: 4 }),
      fc.dictionary(
        fc.constantFrom("type", "properties", "items", "enums", "$ref", "name", "x", "__proto__"),
        tie("node"),
        { maxKeys: 5 },
      ),
    ),
  }));
  const method = fc.dictionary(
    fc.constantFrom("name", "parameterTypes", "returnType", "parameters", "parameterNames"),
    node,
  );
  fc.assert(
    fc.property(fc.array(method, { maxLength: 4 }), fc.oneof(node, fc.array(node)), (methods, types) => {
      const found = tryTo(() => parseDefinition(JSON.stringify({ methods, types }), "a.B"));
      if (found !== undefined) expectDefinition(found);
    }),
    { numRuns: 1_000 },
  );
});

test("an edited .proto gives services, or is refused in one line", () => {
  const proto = read("grpc/shop.proto").toString();
  const files: Readonly<Record<string, string>> = {
    "legacy.proto": read("grpc/legacy.proto").toString(),
    "parts/money.proto": read("grpc/parts/money.proto").toString(),
  };
  fc.assert(
    fc.property(edits, (changes) => {
      const content = Buffer.from(edited(proto, changes));
      tryTo(() => readProtoServices({ path: "shop.proto", content, folders: [], read: (path) => files[path] }));
    }),
    { numRuns: 200 },
  );
});

test("an edited descriptor set gives services that read back, or is refused in one line", () => {
  const set = read("grpc/shop.pb");
  const change = fc.tuple(fc.nat(set.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const content = Buffer.from(set);
      for (const [at, byte] of changes) content[at] = byte;
      const found = tryTo(() => readProtoServices({ path: "shop.pb", content, folders: [], read: () => undefined }));
      for (const { name, protobuf } of found ?? []) {
        const again = createSchema(readDescriptorSet(Buffer.from(protobuf!, "base64"), "x"), "x");
        expect(again.services).toEqual([name]);
      }
    }),
    { numRuns: 300 },
  );
});

test("whatever messages need each other, a service's files hold them all and no other service", () => {
  const links = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 });
  fc.assert(
    fc.property(links, fc.nat(9), fc.nat(9), (pairs, input, output) => {
      const file: FileDescriptorProto = create(FileDescriptorProtoSchema, {
        ...{ name: "a.proto", package: "p", syntax: "proto3" },
        messageType: Array.from({ length: 10 }, (_, index) => ({
          name: `M${index}`,
          field: pairs
            .filter(([from]) => from === index)
            .map(([, to], at) => ({
              ...{ name: `f${at}`, jsonName: `f${at}`, number: at + 1, typeName: `.p.M${to}` },
              ...{ type: FieldDescriptorProto_Type.MESSAGE, label: FieldDescriptorProto_Label.OPTIONAL },
            })),
        })),
        service: ["S", "Other"].map((name) => ({
          name,
          method: [{ name: "Get", inputType: `.p.M${input}`, outputType: `.p.M${output}` }],
        })),
      });
      const reached = new Set([input, output]);
      for (const from of reached) for (const [one, to] of pairs) if (one === from) reached.add(to);
      const service = createSchema([file], "x").types.getService("p.S")!;
      const [pruned] = readDescriptorSet(serviceFiles(service), "x");
      expect(pruned!.messageType.map(({ name }) => name)).toEqual([...reached].sort().map((index) => `M${index}`));
      expect(pruned!.service.map(({ name }) => name)).toEqual(["S"]);
    }),
    { numRuns: 300 },
  );
});

test("what a Nacos answers is read, or refused by a ProtocolError in one line", () => {
  const answers = ["a%3Ab%02dubbo%01c%02dubbo%02dev%01\n", '{"accessToken":"abc","tokenTtl":18000,"globalAdmin":true}'];
  fc.assert(
    fc.property(fc.constantFrom(...answers), edits, (answer, changes) => {
      const text = edited(answer, changes);
      for (const parse of [parseChanged, parseLogin]) {
        try {
          const found = parse(text);
          if ("token" in found) expect(found.token).toMatch(/^[\x21-\x7e]+$/);
          else expect(found.every(({ dataId, group }) => dataId !== "" && group !== "")).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          expect((error as Error).message).not.toContain("\n");
        }
      }
    }),
  );
});
