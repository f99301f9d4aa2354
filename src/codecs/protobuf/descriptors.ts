/**
 * File descriptors as protobuf's own compiler writes them, from what others give. Servers of Node (proto-loader with @grpc/reflection)
 * put all of a package into one made-up file without imports, leave out names in JSON, and name types by scope.
 */
import { clone } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { cleanText } from "../../base/clean-text.ts";
import { camelCase } from "./names.ts";

const MAX_DEPTH = 100;

/** Protobuf's own files, dependencies first: taken from here, whatever others say of them. */
export const WELL_KNOWN: readonly FileDescriptorProto[] = [
  file_google_protobuf_any,
  file_google_protobuf_source_context,
  file_google_protobuf_type,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
].map(({ proto }) => proto);

const WELL_KNOWN_TYPES = definitions(WELL_KNOWN);

/** Descriptors that fit together. */
export interface WholeDescriptors {
  /** Dependencies first. */
  readonly files: readonly FileDescriptorProto[];
  /** Types that are used and not defined, by the names that they may have. */
  readonly missing: readonly string[];
}

/**
 * Makes descriptors whole, in copies: each type named in full, names in JSON filled in, imports as the types need them, protobuf's own
 * files added. Throws an `Error` with one line for files that need each other, and for messages nested beyond reason.
 */
export function wholeDescriptors(given: readonly FileDescriptorProto[]): WholeDescriptors {
  const own = [...new Map(given.filter(isOwn).map((file) => [file.name, file])).values()];
  const files = own.map((file) => clone(FileDescriptorProtoSchema, file));
  const types = new Map([...WELL_KNOWN_TYPES, ...definitions(files)]);
  const missing = new Set<string>();
  const needs = new Map<FileDescriptorProto, Set<FileDescriptorProto>>();
  for (const file of files) {
    const needed = new Set<FileDescriptorProto>();
    walkReferences(file, (name, scope) => {
      const candidates = candidatesOf(name, scope);
      const found = candidates.find((one) => types.has(one));
      if (found === undefined) {
        for (const one of candidates) missing.add(one);
        return name;
      }
      needed.add(types.get(found)!);
      return `.${found}`;
    });
    needed.delete(file);
    needs.set(file, needed);
    file.dependency = [...needed].map(({ name }) => name);
    file.publicDependency = [];
    file.weakDependency = [];
  }
  return { files: inOrder(files, needs), missing: [...missing] };
}

/** Whether a file has anything that is not protobuf's own. */
function isOwn(file: FileDescriptorProto): boolean {
  if (WELL_KNOWN.some(({ name }) => name === file.name)) return false;
  return (
    file.package !== "google.protobuf" || [...definitions([file]).keys()].some((name) => !WELL_KNOWN_TYPES.has(name))
  );
}

/** Messages and enums by their full names, with their files. */
function definitions(files: readonly FileDescriptorProto[]): Map<string, FileDescriptorProto> {
  const found = new Map<string, FileDescriptorProto>();
  for (const file of files) {
    const add = (scope: string, { name, nestedType, enumType }: DescriptorProto, depth: number): void => {
      if (depth > MAX_DEPTH) throw new Error(`messages of ${cleanText(file.name)} are nested deeper than ${MAX_DEPTH}`);
      const full = within(scope, name);
      found.set(full, file);
      for (const one of enumType) found.set(within(full, one.name), file);
      for (const one of nestedType) add(full, one, depth + 1);
    };
    for (const one of file.enumType) found.set(within(file.package, one.name), file);
    for (const one of file.messageType) add(file.package, one, 0);
  }
  return found;
}

function within(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

/** Full names that a reference may mean, innermost scope first: a name with a leading dot is full already. */
function candidatesOf(name: string, scope: string): string[] {
  if (name.startsWith(".")) return [name.slice(1)];
  const candidates: string[] = [];
  for (let at = scope; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) candidates.push(`${at}.${name}`);
  return [...candidates, name];
}

type Rename = (name: string, scope: string) => string;

/** Has each name of a type renamed, and fills in the fields' names in JSON. */
function walkReferences(file: FileDescriptorProto, rename: Rename): void {
  const field = (one: FieldDescriptorProto, scope: string): void => {
    if (one.jsonName === "") one.jsonName = camelCase(one.name);
    if (one.typeName !== "") one.typeName = rename(one.typeName, scope);
    if (one.extendee !== "") one.extendee = rename(one.extendee, scope);
  };
  const message = (one: DescriptorProto, scope: string): void => {
    const full = within(scope, one.name);
    for (const each of [...one.field, ...one.extension]) field(each, full);
    for (const each of one.nestedType) message(each, full);
  };
  for (const one of file.messageType) message(one, file.package);
  for (const one of file.extension) field(one, file.package);
  for (const service of file.service) {
    for (const method of service.method) {
      method.inputType = rename(method.inputType, within(file.package, service.name));
      method.outputType = rename(method.outputType, within(file.package, service.name));
    }
  }
}

/** Needed files before those that need them, protobuf's own before all. */
function inOrder(
  files: readonly FileDescriptorProto[],
  needs: ReadonlyMap<FileDescriptorProto, ReadonlySet<FileDescriptorProto>>,
): FileDescriptorProto[] {
  const ordered: FileDescriptorProto[] = [...WELL_KNOWN];
  const state = new Map<FileDescriptorProto, "open" | "done">(WELL_KNOWN.map((file) => [file, "done"]));
  for (const root of files) {
    if (state.has(root)) continue;
    // By hand, not by recursion: a peer says how long the chain is.
    const stack = [{ file: root, rest: [...needs.get(root)!] }];
    state.set(root, "open");
    while (stack.length > 0) {
      const { file, rest } = stack[stack.length - 1]!;
      const next = rest.pop();
      if (next === undefined) {
        state.set(file, "done");
        ordered.push(file);
        stack.pop();
      } else if (state.get(next) === "open") {
        throw new Error(`${cleanText(file.name)} and ${cleanText(next.name)} need each other's types`);
      } else if (!state.has(next)) {
        state.set(next, "open");
        stack.push({ file: next, rest: [...needs.get(next)!] });
      }
    }
  }
  return ordered;
}
