/**
 * YAML of the plain kind that entries are written in: maps and lists in block style, strings, whole numbers. Written byte by byte as the
 * yaml package writes it (lineWidth 0), and read as that reads it, an order of magnitude faster; whatever is not of that kind is left
 * to the package.
 */
import { parse, stringify } from "yaml";
import { checkYamlDepth } from "../../base/yaml-documents.ts";

/** Readers of YAML 1.1, such as kubectl, take `yes` and `12:30` for something else than a text. */
const OPTIONS = { lineWidth: 0, aliasDuplicateObjects: false, compat: "yaml-1.1" } as const;

/** Texts that need no quotes and that no reader takes for something else. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const TAKEN_FOR_OTHERS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
/** Lines of a text that can stand as they are below `|-`. */
const LITERAL = /^[^\s\u0000-\u001f\u007f-\uffff](?:[^\u0000-\u001f\u007f-\uffff]*[^\s\u0000-\u001f\u007f-\uffff])?$/;

/** How texts are written that are not plain; each is asked of the package once. */
const quoted = new Map<string, string>();
const MAX_QUOTED = 10_000;

/** Prints a tree of objects, arrays, strings and numbers. */
export function printYaml(value: object): string {
  const lines: string[] = [];
  return !isEmpty(value) && printNode(value, "", lines) ? `${lines.join("\n")}\n` : stringify(value, OPTIONS);
}

/** False where the package has to do it. The first line of a list's element has the list's dash already, and is put there by its caller. */
function printNode(value: object, indent: string, lines: string[]): boolean {
  if (Array.isArray(value)) {
    for (const element of value as readonly unknown[]) {
      const first = lines.length;
      if (typeof element === "object" && element !== null) {
        if (isEmpty(element) || Array.isArray(element)) return false;
        if (!printNode(element, `${indent}  `, lines)) return false;
        lines[first] = `${indent}- ${lines[first]!.slice(indent.length + 2)}`;
      } else {
        const text = printScalar(element);
        if (text === undefined) return false;
        lines.push(`${indent}- ${text}`);
      }
    }
    return true;
  }
  for (const [key, element] of Object.entries(value)) {
    if (element === undefined) continue;
    const name = printScalar(key);
    if (name === undefined || key === "" || key.length > 1_000) return false;
    if (typeof element === "object" && element !== null) {
      if (isEmpty(element)) lines.push(`${indent}${name}: ${Array.isArray(element) ? "[]" : "{}"}`);
      else {
        lines.push(`${indent}${name}:`);
        if (!printNode(element, `${indent}  `, lines)) return false;
      }
    } else if (typeof element === "string" && element.includes("\n")) {
      const text = element.split("\n");
      if (!text.every((line) => LITERAL.test(line))) return false;
      lines.push(`${indent}${name}: |-`);
      for (const line of text) lines.push(`${indent}  ${line}`);
    } else {
      const text = printScalar(element);
      if (text === undefined) return false;
      lines.push(`${indent}${name}: ${text}`);
    }
  }
  return true;
}

function isEmpty(value: object): boolean {
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

function printScalar(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : undefined;
  if (typeof value !== "string" || value.includes("\n")) return undefined;
  if (PLAIN.test(value) && !TAKEN_FOR_OTHERS.test(value)) return value;
  let text = quoted.get(value);
  if (text === undefined) {
    text = stringify({ k: value }, OPTIONS).slice(3, -1);
    if (quoted.size >= MAX_QUOTED) quoted.clear();
    if (value.length < 1_000) quoted.set(value, text);
  }
  return text.includes("\n") ? undefined : text;
}

/** Reads a document; throws what the package throws. */
export function readYaml(text: string): unknown {
  const reader = new PlainReader(text);
  const value = reader.read();
  if (value !== undefined) return value;
  checkYamlDepth(text);
  return parse(text, { maxAliasCount: 0, logLevel: "silent" });
}

/** Reads what {@link printYaml} prints; undefined at the first thing that is not of that kind. */
class PlainReader {
  readonly #lines: readonly string[];
  #at = 0;
  #isOther = false;

  constructor(text: string) {
    this.#lines = text.endsWith("\n") && !text.includes("\r") ? text.slice(0, -1).split("\n") : [];
  }

  read(): object | undefined {
    const value = this.#map(0);
    return this.#isOther || this.#at < this.#lines.length || this.#at === 0 ? undefined : value;
  }

  #map(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    while (this.#at < this.#lines.length && !this.#isOther) {
      const line = this.#lines[this.#at]!;
      if (indentOf(line) !== indent || line.startsWith("- ", indent)) break;
      const pair = /^([A-Za-z][A-Za-z0-9_./-]*):(?: (.*))?$/.exec(line.slice(indent));
      const key = pair?.[1];
      if (key === undefined || TAKEN_FOR_OTHERS.test(key) || Object.hasOwn(map, key) || key === "__proto__")
        return this.#other(map);
      this.#at++;
      map[key] = pair![2] === undefined ? this.#below(indent) : this.#scalar(pair![2], indent);
    }
    return map;
  }

  #list(indent: number): unknown[] {
    const list: unknown[] = [];
    while (this.#at < this.#lines.length && !this.#isOther) {
      const line = this.#lines[this.#at]!;
      if (indentOf(line) !== indent || !line.startsWith("- ", indent)) break;
      const rest = line.slice(indent + 2);
      if (/^[A-Za-z][A-Za-z0-9_./-]*:(?: |$)/.test(rest)) {
        (this.#lines as string[])[this.#at] = `${line.slice(0, indent)}  ${rest}`;
        list.push(this.#map(indent + 2));
      } else {
        this.#at++;
        list.push(this.#scalar(rest, indent));
      }
    }
    return list;
  }

  #below(indent: number): unknown {
    const next = this.#lines[this.#at];
    const inner = next === undefined ? -1 : indentOf(next);
    if (next === undefined || inner !== indent + 2) return this.#other(undefined);
    return next.startsWith("- ", inner) ? this.#list(inner) : this.#map(inner);
  }

  #scalar(text: string, indent: number): unknown {
    if (text === "|-") return this.#literal(indent + 2);
    if (/^-?(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
    if (text === "[]") return [];
    if (text === "{}") return {};
    if (PLAIN.test(text) && !TAKEN_FOR_OTHERS.test(text)) return text;
    if (/^"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt])*"$/.test(text)) return JSON.parse(text);
    // An address, a version, a list of names: starts with a letter or digit and is no number, has neither `: ` nor ` #`.
    const isPlain = /^\d+\.\d+\.[0-9A-Za-z._/-]+$/.test(text) || /^[A-Za-z](?:[A-Za-z0-9_./,-]|:(?=\w))*$/.test(text);
    if (isPlain) return this.#text(text);
    return this.#other(undefined);
  }

  #text(text: string): unknown {
    return TAKEN_FOR_OTHERS.test(text) ? this.#other(undefined) : text;
  }

  #literal(indent: number): unknown {
    const lines: string[] = [];
    const margin = " ".repeat(indent);
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!;
      if (!line.startsWith(margin)) break;
      const text = line.slice(indent);
      if (!LITERAL.test(text)) return this.#other(undefined);
      lines.push(text);
    }
    return lines.length === 0 ? this.#other(undefined) : lines.join("\n");
  }

  #other<T>(value: T): T {
    this.#isOther = true;
    return value;
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line.charCodeAt(indent) === 32) indent++;
  return indent;
}
