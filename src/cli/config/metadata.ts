import { printAddress } from "../../base/address.ts";
import { parseServerUrl, type ServerUrl } from "./address.ts";
import type { MetadataConfig } from "./config.ts";
import { backupHosts, type Environment, type Fail, type RawRegistry, resolvePassword } from "./registries.ts";

/** A metadata centre as flags or file have it. */
export type RawMetadata = RawRegistry;

/** Nacos' own port for HTTP, and where its HTTP stands there. */
const DEFAULT_PORT = 8_848;
const DEFAULT_PATH = "/nacos";
/** What its URL may say behind `?`, as in Dubbo's own `dubbo.metadata-report.address`. */
const QUERY = ["namespace", "group", "backup", "username", "password"];

/** Fills in a metadata centre's defaults; `path` is where it stands. Faults go to `fail`, and what is given then is not to be used. */
export function resolveMetadata(raw: RawMetadata, path: string, env: Environment, fail: Fail): MetadataConfig {
  const at = path.startsWith("--") ? path : `${path}.url`;
  const parsed = parseServerUrl(raw.url, DEFAULT_PORT);
  const none: ServerUrl = { hosts: [], path: "", query: {}, username: "", password: "", scheme: "" };
  const url = typeof parsed === "string" ? none : parsed;
  if (typeof parsed === "string") fail(at, parsed.replace(/(password=)[^&"]*/g, "$1..."));
  else if (url.scheme === "zookeeper")
    fail(at, "metadata reports in ZooKeeper are read with their registry; only those in Nacos are named here");
  else if (url.scheme !== "nacos")
    fail(at, `unknown scheme "${url.scheme}" of a metadata centre; nacos:// is supported`);
  for (const name of Object.keys(url.query)) {
    if (!QUERY.includes(name)) fail(at, `unknown parameter "${name}"; known here: ${QUERY.join(", ")}`);
  }
  const { namespace = "", group = "dubbo", username = "", password = "" } = url.query;
  const named = { ...url, username: url.username || username, password: url.password || password };
  const hosts = [...url.hosts, ...backupHosts(url, DEFAULT_PORT, (message) => fail(at, message))];
  const addresses = hosts.map(({ host, port }) => printAddress(host, port));
  return {
    name: raw.name ?? `nacos-${addresses[0]}`,
    hosts: addresses,
    contextPath: url.path === "" ? DEFAULT_PATH : url.path,
    namespace,
    group,
    username: raw.auth?.username ?? named.username,
    password: resolvePassword(raw, named, path, env, fail),
  };
}
