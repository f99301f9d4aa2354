import { isInBlock, parseBlock } from "../../base/ip-block.ts";
import type { Permission, Principal } from "../../codecs/xds/authz.ts";
import { type ClaimsTest, compileClaim } from "../../codecs/xds/claims.ts";
import { compileHeader, compileText, type HeaderLookup, type TextTest } from "../../codecs/xds/match.ts";
import type { HeaderMatcher } from "../../codecs/xds/route.ts";
import type { Peer } from "./peer.ts";

/** What is the same for all calls of one caller to one method. */
export interface LaneFacts {
  readonly peer: Peer;
  /** `/interface/method`; undefined where it cannot be read. */
  readonly path: string | undefined;
}

/** What is read of each call. */
export interface CallFacts {
  readonly header: HeaderLookup;
  /** Payload of the call's verified token. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** A condition on one header of calls. */
export interface HeaderPredicate {
  readonly op: "header";
  readonly name: string;
  /** The one value that it asks for; undefined where it asks otherwise. */
  readonly exact: string | undefined;
  readonly test: (value: string | undefined) => boolean;
}

/** A compiled condition. `lane` says undefined where its fact is not known. */
export type Predicate =
  | boolean
  | { readonly op: "all" | "any"; readonly terms: readonly Predicate[] }
  | { readonly op: "not"; readonly term: Predicate }
  | { readonly op: "lane"; readonly test: (facts: LaneFacts) => boolean | undefined }
  | HeaderPredicate
  | { readonly op: "claims"; readonly test: ClaimsTest };

/** Compiles what is called. A form that is not known holds for no call. */
export function compilePermission(permission: Permission): Predicate {
  if (permission.any === true) return true;
  if (permission.andRules !== undefined) return allOf(permission.andRules.rules.map(compilePermission));
  if (permission.orRules !== undefined) return anyOf(permission.orRules.rules.map(compilePermission));
  if (permission.notRule !== undefined) return notOf(compilePermission(permission.notRule));
  if (permission.header !== undefined) return compileHeaderTest(permission.header);
  if (permission.urlPath !== undefined) {
    const test = compileText(permission.urlPath.path);
    return { op: "lane", test: ({ path }) => (path === undefined ? undefined : test(path)) };
  }
  if (permission.requestedServerName !== undefined) {
    const test = compileText(permission.requestedServerName);
    return { op: "lane", test: ({ peer }) => test(peer.serverName) };
  }
  return false;
}

/** Compiles who calls. A form that is not known holds for nobody. */
export function compilePrincipal(principal: Principal): Predicate {
  if (principal.any === true) return true;
  if (principal.andIds !== undefined) return allOf(principal.andIds.ids.map(compilePrincipal));
  if (principal.orIds !== undefined) return anyOf(principal.orIds.ids.map(compilePrincipal));
  if (principal.notId !== undefined) return notOf(compilePrincipal(principal.notId));
  if (principal.header !== undefined) return compileHeaderTest(principal.header);
  if (principal.authenticated !== undefined) {
    const test = remembered(compileText(principal.authenticated.principalName));
    return { op: "lane", test: ({ peer }) => peer.spiffeId !== undefined && test(peer.spiffeId) };
  }
  const range = principal.directRemoteIp ?? principal.remoteIp;
  if (range !== undefined) {
    const block = parseBlock(`${range.addressPrefix}/${range.prefixLen}`);
    return {
      op: "lane",
      test: ({ peer }) => block !== undefined && peer.ip !== undefined && isInBlock(peer.ip, block),
    };
  }
  const test = principal.metadata && compileClaim(principal.metadata);
  return test === undefined ? false : { op: "claims", test };
}

/** All of them hold. */
export function allOf(terms: readonly Predicate[]): Predicate {
  if (terms.includes(false)) return false;
  const asked = terms.filter((term) => term !== true);
  return asked.length === 0 ? true : asked.length === 1 ? asked[0]! : { op: "all", terms: asked };
}

/** One of them holds. */
export function anyOf(terms: readonly Predicate[]): Predicate {
  if (terms.includes(true)) return true;
  const asked = terms.filter((term) => term !== false);
  return asked.length === 0 ? false : asked.length === 1 ? asked[0]! : { op: "any", terms: asked };
}

function notOf(term: Predicate): Predicate {
  return typeof term === "boolean" ? !term : { op: "not", term };
}

/** What is left to ask of each call once the lane is known. */
export function narrow(predicate: Predicate, facts: LaneFacts): Predicate {
  if (typeof predicate === "boolean") return predicate;
  switch (predicate.op) {
    case "all":
      return allOf(predicate.terms.map((term) => narrow(term, facts)));
    case "any":
      return anyOf(predicate.terms.map((term) => narrow(term, facts)));
    case "not":
      return notOf(narrow(predicate.term, facts));
    case "lane":
      return predicate.test(facts) ?? predicate;
    case "header":
    case "claims":
      return predicate;
    default:
      return predicate satisfies never;
  }
}

/** Whether a narrowed predicate holds for a call; undefined where what it asks is not known. Throws what the call's headers throw. */
export function holds(predicate: Predicate, call: CallFacts): boolean | undefined {
  if (typeof predicate === "boolean") return predicate;
  switch (predicate.op) {
    case "all":
    case "any": {
      const decides = predicate.op === "any";
      let isKnown = true;
      for (const term of predicate.terms) {
        const held = holds(term, call);
        if (held === decides) return decides;
        if (held === undefined) isKnown = false;
      }
      return isKnown ? !decides : undefined;
    }
    case "not": {
      const held = holds(predicate.term, call);
      return held === undefined ? undefined : !held;
    }
    case "lane":
      return undefined;
    case "header":
      return predicate.test(call.header(predicate.name));
    case "claims":
      return predicate.test(call.claims);
    default:
      return predicate satisfies never;
  }
}

/** Whether two predicates ask the same in the same way. */
export function isSame(a: Predicate, b: Predicate): boolean {
  if (a === b) return true;
  if (typeof a === "boolean" || typeof b === "boolean") return false;
  if (a.op === "not") return b.op === "not" && isSame(a.term, b.term);
  if ((a.op !== "all" && a.op !== "any") || a.op !== b.op || a.terms.length !== b.terms.length) return false;
  return a.terms.every((term, i) => isSame(term, b.terms[i]!));
}

/** Visits every part of a predicate. */
export function visit(predicate: Predicate, see: (part: Exclude<Predicate, boolean>) => void): void {
  if (typeof predicate === "boolean") return;
  see(predicate);
  if (predicate.op === "not") visit(predicate.term, see);
  else if (predicate.op === "all" || predicate.op === "any") for (const term of predicate.terms) visit(term, see);
}

function compileHeaderTest(matcher: HeaderMatcher): HeaderPredicate {
  const { name, test } = compileHeader(matcher);
  const { stringMatch, invertMatch, treatMissingHeaderAsEmpty } = matcher;
  const isOther = invertMatch === true || treatMissingHeaderAsEmpty === true || stringMatch?.ignoreCase === true;
  const exact = isOther ? undefined : stringMatch?.exact;
  return { op: "header", name, exact, test };
}

/** Most identities that one condition remembers its word on. */
const MAX_IDENTITIES = 64;

/** Callers are few and patterns slow: what was said of an identity stands. */
function remembered(test: TextTest): TextTest {
  const known = new Map<string, boolean>();
  return (text) => {
    let said = known.get(text);
    if (said === undefined) {
      said = test(text);
      if (known.size >= MAX_IDENTITIES) known.clear();
      known.set(text, said);
    }
    return said;
  };
}
