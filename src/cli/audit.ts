import { Command, InvalidArgumentError } from "commander";
import { type AuditRecord, readAudit } from "../registry-sync/state/audit-log.ts";
import { readDuration } from "./config/shaping.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

const DEFAULT_LAST = 100;

interface AuditFlags {
  readonly data: string;
  readonly host?: string;
  readonly since?: number;
  readonly until?: number;
  readonly last: number;
  readonly output: OutputFormat;
}

/** `trestle audit`: the changes that a sync applied. */
export function createAuditCommand(): Command {
  return new Command("audit")
    .description("list the changes that were applied to outputs, from the audit log of --data")
    .requiredOption("--data <folder>", "folder that up or sync was given as --data")
    .option("--host <text>", "only where host or service contain this")
    .option("--since <time>", "only from then on: 2026-01-31T12:00:00Z, or 10m for ten minutes ago", readTime)
    .option("--until <time>", "only before then", readTime)
    .option("--last <count>", "the newest so many", readCount, DEFAULT_LAST)
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  trestle audit --data /var/lib/trestle/data\n  trestle audit --data ./data --host OrderService --since 1h -o json",
    )
    .action(async ({ data, output, host, since, until, last }: AuditFlags) => {
      const records = await readAudit(data, {
        last,
        ...(host !== undefined && { host }),
        ...(since !== undefined && { sinceMs: since }),
        ...(until !== undefined && { untilMs: until }),
      }).catch((error: NodeJS.ErrnoException) => {
        throw new Error(error.code === "ENOENT" ? `there is no audit log in ${data}` : error.message);
      });
      process.stdout.write(printAudit(output, records));
    });
}

/** Prints records; in a table each of the lines that changed is a row. */
export function printAudit(output: OutputFormat, records: readonly AuditRecord[]): string {
  if (output !== "table") return printRows(output, records, []);
  const rows = records.flatMap((record) => {
    const more = record.more === undefined ? [] : [`... ${record.more} more`];
    return [...(record.changed.length > 0 ? record.changed : ["-"]), ...more].map((change) => ({ ...record, change }));
  });
  return printRows(output, rows, [
    { head: "TIME", text: ({ time }) => time },
    { head: "SINK", text: ({ sink }) => sink },
    { head: "ACTION", text: ({ action }) => action },
    { head: "HOST", text: ({ host }) => host },
    { head: "WHY", text: ({ why }) => why },
    { head: "ORIGINS", text: ({ origins }) => origins.join(",") || "-" },
    { head: "CHANGE", text: ({ change }) => change },
  ]);
}

/** A moment, ms since 1970: as ISO 8601 says it, or a time before `nowMs`. */
export function readTime(text: string, _before?: unknown, nowMs: number = Date.now()): number {
  const ago = readDuration(text);
  if (ago !== undefined) return nowMs - ago;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError("it must be a time such as 2026-01-31T12:00:00Z or 10m.");
  return ms;
}

function readCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("it must be a whole number from 1 on.");
  return count;
}
