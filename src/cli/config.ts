import { Command } from "commander";
import { adminOption, askAdmin } from "./admin-client.ts";
import { explainKeys } from "./config/schema.ts";
import { failWith } from "./fail.ts";
import { type OutputFormat, outputOption, printRows, printValue } from "./output.ts";

/** `trestle config`: the configuration in force, or every key with its meaning. */
export function createConfigCommand(): Command {
  return new Command("config")
    .description("show the configuration of a running instance, or explain every key of trestle.yaml")
    .option("--explain", "list every key with its meaning and default")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle config --explain\n  trestle config --admin 10.0.0.5:15000 -o yaml")
    .action(async ({ explain, admin, output }: { explain?: true; admin: string; output: OutputFormat }) => {
      if (explain === true) {
        const columns = [
          { head: "KEY", text: ({ key }: { key: string }) => key },
          { head: "DEFAULT", text: (row: { default: string }) => row.default },
          { head: "MEANING", text: ({ meaning }: { meaning: string }) => meaning },
        ];
        process.stdout.write(printRows(output, explainKeys(), columns));
        return;
      }
      try {
        process.stdout.write(printValue(output, await askAdmin(admin, "/api/v1/config")));
      } catch (error) {
        failWith(error as Error);
      }
    });
}
