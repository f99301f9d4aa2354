import { Command } from "commander";
import type { EndpointView } from "../control/admin/views.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle endpoints [SERVICE]`: the providers that a running instance knows. */
export function createEndpointsCommand(): Command {
  return new Command("endpoints")
    .description("list the endpoints that a running instance knows")
    .argument("[service]", "host, service key or interface name; all services unless given")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle endpoints\n  trestle endpoints com.acme.OrderService -o yaml")
    .action(async (service: string | undefined, { admin, output }: { admin: string; output: OutputFormat }) => {
      const query = service === undefined ? "" : `?service=${encodeURIComponent(service)}`;
      const { endpoints } = await askAdmin<{ endpoints: EndpointView[] }>(admin, `/api/v1/endpoints${query}`);
      if (service !== undefined && endpoints.length === 0)
        throw new Error(`no endpoint of ${service} is known; see trestle services`);
      process.stdout.write(
        printRows(output, endpoints, [
          { head: "SERVICE", text: (row) => row.service },
          { head: "ADDRESS", text: (row) => row.address },
          { head: "PROTOCOL", text: (row) => row.protocol },
          { head: "WEIGHT", text: (row) => String(row.weight) },
          { head: "TAG", text: (row) => row.tag || "-" },
          { head: "STATE", text: stateOf },
          { head: "LOCALITY", text: (row) => row.locality ?? "-" },
          { head: "PRIORITY", text: (row) => (row.priority === undefined ? "-" : String(row.priority)) },
          { head: "REGISTRY", text: (row) => row.registry },
        ]),
      );
    });
}

function stateOf({ disabled, ejected = [] }: EndpointView): string {
  if (disabled) return "disabled";
  return ejected.length === 0 ? "ok" : `ejected (${[...new Set(ejected.map(({ worker }) => worker))].join(", ")})`;
}
