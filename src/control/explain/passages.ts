import { printAddress } from "../../base/address.ts";
import { isInBlock, parseBlock, parseIp } from "../../base/ip-block.ts";
import { type AuthzConfigs, JWT_FILTER } from "../../codecs/xds/authz.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { Route, VirtualHost } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { indexAuthorization } from "../compile/authorization.ts";
import { isHttpService } from "../rules/http-service.ts";
import { type Judgement, judgeCall } from "./authorization.ts";
import type { SeenCall, Told } from "./conditions.ts";
import { judgeConnection, seenPrincipal, type TakenMtls } from "./connection.ts";
import { createPolicyPlaces } from "./policy-places.ts";

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

/** Rules and services as they are known; explanations without them have no places. */
export type Known = Pick<Snapshot, "entries" | "rules" | "mesh">;

/** A made-up call on its way, as far as policies ask for it. */
export interface Passing {
  /** Undefined where it is not told. */
  readonly path: string | undefined;
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
  const copies = mirrorsOf(resources, passing.route);
  const outbound = [...hosts, ...copies].map((host, at): Authorization => {
    const configs = configsOf(hostNamed(resources, host));
    const entry = known?.entries.find((one) => one.host === host);
    const places = createPolicyPlaces(known?.rules ?? [], scopeOf(known, entry));
    const isCopy = at >= hosts.length;
    const asked =
      entry !== undefined && isHttpService(entry) ? asRequest(passing) : isCopy ? asCopy(passing, entry) : passing;
    const call = seenOutbound(resources, asked, configs);
    const judged = judgeCall(configs, call, places);
    return { side: "outbound", for: host, ...(isCopy && { isCopy }), ...judged };
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
    const call = seenInbound({ ...(facts.protocol === "http" ? asRequest(passing) : passing), principal }, configs);
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

/** A request over HTTP has a path of its own, which is told as `:path`. */
function asRequest(passing: Passing): Passing {
  return { ...passing, path: passing.header(":path") };
}

/** A copy calls the same method of the mirror's own interface. */
function asCopy(passing: Passing, entry: Entry | undefined): Passing {
  const method = passing.path?.slice(passing.path.lastIndexOf("/") + 1);
  const isKnown = entry !== undefined && method !== undefined;
  return { ...passing, path: isKnown ? `/${entry.service.interface}/${method}` : undefined };
}

function configsOf(host: VirtualHost | undefined): AuthzConfigs {
  return host?.typedPerFilterConfig ?? {};
}

function hostNamed(resources: ResourceSet, host: string): VirtualHost | undefined {
  for (const { name } of resources.routes) {
    const found = virtualHostsOf(resources, name).find((one) => one.name === host);
    if (found !== undefined) return found;
  }
  return undefined;
}

function scopeOf(known: Known | undefined, entry: Entry | undefined) {
  if (known === undefined || entry === undefined) return undefined;
  const index = indexAuthorization(known.rules, known.mesh);
  return { policies: index.policiesOf(entry), guards: index.guardsOf(entry) };
}

/** Callers come here without TLS: they are whom their address stands for. */
function seenOutbound(resources: ResourceSet, passing: Passing, configs: AuthzConfigs): SeenCall {
  const { address, principal = address === undefined ? undefined : (vouchedFor(resources, passing, address) ?? "") } =
    passing;
  return { ...seen(passing, configs, []), principal: toldPrincipal(principal), serverName: { value: undefined } };
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
  { path, header, names, address, claims, route: { route } }: Passing,
  configs: AuthzConfigs,
  changed: readonly string[],
): Omit<SeenCall, "principal" | "serverName"> {
  const isRewritten = route?.prefixRewrite !== undefined || route?.regexRewrite !== undefined;
  const told = isRewritten || path === undefined ? undefined : { value: path };
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
      if (folded === ":path") return told;
      if (unknown.has(folded)) return undefined;
      if (byToken.has(folded)) return hasToken ? undefined : { value: undefined };
      const value = header(name);
      return value === undefined && !isTold(folded, names, address) ? undefined : { value };
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
