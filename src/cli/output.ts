import { InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { cleanText } from "../base/clean-text.ts";

/** How listings are printed. */
export type OutputFormat = "table" | "json" | "yaml";

/** The `-o table|json|yaml` option of every listing. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "how to print it: table, json or yaml")
    .default("table")
    .argParser((text) => {
      if (text === "table" || text === "json" || text === "yaml") return text;
      throw new InvalidArgumentError("it must be table, json or yaml.");
    });
}

/** One column of a table: its head and what it shows of a row. */
export interface Column<Row> {
  readonly head: string;
  readonly text: (row: Row) => string;
}

/**
 * Prints rows as a table, JSON or YAML; ends with a line feed. A table of no rows has its heads only.
 * Control characters in cells are shown as `?`, so that what a registry holds can't write to the terminal.
 */
export function printRows<Row>(format: OutputFormat, rows: readonly Row[], columns: readonly Column<Row>[]): string {
  if (format !== "table") return printValue(format, rows);
  const cells = [
    columns.map(({ head }) => head),
    ...rows.map((row) => columns.map(({ text }) => cleanText(text(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  return cells
    .map(
      (line) =>
        `${line
          .map((cell, i) => (i === line.length - 1 ? cell : cell.padEnd(widths[i]!)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Prints any value as JSON or YAML; a table of it is YAML. */
export function printValue(format: OutputFormat, value: unknown): string {
  return format === "json"
    ? `${JSON.stringify(value, null, 2)}\n`
    : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: "yaml-1.1" });
}
