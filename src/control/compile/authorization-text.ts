import { parseBlock } from "../../base/ip-block.ts";
import type { CidrRange } from "../../codecs/xds/authz.ts";
import type { StringMatcher } from "../../codecs/xds/core.ts";

const ANY: StringMatcher = { safeRegex: { regex: ".+" } };
/** The parts of a SPIFFE id that are not asked for. */
const PART = "[^/]+";

/** A text of a policy: `*` alone asks only that there is one; at its start or its end it stands for anything. */
export function matcherOf(text: string): StringMatcher {
  if (text === "*") return ANY;
  if (text.startsWith("*")) return { suffix: text.slice(1) };
  return text.endsWith("*") ? { prefix: text.slice(0, -1) } : { exact: text };
}

/** A path of a policy: {@link matcherOf}, or a template in which `{*}` is one segment and `{**}` any number of them. */
export function pathMatcher(path: string): StringMatcher {
  if (!path.includes("{")) return matcherOf(path);
  const parts = path
    .split(/(\{\*\*?\})/)
    .map((part) => (part === "{*}" ? "[^/]+" : part === "{**}" ? ".*" : quoteRegex(part)));
  return { safeRegex: { regex: parts.join("") } };
}

/**
 * A Host that callers write, in any case of letters. `wide` meets whatever leads to the same name: any port where `host` says none, and a dot at
 * the name's end. Without that it is as it was sent.
 */
export function hostMatcher(host: string, wide: boolean): StringMatcher {
  const matcher: StringMatcher = { ...matcherOf(host.toLowerCase()), ignoreCase: true };
  const [, start, name, port] = /^(\*?)(.*?)\.?(:\d+|:\*)?$/.exec(host.toLowerCase())!;
  if (!wide || name!.endsWith("*")) return matcher;
  const ports = port === undefined || port === ":*" ? "(?::.*)?" : port;
  return { safeRegex: { regex: `(?i)${start === "" ? "" : ".*"}${quoteRegex(name!)}\\.?${ports}` } };
}

/** SPIFFE ids of a namespace, which may have `*` at its start or its end. */
export function namespaceMatcher(namespace: string): StringMatcher {
  return { safeRegex: { regex: `spiffe://${PART}/ns/${partOf(namespace)}/sa/${PART}` } };
}

/** SPIFFE ids of a service account, `NAMESPACE/ACCOUNT`, or `ACCOUNT` of `ownNamespace`. */
export function accountMatcher(account: string, ownNamespace: string): StringMatcher {
  const slash = account.indexOf("/");
  const namespace = slash < 0 ? ownNamespace : account.slice(0, slash);
  return {
    safeRegex: { regex: `spiffe://${PART}/ns/${quoteRegex(namespace)}/sa/${quoteRegex(account.slice(slash + 1))}` },
  };
}

/** SPIFFE ids of a trust domain, which may have `*` at its start or its end. */
export function trustDomainMatcher(domain: string): StringMatcher {
  return { safeRegex: { regex: `spiffe://${partOf(domain)}/.+` } };
}

/** The range of an address or prefix that the schema let through. */
export function cidrOf(text: string): CidrRange {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const { bits } = parseBlock(text)!;
  return { addressPrefix: address, prefixLen: address.includes(":") ? bits : bits - 96 };
}

/** A text as RE2 syntax that matches it alone. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function partOf(pattern: string): string {
  if (pattern === "*") return PART;
  if (pattern.startsWith("*")) return `[^/]*${quoteRegex(pattern.slice(1))}`;
  return pattern.endsWith("*") ? `${quoteRegex(pattern.slice(0, -1))}[^/]*` : quoteRegex(pattern);
}
