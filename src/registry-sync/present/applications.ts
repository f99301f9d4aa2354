import type { Application, ApplicationInstance, ApplicationService } from "../../model/application.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import {
  ENDPOINTS,
  isLoneRevision,
  META_VERSION,
  REVISION,
  STORAGE_TYPE,
  URL_PARAMS,
} from "../application/instance.ts";
import { METADATA_SERVICE, type MetadataInfo, matchKeyOf, revisionOf } from "../application/metadata-info.ts";
import { APPLICATION_LEVEL, LEVEL_PARAM, offersOf } from "../application/offers.ts";
import { compareText } from "../dubbo/endpoint.ts";
import { type DubboUrl, param } from "../dubbo/url.ts";
import { mergeUrls } from "./merge-urls.ts";

/**
 * What consumers at application level are shown: for an application whose services are all led, one virtual instance for each proxy
 * address in place of the real ones, with a revision of its own. 3.x takes the host from the instance and the port from the revision's
 * MetadataInfo, and keeps that for ever; so a revision names what is said, ports included, and what is said never changes under it.
 *
 * Every facade shows the same. One for a registry that lists instances (Nacos) asks `PresentContext.application(name)`:
 * where it is defined, `hides(id)` says which of the real instances are left out, and each of `instances` is
 * listed in their place with its `address`, `port`, `metadata`; healthy, enabled, weight 1. What is asked of the metadata
 * centre under `(application, revision)` is answered with `printMetadataInfo(info)`.
 */

/** An instance that stands for the proxy. */
export interface VirtualInstance {
  /** Unique in its application; another one where the revision is another. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** As Dubbo writes it. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What the revision offers, with the proxy's ports. */
  readonly info: MetadataInfo;
}

/** An application that is led through the proxy. */
export interface PresentedApplication {
  /** In order of the proxies. Not empty. */
  readonly instances: readonly VirtualInstance[];
  /** Whether a real instance (by its id) is kept from consumers; one of Dubbo's look that is not known yet is. */
  hides(id: string): boolean;
}

/** A proxy's ports at one host. */
export interface ProxyPorts {
  readonly address: string;
  readonly dubbo: number;
  /** Undefined where it carries no Triple. */
  readonly tri: number | undefined;
}

/** What decides on an application. */
export interface LedBy {
  readonly proxies: readonly ProxyPorts[];
  /** As `PresentContext.notLed`. */
  notLed(
    service: ServiceKey,
    application: string,
    protocol: string,
  ): { readonly reason: string; readonly finding: boolean; readonly soon?: boolean } | undefined;
  /**
   * Why consumers of an application must find its services at interface level: providers have tags, by which consumers' own tag routers
   * choose among URLs; or one calls every provider, and must see them all.
   */
  needsInterface?(application: string): string | undefined;
  /** Printed keys of the services that the proxy knows; absent: all. */
  readonly served?: ReadonlySet<string>;
  /**
   * Whether an application that is shown at the proxies stays there without those of its services that the proxy is not told of yet;
   * asked only where there are such. Absent: no.
   */
  stays?(application: string): boolean;
}

/**
 * How an application is shown: presented, or not. Then instances that also stand at interface level are left out where `isInterface`,
 * so that consumers go there; else they are shown as they are: nobody knows what they offer, or, where `isSoon`, they will be presented
 * in a moment, and who asks may as well wait for that. `reason` is there where a person might expect otherwise.
 */
export type ApplicationTreatment =
  | { readonly type: "led"; readonly presented: PresentedApplication }
  | { readonly type: "passes"; readonly isInterface: boolean; readonly isSoon?: true; readonly reason?: string };

/** The service under which the proxy answers for an application's metadata. */
export function metadataServiceOf(application: string): ServiceKey {
  return { interface: METADATA_SERVICE, group: application, version: "1.0.0" };
}

/** Whether an application's name can be a service's group; others pass unchanged. */
export function isLeadable(application: string): boolean {
  return /^[\w.-]{1,200}$/.test(application);
}

const indexes = new WeakMap<readonly Application[], ReadonlyMap<string, Application>>();

/** What is waited for where an application is shown as it is for a moment; no key of a service. */
export function applicationWait(name: string): string {
  return `${WAIT}${name}`;
}

/** The application whose {@link applicationWait} that is; undefined for what else is waited for. */
export function waitedApplication(key: string): string | undefined {
  return key.startsWith(WAIT) ? key.slice(WAIT.length) : undefined;
}

const WAIT = "application ";

/** Whether a node that is not known yet has the look of Dubbo's instances: `host:port`. */
export function looksLikeInstance(id: string): boolean {
  return /:\d{1,5}$/.test(id);
}

/** Whether an instance would be hidden were its application shown at the proxies. */
export function wouldHide(application: Application, id: string): boolean {
  let index = instances.get(application);
  if (index === undefined) {
    index = new Map(application.instances.map((one) => [one.id, one]));
    instances.set(application, index);
  }
  const instance = index.get(id);
  if (instance === undefined) return looksLikeInstance(id);
  return saysMore(instance) && !application.failed.has(instance.revision);
}

const instances = new WeakMap<Application, ReadonlyMap<string, ApplicationInstance>>();

/** The application of that name; the list is looked through once. */
export function applicationOf(applications: readonly Application[], name: string): Application | undefined {
  let index = indexes.get(applications);
  if (index === undefined) {
    index = new Map(applications.map((one) => [one.name, one]));
    indexes.set(applications, index);
  }
  return index.get(name);
}

/**
 * Pairs the addresses of both protocols by host: a host's lowest Dubbo2 port with its lowest Triple port, and so on, so that every
 * instance of Trestle which hands them out says the same of them, in whatever order it was told them. In the order of `dubbo`.
 * Addresses that are no `host:port` are left out.
 */
export function proxyPorts(dubbo: readonly string[], tri: readonly string[]): readonly ProxyPorts[] {
  const ofDubbo = portsByHost(dubbo);
  const ofTri = portsByHost(tri);
  return dubbo.flatMap((address) => {
    const { host, port } = splitAddress(address);
    if (host === "" || !(port > 0)) return [];
    return [{ address: host, dubbo: port, tri: ofTri.get(host)?.[ofDubbo.get(host)!.indexOf(port)] }];
  });
}

/** The ports of each host, lowest first, each once. */
function portsByHost(addresses: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const address of addresses) {
    const { host, port } = splitAddress(address);
    found.set(
      host,
      [...new Set([...(found.get(host) ?? []), port])].sort((a, b) => a - b),
    );
  }
  return found;
}

/** How an application is shown. Depends on its arguments alone; what of it does not depend on proxies is worked out once. */
export function treatApplication(application: Application, by: LedBy): ApplicationTreatment {
  const { name } = application;
  const services = mergedServices(application);
  if (by.proxies.length === 0 || !isLeadable(name)) return AT_INTERFACE;
  const why = by.needsInterface?.(name);
  if (why !== undefined)
    return { ...AT_INTERFACE, reason: `${name}'s instances are not shown as the proxies, for ${why}` };
  if (services.length === 0) {
    const more = application.instances.filter((one) => saysMore(one));
    if (more.length === 0) return AT_INTERFACE;
    return more.some(({ revision }) => !application.failed.has(revision)) ? SOON : AS_THEY_ARE;
  }
  // Consumers of 2.7 read instances in another form than those of 3.x, and those of 3.x none of 2.7.
  if (application.instances.every(({ revision }) => isLoneRevision(revision))) return AT_INTERFACE;
  const carried = services.filter(({ protocol }) => protocol === "dubbo" || protocol === "tri");
  const led: MergedService[] = [];
  const waiting: MergedService[] = [];
  let unled: { readonly key: string; readonly reason: string; readonly finding: boolean } | undefined;
  for (const one of carried) {
    const not = one.refusal === undefined ? by.notLed(one.service, name, one.protocol) : undefined;
    if (not?.soon === true) {
      waiting.push(one);
      continue;
    }
    const reason = one.refusal ?? not?.reason;
    if (reason === undefined) led.push(one);
    else unled ??= { key: matchKeyOf(one), reason, finding: one.refusal !== undefined || not?.finding === true };
  }
  const ledKeys = new Set([...led, ...waiting].map(({ service }) => printServiceKey(service)));
  for (const one of services) {
    if (carried.includes(one) || ledKeys.has(printServiceKey(one.service))) continue;
    unled ??= { key: matchKeyOf(one), reason: `${one.protocol}:// is not led through`, finding: true };
  }
  if (unled !== undefined) {
    const reason = `${name}'s instances are shown as they are, for ${unled.key} is not led: ${unled.reason}`;
    return unled.finding && led.length > 0 ? { ...AT_INTERFACE, reason } : AT_INTERFACE;
  }
  if (waiting.length > 0 && (led.length === 0 || by.stays?.(name) !== true)) return SOON;
  if (by.served !== undefined && !by.served.has(printServiceKey(metadataServiceOf(name)))) return SOON;
  const instances = by.proxies.map((proxy) => virtualInstance(name, led, proxy));
  const known = new Map(
    application.instances.map((one) => [one.id, saysMore(one) && !application.failed.has(one.revision)]),
  );
  for (const { id } of instances) known.set(id, false);
  const hides = (id: string) => known.get(id) ?? looksLikeInstance(id);
  return { type: "led", presented: Object.freeze({ instances, hides }) };
}

const AT_INTERFACE = { type: "passes", isInterface: true } as const;
const AS_THEY_ARE = { type: "passes", isInterface: false } as const;
const SOON = { ...AS_THEY_ARE, isSoon: true } as const;

interface MergedService extends Omit<ApplicationService, "port"> {
  /** Why its calls cannot be led, whatever is configured. */
  readonly refusal: string | undefined;
}

const merged = new WeakMap<Application, readonly MergedService[]>();

/** What all instances together offer, each service and protocol once, under the parameters on which its providers agree. */
function mergedServices(application: Application): readonly MergedService[] {
  const before = merged.get(application);
  if (before !== undefined) return before;
  const urls = new Map<string, { readonly service: ServiceKey; readonly urls: DubboUrl[] }>();
  for (const [name, offers] of offersOf(application).byInterface) {
    for (const { url } of offers) {
      const service: ServiceKey = { interface: name, group: param(url, "group"), version: param(url, "version") };
      const key = matchKeyOf({ service, protocol: url.protocol });
      const known = urls.get(key);
      if (known === undefined) urls.set(key, { service, urls: [url] });
      else known.urls.push(url);
    }
  }
  const services = [...urls]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { service, urls: list }]): MergedService => {
      const { path, params } = mergeUrls(list, service.interface);
      const shown: Record<string, string> = Object.create(null);
      for (const [key, value] of Object.entries(params)) {
        if (key !== LEVEL_PARAM || value !== APPLICATION_LEVEL) shown[key] = value;
      }
      const refusal = refusalOf(list, service.interface);
      return { service, protocol: list[0]!.protocol, path, params: shown, refusal };
    });
  merged.set(application, services);
  return services;
}

/** Why calls of such providers cannot be led, whatever is configured; undefined where they can. */
export function refusalOf(urls: readonly DubboUrl[], interfaceName: string): string | undefined {
  for (const url of urls) {
    if (url.protocol === "tri" && url.path !== interfaceName)
      return `its calls name ${url.path.slice(0, 200)}, not the interface`;
    if (param(url, "ssl-enabled") === "true") return "it takes TLS connections alone";
    if (param(url, "cluster") === "broadcast") return "it asks for cluster=broadcast";
  }
  return undefined;
}

/** Whether an instance says a revision under which there is more to know. */
function saysMore({ revision }: ApplicationInstance): boolean {
  return revision !== "" && revision !== "0" && !isLoneRevision(revision);
}

/**
 * What stands for a proxy in an application's list: these services at its ports. `storage`: whom consumers ask for the revision, the
 * instance or the metadata centre.
 */
export function virtualInstance(
  application: string,
  led: readonly Omit<ApplicationService, "port">[],
  proxy: ProxyPorts,
  storage: "local" | "remote" = "local",
): VirtualInstance {
  const { address, dubbo, tri } = proxy;
  const services = led.flatMap(({ service, protocol, path, params }): ApplicationService[] => {
    const port = protocol === "tri" ? tri : dubbo;
    return port === undefined ? [] : [{ service, protocol, port, path, params }];
  });
  const revision = revisionOf(application, services);
  const ports = [{ port: dubbo, protocol: "dubbo" }, ...(tri === undefined ? [] : [{ port: tri, protocol: "tri" }])];
  const metadata = Object.freeze({
    [ENDPOINTS]: JSON.stringify(ports),
    [URL_PARAMS]: JSON.stringify({
      dubbo: "2.0.2",
      port: String(dubbo),
      "prefer.serialization": "hessian2",
      protocol: "dubbo",
      serialization: "hessian2",
      side: "provider",
      version: "1.0.0",
    }),
    [REVISION]: revision,
    [STORAGE_TYPE]: storage,
    [META_VERSION]: "1.0.0",
  });
  const host = address.includes(":") ? `[${address}]` : address;
  return Object.freeze({
    id: `${revision.slice(0, 12)}-${host}:${dubbo}`,
    address,
    port: dubbo,
    metadata,
    info: { application, revision, services },
  });
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
