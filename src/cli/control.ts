import { Command, Option } from "commander";
import { createLogger } from "../base/log.ts";
import { LOG_LEVELS } from "./config/config.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { ControlRole } from "./mesh/control-role.ts";
import { checkFolders } from "./mesh/folders.ts";
import { checkListeners } from "./mesh/listeners.ts";
import { addRuleFlags, repeat } from "./role-flags.ts";
import { runRole } from "./run-role.ts";
import { VERSION } from "./version.ts";

/** `trestle control`: registries and rules to xDS, without facades and proxies. */
export function createControlCommand(): Command {
  const command = new Command("control")
    .description("serve what registries and rules say by xDS: to Trestle proxies, Envoy, proxyless gRPC and dubbo-xds")
    .option("-c, --config <file>", "configuration file, as of up; what it says of facades and proxy has no effect")
    .option("--registry <url>", "registry to read, such as zookeeper://10.0.0.1:2181; repeatable", repeat);
  return addRuleFlags(command)
    .option(
      "--output <kind=place>",
      "xds=HOST:PORT where xDS is served (default xds=127.0.0.1:15011), files=FOLDER for entries; repeatable",
      repeat,
    )
    .option("--data <folder>", "where the last good state and the audit log are kept (default: nowhere)")
    .option("--admin <address>", "address that the admin API listens on (default 127.0.0.1:15000)")
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default("info"))
    .addHelpText(
      "after",
      `
Examples:
  trestle control --registry zookeeper://10.0.0.1:2181 --rules ./rules --output xds=10.0.0.7:15011
  trestle proxies
      who is connected, and what clients refused

Several control processes that have the same registries and rules stand for each other: clients may ask any of them.
The address of xDS has no TLS: keep it within a network that you trust. With ca.listen in the file xDS is served there too, over TLS.`,
    )
    .action(run);
}

async function run(flags: RoleFlags): Promise<void> {
  const { config: resolved, errors } = resolveConfig(flags, process.env);
  if (resolved === undefined) failWith(errors);
  const config = { xds: { host: "127.0.0.1", port: 15_011 }, ...resolved };
  if (config.registries.every(({ scheme }) => scheme === "embedded"))
    failWith(new Error("there is no registry to read; name one with --registry URL"));
  // What is not opened here cannot stand in the way either.
  const own = { ...config, facades: [], proxy: { ...config.proxy, dubbo: [], tri: [] } };
  const unusable = [...(await checkListeners(own)), ...checkFolders(own)];
  if (unusable.length > 0) failWith(unusable);
  const log = createLogger(config.logLevel);
  const role = new ControlRole(config, log);
  if (!(await runRole(role))) return;
  const from = config.registries.map(({ name }) => name).join(", ");
  process.stdout.write(
    `trestle ${VERSION} serves ${from} by xDS at ${role.xds.address}, admin http://${role.adminAddress}\n`,
  );
}
