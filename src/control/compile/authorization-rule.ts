import { isInBlock, parseBlock, parseIp } from "../../base/ip-block.ts";
import type { Permission, Principal, RbacPolicy } from "../../codecs/xds/authz.ts";
import { JWT_FILTER } from "../../codecs/xds/authz.ts";
import { ANY_SERVICE } from "../../codecs/xds/cluster.ts";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import type { HeaderMatcher } from "../../codecs/xds/route.ts";
import { type Entry, hostnameOf } from "../../model/entry.ts";
import { type MeshSettings, trustDomainsOf } from "../../model/mesh.ts";
import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationRule,
  AuthorizationSource,
} from "../../model/rules/authorization.ts";
import { eitherOf } from "../rules/claims.ts";
import { isHttpService } from "../rules/http-service.ts";
import {
  accountMatcher,
  cidrOf,
  hostMatcher,
  matcherOf,
  namespaceMatcher,
  pathMatcher,
  quoteRegex,
  trustDomainMatcher,
} from "./authorization-text.ts";
import { isFilterKey, meetsFilterValue } from "./filter-metadata.ts";

/** What a rule is compiled for. */
export interface PolicyContext {
  readonly entry: Entry;
  /** The policy's. */
  readonly namespace: string;
  /** What cannot be decided for a service as a whole counts as unmet in ALLOW, and as met in all else. */
  readonly isAllow: boolean;
  readonly mesh: MeshSettings;
}

/** A condition that always or never holds, or has to be asked of each call. */
type Term<T> = boolean | T;

/** Compiles one rule; undefined where no call of the service can meet it. */
export function compileAuthorizationRule(rule: AuthorizationRule, context: PolicyContext): RbacPolicy | undefined {
  const permissions: Term<Permission>[] =
    rule.to === undefined
      ? [true]
      : rule.to.map(({ operation }) => allOf(PERMISSION, operationTerms(operation, context)));
  const principals: Term<Principal>[] =
    rule.from === undefined ? [true] : rule.from.map(({ source }) => allOf(PRINCIPAL, sourceTerms(source, context)));
  const conditions = (rule.when ?? []).map((condition) => compileCondition(condition, context));
  const permission = allOf(PERMISSION, [
    anyOf(PERMISSION, permissions),
    ...conditions.map(({ permission }) => permission),
  ]);
  const principal = allOf(PRINCIPAL, [anyOf(PRINCIPAL, principals), ...conditions.map(({ principal }) => principal)]);
  if (permission === false || principal === false) return undefined;
  return {
    permissions: [permission === true ? { any: true } : permission],
    principals: [principal === true ? { any: true } : principal],
  };
}

interface Algebra<T> {
  readonly all: (terms: readonly T[]) => T;
  readonly any: (terms: readonly T[]) => T;
  readonly not: (term: T) => T;
}

const PERMISSION: Algebra<Permission> = {
  all: (rules) => ({ andRules: { rules } }),
  any: (rules) => ({ orRules: { rules } }),
  not: (notRule) => ({ notRule }),
};

const PRINCIPAL: Algebra<Principal> = {
  all: (ids) => ({ andIds: { ids } }),
  any: (ids) => ({ orIds: { ids } }),
  not: (notId) => ({ notId }),
};

function allOf<T>({ all }: Algebra<T>, terms: readonly Term<T>[]): Term<T> {
  if (terms.includes(false)) return false;
  const asked = terms.filter((term) => term !== true) as T[];
  return asked.length === 0 ? true : asked.length === 1 ? asked[0]! : all(asked);
}

function anyOf<T>({ any }: Algebra<T>, terms: readonly Term<T>[]): Term<T> {
  if (terms.includes(true)) return true;
  const asked = terms.filter((term) => term !== false) as T[];
  return asked.length === 0 ? false : asked.length === 1 ? asked[0]! : any(asked);
}

function not<T>({ not: negate }: Algebra<T>, term: Term<T>): Term<T> {
  return typeof term === "boolean" ? !term : negate(term);
}

/** One of `values` and none of `notValues`; a list that is not there asks nothing. */
function ofLists<T>(
  algebra: Algebra<T>,
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  compile: (value: string, negated: boolean) => Term<T>,
): Term<T>[] {
  const terms: Term<T>[] = [];
  if (values !== undefined)
    terms.push(
      anyOf(
        algebra,
        values.map((value) => compile(value, false)),
      ),
    );
  if (notValues !== undefined)
    terms.push(
      not(
        algebra,
        anyOf(
          algebra,
          notValues.map((value) => compile(value, true)),
        ),
      ),
    );
  return terms;
}

function operationTerms(operation: AuthorizationOperation | undefined, context: PolicyContext): Term<Permission>[] {
  if (operation === undefined) return [true];
  const { hosts, notHosts, ports, notPorts, methods, notMethods, paths, notPaths, interfaces, notInterfaces } =
    operation;
  const lists = (
    values: readonly string[] | undefined,
    notValues: readonly string[] | undefined,
    compile: (value: string, negated: boolean) => Term<Permission>,
  ) => ofLists(PERMISSION, values, notValues, compile);
  return [
    ...lists(hosts, notHosts, (host, negated) => hostTerm(host, context, negated)),
    ...lists(ports, notPorts, (port, negated) =>
      endpointTerm(context, negated, (endpoint) => String(endpoint.port) === port),
    ),
    ...lists(methods, notMethods, (method) => methodTerm(method, context)),
    ...lists(paths, notPaths, (path) => pathTerm(path, context)),
    ...lists(interfaces, notInterfaces, (name) => interfaceTerm(name, context)),
  ];
}

/** Of providers that serve whatever they are asked for, a call's path tells the interface. */
function servesAny({ entry }: PolicyContext): boolean {
  return entry.service.interface === ANY_SERVICE;
}

function interfaceTerm(name: string, context: PolicyContext, ignoreCase = false): Term<Permission> {
  if (!servesAny(context)) return matchesText(name, context.entry.service.interface);
  if (name === "*") return true;
  if (name.startsWith("*")) {
    const flag = ignoreCase ? "(?i)" : "";
    return { urlPath: { path: { safeRegex: { regex: `${flag}/[^/]*${quoteRegex(name.slice(1))}/.*` } } } };
  }
  const prefix = name.endsWith("*") ? `/${name.slice(0, -1)}` : `/${name}/`;
  return { urlPath: { path: { prefix, ...(ignoreCase && { ignoreCase }) } } };
}

/** Whether a policy's `hosts` name a service: by its host or its interface. */
export function namesService(host: string, entry: Entry): boolean {
  const folded = foldHost(host);
  return matchesText(folded, hostnameOf(entry)) || matchesText(folded, entry.service.interface.toLowerCase());
}

/** Whether the port that a policy's host has is one of a service's; of a service whose ports nobody says any is. */
function namesPort(host: string, { ports }: Entry): boolean {
  const [, port] = /:(\d+)$/.exec(host) ?? [];
  return port === undefined || ports === undefined || ports.some((one) => String(one.port) === port);
}

function foldHost(host: string): string {
  return host.toLowerCase().replace(/:(?:\d+|\*)$/, "");
}

/**
 * A Dubbo call is for the service that it names. Of a request over HTTP the Host that the caller wrote counts too; what refuses meets it in every
 * form that leads to the same place.
 */
function hostTerm(host: string, context: PolicyContext, negated: boolean): Term<Permission> {
  const { entry, isAllow } = context;
  if (servesAny(context) && !isHttpService(entry)) return interfaceTerm(foldHost(host), context, true);
  const refuses = isAllow === negated;
  // What lets calls through to one port of a service lets none through to another.
  if (namesService(host, entry) && (refuses || namesPort(host, entry))) return true;
  return isHttpService(entry) && { header: { name: ":authority", stringMatch: hostMatcher(host, refuses) } };
}

function methodTerm(method: string, context: PolicyContext): Term<Permission> {
  const { entry } = context;
  if (isHttpService(entry)) return { header: { name: ":method", stringMatch: matcherOf(method) } };
  if (method === "*") return true;
  if (servesAny(context)) {
    const [start, end] = method.startsWith("*") ? ["[^/]*", method.slice(1)] : ["", method.replace(/\*$/, "")];
    const more = method.endsWith("*") ? "[^/]*" : "";
    return { urlPath: { path: { safeRegex: { regex: `/[^/]+/${start}${quoteRegex(end)}${more}` } } } };
  }
  const prefix = `/${entry.service.interface}/`;
  if (method.startsWith("*"))
    return { urlPath: { path: { safeRegex: { regex: `${quoteRegex(prefix)}[^/]*${quoteRegex(method.slice(1))}` } } } };
  const path: StringMatcher = method.endsWith("*")
    ? { prefix: prefix + method.slice(0, -1) }
    : { exact: prefix + method };
  return { urlPath: { path } };
}

/** Paths of Dubbo calls begin with the interface, but for health checks and reflection, which go where the connection's other calls do. */
function pathTerm(path: string, context: PolicyContext): Term<Permission> {
  const { entry } = context;
  if (path === "*") return true;
  if (
    !servesAny(context) &&
    !isHttpService(entry) &&
    path.startsWith("/") &&
    !path.startsWith("/grpc.") &&
    !mayBegin(path, `/${entry.service.interface}/`)
  )
    return false;
  return { urlPath: { path: pathMatcher(path) } };
}

function mayBegin(pattern: string, prefix: string): boolean {
  const open = pattern.search(/[{*]/);
  const fixed = open < 0 ? pattern : pattern.slice(0, open);
  if (fixed.length >= prefix.length) return fixed.startsWith(prefix);
  return open >= 0 && prefix.startsWith(fixed);
}

/**
 * A condition on the endpoint that the call goes to, which is picked later. ALLOW asks that it holds for all of the service's, the others
 * that it holds for any; what is behind a `not` the other way round.
 */
function endpointTerm(
  { entry, isAllow }: PolicyContext,
  negated: boolean,
  test: (endpoint: Entry["endpoints"][number]) => boolean,
): boolean {
  return isAllow === negated ? entry.endpoints.some(test) : entry.endpoints.every(test);
}

function matchesText(pattern: string, text: string): boolean {
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function sourceTerms(source: AuthorizationSource | undefined, { namespace, mesh }: PolicyContext): Term<Principal>[] {
  if (source === undefined) return [true];
  const lists = (
    values: readonly string[] | undefined,
    notValues: readonly string[] | undefined,
    compile: (value: string) => Term<Principal>,
  ) => ofLists(PRINCIPAL, values, notValues, compile);
  return [
    ...lists(source.principals, source.notPrincipals, (value) => principalTerm(value, mesh)),
    ...lists(source.requestPrincipals, source.notRequestPrincipals, requestPrincipalTerm),
    ...lists(source.namespaces, source.notNamespaces, (value) => authenticated(namespaceMatcher(value))),
    ...lists(source.serviceAccounts, source.notServiceAccounts, (value) =>
      authenticated(accountMatcher(value, namespace)),
    ),
    ...lists(source.trustDomains, source.notTrustDomains, (value) => authenticated(trustDomainMatcher(value))),
    ...lists(source.ipBlocks, source.notIpBlocks, (value) => ({ directRemoteIp: cidrOf(value) })),
    ...lists(source.remoteIpBlocks, source.notRemoteIpBlocks, (value) => ({ remoteIp: cidrOf(value) })),
  ];
}

const authenticated = (principalName: StringMatcher): Principal => ({ authenticated: { principalName } });

/** A principal of one of the mesh's trust domains is that of all of them, as Istio has it while one takes another's place. */
function principalTerm(value: string, mesh: MeshSettings): Principal {
  const domains = trustDomainsOf(mesh);
  const slash = value.indexOf("/");
  const rest = slash < 0 || !domains.includes(value.slice(0, slash)) ? undefined : value.slice(slash);
  if (rest === undefined || domains.length === 1) return onePrincipal(value);
  return { orIds: { ids: domains.map((domain) => onePrincipal(domain + rest)) } };
}

function onePrincipal(value: string): Principal {
  if (value === "*") return authenticated({ safeRegex: { regex: ".+" } });
  if (value.startsWith("*")) return authenticated({ safeRegex: { regex: `spiffe://.*${quoteRegex(value.slice(1))}` } });
  return authenticated(matcherOf(`spiffe://${value}`));
}

/** `issuer/subject`; the subject has no slash of its own to a pattern. */
function requestPrincipalTerm(value: string): Principal {
  const claim = (key: string, stringMatch: StringMatcher): Principal => ({
    metadata: { filter: JWT_FILTER, path: [{ key: "payload" }, { key }], value: { stringMatch } },
  });
  const any: StringMatcher = { safeRegex: { regex: ".+" } };
  if (value === "*") return { andIds: { ids: [claim("iss", any), claim("sub", any)] } };
  const slash = value.lastIndexOf("/");
  if (slash < 0) {
    // A pattern without a slash is of one end alone.
    return value.startsWith("*")
      ? { andIds: { ids: [claim("iss", any), claim("sub", matcherOf(value))] } }
      : claim("iss", matcherOf(value));
  }
  const issuer = value.slice(0, slash);
  const subject = value.slice(slash + 1);
  return {
    andIds: {
      ids: [
        claim("iss", issuer === "*" ? any : matcherOf(issuer)),
        claim("sub", subject === "*" ? any : matcherOf(subject)),
      ],
    },
  };
}

interface CompiledCondition {
  readonly permission: Term<Permission>;
  readonly principal: Term<Principal>;
}

function compileCondition(
  { key, values, notValues }: AuthorizationCondition,
  context: PolicyContext,
): CompiledCondition {
  const some = values !== undefined && values.length > 0 ? values : undefined;
  const none = notValues !== undefined && notValues.length > 0 ? notValues : undefined;
  const principal = (compile: (value: string) => Term<Principal>): CompiledCondition => ({
    permission: true,
    principal: allOf(PRINCIPAL, ofLists(PRINCIPAL, some, none, compile)),
  });
  const permission = (compile: (value: string, negated: boolean) => Term<Permission>): CompiledCondition => ({
    permission: allOf(PERMISSION, ofLists(PERMISSION, some, none, compile)),
    principal: true,
  });
  if (isFilterKey(key)) return permission((_, negated) => meetsFilterValue(key, context.isAllow, negated));
  const bracket = key.indexOf("[");
  switch (bracket < 0 ? key : key.slice(0, bracket)) {
    case "request.headers": {
      const name = key.slice(bracket + 1, -1);
      return principal((value) => ({ header: headerOf(name, value) }));
    }
    case "source.ip":
      return principal((value) => ({ directRemoteIp: cidrOf(value) }));
    case "remote.ip":
      return principal((value) => ({ remoteIp: cidrOf(value) }));
    case "source.namespace":
      return principal((value) => authenticated(namespaceMatcher(value)));
    case "source.principal":
      return principal((value) => principalTerm(value, context.mesh));
    case "source.serviceAccount":
      return principal((value) => authenticated(accountMatcher(value, context.namespace)));
    case "source.trustDomain":
      return principal((value) => authenticated(trustDomainMatcher(value)));
    case "request.auth.principal":
      return principal(requestPrincipalTerm);
    case "request.auth.audiences":
      return principal((value) => claimTerm(["aud"], value));
    case "request.auth.presenter":
      return principal((value) => claimTerm(["azp"], value));
    case "request.auth.claims":
      return principal((value) =>
        claimTerm(
          [...key.matchAll(/\[([^\]]+)\]/g)].map((match) => match[1]!),
          value,
        ),
      );
    case "destination.ip":
      return permission((value, negated) => endpointTerm(context, negated, ({ address }) => isWithin(address, value)));
    case "destination.port":
      return permission((value, negated) => endpointTerm(context, negated, ({ port }) => String(port) === value));
    case "connection.sni":
      return permission((value) => ({ requestedServerName: matcherOf(value) }));
    default:
      // The schema lets no other key through.
      return { permission: false, principal: false };
  }
}

/** The field names behind `dubbo-arg-N.` keep their case: Java's differ by it. */
function headerName(name: string): string {
  const argument = /^dubbo-arg-\d+/i.exec(name)?.[0];
  return argument === undefined ? name.toLowerCase() : argument.toLowerCase() + name.slice(argument.length);
}

function headerOf(name: string, value: string): HeaderMatcher {
  const known = headerName(name);
  return value === "*" ? { name: known, presentMatch: true } : { name: known, stringMatch: matcherOf(value) };
}

/** A claim of the token; of a claim that is a list one element is enough. */
function claimTerm(names: readonly string[], value: string): Principal {
  const stringMatch: StringMatcher = matcherOf(value);
  const path = [{ key: "payload" }, ...names.map((key) => ({ key }))];
  return { metadata: { filter: JWT_FILTER, path, value: eitherOf(stringMatch) } };
}

function isWithin(address: string, block: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && isInBlock(ip, parseBlock(block)!);
}
