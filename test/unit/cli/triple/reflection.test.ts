import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type ReflectCall, readReflectionAnswer, reflectSchema } from "../../../../src/cli/triple/reflection.ts";
import { findMethod, readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";
import type { Answer } from "../../../../src/codecs/triple/answer.ts";
import { encodeFields, FieldCursor } from "../../../../src/codecs/triple/protobuf.ts";

const bytes = readFileSync(new URL("../../../../fixtures/grpc/shop.pb", import.meta.url));
const files = readDescriptorSet(bytes, "shop.pb");

const OK: Answer = {
  type: "value",
  grpc: 0,
  exceptionCode: 0,
  message: "",
  details: undefined,
  attachments: new Map(),
};
const V1 = "grpc.reflection.v1.ServerReflection";
const V1_ALPHA = "grpc.reflection.v1alpha.ServerReflection";

function services(...names: string[]): Buffer {
  return encodeFields([[6, encodeFields(names.map((name) => [1, encodeFields([[1, name]])] as const))]]);
}

function given(...found: FileDescriptorProto[]): Buffer {
  return encodeFields([
    [4, encodeFields(found.map((file) => [1, toBinary(FileDescriptorProtoSchema, file)] as const))],
  ]);
}

function notFound(text: string): Buffer {
  return encodeFields([[7, Buffer.concat([Buffer.from([0x08, 5]), encodeFields([[2, text]])])]]);
}

interface Asked {
  readonly version: string;
  readonly field: number;
  readonly text: string;
}

/** A server that answers each request by its field and text. */
function server(asked: Asked[], answer: (field: number, text: string) => Buffer, end = OK, only?: string): ReflectCall {
  return async (version, method, messages) => {
    expect(method).toBe("ServerReflectionInfo");
    if (only !== undefined && version !== only) return { answers: [], end: { ...OK, type: "error", grpc: 12 } };
    const answers = messages.map((message) => {
      const cursor = new FieldCursor(Buffer.from(message));
      cursor.next();
      asked.push({ version, field: cursor.field, text: cursor.text() });
      return answer(cursor.field, cursor.text());
    });
    return { answers: end.type === "error" ? [] : answers, end };
  };
}

describe("a server's reflection", () => {
  test("gives a service's types in one turn where it sends all files", async () => {
    const asked: Asked[] = [];
    const call = server(asked, (field) => (field === 7 ? services(V1, "acme.Shop") : given(...files)));
    const schema = await reflectSchema(call, "acme.Shop");
    expect(schema.services).toEqual(["acme.Shop"]);
    expect(findMethod(schema, "acme.Shop", "Get").output.typeName).toBe("acme.Order");
    expect(asked).toEqual([
      { version: V1, field: 7, text: "*" },
      { version: V1, field: 4, text: "acme.Shop" },
    ]);
  });

  test("is asked for types that are missing, and in v1alpha where there is no v1", async () => {
    const asked: Asked[] = [];
    const byType: Readonly<Record<string, string>> = {
      "acme.Shop": "shop.proto",
      "acme.old.Slip": "legacy.proto",
      "acme.parts.Money": "parts/money.proto",
      "acme.parts.State": "parts/money.proto",
    };
    const answer = (field: number, text: string) => {
      if (field === 7) return services("acme.Shop", "acme.Other");
      return given(files.find(({ name }) => name === byType[text])!);
    };
    const schema = await reflectSchema(server(asked, answer, OK, V1_ALPHA), "acme.Shop");
    expect(findMethod(schema, "acme.Shop", "EchoSlip").input.typeName).toBe("acme.old.Slip");
    expect(asked.slice(2)).toEqual([
      { version: V1_ALPHA, field: 4, text: "acme.parts.State" },
      { version: V1_ALPHA, field: 4, text: "acme.parts.Money" },
      { version: V1_ALPHA, field: 4, text: "acme.old.Slip" },
    ]);
  });

  test("names what the server has where it has no such service", async () => {
    const call = server([], (field) => (field === 7 ? services(V1_ALPHA, "acme.Shop", "acme.Other") : notFound("no")));
    await expect(reflectSchema(call, "acme.Nosuch")).rejects.toThrow(
      "the server has no service acme.Nosuch; it has acme.Other, acme.Shop",
    );
  });

  test("that keeps a file back is told", async () => {
    const [shop] = files.filter(({ name }) => name === "shop.proto");
    const call = server([], (field) =>
      field === 7 ? services("acme.Shop") : field === 4 ? given(shop!) : notFound("no"),
    );
    await expect(reflectSchema(call, "acme.Shop")).rejects.toThrow(
      "the descriptors of the server do not fit together: they lack acme.parts.State, acme.parts.Money, acme.old.Slip",
    );
  });

  test("that is not there is told with what helps", async () => {
    const call = server([], () => Buffer.alloc(0), OK, "none");
    await expect(reflectSchema(call, "acme.Shop")).rejects.toThrow(
      "the server has no reflection; name the .proto files",
    );
  });

  test("that fails is told by its status", async () => {
    const end: Answer = { ...OK, type: "error", grpc: 16, message: "who are you?\nsay" };
    await expect(
      reflectSchema(
        server([], () => services(), end),
        "a.B",
      ),
    ).rejects.toThrow(
      /^the server's reflection answered 16 \(unauthenticated\): who are you\?; --proto or --descriptor says the types without it$/,
    );
  });

  test("that has no end of files is given up", async () => {
    let next = 0;
    const more = (): FileDescriptorProto => {
      const field = [{ name: "f", number: 1, type: 11, label: 1, typeName: `.T${++next}` }];
      const messageType = [{ name: `T${next - 1}`, field }];
      return create(FileDescriptorProtoSchema, { name: `f${next}`, syntax: "proto3", messageType });
    };
    const call = server([], (field) => (field === 7 ? services("acme.Shop") : given(more())));
    await expect(reflectSchema(call, "acme.Shop")).rejects.toThrow(/they lack T\d+$/);
    expect(next).toBeLessThan(100);
  });
});

test("an answer's three kinds are read", () => {
  expect(readReflectionAnswer(services("a", "b"))).toEqual({ type: "services", names: ["a", "b"] });
  expect(readReflectionAnswer(notFound("gone"))).toEqual({ type: "error", code: 5, text: "gone" });
  expect(readReflectionAnswer(Buffer.alloc(0))).toEqual({ type: "error", code: 0, text: "" });
  expect(() => readReflectionAnswer(Buffer.from("22ff", "hex"))).toThrow("protobuf message: ");
  expect(() => readReflectionAnswer(Buffer.from("22030a01ff", "hex"))).toThrow("a file descriptor cannot be read: ");
});
