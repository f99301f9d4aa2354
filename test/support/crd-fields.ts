import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { ObjectShape, Shape } from "../../src/control/rules/schema.ts";

/** Types that Istio's own CRDs have, as the package @kubernetes-models/istio was made from them: one interface a kind. */
const FOLDER = fileURLToPath(new URL("../../node_modules/@kubernetes-models/istio", import.meta.url));

/**
 * Every field of the spec of a kind, as Istio's CRD has them: paths such as `http[].match[].uri.exact`, `*` for the free keys of a map,
 * each with its type: `object`, `list`, `map`, `text`, `number`, `boolean`, or its words parted by `|`.
 */
export function crdFields(group: string, version: string, kind: string): ReadonlyMap<string, string> {
  const file = join(FOLDER, group, version, `${kind}.d.ts`);
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  const fields = new Map<string, string>();
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== `I${kind}`) continue;
    const spec = statement.members.filter(ts.isPropertySignature).find(({ name }) => nameOf(name) === "spec");
    walk(spec?.type, "", fields);
  }
  return fields;
}

function walk(type: ts.TypeNode | undefined, path: string, fields: Map<string, string>): void {
  const note = (what: string): void => {
    if (path !== "") fields.set(path, what);
  };
  if (type === undefined) return;
  // An object of which one field of several may stand is written as itself, joined to all that may be.
  if (ts.isIntersectionTypeNode(type)) {
    walk(type.types[0], path, fields);
    return;
  }
  if (ts.isTypeReferenceNode(type)) {
    note("list");
    walk(type.typeArguments?.[0], `${path}[]`, fields);
    return;
  }
  if (!ts.isTypeLiteralNode(type)) {
    note(plainType(type));
    return;
  }
  const free = type.members.find(ts.isIndexSignatureDeclaration);
  note(free === undefined ? "object" : "map");
  if (free !== undefined) walk(free.type, `${path}.*`, fields);
  for (const member of type.members)
    if (ts.isPropertySignature(member))
      walk(member.type, `${path}${path === "" ? "" : "."}${nameOf(member.name)}`, fields);
}

function plainType(type: ts.TypeNode): string {
  if (ts.isUnionTypeNode(type)) return type.types.map(plainType).join("|");
  if (ts.isLiteralTypeNode(type)) return ts.isStringLiteral(type.literal) ? type.literal.text : "null";
  switch (type.kind) {
    case ts.SyntaxKind.StringKeyword:
      return "text";
    case ts.SyntaxKind.NumberKeyword:
      return "number";
    case ts.SyntaxKind.BooleanKeyword:
      return "boolean";
    default:
      return "anything";
  }
}

function nameOf(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteral(name) ? name.text : "";
}

/** The same of one of Trestle's own shapes. What is read as `duration` is a text in the CRD. */
export function shapeFields(shape: ObjectShape): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  walkShape(shape, "", fields);
  return fields;
}

function walkShape(shape: Shape, path: string, fields: Map<string, string>): void {
  const note = (what: string): void => {
    if (path !== "") fields.set(path, what);
  };
  switch (shape.type) {
    case "object":
      note("object");
      for (const [name, field] of Object.entries(shape.fields))
        walkShape(field.shape, `${path}${path === "" ? "" : "."}${name}`, fields);
      return;
    case "map":
      note("map");
      walkShape(shape.of, `${path}.*`, fields);
      return;
    case "list":
      note("list");
      walkShape(shape.of, `${path}[]`, fields);
      return;
    case "choice":
      note(shape.of.join("|"));
      return;
    case "duration":
    case "text":
      note("text");
      return;
    case "integer":
    case "number":
      note("number");
      return;
    default:
      note(shape.type);
  }
}
