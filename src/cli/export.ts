import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { createLogger } from "../base/log.ts";
import { merge } from "../registry-sync/merge/merge.ts";
import { withOneHost } from "../registry-sync/merge/one-host.ts";
import type { TrestleConfig } from "./config/config.ts";
import { resolveConfig } from "./config/resolve.ts";
import { EXPORT_FORMATS, type ExportFormat, exportDocuments } from "./export-documents.ts";
import { failWith } from "./fail.ts";
import { readWorlds } from "./mesh/read-once.ts";
import { openRegistries } from "./mesh/registries/open.ts";
import { readRules } from "./mesh/rules.ts";
import { controllerParts } from "./mesh/shaping.ts";
import { isOwn } from "./mesh/sync.ts";

interface ExportFlags {
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly rules?: readonly string[];
  readonly format: ExportFormat;
  readonly to?: string;
}

/** `trestle export`: entries and generated configuration, written once for other tools. */
export function createExportCommand(): Command {
  const repeat = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  return new Command("export")
    .description("read registries and rules once and write what other tools take of them")
    .addOption(
      new Option("--format <format>", "what to write; see below").choices(EXPORT_FORMATS).default("serviceentry"),
    )
    .option("-c, --config <file>", "read registries and rules from this file")
    .option("--registry <url>", "read this registry; repeatable", repeat)
    .option("--rules <path>", "file or folder with rules, or kubernetes:// for those of a cluster; repeatable", repeat)
    .option("--to <folder>", "write a file for each document there instead of all to the standard output")
    .addHelpText(
      "after",
      `
Formats:
  serviceentry   Istio ServiceEntries, as up and sync write them
  files          the same, a file each: asks for --to
  aeraki         ServiceEntries whose Dubbo ports Aeraki takes up, and the rules as MetaRouters

What a format cannot say of a rule is told on the standard error, a line each.

Examples:
  trestle export --registry zookeeper://10.0.0.1:2181
  trestle export -c trestle.yaml --format aeraki --to ./aeraki
  trestle export --registry nacos://10.0.0.1:8848 --rules ./rules --format aeraki | kubectl apply -f -`,
    )
    .action(async ({ format, to, ...flags }: ExportFlags) => {
      try {
        if (format === "files" && to === undefined) throw new Error("--format files writes files; say --to FOLDER");
        if (flags.config === undefined && flags.registry === undefined)
          throw new Error("there is no registry to read; name one with --registry or -c");
        const { config, errors } = resolveConfig(flags, process.env);
        if (config === undefined) failWith(errors);
        const { documents, lost } = exportDocuments(format, await readAll(config), config);
        for (const line of lost) process.stderr.write(`trestle: ${line}\n`);
        if (to === undefined) process.stdout.write(documents.map(({ text }) => text).join("---\n"));
        else {
          await mkdir(to, { recursive: true });
          for (const { file, text } of documents) await writeFile(join(to, file), text);
          process.stderr.write(`trestle: ${documents.length} files written to ${to}\n`);
        }
        process.exitCode = 0;
        process.stdout.write("", () => process.exit());
      } catch (error) {
        failWith(error as Error);
      }
    });
}

async function readAll(config: TrestleConfig) {
  const log = createLogger("error");
  const registries = await openRegistries(config, (address, port) => isOwn(config.proxy, address, port), log);
  const worlds = await readWorlds(registries);
  const { namesByRegistry } = controllerParts(config);
  const { entries } = merge(namesByRegistry === true ? withOneHost(worlds) : worlds);
  return { entries, rules: (await readRules(config.rules, log)).rules };
}
