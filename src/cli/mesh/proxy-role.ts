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
import { withSecrets } from "./certificates.ts";
import { type DataFolder, openData } from "./data-folder.ts";
import { DataPlane } from "./data-plane.ts";
import { Agent } from "./remote/agent.ts";
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
  /** The proxy's own identity; undefined where control is reached without TLS. */
  readonly #agent: Agent | undefined;
  readonly #stop = createStop();
  #admin: AdminServer | undefined;
  #wasReady = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(config: TrestleConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#data = openData(config, log);
    const askKeys = (issuer: string) => this.#feed.askKeys(issuer);
    this.dataPlane = new DataPlane({ config, log, onChange: () => {}, askKeys });
    const { tls } = config.control;
    this.#agent = tls === undefined ? undefined : new Agent(config, tls, log);
    const agent = this.#agent;
    this.#feed = new ControlFeed({
      ...(agent !== undefined && { channel: () => agent.channel(), onRoots: (secret) => agent.takeRoots(secret) }),
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
    // Listeners that only one worker can have are its alone: the first time all must serve, later any.
    this.#wasReady ||= this.dataPlane.allServing;
    if (!this.#wasReady) return ["a proxy worker does not serve yet"];
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
      await this.#agent?.start();
      this.dataPlane.start();
      this.#running = Promise.all([this.#feed.run(this.#stop.signal), this.#followFeed(), this.#followSecrets()]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Drains the workers and ends everything; what control gave last is kept. */
  async stop(): Promise<void> {
    await this.dataPlane.stop();
    this.#stop.abort();
    this.#agent?.close();
    await this.#running;
    await this.#data.close();
    await this.#admin?.close();
  }

  async #followFeed(): Promise<void> {
    for await (const _ of this.#feed.current.watch(this.#stop.signal)) await this.#give();
  }

  /** Certificates are renewed and roots change without anything else. */
  async #followSecrets(): Promise<void> {
    if (this.#agent === undefined) return;
    for await (const _ of this.#agent.secrets.watch(this.#stop.signal)) await this.#give();
  }

  async #give(): Promise<void> {
    const set = this.#feed.current.get();
    if (set === undefined) return;
    const all = listenOf(nodeOf(this.#config, ""));
    const ports = [...(all?.dubbo ?? []), ...(all?.tri ?? [])];
    const secrets = [...(this.#agent?.secrets.get() ?? []), ...(set.secrets ?? [])];
    await this.dataPlane.update({
      entries: [],
      resourcesOf: (node) => withSecrets(shareOf(set, node, ports), secrets),
    });
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
