import { matchesGroup, matchesVersion } from "../match.ts";
import { type DubboUrl, param } from "../url.ts";
import { compileMatch, type ProviderTest } from "./dynamic-match.ts";

/** Parameters of an override that say where it applies; all others are what it sets (apache/dubbo 3.3 AbstractConfigurator). */
const CONDITION_KEYS = new Set([
  "category",
  "check",
  "dynamic",
  "enabled",
  "group",
  "version",
  "application",
  "side",
  "configVersion",
  "compatible_config",
  "providerAddresses",
  "interface",
  "interfaces",
  "classifier",
  "priority",
  "anyhost",
  "runtime",
  "force",
  "name",
  "trestle.match",
]);

/** Where an override that stands for an item of dynamic configuration keeps that item's `match`, as JSON. */
export const MATCH_PARAM = "trestle.match";

/** A legacy override (`override://`, `absent://`), read once so that trying it on a provider is cheap. */
export interface Override {
  readonly url: DubboUrl;
  readonly isOff: boolean;
  readonly isAnyHost: boolean;
  readonly group: string;
  readonly version: string;
  /** `""` for any. */
  readonly application: string;
  /** Undefined for any. */
  readonly addresses: ReadonlySet<string> | undefined;
  /** What the provider's parameters must be. */
  readonly conditions: readonly (readonly [key: string, value: string])[];
  /** The `match` of dynamic configuration; undefined for none. */
  readonly matches: ProviderTest | undefined;
  readonly values: readonly (readonly [key: string, value: string])[];
  /** Sets only what is missing. */
  readonly isAbsent: boolean;
}

/** Why an override does or does not reach a provider. `consumer`: it is for certain consumers, who apply it themselves. */
export type OverrideReach = "applies" | "consumer" | "elsewhere" | "off";

/** Reads an override. */
export function compileOverride(url: DubboUrl): Override {
  const application = param(url, "application");
  const addresses = param(url, "providerAddresses");
  const entries = Object.entries(url.params);
  return {
    url,
    isOff: param(url, "enabled") === "false",
    isAnyHost: url.host === "0.0.0.0" || url.host === "",
    group: param(url, "group"),
    version: foldedVersion(url),
    application: application === "*" ? "" : application,
    addresses: addresses === "" ? undefined : new Set(addresses.split(",").map((one) => one.trim())),
    conditions: entries.flatMap(([key, value]) =>
      key.startsWith("~") && value !== "*" ? [[key.slice(1), value]] : [],
    ),
    matches: url.params[MATCH_PARAM] === undefined ? undefined : readMatch(url.params[MATCH_PARAM]),
    values: entries.filter(([key]) => !key.startsWith("~") && !CONDITION_KEYS.has(key)),
    isAbsent: url.protocol === "absent",
  };
}

/**
 * Whether an override reaches a provider: an address with a port names that provider, `0.0.0.0` any; an address without a
 * port names a consumer. Group and version must be the provider's or `*`; an application must be the provider's own (one
 * that names another is meant for that application's consumers). `~key` are conditions on the parameters.
 * Reference: apache/dubbo 3.3 AbstractConfigurator.configureDeprecated, UrlUtils.isMatch.
 */
export function overrideReach(override: Override, provider: DubboUrl): OverrideReach {
  const { url, isAnyHost, addresses, application, conditions } = override;
  if (override.isOff) return "off";
  if (url.port !== 0 && (url.port !== provider.port || !(isAnyHost || url.host === provider.host))) return "elsewhere";
  if (!isForService(override, provider)) return "elsewhere";
  if (url.port === 0 && !isAnyHost) return "consumer";
  if (addresses !== undefined && !namesAddress(addresses, provider)) return "elsewhere";
  if (application !== "" && application !== param(provider, "application")) return "consumer";
  if (override.matches?.(provider) === false) return "elsewhere";
  return conditions.every(([key, value]) => param(provider, key) === value) ? "applies" : "elsewhere";
}

/** Whether an override or a legacy route, read as one, is for a provider's group and version. */
export function isForService(rule: Pick<Override, "group" | "version">, provider: DubboUrl): boolean {
  return matchesGroup(rule.group, param(provider, "group")) && matchesVersion(rule.version, foldedVersion(provider));
}

/** The provider's URL with the parameters of the overrides that reach it merged in, in their order. */
export function applyOverrides(overrides: readonly Override[], provider: DubboUrl): DubboUrl {
  let params: Record<string, string> | undefined;
  for (const override of overrides) {
    if (overrideReach(override, provider) !== "applies") continue;
    params ??= Object.assign(Object.create(null), provider.params) as Record<string, string>;
    for (const [key, value] of override.values)
      if (!override.isAbsent || params[key] === undefined) params[key] = value;
  }
  return params === undefined ? provider : { ...provider, params };
}

/** The overrides of one interface, found by the provider that they can reach. */
export interface OverrideSet {
  readonly all: readonly Override[];
  /** Those that can reach a provider, in the order in which they are applied. */
  candidates(provider: DubboUrl): readonly Override[];
}

/**
 * Puts overrides in their order: those for any host first, so that one for a host wins over them; of two for the same host
 * the one of the greater `priority` comes later and wins. Those for one address are looked up by it, so that a thousand of
 * them cost a provider nothing.
 */
export function createOverrideSet(urls: readonly DubboUrl[]): OverrideSet {
  const rank = (url: DubboUrl) => Number.parseInt(param(url, "priority"), 10) || 0;
  const sorted = [...urls].sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : rank(a) - rank(b)));
  const all = sorted.map(compileOverride);
  const general = all.filter(({ url, isAnyHost }) => url.port === 0 || isAnyHost);
  const byAddress = new Map<string, Override[]>();
  for (const override of all) {
    if (override.url.port === 0 || override.isAnyHost) continue;
    const address = `${override.url.host}:${override.url.port}`;
    const list = byAddress.get(address);
    if (list === undefined) byAddress.set(address, [override]);
    else list.push(override);
  }
  return {
    all,
    candidates(provider) {
      const own = byAddress.get(`${provider.host}:${provider.port}`);
      return own === undefined ? general : [...general, ...own];
    },
  };
}

/** A registry's own override may say anything there: what is no match matches nothing. */
function readMatch(json: string): ProviderTest {
  try {
    return compileMatch(JSON.parse(json)) ?? (() => false);
  } catch {
    return () => false;
  }
}

function foldedVersion(url: DubboUrl): string {
  const version = param(url, "version");
  return version === "0.0.0" ? "" : version;
}

function namesAddress(names: ReadonlySet<string>, { host, port }: DubboUrl): boolean {
  return names.has(`${host}:${port}`) || names.has("0.0.0.0") || names.has(`${host}:0`) || names.has(`${host}:*`);
}
