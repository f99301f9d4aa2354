import { printAddress } from "../../base/address.ts";
import { isInBlock, parseBlock, parseIp } from "../../base/ip-block.ts";
import { barePath, isAmbiguous, plainPath } from "../../codecs/request-path.ts";
import { type AuthzConfigs, JWT_FILTER } from "../../codecs/xds/authz.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { callableOf, pathRewriteOf } from "../../codecs/xds/path-rewrite.ts";
import { type LimitConfigs, withoutLimits } from "../../codecs/xds/rate-limit.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { Route, VirtualHost } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import { parseServiceKey, printServiceKey } from "../../model/service.ts";
import { indexAuthorization } from "../compile/authorization.ts";
import { isHttpService } from "../rules/http-service.ts";
import { type Judgement, judgeCall } from "./authorization.ts";
import type { SeenCall, Told } from "./conditions.ts";
import { judgeConnection, seenPrincipal, type TakenMtls } from "./connection.ts";
import type { Known } from "./known.ts";
import { meshHosts, serviceOf } from "./mesh-hosts.ts";
import { createPolicyPlaces, type PolicyPlaces } from "./policy-places.ts";

/** What one proxy on the call's way says of who may make it. */
export interface Authorization extends Judgement {
  /** Where callers' proxies decide, or in front of one provider. */
  readonly side: "outbound" | "inbound";
  /** Host of the service that the call is led to, or name of the inbound listener. */
  readonly for: string;
  /** Of an inbound listener: what it takes. */
  readonly mtls?: TakenMtls;
  /** It is asked for a mirror's copy of the call. */
  readonly isCopy?: true;
}

/** A made-up call on its way, as far as policies ask for it. */
export interface Passing {
  /** Undefined where it is not told; before the route rewrites it. */
  readonly path: string | undefined;
  /** It is one of HTTP: services that speak HTTP get its path. */
  readonly isRequest?: boolean;
  /** Of a request that a gateway makes a call of: the method. Arguments of such calls are not read, and nobody says its application. */
  readonly calls?: string | undefined;
  /** The name that its connection asks TLS for. */
  readonly serverName?: string | undefined;
  readonly header: HeaderLookup;
  /** Names of headers that the call was made with, in lower case. */
  readonly names: readonly string[];
  /** Its address, where it is told. */
  readonly address: string | undefined;
  /** Its SPIFFE id; `""` for a caller without one, undefined where it is not told. */
  readonly principal: string | undefined;
  /** What its token says, which counts as verified; undefined where that is not told. */
  readonly claims?: Claims | undefined;
  /** Listeners that take it, by name. */
  readonly listeners: readonly string[];
  readonly route: Route;
}

/** Where it may go: services by their host, and endpoints `host:port`. */
export interface Way {
  readonly host: string;
  readonly endpoints: readonly { readonly address: string }[];
}

/**
 * Asks the policies of each service that a call, or a mirror's copy of it, is led to, then those of the inbound listeners among its endpoints: a provider at its own address
 * is called past them.
 */
export function explainAuthorization(
  resources: ResourceSet,
  passing: Passing,
  ways: readonly Way[],
  known: Known | undefined,
): Authorization[] {
  const hosts = [...new Set(ways.map(({ host }) => host))];
  const isCall = passing.isRequest !== true || passing.calls !== undefined;
  // A call is not copied to a service that speaks HTTP alone.
  const copies = mirrorsOf(resources, passing.route).filter((host) => {
    const entry = known?.entries.find((one) => one.host === host);
    return entry === undefined || isHttpService(entry) !== isCall;
  });
  const outbound = [...hosts, ...copies].map((host, at): Authorization => {
    const entry = known?.entries.find((one) => one.host === host);
    const isHttp = entry === undefined ? passing.isRequest === true : isHttpService(entry);
    const led = ledTo(passing, isHttp, interfaceOf(resources, host, entry));
    const configs = configsOf(hostCalled(resources, host, entry, led));
    const places = createPolicyPlaces(known?.rules ?? [], scopeOf(known, entry));
    const judged = judgeOutbound(configs, seenOutbound(resources, led, configs), places);
    return { side: "outbound", for: host, ...(at >= hosts.length && { isCopy: true }), ...judged };
  });
  const addresses = new Set(ways.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)));
  const inbound = resources.listeners.flatMap(({ name, resource }): Authorization[] => {
    const facts = resource.metadata.filterMetadata[TRESTLE_METADATA];
    const { address, portValue } = resource.address.socketAddress;
    if (facts.inbound === undefined || !addresses.has(printAddress(address, portValue))) return [];
    const configs = configsOf(virtualHostsOf(resources, facts.routeConfigName)[0]);
    const places = createPolicyPlaces(known?.rules ?? [], undefined);
    const { mtls } = facts.inbound;
    const principal = seenPrincipal(mtls, passing.principal);
    const way = ways.find((one) =>
      one.endpoints.some((provider) => provider.address === printAddress(address, portValue)),
    );
    const led = ledTo(passing, facts.protocol === "http", interfaceOf(resources, way?.host ?? "", undefined));
    const call = seenInbound({ ...led, principal }, configs);
    const judged = judgeConnection(mtls, passing.principal, judgeCall(configs, call, places));
    return [{ side: "inbound", for: name, mtls, ...judged }];
  });
  return [...outbound, ...inbound];
}

/** Hosts of the services that copies go to. */
function mirrorsOf({ clusters }: ResourceSet, { route }: Route): string[] {
  const hosts = (route?.requestMirrorPolicies ?? []).map(({ cluster: name }) => {
    const facts = clusters.find((one) => one.name === name)?.resource.metadata.filterMetadata[TRESTLE_METADATA];
    return facts?.host ?? name.split("|")[3] ?? name;
  });
  return [...new Set(hosts)];
}

/** What a service gets of a call, its path as the route makes it: that of a request where it speaks HTTP, else its own interface with the method. */
function ledTo(passing: Passing, isHttp: boolean, interfaceName: string | undefined): Passing {
  const { path, calls, header, route } = passing;
  const rewrite = pathRewriteOf(route);
  const rewritten = (text: string | undefined) => (text === undefined ? undefined : (rewrite?.(text) ?? text));
  const own = (method: string | undefined) =>
    interfaceName === undefined || method === undefined ? undefined : `/${interfaceName}/${method}`;
  if (calls !== undefined) return { ...passing, path: own(calls) };
  if (isHttp) return { ...passing, path: rewritten(passing.isRequest === true ? path : header(":path")) };
  if (rewrite !== undefined) return { ...passing, path: rewritten(path) };
  return { ...passing, path: own(path?.slice(path.lastIndexOf("/") + 1)) ?? path };
}

/** The interface of the service of that host, as far as it is known. */
function interfaceOf(resources: ResourceSet, host: string, entry: Entry | undefined): string | undefined {
  if (entry !== undefined) return entry.service.interface;
  const known = meshHosts(resources).find(({ name }) => name === host);
  return known && parseServiceKey(serviceOf(known)).interface;
}

/** The virtual host whose policies are asked: a rewritten path may name another interface than the destination's. */
function hostCalled(
  resources: ResourceSet,
  host: string,
  entry: Entry | undefined,
  { path, isRequest }: Passing,
): VirtualHost | undefined {
  const named = callableOf(path ?? "")?.interface;
  const isOther = entry !== undefined && named !== undefined && named !== entry.service.interface;
  if (!isOther || isRequest === true || isHttpService(entry))
    return meshHosts(resources).find((one) => one.name === host);
  const key = printServiceKey({ ...entry.service, interface: named });
  return meshHosts(resources).find(({ domains }) => domains.includes(key));
}

/** Paths of requests that servers read in several ways are refused where there are policies; arguments of calls from outside, where one asks for them. */
function judgeOutbound(configs: AuthzConfigs, seen: SeenOutbound, places: PolicyPlaces): Judgement {
  const { call, path, asksArgument } = seen;
  const judged = judgeCall(configs, call, places);
  const denied = (why: string): Judgement => ({ ...judged, decision: "denied", why: [why] });
  const isGuarded = withoutLimits<AuthzConfigs & LimitConfigs>(configs) !== undefined;
  if (isGuarded && path !== undefined && (isAmbiguous(path) || isAmbiguous(barePath(plainPath(path)))))
    return denied("its path can be read in several ways, and policies hold for the service");
  const asked = asksArgument();
  return asked === undefined ? judged : denied(`a policy asks for ${asked}, which is not read of calls from outside`);
}

interface SeenOutbound {
  readonly call: SeenCall;
  /** Of a request that goes on as it is. */
  readonly path: string | undefined;
  /** An argument that policies asked for although it is not read. */
  asksArgument(): string | undefined;
}

function configsOf(host: VirtualHost | undefined): AuthzConfigs {
  return host?.typedPerFilterConfig ?? {};
}

function scopeOf(known: Known | undefined, entry: Entry | undefined) {
  if (known === undefined || entry === undefined) return undefined;
  const index = indexAuthorization(known.rules, known.mesh);
  return { policies: index.policiesOf(entry), guards: index.guardsOf(entry) };
}

/** Callers come here without TLS, but for those outside: they are whom their address stands for. */
function seenOutbound(resources: ResourceSet, passing: Passing, configs: AuthzConfigs): SeenOutbound {
  const { address, principal = address === undefined ? undefined : (vouchedFor(resources, passing, address) ?? "") } =
    passing;
  const { path, isRequest, calls, serverName } = passing;
  const called = seen(passing, configs, []);
  let asked: string | undefined;
  const header: SeenCall["header"] = (name) => {
    if (calls === undefined) return called.header(name);
    if (name.startsWith(ARGUMENT)) asked ??= name;
    return name === "dubbo-application" ? { value: undefined } : called.header(name);
  };
  // Of a connection without an identity nobody asks for its server name.
  const server = { value: principal === undefined || principal === "" ? undefined : serverName };
  const call = { ...called, header, principal: toldPrincipal(principal), serverName: server };
  return { call, path: isRequest === true && calls === undefined ? path : undefined, asksArgument: () => asked };
}

/** The caller's own proxy, with the caller's identity; what the route changes is not told. */
function seenInbound(passing: Passing, configs: AuthzConfigs): SeenCall {
  const { requestHeadersToAdd = [], requestHeadersToRemove = [] } = passing.route;
  const changed = [...requestHeadersToAdd.map(({ header }) => header.key), ...requestHeadersToRemove];
  return {
    ...seen(passing, configs, changed),
    principal: toldPrincipal(passing.principal),
    serverName: undefined,
  };
}

function toldPrincipal(principal: string | undefined): Told<string> {
  return principal === undefined ? undefined : { value: principal === "" ? undefined : principal };
}

function seen(
  { path, header, names, address, claims, isRequest = false }: Passing,
  configs: AuthzConfigs,
  changed: readonly string[],
): Omit<SeenCall, "principal" | "serverName"> {
  const told = path === undefined ? undefined : { value: path };
  const hasToken = claims !== undefined || tokenOf(configs, header);
  const byToken = headersByToken(configs);
  const unknown = new Set(changed.map((name) => name.toLowerCase()));
  return {
    path: told,
    address: address === undefined ? undefined : { value: address },
    hasToken,
    claims,
    header(name) {
      const folded = name.toLowerCase();
      if (folded === ":path" && !isRequest) return told;
      if (unknown.has(folded)) return undefined;
      if (byToken.has(folded)) return hasToken ? undefined : { value: undefined };
      const value = header(name);
      return value === undefined && !isRequest && !isTold(folded, names, address) ? undefined : { value };
    },
  };
}

/** Attachments that are not given are not there; arguments that nobody said anything of may be anything. */
function isTold(name: string, names: readonly string[], address: string | undefined): boolean {
  if (name.startsWith(":")) return false;
  if (name === "dubbo-application") return address !== undefined;
  return !name.startsWith(ARGUMENT) || names.some((one) => one.startsWith(ARGUMENT));
}

/** Whether there is something where issuers' tokens stand: in Istio's usual places where an issuer names none. */
function tokenOf(configs: AuthzConfigs, header: HeaderLookup): boolean {
  return Object.values(configs[JWT_FILTER]?.providers ?? {}).some((provider) => {
    const { fromHeaders = [], fromParams = [], fromCookies = [] } = provider;
    const says = fromHeaders.length + fromParams.length + fromCookies.length > 0;
    const headers = says ? fromHeaders.map(({ name }) => name) : ["authorization"];
    const params = says ? fromParams : ["access_token"];
    const places = [...headers, ...params.map((name) => `?${name}`), ...(fromCookies.length > 0 ? ["cookie"] : [])];
    return places.some((name) => (header(name.toLowerCase()) ?? "") !== "");
  });
}

/** Headers that tokens alone say: what callers write there is taken out. */
function headersByToken(configs: AuthzConfigs): ReadonlySet<string> {
  const providers = Object.values(configs[JWT_FILTER]?.providers ?? {});
  const names = providers.flatMap(({ forwardPayloadHeader, claimToHeaders = [] }) => [
    ...(forwardPayloadHeader === undefined ? [] : [forwardPayloadHeader]),
    ...claimToHeaders.map(({ headerName }) => headerName),
  ]);
  return new Set(names.map((name) => name.toLowerCase()));
}

/** Whom the listeners that take the call hold an address for: the narrowest range counts. */
function vouchedFor({ listeners }: ResourceSet, { listeners: names }: Passing, address: string): string | undefined {
  const ip = parseIp(address);
  const vouched = listeners
    .filter(({ name }) => names.includes(name))
    .flatMap(({ resource }) => Object.entries(resource.metadata.filterMetadata[TRESTLE_METADATA].identities ?? {}))
    .map(([text, identity]) => ({ block: parseBlock(text), identity }))
    .filter(({ block }) => ip !== undefined && block !== undefined && isInBlock(ip, block))
    .sort((a, b) => b.block!.bits - a.block!.bits);
  return vouched[0]?.identity;
}
