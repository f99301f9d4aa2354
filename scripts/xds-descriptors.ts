// Writes src/codecs/xds/gen/descriptors.ts: the descriptors of all messages and services of the control plane, as one FileDescriptorSet.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { clone, create, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FileOptionsSchema,
  FeatureSet_FieldPresence as Presence,
  FeatureSet_RepeatedFieldEncoding as Repeated,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { compileProtoFiles } from "../src/cli/triple/proto-files.ts";
import { wholeDescriptors } from "../src/codecs/protobuf/descriptors.ts";
import { DESCRIPTORS, descriptorsKey, PROTO_FILES, PROTO_PATHS } from "./xds-protos.mjs";

const found = (name: string): string => {
  const path = PROTO_PATHS.map((folder) => `${folder}/${name}`).find(existsSync);
  if (path === undefined) throw new Error(`no package has ${name}`);
  return path;
};
/** Files that have nothing but options for other files, which mean nothing here: they are taken to be empty. */
const annotations = /\/(validate\/validate|(udpa|xds|envoy)\/annotations\/|google\/api\/annotations)/;
/** Fields that stock Envoys know and the package's protos do not yet: what is written behind a text of a file. */
const newer: Readonly<Record<string, readonly (readonly [text: string, more: string])[]>> = {
  "envoy/config/cluster/v3/circuit_breaker.proto": [
    ['import "google/protobuf/wrappers.proto";', 'import "google/protobuf/duration.proto";'],
    ["    message RetryBudget {", "google.protobuf.Duration budget_interval = 3;"],
  ],
  "envoy/extensions/upstreams/http/v3/http_protocol_options.proto": [
    ['import "envoy/config/core/v3/protocol.proto";', 'import "envoy/config/common/matcher/v3/matcher.proto";'],
    [
      "message HttpProtocolOptions {",
      "message OutlierDetection { config.common.matcher.v3.MatchPredicate error_matcher = 1; }\nOutlierDetection outlier_detection = 8;",
    ],
  ],
};
const read = (path: string): string | undefined => {
  if (!existsSync(path)) return undefined;
  if (annotations.test(path)) return 'syntax = "proto3";';
  let text = readFileSync(path, "utf8");
  for (const [line, more] of Object.entries(newer).find(([name]) => path.endsWith(name))?.[1] ?? []) {
    if (text.split(line).length !== 2 || text.includes(more)) throw new Error(`${path} is not what it was`);
    text = text.replace(line, `${line}\n${more}`);
  }
  return text;
};

const compiled = compileProtoFiles({ files: PROTO_FILES.map(found), paths: PROTO_PATHS, read }).filter(
  ({ messageType, enumType, service }) => messageType.length + enumType.length + service.length > 0,
);
const { files, missing } = wholeDescriptors(compiled);
if (missing.length > 0) throw new Error(`the protos lack ${missing.join(", ")}`);
const own = files.filter(({ name }) => !name.startsWith("google/protobuf/")).map(bare);
const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: own }));
const text = `// ${descriptorsKey()}
// Made by scripts/xds-descriptors.ts from the protos of @grpc/grpc-js-xds and src/codecs/xds/proto; see there for what is in it.

/** A FileDescriptorSet in base64, without protobuf's own files. */
export const XDS_DESCRIPTORS =
  "${Buffer.from(bytes).toString("base64")}";
`;
mkdirSync(dirname(DESCRIPTORS), { recursive: true });
const draft = `${DESCRIPTORS}.${process.pid}`;
writeFileSync(draft, text);
renameSync(draft, DESCRIPTORS);
console.log(`${DESCRIPTORS}: ${own.length} files, ${bytes.length} bytes`);

/** A file that says once what most of its fields have, and nothing that means nothing. */
function bare(file: FileDescriptorProto): FileDescriptorProto {
  const copy = clone(FileDescriptorProtoSchema, file);
  copy.options = create(FileOptionsSchema, { features: { fieldPresence: Presence.IMPLICIT } });
  for (const message of copy.messageType) bareMessage(message);
  for (const one of copy.enumType) bareEnum(one);
  return copy;
}

function bareMessage(message: DescriptorProto): void {
  for (const field of message.field) {
    const features = field.options?.features;
    const packable = field.type !== Type.STRING && field.type !== Type.BYTES && field.type !== Type.MESSAGE;
    const expanded = packable && features?.repeatedFieldEncoding === Repeated.EXPANDED;
    const explicit = packable || field.type !== Type.MESSAGE ? features?.fieldPresence === Presence.EXPLICIT : false;
    delete field.options;
    if (expanded)
      field.options = create(FieldOptionsSchema, { features: { repeatedFieldEncoding: Repeated.EXPANDED } });
    else if (explicit) field.options = create(FieldOptionsSchema, { features: { fieldPresence: Presence.EXPLICIT } });
  }
  for (const nested of message.nestedType) bareMessage(nested);
  for (const one of message.enumType) bareEnum(one);
}

function bareEnum(one: EnumDescriptorProto): void {
  if (new Set(one.value.map(({ number }) => number)).size === one.value.length) delete one.options;
}
