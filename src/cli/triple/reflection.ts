/**
 * What a gRPC server tells of its own services.
 *
 * | field | ServerReflectionRequest | | ServerReflectionResponse |
 * |---|---|---|---|
 * | 4 | file_containing_symbol | 4 | file_descriptor_response: repeated bytes 1 |
 * | 7 | list_services | 6 | list_services_response: repeated message 1 with the name in 1 |
 * | | | 7 | error_response: code 1, text 2 |
 *
 * A server may give a file without those that it needs: they are asked for by the types that are missing.
 * Reference: gRPC Server Reflection Protocol, v1 and v1alpha, which differ in the service's name alone.
 */
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { firstLine } from "../../base/clean-text.ts";
import { wholeDescriptors } from "../../codecs/protobuf/descriptors.ts";
import { createSchema, noService, readDescriptor, type Schema } from "../../codecs/protobuf/schema.ts";
import type { Answer } from "../../codecs/triple/answer.ts";
import { encodeFields, FieldCursor, WIRE_BYTES, WIRE_VARINT } from "../../codecs/triple/protobuf.ts";
import { codeOfGrpc } from "../../codecs/triple/status.ts";

const SERVICES = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"] as const;
const METHOD = "ServerReflectionInfo";
const UNIMPLEMENTED = 12;
const MAX_FILES = 2000;
const MAX_ROUNDS = 64;
/** Requests of one turn. */
const MAX_REQUESTS = 200;

/** Makes one call: all messages of the caller, then all of the answer and how it ended. */
export type ReflectCall = (
  service: string,
  method: string,
  messages: readonly Uint8Array[],
) => Promise<{ readonly answers: readonly Buffer[]; readonly end: Answer }>;

/** The server's answer says that it has no such service, or tells nothing of its services at all. */
export class ReflectionRefusal extends Error {
  readonly reason: "no_service" | "no_reflection";

  constructor(reason: ReflectionRefusal["reason"], message: string) {
    super(message);
    this.name = "ReflectionRefusal";
    this.reason = reason;
  }
}

/**
 * The types of one service as the server tells them. Throws an `Error` with one line: a `ReflectionRefusal` where the server has no
 * such service or tells nothing of its services, another one where what it tells does not fit together.
 */
export async function reflectSchema(call: ReflectCall, service: string): Promise<Schema> {
  for (const version of SERVICES) {
    const first = await ask(call, version, [request(7, "*"), request(4, service)]);
    if (first === undefined) continue;
    const names = first.flatMap((answer) => (answer.type === "services" ? answer.names : []));
    const services = names.filter((name) => !name.startsWith("grpc.reflection.")).sort();
    const origin = "the server";
    const symbol = first[1];
    if (symbol?.type !== "files") throw new ReflectionRefusal("no_service", noService({ services, origin }, service));
    const files = new Map<string, FileDescriptorProto>();
    const add = (found: readonly FileDescriptorProto[]): void => {
      for (const file of found) files.set(file.name, file);
      if (files.size > MAX_FILES) throw new Error(`the server's services have more than ${MAX_FILES} files`);
    };
    add(symbol.files);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { missing } = wholeDescriptors([...files.values()]);
      if (missing.length === 0) break;
      const wanted = missing.slice(0, MAX_REQUESTS).map((name) => request(4, name));
      const more = (await ask(call, version, wanted)) ?? [];
      const before = files.size;
      add(more.flatMap((answer) => (answer.type === "files" ? answer.files : [])));
      if (files.size === before) break;
    }
    return createSchema([...files.values()], origin, services);
  }
  throw new ReflectionRefusal(
    "no_reflection",
    "the server has no reflection; name the .proto files of the service with --proto, or a descriptor set with --descriptor",
  );
}

/** The answers to some requests, one each; undefined where the server does not know this version. */
async function ask(
  call: ReflectCall,
  version: string,
  requests: readonly Buffer[],
): Promise<readonly ReflectionAnswer[] | undefined> {
  const { answers, end } = await call(version, METHOD, requests);
  if (end.type === "error") {
    if (end.grpc === UNIMPLEMENTED && answers.length === 0) return undefined;
    const text = firstLine(end.message);
    const hint = "--proto or --descriptor says the types without it";
    throw new Error(`the server's reflection answered ${end.grpc} (${codeOfGrpc(end.grpc)}): ${text}; ${hint}`);
  }
  return answers.map(readReflectionAnswer);
}

function request(field: number, text: string): Buffer {
  return encodeFields([[field, text]]);
}

/** One ServerReflectionResponse. */
export type ReflectionAnswer =
  | { readonly type: "files"; readonly files: readonly FileDescriptorProto[] }
  | { readonly type: "services"; readonly names: readonly string[] }
  | { readonly type: "error"; readonly code: number; readonly text: string };

/** Reads a ServerReflectionResponse. Throws ProtocolError("triple", ...) for bytes that are none. */
export function readReflectionAnswer(bytes: Buffer): ReflectionAnswer {
  const cursor = new FieldCursor(bytes);
  while (cursor.next()) {
    if (cursor.wire !== WIRE_BYTES) continue;
    const inner = new FieldCursor(bytes, cursor.start, cursor.stop);
    if (cursor.field === 4) return { type: "files", files: contents(inner).map(readDescriptor) };
    if (cursor.field === 6) return { type: "services", names: contents(inner).flatMap(nameOf) };
    if (cursor.field === 7) return errorOf(inner);
  }
  return { type: "error", code: 0, text: "" };
}

/** All of field 1. */
function contents(cursor: FieldCursor): Buffer[] {
  const found: Buffer[] = [];
  while (cursor.next()) if (cursor.field === 1 && cursor.wire === WIRE_BYTES) found.push(cursor.content());
  return found;
}

function nameOf(service: Buffer): string[] {
  return contents(new FieldCursor(service)).map((name) => name.toString("utf8"));
}

function errorOf(cursor: FieldCursor): ReflectionAnswer {
  let code = 0;
  let text = "";
  while (cursor.next()) {
    if (cursor.field === 1 && cursor.wire === WIRE_VARINT) code = cursor.int32();
    else if (cursor.field === 2 && cursor.wire === WIRE_BYTES) text = cursor.text();
  }
  return { type: "error", code, text };
}
