import type {
  FractionalPercent,
  HeaderMatcher,
  ResourceSet,
  Route,
  RouteMatch,
  StringMatcher,
} from "../../codecs/xds/resources.ts";
import { printPosition, type Rule } from "../../model/rule.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { isCarried } from "../compile/endpoints.ts";
import { indexRules } from "../rules/hosts.ts";
import { restMappingOf } from "../rules/rest-entries.ts";
import type { RuleSet } from "../rules/rule-set.ts";
import { withoutSecrets } from "./sources.ts";

/** One service as the admin API lists it. */
export interface ServiceView {
  readonly host: string;
  /** Printed service key. */
  readonly service: string;
  readonly endpoints: number;
  /** Whether its calls are led through the proxy. */
  readonly carried: boolean;
  /** Why they are not although a provider speaks a protocol that is; `""` otherwise. */
  readonly passes: string;
  readonly registries: readonly string[];
  /** Names of the rules in force, `""` for none. */
  readonly virtualService: string;
  readonly destinationRule: string;
  /** Where its HTTP requests are taken, `host:port`; `""` for a service that speaks no HTTP. */
  readonly http: string;
}

/**
 * Lists every service once, in the snapshot's order, with the rules that are in force for it. `notLed` names those (printed key)
 * that consumers call past the proxy, and why; `http` has the addresses of those that speak HTTP.
 */
export function viewServices(
  { entries, rules, protocols }: Snapshot,
  notLed: ReadonlyMap<string, string>,
  http: ReadonlyMap<string, string> = new Map(),
): ServiceView[] {
  const index = indexRules(rules);
  return entries.map((entry) => ({
    host: entry.host,
    service: printServiceKey(entry.service),
    endpoints: entry.endpoints.length,
    carried: isCarried(entry, protocols) && !notLed.has(printServiceKey(entry.service)),
    passes: notLed.get(printServiceKey(entry.service)) ?? "",
    registries: [...new Set(entry.endpoints.map(({ origin }) => origin))].sort(),
    virtualService: index.virtualServices.find(entry)?.name ?? "",
    destinationRule: index.destinationRules.find(entry)?.name ?? "",
    http: http.get(printServiceKey(entry.service)) ?? "",
  }));
}

/** One endpoint as the admin API lists it. */
export interface EndpointView {
  readonly host: string;
  readonly service: string;
  readonly address: string;
  readonly protocol: string;
  readonly weight: number;
  readonly tag: string;
  readonly disabled: boolean;
  readonly registry: string;
  /** As the registry has them; what looks like a secret is hidden. */
  readonly params: Readonly<Record<string, string>>;
}

/** Endpoints of the services whose host, key or interface is `wanted` (any case); of all where it is undefined. */
export function viewEndpoints({ entries }: Snapshot, wanted: string | undefined): EndpointView[] {
  const folded = wanted?.toLowerCase();
  return entries
    .filter(
      ({ host, service }) =>
        folded === undefined ||
        [host, printServiceKey(service).toLowerCase(), service.interface.toLowerCase()].includes(folded),
    )
    .map(withoutSecrets)
    .flatMap(({ host, service, endpoints }) =>
      endpoints.map((endpoint) => ({
        host,
        service: printServiceKey(service),
        address: endpoint.address.includes(":")
          ? `[${endpoint.address}]:${endpoint.port}`
          : `${endpoint.address}:${endpoint.port}`,
        protocol: endpoint.protocol,
        weight: endpoint.weight,
        tag: endpoint.tag,
        disabled: endpoint.disabled,
        registry: endpoint.origin,
        params: endpoint.params,
      })),
    );
}

/** One route as the admin API lists it. */
export interface RouteView {
  readonly host: string;
  /** Printed service key. */
  readonly service: string;
  readonly route: string;
  /** Which calls, in words; `every call` for all. */
  readonly match: string;
  /** Where they go, with percentages where there is more than one place. */
  readonly to: string;
  /** Timeout, retries and faults in words; `""` for none. */
  readonly policies: string;
  /** `file:line` of its rule; `""` for a service without one. */
  readonly at: string;
}

/** Lists the routes of all services in words, each service's in the order they are tried; none before the first resources. */
export function viewRoutes(resources: ResourceSet | undefined): RouteView[] {
  return (resources?.routes ?? []).flatMap(({ resource }) =>
    resource.virtualHosts.flatMap(({ name, domains, routes }) =>
      routes.map((route) => {
        const origin = route.metadata?.filterMetadata["io.trestle"];
        return {
          host: name,
          service: domains.find((domain) => domain !== name) ?? name,
          route: route.name ?? "",
          match: describeMatch(route.match),
          to: describeAction(route),
          policies: describePolicies(route),
          at: origin?.file === undefined ? "" : `${origin.file}:${origin.line}`,
        };
      }),
    ),
  );
}

function describeMatch(match: RouteMatch): string {
  const parts: string[] = [];
  const folded = match.caseSensitive === false ? " in any case" : "";
  if (match.path !== undefined) parts.push(`${match.path}${folded}`);
  else if (match.prefix !== undefined && match.prefix !== "/") parts.push(`${match.prefix}*${folded}`);
  else if (match.safeRegex !== undefined) parts.push(`~ ${match.safeRegex.regex}`);
  for (const header of match.headers ?? []) parts.push(describeHeader(header));
  return parts.length === 0 ? "every call" : parts.join(" and ");
}

function describeHeader({ name, stringMatch, invertMatch }: HeaderMatcher): string {
  const condition = stringMatch === undefined ? `${name} is there` : `${name} ${describeText(stringMatch)}`;
  return invertMatch === true ? `not (${condition})` : condition;
}

function describeText({ exact, prefix, suffix, contains, safeRegex }: StringMatcher): string {
  if (exact !== undefined) return `= ${exact}`;
  if (prefix !== undefined) return `= ${prefix}*`;
  if (suffix !== undefined) return `= *${suffix}`;
  if (contains !== undefined) return `= *${contains}*`;
  return `~ ${safeRegex?.regex ?? ""}`;
}

function describeAction({ route, directResponse }: Route): string {
  if (directResponse !== undefined) return `answer ${directResponse.status}`;
  const weighted = route?.weightedClusters?.clusters;
  if (weighted === undefined) return route?.cluster ?? "";
  const sum = weighted.reduce((total, { weight }) => total + weight, 0);
  return weighted.map(({ name, weight }) => `${name} ${Math.round((weight / sum) * 1000) / 10}%`).join(", ");
}

function describePolicies({ route, typedPerFilterConfig, requestHeadersToAdd, requestHeadersToRemove }: Route): string {
  const fault = typedPerFilterConfig?.["envoy.filters.http.fault"];
  const changed = (requestHeadersToAdd?.length ?? 0) + (requestHeadersToRemove?.length ?? 0);
  return [
    route?.timeout === undefined ? "" : `timeout ${route.timeout}`,
    route?.retryPolicy === undefined ? "" : `retries ${route.retryPolicy.numRetries} on ${route.retryPolicy.retryOn}`,
    fault?.delay === undefined ? "" : `delay ${fault.delay.fixedDelay}${describeShare(fault.delay.percentage)}`,
    fault?.abort === undefined
      ? ""
      : `abort ${fault.abort.httpStatus ?? `grpc ${fault.abort.grpcStatus}`}${describeShare(fault.abort.percentage)}`,
    changed === 0 ? "" : `changes ${changed} attachments`,
  ]
    .filter((text) => text !== "")
    .join("; ");
}

/** Of how many calls, where that is not all. */
function describeShare({ numerator, denominator }: FractionalPercent): string {
  const percent = numerator / (denominator === "MILLION" ? 10_000 : denominator === "TEN_THOUSAND" ? 100 : 1);
  return percent >= 100 ? "" : ` for ${percent}%`;
}

/** One rule as the admin API lists it. */
export interface RuleView {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
  readonly at: string;
  /** Hosts of the services that it is in force for. */
  readonly services: readonly string[];
  /** Of its file: false while the newest text is wrong and this is its last good state. */
  readonly newest: boolean;
}

/** Lists every rule in force, the older first, also those that no service is known for. */
export function viewRules({ entries, rules }: Snapshot, set: RuleSet): RuleView[] {
  const index = indexRules(rules);
  const services = new Map<Rule, string[]>();
  for (const entry of entries) {
    const mapping = entry.mapped === true ? restMappingOf(entry.service, rules) : undefined;
    for (const rule of [index.virtualServices.find(entry), index.destinationRules.find(entry), mapping])
      if (rule !== undefined) services.set(rule, [...(services.get(rule) ?? []), entry.host]);
  }
  const old = new Set(set.files.filter(({ valid }) => !valid).map(({ path }) => path));
  return rules.map((rule) => ({
    kind: rule.kind,
    name: rule.name,
    namespace: rule.namespace,
    hosts: hostsOf(rule),
    at: printPosition(rule.at.position),
    services: services.get(rule) ?? [],
    newest: !old.has(rule.at.position.file),
  }));
}

/** What a rule is for: of a Gateway the hosts of its servers. */
function hostsOf(rule: Rule): readonly string[] {
  switch (rule.kind) {
    case "VirtualService":
      return rule.hosts;
    case "DestinationRule":
      return [rule.host];
    case "RestMapping":
      return [rule.service.interface];
    case "ServiceEntry":
      return rule.hosts;
    case "Gateway":
      return [...new Set(rule.servers.flatMap(({ hosts }) => hosts))];
    default:
      return rule satisfies never;
  }
}
