import { printAddress } from "../../base/address.ts";
import { steadyClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createStop } from "../../base/stop.ts";
import { type AdminServer, createAdminServer } from "../../control/admin/server.ts";
import type { AdminSources } from "../../control/admin/sources.ts";
import { NO_RULES } from "../../control/rules/rule-set.ts";
import type { Entry, Finding } from "../../model/entry.ts";
import { createSnapshot, emptySnapshot, type Snapshot } from "../../model/snapshot.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import type { Controller } from "../../registry-sync/controller.ts";
import type { TrestleConfig } from "../config/config.ts";
import { configWithoutSecrets } from "../config/secrets.ts";
import { VERSION } from "../version.ts";
import { diffOf } from "./admin-sources.ts";
import { type DataFolder, openData } from "./data-folder.ts";
import { FindingLog } from "./finding-log.ts";
import { type OpenSync, openSync } from "./open-sync.ts";
import { registryStatuses } from "./registry-status.ts";
import { openOutputs } from "./sync.ts";
import { unread } from "./world-known.ts";

/** The sync by itself: registries -> outputs, with an admin API, and neither facades nor proxies. */
export class SyncRole {
  readonly #config: TrestleConfig;
  readonly #log: Logger;
  readonly #outputs: readonly Sink[];
  readonly #data: DataFolder;
  readonly #findingLog: FindingLog;
  readonly #stop = createStop();
  #sync: OpenSync | undefined;
  #admin: AdminServer | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(config: TrestleConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#outputs = openOutputs(config);
    this.#data = openData(config, log);
    this.#findingLog = new FindingLog(log, steadyClock, () => this.findings());
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
    return [...(this.#sync?.registries ?? []).flatMap(({ findings }) => findings()), ...(this.state?.findings ?? [])];
  }

  /** Why it is not ready, one line each; empty when every registry was read, or what was kept of it is known. */
  notReady(): string[] {
    const { state } = this;
    if (state === undefined) return ["registries are not opened yet"];
    return unread(state).map((name) => `registry ${name} has not been read yet`);
  }

  /** Opens everything and begins. Rejects, with everything closed again, where an address cannot be had. */
  async start(): Promise<void> {
    try {
      this.#data.lock();
      const { host, port } = this.#config.admin;
      this.#admin = await createAdminServer({
        listen: printAddress(host, port),
        sources: this.#adminSources(),
        logger: this.#log,
      });
      this.#sync = await openSync(this.#config, this.#log, {
        sinks: this.#outputs,
        data: this.#data,
        onFindings: () => this.#findingLog.note(),
      });
      const { controller } = this.#sync;
      this.#running = Promise.all([controller.run(this.#stop.signal), this.#followState(controller)]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends everything; what is still to be kept is written. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#findingLog.close();
    await this.#running;
    await this.#data.close();
    await this.#sync?.close();
    await this.#admin?.close();
  }

  async #followState({ state }: Controller): Promise<void> {
    for await (const _ of state.watch(this.#stop.signal)) this.#findingLog.note();
  }

  #adminSources(): AdminSources {
    let known: { readonly entries: readonly Entry[]; readonly snapshot: Snapshot } | undefined;
    return {
      version: VERSION,
      notReady: () => this.notReady(),
      snapshot: () => {
        const entries = this.state?.entries;
        if (entries === undefined) return emptySnapshot;
        if (known?.entries !== entries) known = { entries, snapshot: createSnapshot(entries, []) };
        return known.snapshot;
      },
      notLed: () => new Map(),
      schemaOrigins: () => new Map(),
      httpAddresses: () => new Map(),
      resources: () => undefined,
      rules: () => NO_RULES,
      findings: () => this.findings(),
      registries: () => registryStatuses(this.#sync?.registries ?? [], this.state, steadyClock.now()),
      facades: () => [],
      workers: () => [],
      stats: () => [],
      diff: () => diffOf(this.state, this.#outputs),
      config: () => configWithoutSecrets(this.#config),
      restart: async () => {
        throw new Error("this instance is a sync alone and has no proxy workers");
      },
    };
  }
}
