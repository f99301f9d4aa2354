import { Command } from "commander";
import type { RuleView } from "../control/admin/views.ts";
import type { Finding } from "../model/entry.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle rules`: the rules in force and what is wrong with them. */
export function createRulesCommand(): Command {
  return new Command("rules")
    .description(
      "list the rules that a running instance has in force, and Dubbo's routers that stand in its registries",
    )
    .option("--findings", "list what is wrong instead")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle rules\n  trestle rules --findings -o json")
    .action(async ({ admin, output, findings }: { admin: string; output: OutputFormat; findings?: true }) => {
      if (findings === true) {
        const answer = await askAdmin<{ findings: Finding[] }>(admin, "/api/v1/findings");
        process.stdout.write(printFindings(output, answer.findings));
        return;
      }
      const { rules } = await askAdmin<{ rules: RuleView[] }>(admin, "/api/v1/rules");
      process.stdout.write(
        printRows(output, rules, [
          { head: "KIND", text: (row) => row.kind },
          { head: "NAME", text: (row) => row.name },
          { head: "HOSTS", text: (row) => row.hosts.join(",") },
          { head: "SERVICES", text: (row) => String(row.services.length) },
          { head: "STATE", text: (row) => (row.newest ? "newest" : "last good") },
          { head: "AT", text: (row) => row.at },
        ]),
      );
    });
}

/** Prints findings as compilers do, or as JSON or YAML. */
export function printFindings(output: OutputFormat, findings: readonly Finding[]): string {
  if (output !== "table") return printRows(output, findings, []);
  return findings
    .map(
      ({ at, severity, code, message }) => `${at}: ${severity} ${code}: ${message.replace(/[\u0000-\u001f]/g, "?")}\n`,
    )
    .join("");
}
