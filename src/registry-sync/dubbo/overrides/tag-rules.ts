import { parse } from "yaml";
import type { DubboUrl } from "../url.ts";

/** A dynamic tag rule (`APPLICATION.tag-router`) that can be applied in the consumers' place. */
export interface TagRule {
  /** Tag by `host:port` of the providers that have it. */
  readonly tags: ReadonlyMap<string, string>;
  /** The same as overrides of `dubbo.tag`, one for each tag. */
  readonly overrides: readonly DubboUrl[];
}

const MAX_TEXT_LENGTH = 262_144;
const MAX_ADDRESSES = 10_000;
const ADDRESS = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):([1-9]\d{0,4})$/;

/**
 * Reads a tag rule; undefined where its choice could not be made by the providers' tags alone: `force: true` (a tag whose providers are gone has no
 * call served), a `match`, an address with a pattern or in two tags, no address at all, and what cannot be read. Never throws.
 * Reference: TagRouter of apache/dubbo 2.7, TagStateRouter and TagRuleParser of 3.3.
 */
export function readTagRule(text: string): TagRule | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  let rule: unknown;
  try {
    rule = parse(text, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    return undefined;
  }
  const list = field(rule, "tags");
  if (!Array.isArray(list) || ![undefined, null, false, "false"].includes(field(rule, "force") as never))
    return undefined;
  const tags = new Map<string, string>();
  const overrides: DubboUrl[] = [];
  for (const one of list) {
    const [name, addresses] = [field(one, "name"), field(one, "addresses")];
    const isReadable = typeof name === "string" && name !== "" && field(one, "match") === undefined;
    if (!isReadable || !Array.isArray(addresses) || addresses.length === 0) return undefined;
    for (const address of addresses) {
      if (typeof address !== "string" || !isPlain(address) || tags.has(address)) return undefined;
      if (tags.size >= MAX_ADDRESSES) return undefined;
      tags.set(address, name);
    }
    overrides.push(overrideOf(name, addresses as readonly string[]));
  }
  return tags.size === 0 ? undefined : { tags, overrides };
}

/** Whether an address is one provider's: patterns, networks and `0.0.0.0` stand for several. */
function isPlain(address: string): boolean {
  const parts = ADDRESS.exec(address);
  return parts !== null && parts[1] !== "0.0.0.0";
}

function overrideOf(tag: string, addresses: readonly string[]): DubboUrl {
  const params = {
    group: "*",
    version: "*",
    application: "*",
    providerAddresses: addresses.join(","),
    "dubbo.tag": tag,
  };
  return {
    protocol: "override",
    host: "0.0.0.0",
    port: 0,
    path: "*",
    params: Object.assign(Object.create(null), params) as Record<string, string>,
  };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
