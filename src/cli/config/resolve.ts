import { ConfigError } from "../../base/errors.ts";
import { DEFAULT_MESH } from "../../model/mesh.ts";
import { NAMING_STYLES, type NamingStyle } from "../../registry-sync/naming/naming-styles.ts";
import { parseAddress } from "./address.ts";
import { type RawCa, resolveCa } from "./ca.ts";
import { type RawCaller, resolveCallers } from "./callers.ts";
import {
  type ControlTls,
  DEFAULT_ADMIN,
  DEFAULT_DUBBO_PORTS,
  DEFAULT_HTTP_PORTS,
  DEFAULT_PROXY_HOST,
  DEFAULT_TRI_PORT,
  type PortRange,
  type TrestleConfig,
} from "./config.ts";
import { checkConflicts, isOneAddress, ownListeners } from "./conflicts.ts";
import { resolveControl } from "./control.ts";
import { checkDocument } from "./document.ts";
import { type RawInbound, resolveInbound } from "./inbound.ts";
import { DEFAULT_SERVICE_ACCOUNT, localityIn, nameIn, type RawMesh, resolveMesh } from "./mesh.ts";
import { type RawMetadata, resolveMetadata } from "./metadata.ts";
import { type RawOutput, resolveOutputs } from "./outputs.ts";
import {
  type Environment,
  embeddedRegistry,
  type Fail,
  type RawFacade,
  type RawRegistry,
  readText,
  resolveFacade,
  resolveRegistry,
  schemeOf,
} from "./registries.ts";
import { checkCredentials, checkRules } from "./rule-places.ts";
import { CONFIG_KEYS } from "./schema.ts";
import { PLAIN_SHAPING, type RawGuard, resolveGuard } from "./shaping.ts";

/** Command line flags of the roles; what is given here wins over the file. */
export interface RoleFlags {
  readonly config?: string;
  readonly registry?: readonly string[];
  readonly facade?: readonly string[];
  readonly proxyHost?: string;
  readonly proxyPort?: readonly string[];
  /** One number to count up from, one for each worker, or `none`. */
  readonly triPort?: readonly string[];
  readonly httpPort?: string;
  readonly advertise?: readonly string[];
  readonly rules?: readonly string[];
  readonly metadata?: readonly string[];
  readonly protos?: readonly string[];
  readonly admin?: string;
  readonly output?: readonly string[];
  readonly control?: readonly string[];
  readonly data?: string;
  readonly logLevel?: string;
}

interface RawConfig {
  readonly registries?: readonly RawRegistry[];
  readonly facades?: readonly RawFacade[];
  readonly proxy?: {
    readonly host?: string;
    readonly bind?: string;
    readonly advertise?: readonly string[];
    readonly dubbo?: readonly number[];
    readonly tri?: number | readonly number[];
    readonly http?: PortRange;
    readonly httpPort?: number;
    readonly inbound?: readonly RawInbound[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly serviceAccount?: string;
    readonly locality?: string;
  };
  readonly mesh?: RawMesh;
  readonly ca?: RawCa;
  readonly callers?: readonly RawCaller[];
  readonly rules?: readonly string[];
  readonly credentials?: string;
  readonly credentialReaders?: readonly string[];
  readonly metadata?: readonly RawMetadata[];
  readonly protos?: readonly string[];
  readonly outputs?: readonly RawOutput[];
  readonly control?: { readonly servers?: readonly string[]; readonly tls?: ControlTls };
  readonly admin?: string;
  readonly naming?: string;
  readonly guard?: RawGuard;
  readonly data?: string;
}

/** The outcome of reading flags and file: a configuration, or every fault at once. */
export type ResolvedConfig =
  | { readonly config: TrestleConfig; readonly errors: readonly [] }
  | { readonly config: undefined; readonly errors: readonly ConfigError[] };

/** Reads the file that the flags name, lays the flags over it, fills in defaults and checks the whole. */
export function resolveConfig(flags: RoleFlags, env: Environment): ResolvedConfig {
  const faults = new Faults();
  const raw = readFile(flags.config, faults);
  const config = layOver(flags, raw, env, faults.fail);
  if (faults.errors.length === 0) return { config, errors: [] };
  return { config: undefined, errors: faults.errors.sort(byPlace) };
}

/** Faults so far. Of a place where the file's shape is wrong, above or below it, nothing more is said. */
class Faults {
  readonly errors: ConfigError[] = [];
  readonly #wrong = new Set<string>();
  #errorAt = (path: string, message: string) => new ConfigError(path, message);

  readonly fail: Fail = (path, message) => {
    const isFlag = path.startsWith("--");
    const isKnown = [...this.#wrong].some((wrong) => isSameOrBelow(path, wrong) || isSameOrBelow(wrong, path));
    if (isFlag) this.errors.push(new ConfigError(path, message));
    else if (!isKnown) this.errors.push(this.#errorAt(path, message));
  };

  take(errors: readonly ConfigError[], errorAt: (path: string, message: string) => ConfigError): void {
    this.#errorAt = errorAt;
    this.errors.push(...errors);
    for (const { path } of errors) this.#wrong.add(path);
  }
}

/** Flags first, then from the top of the file. */
function byPlace({ position: a }: ConfigError, { position: b }: ConfigError): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  return a.line - b.line || a.column - b.column;
}

function isSameOrBelow(path: string, other: string): boolean {
  return path === other || (path.startsWith(other) && (other === "" || /[.[]/.test(path.charAt(other.length))));
}

function readFile(file: string | undefined, faults: Faults): RawConfig {
  if (file === undefined) return {};
  const text = readText(file, (message) => faults.fail("--config", message));
  if (text === undefined) return {};
  const { value, errors, errorAt } = checkDocument(file, text, { type: "map", keys: CONFIG_KEYS });
  faults.take(errors, errorAt);
  return (value ?? {}) as RawConfig;
}

function layOver(flags: RoleFlags, raw: RawConfig, env: Environment, fail: Fail): TrestleConfig {
  /** Where a part was given: a flag stands before the file. */
  const place = (given: unknown, flag: string, path: string) => (given === undefined ? path : flag);
  const facadeAt = (i: number) => place(flags.facade, "--facade", `facades[${i}]`);
  const outputAt = (i: number) => place(flags.output, "--output", `outputs[${i}]`);
  const registries = (flags.registry?.map((url): RawRegistry => ({ url })) ?? raw.registries ?? []).map((item, i) =>
    resolveRegistry(item, place(flags.registry, "--registry", `registries[${i}]`), env, fail, raw.guard),
  );
  if (registries.length === 0) registries.push(embeddedRegistry(raw.guard));
  resolveGuard(raw.guard ?? {}, PLAIN_SHAPING.guard, "guard", fail);
  const facades = (flags.facade?.map((url): RawFacade => ({ url })) ?? raw.facades ?? []).map((item, i, all) => {
    const before = all.slice(0, i).filter(({ url }) => schemeOf(url) === schemeOf(item.url));
    return resolveFacade(item, before.length, registries, facadeAt(i), fail);
  });
  const host = withoutBrackets(flags.proxyHost ?? raw.proxy?.host ?? DEFAULT_PROXY_HOST);
  const adminText = flags.admin ?? raw.admin ?? DEFAULT_ADMIN;
  // A number alone would be a host by its form, and is meant as a port.
  const admin = /^\d+$/.test(adminText) ? undefined : parseAddress(adminText, 15_000);
  const adminAt = place(flags.admin, "--admin", "admin");
  if (admin === undefined) fail(adminAt, `"${adminText}" is no host:port to listen on, such as ${DEFAULT_ADMIN}`);
  const { outputs, places, xds, xdsPlace } = resolveOutputs(flags.output, raw.outputs, outputAt, fail);
  const dubbo = flags.proxyPort?.map(Number) ?? raw.proxy?.dubbo ?? DEFAULT_DUBBO_PORTS;
  const asked = askedTri(flags.triPort) ?? raw.proxy?.tri;
  const httpPort = flags.httpPort ?? raw.proxy?.httpPort;
  const given: TrestleConfig = {
    registries,
    facades,
    proxy: {
      host,
      bind: raw.proxy?.bind === undefined ? host : withoutBrackets(raw.proxy.bind),
      advertise: flags.advertise ?? raw.proxy?.advertise ?? [],
      dubbo,
      tri: countUp(asked ?? [], dubbo.length),
      triIsDefault: asked === undefined,
      http: raw.proxy?.http ?? DEFAULT_HTTP_PORTS,
      ...(httpPort !== undefined && { httpPort: Number(httpPort) }),
      inbound: resolveInbound(raw.proxy?.inbound ?? [], { ...raw.proxy?.labels }, fail),
      labels: { ...raw.proxy?.labels },
      serviceAccount: nameIn(raw.proxy?.serviceAccount ?? DEFAULT_SERVICE_ACCOUNT, "proxy.serviceAccount", fail),
      ...localityIn(raw.proxy?.locality),
    },
    mesh: resolveMesh(raw.mesh ?? {}, fail),
    ...resolveCa(raw.ca, fail),
    callers: resolveCallers(
      raw.callers ?? [],
      { trustDomain: raw.mesh?.trustDomain ?? DEFAULT_MESH.trustDomain, registries },
      env,
      fail,
    ),
    rules: checkRules(flags.rules ?? raw.rules ?? [], (i) => place(flags.rules, "--rules", `rules[${i}]`), fail),
    ...checkCredentials(raw.credentials, raw.credentialReaders ?? [], fail),
    metadata: (flags.metadata?.map((url): RawMetadata => ({ url })) ?? raw.metadata ?? []).map((item, i) =>
      resolveMetadata(item, place(flags.metadata, "--metadata", `metadata[${i}]`), env, fail),
    ),
    protos: flags.protos ?? raw.protos ?? [],
    outputs,
    ...(xds && { xds }),
    control: resolveControl(
      flags.control ?? raw.control?.servers ?? [],
      (i) => place(flags.control, "--control", `control.servers[${i}]`),
      fail,
      raw.control?.tls,
    ),
    naming: namingStyle(raw.naming, fail),
    ...optionalData(flags.data ?? raw.data),
    admin: admin ?? { host: "", port: 0 },
    logLevel: (flags.logLevel ?? "info") as TrestleConfig["logLevel"],
  };
  const config = asked === undefined ? withDefaultTri(given) : given;
  checkConflicts(
    config,
    {
      facades: (i) => (flags.facade === undefined ? `facades[${i}].url` : "--facade"),
      host: place(flags.proxyHost, "--proxy-host", "proxy.host"),
      bind: raw.proxy?.bind === undefined ? place(flags.proxyHost, "--proxy-host", "proxy.host") : "proxy.bind",
      dubbo: place(flags.proxyPort, "--proxy-port", "proxy.dubbo"),
      tri: place(flags.triPort, "--tri-port", "proxy.tri"),
      httpPort: place(flags.httpPort, "--http-port", "proxy.httpPort"),
      advertise: (i) => place(flags.advertise, "--advertise", `proxy.advertise[${i}]`),
      admin: adminAt,
      outputs: (i) => outputAt(places[i] ?? i),
      xds: outputAt(xdsPlace),
    },
    fail,
  );
  return config;
}

function namingStyle(text: string | undefined, fail: Fail): NamingStyle {
  const style = NAMING_STYLES.find((one) => one === (text ?? "trestle"));
  if (style === undefined) fail("naming", `"${text}" is no naming style; there are ${NAMING_STYLES.join(", ")}`);
  return style ?? "trestle";
}

function optionalData(data: string | undefined): { readonly data?: string } {
  return data === undefined ? {} : { data };
}

/** What `--tri-port` asks for: the number to count up from, or the ports; undefined where it is not given. */
function askedTri(flag: readonly string[] | undefined): number | readonly number[] | undefined {
  if (flag?.length !== 1) return flag?.map(Number);
  return flag[0] === "none" ? [] : Number(flag[0]);
}

function countUp(asked: number | readonly number[], count: number): readonly number[] {
  return typeof asked === "number" ? Array.from({ length: count }, (_, i) => asked + i) : asked;
}

/** With the Triple ports from the default on that nothing else of this configuration listens on. */
function withDefaultTri(config: TrestleConfig): TrestleConfig {
  const { proxy } = config;
  const others = ownListeners(config);
  const tri: number[] = [];
  for (let port = DEFAULT_TRI_PORT; tri.length < proxy.dubbo.length && port <= 65_535; port++)
    if (!others.some((other) => isOneAddress(other, { host: proxy.bind, port }))) tri.push(port);
  return { ...config, proxy: { ...proxy, tri } };
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
