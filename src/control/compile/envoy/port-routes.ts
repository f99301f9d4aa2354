import type { ServedResource } from "../../../codecs/xds/served.ts";
import { type Entry, hostnameOf } from "../../../model/entry.ts";
import { compareText } from "../../rules/findings.ts";
import { type ProtoJson, versioned } from "../targets.ts";
import type { EnvoyLimits } from "./limits.ts";

/** A service at one port, with its routes as Envoy's HTTP router takes them. */
export interface PortService {
  readonly entry: Entry;
  readonly port: number;
  readonly protocol: "tri" | "http";
  readonly routes: readonly ProtoJson[];
  readonly limits?: EnvoyLimits;
}

/** The routes of one port, named by its number as Istio names them. */
export interface PortRoutes {
  readonly port: number;
  readonly routes: ServedResource;
  /** Those that its services' limits need before the router. */
  readonly filters: readonly ProtoJson[];
}

/**
 * One RouteConfiguration for each port, with a virtual host for each service there. Callers name a service by its host or its plain name,
 * with or without the port; calls of Triple and gRPC that name none of these are told apart by their path, `/interface/method`.
 */
export function meshRoutes(services: readonly PortService[]): readonly PortRoutes[] {
  const byPort = new Map<number, PortService[]>();
  for (const service of services) {
    const list = byPort.get(service.port);
    if (list === undefined) byPort.set(service.port, [service]);
    else list.push(service);
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .map(([port, list]) => {
      return { port, routes: portRoutes(port, list), filters: filtersOf(list) };
    });
}

/** Each filter once, in order of names. */
function filtersOf(services: readonly PortService[]): readonly ProtoJson[] {
  const filters = new Map<string, ProtoJson>();
  for (const { limits } of services) for (const one of limits?.filters ?? []) filters.set(String(one["name"]), one);
  return [...filters.values()].sort((a, b) => compareText(String(a["name"]), String(b["name"])));
}

function portRoutes(port: number, services: readonly PortService[]): ServedResource {
  const domains = domainsOf(services, port);
  const virtualHosts: ProtoJson[] = [];
  const seen = new Set<string>();
  for (const service of services) {
    const { entry } = service;
    if (seen.has(entry.host)) continue;
    seen.add(entry.host);
    virtualHosts.push(hostOf(service, domains.get(entry) ?? []));
  }
  const byPath = services.filter(({ protocol }) => protocol === "tri").flatMap((one) => pathRoutes(one, services));
  if (byPath.length > 0) virtualHosts.push({ name: "by-path", domains: ["*"], routes: byPath });
  return versioned(String(port), { name: String(port), virtualHosts });
}

const hosts = new WeakMap<PortService, ProtoJson>();

/** A service's virtual host: the same object as long as the service and its names are the same. */
function hostOf(service: PortService, domains: readonly string[]): ProtoJson {
  const known = hosts.get(service);
  if (known !== undefined && String(known["domains"]) === String(domains)) return known;
  const { entry, port, routes, limits } = service;
  const host = { name: `${hostnameOf(entry)}:${port}`, domains, routes, ...(limits && limitsOf(limits)) };
  hosts.set(service, host);
  return host;
}

function limitsOf({ typedPerFilterConfig, rateLimits }: EnvoyLimits): ProtoJson {
  return { typedPerFilterConfig, ...(rateLimits.length > 0 && { rateLimits }) };
}

/**
 * The names of each service: its host, and the plain name of its interface where that is nobody's host and this is the only service of
 * the name, or the one without group and version. No domain stands twice, since Envoy would refuse the whole.
 */
export function domainsOf(services: readonly { readonly entry: Entry }[], port: number): ReadonlyMap<Entry, string[]> {
  const owners = new Map<string, Entry>();
  for (const { entry } of services) owners.set(hostnameOf(entry), entry);
  const plain = new Map<string, Set<Entry>>();
  for (const { entry } of services) {
    const name = entry.service.interface.toLowerCase();
    if (owners.has(name) || !/^[a-z0-9._$-]+$/.test(name)) continue;
    plain.set(name, (plain.get(name) ?? new Set()).add(entry));
  }
  for (const [name, alike] of plain) {
    const owner = alike.size === 1 ? [...alike][0] : [...alike].find(isPlain);
    if (owner !== undefined) owners.set(name, owner);
  }
  const domains = new Map<Entry, string[]>();
  for (const [name, entry] of owners) {
    const list = domains.get(entry) ?? [];
    list.push(name, `${name}:${port}`);
    domains.set(entry, list);
  }
  return domains;
}

function isPlain({ service }: Entry): boolean {
  return service.group === "" && service.version === "";
}

/** A service's routes under the condition that the path names its interface, and group and version where there are several. */
function pathRoutes({ entry, routes, limits }: PortService, services: readonly PortService[]): ProtoJson[] {
  const { interface: name, group } = entry.service;
  const version = entry.portOf === undefined ? entry.service.version : "";
  const isAlone = services.every(({ entry: other }) => other === entry || other.service.interface !== name);
  const asked = isAlone ? [] : [asks("tri-service-group", group), asks("tri-service-version", version)];
  return routes.map((route) => {
    const { headers = [], ...match } = route["match"] as {
      readonly headers?: readonly ProtoJson[];
      readonly prefix?: string;
    };
    const path = match.prefix !== undefined && `/${name}/`.startsWith(match.prefix) ? { prefix: `/${name}/` } : match;
    const all = [...asked, ...headers];
    const asking = { ...route, match: { ...path, ...(all.length > 0 && { headers: all }) } };
    return limits === undefined ? asking : limitedRoute(asking, limits);
  });
}

/** A route with the limits of its own service: its virtual host is that of many. */
function limitedRoute(route: ProtoJson, { typedPerFilterConfig, rateLimits }: EnvoyLimits): ProtoJson {
  const configs = { ...(route["typedPerFilterConfig"] as ProtoJson | undefined), ...typedPerFilterConfig };
  const action = route["route"] as { readonly rateLimits?: readonly ProtoJson[] } | undefined;
  const all = [...rateLimits, ...(action?.rateLimits ?? [])];
  return {
    ...route,
    typedPerFilterConfig: configs,
    ...(action && { route: { ...action, ...(all.length > 0 && { rateLimits: all }) } }),
  };
}

function asks(name: string, value: string): ProtoJson {
  return value === "" ? { name, presentMatch: true, invertMatch: true } : { name, stringMatch: { exact: value } };
}
