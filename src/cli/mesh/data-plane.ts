import { printAddress } from "../../base/address.ts";
import type { Logger } from "../../base/log.ts";
import type { CarriedProtocol, WireProtocol } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { WorkerStatus } from "../../control/admin/sources.ts";
import { WIRE_PROTOCOLS } from "../../control/compile/endpoints.ts";
import type { ProxyNode } from "../../control/compile/listeners.ts";
import type { Entry, Finding } from "../../model/entry.ts";
import type { ProxyStats } from "../../model/stats.ts";
import { parseAdvertised } from "../config/address.ts";
import type { TrestleConfig } from "../config/config.ts";
import { HttpPorts } from "./http-ports.ts";
import { replaceTri } from "./listeners.ts";
import { type AskKeys, ProxyWorker } from "./worker-process.ts";

/**
 * How long a change of the listed addresses needs until every consumer has taken it, ms: Dubbo 3.x applies list changes at
 * most once in 5 s.
 */
const LIST_SETTLES_MS = 6_000;

/** How long a worker that has to give up ports is waited for before another one takes them, ms. */
const HANDOVER_MS = 2_000;

/** By protocol, `host:port` of the proxies that carry it. */
export type ProxyAddresses = Readonly<Record<WireProtocol, readonly string[]>>;

/** The protocols whose calls a configuration's workers carry. */
export function carriedBy(config: TrestleConfig): readonly CarriedProtocol[] {
  return [...protocolsOf(config), "http"];
}

/** Those of Dubbo's own among {@link carriedBy}. */
export function protocolsOf({ proxy }: TrestleConfig): readonly WireProtocol[] {
  return proxy.tri.length > 0 ? WIRE_PROTOCOLS : ["dubbo"];
}

/** A worker and its ports; without Triple the second is undefined. */
interface PlacedWorker {
  readonly worker: ProxyWorker;
  readonly dubbo: number;
  tri: number | undefined;
}

/** What workers are configured from. */
export interface Given {
  /** The resources of one worker, by where it listens. */
  resourcesOf(node: ProxyNode): ResourceSet;
  /** Services that may need a port of their own, since they speak HTTP. */
  readonly entries: readonly Entry[];
}

/** What the workers are made from: ports and hosts come from the configuration as it was at the start. */
export interface DataPlaneOptions {
  readonly config: TrestleConfig;
  readonly log: Logger;
  /** Called when the addresses in service or the services that workers have been told of may have changed. */
  readonly onChange: () => void;
  /** Has the keys of an issuer asked for: a token is signed by one that is not known. */
  readonly askKeys: AskKeys;
}

/** The proxy workers, one for each Dubbo2 port, all with the same resources; and what of them may be shown to consumers. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #workers: readonly PlacedWorker[];
  readonly #unlisted = new Set<ProxyWorker>();
  readonly #keys = new WeakMap<
    ResourceSet["virtualHosts"],
    { readonly of: ResourceSet["routes"]; readonly keys: ReadonlySet<string> }
  >();
  #resources: ResourceSet | undefined;
  #given: Given | undefined;
  #restarting: Promise<void> | undefined;
  #replacements: Promise<void> = Promise.resolve();
  #isLeaving = false;
  #advertised: readonly string[];
  readonly #httpPorts: HttpPorts;
  /** The worker that has the ports which only one can have: those of HTTP services and gateways. */
  #sharer = 0;
  #lastSharer = 0;
  #preparing: Promise<void> = Promise.resolve();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#advertised = options.config.proxy.advertise;
    this.#httpPorts = new HttpPorts(options.config, options.log);
    const { dubbo, tri } = options.config.proxy;
    this.#workers = dubbo.map((port, i) => ({ dubbo: port, tri: tri[i], worker: this.#createWorker(port) }));
  }

  /** What the worker with the most listeners is given; undefined before the first update. */
  get resources(): ResourceSet | undefined {
    return this.#resources;
  }

  /** Addresses to show to consumers: those of serving workers that are not about to be replaced, then other instances'. */
  get addresses(): ProxyAddresses {
    const serving = this.#isLeaving
      ? []
      : this.#workers.filter(({ worker }) => worker.applied !== undefined && !this.#unlisted.has(worker));
    return this.#join(serving, this.#advertised);
  }

  /** Where all workers listen, whether they serve or not. */
  get listening(): ProxyAddresses {
    return this.#join(this.#workers, []);
  }

  /** The workers' Triple ports as they are now, in their order. */
  get triPorts(): readonly number[] {
    return this.#workers.flatMap(({ tri }) => (tri === undefined ? [] : [tri]));
  }

  /** Printed keys of the services that every serving worker has been told of. */
  get served(): ReadonlySet<string> {
    const sets = this.#workers.flatMap(({ worker }) =>
      worker.applied === undefined ? [] : [this.#keysOf(worker.applied)],
    );
    const [first = new Set<string>(), ...others] = sets;
    if (others.every((other) => other === first)) return first;
    return new Set([...first].filter((key) => others.every((other) => other.has(key))));
  }

  /** gRPC services whose messages every serving worker has been told of. */
  get messages(): ReadonlySet<string> {
    const sets = this.#workers.flatMap(({ worker }) => (worker.applied === undefined ? [] : [worker.applied.schemas]));
    const [first = [], ...others] = sets;
    const known = messagesOf(first);
    if (others.every((list) => list === first)) return known;
    const lists = others.map(messagesOf);
    return new Set([...known].filter((name) => lists.every((list) => list.has(name))));
  }

  get anyServing(): boolean {
    return this.#workers.some(({ worker }) => worker.applied !== undefined);
  }

  get allServing(): boolean {
    return this.#workers.every(({ worker }) => worker.applied !== undefined);
  }

  /** Whether the workers are about to end. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Takes all own addresses off consumers' lists for good: the workers are about to end. */
  leave(): void {
    this.#isLeaving = true;
    this.#options.onChange();
  }

  /** Replaces other instances' addresses. */
  setAdvertised(addresses: readonly string[]): void {
    this.#advertised = addresses;
    this.#options.onChange();
  }

  /** `host:port` of each service that speaks HTTP, by printed key. */
  get httpAddresses(): ReadonlyMap<string, string> {
    const { host } = this.#options.config.proxy;
    return new Map([...this.#httpPorts.current].map(([service, port]) => [service, printAddress(host, port)]));
  }

  /** What is wrong with ports of HTTP services. */
  get findings(): readonly Finding[] {
    return this.#httpPorts.findings;
  }

  start(): void {
    for (const { worker } of this.#workers) worker.start();
  }

  /** Leads all workers to what is given; resolves when those that run have it in force. */
  async update(given: Given): Promise<void> {
    this.#given = given;
    // One after the other, and always for what was given last: a later update must not be overtaken by an earlier one.
    this.#preparing = this.#preparing.then(() => this.#httpPorts.assign(this.#given!.entries));
    await this.#preparing;
    await this.#give(this.#given);
    this.#options.onChange();
  }

  async #give(given: Given): Promise<void> {
    const { mesh, proxy } = this.#options.config;
    const { bind, httpPort, inbound, labels, locality } = proxy;
    const shared = { isShared: true, isEmbedded: true };
    const place = { namespace: mesh.namespace, labels, ...shared, ...(locality !== undefined && { locality }) };
    const ofServices = [...this.#httpPorts.current].map(([service, port]) => ({ address: bind, port, service }));
    const http = [...ofServices, ...(httpPort === undefined ? [] : [{ address: bind, port: httpPort }])];
    const sets = this.#workers.map(({ worker, dubbo, tri }, i) =>
      given.resourcesOf({
        id: worker.name,
        workers: this.#workers.length,
        ...place,
        dubbo: [{ address: bind, port: dubbo }],
        ...(tri !== undefined && { tri: [{ address: bind, port: tri }] }),
        // Processes cannot share a port that either may lose: they are one worker's.
        ...(i === this.#sharer && { gatewayAddress: bind, http, inbound }),
      }),
    );
    const sharer = this.#sharer;
    this.#resources = sets[sharer];
    const others = this.#workers.map(({ worker }, i) => (i === sharer ? undefined : worker.update(sets[i]!)));
    // Whoever has to give ports up does so first.
    if (sharer !== this.#lastSharer) await Promise.race([Promise.all(others), sleep(HANDOVER_MS)]);
    this.#lastSharer = sharer;
    await Promise.all([...others, this.#workers[sharer]!.worker.update(sets[sharer]!)]);
  }

  /**
   * Replaces the workers one after the other. Each is taken off consumers' lists first, drained once they have had time to
   * notice, and listed again when its successor serves; the others carry the calls meanwhile.
   */
  restart(): Promise<void> {
    this.#restarting ??= this.#roll().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  statuses(): WorkerStatus[] {
    return this.#workers.map((one) => {
      const { dubbo, tri } = this.#join([one], []);
      return one.worker.status([...dubbo, ...tri.map((address) => `tri://${address}`)]);
    });
  }

  async stats(): Promise<ProxyStats[]> {
    const all = await Promise.all(this.#workers.map(({ worker }) => worker.stats()));
    return all.filter((stats) => stats !== undefined);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.stop()));
  }

  #createWorker(port: number): ProxyWorker {
    const { config, log, onChange, askKeys } = this.#options;
    const worker: ProxyWorker = new ProxyWorker({
      askKeys,
      name: `dubbo-${port}`,
      logLevel: config.logLevel,
      log,
      onServing: (serving) => {
        if (!serving) this.#shareElsewhere(worker);
        onChange();
      },
      onRefused: (error) => {
        this.#moveTri(worker, error).catch((reason: Error) =>
          log.error("no port for Triple", { error: reason.message }),
        );
      },
      onLeave: () => {
        if (this.#isLeaving || this.#unlisted.has(worker)) return;
        // One after the other, and after a restart that is going on.
        this.#replacements = this.#replacements.then(() => this.#replace(worker));
      },
    });
    return worker;
  }

  /** The ports that only one worker can have go to another one that serves, where there is one. */
  #shareElsewhere(worker: ProxyWorker): void {
    if (this.#isLeaving || this.#given === undefined || this.#workers[this.#sharer]?.worker !== worker) return;
    const next = this.#workers.findIndex((one) => one.worker !== worker && one.worker.applied !== undefined);
    if (next < 0) return;
    this.#sharer = next;
    this.update(this.#given).catch((error: Error) =>
      this.#options.log.error("ports could not be handed over", { error: error.message }),
    );
  }

  /** A default port for Triple that was taken since the start must not keep a worker from serving: it gets another one. */
  async #moveTri(worker: ProxyWorker, error: string): Promise<void> {
    const { config, log } = this.#options;
    const placed = this.#workers.find((one) => one.worker === worker);
    const refused = placed?.tri !== undefined && error.includes("EADDRINUSE") && error.endsWith(`:${placed.tri}`);
    if (!refused || !config.proxy.triIsDefault) return;
    const others = this.#workers.flatMap(portsOf);
    placed.tri = await replaceTri(placed.tri!, others, config, log);
    if (this.#given !== undefined) await this.update(this.#given);
  }

  #join(workers: readonly PlacedWorker[], advertised: readonly string[]): ProxyAddresses {
    const { host } = this.#options.config.proxy;
    const others = advertised.map(parseAdvertised).filter((one) => one !== undefined);
    const join = (protocol: WireProtocol) => [
      ...workers.map((one) => one[protocol]).flatMap((port) => (port === undefined ? [] : [printAddress(host, port)])),
      ...others.filter((one) => one.protocol === protocol).map((one) => printAddress(one.host, one.port)),
    ];
    return { dubbo: join("dubbo"), tri: join("tri") };
  }

  async #roll(): Promise<void> {
    for (const { worker } of this.#workers) {
      this.#replacements = this.#replacements.then(() => this.#replace(worker));
      await this.#replacements;
      if (worker.applied === undefined)
        throw new Error(`${worker.name} does not serve after its restart; the others were left as they are`);
      if (worker !== this.#workers.at(-1)!.worker) await sleep(LIST_SETTLES_MS);
    }
    this.#options.log.info("all workers were replaced");
  }

  async #replace(worker: ProxyWorker): Promise<void> {
    const { log, onChange } = this.#options;
    if (this.#isLeaving) return;
    log.info("replacing worker", { worker: worker.name });
    if (this.#workers.length + this.#advertised.length > 1) {
      this.#unlisted.add(worker);
      onChange();
      await sleep(LIST_SETTLES_MS);
      this.#shareElsewhere(worker);
    } else log.warn("there is one proxy port only: calls wait or fail while its worker is replaced");
    if (this.#isLeaving) return;
    if (!(await worker.replace())) log.error("a replaced worker does not serve", { worker: worker.name });
    this.#unlisted.delete(worker);
    onChange();
  }

  #keysOf({ routes, virtualHosts }: ResourceSet): ReadonlySet<string> {
    const known = this.#keys.get(virtualHosts);
    let keys = known?.of === routes ? known.keys : undefined;
    if (keys === undefined) {
      const within = routes.flatMap(({ resource }) => resource.virtualHosts);
      const own = virtualHosts.map(({ resource }) => resource);
      keys = new Set([...within, ...own].flatMap(({ domains }) => domains));
      this.#keys.set(virtualHosts, { of: routes, keys });
    }
    return keys;
  }
}

const messages = new WeakMap<ResourceSet["schemas"], ReadonlySet<string>>();

/** The interfaces whose protobuf messages these schemas tell. */
function messagesOf(schemas: ResourceSet["schemas"]): ReadonlySet<string> {
  let names = messages.get(schemas);
  if (names === undefined) {
    names = new Set(schemas.filter(({ resource }) => resource.protobuf !== undefined).map(({ name }) => name));
    messages.set(schemas, names);
  }
  return names;
}

function portsOf({ dubbo, tri }: PlacedWorker): readonly number[] {
  return tri === undefined ? [dubbo] : [dubbo, tri];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
