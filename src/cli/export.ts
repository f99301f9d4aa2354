import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { createLogger, silentLogger } from "../base/log.ts";
import { merge } from "../registry-sync/merge/merge.ts";
import { withOneHost } from "../registry-sync/merge/one-host.ts";
import type { TrestleConfig } from "./config/config.ts";
import { resolveConfig } from "./config/resolve.ts";
import { EXPORT_FORMATS, type ExportedWorld, type ExportFormat, exportDocuments } from "./export-documents.ts";
import { exportBootstrap, exportStatic } from "./export-envoy.ts";
import { failWith } from "./fail.ts";
import { readWorlds } from "./mesh/read-once.ts";
import { openRegistries } from "./mesh/registries/open.ts";
import { readRules } from "./mesh/rules.ts";
import { controllerParts } from "./mesh/shaping.ts";
import { isOwn } from "./mesh/sync.ts";
import { repeat } from "./role-flags.ts";

interface ExportFlags {
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly rules?: readonly string[];
  readonly format: ExportFormat;
  readonly to?: string;
  readonly node?: string;
  readonly control?: string;
  readonly envoyAdmin?: string;
  readonly static?: boolean;
}

/** `trestle export`: entries and generated configuration, written once for other tools. */
export function createExportCommand(): Command {
  return new Command("export")
    .description("read registries and rules once and write what other tools take of them")
    .addOption(
      new Option("--format <format>", "what to write; see below").choices(EXPORT_FORMATS).default("serviceentry"),
    )
    .option("-c, --config <file>", "read registries and rules from this file")
    .option("--registry <url>", "read this registry; repeatable", repeat)
    .option("--rules <path>", "file or folder with rules, or kubernetes:// for those of a cluster; repeatable", repeat)
    .option("--to <folder>", "write a file for each document there instead of all to the standard output")
    .option("--static", "for envoy: all services and rules as they are now, in place of where to ask for them")
    .option("--control <host:port>", "for envoy: where Trestle's xDS listens; 127.0.0.1:15011 unless told")
    .option("--node <id>", "for envoy: who it is, sidecar~ADDRESS~NAME~DOMAIN or router~ADDRESS~NAME~DOMAIN")
    .option("--envoy-admin <host:port>", "for envoy: where its own admin listens; 127.0.0.1:9901 unless told")
    .addHelpText(
      "after",
      `
Formats:
  serviceentry   Istio ServiceEntries, as up and sync write them
  files          the same, a file each: asks for --to
  aeraki         ServiceEntries whose Dubbo ports Aeraki takes up, and the rules as MetaRouters
  envoy          a bootstrap with which a stock Envoy asks Trestle's xDS; reads no registry. With --static
                 a configuration that asks nobody: clusters, endpoints, listeners and routes as they are now

What a format cannot say of a rule, or what is wrong with its text, is told on the standard error, a line each.

Examples:
  trestle export --registry zookeeper://10.0.0.1:2181
  trestle export -c trestle.yaml --format aeraki --to ./aeraki
  trestle export --registry nacos://10.0.0.1:8848 --rules ./rules --format aeraki | kubectl apply -f -
  trestle export --format envoy --control 10.0.0.7:15011 > envoy.yaml
  trestle export -c trestle.yaml --format envoy --static > envoy.yaml`,
    )
    .action(async ({ format, to, static: isStatic, node, control, envoyAdmin, ...flags }: ExportFlags) => {
      try {
        if (format === "files" && to === undefined) throw new Error("--format files writes files; say --to FOLDER");
        const admin = envoyAdmin && "--envoy-admin";
        const given = [isStatic && "--static", node && "--node", control && "--control", admin].find(Boolean);
        if (format !== "envoy" && given) throw new Error(`${given} is for --format envoy`);
        if (isStatic && control !== undefined) throw new Error("--static asks nobody: leave out --control");
        const isBootstrap = format === "envoy" && !isStatic;
        if (!isBootstrap && flags.config === undefined && flags.registry === undefined)
          throw new Error("there is no registry to read; name one with --registry or -c");
        const { config, errors } = resolveConfig(flags, process.env);
        if (config === undefined) failWith(errors);
        const envoy = {
          ...(node !== undefined && { node }),
          ...(control !== undefined && { control }),
          ...(envoyAdmin !== undefined && { envoyAdmin }),
        };
        const world = isBootstrap ? NOTHING : await readAll(config, format === "aeraki" || format === "envoy");
        const { documents, lost } = isBootstrap
          ? exportBootstrap(envoy, config)
          : format === "envoy"
            ? exportStatic(envoy, world, config)
            : exportDocuments(format, world, config);
        for (const line of [...world.faults, ...lost]) process.stderr.write(`trestle: ${line}\n`);
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

interface ReadWorld extends ExportedWorld {
  /** What of the rules could not be read, one line each. */
  readonly faults: readonly string[];
}

const NOTHING: ReadWorld = { entries: [], rules: [], faults: [] };

/** `hasRules` where the format says something of rules; else they are not looked at. */
async function readAll(config: TrestleConfig, hasRules: boolean): Promise<ReadWorld> {
  const log = createLogger("error");
  const registries = await openRegistries(config, (address, port) => isOwn(config.proxy, address, port), log);
  const worlds = await readWorlds(registries);
  const { namesByRegistry } = controllerParts(config);
  const { entries } = merge(namesByRegistry === true ? withOneHost(worlds) : worlds);
  if (!hasRules) return { ...NOTHING, entries };
  const { rules, findings } = await readRules(config.rules, silentLogger);
  const faults = findings.filter(({ severity }) => severity === "error");
  return { entries, rules, faults: faults.map(({ code, at, message }) => `${at}: ${code} ${message}`) };
}
