import { Command } from "commander";
import type { RegistryStatus } from "../control/admin/sources.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle registries`: how each registry's mirror stands. */
export function createRegistriesCommand(): Command {
  return new Command("registries")
    .description("list the registries of a running instance: state, size, age and lag of what is known, errors")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle registries\n  trestle registries --admin 10.77.0.5:15000 -o json")
    .action(async ({ admin, output }: { admin: string; output: OutputFormat }) => {
      const { registries } = await askAdmin<{ registries: RegistryStatus[] }>(admin, "/api/v1/registries");
      process.stdout.write(printRegistries(output, registries));
    });
}

/** Prints the rows of {@link createRegistriesCommand}. */
export function printRegistries(output: OutputFormat, registries: readonly RegistryStatus[]): string {
  return printRows(output, registries, [
    { head: "NAME", text: ({ name }) => name },
    { head: "URL", text: ({ url }) => url },
    { head: "STATE", text: ({ state, connected }) => state ?? (connected ? "connected" : "lost") },
    { head: "SERVICES", text: ({ services }) => String(services) },
    { head: "ENDPOINTS", text: ({ endpoints }) => String(endpoints) },
    { head: "HELD", text: ({ heldEndpoints = 0 }) => String(heldEndpoints) },
    { head: "AGE", text: ({ ageMs, restored }) => (restored === true ? "kept" : printMs(ageMs)) },
    { head: "LAG", text: ({ lagMs }) => printMs(lagMs) },
    {
      head: "ERRORS",
      text: ({ errors, error }) => (error === undefined ? String(errors ?? "-") : `${errors} (${error})`),
    },
  ]);
}

/** A time for people: `31ms`, `5.2s`, `3m`, `2h`, `4d`; `-` for none. */
export function printMs(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m`;
  if (ms < 48 * 3_600_000) return `${Math.floor(ms / 3_600_000)}h`;
  return `${Math.floor(ms / 86_400_000)}d`;
}
