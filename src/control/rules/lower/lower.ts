import type { MetadataMatcher } from "../../../codecs/xds/authz.ts";
import type { FractionalPercent } from "../../../codecs/xds/core.ts";
import type {
  HeaderMatcher,
  HttpFault,
  QueryParameterMatcher,
  RedirectAction,
  RegexRewrite,
  RetryPolicy,
} from "../../../codecs/xds/route.ts";
import { type Entry, furtherHost, hostnameOf } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type {
  Destination,
  HeaderOperations,
  Headers,
  HttpMatch,
  HttpRoute,
  TextMatch,
} from "../../../model/rules/http-route.ts";
import { isOnToken, lowerClaims } from "../claims.ts";
import { meshClient, type RuleClient } from "../client.ts";
import { type EntryIndex, resolveDestination } from "../hosts.ts";
import { EVERY_PATH, lowerPath, type PathMatch, stringMatcher, textMatches } from "../path.ts";
import { lowerFault, lowerPercent, lowerRedirect, lowerRetries } from "./policies.ts";

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
  /** On the call's token; absent for none. */
  readonly claims?: readonly MetadataMatcher[];
  /** One of `targets` (at least one, each with weight over 0 or the only one), `redirect` and `direct` is set. */
  readonly targets?: readonly LoweredTarget[];
  readonly redirect?: RedirectAction;
  readonly direct?: { readonly status: number; readonly body?: string; readonly bytes?: string };
  readonly timeoutMs?: number;
  readonly retries?: RetryPolicy;
  readonly fault?: HttpFault;
  readonly mutations?: LoweredMutations;
  readonly answerMutations?: LoweredMutations;
  /** Of HTTP calls: conditions on the query. */
  readonly query?: readonly QueryParameterMatcher[];
  /** What the matched path becomes: by the matched prefix or whole, or by a pattern. */
  readonly rewrite?: string;
  readonly regexRewrite?: RegexRewrite;
  /** The Host that providers see. */
  readonly authority?: string;
  readonly mirrors?: readonly LoweredMirror[];
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
  readonly answerMutations?: LoweredMutations;
}

/** A service that a share of the calls is sent to as well. */
export interface LoweredMirror extends Pick<LoweredTarget, "host" | "known" | "subset"> {
  readonly share: FractionalPercent;
}

/** Changes to a call's attachments, at least one; names as the rule has them. */
export interface LoweredMutations {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** Names that Istio gives another meaning under `headers`: conditions on them are passed over. */
export const PSEUDO_HEADERS: readonly string[] = ["uri", "scheme", "method", "authority"];

/** Whose calls a rule is lowered for, and of which destinations a hash spreads the calls. */
export interface LowerOptions {
  /** A proxy of the mesh that many share unless told. */
  readonly client?: RuleClient;
  readonly isHashed?: NonNullable<Lowering<LoweredMatch, object>["isHashed"]>;
}

/** Lowers the rule in force for a service and the callers of one proxy; the same input gives the same output. */
export function lowerService(
  entry: Entry,
  rule: VirtualService | undefined,
  index: EntryIndex,
  { client = meshClient(), isHashed }: LowerOptions = {},
): LoweredService {
  const lowering: Lowering<LoweredMatch, object> = {
    resolve: (destination) => resolveDestination(destination, entry, index),
    match: (match) => lowerMatch(match, entry, client),
    ...(isHashed !== undefined && { isHashed }),
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
export type LoweredMatch = Pick<LoweredRoute, "path" | "headers" | "claims">;

/** Says what a destination means; undefined where none is known. */
export type Resolve = (destination: Destination) => Entry | undefined;

/** How the rules of one kind of callers are lowered. */
export interface Lowering<M extends LoweredMatch, E extends object> {
  /** The service, or the further port of one, that a destination means. */
  readonly resolve: Resolve;
  /** Lowers one match (undefined: every call); undefined where no call can meet it. */
  readonly match: (match: HttpMatch | undefined) => M | undefined;
  /** What an `http` entry says beyond {@link lowerAction}. */
  readonly more?: (route: HttpRoute) => E;
  /** The port that callers of HTTP come by; absent for those of Dubbo, who cannot be sent elsewhere. */
  readonly port?: number;
  /** Whether calls of a destination are spread by a hash; none is unless told. */
  readonly isHashed?: (target: LoweredTarget) => boolean;
}

/** Lowers a rule: one route for each match of each `http` entry that a call can meet. */
export function lowerRule<M extends LoweredMatch, E extends object>(
  rule: VirtualService,
  lowering: Lowering<M, E>,
): (LoweredRoute & M & E)[] {
  return rule.http.flatMap((route, position) => {
    const isLed = route.route !== undefined || route.directResponse !== undefined;
    if (!isLed && (route.redirect === undefined || lowering.port === undefined)) return [];
    const action = { ...lowerAction(route, lowering), ...(lowering.more?.(route) as E) };
    const matches = route.match === undefined || route.match.length === 0 ? [undefined] : route.match;
    return matches.flatMap((match, i) => {
      const lowered = lowering.match(match);
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

/** Lowers one match (undefined: every call); undefined where no call of the service by a proxy of `client` can meet it. */
export function lowerMatch(
  match: HttpMatch | undefined,
  entry: Entry,
  client: RuleClient = meshClient(),
): LoweredMatch | undefined {
  if (match === undefined) return { path: EVERY_PATH, headers: [] };
  const caller = lowerCaller(match, client);
  if (caller === undefined || neverMet(match, client).length > 0 || !portMatches(match, entry)) return undefined;
  if (match.authority !== undefined && !authorityMatches(match.authority, entry)) return undefined;
  const path = lowerPath(match, entry.service.interface);
  const claims = lowerClaims(match);
  if (path === undefined || claims === undefined) return undefined;
  return {
    path,
    headers: [...caller, ...lowerHeaders(match.headers, false), ...lowerHeaders(match.withoutHeaders, true)],
    ...(claims.length > 0 && { claims }),
  };
}

/** Labels by which workloads say what application they are. */
const APPLICATION_LABELS: readonly string[] = ["app", "app.kubernetes.io/name", "application"];

/**
 * What a match asks of the caller, as conditions on its calls; undefined where no caller of this proxy is meant. A proxy that stands
 * beside one workload knows that one's labels. Of callers that share a proxy the application alone is known: by the attachment
 * `remote.application`, or by the address that a consumer registered from.
 */
export function lowerCaller(
  { sourceLabels = {}, sourceNamespace = "" }: HttpMatch,
  { namespace, labels, isShared }: RuleClient,
): readonly HeaderMatcher[] | undefined {
  if (sourceNamespace !== "" && sourceNamespace !== namespace) return undefined;
  const conditions: HeaderMatcher[] = [];
  for (const [name, value] of Object.entries(sourceLabels)) {
    if (Object.hasOwn(labels, name) && labels[name] === value) continue;
    if (!isShared || !APPLICATION_LABELS.includes(name)) return undefined;
    conditions.push({ name: "dubbo-application", stringMatch: { exact: value } });
  }
  return conditions;
}

/** Whether a service can be asked for at the port that a match wants: one that its object says, else any that a provider has. */
export function portMatches({ port = 0 }: HttpMatch, { endpoints, ports }: Entry): boolean {
  const known = ports ?? endpoints;
  return port === 0 || known.length === 0 || known.some((one) => one.port === port);
}

/** A condition that no Dubbo call can meet. */
export type NeverMet = "scheme" | "queryParams" | "sourceLabels" | "gateways";

/** The conditions of a match that no Dubbo call can meet, by their field names; those on a caller that may be elsewhere aside. */
export function neverMet(match: HttpMatch, client: RuleClient = meshClient()): readonly NeverMet[] {
  const { scheme, queryParams = {}, sourceLabels = {}, gateways = [] } = match;
  const never: [NeverMet, boolean][] = [
    ["scheme", scheme !== undefined],
    ["queryParams", Object.keys(queryParams).length > 0],
    ["sourceLabels", client.isShared && lowerCaller({ at: match.at, sourceLabels }, client) === undefined],
    ["gateways", gateways.length > 0 && !gateways.includes("mesh")],
  ];
  return never.filter(([, isThere]) => isThere).map(([name]) => name);
}

function authorityMatches(authority: TextMatch, entry: Entry): boolean {
  return textMatches(authority, hostnameOf(entry), true) || textMatches(authority, entry.service.interface, false);
}

/** Conditions on headers, with (or `without`) the names of a match. */
export function lowerHeaders(
  headers: Readonly<Record<string, TextMatch>> | undefined,
  without: boolean,
): HeaderMatcher[] {
  return Object.entries(headers ?? {})
    .filter(([name]) => !PSEUDO_HEADERS.includes(name) && !isOnToken(name))
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

/** All that a match asks of a call beside its path. */
export function conditionsOf({ headers, claims = [] }: LoweredMatch): readonly (HeaderMatcher | MetadataMatcher)[] {
  return [...headers, ...claims];
}

/** What an `http` entry does with its calls; `resolve` says which service a destination's host is. */
function lowerAction(
  route: HttpRoute,
  { resolve, port = 0, isHashed = () => false }: Omit<Lowering<LoweredMatch, object>, "match" | "more">,
): Omit<LoweredRoute, "name" | "path" | "headers" | "claims" | "file" | "line" | "rule"> {
  const shared = {
    ...(route.fault === undefined ? {} : { fault: lowerFault(route.fault) }),
    ...lowerHeaderChanges(route.headers, true),
  };
  if (route.redirect !== undefined) return { redirect: lowerRedirect(route.redirect, port), ...shared };
  if (route.directResponse !== undefined) {
    const { status, body: { string: body, bytes } = {} } = route.directResponse;
    const direct = { status, ...(body !== undefined && { body }), ...(bytes !== undefined && { bytes }) };
    return { direct, ...shared };
  }
  const { uri: rewrite, uriRegexRewrite, authority = hostSetBy(route.headers?.request) } = route.rewrite ?? {};
  const targets = lowerTargets(route, resolve, authority !== undefined);
  const retries = route.retries === undefined ? undefined : lowerRetries(route.retries, targets.some(isHashed));
  const mirrors = (route.mirrors ?? []).map(({ destination, percentage }): LoweredMirror => {
    const share = lowerPercent(percentage === undefined ? {} : { percentage });
    return { ...lowerDestination(destination, resolve), share };
  });
  return {
    targets,
    ...(rewrite !== undefined && { rewrite }),
    ...(uriRegexRewrite !== undefined && {
      regexRewrite: { pattern: { regex: uriRegexRewrite.match }, substitution: uriRegexRewrite.rewrite },
    }),
    ...(authority !== undefined && { authority }),
    ...(mirrors.length > 0 && { mirrors }),
    ...(route.timeoutMs === undefined || route.timeoutMs === 0 ? {} : { timeoutMs: route.timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...shared,
  };
}

function lowerTargets(route: HttpRoute, resolve: Resolve, hasHost: boolean): LoweredTarget[] {
  const written = route.route ?? [];
  return written
    .map(({ destination, weight, headers }) => {
      return {
        ...lowerDestination(destination, resolve),
        weight: written.length === 1 ? 100 : (weight ?? 0),
        ...lowerHeaderChanges(headers, hasHost),
      };
    })
    .filter(({ weight }) => weight > 0);
}

function lowerDestination(
  destination: Destination,
  resolve: Resolve,
): Pick<LoweredTarget, "host" | "known" | "subset"> {
  const called = resolve(destination);
  return {
    host: called?.host ?? unknownHost(destination),
    known: called !== undefined,
    subset: destination.subset ?? "",
  };
}

/** What a destination that means no service is called by: its host, and the port that it says, since the service may have others. */
export function unknownHost({ host, port: { number } = {} }: Pick<Destination, "host" | "port">): string {
  return number === undefined ? host.toLowerCase() : furtherHost(host.toLowerCase(), number);
}

/** With `hasHost` the Host is another one already: a route's own comes before its destinations', as in Istio and Envoy. */
function lowerHeaderChanges(
  headers: Headers | undefined,
  hasHost: boolean,
): Pick<LoweredTarget, "mutations" | "answerMutations"> {
  const mutations = lowerMutations(headers?.request, hasHost ? undefined : hostSetBy(headers?.request));
  const answerMutations = lowerMutations(headers?.response, undefined);
  return { ...(mutations !== undefined && { mutations }), ...(answerMutations !== undefined && { answerMutations }) };
}

/** Whether a header's name stands for the authority that is called. */
export function isAuthority(name: string): boolean {
  return /^(?:host|:authority)$/i.test(name);
}

/** The Host that is set, else added: there is one alone, as in Istio. */
function hostSetBy({ set = {}, add = {} }: Partial<HeaderOperations> = {}): string | undefined {
  const last = (pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).findLast(([name]) => isAuthority(name));
  return (last(set) ?? last(add))?.[1];
}

/** The authority is changed as `host` alone, whatever it was called; what else a request or an answer begins with is no header. */
function lowerMutations(
  operations: HeaderOperations | undefined,
  host: string | undefined,
): LoweredMutations | undefined {
  if (operations === undefined) return undefined;
  const isHeader = (name: string) => !name.startsWith(":") && !isAuthority(name);
  const headers = (pairs: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(pairs).filter(([name]) => isHeader(name)));
  const set = { ...headers(operations.set), ...(host !== undefined && { host }) };
  const add = headers(operations.add);
  const remove = (operations.remove ?? []).filter(isHeader);
  if (Object.keys(set).length + Object.keys(add).length + remove.length === 0) return undefined;
  return { set, add, remove };
}
