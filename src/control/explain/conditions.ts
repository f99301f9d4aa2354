import { isInBlock, parseBlock, parseIp } from "../../base/ip-block.ts";
import type { CidrRange, MetadataMatcher, Permission, Principal, RbacPolicy } from "../../codecs/xds/authz.ts";
import { type Claims, claimOf, compileClaim } from "../../codecs/xds/claims.ts";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import { compileHeader, compileString } from "../../codecs/xds/match.ts";
import type { HeaderMatcher } from "../../codecs/xds/route.ts";
import { describeClaim, describeHeader, describeText } from "./words.ts";

/** A value of the made-up call; undefined where the call does not tell it. */
export type Told<T> = { readonly value: T | undefined } | undefined;

/** A made-up call as policies see it where they are asked. */
export interface SeenCall {
  /** `/interface/method`. */
  readonly path: Told<string>;
  /** The caller's SPIFFE id; a value of undefined is a caller without one. */
  readonly principal: Told<string>;
  readonly address: Told<string>;
  /** Server name that the connection asked for by TLS. */
  readonly serverName: Told<string>;
  header(name: string): Told<string>;
  /** The call has a token, which nobody verified here. */
  readonly hasToken: boolean;
  /** What it says all the same; undefined where that is not told. */
  readonly claims?: Claims | undefined;
}

/** Whether a condition holds; undefined where that hangs on what is not told. `why` says what it lacks, and is empty where it holds. */
export interface Met {
  readonly holds: boolean | undefined;
  readonly why: readonly string[];
}

/** With what was asked and found in words: for the conditions around it. */
interface Asked extends Met {
  readonly words: string;
  readonly found?: string;
}

/** Whether a rule holds for the call, by the conditions that proxies have of it. */
export function meetRule({ permissions, principals }: RbacPolicy, call: SeenCall): Met {
  const { holds, why } = all([
    any(permissions.map((one) => meetPermission(one, call))),
    any(principals.map((one) => meetPrincipal(one, call))),
  ]);
  return { holds, why };
}

const ALWAYS: Asked = { holds: true, why: [], words: "any call" };
const NEVER: Asked = { holds: false, why: ["it asks for something that is not known"], words: "something unknown" };

function meetPermission(permission: Permission, call: SeenCall): Asked {
  const { any: always, andRules, orRules, notRule, header, urlPath, requestedServerName } = permission;
  const meet = (one: Permission) => meetPermission(one, call);
  if (always === true) return ALWAYS;
  if (andRules !== undefined) return all(andRules.rules.map(meet));
  if (orRules !== undefined) return any(orRules.rules.map(meet));
  if (notRule !== undefined) return not(meet(notRule));
  if (header !== undefined) return meetHeader(header, call);
  if (urlPath !== undefined) return meetText("path", urlPath.path, call.path);
  if (requestedServerName !== undefined) {
    const { serverName } = call;
    return meetText("server name", requestedServerName, serverName && { value: serverName.value ?? "" });
  }
  return NEVER;
}

function meetPrincipal(principal: Principal, call: SeenCall): Asked {
  const { any: always, andIds, orIds, notId, header, authenticated, metadata } = principal;
  const meet = (one: Principal) => meetPrincipal(one, call);
  if (always === true) return ALWAYS;
  if (andIds !== undefined) return all(andIds.ids.map(meet));
  if (orIds !== undefined) return any(orIds.ids.map(meet));
  if (notId !== undefined) return not(meet(notId));
  if (header !== undefined) return meetHeader(header, call);
  if (authenticated !== undefined) {
    const words = describePrincipal(authenticated.principalName);
    return leaf("principal", words, call.principal, textTest(authenticated.principalName));
  }
  const range = principal.directRemoteIp ?? principal.remoteIp;
  if (range !== undefined) return meetRange(range, call);
  return metadata === undefined ? NEVER : meetClaim(metadata, call);
}

function all(parts: readonly Asked[]): Asked {
  const words = parts.map((part) => part.words).join(" and ");
  const failed = parts.filter(({ holds }) => holds === false);
  if (failed.length > 0) return { holds: false, why: failed.flatMap(({ why }) => why), words };
  const unknown = parts.filter(({ holds }) => holds === undefined);
  return { holds: unknown.length > 0 ? undefined : true, why: unknown.flatMap(({ why }) => why), words };
}

function any(parts: readonly Asked[]): Asked {
  const words = parts.length === 1 ? parts[0]!.words : `one of (${parts.map((part) => part.words).join(", ")})`;
  const met = parts.find(({ holds }) => holds === true);
  if (met !== undefined) return { ...met, words };
  const unknown = parts.filter(({ holds }) => holds === undefined);
  const holds = unknown.length > 0 ? undefined : false;
  // Alternatives on the same fact are told in one line.
  const found = new Set(parts.map((part) => part.found));
  const [only] = found;
  if (parts.length > 1 && found.size === 1 && only !== undefined)
    return { holds, why: [`${only}, asked is ${words}`], words, found: only };
  return { holds, why: (unknown.length > 0 ? unknown : parts).flatMap(({ why }) => why), words };
}

function not({ holds, why, words, found }: Asked): Asked {
  const negated = `not (${words})`;
  if (holds === undefined) return { holds, why, words: negated };
  if (!holds) return { holds: true, why: [], words: negated, ...(found !== undefined && { found }) };
  return {
    holds: false,
    why: [`${found === undefined ? "" : `${found}, `}asked is ${negated}`],
    words: negated,
    ...(found !== undefined && { found }),
  };
}

function leaf(name: string, words: string, told: Told<string>, test: (value: string) => boolean): Asked {
  const holds = told === undefined ? undefined : told.value !== undefined && test(told.value);
  return asked(holds, words, describeTold(name, told));
}

function asked(holds: boolean | undefined, words: string, found: string): Asked {
  return { holds, why: holds === true ? [] : [`${found}, asked is ${words}`], words, found };
}

function describeTold(name: string, told: Told<string>): string {
  if (told === undefined) return `${name} is not told`;
  return `${name} is ${told.value === undefined ? "absent" : told.value.replace(/^spiffe:\/\//, "")}`;
}

function meetText(name: string, matcher: StringMatcher, told: Told<string>): Asked {
  const folded = matcher.ignoreCase === true ? " in any case" : "";
  return leaf(name, `${name} ${describeText(matcher)}${folded}`, told, textTest(matcher));
}

/** `.+` asks only that there is a text, whatever characters it has. */
function textTest(matcher: StringMatcher): (text: string) => boolean {
  return matcher.safeRegex?.regex === ".+" ? (text) => text !== "" : compileString(matcher);
}

function meetHeader(matcher: HeaderMatcher, { header }: SeenCall): Asked {
  const told = header(matcher.name);
  const holds = told === undefined ? undefined : compileHeader(matcher).test(told.value);
  const quoted = told?.value === undefined ? told : { value: JSON.stringify(told.value) };
  return asked(holds, describeHeader(matcher), describeTold(matcher.name, quoted));
}

function meetRange({ addressPrefix, prefixLen }: CidrRange, { address }: SeenCall): Asked {
  const block = parseBlock(`${addressPrefix}/${prefixLen}`);
  return leaf("address", `address in ${addressPrefix}/${prefixLen}`, address, (text) => {
    const ip = parseIp(text);
    return block !== undefined && ip !== undefined && isInBlock(ip, block);
  });
}

/** Without a token no claim is there; what one says is not known before it is verified. */
function meetClaim({ filter, path, value }: MetadataMatcher, { hasToken, claims }: SeenCall): Asked {
  if (claimOf({ filter, path }) === undefined) return NEVER;
  const words = describeClaim({ filter, path, value });
  if (claims !== undefined)
    return asked(compileClaim({ filter, path, value })?.(claims), words, "its token says otherwise");
  return hasToken
    ? asked(undefined, words, "the token is not verified here")
    : asked(false, words, "the call has no token");
}

const ACCOUNT = /^spiffe:\/\/\[\^\/\]\+\/ns\/(.+)\/sa\/(.+)$/;
const DOMAIN = /^spiffe:\/\/(?!\.\*)(.+)\/\.\+$/;
const ENDING = /^spiffe:\/\/\.\*(.+)$/;

/** What policies ask of a SPIFFE id, in the words that they were written in: what they compile to is a pattern. */
function describePrincipal(matcher: StringMatcher): string {
  const { exact, prefix, safeRegex } = matcher;
  const text = exact ?? (prefix === undefined ? undefined : `${prefix}*`);
  if (text !== undefined) return `principal = ${text.replace(/^spiffe:\/\//, "")}`;
  const pattern = safeRegex?.regex ?? "";
  if (pattern === ".+") return "any principal";
  const account = ACCOUNT.exec(pattern);
  if (account !== null)
    return account[2] === "[^/]+"
      ? `namespace = ${plain(account[1]!)}`
      : `service account = ${plain(account[1]!)}/${plain(account[2]!)}`;
  const domain = DOMAIN.exec(pattern);
  if (domain !== null) return `trust domain = ${plain(domain[1]!)}`;
  const ending = ENDING.exec(pattern);
  return ending === null ? `principal ${describeText(matcher)}` : `principal = *${plain(ending[1]!)}`;
}

function plain(pattern: string): string {
  return pattern.replace(/\[\^\/\][*+]/g, "*").replace(/\\(.)/g, "$1");
}
