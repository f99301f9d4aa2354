import { realClock, type Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { type AdminServer, createAdminServer } from "../../control/admin/server.ts";
import { createRuleFiles, type RuleFiles } from "../../control/rule-files.ts";
import { restMappingsOf } from "../../control/rules/rest-entries.ts";
import { type ControlStore, createControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import { type Controller, createController } from "../../registry-sync/controller.ts";
import { createZookeeperFacade } from "../../registry-sync/facades/zookeeper.ts";
import { hostOf } from "../../registry-sync/naming.ts";
import { createPresentContext, type PresentContext, type RuledService } from "../../registry-sync/present/context.ts";
import { Spacing } from "../../registry-sync/present/spacing.ts";
import { parseAddress, printAddress } from "../config/address.ts";
import { type ConfigChange, compareConfigs } from "../config/changes.ts";
import type { FacadeConfig, TrestleConfig } from "../config/config.ts";
import { adminSources, type MeshParts, notLedBy, type OpenFacade } from "./admin-sources.ts";
import { applicationsByAddress, tagsByAddress } from "./callers.ts";
import { type Callers, carriedBy, DataPlane, protocolsOf } from "./data-plane.ts";
import { FindingLog } from "./finding-log.ts";
import { RuleLog } from "./rule-log.ts";
import { SchemaSources } from "./schemas.ts";
import { isOwn, type OpenRegistry, OWNER, openOutputs, openRegistries } from "./sync.ts";

/** Consumers that connect before registries have been read would be shown real addresses first: facades wait this long for it, ms. */
const FIRST_WORLD_MS = 10_000;

/** How long workers wait for all registries to have been read before they listen with what is known, ms. */
const FIRST_READ_MS = FIRST_WORLD_MS - 1_000;

/** How long they then wait for what metadata centres say, ms: calls before that would be made without types. */
const FIRST_METADATA_MS = 2_000;

/** How long consumers get to take up their new lists before the workers drain, ms. */
const LEAVE_MS = 1_500;

/** All roles in one process, joined: registries -> sync -> store -> compile -> workers, and facades that show the workers. */
export class Mesh implements MeshParts {
  config: TrestleConfig;
  readonly dataPlane: DataPlane;
  readonly store: ControlStore;
  readonly ruleFiles: RuleFiles;
  readonly schemas: SchemaSources;
  readonly outputs: readonly Sink[];
  registries: readonly OpenRegistry[] = [];
  facades: readonly OpenFacade[] = [];
  readonly #log: Logger;
  readonly #ruleLog: RuleLog;
  readonly #findingLog: FindingLog;
  readonly #stop = new AbortController();
  #controller: Controller | undefined;
  #admin: AdminServer | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #applied: Snapshot | undefined;
  /** What the workers were given last, in force or on its way. */
  #given: Snapshot | undefined;
  #callers: Callers = {};
  #wasReady = false;
  #showAgain: Timer | undefined;

  constructor(config: TrestleConfig, log: Logger) {
    this.config = config;
    this.#log = log;
    this.store = createControlStore({ owner: OWNER, protocols: carriedBy(config), hostOf });
    this.ruleFiles = createRuleFiles({ paths: config.rules, logger: log });
    this.schemas = new SchemaSources(config, protocolsOf(config).includes("tri"), this.store, log);
    this.outputs = openOutputs(config);
    this.dataPlane = new DataPlane({ config, log, onChange: () => this.#show() });
    const judged = () => {
      const snapshot = this.store.snapshots.get();
      return this.sync?.silent.size === 0 && snapshot.entries.length > 0 ? snapshot : undefined;
    };
    this.#findingLog = new FindingLog(log, realClock, () => this.registryFindings());
    this.#ruleLog = new RuleLog(log, judged, () => notLedBy(this));
  }

  /** What the sync knows now. */
  get sync(): SyncState | undefined {
    return this.#controller?.state.get();
  }

  /** What is wrong with the registries and with what they hold. */
  registryFindings(): readonly Finding[] {
    return [...this.registries.flatMap(({ findings }) => findings()), ...(this.sync?.findings ?? [])];
  }

  /** Where the admin API listens, `host:port`. */
  get adminAddress(): string {
    return this.#admin?.address ?? "";
  }

  /** Opens everything; resolves when facades listen. Rejects, with everything closed again, where an address cannot be had. */
  async start(): Promise<void> {
    try {
      const { host, port } = this.config.admin;
      this.#admin = await createAdminServer({
        listen: printAddress(host, port),
        sources: adminSources(this),
        logger: this.#log,
      });
      this.registries = await openRegistries(
        this.config,
        (address, port) => isOwn({ ...this.config.proxy, tri: this.dataPlane.triPorts }, address, port),
        this.#log,
        () => this.#findingLog.note(),
      );
      this.#controller = createController({
        sources: this.registries.map(({ source }) => source),
        sinks: [this.store.sink, ...this.outputs],
        owner: OWNER,
        clock: realClock,
        logger: this.#log,
      });
      await Promise.all([this.ruleFiles.rescan(), this.schemas.start()]);
      this.dataPlane.start();
      this.#running = Promise.all([
        this.#controller.run(this.#stop.signal),
        this.#followRules(),
        this.schemas.run(this.#stop.signal),
        this.#followSnapshots(),
        this.#followState(),
        this.#followCallers(),
      ]);
      await this.#firstWorld();
      this.facades = await Promise.all(this.config.facades.map((facade) => this.#openFacade(facade)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes up what of another configuration can be taken up while running: paths of rules and proto files, what is led through the proxy, other
   * instances' addresses. Says which changes were taken up and which need a restart; those have no effect.
   */
  reconfigure(next: TrestleConfig): ConfigChange {
    const change = compareConfigs(this.config, next);
    const { config } = this;
    this.config = {
      ...config,
      rules: next.rules,
      protos: next.protos,
      proxy: { ...config.proxy, advertise: next.proxy.advertise },
      facades: config.facades.map((facade, i) => ({ ...facade, take: next.facades[i]?.take ?? facade.take })),
    };
    this.facades = this.facades.map((open, i) => ({ ...open, config: this.config.facades[i] ?? open.config }));
    this.dataPlane.setAdvertised(next.proxy.advertise);
    if (change.taken.includes("rules")) this.ruleFiles.setPaths(next.rules);
    if (change.taken.includes("protos")) this.schemas.files.setPaths(next.protos);
    return change;
  }

  /**
   * Why it is not ready, one line each; empty when it is. Once everything has been loaded it stays ready while a worker
   * serves: a change on its way, or a worker that is replaced, takes nothing from what works.
   */
  notReady(): string[] {
    const open = this.unsettled();
    this.#wasReady ||= open.length === 0;
    if (!this.#wasReady) return open;
    return this.dataPlane.anyServing ? [] : ["no proxy worker serves"];
  }

  /** What is still on its way, one line each; empty when all that is known is in force everywhere. */
  unsettled(): string[] {
    const state = this.sync;
    return [
      ...(state === undefined
        ? ["registries are not opened yet"]
        : [...state.silent].map((name) => `registry ${name} has not been read yet`)),
      ...(this.ruleFiles.current.get().loaded || this.config.rules.length === 0 ? [] : ["rules are not loaded yet"]),
      ...(this.dataPlane.allServing ? [] : ["a proxy worker does not serve yet"]),
      ...(this.#applied === this.store.snapshots.get() ? [] : ["the newest configuration is not in force yet"]),
      ...(this.facades.length === this.config.facades.length ? [] : ["facades do not listen yet"]),
    ];
  }

  /**
   * Ends everything. Consumers are shown the real addresses first (or other instances'), so that they go on without us; then
   * the workers drain, then facades and the rest end.
   */
  async stop(): Promise<void> {
    if (this.facades.some(({ facade }) => facade.counters.sessions > 0)) {
      this.dataPlane.leave();
      await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
    }
    await this.dataPlane.stop();
    await Promise.all(this.facades.map(({ facade }) => facade.close()));
    this.#stop.abort();
    this.#showAgain?.cancel();
    this.#ruleLog.close();
    this.#findingLog.close();
    this.ruleFiles.close();
    this.schemas.close();
    this.store.close();
    await this.#running;
    await Promise.all(this.registries.map(({ embedded }) => embedded?.close()));
    await this.#admin?.close();
  }

  async #followRules(): Promise<void> {
    for await (const { rules } of this.ruleFiles.current.watch(this.#stop.signal)) {
      this.store.setRules(rules);
      this.#ruleLog.note();
    }
  }

  async #followSnapshots(): Promise<void> {
    await this.#registriesRead();
    for await (const snapshot of this.store.snapshots.watch(this.#stop.signal)) {
      this.schemas.takeSnapshot(snapshot);
      this.#callers = this.#callersFor(snapshot);
      this.#given = snapshot;
      await this.dataPlane.update(snapshot, this.#callers);
      this.#applied = snapshot;
    }
  }

  async #followState(): Promise<void> {
    for await (const state of this.#controller!.state.watch(this.#stop.signal)) {
      this.schemas.take(state);
      this.#findingLog.note();
      this.#show();
    }
  }

  /** Consumers come and go without a new snapshot; the workers hear of it where it counts. */
  async #followCallers(): Promise<void> {
    for await (const _ of this.#controller!.state.watch(this.#stop.signal)) {
      if (this.#given === undefined) continue;
      const callers = this.#callersFor(this.#given);
      if (JSON.stringify(callers) === JSON.stringify(this.#callers)) continue;
      this.#callers = callers;
      await this.dataPlane.update(this.#given, callers);
    }
  }

  /**
   * Workers listen from their first snapshot on, and other instances' consumers may be shown them already: while nothing is known,
   * being out of reach is better for those than being told that there is no such service.
   */
  async #registriesRead(): Promise<void> {
    const untilMs = Date.now() + FIRST_READ_MS;
    const isOver = (ms: number) => Date.now() >= ms || this.#stop.signal.aborted;
    while (!isOver(untilMs) && this.sync?.silent.size !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const readMs = Date.now() + FIRST_METADATA_MS;
    while (!isOver(Math.min(untilMs, readMs)) && !this.schemas.isRead)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #firstWorld(): Promise<void> {
    const untilMs = Date.now() + FIRST_WORLD_MS;
    const waitsFor = () => this.unsettled().filter((reason) => !reason.startsWith("facades"));
    while (Date.now() < untilMs && waitsFor().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const reason of waitsFor()) this.#log.warn("facades start before all is ready", { reason });
    for (const { config, hosts, connected } of this.registries) {
      if (!connected())
        this.#log.warn("registry is out of reach; Trestle goes on trying", { registry: config.name, hosts });
    }
  }

  async #openFacade(config: FacadeConfig): Promise<OpenFacade> {
    const registry = this.registries.find(({ config: { name } }) => name === config.registry)!;
    const findings = new Map<string, Finding>();
    const spacing = new Spacing(realClock);
    const facade = await createZookeeperFacade({
      listen: { host: config.host, port: config.port },
      upstream: registry.hosts.map((text) => parseAddress(text)!),
      context: this.#contextOf(config, spacing),
      allow: config.allow,
      log: this.#log.child({ facade: config.registry }),
      onFinding: (finding) => findings.set(`${finding.code} ${finding.at}`, finding),
      onRemoval: (instances) => this.#controller?.expectRemoval(config.registry, instances),
    });
    return { config, facade, findings, spacing };
  }

  #show(): void {
    this.#showAgain?.cancel();
    const due: number[] = [];
    for (const { config, facade, findings, spacing } of this.facades) {
      findings.clear();
      facade.setContext(this.#contextOf(config, spacing));
      if (spacing.nextMs !== undefined) due.push(spacing.nextMs);
    }
    if (due.length > 0) this.#showAgain = realClock.after(Math.min(...due) - realClock.now(), () => this.#show());
  }

  #contextOf(config: FacadeConfig, spacing: Spacing): PresentContext {
    const registry = this.registries.find(({ config: { name } }) => name === config.registry)!;
    const world = this.sync?.worlds.find(({ name }) => name === config.registry);
    const { dubbo, tri } = this.dataPlane.addresses;
    const context = createPresentContext({
      addresses: dubbo,
      ...(protocolsOf(this.config).includes("tri") && { triAddresses: tri }),
      roots: [`${registry.config.chroot}${registry.config.root}`],
      instanceRoots: [`${registry.config.chroot}/services`],
      take: config.take,
      unruled: spacing.unruled(this.sync?.findings ?? []),
      served: this.dataPlane.served,
      messages: this.dataPlane.messages,
      ...(world !== undefined && { world }),
      ruled: ruledServices(this.store.snapshots.get()),
      wasLed: spacing.wasLed(),
    });
    spacing.note(context.led);
    return context;
  }

  /** What the proxy must know of consumers: their applications where a rule asks for them, and their tags. */
  #callersFor(snapshot: Snapshot): Callers {
    const consumers = this.sync?.consumers ?? [];
    const tags = tagsByAddress(consumers, snapshot.entries);
    return {
      ...(usesApplications(snapshot) && { applications: applicationsByAddress(consumers) }),
      ...(tags && { tags }),
    };
  }
}

/** The services that exist by rules alone and can be called. */
function ruledServices({ rules, entries, schemas }: Snapshot): readonly RuledService[] {
  const mappings = restMappingsOf(rules);
  if (mappings.length === 0) return [];
  return entries
    .filter(({ mapped, endpoints }) => mapped === true && endpoints.length > 0)
    .map(({ service }) => {
      const named = mappings.find((rule) => rule.service.interface === service.interface);
      const published = schemas.find(({ name }) => name === service.interface)?.published;
      const methods = [...(named?.mapping.methods ?? []), ...(published?.methods ?? [])].map(({ name }) => name);
      return { service, methods };
    });
}

/** Whether any rule asks who calls; worked out once for each list of rules. */
function usesApplications({ rules }: Snapshot): boolean {
  let uses = asking.get(rules);
  if (uses === undefined) {
    uses = JSON.stringify(rules).toLowerCase().includes("dubbo-application");
    asking.set(rules, uses);
  }
  return uses;
}

const asking = new WeakMap<Snapshot["rules"], boolean>();
