import type { Passage } from "../../../codecs/xds/listener.ts";
import type { QueryParameterMatcher } from "../../../codecs/xds/route.ts";
import type { Entry } from "../../../model/entry.ts";
import type { Gateway, GatewayTls, Rule, VirtualService } from "../../../model/rule.ts";
import type { CorsPolicy, Destination, HttpMatch, TextMatch } from "../../../model/rules/http-route.ts";
import { lowerClaims } from "../claims.ts";
import { isSeen, meshClient, type RuleClient, selectsLabels } from "../client.ts";
import { compareText } from "../findings.ts";
import { commonDomain, isBoundTo, namesGateway, takesNamespace } from "../gateway-binding.ts";
import {
  domainCovers,
  type GatewayChain,
  gatewayChains,
  isOfOther,
  type ServedServer,
  serverDomain,
} from "../gateway-ports.ts";
import { atPort, type EntryIndex, hostMatches } from "../hosts.ts";
import { isHttpService } from "../http-service.ts";
import { EVERY_PATH, type PathMatch, stringMatcher } from "../path.ts";
import { type LoweredRoute, lowerHeaders, lowerRule } from "./lower.ts";
import { lowerPassages } from "./passages.ts";

/** One port by which calls come in from outside, or what of it has certificates of its own, with what calls may ask for there. */
export interface LoweredGateway {
  /** The address to listen on; undefined for the proxy's own. */
  readonly bind: string | undefined;
  readonly port: number;
  /** Absent for plain text. */
  readonly tls?: GatewayTls;
  /** The names by which callers ask TLS for it; absent where it has all that no other one of the same port has. */
  readonly serverNames?: readonly string[];
  /** By domain in lower case: `*`, `*.example.com` or a name; sorted. */
  readonly hosts: readonly LoweredHost[];
  /** Those whose servers it has, where routes go by claims: whose tokens are good is said for a Gateway. */
  readonly gateways?: readonly Gateway[];
  /** Where TLS goes that is not ended here; there are no hosts then. */
  readonly passages?: readonly Passage[];
}

/** A domain of a port with its routes. */
export interface LoweredHost {
  readonly domain: string;
  readonly routes: readonly LoweredGatewayRoute[];
  /** Requests in plain text are sent to the same place by https. */
  readonly sendsToHttps?: boolean;
  /** It is asked for by another name in TLS, under which other certificates are asked of callers: calls are told so (421). */
  readonly isElsewhere?: boolean;
}

/** One route of a gateway; its path is that of the request, before it is rewritten. */
export interface LoweredGatewayRoute extends LoweredRoute {
  readonly query: readonly QueryParameterMatcher[];
  /** What the matched prefix, or a path matched otherwise, becomes. */
  readonly rewrite?: string;
  readonly cors?: CorsPolicy;
}

/** Of a proxy, what decides which Gateways it serves and which VirtualServices it sees. */
export type GatewayClient = Pick<RuleClient, "namespace" | "labels" | "isEmbedded">;

/** Whether a proxy serves a Gateway: one elsewhere where it has the labels that are asked for, the one beside the facades in any case. */
export function servesGateway({ labels, isEmbedded }: GatewayClient, { selector = {} }: Gateway): boolean {
  return isEmbedded === true || selectsLabels(selector, labels);
}

/**
 * Lowers the Gateways that a proxy serves to their ports. VirtualServices of one domain are joined, the older first, and what a Gateway
 * exposes by itself comes behind them. A domain without routes takes no call.
 */
export function lowerGateways(
  rules: readonly Rule[],
  index: EntryIndex,
  client: GatewayClient = meshClient(),
): readonly LoweredGateway[] {
  const virtualServices = rules
    .filter((rule) => rule.kind === "VirtualService")
    .filter(({ exportTo, namespace }) => isSeen(exportTo, namespace, client.namespace));
  const gateways = rules.filter((rule) => rule.kind === "Gateway").filter((rule) => servesGateway(client, rule));
  const key = ({ bind = "", port, serverNames = [] }: GatewayChain) => `${bind} ${port} ${serverNames.join()}`;
  return gatewayChains(gateways)
    .sort((a, b) => compareText(key(a), key(b)))
    .map((chain) => {
      const { bind, port, tls, serverNames, served } = chain;
      if (tls?.mode === "PASSTHROUGH")
        return { bind, port, tls, hosts: [], passages: lowerPassages(chain, virtualServices, rules) };
      const hosts = withoutOthers(lowerHosts(served, virtualServices, index), chain);
      const byClaims = hosts.some(({ routes }) => routes.some(({ claims }) => claims !== undefined));
      const gateways = byClaims && [...new Set(served.map(({ gateway }) => gateway))];
      return {
        ...{ bind, port, ...(tls && { tls }), ...(serverNames && { serverNames }), hosts },
        ...(gateways && { gateways }),
      };
    });
}

/** A caller that shows the certificate of one name, or none, must not reach another name's routes over that connection. */
function withoutOthers(hosts: readonly LoweredHost[], chain: GatewayChain): readonly LoweredHost[] {
  const own = hosts.filter(({ domain }) => !isOfOther(domain, chain));
  const names = chain.others.filter((name) => hosts.some(({ domain }) => domainCovers(domain, name)));
  const elsewhere = names.filter((name) => isOfOther(name, chain));
  const all = [...own, ...elsewhere.map((domain) => ({ domain, routes: [], isElsewhere: true }))];
  return all.length === hosts.length && elsewhere.length === 0
    ? hosts
    : all.sort((a, b) => compareText(a.domain, b.domain));
}

function lowerHosts(
  served: readonly ServedServer[],
  virtualServices: readonly VirtualService[],
  index: EntryIndex,
): LoweredGateway["hosts"] {
  const domains = new Map<string, Map<string, LoweredGatewayRoute>>();
  const named = served.flatMap(({ server }) =>
    server.hosts.map((host) => ({ domain: serverDomain(host), sendsToHttps: server.sendsToHttps === true })),
  );
  const add = (domain: string, routes: readonly LoweredGatewayRoute[]) => {
    const known = domains.get(domain) ?? new Map<string, LoweredGatewayRoute>();
    // By what it says: a rule that two servers of the port take is there once, a delegate that it names twice is there twice.
    for (const route of routes) {
      const text = JSON.stringify(route);
      if (!known.has(text)) known.set(text, route);
    }
    domains.set(domain, known);
  };
  for (const rule of virtualServices) {
    for (const { gateway, server } of served) {
      if (!isBoundTo(rule, gateway)) continue;
      const routes = lowerBound(rule, gateway, server.port.number, index);
      for (const host of rule.hosts) {
        for (const taken of server.hosts) {
          const domain = takesNamespace(taken, rule, gateway) ? commonDomain(host, taken) : undefined;
          if (domain !== undefined) add(domain, routes);
        }
      }
    }
  }
  for (const { gateway, server } of served) {
    if (gateway.expose.length === 0) continue;
    const routes = exposedRoutes(gateway, index);
    const own = server.hosts.map(serverDomain);
    const covered = [...domains.keys()].filter((domain) => own.some((host) => domainCovers(host, domain)));
    for (const domain of new Set([...own, ...covered])) add(domain, routes);
  }
  for (const { domain, sendsToHttps } of named) if (sendsToHttps) add(domain, []);
  return [...domains.entries()]
    .sort(([a], [b]) => compareText(a, b))
    .map(([domain, routes]) => {
      // Of several servers the one that names it most narrowly says.
      const [by] = named
        .filter((one) => domainCovers(one.domain, domain))
        .sort((a, b) => b.domain.length - a.domain.length);
      return { domain, routes: [...routes.values()], ...(by?.sendsToHttps && { sendsToHttps: true }) };
    });
}

function lowerBound(rule: VirtualService, gateway: Gateway, port: number, index: EntryIndex): LoweredGatewayRoute[] {
  return lowerRule(rule, {
    resolve: (destination) => resolveOutside(destination, index, port),
    match: (match) => lowerOutside(match, rule, gateway, port),
    port,
    more: ({ corsPolicy }) => ({ ...(corsPolicy !== undefined && { cors: corsPolicy }) }),
  });
}

/**
 * The service, or the further port of one, that a destination means for callers outside, who have no group and version: the only one of its
 * name, or the plain one. Without a port that one counts by which they `came`, where the service has it.
 */
export function resolveOutside(
  { host, port }: Pick<Destination, "host" | "port">,
  index: EntryIndex,
  came = 0,
): Entry | undefined {
  const folded = host.toLowerCase();
  const alike = index.byInterface(folded);
  const named =
    index.byHost(folded) ??
    (alike.length === 1 ? alike[0] : alike.find(({ service }) => service.group === "" && service.version === ""));
  return named && atPort(named, port?.number, [came], index);
}

function lowerOutside(
  match: HttpMatch | undefined,
  rule: VirtualService,
  gateway: Gateway,
  port: number,
): Pick<LoweredGatewayRoute, "path" | "headers" | "claims" | "query"> | undefined {
  if (match === undefined) return { path: EVERY_PATH, headers: [], query: [] };
  const { gateways = [] } = match;
  if (match.port !== undefined && match.port !== 0 && match.port !== port) return undefined;
  if (gateways.length > 0 && !gateways.some((text) => namesGateway(text, rule, gateway))) return undefined;
  return lowerHttpMatch(match);
}

/** Lowers a match of requests as HTTP has them; undefined where it asks for what nobody knows of a caller. */
export function lowerHttpMatch(
  match: HttpMatch,
): Pick<LoweredGatewayRoute, "path" | "headers" | "claims" | "query"> | undefined {
  const { sourceLabels = {}, sourceNamespace = "" } = match;
  const claims = lowerClaims(match);
  if (Object.keys(sourceLabels).length > 0 || sourceNamespace !== "" || claims === undefined) return undefined;
  const pseudo = { ":method": match.method, ":authority": match.authority, ":scheme": match.scheme };
  return {
    path: lowerUri(match.uri, match.ignoreUriCase === true),
    headers: [
      ...Object.entries(pseudo).flatMap(([name, text]) =>
        text === undefined || text.type === "present" ? [] : [{ name, stringMatch: stringMatcher(text) }],
      ),
      ...lowerHeaders(match.headers, false),
      ...lowerHeaders(match.withoutHeaders, true),
    ],
    ...(claims.length > 0 && { claims }),
    query: Object.entries(match.queryParams ?? {}).map(([name, text]) =>
      text.type === "present" ? { name, presentMatch: true } : { name, stringMatch: stringMatcher(text) },
    ),
  };
}

function lowerUri(uri: TextMatch | undefined, ignoreCase: boolean): PathMatch {
  const withCase = ignoreCase ? { caseSensitive: false } : {};
  switch (uri?.type) {
    case undefined:
    case "present":
      return EVERY_PATH;
    case "exact":
      return { path: uri.value, ...withCase };
    case "prefix":
      return { prefix: uri.value, ...withCase };
    case "regex":
      return { safeRegex: { regex: uri.value } };
    default:
      return uri satisfies never;
  }
}

/** `/interface/method` for each service of Dubbo's that a Gateway exposes, since others have paths, no methods; where one interface has several groups or versions, the caller's fields choose. */
function exposedRoutes(gateway: Gateway, index: EntryIndex): LoweredGatewayRoute[] {
  const place = gateway.at.position;
  return index.entries
    .filter(
      (entry) =>
        !isHttpService(entry) && entry.portOf === undefined && gateway.expose.some((host) => hostMatches(host, entry)),
    )
    .map((entry) => {
      const { interface: name, group, version } = entry.service;
      const isAlone = index.byInterface(name.toLowerCase()).length === 1;
      const asked = { "tri-service-group": group, "tri-service-version": version };
      return {
        name: `${gateway.name}/${entry.host}`,
        path: { prefix: `/${name}/` },
        headers: isAlone
          ? []
          : Object.entries(asked).map(([field, value]) =>
              value === ""
                ? { name: field, presentMatch: true, invertMatch: true }
                : { name: field, stringMatch: { exact: value } },
            ),
        query: [],
        targets: [{ host: entry.host, known: true, subset: "", weight: 100 }],
        file: place.file,
        line: place.line,
        rule: gateway.name,
      };
    });
}
