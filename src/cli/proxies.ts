import { Command } from "commander";
import type { XdsClientStatus, XdsTypeStatus } from "../control/xds/status.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";
import { printMs } from "./registries.ts";

/** `trestle proxies`: who is connected by xDS, and what of it they took. */
export function createProxiesCommand(): Command {
  return new Command("proxies")
    .description(
      "list the xDS clients of a running instance: what they are, whether they have the newest, what they refused",
    )
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      `
Types are synced, stale (sent, not answered yet), not sent, or error (refused: the former state is in force).

Examples:
  trestle proxies
  trestle proxies --admin 10.77.0.5:15000 -o json`,
    )
    .action(async ({ admin, output }: { admin: string; output: OutputFormat }) => {
      const { proxies } = await askAdmin<{ proxies: XdsClientStatus[] }>(admin, "/api/v1/proxies");
      process.stdout.write(printProxies(output, proxies, Date.now()));
    });
}

/** Prints the rows of {@link createProxiesCommand}. */
export function printProxies(output: OutputFormat, proxies: readonly XdsClientStatus[], nowMs: number): string {
  return printRows(output, proxies, [
    { head: "NODE", text: ({ node }) => node },
    { head: "AGENT", text: ({ agent }) => agent || "-" },
    { head: "PEER", text: ({ peer }) => peer },
    { head: "STREAM", text: ({ stream }) => stream },
    { head: "SINCE", text: ({ connectedAtMs }) => printMs(Math.max(0, nowMs - connectedAtMs)) },
    { head: "TYPES", text: ({ types }) => types.map(printType).join(", ") || "-" },
    { head: "REFUSED", text: ({ types }) => types.flatMap(printRefusal).join("; ") || "-" },
  ]);
}

/** `eds 12 synced`; the state alone counts where there is nothing of the type. */
function printType({ type, state, resources }: XdsTypeStatus): string {
  return `${type} ${resources} ${state}`;
}

/** `rds: unknown cluster (default/orders at rules/orders.yaml:3)`. */
function printRefusal({ type, refusal }: XdsTypeStatus): string[] {
  if (refusal === undefined) return [];
  const rules = refusal.origins.map(({ rule, file, line }) => `${rule} at ${file}:${line}`);
  return [
    `${type}: ${refusal.message.replace(/\s+/g, " ").slice(0, 200)}${rules.length === 0 ? "" : ` (${rules.join(", ")})`}`,
  ];
}
