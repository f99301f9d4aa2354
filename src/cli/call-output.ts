import { type JsonNode, jsonToPlain, printJson } from "../codecs/json-text.ts";
import { type OutputFormat, printRows, printValue } from "./output.ts";

/** A call's value as its reader wants it; ends with a line feed. A table has a row for each item of a list. */
export function printResult(format: OutputFormat, node: JsonNode): string {
  if (format === "json") return `${printJson(node, 2)}\n`;
  const plain = jsonToPlain(node);
  if (format === "yaml") return printValue("yaml", plain);
  const rows = (Array.isArray(plain) ? plain : [plain]).map(toRow);
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return printRows(
    "table",
    rows,
    heads.map((head) => ({ head: head.toUpperCase(), text: (row: Row) => cell(row[head]) })),
  );
}

/** Refuses, by an `Error`, to print a stream as a table, which would need all of it. */
export function checkItemFormat(format: OutputFormat): void {
  if (format === "table") throw new Error("a stream has no end to lay a table out by; print it as json or yaml");
}

/** One of a stream's values: a line of JSON, or a document of YAML. Throws as {@link checkItemFormat}. */
export function printItem(format: OutputFormat, node: JsonNode): string {
  checkItemFormat(format);
  return format === "json" ? `${printJson(node)}\n` : `---\n${printValue("yaml", jsonToPlain(node))}`;
}

type Row = Readonly<Record<string, unknown>>;

function toRow(value: unknown): Row {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Row) : { value };
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
