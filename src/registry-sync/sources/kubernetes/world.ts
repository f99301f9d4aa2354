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
    const endpoints = new Map<string, Endpoint>();
    const slices = [...(this.#bySvc.get(service.id) ?? [])].sort().map((id) => this.#slices.get(id)!);
    const isShownElsewhere = otherFamily(service, slices);
    const hasReady = slices.some((slice) => slice.endpoints.some((one) => one.ready && !one.terminating));
    for (const slice of slices) {
      for (const [protocol, port] of this.#portsOf(service, slice.ports)) {
        for (const one of slice.endpoints) {
          if (isShownElsewhere(slice, one) || this.#options.isOwnAddress?.(one.address, port.port) === true) continue;
          const made = this.#endpointOf(service, one, port, protocol, takesCalls(one, hasReady));
          const id = endpointId(made);
          const known = endpoints.get(id);
          if (known === undefined || (known.disabled && !made.disabled)) endpoints.set(id, made);
        }
      }
    }
    const known = new Map(this.#made.get(service.id)?.endpoints.map((one) => [endpointId(one), one]));
    const kept = [...endpoints].map(([id, one]) => {
      const before = known.get(id);
      return before !== undefined && JSON.stringify(before) === JSON.stringify(one) ? before : one;
    });
    const sorted = Object.freeze(kept.sort(compareEndpoints));
    return Object.freeze({ host: kubernetesHost({ service: key }), service: key, endpoints: sorted });
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

  /** For each protocol the first of a slice's ports, in the order of the Service's, that carries it: they are one service's endpoints. */
  #portsOf(service: KubeService, ports: readonly KubePort[]): ReadonlyMap<string, KubePort> {
    const found = new Map<string, KubePort>();
    const wanted = service.annotations[`${PREFIX}port`];
    for (const declared of service.ports) {
      if (wanted !== undefined && declared.name !== wanted && String(declared.port) !== wanted) continue;
      const port = ports.find(({ name }) => name === declared.name);
      if (port === undefined) continue;
      const protocol = protocolOf(service, declared, port);
      if (!found.has(protocol)) found.set(protocol, port);
    }
    return found;
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
