import type {
  HeaderMatcher,
  HttpFault,
  QueryParameterMatcher,
  RetryPolicy,
  StringMatcher,
} from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import type { HeaderOperations, HttpMatch, HttpRoute, TextMatch, VirtualService } from "../../model/rule.ts";
import { type EntryIndex, resolveDestination } from "./hosts.ts";
import { lowerFault, lowerRetries } from "./lower-policies.ts";
import { EVERY_PATH, lowerPath, type PathMatch, textMatches } from "./path.ts";

/** One service with the routes of its calls: what a virtual host is compiled from. */
export interface LoweredService {
  readonly host: string;
  /** Name of the rule in force; undefined where calls pass unchanged. */
  readonly rule: string | undefined;
  /** In order; the first that matches decides. None: every call goes to the service itself. */
  readonly routes: readonly LoweredRoute[];
}

/** One route of a service: one match of one `http` entry, with what the entry says of all its matches. */
export interface LoweredRoute {
  readonly name: string;
  readonly path: PathMatch;
  readonly headers: readonly HeaderMatcher[];
  /** One of `targets` (at least one, each with weight over 0 or the only one) and `direct` is set. */
  readonly targets?: readonly LoweredTarget[];
  readonly direct?: { readonly status: number; readonly body?: string };
  readonly timeoutMs?: number;
  readonly retries?: RetryPolicy;
  readonly fault?: HttpFault;
  readonly mutations?: LoweredMutations;
  /** Of HTTP calls: conditions on the query, what the matched path becomes, and the Host that providers see. */
  readonly query?: readonly QueryParameterMatcher[];
  readonly rewrite?: string;
  readonly authority?: string;
  /** Where the route stands: the `http` entry, and which of its matches. */
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

/** One destination of a route; weights are shares of the route's sum. */
export interface LoweredTarget {
  /** Host of the entry that is called; the destination's own text, in lower case, where none is known. */
  readonly host: string;
  readonly known: boolean;
  readonly subset: string;
  readonly weight: number;
  readonly mutations?: LoweredMutations;
}

/** Changes to a call's attachments, at least one; names as the rule has them. */
export interface LoweredMutations {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** Names that Istio gives another meaning under `headers`: conditions on them are passed over. */
export const PSEUDO_HEADERS: readonly string[] = ["uri", "scheme", "method", "authority"];

/** Lowers the rule in force for a service; the same input gives the same output. */
export function lowerService(entry: Entry, rule: VirtualService | undefined, index: EntryIndex): LoweredService {
  const lowering: Lowering<LoweredMatch, object> = {
    resolve: (host) => resolveDestination(host, entry, index),
    match: (match) => lowerMatch(match, entry),
  };
  return lowerFor(entry, rule, lowering);
}

/** A service with the routes that the rule in force for it makes by `lowering`. */
export function lowerFor<M extends LoweredMatch, E extends object>(
  entry: Entry,
  rule: VirtualService | undefined,
  lowering: Lowering<M, E>,
): LoweredService {
  const routes = rule === undefined ? [] : lowerRule(rule, lowering);
  return { host: entry.host, rule: rule === undefined || routes.length === 0 ? undefined : rule.name, routes };
}

/** What a route asks of a call. */
export type LoweredMatch = Pick<LoweredRoute, "path" | "headers">;

/** How the rules of one kind of callers are lowered. */
export interface Lowering<M extends LoweredMatch, E extends object> {
  /** The service that a destination's host means. */
  readonly resolve: (host: string) => Entry | undefined;
  /** Lowers one match (undefined: every call); undefined where no call can meet it. */
  readonly match: (match: HttpMatch | undefined) => M | undefined;
  /** What an `http` entry says beyond {@link lowerAction}. */
  readonly more?: (route: HttpRoute) => E;
}

/** Lowers a rule: one route for each match of each `http` entry that a call can meet. */
export function lowerRule<M extends LoweredMatch, E extends object>(
  rule: VirtualService,
  { resolve, match: lower, more }: Lowering<M, E>,
): (LoweredRoute & M & E)[] {
  return rule.http.flatMap((route, position) => {
    if (route.route === undefined && route.directResponse === undefined) return [];
    const action = { ...lowerAction(route, resolve), ...(more?.(route) as E) };
    const matches = route.match === undefined || route.match.length === 0 ? [undefined] : route.match;
    return matches.flatMap((match, i) => {
      const lowered = lower(match);
      if (lowered === undefined) return [];
      const { file, line } = (match ?? route).at.position;
      return [{ name: routeName(rule, route, position, i), ...lowered, ...action, file, line, rule: rule.name }];
    });
  });
}

/** Name of the route that match `i` of a rule's `http` entry at `position` makes. */
function routeName(rule: VirtualService, route: HttpRoute, position: number, i: number): string {
  const matches = route.match ?? [];
  const name = matches[i]?.name;
  const suffix = name === undefined ? (matches.length > 1 ? `.${i}` : "") : `.${name}`;
  return `${rule.name}/${route.name ?? position}${suffix}`;
}

/** Lowers one match (undefined: every call); undefined where no call of the service can meet it. */
export function lowerMatch(match: HttpMatch | undefined, entry: Entry): LoweredMatch | undefined {
  if (match === undefined) return { path: EVERY_PATH, headers: [] };
  if (neverMet(match).length > 0) return undefined;
  if (match.authority !== undefined && !authorityMatches(match.authority, entry)) return undefined;
  const path = lowerPath(match, entry.service.interface);
  if (path === undefined) return undefined;
  return { path, headers: [...lowerHeaders(match.headers, false), ...lowerHeaders(match.withoutHeaders, true)] };
}

/** A condition that no Dubbo call can meet. */
export type NeverMet = "scheme" | "queryParams" | "sourceLabels" | "sourceNamespace" | "gateways";

/** The conditions of a match that no Dubbo call can meet, by their field names. */
export function neverMet(match: HttpMatch): readonly NeverMet[] {
  const { scheme, queryParams = {}, sourceLabels = {}, sourceNamespace = "", gateways = [] } = match;
  const never: [NeverMet, boolean][] = [
    ["scheme", scheme !== undefined],
    ["queryParams", Object.keys(queryParams).length > 0],
    ["sourceLabels", Object.keys(sourceLabels).length > 0],
    ["sourceNamespace", sourceNamespace !== ""],
    ["gateways", gateways.length > 0 && !gateways.includes("mesh")],
  ];
  return never.filter(([, isThere]) => isThere).map(([name]) => name);
}

function authorityMatches(authority: TextMatch, entry: Entry): boolean {
  return textMatches(authority, entry.host, true) || textMatches(authority, entry.service.interface, false);
}

/** Conditions on headers, with (or `without`) the names of a match. */
export function lowerHeaders(
  headers: Readonly<Record<string, TextMatch>> | undefined,
  without: boolean,
): HeaderMatcher[] {
  return Object.entries(headers ?? {})
    .filter(([name]) => !PSEUDO_HEADERS.includes(name))
    .map(([name, match]) => {
      const lowered = lowerHeaderName(name);
      if (match.type === "present")
        return { name: lowered, presentMatch: true, ...(without ? { invertMatch: true } : {}) };
      return {
        name: lowered,
        stringMatch: stringMatcher(match),
        ...(without ? { invertMatch: true, treatMissingHeaderAsEmpty: true } : {}),
      };
    });
}

/** Attachment names are compared in any case; the field names behind `dubbo-arg-N.` keep theirs, since Java's differ by it. */
function lowerHeaderName(name: string): string {
  const argument = /^dubbo-arg-\d+/i.exec(name)?.[0];
  return argument === undefined ? name.toLowerCase() : argument.toLowerCase() + name.slice(argument.length);
}

/** A condition on a text as xDS has it. */
export function stringMatcher(match: Exclude<TextMatch, { type: "present" }>): StringMatcher {
  return match.type === "regex" ? { safeRegex: { regex: match.value } } : { [match.type]: match.value };
}

/** What an `http` entry does with its calls; `resolve` says which service a destination's host is. */
function lowerAction(
  route: HttpRoute,
  resolve: (host: string) => Entry | undefined,
): Omit<LoweredRoute, "name" | "path" | "headers" | "file" | "line" | "rule"> {
  const mutations = lowerMutations(route.headers?.request);
  const shared = {
    ...(route.fault === undefined ? {} : { fault: lowerFault(route.fault) }),
    ...(mutations === undefined ? {} : { mutations }),
  };
  if (route.directResponse !== undefined) {
    const { status, body } = route.directResponse;
    return { direct: { status, ...(body?.string === undefined ? {} : { body: body.string }) }, ...shared };
  }
  const retries = route.retries === undefined ? undefined : lowerRetries(route.retries);
  return {
    targets: lowerTargets(route, resolve),
    ...(route.timeoutMs === undefined || route.timeoutMs === 0 ? {} : { timeoutMs: route.timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...shared,
  };
}

function lowerTargets(route: HttpRoute, resolve: (host: string) => Entry | undefined): LoweredTarget[] {
  const written = route.route ?? [];
  return written
    .map(({ destination, weight, headers }) => {
      const called = resolve(destination.host);
      const mutations = lowerMutations(headers?.request);
      return {
        host: called?.host ?? destination.host.toLowerCase(),
        known: called !== undefined,
        subset: destination.subset ?? "",
        weight: written.length === 1 ? 100 : (weight ?? 0),
        ...(mutations === undefined ? {} : { mutations }),
      };
    })
    .filter(({ weight }) => weight > 0);
}

function lowerMutations(operations: HeaderOperations | undefined): LoweredMutations | undefined {
  if (operations === undefined) return undefined;
  const { set = {}, add = {}, remove = [] } = operations;
  if (Object.keys(set).length + Object.keys(add).length + remove.length === 0) return undefined;
  return { set, add, remove };
}
