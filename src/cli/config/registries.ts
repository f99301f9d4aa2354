import { readFileSync } from "node:fs";
import { printAddress } from "../../base/address.ts";
import { ConfigError } from "../../base/errors.ts";
import { compileAllow } from "../../registry-sync/allow.ts";
import { parseAddress, parseServerUrl, type ServerUrl } from "./address.ts";
import { EMBEDDED_REGISTRY, type FacadeConfig, type RegistryConfig, type RegistryScheme } from "./config.ts";
import { parsePlaceUrl } from "./place-url.ts";
import {
  FACADE_SCHEMES,
  facadeSchemeOf,
  isFacadeScheme,
  LATER_SCHEMES,
  REGISTRY_SCHEMES,
  schemeShape,
} from "./registry-schemes.ts";
import { type RawGuard, type RawShaping, resolveShaping } from "./shaping.ts";

/** A registry as flags or file have it. */
export interface RawRegistry extends RawShaping {
  readonly name?: string;
  readonly url: string;
  readonly auth?: { readonly username: string; readonly passwordFile?: string; readonly passwordEnv?: string };
}

/** A facade as flags or file have it. */
export interface RawFacade {
  readonly url: string;
  readonly registry?: string;
  readonly take?: { readonly services?: readonly string[]; readonly applications?: readonly string[] };
  readonly pass?: { readonly services?: readonly string[]; readonly clients?: readonly string[] };
  readonly allow?: readonly string[];
  readonly hosts?: string;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Notes a fault at a path of the file (`facades[0].url`) or at a flag (`--facade`). */
export type Fail = (path: string, message: string) => void;

/**
 * Fills in a registry's defaults; `path` is where it stands, `guard` what holds for all registries. Faults go to `fail`, and what is
 * given then is not to be used.
 */
export function resolveRegistry(
  raw: RawRegistry,
  path: string,
  env: Environment,
  fail: Fail,
  guard?: RawGuard,
): RegistryConfig {
  const at = urlPath(path);
  const scheme = schemeOf(raw.url);
  const shape = schemeShape(scheme);
  const isPlace = shape?.isPlace === true;
  const url = isPlace ? parsePlaceUrl(raw.url) : parseServerUrl(raw.url, shape?.port ?? 0);
  if (typeof url === "string") {
    fail(at, url);
    return embeddedRegistry();
  }
  if (isPlace && raw.auth !== undefined) fail(`${path}.auth`, `a registry of ${scheme}:// takes no credentials here`);
  if (shape === undefined) {
    fail(at, unknownScheme(scheme, "registry", Object.keys(REGISTRY_SCHEMES)));
    return embeddedRegistry();
  }
  for (const name of Object.keys(url.query)) {
    if (!shape.query.includes(name)) fail(at, `unknown parameter "${name}"; known here: ${shape.query.join(", ")}`);
    const fault = shape.query.includes(name) ? shape.fault?.(name, url.query[name]!) : undefined;
    if (fault !== undefined) fail(at, fault);
  }
  const hosts = [...url.hosts, ...backupHosts(url, shape.port, (message) => fail(at, message))];
  const addresses = hosts.map(({ host, port }) => printAddress(host, port));
  const root = url.query["root"] ?? url.query["group"] ?? "dubbo";
  return {
    name: raw.name ?? (isPlace ? [scheme, url.path].filter(Boolean).join("-") : `${scheme}-${addresses[0]}`),
    scheme: scheme as RegistryScheme,
    hosts: addresses,
    chroot: url.path === "" ? shape.path : url.path,
    root: `/${root.replace(/^\/+|\/+$/g, "")}`,
    query: url.query,
    username: raw.auth?.username ?? url.username,
    password: resolvePassword(raw, url, path, env, fail),
    shaping: resolveShaping(raw, guard, path, fail),
  };
}

/** Fills in a facade's defaults, the `index`-th of its scheme; faults go to `fail`. */
export function resolveFacade(
  raw: RawFacade,
  index: number,
  registries: readonly RegistryConfig[],
  path: string,
  fail: Fail,
): FacadeConfig {
  const at = urlPath(path);
  const scheme = schemeOf(raw.url);
  const url = parseServerUrl(raw.url, schemeShape(scheme)?.port ?? 0);
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
  for (const [i, client] of (raw.pass?.clients ?? []).entries()) {
    if (client === "") fail(`${path}.pass.clients[${i}]`, "give an address, a CIDR range or an application's name");
  }
  if (raw.hosts !== undefined && raw.hosts !== "address" && raw.hosts !== "name")
    fail(`${path}.hosts`, `"${raw.hosts}" is neither address nor name`);
  return {
    scheme: isFacadeScheme(scheme) ? scheme : "zookeeper",
    host: first?.host ?? "",
    port: first?.port ?? 0,
    registry: registryBehind(raw, scheme, index, registries, path, fail),
    take: { services: raw.take?.services ?? ["*"], applications: raw.take?.applications ?? ["*"] },
    pass: { services: raw.pass?.services ?? [], clients: raw.pass?.clients ?? [] },
    allow: raw.allow ?? [],
    ...(raw.hosts === "name" && { namesAsHosts: true }),
  };
}

/** The registry in memory that stands behind facades when none is configured. */
export function embeddedRegistry(guard?: RawGuard): RegistryConfig {
  return {
    name: EMBEDDED_REGISTRY,
    scheme: "embedded",
    hosts: [],
    chroot: "",
    root: "/dubbo",
    query: {},
    username: "",
    password: "",
    shaping: resolveShaping({}, guard, "guard", () => {}),
  };
}

function urlPath(path: string): string {
  return path.startsWith("--") ? path : `${path}.url`;
}

/** What stands before `://`; empty where nothing does. */
export function schemeOf(url: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//.exec(url)?.[1] ?? "";
}

function unknownScheme(scheme: string, what: string, spoken: readonly string[]): string {
  const list = spoken.map((one) => `${one}://`).join(", ");
  const are = spoken.length === 1 ? "is" : "are";
  if (LATER_SCHEMES.includes(scheme) || schemeShape(scheme) !== undefined)
    return `a ${what} of ${scheme}:// is not supported yet; ${list} ${are}`;
  return `unknown ${what} scheme "${scheme}"; ${list} ${are} supported`;
}

function checkFacadeUrl(url: ServerUrl, fail: (message: string) => void): void {
  if (!isFacadeScheme(url.scheme)) fail(unknownScheme(url.scheme, "facade", FACADE_SCHEMES));
  if (url.hosts.length > 1) fail("a facade listens on one address; give one facade for each");
  const path = schemeShape(url.scheme)?.path ?? "";
  if ((url.path !== "" && url.path !== path) || Object.keys(url.query).length > 0)
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
  scheme: string,
  index: number,
  registries: readonly RegistryConfig[],
  path: string,
  fail: Fail,
): string {
  if (name !== undefined) {
    const named = registries.find((registry) => registry.name === name);
    if (named === undefined) {
      const known = registries.map((registry) => registry.name).join(", ");
      fail(`${path}.registry`, `no registry is named "${name}"; there are ${known}`);
    } else if (isFacadeScheme(scheme) && facadeSchemeOf(named.scheme) !== scheme) {
      fail(`${path}.registry`, `a facade of ${scheme}:// cannot stand before "${name}", which is ${named.scheme}://`);
    }
    return name;
  }
  if (!isFacadeScheme(scheme)) return "";
  const alike = registries.filter((registry) => facadeSchemeOf(registry.scheme) === scheme);
  const behind = alike.length === 1 ? alike[0] : alike[index];
  if (alike.length === 0)
    fail(
      path,
      `there is no ${scheme}:// registry for the facade to stand before; the embedded one is ZooKeeper's and stands only where no registry is named`,
    );
  else if (behind === undefined)
    fail(
      path,
      `there is no ${index + 1}. ${scheme}:// registry for the ${index + 1}. facade of it; name the one behind it by "registry"`,
    );
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
