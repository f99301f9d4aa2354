import { Command, Option } from "commander";
import { createLogger } from "../base/log.ts";
import type { DiffReport } from "../control/admin/sources.ts";
import { merge } from "../registry-sync/merge.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import type { TrestleConfig } from "./config/config.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { isOwn, openOutputs, openRegistries, planFor } from "./mesh/sync.ts";
import { type OutputFormat, printValue } from "./output.ts";

/** How long a registry may take to be read whole, ms. */
const READ_MS = 60_000;
/** How long it may take to get a session there, ms. */
const CONNECT_MS = 8_000;
/** How often it is looked whether it denies being read, ms. */
const LOOK_MS = 100;

interface DiffFlags {
  readonly admin: string;
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly output?: readonly string[];
  readonly format: OutputFormat;
}

/** `trestle diff`: what a sync would change; nothing is written. */
export function createDiffCommand(): Command {
  const repeat = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  return new Command("diff")
    .description("show what a sync would create, change and remove; nothing is written")
    .addOption(adminOption("running instance to ask, where neither --config nor --registry is given"))
    .option("-c, --config <file>", "read registries and outputs from this file instead")
    .option("--registry <url>", "read this registry instead; repeatable", repeat)
    .option("--output <kind=place>", "what to compare with: files=FOLDER; repeatable", repeat)
    .addOption(
      new Option("-o, --format <format>", "how to print it").choices(["table", "json", "yaml"]).default("table"),
    )
    .addHelpText(
      "after",
      `
Examples:
  trestle diff                                   what the running instance is about to do
  trestle diff --registry zookeeper://10.0.0.1:2181 --output files=./out
                                                 what up with these flags would do, from outside`,
    )
    .action(async ({ admin, format, ...flags }: DiffFlags) => {
      try {
        const isOwn = flags.config !== undefined || flags.registry !== undefined;
        const reports = isOwn
          ? await ownReports(flags)
          : (await askAdmin<{ outputs: DiffReport[] }>(admin, "/api/v1/diff")).outputs;
        process.stdout.write(format === "table" ? printReports(reports) : printValue(format, reports));
        process.exit(0);
      } catch (error) {
        failWith(error as Error);
      }
    });
}

async function ownReports(flags: RoleFlags): Promise<DiffReport[]> {
  const { config, errors } = resolveConfig(flags, process.env);
  if (config === undefined) failWith(errors);
  if (config.outputs.length === 0)
    throw new Error("there is no output to compare with; name one with --output files=FOLDER");
  const entries = await readEntries(config);
  return Promise.all(openOutputs(config).map((sink) => planFor(sink, { entries, silent: new Set() })));
}

/** Every registry read once, whole. */
async function readEntries(config: TrestleConfig) {
  const registries = await openRegistries(
    config,
    (address, port) => isOwn(config.proxy, address, port),
    createLogger("error"),
  );
  const worlds = await Promise.all(
    registries.map(async ({ source, hosts, connected, findings }) => {
      const stop = new AbortController();
      let denied: string | undefined;
      const unreachable = setTimeout(() => connected() || stop.abort(), CONNECT_MS);
      const late = setTimeout(() => stop.abort(), READ_MS);
      const looks = setInterval(() => {
        denied = findings().find(({ severity }) => severity === "error")?.message;
        if (denied !== undefined) stop.abort();
      }, LOOK_MS);
      try {
        for await (const world of source.watch(stop.signal)) return world;
      } finally {
        clearTimeout(unreachable);
        clearTimeout(late);
        clearInterval(looks);
      }
      if (denied !== undefined) throw new Error(denied);
      throw new Error(
        connected()
          ? `registry ${source.name} could not be read within ${READ_MS / 1_000} s`
          : `registry ${source.name} cannot be reached at ${hosts.join(", ")}; is it up?`,
      );
    }),
  );
  return merge(worlds).entries;
}

function printReports(reports: readonly DiffReport[]): string {
  if (reports.length === 0) return "no output is configured: nothing would be written\n";
  const signs = { create: "+", update: "~", delete: "-" } as const;
  return reports
    .map(({ output, changes, findings }) => {
      const lines = changes.map(
        ({ action, host, detail }) =>
          `${signs[action]} ${host}${detail === "" ? "" : `\n    ${detail.split("; ").join("\n    ")}`}\n`,
      );
      const blocked = findings.map(({ code, message }) => `! ${code}: ${message}\n`);
      const some = changes.length === 1 ? "1 entry differs" : `${changes.length} entries differ`;
      const count = changes.length === 0 ? "no changes" : some;
      const more = blocked.length === 0 ? "" : `, ${blocked.length} cannot be written`;
      return `${output}: ${count}${more}\n${[...lines, ...blocked].join("")}`;
    })
    .join("\n");
}
