import { readFileSync } from "node:fs";
import { ConfigError } from "../../base/errors.ts";
import { compileAllow } from "../../registry-sync/facades/zookeeper/allow.ts";
import { parseAddress, parseServerUrl, printAddress, type ServerUrl } from "./address.ts";
import { DEFAULT_FACADE_PORT, EMBEDDED_REGISTRY, type FacadeConfig, type RegistryConfig } from "./config.ts";

/** A registry as flags or file have it. */
export interface RawRegistry {
  readonly name?: string;
  readonly url: string;
  readonly auth?: { readonly username: string; readonly passwordFile?: string; readonly passwordEnv?: string };
}

/** A facade as flags or file have it. */
export interface RawFacade {
  readonly url: string;
  readonly registry?: string;
  readonly take?: { readonly services?: readonly string[]; readonly applications?: readonly string[] };
  readonly allow?: readonly string[];
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Notes a fault at a path of the file (`facades[0].url`) or at a flag (`--facade`). */
export type Fail = (path: string, message: string) => void;

/** Registries that Trestle will speak to, but does not yet. */
const LATER_REGISTRIES = ["nacos", "eureka", "kubernetes", "file", "memory"];
const LATER_FACADES = ["nacos", "eureka"];
/** What a registry's URL may say behind `?`: Dubbo's own names for its tree and for further hosts. */
const QUERY = ["root", "group", "backup"];

/** Fills in a registry's defaults; `path` is where it stands. Faults go to `fail`, and what is given then is not to be used. */
export function resolveRegistry(raw: RawRegistry, path: string, env: Environment, fail: Fail): RegistryConfig {
  const at = urlPath(path);
  const url = parseServerUrl(raw.url, 2_181);
  if (typeof url === "string") {
    fail(at, url);
    return embeddedRegistry();
  }
  checkScheme(url.scheme, "registry", LATER_REGISTRIES, (message) => fail(at, message));
  for (const name of Object.keys(url.query)) {
    if (!QUERY.includes(name)) fail(at, `unknown parameter "${name}"; known here: ${QUERY.join(", ")}`);
  }
  const hosts = [...url.hosts, ...backupHosts(url, 2_181, (message) => fail(at, message))];
  const addresses = hosts.map(({ host, port }) => printAddress(host, port));
  const root = url.query["root"] ?? url.query["group"] ?? "dubbo";
  return {
    name: raw.name ?? `zookeeper-${addresses[0]}`,
    scheme: "zookeeper",
    hosts: addresses,
    chroot: url.path,
    root: `/${root.replace(/^\/+|\/+$/g, "")}`,
    username: raw.auth?.username ?? url.username,
    password: resolvePassword(raw, url, path, env, fail),
  };
}

/** Fills in a facade's defaults, the `index`-th of all; faults go to `fail`. */
export function resolveFacade(
  raw: RawFacade,
  index: number,
  registries: readonly RegistryConfig[],
  path: string,
  fail: Fail,
): FacadeConfig {
  const at = urlPath(path);
  const url = parseServerUrl(raw.url, DEFAULT_FACADE_PORT);
  if (typeof url === "string") fail(at, url);
  else checkFacadeUrl(url, (message) => fail(at, message));
  const [first] = typeof url === "string" ? [] : url.hosts;
  for (const [i, range] of (raw.allow ?? []).entries()) {
    try {
      compileAllow([range]);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      fail(`${path}.allow[${i}]`, `"${range}" is no address and no CIDR range such as 10.0.0.0/8`);
    }
  }
  return {
    host: first?.host ?? "",
    port: first?.port ?? 0,
    registry: registryBehind(raw, index, registries, path, fail),
    take: { services: raw.take?.services ?? ["*"], applications: raw.take?.applications ?? ["*"] },
    allow: raw.allow ?? [],
  };
}

/** The registry in memory that stands behind facades when none is configured. */
export function embeddedRegistry(): RegistryConfig {
  return {
    name: EMBEDDED_REGISTRY,
    scheme: "embedded",
    hosts: [],
    chroot: "",
    root: "/dubbo",
    username: "",
    password: "",
  };
}

function urlPath(path: string): string {
  return path.startsWith("--") ? path : `${path}.url`;
}

function checkScheme(scheme: string, what: string, later: readonly string[], fail: (message: string) => void): void {
  if (scheme === "zookeeper") return;
  if (later.includes(scheme)) fail(`a ${what} of ${scheme}:// is not supported yet; zookeeper:// is`);
  else fail(`unknown ${what} scheme "${scheme}"; zookeeper:// is supported`);
}

function checkFacadeUrl(url: ServerUrl, fail: (message: string) => void): void {
  checkScheme(url.scheme, "facade", LATER_FACADES, fail);
  if (url.hosts.length > 1) fail("a facade listens on one address; give one facade for each");
  if (url.path !== "" || Object.keys(url.query).length > 0)
    fail("a facade's URL ends behind the port; chroot and root belong to the registry's URL");
  if (url.username !== "" || url.password !== "")
    fail("a facade has no credentials of its own; its clients' are passed to the registry");
}

/** Further hosts, as Dubbo's URLs name them. */
export function backupHosts(url: ServerUrl, port: number, fail: (message: string) => void): ServerUrl["hosts"] {
  const { backup } = url.query;
  if (backup === undefined) return [];
  return backup.split(",").flatMap((item) => {
    const address = parseAddress(item, port);
    if (address === undefined) fail(`"${item}" in backup is no host:port`);
    return address === undefined ? [] : [address];
  });
}

/** The password that `auth` or the URL has; empty for none. */
export function resolvePassword(
  { auth }: Pick<RawRegistry, "auth">,
  url: ServerUrl,
  path: string,
  env: Environment,
  fail: Fail,
): string {
  if (auth === undefined) return url.password;
  if (url.username !== "") fail(`${path}.auth`, "credentials stand in the URL too; give them once");
  if (auth.passwordEnv !== undefined && auth.passwordFile !== undefined) {
    fail(`${path}.auth`, "passwordFile and passwordEnv exclude each other");
    return "";
  }
  if (auth.passwordEnv !== undefined) {
    const password = env[auth.passwordEnv] ?? "";
    if (password === "") fail(`${path}.auth.passwordEnv`, `environment variable ${auth.passwordEnv} is not set`);
    return password;
  }
  if (auth.passwordFile === undefined) {
    fail(`${path}.auth`, "passwordFile or passwordEnv is missing");
    return "";
  }
  const text = readText(auth.passwordFile, (message) => fail(`${path}.auth.passwordFile`, message));
  return text?.trimEnd() ?? "";
}

function registryBehind(
  { registry: name }: RawFacade,
  index: number,
  registries: readonly RegistryConfig[],
  path: string,
  fail: Fail,
): string {
  if (name !== undefined) {
    if (!registries.some((registry) => registry.name === name)) {
      const known = registries.map((registry) => registry.name).join(", ");
      fail(`${path}.registry`, `no registry is named "${name}"; there are ${known}`);
    }
    return name;
  }
  const behind = registries.length === 1 ? registries[0] : registries[index];
  if (behind === undefined)
    fail(path, `there is no ${index + 1}. registry for the ${index + 1}. facade; name the one behind it by "registry"`);
  return behind?.name ?? "";
}

/** Reads a small text file whole; where it can't be read `fail` hears why. */
export function readText(file: string, fail: (message: string) => void): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    fail(`cannot read ${file}: ${(code === undefined ? undefined : REASONS[code]) ?? message}`);
    return undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
};
