import { Command } from "commander";
import { expect, test } from "vitest";
import { refuseTwice } from "../../../src/cli/once.ts";

/** What a command made of its arguments, or why it refused them. */
async function run(args: readonly string[]): Promise<string> {
  let said = "";
  const command = new Command("x")
    .option("-d, --data <folder>", "one")
    .option("--level <level>", "one, with a default", "info")
    .option("--rules <path>", "many", (value: string, before?: readonly string[]) => [...(before ?? []), value])
    .option("--dry", "a switch")
    .exitOverride()
    .configureOutput({
      outputError: (text) => {
        said = text;
      },
    })
    .action((options) => {
      said = JSON.stringify(options);
    });
  refuseTwice(command);
  await command.parseAsync(args, { from: "user" }).catch(() => {});
  return said;
}

test.each([
  [["--data", "a"], '{"level":"info","data":"a"}'],
  [["--level", "warn", "--dry", "--dry"], '{"level":"warn","dry":true}'],
  [["--rules", "a", "--rules", "b"], '{"level":"info","rules":["a","b"]}'],
  [["--data", "a", "-d", "a"], "error: option '-d, --data <folder>' is given 2 times; it may stand once"],
  [["--level=a", "--level=b", "--level=c"], "error: option '--level <level>' is given 3 times; it may stand once"],
])("of %j comes %s", async (args, expected) => {
  expect((await run(args)).trim()).toBe(expected);
});
