import { printAddress } from "../../base/address.ts";
import { steadyClock, type Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createStop } from "../../base/stop.ts";
import { type AdminServer, createAdminServer } from "../../control/admin/server.ts";
import { createCompiler } from "../../control/compile/compiler.ts";
import { createInboundCompiler, withInbound } from "../../control/compile/inbound.ts";
import { KeySets } from "../../control/key-sets.ts";
import { type ControlStore, createControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import { type Controller, createController } from "../../registry-sync/controller.ts";
import { createPresentContext, type PresentContext } from "../../registry-sync/present/context.ts";
import { Spacing } from "../../registry-sync/present/spacing.ts";
import { type ConfigChange, compareConfigs } from "../config/changes.ts";
import type { FacadeConfig, TrestleConfig } from "../config/config.ts";
import type { DubboServer } from "../dubbo/server.ts";
import { adminSources, type MeshParts, notLedBy } from "./admin-sources.ts";
import { CallerIdentities } from "./caller-identities.ts";
import { type Callers, callersFor } from "./callers.ts";
import { Certificates, withSecrets } from "./certificates.ts";
import { type OpenCredentials, openCredentials } from "./credentials.ts";
import { type DataFolder, openData } from "./data-folder.ts";
import { carriedBy, DataPlane, type Given, protocolsOf } from "./data-plane.ts";
import { type OpenFacade, openFacade } from "./facades/open.ts";
import { FindingLog } from "./finding-log.ts";
import { presentOptions } from "./present-options.ts";
import { type OpenRegistry, openRegistries } from "./registries/open.ts";
import { warnOutOfReach } from "./registry-status.ts";
import { RuleLog } from "./rule-log.ts";
import { analyzedMesh, createJudge, type OpenRules, openRules } from "./rules.ts";
import { MetadataBook } from "./schemas/metadata-book.ts";
import { listenMetadata, METADATA_HOST } from "./schemas/metadata-service.ts";
import { SchemaSources } from "./schemas/schemas.ts";
import { controllerParts, hostOfRule } from "./shaping.ts";
import { isOwn, OWNER, openOutputs } from "./sync.ts";
import { isRead, unread, whenWorldKnown } from "./world-known.ts";
import { XdsOutput } from "./xds-output.ts";

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
  readonly ruleFiles: OpenRules;
  readonly #keySets: KeySets;
  readonly #credentials: OpenCredentials;
  readonly #secrets = () => this.certificates?.own() ?? [];
  readonly schemas: SchemaSources;
  readonly outputs: readonly Sink[];
  /** The certificate authority; undefined where none is configured. */
  readonly certificates: Certificates | undefined;
  readonly xds: XdsOutput;
  registries: readonly OpenRegistry[] = [];
  facades: readonly OpenFacade[] = [];
  readonly #log: Logger;
  readonly #ruleLog: RuleLog;
  readonly #findingLog: FindingLog;
  readonly #stop = createStop();
  readonly #data: DataFolder;
  #controller: Controller | undefined;
  #admin: AdminServer | undefined;
  /** What each facade shows. */
  readonly #contexts = new Map<Spacing, PresentContext>();
  readonly #metadata = new MetadataBook((application) =>
    [...this.#contexts.values()].flatMap(
      (one) => one.application(application)?.instances.map(({ info }) => info) ?? [],
    ),
  );
  #metadataServer: DubboServer | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #applied: Snapshot | undefined;
  /** What the workers were given last, in force or on its way. */
  #given: Snapshot | undefined;
  #isWorldKnown = false;
  #callers: Callers = {};
  readonly #identities: CallerIdentities;
  readonly #compile = createCompiler();
  readonly #compileInbound = createInboundCompiler();
  #wasReady = false;
  #showAgain: Timer | undefined;

  constructor(config: TrestleConfig, log: Logger) {
    this.config = config;
    this.#log = log;
    const { mesh } = config;
    this.#identities = new CallerIdentities(config.callers);
    this.store = createControlStore({ owner: OWNER, protocols: carriedBy(config), hostOf: hostOfRule(config), mesh });
    this.#data = openData(config, log);
    const snapshot = () => this.store.snapshots.get();
    const analyzed = analyzedMesh(config);
    const judge = createJudge({ sync: () => this.sync, snapshot, notLed: () => notLedBy(this), mesh: analyzed });
    this.ruleFiles = openRules({ places: config.rules, log, judge });
    const refill = () => this.store.setRules(this.#keySets.fill(this.ruleFiles.current.get().rules));
    this.#keySets = new KeySets({ log, onChange: refill });
    this.#credentials = openCredentials(config, log);
    this.schemas = new SchemaSources(config, protocolsOf(config).includes("tri"), this.#secrets, this.store, log);
    this.outputs = openOutputs(config);
    this.dataPlane = new DataPlane({ config, log, onChange: () => this.#show(), askKeys: this.#keySets.hurry });
    this.certificates = config.ca === undefined ? undefined : new Certificates(config, config.ca, log);
    this.xds = new XdsOutput(log, this.certificates, mesh, this.#credentials.readers);
    const judged = () => {
      const snapshot = this.store.snapshots.get();
      return this.sync?.silent.size === 0 && snapshot.entries.length > 0 ? snapshot : undefined;
    };
    this.#findingLog = new FindingLog(log, steadyClock, () => this.registryFindings());
    this.#ruleLog = new RuleLog(log, judged, () => notLedBy(this), analyzed);
  }

  /** What the sync knows now. */
  get sync(): SyncState | undefined {
    return this.#controller?.state.get();
  }

  /** What is wrong with the registries and with what they hold. */
  registryFindings(): readonly Finding[] {
    const own = [...(this.certificates?.findings() ?? []), ...this.#credentials.findings()];
    return [...own, ...this.registries.flatMap(({ findings }) => findings()), ...(this.sync?.findings ?? [])];
  }

  /** Where the admin API listens, `host:port`. */
  get adminAddress(): string {
    return this.#admin?.address ?? "";
  }

  /** Opens everything; resolves when facades listen. Rejects, with everything closed again, where an address cannot be had. */
  async start(): Promise<void> {
    try {
      this.#data.lock();
      await this.certificates?.start();
      const listen = printAddress(this.config.admin.host, this.config.admin.port);
      this.#admin = await createAdminServer({ listen, sources: adminSources(this), logger: this.#log });
      if (this.config.facades.length > 0) this.#metadataServer = await listenMetadata(this.#metadata);
      if (this.config.xds !== undefined) await this.xds.start(this.config.xds, this.#keySets.hurry);
      await this.certificates?.serve(this.xds.services);
      this.registries = await openRegistries(
        this.config,
        (address, port) => isOwn({ ...this.config.proxy, tri: this.dataPlane.triPorts }, address, port),
        this.#log,
        () => this.#findingLog.note(),
        this.#secrets,
      );
      this.#controller = createController({
        sources: this.registries.map(({ source }) => source),
        sinks: [this.store.sink, ...this.outputs],
        owner: OWNER,
        clock: steadyClock,
        logger: this.#log,
        ...controllerParts(this.config),
        ...this.#data.parts,
      });
      await Promise.all([this.ruleFiles.first(), this.#credentials.rescan(), this.schemas.start()]);
      this.dataPlane.start();
      this.#running = Promise.all([
        this.#controller.run(this.#stop.signal),
        this.#followRules(),
        this.schemas.run(this.#stop.signal),
        this.#followSnapshots(),
        this.#openXds(),
        this.#followState(),
        this.#followCallers(this.#controller.state),
        this.#followCallers(this.#identities.current),
        this.#followSecrets(),
        this.#followCredentials(),
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
      facades: config.facades.map((facade, i) => {
        const { take, pass } = next.facades[i] ?? facade;
        return { ...facade, take, pass };
      }),
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
        : unread(state).map((name) => `registry ${name} has not been read yet`)),
      ...this.ruleFiles.notLoaded(),
      ...(this.dataPlane.allServing ? [] : ["a proxy worker does not serve yet"]),
      ...(this.#applied === this.store.snapshots.get() ? [] : ["the newest configuration is not in force yet"]),
      ...(this.facades.length === this.config.facades.length ? [] : ["facades do not listen yet"]),
    ];
  }

  /**
   * Ends everything. Consumers are shown the real addresses first (or other instances'), so that they go on without us; then
   * the workers drain, while clients of facades go to other ones; then the rest ends.
   */
  async stop(): Promise<void> {
    if (this.facades.some(({ facade }) => facade.counters.sessions > 0)) {
      this.dataPlane.leave();
      await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
    }
    await Promise.all([this.dataPlane.stop(), ...this.facades.map(({ facade }) => facade.close())]);
    this.#stop.abort();
    this.#showAgain?.cancel();
    this.#ruleLog.close();
    this.#findingLog.close();
    this.ruleFiles.close();
    this.#keySets.close();
    this.schemas.close();
    this.#credentials.close();
    this.store.close();
    await this.#running;
    await this.xds.close();
    await this.certificates?.close();
    await this.#data.close();
    await Promise.all(this.registries.map(({ embedded }) => embedded?.close()));
    await this.#metadataServer?.close();
    await this.#admin?.close();
  }

  async #followRules(): Promise<void> {
    for await (const { rules } of this.ruleFiles.current.watch(this.#stop.signal)) {
      this.store.setRules(this.#keySets.fill(rules));
      this.#credentials.setRules(rules);
      this.#ruleLog.note();
    }
  }

  async #followSnapshots(): Promise<void> {
    await this.#registriesRead();
    for await (const snapshot of this.store.snapshots.watch(this.#stop.signal)) {
      this.schemas.takeSnapshot(snapshot);
      this.ruleFiles.noteServices();
      this.#callers = callersFor(snapshot, this.sync?.consumers, this.#identities.current.get());
      this.#given = snapshot;
      if (this.#isWorldKnown) this.xds.update(snapshot, this.#callers);
      await this.dataPlane.update(this.#resourcesFor(snapshot));
      this.#applied = snapshot;
    }
  }

  /** Clients elsewhere are given nothing before all that registries hold, and all rules, are known. */
  async #openXds(): Promise<void> {
    const known = { state: () => this.sync, store: this.store, rules: () => this.ruleFiles.current.get() };
    await whenWorldKnown(known, this.#stop.signal);
    this.#isWorldKnown = true;
    // The workers may still be busy with one before it.
    const snapshot = this.store.snapshots.get();
    this.xds.update(snapshot, callersFor(snapshot, this.sync?.consumers, this.#identities.current.get()));
  }

  async #followState(): Promise<void> {
    for await (const state of this.#controller!.state.watch(this.#stop.signal)) {
      this.schemas.take(state);
      this.#metadata.take(state.worlds);
      if (this.#metadataServer !== undefined) {
        this.store.setOwn(this.#metadata.entries(METADATA_HOST, this.#metadataServer.port));
      }
      this.#findingLog.note();
      this.#show();
    }
  }

  /** Consumers come and go without a new snapshot; the workers hear of it where it counts. */
  async #followCallers(of: { watch(signal: AbortSignal): AsyncIterable<unknown> }): Promise<void> {
    for await (const _ of of.watch(this.#stop.signal)) {
      if (this.#given === undefined) continue;
      const callers = callersFor(this.#given, this.sync?.consumers, this.#identities.current.get());
      if (JSON.stringify(callers) === JSON.stringify(this.#callers)) continue;
      this.#callers = callers;
      if (this.#isWorldKnown) this.xds.update(this.#given, callers);
      await this.dataPlane.update(this.#resourcesFor(this.#given));
    }
  }

  async #followCredentials(): Promise<void> {
    for await (const list of this.#credentials.current.watch(this.#stop.signal)) {
      this.xds.setCredentials(list);
      if (this.#given !== undefined) await this.dataPlane.update(this.#resourcesFor(this.#given));
    }
  }

  /** Certificates are renewed and roots change without a new snapshot. */
  async #followSecrets(): Promise<void> {
    if (this.certificates === undefined) return;
    for await (const _ of this.certificates.secrets.changes.watch(this.#stop.signal))
      if (this.#given !== undefined) await this.dataPlane.update(this.#resourcesFor(this.#given));
  }

  /**
   * Workers listen from their first snapshot on, and other instances' consumers may be shown them already: while nothing is known,
   * being out of reach is better for those than being told that there is no such service.
   */
  async #registriesRead(): Promise<void> {
    const untilMs = steadyClock.now() + FIRST_READ_MS;
    const isOver = (ms: number) => steadyClock.now() >= ms || this.#stop.signal.aborted;
    while (!isOver(untilMs) && !isRead(this.sync)) await new Promise((resolve) => setTimeout(resolve, 20));
    const readMs = steadyClock.now() + FIRST_METADATA_MS;
    while (!isOver(Math.min(untilMs, readMs)) && !this.schemas.isRead)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #firstWorld(): Promise<void> {
    const untilMs = steadyClock.now() + FIRST_WORLD_MS;
    const waitsFor = () => this.unsettled().filter((reason) => !reason.startsWith("facades"));
    while (steadyClock.now() < untilMs && waitsFor().length > 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (const reason of waitsFor()) this.#log.warn("facades start before all is ready", { reason });
    warnOutOfReach(this.registries, this.#log);
  }

  #openFacade(config: FacadeConfig): Promise<OpenFacade> {
    const registry = this.registries.find(({ config: { name } }) => name === config.registry)!;
    const spacing = new Spacing(steadyClock);
    return openFacade(config, registry, {
      context: this.#contextOf(config, spacing),
      spacing,
      log: this.#log.child({ facade: config.registry }),
      onRemoval: (instances) => this.#controller?.expectRemoval(config.registry, instances),
      onLogin: this.#identities.at(config.registry),
      isVouched: (username) => this.#identities.isVouched(config.registry, username),
    });
  }

  #show(): void {
    this.#showAgain?.cancel();
    const due: number[] = [];
    for (const { config, facade, findings, spacing } of this.facades) {
      findings.clear();
      facade.setContext(this.#contextOf(config, spacing));
      if (spacing.nextMs !== undefined) due.push(spacing.nextMs);
    }
    if (due.length > 0) this.#showAgain = steadyClock.after(Math.min(...due) - steadyClock.now(), () => this.#show());
  }

  #contextOf(config: FacadeConfig, spacing: Spacing): PresentContext {
    const context = createPresentContext({
      ...presentOptions(this, config, spacing),
      onRevision: (info) => this.#metadata.remember(info),
    });
    spacing.note(context.led);
    this.#contexts.set(spacing, context);
    return context;
  }

  #resourcesFor(snapshot: Snapshot): Given {
    const callers = this.#callers;
    const secrets = [...this.#secrets(), ...this.#credentials.current.get()];
    return {
      entries: snapshot.entries,
      resourcesOf: (node) => {
        const inbound = this.#compileInbound(node.inbound ?? [], { ...snapshot, mesh: this.config.mesh });
        return withSecrets(withInbound(this.#compile(snapshot, { ...node, ...callers }), inbound), secrets);
      },
    };
  }
}
