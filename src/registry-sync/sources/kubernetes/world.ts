import { BlockList } from "../../../base/block-list.ts";
import { type Endpoint, type Entry, plainEndpoint, type World } from "../../../model/entry.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../../model/service.ts";
import { compareEndpoints, compareText, DEFAULT_WEIGHT, endpointId } from "../../dubbo/endpoint.ts";
import { hostOf } from "../../naming/naming.ts";
import type { KubeEndpoint, KubePort, KubeService, KubeSlice } from "./objects.ts";

/** Prefix of the annotations and labels that say how a Service is called. */
const PREFIX = "trestle.io/";

/** Services and slices of a cluster, and what they are as a world. */
export interface KubernetesWorld {
  /** Takes a Service as it is now; undefined where it is gone. */
  service(id: string, service: KubeService | undefined): void;
  /** Takes an EndpointSlice as it is now. */
  slice(id: string, slice: KubeSlice | undefined): void;
  /** Replaces all Services, and all slices: what is not named is gone. */
  replaceServices(services: readonly KubeService[]): void;
  replaceSlices(slices: readonly KubeSlice[]): void;
  /** The world now; the same object while nothing changed. */
  world(): World;
}

/** What the world is made with. */
export interface KubernetesWorldOptions {
  readonly name: string;
  readonly isOwnAddress?: (address: string, port: number) => boolean;
}

/** Starts empty. An update costs the services that changed. */
export function createKubernetesWorld(options: KubernetesWorldOptions): KubernetesWorld {
  return new ClusterWorld(options);
}

/** The host of a service of Kubernetes, by its key `name.namespace`. */
export function kubernetesHost(entry: Pick<Entry, "service">): string {
  const { interface: name, group, version } = entry.service;
  const isOwn = group === "" && version === "" && /^[a-z0-9-]+\.[a-z0-9-]+$/.test(name);
  return isOwn ? `${name}.svc.cluster.local` : hostOf(entry.service);
}

class ClusterWorld implements KubernetesWorld {
  readonly #options: KubernetesWorldOptions;
  readonly #services = new Map<string, KubeService>();
  readonly #slices = new Map<string, KubeSlice>();
  /** Slices by the id of their Service. */
  readonly #bySvc = new Map<string, Set<string>>();
  readonly #entries = new BlockList<Entry>();
  /** What each Service is by itself. */
  readonly #made = new Map<string, Entry>();
  /** The Services that are one entry, by its block: annotations may give several one key. */
  readonly #parts = new Map<string, Map<string, Entry>>();
  readonly #changed = new Set<string>();
  #world: World | undefined;

  constructor(options: KubernetesWorldOptions) {
    this.#options = options;
  }

  service(id: string, service: KubeService | undefined): void {
    if (service === undefined) this.#services.delete(id);
    else this.#services.set(id, service);
    this.#changed.add(id);
  }

  slice(id: string, slice: KubeSlice | undefined): void {
    const before = this.#slices.get(id);
    if (before !== undefined) {
      this.#bySvc.get(before.service)?.delete(id);
      this.#changed.add(before.service);
    }
    if (slice === undefined) this.#slices.delete(id);
    else {
      this.#slices.set(id, slice);
      const known = this.#bySvc.get(slice.service) ?? new Set();
      this.#bySvc.set(slice.service, known.add(id));
      this.#changed.add(slice.service);
    }
  }

  replaceServices(services: readonly KubeService[]): void {
    const gone = new Set(this.#services.keys());
    for (const service of services) {
      gone.delete(service.id);
      this.service(service.id, service);
    }
    for (const id of gone) this.service(id, undefined);
  }

  replaceSlices(slices: readonly KubeSlice[]): void {
    const gone = new Set(this.#slices.keys());
    for (const slice of slices) {
      gone.delete(slice.id);
      this.slice(slice.id, slice);
    }
    for (const id of gone) this.slice(id, undefined);
  }

  world(): World {
    let isChanged = this.#world === undefined;
    for (const id of this.#changed) isChanged = this.#settle(id) || isChanged;
    this.#changed.clear();
    if (isChanged || this.#world === undefined)
      this.#world = Object.freeze({
        name: this.#options.name,
        entries: this.#entries.get(),
        consumers: [],
        findings: [],
      });
    return this.#world;
  }

  /** Brings one Service's part up to date; whether its entry changed. */
  #settle(id: string): boolean {
    const service = this.#services.get(id);
    const made = service === undefined || service.type === "ExternalName" ? undefined : this.#entryOf(service);
    const before = this.#made.get(id);
    if (before === undefined && made === undefined) return false;
    if (before !== undefined && made !== undefined && sameEntry(before, made)) return false;
    if (made === undefined) this.#made.delete(id);
    else this.#made.set(id, made);
    const keys = new Set([before, made].flatMap((entry) => (entry === undefined ? [] : [blockOf(entry)])));
    let isChanged = false;
    for (const key of keys) {
      const parts = this.#parts.get(key) ?? new Map<string, Entry>();
      this.#parts.set(key, parts);
      if (made !== undefined && blockOf(made) === key) parts.set(id, made);
      else parts.delete(id);
      if (parts.size === 0) this.#parts.delete(key);
      isChanged = this.#entries.replace(key, joined([...parts].sort(byId).map(([, part]) => part))) || isChanged;
    }
    return isChanged;
  }

  #entryOf(service: KubeService): Entry {
    const key = keyOf(service);
    const slices = [...(this.#bySvc.get(service.id) ?? [])].sort().map((id) => this.#slices.get(id)!);
    const isShownElsewhere = otherFamily(service, slices);
    const hasReady = slices.some((slice) => slice.endpoints.some((one) => one.ready && !one.terminating));
    const ports = new Ports(this.#made.get(service.id));
    const offers = slices.flatMap((slice) => this.#portsOf(service, slice.ports).map((offer) => ({ ...offer, slice })));
    const firsts = firstOf(offers, service.ports);
    for (const { slice, declared, port, protocol } of offers) {
      const isFirst = firsts.get(protocol) === declared;
      if (!isFirst && !CARRIED.includes(protocol)) continue;
      ports.open(protocol, declared.port, isFirst);
      for (const one of slice.endpoints) {
        if (isShownElsewhere(slice, one) || this.#options.isOwnAddress?.(one.address, port.port) === true) continue;
        ports.add(this.#endpointOf(service, one, port, protocol, takesCalls(one, hasReady)), declared.port);
      }
    }
    return Object.freeze({ host: kubernetesHost({ service: key }), service: key, ...ports.made() });
  }

  #endpointOf(
    service: KubeService,
    { address, zone, node, pod }: KubeEndpoint,
    { name, port }: KubePort,
    protocol: string,
    isReady: boolean,
  ): Endpoint {
    const params: Record<string, string> = Object.create(null);
    Object.assign(params, service.labels);
    for (const [key, value] of Object.entries({
      namespace: service.namespace,
      service: service.name,
      zone,
      node,
      pod,
      port: name,
    }))
      if (value !== "") params[key] = value;
    return Object.freeze({
      ...plainEndpoint({ address, port, protocol, weight: DEFAULT_WEIGHT, params, origin: this.#options.name }),
      disabled: !isReady,
    });
  }

  /** What a slice offers of a Service's ports, in the order of the Service's. */
  #portsOf(service: KubeService, ports: readonly KubePort[]): readonly Offer[] {
    const wanted = service.annotations[`${PREFIX}port`];
    return service.ports.flatMap((declared) => {
      if (wanted !== undefined && declared.name !== wanted && String(declared.port) !== wanted) return [];
      const port = ports.find(({ name }) => name === declared.name);
      return port === undefined ? [] : [{ declared, port, protocol: protocolOf(service, declared, port) }];
    });
  }
}

/** A port of a Service as a slice has it. */
interface Offer {
  readonly declared: KubePort;
  readonly port: KubePort;
  readonly protocol: string;
}

/** Of each protocol the first port that is offered, in the order of the Service's. */
function firstOf(offers: readonly Offer[], order: readonly KubePort[]): ReadonlyMap<string, KubePort> {
  const places = new Map(order.map((port, place) => [port, place]));
  const firsts = new Map<string, KubePort>();
  for (const { protocol, declared } of offers) {
    const known = firsts.get(protocol);
    if (known === undefined || places.get(declared)! < places.get(known)!) firsts.set(protocol, declared);
  }
  return firsts;
}

/** Protocols of which a service may have further ports. */
const CARRIED: readonly string[] = ["http", "tri", "dubbo"];

/** The endpoints of a Service by its ports: the first ports of all protocols together, and each further one. */
class Ports {
  readonly #known: ReadonlyMap<string, Endpoint>;
  readonly #firsts = new Map<string, number>();
  readonly #endpoints = new Map<number, { readonly protocol: string; readonly all: Map<string, Endpoint> }>();

  constructor(before: Entry | undefined) {
    const all = [before?.endpoints ?? [], ...(before?.further ?? []).map(({ endpoints }) => endpoints)].flat();
    this.#known = new Map(all.map((one) => [endpointId(one), one]));
  }

  open(protocol: string, number: number, isFirst: boolean): void {
    if (isFirst) this.#firsts.set(protocol, number);
    if (!this.#endpoints.has(number)) this.#endpoints.set(number, { protocol, all: new Map() });
  }

  /** Of two alike one that is ready counts. */
  add(endpoint: Endpoint, number: number): void {
    const { all } = this.#endpoints.get(number)!;
    const id = endpointId(endpoint);
    const known = all.get(id);
    if (known === undefined || (known.disabled && !endpoint.disabled)) all.set(id, endpoint);
  }

  made(): Pick<Entry, "endpoints" | "ports" | "further"> {
    const firsts = [...this.#firsts];
    const numbers = firsts.map(([, number]) => number);
    const ports = firsts
      .filter(([protocol]) => CARRIED.includes(protocol))
      .map(([protocol, port]) => Object.freeze({ protocol, port }));
    const further = [...this.#endpoints].filter(([number]) => !numbers.includes(number));
    return {
      endpoints: this.#sorted(firsts.flatMap(([, number]) => [...this.#endpoints.get(number)!.all])),
      ...(ports.length > 0 && { ports: Object.freeze(ports) }),
      ...(further.length > 0 && {
        further: Object.freeze(
          further.map(([port, { protocol, all }]) =>
            Object.freeze({ protocol, port, endpoints: this.#sorted([...all]) }),
          ),
        ),
      }),
    };
  }

  /** What did not change is the same object as before. */
  #sorted(endpoints: readonly (readonly [string, Endpoint])[]): readonly Endpoint[] {
    const kept = [...new Map(endpoints)].map(([id, one]) => {
      const before = this.#known.get(id);
      return before !== undefined && JSON.stringify(before) === JSON.stringify(one) ? before : one;
    });
    return Object.freeze(kept.sort(compareEndpoints));
  }
}

/** As kube-proxy chooses: one that terminates takes calls only while no other is ready, and only if it serves still. */
function takesCalls({ ready, terminating, serving }: KubeEndpoint, hasReady: boolean): boolean {
  return terminating ? !hasReady && (ready || serving) : ready;
}

/** Tells which endpoints are a pod's second address: the one of the family that the Service does not name first, where it has both. */
function otherFamily(
  { families }: KubeService,
  slices: readonly KubeSlice[],
): (slice: KubeSlice, endpoint: KubeEndpoint) => boolean {
  const [first] = families;
  if (first === undefined || slices.every(({ family }) => family === first)) return () => false;
  const pods = new Set(
    slices.filter(({ family }) => family === first).flatMap((one) => one.endpoints.map(({ pod }) => pod)),
  );
  return ({ family }, { pod }) => family !== first && pod !== "" && pods.has(pod);
}

/** `name.namespace`, or the Dubbo service that annotations name. */
function keyOf({ name, namespace, annotations }: KubeService): ServiceKey {
  const own = annotations[`${PREFIX}interface`] ?? "";
  if (own === "") return Object.freeze(serviceKey(`${name}.${namespace}`));
  return Object.freeze(serviceKey(own, annotations[`${PREFIX}group`], annotations[`${PREFIX}version`]));
}

/** How the words that people use are called here; what is none of them is carried by nobody. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  http: "http",
  http2: "tri",
  "kubernetes.io/h2c": "tri",
  grpc: "tri",
  tri: "tri",
  triple: "tri",
  dubbo: "dubbo",
  https: "https",
};

/** What a port carries: its Service's annotation or label, its `appProtocol`, else its name (`http`, `grpc-web`, `tcp-dubbo`). */
function protocolOf(service: KubeService, declared: KubePort, port: KubePort): string {
  const said = service.annotations[`${PREFIX}protocol`] ?? service.labels[`${PREFIX}protocol`];
  const words = [said, declared.appProtocol, port.appProtocol].filter((word) => word !== undefined && word !== "");
  for (const word of words) {
    const known = Object.hasOwn(PROTOCOLS, word!.toLowerCase()) ? PROTOCOLS[word!.toLowerCase()] : undefined;
    if (known !== undefined) return known;
  }
  for (const word of declared.name.split("-")) if (Object.hasOwn(PROTOCOLS, word)) return PROTOCOLS[word]!;
  return "tcp";
}

function blockOf(entry: Entry): string {
  return `${entry.host} ${printServiceKey(entry.service)}`;
}

function byId([a]: readonly [string, Entry], [b]: readonly [string, Entry]): number {
  return compareText(a, b);
}

/** Several Services as one entry; of two endpoints alike the first counts. */
function joined(parts: readonly Entry[]): readonly Entry[] {
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return parts;
  const endpoints = new Map(parts.toReversed().flatMap((part) => part.endpoints.map((one) => [endpointId(one), one])));
  return [Object.freeze({ ...first, endpoints: Object.freeze([...endpoints.values()].sort(compareEndpoints)) })];
}

function sameEntry(a: Entry, b: Entry): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
