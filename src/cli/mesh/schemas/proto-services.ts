/** Proto files and descriptor sets of the configuration to the types of their gRPC services. */
import { dirname, normalize } from "node:path";
import { createSchema, readDescriptorSet, type Schema } from "../../../codecs/protobuf/schema.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { compileProtoFiles } from "../../triple/proto-files.ts";
import { encodeService } from "./encode-service.ts";
import { ProtoFault } from "./proto-fault.ts";

/** A file of the configuration, and what it may import. */
export interface ProtoInput {
  readonly path: string;
  readonly content: Buffer;
  /** Folders that imports start from; that of the file is one too. */
  readonly folders: readonly string[];
  /** A file's text; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
}

/**
 * The gRPC services that a file defines, each with all that its messages need; none for a .proto without a service, which counts where
 * others import it. Throws `ProtoFault`.
 */
export function readProtoServices(input: ProtoInput): ServiceSchema[] {
  const { path, content } = input;
  if (!/\.proto$/i.test(path)) return fromDescriptors(path, content);
  const text = content.toString("utf8");
  return /\bservice\b/.test(text) ? fromProto(input, text) : [];
}

function fromDescriptors(path: string, content: Buffer): ServiceSchema[] {
  try {
    return schemasOf(createSchema(readDescriptorSet(content, path), path), path);
  } catch (error) {
    if (error instanceof ProtoFault) throw error;
    throw new ProtoFault(path, (error as Error).message);
  }
}

function fromProto({ path, folders, read }: ProtoInput, text: string): ServiceSchema[] {
  const own = normalize(path);
  const tried: string[] = [];
  const find = (at: string): string | undefined => {
    const found = at === own ? text : read(at);
    if (found !== undefined) tried.push(at);
    return found;
  };
  try {
    const paths = [...new Set([...folders, dirname(path)].map((folder) => normalize(folder)))];
    const cure = "name its folder in protos (--protos)";
    const files = compileProtoFiles({ files: [path], paths, read: find, cure });
    return schemasOf(createSchema(files, path), path, files[0]!.name);
  } catch (error) {
    if (error instanceof ProtoFault) throw error;
    const { message } = error as Error;
    throw new ProtoFault(placeOf(message, tried) ?? path, message);
  }
}

/** protobufjs tells the place of a fault within its text: `illegal token 'x' (shop.proto, line 5)`. */
function placeOf(message: string, tried: readonly string[]): string | undefined {
  const [, name, line] = /\(([^()]+), line (\d+)\)/.exec(message) ?? [];
  if (name === undefined) return undefined;
  const path = tried.findLast((one) => one === name || one.endsWith(`/${name}`)) ?? name;
  return `${path}:${line}`;
}

/** The services of a schema, or those of its file `name` alone. */
function schemasOf(schema: Schema, path: string, name?: string): ServiceSchema[] {
  return schema.services.flatMap((typeName) => {
    const service = schema.types.getService(typeName);
    if (service === undefined || (name !== undefined && service.file.proto.name !== name)) return [];
    return [{ name: typeName, protobuf: encodeService(service, path) }];
  });
}
