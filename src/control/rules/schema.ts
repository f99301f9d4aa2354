import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";
import type { Position } from "../../base/errors.ts";
import type { SourceMap } from "../../model/rules/located.ts";
import type { Report, RuleFindingCode } from "./findings.ts";
import { parseDuration } from "./values.ts";

/** A check of one text or number: says what is wrong, with the code to report it under, or nothing. */
export type Check<T> = (value: T) => { readonly code: RuleFindingCode; readonly problem: string } | undefined;

/** What a YAML node must be, and what it is read into. */
export type Shape =
  | { readonly type: "text"; readonly check?: Check<string> }
  | { readonly type: "number"; readonly min: number; readonly max: number }
  | { readonly type: "integer"; readonly min: number; readonly max: number }
  | { readonly type: "boolean" }
  /** Read into milliseconds. */
  | { readonly type: "duration"; readonly minMs: number }
  | { readonly type: "choice"; readonly of: readonly string[] }
  | { readonly type: "list"; readonly of: Shape; readonly min?: number }
  /** Free keys; read into a record without prototype. */
  | { readonly type: "map"; readonly of: Shape; readonly key?: Check<string> }
  | ObjectShape
  /** Taken unread. */
  | { readonly type: "anything" };

/** Read into an object that carries its {@link SourceMap} as `at`; `into` then makes of it what the model wants. */
export interface ObjectShape {
  readonly type: "object";
  readonly fields: Readonly<Record<string, Field>>;
  /** Lists of fields of which at most one may stand. */
  readonly exclusive?: readonly (readonly string[])[];
  /** Turns the object into something else, or reports what is wrong with it as a whole. */
  readonly into?: (value: ReadObject, context: ReadContext, path: string) => unknown;
}

/** What one key of an object may hold and what becomes of it. */
export interface Field {
  readonly shape: Shape;
  readonly required?: boolean;
  /** YAML's null is taken as if the field were not there, as tools that print objects write it. */
  readonly nullable?: true;
  /** The name in the model where it is another. */
  readonly as?: string;
  /** Read and checked, but not taken into the model unless `kept`: which code says so, and what follows. */
  readonly unused?: { readonly code: RuleFindingCode; readonly why: string; readonly kept?: true };
}

/** An object that was read as its schema says: fields under the model's names, and nothing else but their places. */
export type ReadObject = { readonly at: SourceMap } & Record<string, unknown>;

/** What reading a document needs to know; one per document. */
export interface ReadContext {
  /** Where the text stands; of an object that comes from no file, what it is called, see {@link isObject}. */
  readonly file: string;
  /** Whether the text is an object of Kubernetes': places in it are told by fields, since it has no lines that people know. */
  readonly isObject?: boolean;
  readonly lines: LineCounter;
  readonly report: Report;
  /** Nodes still allowed; aliases may not multiply a small file into a large one. */
  budget: number;
}

const MAX_DEPTH = 64;
/** Unknown fields of an object for which a known one is looked for. */
const MAX_HINTS = 100;

/** Place of a node, which stands at a path such as `VirtualService.spec.hosts`; the start of the file where it has none. */
export function positionOf(
  node: unknown,
  context: Pick<ReadContext, "file" | "lines" | "isObject">,
  path = "",
): Position {
  if (context.isObject === true) {
    const field = path.slice(path.indexOf(".") + 1);
    const isWhole = field === "" || field === path;
    return { file: isWhole ? context.file : `${context.file} ${field}`, line: 0, column: 0 };
  }
  const range = (node as Node | null | undefined)?.range;
  if (range === undefined || range === null) return { file: context.file, line: 1, column: 1 };
  const place = context.lines.linePos(range[0]);
  return { file: context.file, line: Math.max(1, place.line), column: Math.max(1, place.col) };
}

/** Reads one node, whose aliases are resolved, as `shape` says. Everything wrong is reported, nothing thrown; what can't be read is undefined. */
export function readNode(node: unknown, shape: Shape, path: string, context: ReadContext, depth = 0): unknown {
  if (--context.budget < 0 || depth > MAX_DEPTH) {
    if (context.budget === -1 || depth > MAX_DEPTH)
      context.report(
        "TR0216",
        positionOf(node, context, path),
        `${path} is nested or repeated past the limit of a document`,
      );
    context.budget = Math.min(context.budget, -1);
    return undefined;
  }
  const fail = (code: RuleFindingCode, problem: string): undefined => {
    context.report(code, positionOf(node, context, path), `${path} ${problem}`);
    return undefined;
  };
  if (isAlias(node)) return fail("TR0202", `is *${node.source}, but no anchor &${node.source} stands before it`);
  switch (shape.type) {
    case "anything":
      return null;
    case "object":
      return isMap(node) ? readObject(node, shape, path, context, depth) : fail("TR0207", mustBe("an object", node));
    case "map":
      return isMap(node) ? readMap(node, shape, path, context, depth) : fail("TR0207", mustBe("an object", node));
    case "list": {
      if (!isSeq(node)) return fail("TR0207", mustBe("a list", node));
      if (node.items.length < (shape.min ?? 0)) return fail("TR0208", `needs at least ${shape.min} element`);
      const values = node.items.map((item, i) => readNode(item, shape.of, `${path}[${i}]`, context, depth + 1));
      return values.some((value) => value === undefined) ? undefined : values;
    }
    default:
      return readScalar(isScalar(node) ? node.value : node, shape, fail);
  }
}

type ScalarShape = Exclude<Shape, { readonly type: "anything" | "object" | "map" | "list" }>;
type Fail = (code: RuleFindingCode, problem: string) => undefined;

function readScalar(value: unknown, shape: ScalarShape, fail: Fail): string | number | boolean | undefined {
  switch (shape.type) {
    case "boolean":
      return typeof value === "boolean" ? value : fail("TR0207", mustBe("true or false", value));
    case "number":
    case "integer": {
      if (typeof value !== "number" || (shape.type === "integer" && !Number.isInteger(value)))
        return fail("TR0207", mustBe(shape.type === "integer" ? "a whole number" : "a number", value));
      if (!(value >= shape.min && value <= shape.max))
        return fail("TR0209", `is ${value}; it must be from ${shape.min} to ${shape.max}`);
      return value;
    }
    case "text": {
      if (typeof value !== "string") return fail("TR0207", mustBe("a text", value));
      const wrong = shape.check?.(value);
      return wrong === undefined ? value : fail(wrong.code, wrong.problem);
    }
    case "choice": {
      // YAML's null where that is one of the words.
      if (value === null && shape.of.includes("null")) return "null";
      if (typeof value !== "string") return fail("TR0207", mustBe("a text", value));
      return shape.of.includes(value)
        ? value
        : fail("TR0209", `is ${quote(value)}; it must be one of ${shape.of.join(", ")}`);
    }
    case "duration": {
      if (typeof value !== "string") return fail("TR0207", mustBe('a duration such as "1.5s" or "200ms"', value));
      const ms = parseDuration(value);
      if (ms === undefined) return fail("TR0210", `is ${quote(value)}, which is no duration such as "1.5s" or "200ms"`);
      return ms >= shape.minMs ? ms : fail("TR0210", `is ${quote(value)}; it must be at least ${shape.minMs}ms`);
    }
    default:
      return shape satisfies never;
  }
}

type YamlMap = { readonly items: readonly { readonly key: unknown; readonly value: unknown }[] } & object;

function readObject(map: YamlMap, shape: ObjectShape, path: string, context: ReadContext, depth: number): unknown {
  const fields: Record<string, Position> = Object.create(null);
  const at: SourceMap = { position: positionOf(map, context, path), fields };
  const value: Record<string, unknown> & { at: SourceMap } = { at };
  const present: string[] = [];
  let whole = true;
  let unknown = 0;
  for (const { key, value: node } of map.items) {
    const name = keyText(key);
    const position = positionOf(key, context, `${path}.${name ?? ""}`);
    const field = name !== undefined && Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (name === undefined || field === undefined) {
      context.report(
        "TR0206",
        position,
        `unknown field ${quote(name ?? "?")} in ${path}${++unknown > MAX_HINTS ? "" : nearest(name, shape.fields)}`,
      );
      continue;
    }
    if (field.nullable === true && isScalar(node) && node.value === null) continue;
    fields[name] = position;
    present.push(name);
    const read = readNode(node, field.shape, `${path}.${name}`, context, depth + 1);
    if (read === undefined) whole = false;
    if (field.unused !== undefined) context.report(field.unused.code, position, `${path}.${name} ${field.unused.why}`);
    if (read !== undefined && (field.unused === undefined || field.unused.kept === true))
      value[field.as ?? name] = read;
    if (field.shape.type === "list" && field.shape.of.type === "text")
      noteElements(node, `${path}.${name}`, name, fields, context);
  }
  for (const [name, field] of Object.entries(shape.fields)) {
    if (field.required !== true || present.includes(name)) continue;
    context.report("TR0208", at.position, `${path}.${name} is missing`);
    whole = false;
  }
  for (const group of shape.exclusive ?? []) {
    const both = group.filter((name) => present.includes(name));
    if (both.length < 2) continue;
    context.report("TR0213", fields[both[1]!]!, `${path} has both ${both.join(" and ")}; only one of them may stand`);
    whole = false;
  }
  if (!whole) return undefined;
  return shape.into === undefined ? value : shape.into(value, context, path);
}

/** Elements of lists of texts get a place of their own: findings on one host point at it. */
function noteElements(
  node: unknown,
  path: string,
  name: string,
  fields: Record<string, Position>,
  context: ReadContext,
): void {
  if (!isSeq(node)) return;
  node.items.forEach((item, i) => {
    fields[`${name}[${i}]`] = positionOf(item, context, `${path}[${i}]`);
  });
}

function readMap(
  map: YamlMap,
  shape: Extract<Shape, { readonly type: "map" }>,
  path: string,
  context: ReadContext,
  depth: number,
): Record<string, unknown> | undefined {
  const values: Record<string, unknown> = Object.create(null);
  let whole = true;
  for (const { key, value } of map.items) {
    const name = keyText(key);
    const wrong = name === undefined ? ({ code: "TR0207", problem: "is no text" } as const) : shape.key?.(name);
    if (name === undefined || wrong !== undefined) {
      context.report(
        wrong!.code,
        positionOf(key, context, `${path}.${name ?? ""}`),
        `key ${quote(name ?? "?")} of ${path} ${wrong!.problem}`,
      );
      whole = false;
      continue;
    }
    const read = readNode(value, shape.of, `${path}.${name}`, context, depth + 1);
    if (read === undefined) whole = false;
    else values[name] = read;
  }
  return whole ? values : undefined;
}

function keyText(key: unknown): string | undefined {
  const value = isScalar(key) ? key.value : undefined;
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
}

function mustBe(what: string, value: unknown): string {
  const plain = isScalar(value) ? value.value : value;
  if (plain === null || plain === undefined) return `is empty; it must be ${what}`;
  if (isMap(plain)) return `is an object; it must be ${what}`;
  if (isSeq(plain)) return `is a list; it must be ${what}`;
  if (typeof plain === "string") return `is the text ${quote(plain)}; it must be ${what}`;
  return `is ${quote(String(plain)).slice(1, -1)}; it must be ${what}${what === "a text" ? " (put it in quotes)" : ""}`;
}

/** Quotes a text for a message, cut to a readable length. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function nearest(name: string | undefined, fields: Readonly<Record<string, Field>>): string {
  return meantBy(name, Object.keys(fields));
}

/** Which of the known names one that is not among them may mean, as the end of a message; `""` for none. */
export function meantBy(name = "", known: readonly string[]): string {
  const folded = foldName(name);
  const near = known.find((one) => foldName(one) === folded || oneEdit(one.toLowerCase(), name.toLowerCase()));
  return near === undefined || name === "" ? "" : `; did you mean ${quote(near)}?`;
}

/** A name without case, dashes and the end of a plural. */
function foldName(name: string): string {
  const plain = name.toLowerCase().replace(/[-_]/g, "");
  return plain
    .replace(/ies$/, "y")
    .replace(/(ch|sh|x|ss)es$/, "$1")
    .replace(/([^s])s$/, "$1");
}

/** Whether one letter more, less, changed or swapped makes a text another. */
export function oneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || Math.min(a.length, b.length) < 3) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  const swapped = a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
  return swapped || a.slice(i + 1) === b.slice(i + 1) || a.slice(i) === b.slice(i + 1) || a.slice(i + 1) === b.slice(i);
}
