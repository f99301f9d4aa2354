import { printAddress } from "../../base/address.ts";
import { steadyClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createStop } from "../../base/stop.ts";
import { type AdminServer, createAdminServer } from "../../control/admin/server.ts";
import type { AdminSources } from "../../control/admin/sources.ts";
import { createCompiler } from "../../control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../../control/compile/endpoints.ts";
import { KeySets } from "../../control/key-sets.ts";
import { type ControlStore, createControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import type { Controller } from "../../registry-sync/controller.ts";
import type { TrestleConfig } from "../config/config.ts";
import { configWithoutSecrets } from "../config/secrets.ts";
import { VERSION } from "../version.ts";
import { diffOf } from "./admin-sources.ts";
import { CallerIdentities } from "./caller-identities.ts";
import { type Callers, callersFor } from "./callers.ts";
import { Certificates } from "./certificates.ts";
import { type OpenCredentials, openCredentials } from "./credentials.ts";
import { type DataFolder, openData } from "./data-folder.ts";
import { FindingLog } from "./finding-log.ts";
import { type OpenSync, openSync } from "./open-sync.ts";
import { registryStatuses } from "./registry-status.ts";
import { RuleLog } from "./rule-log.ts";
import { createJudge, type OpenRules, openRules } from "./rules.ts";
import { SchemaSources } from "./schemas/schemas.ts";
import { hostOfRule } from "./shaping.ts";
import { OWNER, openOutputs } from "./sync.ts";
import { unread, whenWorldKnown } from "./world-known.ts";
import { XdsOutput } from "./xds-output.ts";

/** The control plane by itself: registries and rules -> xDS, with an admin API, and neither facades nor proxies. */
export class ControlRole {
  readonly xds: XdsOutput;
  readonly #certificates: Certificates | undefined;
  readonly #config: TrestleConfig;
  readonly #keySets: KeySets;
  readonly #log: Logger;
  readonly #store: ControlStore;
  readonly #ruleFiles: OpenRules;
  readonly #credentials: OpenCredentials;
  readonly #secrets = () => this.#certificates?.own() ?? [];
  readonly #schemas: SchemaSources;
  readonly #outputs: readonly Sink[];
  readonly #data: DataFolder;
  readonly #findingLog: FindingLog;
  readonly #ruleLog: RuleLog;
  readonly #stop = createStop();
  readonly #compile = createCompiler();
  #sync: OpenSync | undefined;
  #admin: AdminServer | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #served: Snapshot | undefined;
  #callers: Callers = {};
  /** By address range alone: nobody logs in here. */
  readonly #identities: Callers["identities"];

  constructor(config: TrestleConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#certificates = config.ca === undefined ? undefined : new Certificates(config, config.ca, log);
    this.#credentials = openCredentials(config, log);
    this.xds = new XdsOutput(log, this.#certificates, config.mesh, this.#credentials.readers);
    const { mesh } = config;
    this.#identities = new CallerIdentities(config.callers).current.get();
    this.#store = createControlStore({ owner: OWNER, protocols: CARRIED_PROTOCOLS, hostOf: hostOfRule(config), mesh });
    const snapshot = () => this.#store.snapshots.get();
    const judge = createJudge({ sync: () => this.state, snapshot, notLed: () => new Map(), mesh });
    this.#ruleFiles = openRules({ places: config.rules, log, judge });
    const refill = () => this.#store.setRules(this.#keySets.fill(this.#ruleFiles.current.get().rules));
    this.#keySets = new KeySets({ log, onChange: refill });
    this.#schemas = new SchemaSources(config, true, this.#secrets, this.#store, log);
    this.#outputs = openOutputs(config);
    this.#data = openData(config, log);
    this.#findingLog = new FindingLog(log, steadyClock, () => this.findings());
    const judged = () => {
      const snapshot = this.#store.snapshots.get();
      return this.state?.silent.size === 0 && snapshot.entries.length > 0 ? snapshot : undefined;
    };
    this.#ruleLog = new RuleLog(log, judged, () => new Map(), config.mesh);
  }

  /** What the sync knows now. */
  get state(): SyncState | undefined {
    return this.#sync?.controller.state.get();
  }

  /** Where the admin API listens, `host:port`. */
  get adminAddress(): string {
    return this.#admin?.address ?? "";
  }

  /** What is wrong with the registries and with what they hold. */
  findings(): readonly Finding[] {
    const own = [...(this.#certificates?.findings() ?? []), ...this.#credentials.findings()];
    return [
      ...own,
      ...(this.#sync?.registries ?? []).flatMap(({ findings }) => findings()),
      ...(this.state?.findings ?? []),
    ];
  }

  /** Why it is not ready, one line each; empty when all that is known is served. */
  notReady(): string[] {
    const { state } = this;
    if (state === undefined) return ["registries are not opened yet"];
    return [
      ...unread(state).map((name) => `registry ${name} has not been read yet`),
      ...this.#ruleFiles.notLoaded(),
      ...(this.#served === undefined ? ["nothing is served yet"] : []),
    ];
  }

  /** Opens everything and begins. Rejects, with everything closed again, where an address cannot be had. */
  async start(): Promise<void> {
    const config = this.#config;
    try {
      this.#data.lock();
      this.#admin = await createAdminServer({
        listen: printAddress(config.admin.host, config.admin.port),
        sources: this.#adminSources(),
        logger: this.#log,
      });
      await this.#certificates?.start();
      if (config.xds !== undefined) await this.xds.start(config.xds, this.#keySets.hurry);
      await this.#certificates?.serve(this.xds.services);
      const sync = await openSync(config, this.#log, {
        sinks: [this.#store.sink, ...this.#outputs],
        data: this.#data,
        onFindings: () => this.#findingLog.note(),
        secrets: this.#secrets,
      });
      this.#sync = sync;
      await Promise.all([this.#ruleFiles.rescan(), this.#credentials.rescan(), this.#schemas.start()]);
      const { signal } = this.#stop;
      this.#running = Promise.all([
        sync.controller.run(signal),
        this.#schemas.run(signal),
        this.#followRules(),
        this.#followState(sync.controller),
        this.#followSnapshots(),
        this.#followCredentials(),
      ]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends everything; clients go on with what they have. */
  async stop(): Promise<void> {
    await this.xds.close();
    await this.#certificates?.close();
    this.#stop.abort();
    this.#findingLog.close();
    this.#ruleLog.close();
    this.#ruleFiles.close();
    this.#schemas.close();
    this.#keySets.close();
    this.#credentials.close();
    this.#store.close();
    await this.#running;
    await this.#data.close();
    await this.#sync?.close();
    await this.#admin?.close();
  }

  async #followRules(): Promise<void> {
    for await (const { rules } of this.#ruleFiles.current.watch(this.#stop.signal)) {
      this.#store.setRules(this.#keySets.fill(rules));
      this.#credentials.setRules(rules);
      this.#ruleLog.note();
    }
  }

  async #followCredentials(): Promise<void> {
    for await (const list of this.#credentials.current.watch(this.#stop.signal)) this.xds.setCredentials(list);
  }

  async #followState({ state }: Controller): Promise<void> {
    for await (const one of state.watch(this.#stop.signal)) {
      this.#schemas.take(one);
      this.#findingLog.note();
      if (this.#served === undefined) continue;
      const callers = callersFor(this.#served, one.consumers, this.#identities);
      if (JSON.stringify(callers) !== JSON.stringify(this.#callers)) this.#serve(this.#served, callers);
    }
  }

  /** Nothing is served before all that registries hold, and all rules, are known. */
  async #followSnapshots(): Promise<void> {
    const known = { state: () => this.state, store: this.#store, rules: () => this.#ruleFiles.current.get() };
    await whenWorldKnown(known, this.#stop.signal);
    for await (const snapshot of this.#store.snapshots.watch(this.#stop.signal)) {
      this.#schemas.takeSnapshot(snapshot);
      this.#ruleFiles.noteServices();
      this.#serve(snapshot, callersFor(snapshot, this.state?.consumers, this.#identities));
    }
  }

  #serve(snapshot: Snapshot, callers: Callers): void {
    this.#served = snapshot;
    this.#callers = callers;
    this.xds.update(snapshot, callers);
  }

  #adminSources(): AdminSources {
    const node = { id: "control", dubbo: [], gatewayAddress: "0.0.0.0", isShared: true, isEmbedded: true };
    return {
      version: VERSION,
      mesh: this.#config.mesh,
      notReady: () => this.notReady(),
      snapshot: () => this.#store.snapshots.get(),
      notLed: () => new Map(),
      consumers: () => this.state?.consumers ?? [],
      schemaOrigins: () => this.#store.schemaOrigins(),
      httpAddresses: () => new Map(),
      resources: () => (this.#served === undefined ? undefined : this.#compile(this.#served, node)),
      seenFrom: (place) => this.xds.seenFrom(place),
      rules: () => this.#ruleFiles.current.get(),
      findings: () => [...this.findings(), ...this.#schemas.findings(), ...this.xds.findings()],
      registries: () => registryStatuses(this.#sync?.registries ?? [], this.state, steadyClock.now()),
      facades: () => [],
      workers: () => [],
      stats: () => [],
      proxies: () => this.xds.clients(),
      ownMetrics: () => (this.#certificates?.metrics.expose() ?? "") + this.xds.exposeMetrics(),
      diff: () => diffOf(this.state, this.#outputs),
      config: () => configWithoutSecrets(this.#config),
      restart: async () => {
        throw new Error("this instance is control alone and has no proxy workers");
      },
    };
  }
}
