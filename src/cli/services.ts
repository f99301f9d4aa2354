import { Command } from "commander";
import type { ServiceView } from "../control/admin/views.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle services`: what a running instance knows. */
export function createServicesCommand(): Command {
  return new Command("services")
    .description("list the services that a running instance knows, with their hosts and the rules in force")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle services\n  trestle services --admin 10.77.0.5:15000 -o json")
    .action(async ({ admin, output }: { admin: string; output: OutputFormat }) => {
      const { services } = await askAdmin<{ services: ServiceView[] }>(admin, "/api/v1/services");
      process.stdout.write(
        printRows(output, services, [
          { head: "HOST", text: ({ host }) => host },
          { head: "SERVICE", text: ({ service }) => service },
          { head: "ENDPOINTS", text: ({ endpoints }) => String(endpoints) },
          { head: "PROXIED", text: ({ carried }) => (carried ? "yes" : "no") },
          { head: "HTTP", text: ({ http }) => http || "-" },
          { head: "RULE", text: ({ virtualService }) => virtualService || "-" },
          { head: "POLICY", text: ({ destinationRule }) => destinationRule || "-" },
          { head: "REGISTRIES", text: ({ registries }) => registries.join(",") || "-" },
        ]),
      );
    });
}
