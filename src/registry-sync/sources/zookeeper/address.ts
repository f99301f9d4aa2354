import { ConfigError } from "../../../base/errors.ts";
import { pathFault } from "../../../codecs/zookeeper/paths.ts";

/** One server of an ensemble. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** What a registry URL says. */
export interface ZooKeeperAddress {
  readonly servers: readonly ServerAddress[];
  /** Prefix of every path, without a slash at its end; empty for none. */
  readonly chroot: string;
  readonly username: string | undefined;
  /** A secret. */
  readonly password: string | undefined;
  /** The parameters behind the question mark, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

const DEFAULT_PORT = 2181;
const MAX_SERVERS = 64;

/**
 * Reads `zookeeper://[user:password@]h1[:p][,h2[:p]...][/chroot][?k=v...]`; Dubbo's `backup=h2:p,h3:p` names servers too.
 * Throws `ConfigError`, whose text never holds the password.
 */
export function parseZooKeeperAddress(url: string): ZooKeeperAddress {
  const match = /^zookeeper:\/\/(?:([^@/?]*)@)?([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(url);
  if (match === null)
    throw new ConfigError("registry", "a ZooKeeper address looks like zookeeper://host:2181,host:2181/chroot");
  const [, user, hosts, path = "", query = ""] = match;
  const parameters = new Map(new URLSearchParams(query));
  const backup = parameters.get("backup");
  const servers = (backup === undefined ? hosts : `${hosts},${backup}`).split(",").map(parseServer);
  if (servers.length > MAX_SERVERS)
    throw new ConfigError("registry", `over ${MAX_SERVERS} ZooKeeper servers in one address`);
  const chroot = path.replace(/\/+$/, "");
  const fault = chroot === "" ? undefined : pathFault(chroot);
  if (fault !== undefined) throw new ConfigError("registry", `ZooKeeper chroot ${chroot}: ${fault}`);
  const colon = user?.indexOf(":") ?? -1;
  return {
    servers,
    chroot,
    username: user === undefined ? undefined : decode(colon < 0 ? user : user.slice(0, colon)),
    password: user === undefined || colon < 0 ? undefined : decode(user.slice(colon + 1)),
    parameters,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError("registry", "user or password of a ZooKeeper address is not well percent-encoded");
  }
}

/** Reads `host`, `host:port` or `[v6]:port`; the port is 2181 unless given. Throws `ConfigError`. */
export function parseServer(text: string): ServerAddress {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text.trim());
  const port = match?.[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new ConfigError("registry", `ZooKeeper server "${text}" is not host:port`);
  }
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}
