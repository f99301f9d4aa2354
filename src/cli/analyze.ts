import { Command } from "commander";
import { silentLogger } from "../base/log.ts";
import type { ServiceView } from "../control/admin/views.ts";
import { type AnalyzedMesh, analyzeRules } from "../control/rules/analyze/analyze.ts";
import type { KnownProxy } from "../control/rules/analyze/failover-labels.ts";
import { sortFindings } from "../control/rules/findings.ts";
import type { Entry, Finding } from "../model/entry.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { askAdmin } from "./admin-client.ts";
import { resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { readRules } from "./mesh/rules.ts";
import { type OutputFormat, outputOption } from "./output.ts";
import { printFindings } from "./rules.ts";

/** `trestle analyze PATH...`: checks rules before they are put to use. */
export function createAnalyzeCommand(): Command {
  return new Command("analyze")
    .description(
      "check rule files and folders, or the objects of a Kubernetes cluster, alone or against the services of a running instance; exit code 1 on errors",
    )
    .argument("<path...>", "rule files and folders, kubernetes://KUBECONFIG for a cluster")
    .option("--admin <url>", "check against the services that this running instance knows")
    .option(
      "-c, --config <file>",
      "take the mesh's settings (namespaces, external servers of policies) from this file; else the running instance's; with neither, namespaces are the defaults and those servers are not checked",
    )
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  trestle analyze ./rules\n  trestle analyze order.yaml --admin http://127.0.0.1:15000\n  trestle analyze ./rules -o json\n  trestle analyze 'kubernetes://?namespace=shop'",
    )
    .action(async (paths: string[], { admin, config, output }: AnalyzeFlags) => {
      const known = admin === undefined ? undefined : await askServices(admin);
      const mesh = config === undefined ? known?.mesh : meshIn(config);
      const findings = await analyzePaths(paths, known?.entries, known?.notLed, mesh);
      process.stdout.write(printFindings(output, findings));
      const errors = findings.filter(({ severity }) => severity === "error").length;
      if (output === "table")
        process.stderr.write(`${count(errors, "error")}, ${count(findings.length - errors, "other finding")}\n`);
      if (errors > 0) process.exitCode = 1;
    });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

interface AnalyzeFlags {
  readonly admin?: string;
  readonly config?: string;
  readonly output: OutputFormat;
}

/** The mesh's settings in a configuration file; ends with its faults where it has any. */
function meshIn(file: string): MeshSettings {
  const { config, errors } = resolveConfig({ config: file }, process.env);
  return (config ?? failWith(errors)).mesh;
}

interface KnownServices {
  readonly entries: Entry[];
  readonly notLed: ReadonlyMap<string, string>;
  /** Undefined for an instance that does not say. */
  readonly mesh: AnalyzedMesh | undefined;
}

/** What a running instance says of its configuration, as far as rules go by it. */
interface ShownConfig {
  readonly mesh?: MeshSettings;
  readonly proxy?: KnownProxy & { readonly inbound?: readonly { readonly labels: Readonly<Record<string, string>> }[] };
}

async function askServices(admin: string): Promise<KnownServices> {
  const { entries } = await askAdmin<{ entries: Entry[] }>(admin, "/api/v1/entries");
  const { services } = await askAdmin<{ services: ServiceView[] }>(admin, "/api/v1/services");
  const passing = services.filter(({ passes }) => passes !== "");
  const { config } = await askAdmin<{ config: ShownConfig | null }>(admin, "/api/v1/config");
  const { workers } = await askAdmin<{ workers: readonly unknown[] }>(admin, "/api/v1/status");
  // Who has workers beside its registries is a trestle up.
  const inboundLabels = config?.proxy?.inbound?.map(({ labels }) => labels) ?? [];
  const servesAllGateways = workers.length > 0;
  const proxy = servesAllGateways ? config?.proxy : undefined;
  const mesh = config?.mesh && { ...config.mesh, servesAllGateways, inboundLabels, ...(proxy && { proxy }) };
  return { entries, mesh, notLed: new Map(passing.map(({ service, passes }) => [service, passes])) };
}

/**
 * Everything wrong with the rules under `paths`, sorted by place; `entries` undefined checks the rules alone. `notLed` as
 * {@link analyzeRules} takes it.
 */
export async function analyzePaths(
  paths: readonly string[],
  entries: readonly Entry[] | undefined,
  notLed?: ReadonlyMap<string, string>,
  mesh?: AnalyzedMesh,
): Promise<Finding[]> {
  const { rules, findings } = await readRules(paths, silentLogger);
  return sortFindings([
    ...findings.filter(({ code }) => code !== "TR0215"),
    ...analyzeRules(rules, entries, undefined, notLed, mesh),
  ]);
}
