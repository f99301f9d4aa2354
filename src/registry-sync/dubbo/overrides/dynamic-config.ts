import type { ServiceKey } from "../../../model/service.ts";
import { readRuleText } from "../rule-text.ts";
import type { DubboUrl } from "../url.ts";
import { compileMatch, namesConsumers } from "./dynamic-match.ts";
import { MATCH_PARAM } from "./overrides.ts";

/** What of a `.configurators` text is applied, and what is not. */
export interface DynamicConfig {
  /** In the order in which they are applied. Their path is the service that they are for, `*` for any. */
  readonly overrides: readonly DubboUrl[];
  /** What nobody applies behind the proxy, in a few words each: names of parameters, or why nothing could be read. */
  readonly rest: readonly string[];
}

/** What the proxy balances by, and so can apply in the consumers' place. */
const APPLIED: ReadonlySet<string> = new Set(["weight", "warmup", "disabled", "dubbo.tag"]);
const MAX_OVERRIDES = 256;
const MAX_REST = 10;
const ANY_HOST = "0.0.0.0";

/**
 * Reads dynamic configuration as YAML. What an item for `side: provider` says of {@link APPLIED} becomes an override that reaches
 * what Dubbo's own reaches: `addresses` are providers' (`host`, `host:port`, `0.0.0.0`), `applications` theirs; so does what an item
 * for `side: consumer` says of the providers that all consumers of a service see (`providerAddresses`), after the others. An item without a
 * `type` is switched by the rule's `enabled`, another by its own. `enabled` among parameters sets nothing, as in Dubbo.
 * Never throws. Reference: apache/dubbo 3.3 ConfigParser, ConfiguratorConfig, AbstractConfigurator.
 */
export function readDynamicConfig(text: string): DynamicConfig {
  if (text.trimStart().startsWith("[")) return nothing("a list of URLs in place of configs");
  const rule = readRuleText(text);
  if (typeof rule === "string") return nothing(rule);
  const items = field(rule, "configs");
  if (!Array.isArray(items)) return nothing("a text without configs");
  const reading = {
    isForApplication: field(rule, "scope") === "application",
    hasMatches: String(field(rule, "configVersion")).startsWith("v3.0"),
  };
  const overrides: { readonly rank: number; readonly url: DubboUrl }[] = [];
  const rest = new Set<string>();
  for (const item of items) {
    const type = field(item, "type");
    const isGeneral = type === undefined || type === null || type === "general";
    if (isGeneral ? isFalse(field(rule, "enabled")) : !isTrue(field(item, "enabled"))) continue;
    readItem(item, reading, overrides, rest);
    if (overrides.length > MAX_OVERRIDES) return nothing(`more than ${MAX_OVERRIDES} settings`);
  }
  // One for an address wins over one for all.
  const sorted = overrides.sort((a, b) => a.rank - b.rank).map(({ url }) => url);
  return { overrides: sorted, rest: [...rest].slice(0, MAX_REST) };
}

/** Whether an override made by {@link readDynamicConfig} is for a service: its path is `*`, or `[group/]interface[:version]`. */
export function isForServiceKey({ path }: DubboUrl, service: ServiceKey): boolean {
  if (path === "*") return true;
  const slash = path.indexOf("/");
  const colon = path.indexOf(":", slash + 1);
  if (path.slice(slash + 1, colon < 0 ? undefined : colon) !== service.interface) return false;
  if (slash >= 0 && path.slice(0, slash) !== service.group) return false;
  return colon < 0 || path.slice(colon + 1).replace(/^0\.0\.0$/, "") === service.version;
}

/** What a rule says of all its items. */
interface RuleScope {
  readonly isForApplication: boolean;
  /** Only v3.0 reads the items' `match`. */
  readonly hasMatches: boolean;
}

/**
 * Whether an item can be applied in Dubbo's place: one for providers; or one for all consumers of a service, who set the same for the
 * providers that they see. What is for some consumers, or for those of one application, is left to them.
 */
function isReadable(item: unknown, match: unknown, isForApplication: boolean): boolean {
  if (!isEmpty(match) && compileMatch(match) === undefined) return false;
  if (field(item, "side") === "provider") return isEmpty(field(item, "providerAddresses"));
  if (field(item, "side") !== "consumer" || isForApplication || namesConsumers(match)) return false;
  const isAll = (name: string, all: string) => listOf(field(item, name), all).every((one) => one === all);
  return isAll("addresses", ANY_HOST) && isAll("applications", "*");
}

/**
 * Whether those that an item is for see to one of its parameters themselves, behind Trestle as without: providers to all that theirs says, for they read
 * it through the facade; consumers to what is for all providers alike (`timeout`, `retries`, `cluster`, `mock`, ...), for that is true of the proxy's
 * addresses too. A `loadbalance` of theirs chooses among the proxy's addresses alone.
 */
function isTheirOwn(item: unknown, match: unknown, key: string): boolean {
  if (APPLIED.has(key)) return false;
  if (field(item, "side") === "provider") return true;
  const namesProviders = !isEmpty(field(item, "providerAddresses")) || !isEmpty(field(match, "providerAddress"));
  return field(item, "side") === "consumer" && !namesProviders && key !== "loadbalance";
}

function readItem(
  item: unknown,
  { isForApplication, hasMatches }: RuleScope,
  overrides: { rank: number; url: DubboUrl }[],
  rest: Set<string>,
): void {
  const parameters = Object.entries(asRecord(field(item, "parameters")));
  const match = hasMatches ? field(item, "match") : undefined;
  const isApplied = isReadable(item, match, isForApplication);
  const values: [string, string][] = [];
  for (const [key, value] of parameters) {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (isApplied && isPlain && APPLIED.has(key)) values.push([key, String(value)]);
    else if (!isTheirOwn(item, match, key)) rest.add(key.slice(0, 60));
  }
  if (values.length === 0) return;
  // What consumers set comes after what providers say, whomever it is for.
  const isConsumers = field(item, "side") === "consumer";
  const addresses = listOf(field(item, isConsumers ? "providerAddresses" : "addresses"), ANY_HOST);
  const narrowed: [string, string][] = isEmpty(match) ? [] : [[MATCH_PARAM, JSON.stringify(match)]];
  const hosts = addresses.filter((address) => !isAny(address));
  for (const path of listOf(field(item, "services"), "*")) {
    for (const application of listOf(field(item, "applications"), "*")) {
      const add = (rank: number, port: number, more: readonly [string, string][]) => {
        const fixed = [
          ["group", "*"],
          ["version", "*"],
          ["application", application],
        ];
        if (isConsumers) fixed.push(["side", "consumer"]);
        const params = [...fixed, ...more, ...narrowed, ...values];
        overrides.push({
          rank: isConsumers ? rank + 10 : rank,
          url: { protocol: "override", host: ANY_HOST, port, path, params: bare(params) },
        });
      };
      for (const address of addresses.filter(isAny)) {
        const port = Number(address.slice(ANY_HOST.length + 1)) || 0;
        add(port === 0 ? 0 : 1, port, []);
      }
      if (hosts.length > 0) add(2, 0, [["providerAddresses", hosts.map(withPort).join(",")]]);
      if (overrides.length > MAX_OVERRIDES) return;
    }
  }
}

function nothing(why: string): DynamicConfig {
  return { overrides: [], rest: [why] };
}

/** `0.0.0.0`, with a port or without. */
function isAny(address: string): boolean {
  return address === ANY_HOST || address.startsWith(`${ANY_HOST}:`);
}

/** An address without a port is written with port 0, which stands for all. */
function withPort(address: string): string {
  return address.includes(":") ? address : `${address}:0`;
}

/** The strings of a list; `[all]` where it is missing or empty. */
function listOf(value: unknown, all: string): readonly string[] {
  if (isEmpty(value)) return [all];
  return (Array.isArray(value) ? value : [value]).map((one) => String(one).trim()).filter((one) => one !== "");
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

function isFalse(value: unknown): boolean {
  return value === false || value === "false";
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function field(value: unknown, name: string): unknown {
  const record = asRecord(value);
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function bare(pairs: readonly (readonly string[])[]): Record<string, string> {
  return Object.assign(Object.create(null), Object.fromEntries(pairs)) as Record<string, string>;
}
