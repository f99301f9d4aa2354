import type { DescField, Registry } from "@bufbuild/protobuf";

/** Names of descriptor.proto's LabelPresence. */
const PRESENCE = ["", "explicit", "implicit", "required"];

/** All types whose names start with `prefix`, a line for each of their parts: what two compilers must agree on. */
export function outline(types: Registry, prefix: string): string[] {
  return [...types]
    .filter(({ typeName, kind }) => typeName.startsWith(prefix) && kind !== "extension")
    .sort((a, b) => (a.typeName < b.typeName ? -1 : 1))
    .flatMap((type) => {
      const head = `${type.kind} ${type.typeName}`;
      if (type.kind === "message") return [head, ...type.fields.map(fieldLine)];
      if (type.kind === "enum") {
        return [
          `${head}${type.open ? "" : ", closed"}`,
          ...type.values.map(({ name, number }) => `  ${number} ${name}`),
        ];
      }
      if (type.kind !== "service") return [];
      const lines = type.methods.map(
        ({ name, methodKind, input, output }) => `  ${name}: ${methodKind}, ${input.typeName} -> ${output.typeName}`,
      );
      return [head, ...lines];
    });
}

function fieldLine(field: DescField): string {
  const presence = PRESENCE[field.presence] ?? "?";
  const oneof = field.oneof === undefined ? "" : `, oneof ${field.oneof.name}`;
  return `  ${field.number} ${field.name} ${field.jsonName}: ${kindOf(field)}, ${presence}${oneof}`;
}

function kindOf(field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return `scalar ${field.scalar}`;
    case "enum":
      return `enum ${field.enum.typeName}`;
    case "message":
      return `message ${field.message.typeName}${field.delimitedEncoding ? " delimited" : ""}`;
    case "map":
      return `map of ${field.mapKey} to ${field.scalar ?? field.enum?.typeName ?? field.message?.typeName}`;
    case "list": {
      const item = field.scalar ?? field.enum?.typeName ?? field.message?.typeName;
      const isDelimited = field.listKind === "message" && field.delimitedEncoding;
      return `list of ${item}${field.packed ? " packed" : ""}${isDelimited ? " delimited" : ""}`;
    }
    default:
      return field satisfies never;
  }
}
