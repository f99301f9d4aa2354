import type { Logger } from "../../base/log.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { WorkerStatus } from "../../control/admin/sources.ts";
import { createCompiler } from "../../control/compile/compiler.ts";
import type { ProxyNode } from "../../control/compile/listeners.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { ProxyStats } from "../../model/stats.ts";
import { printAddress } from "../config/address.ts";
import type { TrestleConfig } from "../config/config.ts";
import { ProxyWorker } from "./worker-process.ts";

/**
 * How long a change of the listed addresses needs until every consumer has taken it, ms: Dubbo 3.x applies list changes at
 * most once in 5 s.
 */
const LIST_SETTLES_MS = 6_000;

/** What registries say of those who call. */
export type Callers = Pick<ProxyNode, "applications" | "tags">;

/** What the workers are made from: ports and hosts come from the configuration as it was at the start. */
export interface DataPlaneOptions {
  readonly config: TrestleConfig;
  readonly log: Logger;
  /** Called when the addresses in service or the services that workers have been told of may have changed. */
  readonly onChange: () => void;
}

/** The proxy workers, one for each Dubbo2 port, all with the same resources; and what of them may be shown to consumers. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #workers: readonly { readonly worker: ProxyWorker; readonly port: number }[];
  readonly #compile = createCompiler();
  readonly #unlisted = new Set<ProxyWorker>();
  readonly #keys = new WeakMap<ResourceSet, ReadonlySet<string>>();
  #resources: ResourceSet | undefined;
  #restarting: Promise<void> | undefined;
  #replacements: Promise<void> = Promise.resolve();
  #isLeaving = false;
  #advertised: readonly string[];

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#advertised = options.config.proxy.advertise;
    this.#workers = options.config.proxy.dubbo.map((port) => ({
      port,
      worker: this.#createWorker(port),
    }));
  }

  /** What the first worker is given; undefined before the first update. */
  get resources(): ResourceSet | undefined {
    return this.#resources;
  }

  /** Addresses to show to consumers: those of serving workers that are not about to be replaced, then other instances'. */
  get addresses(): readonly string[] {
    const { host } = this.#options.config.proxy;
    if (this.#isLeaving) return this.#advertised;
    const own = this.#workers.filter(({ worker }) => worker.applied !== undefined && !this.#unlisted.has(worker));
    return [...own.map(({ port }) => printAddress(host, port)), ...this.#advertised];
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

  get anyServing(): boolean {
    return this.#workers.some(({ worker }) => worker.applied !== undefined);
  }

  get allServing(): boolean {
    return this.#workers.every(({ worker }) => worker.applied !== undefined);
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

  start(): void {
    for (const { worker } of this.#workers) worker.start();
  }

  /** Leads all workers to what the snapshot says; resolves when those that run have it in force. */
  async update(snapshot: Snapshot, callers: Callers): Promise<void> {
    const { bind } = this.#options.config.proxy;
    const sets = this.#workers.map(({ worker, port }) =>
      this.#compile(snapshot, {
        id: worker.name,
        dubbo: [{ address: bind, port }],
        ...callers,
      }),
    );
    this.#resources = sets[0];
    await Promise.all(this.#workers.map(({ worker }, i) => worker.update(sets[i]!)));
    this.#options.onChange();
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
    const { host } = this.#options.config.proxy;
    return this.#workers.map(({ worker, port }) => worker.status([printAddress(host, port)]));
  }

  async stats(): Promise<ProxyStats[]> {
    const all = await Promise.all(this.#workers.map(({ worker }) => worker.stats()));
    return all.filter((stats) => stats !== undefined);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.stop()));
  }

  #createWorker(port: number): ProxyWorker {
    const { config, log, onChange } = this.#options;
    const worker: ProxyWorker = new ProxyWorker({
      name: `dubbo-${port}`,
      logLevel: config.logLevel,
      log,
      onServing: onChange,
      onLeave: () => {
        if (this.#isLeaving || this.#unlisted.has(worker)) return;
        // One after the other, and after a restart that is going on.
        this.#replacements = this.#replacements.then(() => this.#replace(worker));
      },
    });
    return worker;
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
    } else log.warn("there is one proxy port only: calls wait or fail while its worker is replaced");
    if (this.#isLeaving) return;
    if (!(await worker.replace())) log.error("a replaced worker does not serve", { worker: worker.name });
    this.#unlisted.delete(worker);
    onChange();
  }

  #keysOf(resources: ResourceSet): ReadonlySet<string> {
    let keys = this.#keys.get(resources);
    if (keys === undefined) {
      keys = new Set(
        resources.routes.flatMap(({ resource }) => resource.virtualHosts.flatMap(({ domains }) => domains)),
      );
      this.#keys.set(resources, keys);
    }
    return keys;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
