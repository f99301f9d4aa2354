import { hostname } from "node:os";
import { printAddress } from "../../base/address.ts";
import { steadyClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createStop } from "../../base/stop.ts";
import { type AdminServer, createAdminServer } from "../../control/admin/server.ts";
import type { AdminSources } from "../../control/admin/sources.ts";
import { NO_RULES } from "../../control/rules/rule-set.ts";
import { emptySnapshot } from "../../model/snapshot.ts";
import type { TrestleConfig } from "../config/config.ts";
import { configWithoutSecrets } from "../config/secrets.ts";
import { VERSION } from "../version.ts";
import { type DataFolder, openData } from "./data-folder.ts";
import { DataPlane } from "./data-plane.ts";
import { ControlFeed, type FeedStatus } from "./remote/feed.ts";
import { listenOf, nodeOf } from "./remote/node.ts";
import { shareOf } from "./remote/share.ts";
import { StateFile } from "./remote/state-file.ts";

/** The data plane by itself: control servers elsewhere say what its workers do, and an admin API says how they fare. */
export class ProxyRole {
  readonly dataPlane: DataPlane;
  readonly #config: TrestleConfig;
  readonly #log: Logger;
  readonly #data: DataFolder;
  readonly #feed: ControlFeed;
  readonly #stop = createStop();
  #admin: AdminServer | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(config: TrestleConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#data = openData(config, log);
    this.dataPlane = new DataPlane({ config, log, onChange: () => {} });
    this.#feed = new ControlFeed({
      servers: config.control.servers,
      node: nodeOf(config, hostname()),
      ...(config.data !== undefined && { state: new StateFile(config.data, log) }),
      clock: steadyClock,
      logger: log,
      random: Math.random,
    });
  }

  /** How control stands. */
  get feed(): FeedStatus {
    return this.#feed.status;
  }

  /** Where the admin API listens, `host:port`. */
  get adminAddress(): string {
    return this.#admin?.address ?? "";
  }

  /** Why it is not ready, one line each. With what control gave before it is, whether control is within reach or not. */
  notReady(): string[] {
    if (this.#feed.current.get() === undefined) {
      const { lastError } = this.feed;
      return [`control has not answered yet${lastError === "" ? "" : ` (${lastError})`}`];
    }
    return this.dataPlane.anyServing ? [] : ["no proxy worker serves"];
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
      this.dataPlane.start();
      this.#running = Promise.all([this.#feed.run(this.#stop.signal), this.#followFeed()]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Drains the workers and ends everything; what control gave last is kept. */
  async stop(): Promise<void> {
    await this.dataPlane.stop();
    this.#stop.abort();
    await this.#running;
    await this.#data.close();
    await this.#admin?.close();
  }

  async #followFeed(): Promise<void> {
    const all = listenOf(nodeOf(this.#config, ""));
    const ports = [...(all?.dubbo ?? []), ...(all?.tri ?? [])];
    for await (const set of this.#feed.current.watch(this.#stop.signal)) {
      if (set === undefined) continue;
      await this.dataPlane.update({ entries: [], resourcesOf: (node) => shareOf(set, node, ports) });
    }
  }

  #adminSources(): AdminSources {
    return {
      version: VERSION,
      notReady: () => this.notReady(),
      snapshot: () => emptySnapshot,
      notLed: () => new Map(),
      schemaOrigins: () => new Map(),
      httpAddresses: () => new Map(),
      resources: () => this.#feed.current.get(),
      rules: () => NO_RULES,
      findings: () => [],
      registries: () => [],
      facades: () => [],
      workers: () => this.dataPlane.statuses(),
      stats: () => this.dataPlane.stats(),
      diff: async () => [],
      config: () => configWithoutSecrets(this.#config),
      restart: async () => {
        await this.dataPlane.restart();
        return { workers: this.dataPlane.statuses().map(({ worker }) => worker) };
      },
    };
  }
}
