import { Command } from "commander";
import type { RouteView } from "../control/admin/views.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { type OutputFormat, outputOption, printRows } from "./output.ts";

/** `trestle routes [HOST]`: where calls go, in the order that decides. */
export function createRoutesCommand(): Command {
  return new Command("routes")
    .description("list the routes of a running instance; of a service the first that matches a call decides")
    .argument("[host]", "host of one service; all unless given")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  trestle routes\n  trestle routes com.acme.orderservice-1-0-0 -o json")
    .action(async (host: string | undefined, { admin, output }: { admin: string; output: OutputFormat }) => {
      const answer = await askAdmin<{ routes: RouteView[] }>(admin, "/api/v1/routes");
      const routes = answer.routes.filter((route) => host === undefined || route.host === host.toLowerCase());
      if (host !== undefined && routes.length === 0)
        throw new Error(`there is no route for ${host}; see trestle services for the hosts`);
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
