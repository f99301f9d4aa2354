import { Command, Option } from "commander";
import { createLogger } from "../base/log.ts";
import { LOG_LEVELS, type TrestleConfig } from "./config/config.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { ownReports, printDiffReports } from "./diff.ts";
import { failWith } from "./fail.ts";
import { checkFolders } from "./mesh/folders.ts";
import { SyncRole } from "./mesh/sync-role.ts";
import { repeat } from "./role-flags.ts";
import { runRole } from "./run-role.ts";
import { VERSION } from "./version.ts";

type SyncFlags = RoleFlags & { readonly dryRun?: boolean };

/** `trestle sync`: registries to outputs, without facades and proxies. */
export function createSyncCommand(): Command {
  return new Command("sync")
    .description("write what registries hold to outputs, and keep them so; without facades and proxies")
    .option(
      "-c, --config <file>",
      "configuration file, as of up; what it says of facades, proxy and rules has no effect",
    )
    .option("--registry <url>", "registry to read, such as zookeeper://10.0.0.1:2181; repeatable", repeat)
    .option("--output <kind=place>", "where entries are written: files=FOLDER; repeatable", repeat)
    .option("--data <folder>", "where the last good state and the audit log are kept (default: nowhere)")
    .option("--admin <address>", "address that the admin API listens on (default 127.0.0.1:15000)")
    .option("--dry-run", "print what would change, write nothing, and end")
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default("info"))
    .addHelpText(
      "after",
      `
Examples:
  trestle sync --registry nacos://10.0.0.1:8848 --output files=./entries --data ./data
  trestle sync -c trestle.yaml --dry-run`,
    )
    .action(run);
}

async function run({ dryRun, ...flags }: SyncFlags): Promise<void> {
  const { config, errors } = resolveConfig(flags, process.env);
  if (config === undefined) failWith(errors);
  if (config.outputs.length === 0)
    failWith(new Error("there is no output to write to; name one with --output files=FOLDER"));
  if (config.registries.every(({ scheme }) => scheme === "embedded"))
    failWith(new Error("there is no registry to read; name one with --registry URL"));
  if (dryRun === true) return printDryRun(config);
  const unusable = checkFolders(config);
  if (unusable.length > 0) failWith(unusable);
  const log = createLogger(config.logLevel);
  const role = new SyncRole(config, log);
  if (!(await runRole(role))) return;
  const from = config.registries.map(({ name }) => name).join(", ");
  const to = config.outputs.map(({ files }) => `files=${files}`).join(", ");
  process.stdout.write(`trestle ${VERSION} syncs ${from} to ${to}, admin http://${role.adminAddress}\n`);
}

async function printDryRun(config: TrestleConfig): Promise<void> {
  try {
    process.stdout.write(printDiffReports(await ownReports(config)));
    process.exit(0);
  } catch (error) {
    failWith(error as Error);
  }
}
