import { readFileSync } from "node:fs";
import { ConfigError } from "../../base/errors.ts";
import { parseAddress, parseServerUrl, printAddress } from "./address.ts";
import {
  DEFAULT_ADMIN,
  DEFAULT_DUBBO_PORTS,
  DEFAULT_FACADE_PORT,
  DEFAULT_PROXY_HOST,
  EMBEDDED_REGISTRY,
  type FacadeConfig,
  type RegistryConfig,
  type TrestleConfig,
} from "./config.ts";
import { checkDocument } from "./document.ts";
import { CONFIG_KEYS } from "./schema.ts";

/** Command line flags of the roles; what is given here wins over the file. */
export interface RoleFlags {
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly facade?: readonly string[];
  readonly proxyHost?: string;
  readonly proxyPort?: readonly string[];
  readonly advertise?: readonly string[];
  readonly rules?: readonly string[];
  readonly admin?: string;
  readonly output?: readonly string[];
  readonly logLevel?: string;
}

interface RawRegistry {
  readonly name?: string;
  readonly url: string;
  readonly auth?: { readonly username: string; readonly passwordFile?: string; readonly passwordEnv?: string };
}

interface RawFacade {
  readonly url: string;
  readonly registry?: string;
  readonly take?: { readonly services?: readonly string[]; readonly applications?: readonly string[] };
  readonly allow?: readonly string[];
}

interface RawConfig {
  readonly registries?: readonly RawRegistry[];
  readonly facades?: readonly RawFacade[];
  readonly proxy?: {
    readonly host?: string;
    readonly bind?: string;
    readonly advertise?: readonly string[];
    readonly dubbo?: readonly number[];
  };
  readonly rules?: readonly string[];
  readonly outputs?: readonly { readonly files: string }[];
  readonly admin?: string;
}

/** The outcome of reading flags and file: a configuration, or every fault at once. */
export type ResolvedConfig =
  | { readonly config: TrestleConfig; readonly errors: readonly [] }
  | { readonly config: undefined; readonly errors: readonly ConfigError[] };

/** Reads the file that the flags name, lays the flags over it, fills in defaults and checks the whole. */
export function resolveConfig(flags: RoleFlags, env: Readonly<Record<string, string | undefined>>): ResolvedConfig {
  const errors: ConfigError[] = [];
  let errorAt = (path: string, message: string) => new ConfigError(path, message);
  let raw: RawConfig = {};
  if (flags.config !== undefined) {
    const text = readText(flags.config, errors);
    if (text !== undefined) {
      const checked = checkDocument(flags.config, text, { type: "map", keys: CONFIG_KEYS });
      errors.push(...checked.errors);
      errorAt = checked.errorAt;
      raw = (checked.value ?? {}) as RawConfig;
    }
  }
  if (errors.length > 0) return { config: undefined, errors };
  const fail = (path: string, message: string) => void errors.push(errorAt(path, message));
  const registries = (flags.registry?.map((url): RawRegistry => ({ url })) ?? raw.registries ?? []).map((item, i) =>
    resolveRegistry(item, flags.registry === undefined ? `registries[${i}]` : "--registry", env, fail),
  );
  if (registries.length === 0) registries.push(embeddedRegistry());
  const facades = (flags.facade?.map((url): RawFacade => ({ url })) ?? raw.facades ?? []).map((item, i) =>
    resolveFacade(item, i, registries, flags.facade === undefined ? `facades[${i}]` : "--facade", fail),
  );
  const host = flags.proxyHost ?? raw.proxy?.host ?? DEFAULT_PROXY_HOST;
  const dubbo = flags.proxyPort?.map(Number) ?? raw.proxy?.dubbo ?? DEFAULT_DUBBO_PORTS;
  if (dubbo.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    fail("proxy.dubbo", "a Dubbo2 port must be from 1 to 65535");
  if (new Set(dubbo).size !== dubbo.length) fail("proxy.dubbo", "the Dubbo2 ports must differ");
  const advertise = flags.advertise ?? raw.proxy?.advertise ?? [];
  for (const item of advertise)
    if (parseAddress(item) === undefined) fail("proxy.advertise", `"${item}" is no host:port`);
  const admin = parseAddress(flags.admin ?? raw.admin ?? DEFAULT_ADMIN, 15_000);
  if (admin === undefined)
    fail(flags.admin === undefined ? "admin" : "--admin", `"${flags.admin ?? raw.admin}" is no host:port`);
  const outputs = flags.output?.map((item) => ({ files: outputFolder(item, fail) })) ?? raw.outputs ?? [];
  checkNames(registries, fail);
  if (errors.length > 0) return { config: undefined, errors };
  return {
    config: {
      registries,
      facades,
      proxy: { host, bind: raw.proxy?.bind ?? host, advertise, dubbo },
      rules: flags.rules ?? raw.rules ?? [],
      outputs,
      admin: admin!,
      logLevel: (flags.logLevel ?? "info") as TrestleConfig["logLevel"],
    },
    errors: [],
  };
}

function resolveRegistry(
  raw: RawRegistry,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  fail: (path: string, message: string) => void,
): RegistryConfig {
  const url = parseServerUrl(raw.url, 2_181);
  if (typeof url === "string") {
    fail(`${path}.url`, url);
    return embeddedRegistry();
  }
  if (url.scheme !== "zookeeper")
    fail(`${path}.url`, `registry scheme "${url.scheme}" is not supported; use zookeeper://`);
  const hosts = url.hosts.map(({ host, port }) => printAddress(host, port));
  const { auth } = raw;
  let password = url.password;
  if (auth?.passwordEnv !== undefined) {
    password = env[auth.passwordEnv] ?? "";
    if (password === "") fail(`${path}.auth.passwordEnv`, `environment variable ${auth.passwordEnv} is not set`);
  } else if (auth?.passwordFile !== undefined) {
    const errors: ConfigError[] = [];
    password = readText(auth.passwordFile, errors)?.trimEnd() ?? "";
    for (const error of errors) fail(`${path}.auth.passwordFile`, error.message);
  }
  return {
    name: raw.name ?? `zookeeper-${hosts[0]}`,
    scheme: "zookeeper",
    hosts,
    chroot: url.path,
    root: url.query["root"] ?? `/${url.query["group"] ?? "dubbo"}`,
    username: auth?.username ?? url.username,
    password,
  };
}

function resolveFacade(
  raw: RawFacade,
  index: number,
  registries: readonly RegistryConfig[],
  path: string,
  fail: (path: string, message: string) => void,
): FacadeConfig {
  const url = parseServerUrl(raw.url, DEFAULT_FACADE_PORT);
  const parsed = typeof url === "string" ? undefined : url;
  if (typeof url === "string") fail(`${path}.url`, url);
  else if (url.scheme !== "zookeeper")
    fail(`${path}.url`, `facade scheme "${url.scheme}" is not supported; use zookeeper://`);
  else if (url.hosts.length > 1) fail(`${path}.url`, "a facade listens on one address");
  const behind = raw.registry === undefined ? registries[index] : registries.find(({ name }) => name === raw.registry);
  if (behind === undefined) {
    fail(
      `${path}.registry`,
      raw.registry === undefined
        ? "there is no registry for this facade: give as many registries as facades"
        : `no registry is named "${raw.registry}"`,
    );
  }
  return {
    host: parsed?.hosts[0]?.host ?? "",
    port: parsed?.hosts[0]?.port ?? 0,
    registry: behind?.name ?? "",
    take: { services: raw.take?.services ?? ["*"], applications: raw.take?.applications ?? ["*"] },
    allow: raw.allow ?? [],
  };
}

function embeddedRegistry(): RegistryConfig {
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

function checkNames(registries: readonly RegistryConfig[], fail: (path: string, message: string) => void): void {
  const seen = new Set<string>();
  for (const { name } of registries) {
    if (seen.has(name)) fail("registries", `two registries are named "${name}"`);
    seen.add(name);
  }
}

function outputFolder(text: string, fail: (path: string, message: string) => void): string {
  const folder = /^files=(.+)$/.exec(text)?.[1];
  if (folder === undefined) fail("--output", `"${text}" is no output; use files=FOLDER`);
  return folder ?? "";
}

function readText(file: string, errors: ConfigError[]): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    errors.push(
      new ConfigError("", `cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`),
    );
    return undefined;
  }
}
