/** What a gRPC server's services take and give, from descriptors: files in any order, as reflection, protoc or proto-files.ts give them. */
import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  type Registry,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { cleanText } from "../../base/clean-text.ts";
import { wholeDescriptors } from "./descriptors.ts";

/** The most names that a message lists. */
const SHOWN_NAMES = 20;

/** Types by name, and what to be told where something is not among them. */
export interface Schema {
  readonly types: Registry;
  /** The services that a user may mean, sorted. */
  readonly services: readonly string[];
  /** Who says so, such as `the server`. */
  readonly origin: string;
}

/** A schema from descriptors. Throws an `Error` with one line for files that are not whole or contradict each other. */
export function createSchema(
  files: readonly FileDescriptorProto[],
  origin: string,
  services?: readonly string[],
): Schema {
  let types: FileRegistry;
  try {
    const whole = wholeDescriptors(files);
    if (whole.missing.length > 0) throw new Error(`they lack ${listNames(whole.missing)}`);
    types = createFileRegistry(create(FileDescriptorSetSchema, { file: [...whole.files] }));
  } catch (error) {
    throw new Error(`the descriptors of ${origin} do not fit together: ${cleanText((error as Error).message)}`);
  }
  const own = services ?? [...types].filter((type) => type.kind === "service").map(({ typeName }) => typeName);
  return { types, services: [...own].sort(), origin };
}

/** One file's descriptor. Throws an `Error` with one line for bytes that are none. */
export function readDescriptor(bytes: Uint8Array): FileDescriptorProto {
  try {
    return fromBinary(FileDescriptorProtoSchema, bytes);
  } catch (error) {
    throw new Error(`a file descriptor cannot be read: ${cleanText((error as Error).message)}`);
  }
}

/** The descriptors of a FileDescriptorSet, as `protoc --descriptor_set_out` writes it. Throws an `Error` that names `path`. */
export function readDescriptorSet(bytes: Uint8Array, path: string): FileDescriptorProto[] {
  let files: FileDescriptorProto[];
  try {
    files = fromBinary(FileDescriptorSetSchema, bytes).file;
  } catch (error) {
    throw new Error(`${path} is no FileDescriptorSet: ${cleanText((error as Error).message)}`);
  }
  if (files.length === 0) throw new Error(`${path} is a FileDescriptorSet without files`);
  const { missing } = wholeDescriptors(files);
  if (missing.length > 0)
    throw new Error(`${path} lacks ${listNames(missing)}; have protoc write it with --include_imports`);
  return files;
}

/** A method by its service and name. Throws an `Error` that says what there is instead. */
export function findMethod(schema: Schema, service: string, method: string): DescMethod {
  const found = schema.types.getService(service);
  if (found === undefined) throw new Error(noService(schema, service));
  const named = found.methods.find(({ name }) => name === method);
  if (named === undefined) throw new Error(noMethod(found, method));
  return named;
}

/** What to say of a service that a schema does not have. */
export function noService({ services, origin }: Pick<Schema, "services" | "origin">, service: string): string {
  return `${origin} has no service ${cleanText(service)}; it has ${listNames(services)}`;
}

function noMethod({ typeName, methods }: DescService, method: string): string {
  const lower = method.toLowerCase();
  const near = methods.find(({ name }) => name.toLowerCase() === lower);
  if (near !== undefined) return `service ${typeName} has no method ${method}; ${near.name} is how it is written`;
  return `service ${typeName} has no method ${cleanText(method)}; it has ${listNames(methods.map(({ name }) => name))}`;
}

function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, SHOWN_NAMES).map(cleanText).join(", ");
  return names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown;
}
