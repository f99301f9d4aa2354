import type { Endpoint, Entry, World } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { APPLICATION_LEVEL, LEVEL_PARAM } from "../application/offers.ts";
import { compareText } from "../dubbo/endpoint.ts";
import { type DubboUrl, pathFrom } from "../dubbo/url.ts";
import { agreedMetadata, httpEndpoints, isHttp } from "./http-services.ts";

/**
 * Services that other registries hold than the one behind a facade, so that its applications can call them: through the proxy, under
 * the parameters on which their providers agree.
 */

/** Marks what is shown of another registry, with that registry's name: a Trestle that mirrors this facade shows it to nobody else. */
export const ORIGIN_PARAM = "trestle.from";

/** A provider of a Dubbo service that another registry holds. */
export interface ElsewhereProvider {
  readonly service: ServiceKey;
  /** As it would be registered: its protocol, address and parameters, {@link ORIGIN_PARAM} among these. */
  readonly url: DubboUrl;
}

/** A service that speaks HTTP (Spring Cloud's) and has no instance in the registry behind the facade. */
export interface ElsewhereHttp {
  readonly service: ServiceKey;
  /** What all its instances' metadata agree on, {@link ORIGIN_PARAM} beside it. Keys sorted. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether an instance of it takes calls. */
  readonly isUp: boolean;
}

/** All that other registries hold, by name. */
export interface Elsewhere {
  /** What all of it was read from. */
  readonly entries: readonly Entry[];
  /** Providers of an interface, in the order of the entries. */
  providersOf(interfaceName: string): readonly ElsewhereProvider[];
  /** Providers by the application that they say to be, in lists that stay the same objects while nothing changes in an entry. */
  providersIn(application: string): readonly (readonly ElsewhereProvider[])[];
  /** Sorted by printed key. */
  readonly http: readonly ElsewhereHttp[];
  /** The one of {@link http} with that name and group, in any case of letters: registries differ in how they write names. */
  httpOf(service: ServiceKey): ElsewhereHttp | undefined;
}

/** What only carries calls where it is registered: a consumer elsewhere would derive addresses or protocols from it that nobody serves. */
const OF_THE_REGISTRY: ReadonlySet<string> = new Set([
  LEVEL_PARAM,
  "category",
  "path",
  "protocol",
  "preserved.register.source",
]);

/** What is known of one entry; entries keep their identity while nothing changes. */
const parts = new WeakMap<Entry, Map<string, ElsewherePart>>();

interface ElsewherePart {
  readonly providers: readonly ElsewhereProvider[];
  /** The same by application; those of the registry itself are not among them. */
  readonly byApplication: ReadonlyMap<string, readonly ElsewhereProvider[]>;
  readonly http: ElsewhereHttp | undefined;
}

/**
 * What other registries hold of the merged entries, seen from `registry`, whose own world is `own`. Providers of services that it
 * holds, too, are among them, since the proxy calls all; HTTP services that it holds are not. What another Trestle shows, and
 * services that exist by rules alone, are left out. Reads the entries once, when the first question comes.
 */
export function elsewhereOf(entries: readonly Entry[], registry: string, own: World | undefined): Elsewhere {
  let known: Known | undefined;
  const read = (): Known => {
    known ??= readEntries(entries, registry, own);
    return known;
  };
  return {
    entries,
    providersOf: (interfaceName) => read().providers.get(interfaceName) ?? [],
    providersIn: (application) => read().byApplication.get(application) ?? [],
    get http() {
      return [...read().http.values()];
    },
    httpOf: (service) => read().http.get(nameOf(service)),
  };
}

/** For a registry that stands alone. */
export const NOWHERE: Elsewhere = {
  entries: [],
  providersOf: () => [],
  providersIn: () => [],
  http: [],
  httpOf: () => undefined,
};

interface Known {
  readonly providers: ReadonlyMap<string, readonly ElsewhereProvider[]>;
  readonly byApplication: ReadonlyMap<string, readonly (readonly ElsewhereProvider[])[]>;
  /** By {@link nameOf}, in order. */
  readonly http: ReadonlyMap<string, ElsewhereHttp>;
}

function readEntries(entries: readonly Entry[], registry: string, own: World | undefined): Known {
  const providers = new Map<string, ElsewhereProvider[]>();
  const byApplication = new Map<string, (readonly ElsewhereProvider[])[]>();
  const held = new Set(
    (own?.entries ?? []).filter((entry) => httpEndpoints(entry).length > 0).map(({ service }) => nameOf(service)),
  );
  const http: ElsewhereHttp[] = [];
  for (const entry of entries) {
    const part = partOf(entry, registry);
    if (part.providers.length > 0) {
      const list = providers.get(entry.service.interface);
      if (list === undefined) providers.set(entry.service.interface, [...part.providers]);
      else list.push(...part.providers);
    }
    for (const [application, list] of part.byApplication) {
      const known = byApplication.get(application);
      if (known === undefined) byApplication.set(application, [list]);
      else known.push(list);
    }
    if (part.http !== undefined && !held.has(nameOf(entry.service))) http.push(part.http);
  }
  const byName = new Map<string, ElsewhereHttp>();
  for (const one of http.sort((a, b) => compareText(printServiceKey(a.service), printServiceKey(b.service)))) {
    const name = nameOf(one.service);
    // Of names that differ in the case of letters alone the first counts.
    if (!byName.has(name)) byName.set(name, one);
  }
  return { providers, byApplication, http: byName };
}

function nameOf(service: ServiceKey): string {
  return printServiceKey(service).toLowerCase();
}

function partOf(entry: Entry, registry: string): ElsewherePart {
  let byRegistry = parts.get(entry);
  if (byRegistry === undefined) {
    byRegistry = new Map();
    parts.set(entry, byRegistry);
  }
  let part = byRegistry.get(registry);
  if (part === undefined) {
    part = entry.mapped === true ? NOTHING : readEntry(entry, registry);
    byRegistry.set(registry, part);
  }
  return part;
}

const NOTHING: ElsewherePart = { providers: [], byApplication: new Map(), http: undefined };

function readEntry({ service, endpoints }: Entry, registry: string): ElsewherePart {
  // What stands at application level alone in the registry itself has no node in the interface's directory either.
  const others = endpoints.filter(
    ({ origin, params }) =>
      (origin !== registry || params[LEVEL_PARAM] === APPLICATION_LEVEL) && params[ORIGIN_PARAM] === undefined,
  );
  const providers = others
    .filter(({ protocol }) => !isHttp(protocol))
    .map((one) => ({ service, url: urlOf(service, one, registry) }));
  const instances = others.filter(({ protocol }) => isHttp(protocol));
  const byApplication = applicationsIn(providers);
  if (instances.length === 0) return providers.length === 0 ? NOTHING : { providers, byApplication, http: undefined };
  const isUp = instances.some(({ disabled }) => !disabled);
  return { providers, byApplication, http: { service, metadata: agreed(instances), isUp } };
}

function applicationsIn(providers: readonly ElsewhereProvider[]): ElsewherePart["byApplication"] {
  const found = new Map<string, ElsewhereProvider[]>();
  for (const one of providers) {
    if (one.url.params[ORIGIN_PARAM] === undefined) continue;
    const application = one.url.params["application"] ?? "";
    const list = found.get(application);
    if (list === undefined) found.set(application, [one]);
    else list.push(one);
  }
  return found;
}

function urlOf({ interface: name, group, version }: ServiceKey, endpoint: Endpoint, registry: string): DubboUrl {
  const params: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(endpoint.params)) if (!OF_THE_REGISTRY.has(key)) params[key] = value;
  // Registrations that are simplified, and those at application level, leave out what their place says.
  params["interface"] = name;
  if (group !== "") params["group"] = group;
  if (version !== "") params["version"] = version;
  params["side"] = "provider";
  if (endpoint.origin !== registry) params[ORIGIN_PARAM] = endpoint.origin;
  const path = pathFrom(endpoint.params["path"] ?? "");
  return {
    protocol: endpoint.protocol,
    host: endpoint.address,
    port: endpoint.port,
    path: path === "" ? name : path,
    params,
  };
}

function agreed(instances: readonly Endpoint[]): Readonly<Record<string, string>> {
  const origins = [...new Set(instances.map(({ origin }) => origin))].sort().join(",");
  return Object.freeze(Object.assign(agreedMetadata(instances), { [ORIGIN_PARAM]: origins }));
}
