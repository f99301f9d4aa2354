/** .proto files to descriptors: protobufjs parses, and what it read is said again in descriptors of edition 2023, whatever the syntax. */

import { normalize } from "node:path/posix";
import { create } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  Edition,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  FeatureSet_EnumType as EnumKind,
  FeatureSetSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldDescriptorProto_Type as FieldType,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FeatureSet_MessageEncoding as MessageEncoding,
  FeatureSet_FieldPresence as Presence,
  FeatureSet_RepeatedFieldEncoding as Repeated,
  type ServiceDescriptorProto,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";
import { camelCase } from "../../codecs/protobuf/names.ts";

const MAX_FILES = 1000;
const MAX_FILE_CHARS = 8 * 1024 * 1024;

/** Where .proto files are. */
export interface ProtoSource {
  /** The files as they were named: paths. */
  readonly files: readonly string[];
  /** Folders that imports start from. */
  readonly paths: readonly string[];
  /** A file's text; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
  /** What to do about an import that is not found, as the end of a sentence. */
  readonly cure?: string;
}

/**
 * Descriptors of the files and of all that they import, dependencies first; those of google/protobuf that protobufjs knows are left
 * out. Throws an `Error` with one line that names the file, and the line within it for a fault of syntax.
 */
export function compileProtoFiles(source: ProtoSource): FileDescriptorProto[] {
  const { files, paths, read, cure = "name its folder with --proto-path" } = source;
  const root = new protobuf.Root();
  const parsed = new Map<string, ParsedFile>();
  /** Of google/protobuf, those that are there: a second time their types would be other ones of the same names. */
  const own = new Set<string>();
  /** A file that is named in two ways is one file, under the name that came first. */
  const load = (path: string, name: string, text: string): string => {
    const before = parsed.get(path);
    if (before !== undefined) return before.name;
    if (parsed.size >= MAX_FILES) throw new Error(`the .proto files import more than ${MAX_FILES} others`);
    const file = parse(name, text, root);
    // Before its imports: a circle of them ends here, and is refused where the files are put in order.
    parsed.set(path, file);
    file.imports = file.imports.map((dependency) => {
      const known = protobuf.common.get(dependency);
      if (known?.nested !== undefined) {
        if (!own.has(dependency)) root.addJSON(known.nested);
        own.add(dependency);
        return dependency;
      }
      for (const folder of paths) {
        const at = normalize(`${folder}/${dependency}`);
        const found = read(at);
        if (found !== undefined) return load(at, dependency, found);
      }
      const places = paths.map((folder) => JSON.stringify(folder)).join(", ");
      throw new Error(`${name} imports "${dependency}", which is not in ${places}; ${cure}`);
    });
    return name;
  };
  for (const path of files) {
    const text = read(normalize(path));
    if (text === undefined) throw new Error(`there is no file ${path}`);
    load(normalize(path), nameWithin(path, paths), text);
  }
  try {
    root.resolveAll();
  } catch (error) {
    throw new Error(`the .proto files do not fit together: ${(error as Error).message}`);
  }
  return [...parsed.values()].map((file) => describeFile(file, root));
}

interface ParsedFile {
  readonly name: string;
  readonly package: string;
  /** The option `java_package`; `""` for none. */
  readonly javaPackage: string;
  /** By the names that the files have here. */
  imports: readonly string[];
}

function parse(name: string, text: string, root: protobuf.Root): ParsedFile {
  if (text.length > MAX_FILE_CHARS) throw new Error(`${name} has more than ${MAX_FILE_CHARS} characters`);
  try {
    // It is a field of the parser, and gets into each object and each message of an error.
    (protobuf.parse as unknown as { filename: string | null }).filename = name;
    const result = protobuf.parse(text, root, { keepCase: true });
    return {
      name,
      package: result.package ?? "",
      javaPackage: takeJavaPackage(root, result.package),
      imports: [...(result.imports ?? []), ...(result.weakImports ?? [])],
    };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(message.includes(name) ? message : `${name}: ${message}`);
  }
}

/** A file's `java_package`. The parser keeps options by packages, which several files may be of: what one says is taken out again. */
function takeJavaPackage(root: protobuf.Root, name: string | null | undefined): string {
  let said = "";
  for (const scope of [name ? root.lookup(name) : null, root]) {
    const options = scope?.options as Record<string, unknown> | undefined;
    if (options === undefined || typeof options["java_package"] !== "string") continue;
    said ||= options["java_package"];
    delete options["java_package"];
  }
  return said;
}

/** A file's name as others import it: without the folder that imports start from. */
function nameWithin(path: string, paths: readonly string[]): string {
  const clean = normalize(path);
  for (const folder of paths.map((one) => `${normalize(one).replace(/\/+$/, "")}/`)) {
    if (clean.startsWith(folder)) return clean.slice(folder.length);
  }
  return clean;
}

function describeFile(file: ParsedFile, root: protobuf.Root): FileDescriptorProto {
  const scope = file.package === "" ? root : root.lookup(file.package);
  const own = scope instanceof protobuf.Namespace ? scope.nestedArray.filter((one) => one.filename === file.name) : [];
  return create(FileDescriptorProtoSchema, {
    name: file.name,
    package: file.package,
    dependency: [...file.imports],
    syntax: "editions",
    edition: Edition.EDITION_2023,
    ...(file.javaPackage === "" ? {} : { options: { javaPackage: file.javaPackage } }),
    messageType: own.filter((one) => one instanceof protobuf.Type).map(describeMessage),
    enumType: own.filter((one) => one instanceof protobuf.Enum).map(describeEnum),
    service: own.filter((one) => one instanceof protobuf.Service).map(describeService),
  });
}

function describeMessage(type: protobuf.Type): DescriptorProto {
  const entries: DescriptorProto[] = [];
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  const field = type.fieldsArray
    // Fields of an extension that is declared elsewhere hang here too.
    .filter((one) => one.declaringField === null || one.declaringField === undefined)
    .map((one) => describeField(one, oneofs, entries));
  return create(DescriptorProtoSchema, {
    name: type.name,
    field,
    oneofDecl: oneofs.map(({ name }) => ({ name })),
    nestedType: [...type.nestedArray.filter((one) => one instanceof protobuf.Type).map(describeMessage), ...entries],
    enumType: type.nestedArray.filter((one) => one instanceof protobuf.Enum).map(describeEnum),
  });
}

const SCALARS: Readonly<Record<string, FieldType>> = {
  double: FieldType.DOUBLE,
  float: FieldType.FLOAT,
  int64: FieldType.INT64,
  uint64: FieldType.UINT64,
  int32: FieldType.INT32,
  fixed64: FieldType.FIXED64,
  fixed32: FieldType.FIXED32,
  bool: FieldType.BOOL,
  string: FieldType.STRING,
  bytes: FieldType.BYTES,
  uint32: FieldType.UINT32,
  sfixed32: FieldType.SFIXED32,
  sfixed64: FieldType.SFIXED64,
  sint32: FieldType.SINT32,
  sint64: FieldType.SINT64,
};

type ResolvedType = Pick<FieldDescriptorProto, "type" | "typeName">;

function resolvedType(type: string, resolved: protobuf.Type | protobuf.Enum | null): ResolvedType {
  const scalar = SCALARS[type];
  if (scalar !== undefined) return { type: scalar, typeName: "" };
  if (resolved === null) throw new Error(`the .proto files do not say what ${type} is`);
  return {
    type: resolved instanceof protobuf.Enum ? FieldType.ENUM : FieldType.MESSAGE,
    typeName: resolved.fullName,
  };
}

function describeField(
  field: protobuf.Field,
  oneofs: readonly protobuf.OneOf[],
  entries: DescriptorProto[],
): FieldDescriptorProto {
  const jsonName = field.jsonName || camelCase(field.name);
  const common = { name: field.name, number: field.id, jsonName };
  if (field instanceof protobuf.MapField) {
    const entry = describeMapEntry(field);
    entries.push(entry);
    return create(FieldDescriptorProtoSchema, {
      ...common,
      label: Label.REPEATED,
      type: FieldType.MESSAGE,
      typeName: `${field.parent!.fullName}.${entry.name}`,
    });
  }
  const oneof = field.partOf === null ? -1 : oneofs.indexOf(field.partOf);
  const features = create(FeatureSetSchema, {
    messageEncoding: field.delimited ? MessageEncoding.DELIMITED : MessageEncoding.LENGTH_PREFIXED,
  });
  if (field.repeated) features.repeatedFieldEncoding = field.packed ? Repeated.PACKED : Repeated.EXPANDED;
  else if (oneof < 0) {
    const hasPresence = field.hasPresence || field.resolvedType instanceof protobuf.Type;
    if (field.required) features.fieldPresence = Presence.LEGACY_REQUIRED;
    else features.fieldPresence = hasPresence ? Presence.EXPLICIT : Presence.IMPLICIT;
  }
  return create(FieldDescriptorProtoSchema, {
    ...common,
    ...resolvedType(field.type, field.resolvedType),
    label: field.repeated ? Label.REPEATED : Label.OPTIONAL,
    options: { features },
    ...(oneof < 0 ? {} : { oneofIndex: oneof }),
  });
}

/** The message that stands behind a map, named as protoc names it. */
function describeMapEntry(field: protobuf.MapField): DescriptorProto {
  const camel = camelCase(field.name);
  const options = { features: create(FeatureSetSchema, { fieldPresence: Presence.EXPLICIT }) };
  return create(DescriptorProtoSchema, {
    name: `${camel[0]!.toUpperCase()}${camel.slice(1)}Entry`,
    options: { mapEntry: true },
    field: [
      { name: "key", jsonName: "key", number: 1, label: Label.OPTIONAL, options, ...resolvedType(field.keyType, null) },
      {
        name: "value",
        jsonName: "value",
        number: 2,
        label: Label.OPTIONAL,
        options,
        ...resolvedType(field.type, field.resolvedType),
      },
    ],
  });
}

function describeEnum(type: protobuf.Enum): EnumDescriptorProto {
  const features = (type as unknown as { _features: Readonly<Record<string, string>> })._features;
  const enumType = features["enum_type"] === "CLOSED" ? EnumKind.CLOSED : EnumKind.OPEN;
  return create(EnumDescriptorProtoSchema, {
    name: type.name,
    value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
    options: { allowAlias: true, features: create(FeatureSetSchema, { enumType }) },
  });
}

function describeService(service: protobuf.Service): ServiceDescriptorProto {
  return create(ServiceDescriptorProtoSchema, {
    name: service.name,
    method: service.methodsArray.map((method) => {
      if (method.resolvedRequestType === null || method.resolvedResponseType === null)
        throw new Error(`the .proto files do not say what ${method.fullName} takes and gives`);
      return {
        name: method.name,
        inputType: method.resolvedRequestType.fullName,
        outputType: method.resolvedResponseType.fullName,
        clientStreaming: method.requestStream === true,
        serverStreaming: method.responseStream === true,
      };
    }),
  });
}
