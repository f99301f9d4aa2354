/** gRPC services out of the schemas that control publishes: descriptors are read once for each schema, not for each call. */
import type { DescMethod, Registry } from "@bufbuild/protobuf";
import { CallError } from "../../base/errors.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { rememberTypes } from "./any.ts";
import { createSchema, readDescriptorSet } from "./schema.ts";

/** A service whose methods' messages are known. */
export interface GrpcService {
  readonly name: string;
  readonly types: Registry;
  /** By the name in the .proto file. */
  readonly methods: ReadonlyMap<string, DescMethod>;
}

const compiled = new WeakMap<ServiceSchema, GrpcService | CallError>();

/**
 * The gRPC service of a schema; undefined where the schema knows no protobuf. Throws CallError `internal` for descriptors that cannot be
 * read or that lack the service.
 */
export function grpcServiceOf(schema: ServiceSchema | undefined): GrpcService | undefined {
  if (schema?.protobuf === undefined) return undefined;
  let service = compiled.get(schema);
  if (service === undefined) {
    service = compile(schema.name, schema.protobuf);
    compiled.set(schema, service);
  }
  if (service instanceof CallError) throw service;
  return service;
}

function compile(name: string, protobuf: string): GrpcService | CallError {
  const origin = `the schema of ${name}`;
  try {
    const { types } = createSchema(readDescriptorSet(Buffer.from(protobuf, "base64"), origin), origin);
    rememberTypes(types);
    const found = types.getService(name);
    if (found === undefined) return new CallError("internal", "internal", `${origin} has no service of that name`);
    return { name, types, methods: new Map(found.methods.map((method) => [method.name, method])) };
  } catch (error) {
    return new CallError("internal", "internal", (error as Error).message);
  }
}

/** The method that a caller of Java names: with that very name, or with its first letter large. */
export function grpcMethodOfJava(service: GrpcService, name: string): DescMethod | undefined {
  return service.methods.get(name) ?? service.methods.get(name.slice(0, 1).toUpperCase() + name.slice(1));
}

/** A gRPC method's name in Java: its first letter small, as Dubbo's own generator has it. */
export function javaNameOf(method: string): string {
  return method.slice(0, 1).toLowerCase() + method.slice(1);
}
