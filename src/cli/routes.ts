import { Command } from "commander";
import type { RouteView } from "../control/admin/views.ts";
import { parseServiceKey } from "../model/service.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle routes [HOST]`: where calls go, in the order that decides. */
export function createRoutesCommand(): Command {
  return new Command("routes")
    .description("list the routes of a running instance; of a service the first that matches a call decides")
    .argument("[service]", "host, service key or interface name; all services unless given")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle routes\n  trestle routes com.acme.OrderService -o json")
    .action(async (service: string | undefined, { admin, output }: { admin: string; output: OutputFormat }) => {
      const answer = await askAdmin<{ routes: RouteView[] }>(admin, "/api/v1/routes");
      const routes = answer.routes.filter((route) => service === undefined || isOf(route, service.toLowerCase()));
      if (service !== undefined && routes.length === 0)
        throw new Error(`there is no route for ${service}; see trestle services`);
      process.stdout.write(
        printRows(output, routes, [
          { head: "HOST", text: (row) => row.host },
          { head: "ROUTE", text: (row) => row.route },
          { head: "MATCH", text: (row) => row.match },
          { head: "TO", text: (row) => row.to },
          { head: "POLICIES", text: (row) => row.policies || "-" },
          { head: "AT", text: (row) => row.at || "-" },
        ]),
      );
    });
}

function isOf({ host, service }: RouteView, wanted: string): boolean {
  return [host, service.toLowerCase(), parseServiceKey(service).interface.toLowerCase()].includes(wanted);
}
