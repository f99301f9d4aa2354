import { Command } from "commander";
import { createLogger } from "../base/log.ts";
import { printAddress } from "./config/address.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { Mesh } from "./mesh/mesh.ts";
import { addRoleFlags } from "./role-flags.ts";

/** After SIGTERM everything is gone within this time, ms, whatever still hangs. */
const STOP_MS = 7_500;

/** `trestle up`: all roles in one parent process, with one worker process for each proxy port. */
export function createUpCommand(): Command {
  return addRoleFlags(new Command("up"))
    .description("run facade, sync, control and proxy together")
    .addHelpText(
      "after",
      `
Examples:
  trestle up --facade zookeeper://127.0.0.1:2181
      an embedded registry behind the facade (in memory): for demos, tests and a single machine
  trestle up --registry zookeeper://10.0.0.1:2181 --facade zookeeper://10.0.0.5:2181 \\
             --proxy-host 10.0.0.5 --rules ./rules --admin 10.0.0.5:15000 --output files=./out
      in front of a real registry: applications change their registry address to 10.0.0.5:2181, nothing else

Signals: SIGHUP replaces the proxy workers one after the other, SIGTERM drains and ends.`,
    )
    .action(async (flags: RoleFlags) => {
      const { config, errors } = resolveConfig(flags, process.env);
      if (config === undefined) failWith(errors);
      const log = createLogger(config.logLevel);
      const mesh = new Mesh(config, log);
      let stopping = false;
      const stop = () => {
        if (stopping) return;
        stopping = true;
        setTimeout(() => process.exit(1), STOP_MS).unref();
        void mesh.stop().then(() => process.exit(0));
      };
      process.on("SIGTERM", stop);
      process.on("SIGINT", stop);
      process.on("SIGHUP", () => void mesh.dataPlane.restart());
      try {
        await mesh.start();
      } catch (error) {
        failWith(error as Error);
      }
      for (const {
        facade,
        config: { registry },
      } of mesh.facades) {
        log.info("facade listens", {
          facade: `zookeeper://${printAddress(facade.address.host, facade.address.port)}`,
          registry,
        });
      }
      log.info("trestle is up", { admin: `http://${mesh.adminAddress}`, proxy: mesh.dataPlane.addresses });
    });
}
