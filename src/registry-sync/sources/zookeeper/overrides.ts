import { matchesGroup, matchesVersion } from "../../dubbo-match.ts";
import { type DubboUrl, param } from "../../dubbo-url.ts";

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
]);

/** Why an override does or does not reach a provider. `consumer`: it is for certain consumers, who apply it themselves. */
export type OverrideReach = "applies" | "consumer" | "elsewhere" | "off";

/**
 * In which order overrides are applied: those for any host first, so that one for a host wins over them; of two for the
 * same host the one of the greater `priority` wins. Others keep the order of their text.
 */
export function orderOverrides(overrides: readonly DubboUrl[]): readonly DubboUrl[] {
  const rank = (url: DubboUrl) => Number.parseInt(param(url, "priority"), 10) || 0;
  return [...overrides].sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : rank(a) - rank(b)));
}

/**
 * Whether an override reaches a provider: an address with a port names that provider, `0.0.0.0` any; an address without a
 * port names a consumer. Group and version must be the provider's or `*`; an application must be the provider's own (one
 * that names another is meant for that application's consumers). `~key` and `side` are conditions on the parameters.
 * Reference: apache/dubbo 3.3 AbstractConfigurator.configureDeprecated, UrlUtils.isMatch.
 */
export function overrideReach(override: DubboUrl, provider: DubboUrl): OverrideReach {
  if (param(override, "enabled") === "false") return "off";
  if (!offers(override, provider)) return "elsewhere";
  const anyHost = override.host === "0.0.0.0" || override.host === "";
  if (override.port !== 0) {
    if (override.port !== provider.port || !(anyHost || override.host === provider.host)) return "elsewhere";
  } else if (!anyHost) {
    return "consumer";
  }
  const providers = param(override, "providerAddresses");
  if (providers !== "" && !namesAddress(providers, provider)) return "elsewhere";
  const application = param(override, "application");
  if (application !== "" && application !== "*" && application !== param(provider, "application")) return "consumer";
  for (const [key, value] of Object.entries(override.params)) {
    if (!key.startsWith("~") || value === "*") continue;
    if (value !== param(provider, key.slice(1))) return "elsewhere";
  }
  return "applies";
}

/** Whether an override or a legacy route is for a provider's group and version. */
export function offers(rule: DubboUrl, provider: DubboUrl): boolean {
  const version = (url: DubboUrl) => (param(url, "version") === "0.0.0" ? "" : param(url, "version"));
  return (
    matchesGroup(param(rule, "group"), param(provider, "group")) && matchesVersion(version(rule), version(provider))
  );
}

/** The provider's URL with the override's parameters merged in; `absent://` sets only what is missing. */
export function applyOverride(override: DubboUrl, provider: DubboUrl): DubboUrl {
  const params: Record<string, string> = Object.assign(Object.create(null), provider.params);
  for (const [key, value] of Object.entries(override.params)) {
    if (key.startsWith("~") || CONDITION_KEYS.has(key)) continue;
    if (override.protocol === "absent" && params[key] !== undefined) continue;
    params[key] = value;
  }
  return { ...provider, params };
}

function namesAddress(list: string, provider: DubboUrl): boolean {
  const whole = `${provider.host}:${provider.port}`;
  return list.split(",").some((one) => {
    const name = one.trim();
    return name === whole || name === "0.0.0.0" || name === `${provider.host}:0` || name === `${provider.host}:*`;
  });
}
