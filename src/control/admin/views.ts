import { printAddress } from "../../base/address.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { Consumer, Endpoint, Entry } from "../../model/entry.ts";
import { printLocality } from "../../model/mesh.ts";
import { printPlace, printPosition, type Rule } from "../../model/rule.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { ProxyStats } from "../../model/stats.ts";
import { isCarried } from "../compile/endpoints.ts";
import { localityOf } from "../compile/localities.ts";
import { describePolicies } from "../explain/policy-words.ts";
import { describeAction, describeLimits, describeMatch } from "../explain/words.ts";
import { withAttachedRules } from "../rules/attached-rules.ts";
import { bindRules } from "../rules/bindings.ts";
import { meshClient } from "../rules/client.ts";
import { delegatesOf, indexDelegates } from "../rules/delegates.ts";
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
  { entries, rules, protocols, mesh }: Snapshot,
  notLed: ReadonlyMap<string, string>,
  http: ReadonlyMap<string, string> = new Map(),
): ServiceView[] {
  const index = indexRules(withAttachedRules(rules), meshClient(mesh));
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
  /** Proxy workers that send it no calls for now, since too many failed; each with the earliest end of that. Absent for none. */
  readonly ejected?: readonly { readonly worker: string; readonly subset: string; readonly until: string }[];
  /** `region/zone/subzone`, as far as it is known; absent where nothing is. */
  readonly locality?: string;
  /** For this proxy, by locality failover: calls go to 0 while enough of those are healthy. Absent where all are alike. */
  readonly priority?: number;
  readonly registry: string;
  /** As the registry has them; what looks like a secret is hidden. */
  readonly params: Readonly<Record<string, string>>;
}

/** Endpoints of the services whose host, key or interface is `wanted` (any case); of all where it is undefined. */
export function viewEndpoints(
  { entries }: Snapshot,
  wanted: string | undefined,
  stats: readonly ProxyStats[] = [],
  resources?: ResourceSet,
): EndpointView[] {
  const folded = wanted?.toLowerCase();
  const ejected = ejectionsOf(stats);
  const priorities = prioritiesOf(resources);
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
        address: printAddress(endpoint.address, endpoint.port),
        protocol: endpoint.protocol,
        weight: endpoint.weight,
        tag: endpoint.tag,
        disabled: endpoint.disabled,
        ...ejected.get(`${host} ${endpoint.address} ${endpoint.port}`),
        ...localityTextOf(endpoint),
        ...priorities.get(`${host} ${endpoint.address} ${endpoint.port}`),
        registry: endpoint.origin,
        params: endpoint.params,
      })),
    );
}

function localityTextOf(endpoint: Endpoint): Pick<EndpointView, "locality"> {
  const locality = localityOf(endpoint);
  return locality === undefined ? {} : { locality: printLocality(locality) };
}

/** By host, address and port: of services whose endpoints have more than one priority. */
function prioritiesOf(resources: ResourceSet | undefined): Map<string, { readonly priority: number }> {
  const found = new Map<string, { readonly priority: number }>();
  for (const { name, resource } of resources?.endpoints ?? []) {
    const [, , subset, host] = name.split("|");
    if (subset !== "" || resource.endpoints.every(({ priority = 0 }) => priority === 0)) continue;
    for (const { priority = 0, lbEndpoints } of resource.endpoints) {
      for (const { endpoint } of lbEndpoints) {
        const { address, portValue } = endpoint.address.socketAddress;
        found.set(`${host} ${address} ${portValue}`, { priority });
      }
    }
  }
  return found;
}

/** By host, address and port. */
function ejectionsOf(stats: readonly ProxyStats[]): Map<string, Pick<EndpointView, "ejected">> {
  const found = new Map<string, Pick<EndpointView, "ejected">>();
  for (const { worker, ejected = [] } of stats) {
    for (const { host, subset, address, port, untilMs } of ejected) {
      const key = `${host} ${address} ${port}`;
      const before = found.get(key)?.ejected ?? [];
      found.set(key, { ejected: [...before, { worker, subset, until: new Date(untilMs).toISOString() }] });
    }
  }
  return found;
}

/** One consumer as the admin API lists it. */
export interface ConsumerView {
  /** Printed key of what it subscribed to; group and version may be `*`. */
  readonly service: string;
  readonly application: string;
  /** `""` where the registry does not say (dubbo-go). */
  readonly address: string;
}

/** Consumers of the service whose key or interface is `wanted` (any case), of all where it is undefined; processes that are alike once. */
export function viewConsumers(consumers: readonly Consumer[], wanted: string | undefined): ConsumerView[] {
  const folded = wanted?.toLowerCase();
  const found = new Map<string, ConsumerView>();
  for (const { service: key, application, address } of consumers) {
    const service = printServiceKey(key);
    if (folded !== undefined && ![service.toLowerCase(), key.interface.toLowerCase()].includes(folded)) continue;
    found.set(`${service}\n${application}\n${address}`, { service, application, address });
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view);
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
  /** Timeout, retries, faults and the service's limits in words; `""` for none. */
  readonly policies: string;
  /** `file:line` of its rule; `""` for a service without one. */
  readonly at: string;
}

/** Lists the routes of all services in words, each service's in the order they are tried; none before the first resources. */
export function viewRoutes(resources: ResourceSet | undefined): RouteView[] {
  if (resources === undefined) return [];
  return resources.routes.flatMap((config) =>
    virtualHostsOf(resources, config.name).flatMap((virtualHost) => {
      const { name, domains, routes } = virtualHost;
      const limits = describeLimits(virtualHost);
      return routes.map((route) => {
        const origin = route.metadata?.filterMetadata["io.trestle"];
        return {
          host: name,
          service: domains.find((domain) => domain !== name) ?? name,
          route: route.name ?? "",
          match: describeMatch(route.match),
          to: describeAction(route),
          policies: [describePolicies(route), limits].filter((text) => text !== "").join("; "),
          at: printPlace(origin),
        };
      });
    }),
  );
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

/** Lists every rule in force, the older first, also those that no service is known for. It may be for callers of other namespaces alone. */
export function viewRules({ entries, rules, protocols, mesh }: Snapshot, set: RuleSet): RuleView[] {
  const all = withAttachedRules(rules);
  const delegates = indexDelegates(all);
  const { rules: index, servicesOf } = bindRules(all, entries, protocols, undefined, mesh);
  const services = new Map<Rule, Set<string>>();
  const note = (rule: Rule | undefined, { host }: Entry): void => {
    if (rule !== undefined) services.set(rule, (services.get(rule) ?? new Set()).add(host));
  };
  for (const entry of entries) {
    const mapping = entry.mapped === true ? restMappingOf(entry.service, rules) : undefined;
    for (const rule of [index.limits.find(entry), mapping]) note(rule, entry);
  }
  for (const rule of all) {
    const isRouting = rule.kind === "VirtualService";
    const written = (isRouting && rule.attached) || [rule, ...(isRouting ? delegatesOf(rule, delegates) : [])];
    for (const entry of servicesOf(rule)) for (const one of written) note(one, entry);
  }
  const old = new Set(set.files.filter(({ valid }) => !valid).map(({ path }) => path));
  return rules.map((rule) => ({
    kind: rule.kind,
    name: rule.name,
    namespace: rule.namespace,
    hosts: hostsOf(rule),
    at: printPosition(rule.at.position),
    services: [...(services.get(rule) ?? [])].sort(),
    newest: !old.has(rule.at.position.file),
  }));
}

/** What a rule is for: of a Gateway the hosts of its servers. */
function hostsOf(rule: Rule): readonly string[] {
  switch (rule.kind) {
    case "VirtualService":
    case "MetaRouter":
      return rule.hosts;
    case "DestinationRule":
      return [rule.host];
    case "GRPCRoute":
    case "HTTPRoute":
      return rule.parents.map(({ name }) => name);
    case "RestMapping":
      return [rule.service.interface];
    case "ServiceEntry":
      return rule.hosts;
    case "Gateway":
      return [...new Set(rule.servers.flatMap(({ hosts }) => hosts))];
    case "Sidecar":
    case "WorkloadEntry":
    case "AuthorizationPolicy":
    case "DubboAuthorizationPolicy":
    case "PeerAuthentication":
    case "RequestAuthentication":
    case "SerializationGuard":
      return [];
    default:
      return rule satisfies never;
  }
}
