import { compileAllow } from "../../allow.ts";
import { field, isFalse, readRuleText } from "../rule-text.ts";
import type { DubboUrl } from "../url.ts";
import { compileMatch, type ProviderTest } from "./dynamic-match.ts";

/** A dynamic tag rule (`APPLICATION.tag-router`). */
export interface TagRule {
  /** The tags that the rule gives a provider, in its order. */
  readonly tagsOf: (provider: DubboUrl) => readonly string[];
  /** Tags that count as set, though nobody may have them. */
  readonly names: readonly string[];
  /** A call for a set tag that nobody has is served by nobody. */
  readonly force: boolean;
  /** What it was read from. */
  readonly text: string;
}

/** `broken`: Dubbo itself does not take it up and goes on with the rule before it. `left`: it does, and it is not applied here. */
export type TagRuleReading =
  | ({ readonly type: "tags" } & TagRule)
  | { readonly type: "broken"; readonly why: string }
  | { readonly type: "left"; readonly why: string };

const MAX_ADDRESSES = 10_000;
/** Patterns are tried one after the other for each provider. */
const MAX_PATTERNS = 256;

/**
 * Reads a tag rule; undefined where it is switched off or has no tags. Never throws.
 * Reference: TagRouter of apache/dubbo 2.7; TagStateRouter, TagRuleParser, TagRouterRule and NetUtils.matchIpExpression of 3.3.
 */
export function readTagRule(text: string): TagRuleReading | undefined {
  const rule = readRuleText(text);
  if (typeof rule === "string") return { type: "broken", why: rule };
  if (isFalse(rule["enabled"]) || isFalse(rule["valid"])) return undefined;
  const list = rule["tags"];
  if (list === undefined || list === null || (Array.isArray(list) && list.length === 0)) return undefined;
  if (!Array.isArray(list)) return { type: "broken", why: "its tags are no list" };
  const hasMatches = String(rule["configVersion"] ?? "").startsWith("v3.0");
  const tags: Tag[] = [];
  let [addresses, patterns] = [0, 0];
  for (const one of list) {
    const read = readTag(one, hasMatches);
    if (typeof read === "string") return { type: "left", why: read };
    addresses += read.addresses.size;
    patterns += read.tests.length;
    if (addresses > MAX_ADDRESSES || patterns > MAX_PATTERNS)
      return { type: "left", why: "it has very many addresses" };
    tags.push(read);
  }
  const takes = ({ addresses: exact, tests }: Tag, url: DubboUrl) =>
    exact.has(`${url.host}:${url.port}`) || tests.some((test) => test(url));
  return {
    type: "tags",
    tagsOf: (url) => tags.filter((tag) => takes(tag, url)).map(({ name }) => name),
    names: tags.filter(({ isSet }) => isSet).map(({ name }) => name),
    force: String(rule["force"]).toLowerCase() === "true",
    text,
  };
}

interface Tag {
  readonly name: string;
  readonly addresses: ReadonlySet<string>;
  readonly tests: readonly ProviderTest[];
  /** By addresses; a `match` that takes nobody sets no tag. */
  readonly isSet: boolean;
}

function readTag(one: unknown, hasMatches: boolean): Tag | string {
  const [name, addresses, match] = [field(one, "name"), field(one, "addresses") ?? [], field(one, "match") ?? []];
  if (typeof name !== "string" || name === "") return "it has a tag without a name";
  if (!Array.isArray(addresses) || !Array.isArray(match))
    return `tag ${name.slice(0, 60)} has something else than lists`;
  if (addresses.length === 0) {
    const test = hasMatches && match.length > 0 ? compileMatch({ param: match }) : () => false;
    if (test === undefined) return `tag ${name.slice(0, 60)} has a match with a regex, or with something unknown`;
    return { name, addresses: new Set(), tests: [test], isSet: false };
  }
  const exact = new Set<string>();
  const tests: ProviderTest[] = [];
  for (const address of addresses) {
    const text = String(address).trim();
    if (/^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$/.test(text) && !text.startsWith("0.0.0.0:")) exact.add(text);
    else {
      const test = patternTest(text);
      if (test === undefined)
        return `tag ${name.slice(0, 60)} has the address ${text.slice(0, 60)}, which is no IPv4 pattern`;
      tests.push(test);
    }
  }
  return { name, addresses: exact, tests, isSet: true };
}

/** `*`, `10.0.*.1-9`, either with a port or without, `0.0.0.0:PORT`, and networks; undefined for anything else. */
function patternTest(pattern: string): ProviderTest | undefined {
  if (pattern === "*" || pattern === "*.*.*.*") return () => true;
  if (pattern.includes("/")) {
    try {
      const allows = compileAllow([pattern]);
      return ({ host }) => allows(host);
    } catch {
      return undefined;
    }
  }
  const [host = "", port, more] = pattern.split(":");
  const parts = host.split(".").map(partTest);
  if (more !== undefined || parts.length !== 4 || parts.includes(undefined)) return undefined;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) return undefined;
  return (url) => {
    if (port !== undefined && port !== String(url.port)) return false;
    if (host === "0.0.0.0" && port !== undefined) return true;
    const own = url.host.split(".");
    return own.length === 4 && parts.every((test, i) => test!(own[i]!));
  };
}

function partTest(part: string): ((text: string) => boolean) | undefined {
  if (part === "*") return () => true;
  if (/^\d{1,3}$/.test(part)) return (text) => Number(text) === Number(part);
  const range = /^(\d{1,3})-(\d{1,3})$/.exec(part);
  return range === null ? undefined : (text) => Number(text) >= Number(range[1]) && Number(text) <= Number(range[2]);
}
