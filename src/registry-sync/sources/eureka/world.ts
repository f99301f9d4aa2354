import { BlockList, sameItems } from "../../../base/block-list.ts";
import { cleanText } from "../../../base/clean-text.ts";
import type { EurekaInstance } from "../../../codecs/eureka/instance.ts";
import type { InstanceChange } from "../../../codecs/eureka/mirror.ts";
import { serviceNamesOf, spellingOf } from "../../../codecs/eureka/services.ts";
import { type Endpoint, type Entry, type Finding, plainEndpoint, type World } from "../../../model/entry.ts";
import { serviceKey } from "../../../model/service.ts";
import { isRegisteredByDubbo } from "../../application/instance.ts";
import { compareEndpoints, DEFAULT_WEIGHT, endpointId } from "../../dubbo/endpoint.ts";
import { finding, type RegistryFindingCode } from "../../findings.ts";
import { hostOf } from "../../naming/naming.ts";

/** What {@link createEurekaWorld} needs. */
export interface EurekaWorldOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** Whether an address is one of Trestle's own; such an instance is refused. */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** The zone of instances that say none; none unless told. */
  readonly zone?: string;
}

/** A registry's instances as entries, kept up by changes: work goes by what changed. Pure state. */
export interface EurekaWorld {
  /** Takes changes and gives the world after them; the same one where nothing that it holds is another. */
  update(changes: readonly InstanceChange[]): World;
}

interface Service {
  /** In lower case. */
  readonly name: string;
  /** By `app/id`. */
  readonly instances: Map<string, EurekaInstance>;
  entry: Entry | undefined;
  findings: readonly Finding[];
}

const MAX_FINDINGS = 10;
/** A service with more instances than this is read up to it. */
const MAX_INSTANCES = 100_000;

/**
 * Makes entries of instances: one for each name that instances are looked up by, whatever its case. An instance is called at its
 * `hostName`, as Spring calls it, on its secure port where that is on (`https`); one that is not UP takes no calls. What Dubbo itself
 * registered takes no HTTP and is left out.
 */
export function createEurekaWorld(options: EurekaWorldOptions): EurekaWorld {
  const services = new Map<string, Service>();
  const entries = new BlockList<Entry>();
  const findings = new BlockList<Finding>();
  let world: World | undefined;
  return {
    update(changes) {
      const touched = new Set<string>();
      for (const { before, after } of changes) {
        for (const [name, service] of servicesOf(services, before)) {
          service.instances.delete(keyOf(before!));
          touched.add(name);
        }
        for (const [name, service] of servicesOf(services, after)) {
          service.instances.set(keyOf(after!), after!);
          touched.add(name);
        }
      }
      for (const name of touched) {
        const service = services.get(name)!;
        const before = service.entry;
        const told = service.findings;
        build(service, options);
        if (service.entry === undefined && service.instances.size === 0) services.delete(name);
        if (before !== undefined && before.host !== service.entry?.host) entries.replace(placeOf(before, name), []);
        if (service.entry !== undefined) entries.replace(placeOf(service.entry, name), [service.entry]);
        if (!sameFindings(told, service.findings)) findings.replace(name, service.findings);
      }
      if (world?.entries === entries.get() && world.findings === findings.get()) return world;
      world = Object.freeze({
        name: options.name,
        entries: entries.get(),
        consumers: [],
        findings: findings.get(),
      });
      return world;
    },
  };
}

/** Sorts entries by their host. */
function placeOf({ host }: Entry, name: string): string {
  return `${host}\n${name}`;
}

function* servicesOf(
  services: Map<string, Service>,
  instance: EurekaInstance | undefined,
): Iterable<[string, Service]> {
  if (instance === undefined) return;
  for (const spelled of serviceNamesOf(instance)) {
    const name = spelled.toLowerCase();
    let service = services.get(name);
    if (service === undefined) {
      service = { name, instances: new Map(), entry: undefined, findings: [] };
      services.set(name, service);
    }
    yield [name, service];
  }
}

function build(service: Service, { name: origin, isOwnAddress, zone }: EurekaWorldOptions): void {
  const findings: Finding[] = [];
  const endpoints = new Map<string, { readonly instance: EurekaInstance; readonly endpoint: Endpoint }>();
  const instances = [...service.instances.values()].slice(0, MAX_INSTANCES);
  for (const instance of instances) {
    const { app, id, hostName, isSecurePortEnabled, securePort, port, status, metadata } = instance;
    const tell = (code: RegistryFindingCode, message: string) => {
      if (findings.length < MAX_FINDINGS)
        findings.push(finding(code, message, cleanText(`${app}/${id}`.slice(0, 200))));
    };
    const called = isSecurePortEnabled ? securePort : port;
    const address = `${cleanText(hostName.slice(0, 255))}:${called}`;
    if (isRegisteredByDubbo(metadata, called)) {
      tell("TR0122", `instance ${address} of ${app} is Dubbo's own; what it offers is not read from a Eureka`);
    } else if (called === 0 || !HOST.test(hostName)) {
      tell("TR0107", `instance of ${app} is left out: "${address}" is no address that can be called`);
    } else if (isOwnAddress?.(hostName, called) === true) {
      tell("TR0110", `instance ${address} of ${app} is the proxy itself; calls would go in a circle`);
    } else if (hostName === "0.0.0.0" || hostName === "::") {
      tell("TR0111", `instance of ${app} registered ${address}; set eureka.instance.hostname`);
    } else {
      const from = instance.zone || zone || "";
      const endpoint = plainEndpoint({
        ...{ address: hostName, port: called, origin, weight: DEFAULT_WEIGHT },
        protocol: isSecurePortEnabled ? "https" : "http",
        params: Object.freeze(from === "" || metadata["zone"] !== undefined ? metadata : { ...metadata, zone: from }),
      });
      const other = endpoints.get(endpointId(endpoint));
      if (other === undefined || comesBefore(instance, other.instance))
        endpoints.set(endpointId(endpoint), {
          instance,
          endpoint: Object.freeze({ ...endpoint, disabled: status !== "UP" }),
        });
    }
  }
  service.findings = findings;
  service.entry = entryOf(service, Array.from(endpoints.values(), ({ endpoint }) => endpoint).sort(compareEndpoints));
}

/**
 * Whether of two instances at one address this one counts: one that takes calls, of two the one that began later, else by their names.
 * Which of them came here first says nothing: a Trestle that was just started would have it otherwise.
 */
function comesBefore(one: EurekaInstance, other: EurekaInstance): boolean {
  if ((one.status === "UP") !== (other.status === "UP")) return one.status === "UP";
  if (one.lastDirtyMs !== other.lastDirtyMs) return one.lastDirtyMs > other.lastDirtyMs;
  return keyOf(one) < keyOf(other);
}

/** A host as it can stand before a port: name or address, without spaces, slashes and the like. */
const HOST = /^[A-Za-z0-9_.:%-]{1,255}$/;

function entryOf({ name, instances, entry: before }: Service, endpoints: Endpoint[]): Entry | undefined {
  if (endpoints.length === 0) return undefined;
  const known = new Map(before?.endpoints.map((one) => [endpointId(one), one]));
  const kept = endpoints.map((endpoint) => {
    const other = known.get(endpointId(endpoint));
    return other !== undefined && JSON.stringify(other) === JSON.stringify(endpoint) ? other : endpoint;
  });
  const service = serviceKey(spellingOf(name, instances.values()));
  if (before?.service.interface === service.interface && sameItems(before.endpoints, kept)) return before;
  return Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(kept) });
}

function keyOf({ app, id }: EurekaInstance): string {
  return `${app}/${id}`;
}

function sameFindings(a: readonly Finding[], b: readonly Finding[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
}
