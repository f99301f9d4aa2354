import { type Command, Option } from "commander";
import { LOG_LEVELS } from "./config/config.ts";

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(/,(?=\S)/)];
}

/** A flag that may stand several times. */
export function repeat(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds the flags that say which rules and types of calls there are. */
export function addRuleFlags(command: Command): Command {
  return command
    .option(
      "--rules <path>",
      "file or folder with rules, or kubernetes:// for those of a cluster, watched; repeatable",
      repeat,
    )
    .option(
      "--metadata <url>",
      "metadata centre whose reports say types, such as nacos://10.0.0.1:8848; repeatable",
      repeat,
    )
    .option("--protos <path>", "file or folder of .proto files or descriptor sets, watched; repeatable", repeat);
}

/** Adds the flags that say which registries, facades, proxies and rules there are. */
export function addRoleFlags(command: Command): Command {
  command
    .option("-c, --config <file>", "configuration file (trestle config --explain lists its keys); flags win over it")
    .option(
      "--registry <url>",
      "real registry: zookeeper://10.0.0.1:2181,10.0.0.2:2181, or nacos://, eureka://, kubernetes://, file://; repeatable",
      repeat,
    )
    .option("--facade <url>", "address that speaks the registry's protocol to applications; repeatable", repeat)
    .option("--proxy-host <address>", "address of the proxy that consumers are shown")
    .option("--proxy-port <ports>", "Dubbo2 ports of the proxy, one worker each (default 20880,20881)", collect)
    .option("--tri-port <ports>", "its Triple ports: the first of them, one for each worker, or none", collect)
    .option("--http-port <port>", "port for all its HTTP services, told apart by Host (default: none)")
    .option("--advertise <host:port>", "address of another instance to hand out as well; repeatable", repeat);
  return addRuleFlags(command)
    .option("--admin <address>", "address that the admin API listens on (default 127.0.0.1:15000)")
    .option(
      "--output <kind=place>",
      "where entries are written: files=FOLDER, or xDS is served: xds=HOST:PORT; repeatable",
      repeat,
    )
    .option("--data <folder>", "where the last good state and the audit log are kept (default: nowhere)")
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default("info"));
}
