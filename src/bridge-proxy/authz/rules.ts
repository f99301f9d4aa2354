import type { Permission, Principal, RbacRules } from "../../codecs/xds/authz.ts";
import {
  allOf,
  anyOf,
  type CallFacts,
  compilePermission,
  compilePrincipal,
  holds,
  isSame,
  type LaneFacts,
  narrow,
  type Predicate,
} from "./predicate.ts";

/** One policy's rule, compiled or narrowed. */
export interface NamedRule {
  readonly name: string;
  readonly predicate: Predicate;
}

interface Keys {
  readonly exact: readonly string[];
  readonly prefix: readonly string[];
}

/**
 * The rules of one action, found by what they ask of a path or a principal: a thousand rules cost a call what those that may be for it
 * cost.
 */
export class RuleIndex {
  readonly #all: NamedRule[] = [];
  readonly #byPath = new Map<string, NamedRule[]>();
  readonly #byPrefix = new Map<string, NamedRule[]>();
  readonly #prefixLengths: readonly number[];
  readonly #byPrincipal = new Map<string, NamedRule[]>();
  readonly #others: NamedRule[] = [];

  constructor(rules: RbacRules) {
    for (const [name, { permissions, principals }] of Object.entries(rules.policies)) {
      const permission = anyOf(permissions.map(compilePermission));
      const rule = { name, predicate: allOf([permission, anyOf(principals.map(compilePrincipal))]) };
      if (rule.predicate === false) continue;
      this.#all.push(rule);
      const path = everyKey(permissions, pathKeys);
      const principal = path === undefined ? everyKey(principals, principalKeys) : undefined;
      if (path === undefined && principal === undefined) this.#others.push(rule);
      for (const key of new Set(path?.exact)) add(this.#byPath, key, rule);
      for (const key of new Set(path?.prefix)) add(this.#byPrefix, key, rule);
      for (const key of new Set(principal?.exact)) add(this.#byPrincipal, key, rule);
    }
    this.#prefixLengths = [...new Set([...this.#byPrefix.keys()].map(({ length }) => length))];
  }

  /** What is left of the rules for calls of a lane; those that cannot hold are left out. */
  narrow(facts: LaneFacts): NarrowedRules {
    const narrowed: NamedRule[] = [];
    for (const { name, predicate } of this.#candidates(facts)) {
      const rest = narrow(predicate, facts);
      if (rest !== false) narrowed.push({ name, predicate: rest });
    }
    return new NarrowedRules(narrowed);
  }

  #candidates({ path, peer }: LaneFacts): Iterable<NamedRule> {
    if (path === undefined) return this.#all;
    const found = new Set(this.#others);
    for (const rule of this.#byPath.get(path) ?? []) found.add(rule);
    for (const length of this.#prefixLengths)
      if (length <= path.length) for (const rule of this.#byPrefix.get(path.slice(0, length)) ?? []) found.add(rule);
    if (peer.spiffeId !== undefined) for (const rule of this.#byPrincipal.get(peer.spiffeId) ?? []) found.add(rule);
    return found;
  }
}

/** The rules that may hold for calls of one lane. */
export class NarrowedRules {
  /** The first that holds for each of them. */
  readonly always: NamedRule | undefined;
  readonly rules: readonly NamedRule[];
  readonly #byHeader = new Map<string, Map<string, NamedRule[]>>();
  readonly #others: NamedRule[] = [];

  constructor(rules: readonly NamedRule[]) {
    this.rules = rules;
    this.always = rules.find(({ predicate }) => predicate === true);
    for (const rule of rules) {
      const key = headerKey(rule.predicate);
      if (key === undefined) {
        this.#others.push(rule);
        continue;
      }
      const byValue = this.#byHeader.get(key.name) ?? new Map<string, NamedRule[]>();
      this.#byHeader.set(key.name, byValue);
      for (const value of key.values) add(byValue, value, rule);
    }
  }

  /** Whether each of these rules is among its own. */
  covers({ rules }: NarrowedRules): boolean {
    if (rules.length > this.rules.length) return false;
    const own = new Map(this.rules.map((rule) => [rule.name, rule.predicate]));
    return rules.every(({ name, predicate }) => own.has(name) && isSame(own.get(name)!, predicate));
  }

  /** Whether none can hold. */
  get empty(): boolean {
    return this.rules.length === 0;
  }

  /** The first rule that holds for the call; one whose facts are not known holds where `whenUnknown`. */
  find(call: CallFacts, whenUnknown: boolean): NamedRule | undefined {
    if (this.always !== undefined) return this.always;
    for (const [name, byValue] of this.#byHeader) {
      const value = call.header(name);
      const rules = value === undefined ? undefined : byValue.get(value);
      for (const rule of rules ?? []) if (holds(rule.predicate, call) ?? whenUnknown) return rule;
    }
    for (const rule of this.#others) if (holds(rule.predicate, call) ?? whenUnknown) return rule;
    return undefined;
  }
}

function add(map: Map<string, NamedRule[]>, key: string, rule: NamedRule): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [rule]);
  else known.push(rule);
}

/** Keys that cover every one of several alternatives; undefined where one has none. */
function everyKey<T>(alternatives: readonly T[], keysOf: (alternative: T) => Keys | undefined): Keys | undefined {
  const exact: string[] = [];
  const prefix: string[] = [];
  for (const alternative of alternatives) {
    const keys = keysOf(alternative);
    if (keys === undefined) return undefined;
    exact.push(...keys.exact);
    prefix.push(...keys.prefix);
  }
  return { exact, prefix };
}

function firstKey<T>(terms: readonly T[], keysOf: (term: T) => Keys | undefined): Keys | undefined {
  for (const term of terms) {
    const keys = keysOf(term);
    if (keys !== undefined) return keys;
  }
  return undefined;
}

function pathKeys({ urlPath, andRules, orRules }: Permission): Keys | undefined {
  const path = urlPath?.path;
  if (path?.ignoreCase !== true && path?.exact !== undefined) return { exact: [path.exact], prefix: [] };
  if (path?.ignoreCase !== true && path?.prefix !== undefined) return { exact: [], prefix: [path.prefix] };
  if (andRules !== undefined) return firstKey(andRules.rules, pathKeys);
  return orRules === undefined ? undefined : everyKey(orRules.rules, pathKeys);
}

function principalKeys({ authenticated, andIds, orIds }: Principal): Keys | undefined {
  const name = authenticated?.principalName;
  if (name?.ignoreCase !== true && name?.exact !== undefined) return { exact: [name.exact], prefix: [] };
  if (andIds !== undefined) return firstKey(andIds.ids, principalKeys);
  return orIds === undefined ? undefined : everyKey(orIds.ids, principalKeys);
}

/** A header without one of these values makes the predicate false. */
function headerKey(predicate: Predicate): { readonly name: string; readonly values: readonly string[] } | undefined {
  if (typeof predicate === "boolean") return undefined;
  if (predicate.op === "header")
    return predicate.exact === undefined ? undefined : { name: predicate.name, values: [predicate.exact] };
  if (predicate.op === "all") {
    for (const term of predicate.terms) {
      const key = headerKey(term);
      if (key !== undefined) return key;
    }
    return undefined;
  }
  if (predicate.op !== "any") return undefined;
  const keys = predicate.terms.map(headerKey);
  const first = keys[0];
  if (first === undefined || keys.some((key) => key?.name !== first.name)) return undefined;
  return { name: first.name, values: [...new Set(keys.flatMap((key) => key!.values))] };
}
