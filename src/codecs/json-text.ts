/**
 * JSON text and its tree, without losing what JavaScript's own parser loses: the digits of big numbers, the difference
 * between 1 and 1.0, the order of numeric names, and names such as `__proto__`.
 */
import { ProtocolError } from "../base/errors.ts";

/** A number as its digits stood in the text. */
export class JsonNumber {
  /** A JSON number literal. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Whether the literal has neither fraction nor exponent. */
  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text);
  }
}

/** A JSON object; a name that repeats keeps its last value. */
export type JsonObject = Map<string, JsonNode>;

/** A JSON value. */
export type JsonNode = null | boolean | string | JsonNumber | JsonNode[] | JsonObject;

/** A JSON number from a JavaScript one; RangeError for NaN and the infinities, which JSON does not have. */
export function jsonNumber(value: number | bigint): JsonNumber {
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(`${value} is no JSON number`);
  return new JsonNumber(Object.is(value, -0) ? "-0.0" : String(value));
}

/** What a text may cost. */
export interface ParseJsonLimits {
  /** Arrays and objects inside each other; default 256. */
  readonly maxDepth?: number;
  /** Characters of the text; default 16 Mi. */
  readonly maxChars?: number;
  /** Values, those inside others too: the smallest cost most for their length; default 1,000,000. */
  readonly maxValues?: number;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\r\n]*/y;
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Parses one JSON text. Throws ProtocolError("json", ...) with the character's offset. */
export function parseJson(text: string, limits: ParseJsonLimits = {}): JsonNode {
  const { maxDepth = 256, maxChars = 16 * 1024 * 1024, maxValues = 1_000_000 } = limits;
  if (text.length > maxChars) throw jsonError(`json of ${text.length} characters is over maxChars ${maxChars}`, 0);
  let at = 0;
  let depth = 0;
  let values = 0;

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  };
  const fail = (): never => {
    const found = at < text.length ? JSON.stringify(String.fromCodePoint(text.codePointAt(at)!)) : "the end";
    throw jsonError(`json: unexpected ${found} at character ${at}`, at);
  };
  const enter = (): void => {
    if (++depth > maxDepth) throw jsonError(`json nested deeper than maxDepth ${maxDepth}`, at);
    at += 1;
    take(SPACE);
  };
  /** Steps over a comma (true) or the closing character (false). */
  const more = (close: string): boolean => {
    take(SPACE);
    const found = text[at];
    if (found !== "," && found !== close) fail();
    at += 1;
    take(SPACE);
    if (found === close) depth -= 1;
    return found === ",";
  };
  const string = (): string => {
    if (text[at] !== '"') fail();
    at += 1;
    let value = take(PLAIN);
    while (text[at] === "\\") {
      const letter = text[at + 1] ?? "";
      if (letter === "u") {
        const hex = text.slice(at + 2, at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail();
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 6;
      } else {
        if (letter === "" || !'"\\/bfnrt'.includes(letter)) fail();
        value += ESCAPES[letter] ?? letter;
        at += 2;
      }
      value += take(PLAIN);
    }
    if (text[at] !== '"') fail();
    at += 1;
    return value;
  };
  const array = (): JsonNode[] => {
    const items: JsonNode[] = [];
    enter();
    if (text[at] === "]") {
      more("]");
      return items;
    }
    do items.push(node());
    while (more("]"));
    return items;
  };
  const object = (): JsonObject => {
    const members: JsonObject = new Map();
    enter();
    if (text[at] === "}") {
      more("}");
      return members;
    }
    do {
      const name = string();
      take(SPACE);
      if (text[at] !== ":") fail();
      at += 1;
      take(SPACE);
      members.set(name, node());
    } while (more("}"));
    return members;
  };
  const word = (expected: string, value: JsonNode): JsonNode => {
    if (!text.startsWith(expected, at)) fail();
    at += expected.length;
    return value;
  };
  const node = (): JsonNode => {
    if (++values > maxValues) throw jsonError(`json of more values than maxValues ${maxValues}`, at);
    switch (text[at]) {
      case "{":
        return object();
      case "[":
        return array();
      case '"':
        return string();
      case "t":
        return word("true", true);
      case "f":
        return word("false", false);
      case "n":
        return word("null", null);
      default: {
        const literal = take(NUMBER);
        if (literal === "") fail();
        return new JsonNumber(literal);
      }
    }
  };

  take(SPACE);
  const value = node();
  take(SPACE);
  if (at < text.length) fail();
  return value;
}

/** Prints a tree, on one line or indented by `indent` blanks a level. */
export function printJson(node: JsonNode, indent = 0): string {
  const out: string[] = [];
  printNode(node, indent, "\n", out);
  return out.join("");
}

function printNode(node: JsonNode, indent: number, line: string, out: string[]): void {
  if (node instanceof JsonNumber) out.push(node.text);
  else if (Array.isArray(node)) {
    printMembers(
      "[",
      node.map((item) => ["", item]),
      "]",
      indent,
      line,
      out,
    );
  } else if (node instanceof Map) {
    const colon = indent > 0 ? ": " : ":";
    printMembers(
      "{",
      [...node].map(([name, value]) => [JSON.stringify(name) + colon, value]),
      "}",
      indent,
      line,
      out,
    );
  } else {
    out.push(JSON.stringify(node));
  }
}

function printMembers(
  open: string,
  members: readonly (readonly [name: string, value: JsonNode])[],
  close: string,
  indent: number,
  line: string,
  out: string[],
): void {
  const inner = indent > 0 ? line + " ".repeat(indent) : "";
  out.push(open);
  for (const [i, [name, value]] of members.entries()) {
    out.push(i > 0 ? "," : "", inner, name);
    printNode(value, indent, inner, out);
  }
  out.push(members.length > 0 && indent > 0 ? line : "", close);
}

/** The tree as plain JavaScript values: numbers rounded to doubles, objects without a prototype. */
export function jsonToPlain(node: JsonNode): unknown {
  if (node instanceof JsonNumber) return Number(node.text);
  if (Array.isArray(node)) return node.map(jsonToPlain);
  if (!(node instanceof Map)) return node;
  const plain: Record<string, unknown> = Object.create(null);
  for (const [name, value] of node) plain[name] = jsonToPlain(value);
  return plain;
}

function jsonError(message: string, offset: number): ProtocolError {
  return new ProtocolError("json", message, offset);
}
