import { Command } from "commander";
import { printAddress } from "../base/address.ts";
import { createLogger, type Logger } from "../base/log.ts";
import type { TrestleConfig } from "./config/config.ts";
import { followFile } from "./config/follow.ts";
import { type RoleFlags, resolveConfig } from "./config/resolve.ts";
import { describeFailure, failWith } from "./fail.ts";
import { checkFolders } from "./mesh/folders.ts";
import { checkListeners, checkLoops, settleTri } from "./mesh/listeners.ts";
import { Mesh } from "./mesh/mesh.ts";
import { addRoleFlags } from "./role-flags.ts";
import { runRole } from "./run-role.ts";
import { VERSION } from "./version.ts";

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
  trestle up -c trestle.yaml
      the same from a file; trestle config --explain lists its keys

Signals: SIGHUP replaces the proxy workers one after the other, SIGTERM drains and ends, a second one ends at once.`,
    )
    .action(run);
}

async function run(flags: RoleFlags): Promise<void> {
  const { config, errors } = resolveConfig(flags, process.env);
  if (config === undefined) failWith(errors);
  const unusable = [...(await checkLoops(config)), ...(await checkListeners(config)), ...checkFolders(config)];
  if (unusable.length > 0) failWith(unusable);
  const log = createLogger(config.logLevel);
  warnOfOddities(config, log);
  const mesh = new Mesh(await settleTri(config, log), log);
  // What went wrong stands in the log already.
  process.on("SIGHUP", () => void mesh.dataPlane.restart().catch(() => {}));
  // A start may be held by what the file says: it is followed from its beginning.
  if (flags.config !== undefined) followFile(flags.config, () => takeUp(mesh, flags, log));
  if (!(await runRole(mesh))) return;
  process.stdout.write(`${printListeners(mesh)}\n`);
  log.info("trestle is up", { admin: `http://${mesh.adminAddress}`, proxy: mesh.dataPlane.listening });
}

/** One line for people: where everything listens. */
function printListeners({ config, facades, adminAddress, dataPlane }: Mesh): string {
  const behind = (name: string) => {
    const registry = config.registries.find((one) => one.name === name);
    return registry === undefined || registry.scheme === "embedded"
      ? "an embedded registry, in memory"
      : `${registry.scheme}://${registry.hosts.join(",")}${registry.chroot}`;
  };
  const { dubbo, tri } = dataPlane.listening;
  const { bind, httpPort } = config.proxy;
  const proxies = [
    ...dubbo.map((address) => `dubbo://${address}`),
    ...tri.map((address) => `tri://${address}`),
    ...(httpPort === undefined ? [] : [`http://${printAddress(bind, httpPort)}`]),
  ];
  const parts = [
    ...facades.map(
      ({ facade: { address }, config: { scheme, registry } }) =>
        `facade ${scheme}://${printAddress(address.host, address.port)} (before ${behind(registry)})`,
    ),
    `proxy ${proxies.join(" and ")}`,
    `admin http://${adminAddress}`,
  ];
  return `trestle ${VERSION} is up: ${parts.join(", ")}`;
}

/** What is allowed, but seldom meant. */
function warnOfOddities({ facades, proxy }: TrestleConfig, log: Logger): void {
  if (facades.length === 0)
    log.warn("no facade is configured, so no application can come in; give one with --facade zookeeper://HOST:2181");
  const isLoopback = (host: string) => host.startsWith("127.") || host === "::1" || host === "localhost";
  if (isLoopback(proxy.host) && facades.some(({ host }) => !isLoopback(host))) {
    log.warn(
      `consumers are shown ${proxy.host}, which works on this machine alone; give the address for others with --proxy-host`,
    );
  }
}

/** The configuration file says something else now: what can be taken up is; a file with faults changes nothing. */
function takeUp(mesh: Mesh, flags: RoleFlags, log: Logger): void {
  const { config, errors } = resolveConfig(flags, process.env);
  if (config === undefined) {
    for (const error of errors) log.error(describeFailure(error));
    log.warn("configuration file has faults; the last good state stays in force", { file: flags.config });
    return;
  }
  const { taken, needRestart } = mesh.reconfigure(config);
  log.info("configuration taken up", { file: flags.config, changed: taken });
  if (needRestart.length > 0)
    log.warn("changed keys take effect when trestle is started anew", { file: flags.config, keys: needRestart });
}
