/** One gRPC service's part of a schema, as a FileDescriptorSet that stands by itself. */
import {
  clone,
  create,
  type DescEnum,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  FieldDescriptorProto_Type as FieldType,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

/** Kinds of fields that have a type of their own. */
const NAMED: ReadonlySet<FieldType> = new Set([FieldType.MESSAGE, FieldType.GROUP, FieldType.ENUM]);

/** The package of protobuf's own files, which stay whole. */
const GOOGLE = "google.protobuf";

/**
 * A FileDescriptorSet with the service and the types that its messages reach, dependencies first; protobuf's own files stand in it
 * whole where they are needed. Left out are other services and types, extensions and comments.
 */
export function serviceFiles(service: Pick<DescService, "name" | "file" | "methods">): Uint8Array {
  const needed = reach(service.methods);
  const files = new Set<DescFile>([service.file]);
  for (const type of needed) files.add(type.file);
  // What is added on the way is looked at too.
  for (const { proto, dependencies } of files)
    if (proto.package === GOOGLE) for (const dependency of dependencies) files.add(dependency);
  const ordered = inOrder(service.file, files);
  const names = new Set(ordered.map(({ proto }) => proto.name));
  const file = ordered.map((one) => prune(one, needed, names, one === service.file ? service.name : undefined));
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

/** Messages and enums at the top of their files that the methods need, or that are needed by what stands within them. */
function reach(methods: readonly DescMethod[]): ReadonlySet<DescMessage | DescEnum> {
  const found = new Set<DescMessage | DescEnum>();
  const open: DescMessage[] = [];
  const add = (type: DescMessage | DescEnum): void => {
    let top: DescMessage | DescEnum = type;
    while (top.parent !== undefined) top = top.parent;
    if (found.has(top)) return;
    found.add(top);
    if (top.kind === "message") open.push(top);
  };
  for (const { input, output } of methods) {
    add(input);
    add(output);
  }
  for (let message = open.pop(); message !== undefined; message = open.pop()) {
    for (const field of message.fields) {
      if (field.message !== undefined) add(field.message);
      if (field.enum !== undefined) add(field.enum);
    }
    open.push(...message.nestedMessages);
  }
  return found;
}

/** The wanted files, dependencies first. */
function inOrder(root: DescFile, wanted: ReadonlySet<DescFile>): DescFile[] {
  const ordered: DescFile[] = [];
  const seen = new Set<DescFile>([root]);
  // By hand, not by recursion: whoever wrote the files says how long the chain is.
  const stack = [{ file: root, rest: [...root.dependencies] }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.rest.pop();
    if (next === undefined) {
      if (wanted.has(top.file)) ordered.push(top.file);
      stack.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ file: next, rest: [...next.dependencies] });
    }
  }
  return ordered;
}

function prune(
  { proto, messages, enums }: DescFile,
  needed: ReadonlySet<DescMessage | DescEnum>,
  files: ReadonlySet<string>,
  service: string | undefined,
): FileDescriptorProto {
  const file = clone(FileDescriptorProtoSchema, proto);
  delete file.sourceCodeInfo;
  if (file.package === GOOGLE) return file;
  const kept = new Set([...messages, ...enums].filter((type) => needed.has(type)).map(({ proto: { name } }) => name));
  file.messageType = file.messageType.filter(({ name }) => kept.has(name));
  file.enumType = file.enumType.filter(({ name }) => kept.has(name));
  file.service = file.service.filter(({ name }) => name === service);
  file.dependency = file.dependency.filter((name) => files.has(name));
  file.extension = [];
  for (const message of file.messageType) dropRest(message);
  return file;
}

/** Extensions, and the names of types that stand with fields of numbers and text. */
function dropRest(message: DescriptorProto): void {
  message.extension = [];
  for (const field of message.field) if (!NAMED.has(field.type)) field.typeName = "";
  for (const nested of message.nestedType) dropRest(nested);
}
