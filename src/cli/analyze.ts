import { Command } from "commander";
import { createRuleFiles } from "../control/rule-files.ts";
import { analyzeRules } from "../control/rules/analyze.ts";
import { sortFindings } from "../control/rules/findings.ts";
import type { Entry, Finding } from "../model/entry.ts";
import { askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption } from "./output.ts";
import { printFindings } from "./rules.ts";

/** `trestle analyze PATH...`: checks rules before they are put to use. */
export function createAnalyzeCommand(): Command {
  return new Command("analyze")
    .description(
      "check rule files and folders, alone or against the services of a running instance; exit code 1 on errors",
    )
    .argument("<path...>", "rule files and folders")
    .option("--admin <url>", "check against the services that this running instance knows")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  trestle analyze ./rules\n  trestle analyze order.yaml --admin http://127.0.0.1:15000\n  trestle analyze ./rules -o json",
    )
    .action(async (paths: string[], { admin, output }: { admin?: string; output: OutputFormat }) => {
      const entries =
        admin === undefined ? undefined : (await askAdmin<{ entries: Entry[] }>(admin, "/api/v1/entries")).entries;
      const findings = await analyzePaths(paths, entries);
      process.stdout.write(printFindings(output, findings));
      const errors = findings.filter(({ severity }) => severity === "error").length;
      if (output === "table") process.stderr.write(`${errors} errors, ${findings.length - errors} other findings\n`);
      if (errors > 0) process.exitCode = 1;
    });
}

/** Everything wrong with the rules under `paths`, sorted by place; `entries` undefined checks the rules alone. */
export async function analyzePaths(
  paths: readonly string[],
  entries: readonly Entry[] | undefined,
): Promise<Finding[]> {
  const files = createRuleFiles({ paths });
  try {
    await files.rescan();
    const { rules, findings } = files.current.get();
    return sortFindings([...findings.filter(({ code }) => code !== "TR0215"), ...analyzeRules(rules, entries)]);
  } finally {
    files.close();
  }
}
