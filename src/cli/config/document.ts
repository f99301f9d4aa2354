import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { ConfigError } from "../../base/errors.ts";
import { checkYamlDepth } from "../../base/yaml-documents.ts";
import { describeYamlFault } from "../../base/yaml-fault.ts";

/** What a key of a configuration document may hold. */
export type Shape =
  | { readonly type: "port" | "number" }
  /** true or false. */
  | { readonly type: "flag" }
  /** A text that is not empty; `what` says which where another type is given, such as `a time such as 5m`. */
  | { readonly type: "string"; readonly what?: string }
  /** As a string, but may be empty. */
  | { readonly type: "text" }
  /** Any names, all with values of one shape. */
  | { readonly type: "table"; readonly values: Shape }
  /** One port or a list of ports, kept as it is given. */
  | { readonly type: "ports" }
  | { readonly type: "list"; readonly items: Shape; readonly orSingle?: boolean }
  | { readonly type: "map"; readonly keys: Readonly<Record<string, KeyShape>> };

/** A key with what its value means, for `trestle config --explain`. */
export interface KeyShape {
  readonly shape: Shape;
  readonly required?: boolean;
  readonly doc: string;
  readonly default?: string;
  /** The key whose own keys it has, so that they are explained there alone. */
  readonly sameAs?: string;
  /** Why the key may not be given although it has a meaning, as the end of a sentence that starts with its name. */
  readonly refused?: string;
}

/** A checked document: plain values, and where each stands for errors that are found later. */
export interface CheckedDocument {
  readonly value: unknown;
  readonly errors: readonly ConfigError[];
  /** An error at a path such as `facades[0].url`. */
  errorAt(path: string, message: string): ConfigError;
}

const MAX_BYTES = 1024 * 1024;

/**
 * Reads YAML text and holds it against a shape: syntax errors, unknown keys, wrong types and missing keys are all found, each with
 * line and column. The value keeps the shape whatever was wrong: what is missing or of another type is empty in it.
 */
export function checkDocument(file: string, text: string, shape: Shape): CheckedDocument {
  const lines = new LineCounter();
  const positions = new Map<string, number>();
  const errors: ConfigError[] = [];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errorAt = (path: string, message: string) => {
    let known = path;
    while (known !== "" && !positions.has(known)) known = parentOf(known);
    return new ConfigError(path, message, at(positions.get(known) ?? 0));
  };
  if (text.length > MAX_BYTES) {
    return { value: undefined, errors: [errorAt("", `the file is over ${MAX_BYTES} bytes`)], errorAt };
  }
  try {
    checkYamlDepth(text);
  } catch (error) {
    return { value: undefined, errors: [errorAt("", (error as Error).message)], errorAt };
  }
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  for (const error of document.errors)
    errors.push(new ConfigError("", describeYamlFault(error, text), at(error.pos[0])));
  if (errors.length > 0) return { value: undefined, errors, errorAt };

  const walk = (node: Node | null, expected: Shape, path: string): unknown => {
    if (node?.range) positions.set(path, node.range[0]);
    if (isAlias(node)) {
      errors.push(errorAt(path, `${path} is a YAML alias; write the value itself`));
      return emptyOf(expected);
    }
    switch (expected.type) {
      case "map":
        return walkMap(node, expected.keys, path);
      case "table":
        return walkTable(node, expected.values, path);
      case "list":
        if (isSeq(node)) return node.items.map((item, i) => walk(item as Node, expected.items, `${path}[${i}]`));
        if (expected.orSingle === true && node !== null) return [walk(node, expected.items, path)];
        errors.push(errorAt(path, `${path} must be a list`));
        return [];
      case "ports":
        if (isSeq(node)) return node.items.map((item, i) => walk(item as Node, { type: "port" }, `${path}[${i}]`));
        return walkScalar(node, "port", path);
      default:
        return walkScalar(node, expected.type, path, expected.type === "string" ? expected.what : undefined);
    }
  };
  const walkMap = (node: Node | null, keys: Readonly<Record<string, KeyShape>>, path: string): unknown => {
    if (node !== null && !isMap(node)) {
      errors.push(errorAt(path, `${path === "" ? "the document" : path} must be a map`));
      return emptyOf({ type: "map", keys });
    }
    let refused = false;
    const found: Record<string, unknown> = Object.create(null);
    for (const pair of (node as YAMLMap<Node, Node | null> | null)?.items ?? []) {
      const name = isScalar(pair.key) ? String(pair.key.value) : "";
      const inner = path === "" ? name : `${path}.${name}`;
      if (pair.key.range) positions.set(inner, pair.key.range[0]);
      const key = keys[name];
      if (key === undefined)
        errors.push(errorAt(inner, `unknown key ${inner}; known here: ${knownNames(keys).join(", ")}`));
      else if (key.refused !== undefined) {
        refused = true;
        errors.push(errorAt(inner, `${inner} ${key.refused}`));
      } else found[name] = walk(pair.value, key.shape, inner);
    }
    for (const [name, key] of Object.entries(keys)) {
      if (key.required !== true || name in found) continue;
      const inner = path === "" ? name : `${path}.${name}`;
      // What stands there in its place is reported already.
      if (!refused) errors.push(errorAt(inner, `${inner} is missing`));
      found[name] = emptyOf(key.shape);
    }
    return found;
  };
  const walkTable = (node: Node | null, values: Shape, path: string): unknown => {
    const found: Record<string, unknown> = Object.create(null);
    if (!isMap(node)) {
      errors.push(errorAt(path, `${path} must be a map`));
      return found;
    }
    for (const pair of (node as YAMLMap<Node, Node | null>).items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : "";
      const inner = `${path}.${name}`;
      if (pair.key.range) positions.set(inner, pair.key.range[0]);
      if (name === "") errors.push(errorAt(inner, `${path} has an empty name`));
      else found[name] = walk(pair.value, values, inner);
    }
    return found;
  };
  const walkScalar = (
    node: Node | null,
    type: "string" | "port" | "number" | "text" | "flag",
    path: string,
    what = "a text",
  ): unknown => {
    const value = isScalar(node) ? node.value : undefined;
    if (type === "number") {
      if (typeof value === "number" && Number.isFinite(value)) return value;
      errors.push(errorAt(path, `${path} must be a number`));
      return 0;
    }
    if (type === "flag") {
      if (typeof value !== "boolean") errors.push(errorAt(path, `${path} must be true or false`));
      return value === true;
    }
    if (type === "text" && typeof value === "string") return value;
    if (type === "port") {
      if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
      errors.push(errorAt(path, `${path} must be a port number from 0 to 65535`));
      return 0;
    }
    if (typeof value === "string" && value !== "") return value;
    errors.push(errorAt(path, `${path} must be ${what}`));
    return "";
  };
  return { value: walk(document.contents as Node | null, shape, ""), errors, errorAt };
}

function knownNames(keys: Readonly<Record<string, KeyShape>>): string[] {
  return Object.keys(keys).filter((name) => keys[name]?.refused === undefined);
}

/** `a.b[0]` of `a.b[0].c`, `a.b` of `a.b[0]`, `""` of `a`. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("."), path.lastIndexOf("[")));
}

function emptyOf(shape: Shape): unknown {
  if (shape.type === "list" || shape.type === "ports") return [];
  if (shape.type === "port" || shape.type === "number") return 0;
  if (shape.type === "flag") return false;
  if (shape.type === "table") return {};
  if (shape.type !== "map") return "";
  const required = Object.entries(shape.keys).filter(([, key]) => key.required === true);
  return Object.fromEntries(required.map(([name, key]) => [name, emptyOf(key.shape)]));
}
