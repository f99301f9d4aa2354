import { Command, Option } from "commander";
import { realClock } from "../base/clock.ts";
import { createLogger } from "../base/log.ts";
import type { DiffReport } from "../control/admin/sources.ts";
import type { Finding } from "../model/entry.ts";
import { createStateStore } from "../registry-sync/state/state-store.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import type { TrestleConfig } from "./config/config.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { guardedState, readWorlds } from "./mesh/read-once.ts";
import { openRegistries } from "./mesh/registries/open.ts";
import { isOwn, OWNER, openOutputs, planFor } from "./mesh/sync.ts";
import { type OutputFormat, printValue } from "./output.ts";
import { repeat } from "./role-flags.ts";

interface DiffFlags {
  readonly admin: string;
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly output?: readonly string[];
  readonly data?: string;
  readonly format: OutputFormat;
}

/** `trestle diff`: what a sync would change; nothing is written. */
export function createDiffCommand(): Command {
  return new Command("diff")
    .description("show what a sync would create, change and remove; nothing is written")
    .addOption(adminOption("running instance to ask, where neither --config nor --registry is given"))
    .option("-c, --config <file>", "read registries and outputs from this file instead")
    .option("--registry <url>", "read this registry instead; repeatable", repeat)
    .option("--output <kind=place>", "what to compare with: files=FOLDER; repeatable", repeat)
    .option("--data <folder>", "what up or sync would be given as --data: what it kept counts for the guard")
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
        const isAsked = flags.config === undefined && flags.registry === undefined;
        const reports = isAsked
          ? { ...(await askAdmin<{ outputs: DiffReport[] }>(admin, "/api/v1/diff")), held: [] }
          : await ownReports(configOf(flags));
        process.stdout.write(format === "table" ? printDiffReports(reports) : printValue(format, reports.outputs));
        process.exit(0);
      } catch (error) {
        failWith(error as Error);
      }
    });
}

function configOf(flags: RoleFlags): TrestleConfig {
  const { config, errors } = resolveConfig(flags, process.env);
  return config ?? failWith(errors);
}

/** What a sync with this configuration would do to its outputs, were it started now. */
export async function ownReports(config: TrestleConfig): Promise<OwnReports> {
  if (config.outputs.length === 0)
    throw new Error("there is no output to compare with; name one with --output files=FOLDER");
  const log = createLogger("error");
  const registries = await openRegistries(config, (address, port) => isOwn(config.proxy, address, port), log);
  const sinks = openOutputs(config);
  const { data } = config;
  const kept = data && createStateStore({ directory: data, clock: realClock, logger: log, isReader: true });
  const before = { sinks, owner: OWNER, ...(kept && { load: (name: string) => kept.load(name) }) };
  const state = await guardedState(await readWorlds(registries), registries, config, before, Date.now());
  const outputs = await Promise.all(sinks.map((sink) => planFor(sink, state)));
  return { outputs, held: state.guardFindings };
}

/** What would change in each output, and what a guard would hold back. */
export interface OwnReports {
  readonly outputs: readonly DiffReport[];
  readonly held: readonly Finding[];
}

/** Prints reports for people: a line for each entry, its changes below it, what stands in the way, and what a guard holds. */
export function printDiffReports({ outputs, held }: OwnReports): string {
  const notes = held.map(({ code, message }) => `! ${code}: ${message}\n`);
  return `${printReports(outputs)}${notes.length === 0 ? "" : `\nheld by the guard:\n${notes.join("")}`}`;
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
