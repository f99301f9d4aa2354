import { Command, Option } from "commander";
import { printAddress } from "../base/address.ts";
import { createLogger } from "../base/log.ts";
import { LOG_LEVELS } from "./config/config.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { failWith } from "./fail.ts";
import { checkFolders } from "./mesh/folders.ts";
import { checkListeners, settleTri } from "./mesh/listeners.ts";
import { ProxyRole } from "./mesh/proxy-role.ts";
import { repeat } from "./role-flags.ts";
import { runRole } from "./run-role.ts";
import { VERSION } from "./version.ts";

/** `trestle proxy`: the data plane on a host of its own, configured by control servers. */
export function createProxyCommand(): Command {
  const list = (value: string, before: readonly string[] | undefined) => [...(before ?? []), ...value.split(/,(?=\S)/)];
  return new Command("proxy")
    .description("carry calls on a host of its own, as control servers elsewhere say")
    .option(
      "-c, --config <file>",
      "configuration file, as of up; its registries, facades, rules and outputs have no effect",
    )
    .option(
      "--control <host:port>",
      "xDS server of a trestle up or control; repeatable: the next one is asked where one is out of reach",
      repeat,
    )
    .option("--proxy-host <address>", "address that it listens on")
    .option("--proxy-port <ports>", "Dubbo2 ports, one worker each (default 20880,20881)", list)
    .option("--tri-port <ports>", "Triple ports: the first of them, one for each worker, or none", list)
    .option("--http-port <port>", "port for services that speak HTTP, told apart by Host (default: none)")
    .option("--data <folder>", "where what control gave last is kept: with it the proxy starts while control is away")
    .option("--admin <address>", "address that the admin API listens on (default 127.0.0.1:15000)")
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default("info"))
    .addHelpText(
      "after",
      `
Consumers are led here by a facade elsewhere that hands out this address too: proxy.advertise, or --advertise.

Examples:
  trestle proxy --control 10.0.0.7:15011 --proxy-host 10.0.0.8 --data /var/lib/trestle
  trestle proxy --control 10.0.0.7:15011 --control 10.0.0.9:15011 --proxy-host 10.0.0.8
      two control servers that have the same registries and rules stand for each other
  trestle proxy --control 10.0.0.7:15011 --proxy-host 10.0.0.8 --http-port 8080
      curl -x http://10.0.0.8:8080 http://orders/ then asks the service "orders"

Signals: SIGHUP replaces the workers one after the other, SIGTERM drains and ends, a second one ends at once.`,
    )
    .action(run);
}

async function run(flags: RoleFlags): Promise<void> {
  const { config, errors } = resolveConfig(flags, process.env);
  if (config === undefined) failWith(errors);
  if (config.control.servers.length === 0)
    failWith(new Error("there is no control server to ask; name one with --control HOST:PORT"));
  // What is not opened here cannot stand in the way either.
  const own = { ...config, facades: [], outputs: [] };
  const unusable = [...(await checkListeners(own)), ...checkFolders(own)];
  if (unusable.length > 0) failWith(unusable);
  const log = createLogger(config.logLevel);
  const role = new ProxyRole(await settleTri(own, log), log);
  // What went wrong stands in the log already.
  process.on("SIGHUP", () => void role.dataPlane.restart().catch(() => {}));
  if (!(await runRole(role))) return;
  const { dubbo, tri } = role.dataPlane.listening;
  const { bind, httpPort } = config.proxy;
  const at = [
    ...dubbo.map((address) => `dubbo://${address}`),
    ...tri.map((address) => `tri://${address}`),
    ...(httpPort === undefined ? [] : [`http://${printAddress(bind, httpPort)}`]),
  ].join(" and ");
  process.stdout.write(
    `trestle ${VERSION} carries calls at ${at} as ${config.control.servers.join(", ")} says, admin http://${role.adminAddress}\n`,
  );
}
