import { type ChildProcess, fork } from "node:child_process";
import { steadyClock } from "../../base/clock.ts";
import type { Logger, LogLevel } from "../../base/log.ts";
import { WORKER_NODE_OPTIONS, type WorkerReply, type WorkerRequest } from "../../bridge-proxy/worker.ts";
import type { DeltaResources, ResourceSet } from "../../codecs/xds/resources.ts";
import type { WorkerStatus } from "../../control/admin/sources.ts";
import { diffResources } from "../../control/compile/diff.ts";
import type { KeysFound } from "../../model/keys-found.ts";
import { addStats, type ProxyStats } from "../../model/stats.ts";
import { WORKER_COMMAND } from "../worker-command.ts";

/** How long a worker may take to drain when it is replaced, ms. */
const RESTART_DRAIN_MS = 30_000;
/** How long a worker may take to drain when everything ends, ms. */
const STOP_DRAIN_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** How long a worker may take to bring resources into force, ms: ten thousand services take a few seconds. One that takes longer hangs. */
const APPLY_TIMEOUT_MS = 60_000;
const FIRST_BACKOFF_MS = 200;
const LAST_BACKOFF_MS = 10_000;

/** Has the keys of an issuer asked for; resolves to what came of it, when that is under way to the workers. */
export type AskKeys = (issuer: string) => Promise<KeysFound>;

/** One worker's name and whom it tells of its comings and goings. */
export interface WorkerOptions {
  readonly name: string;
  readonly logLevel: LogLevel;
  readonly log: Logger;
  /** Called when the worker serves, and when it no longer does, whatever the reason. */
  readonly onServing: (serving: boolean) => void;
  /** Called when somebody told the process to end: it asks to be replaced. */
  readonly onLeave: () => void;
  /** Has the keys of an issuer asked for: a token is signed by one that is not known. */
  readonly askKeys: AskKeys;
  /** Called when it could not take its resources into force, with its reason; it is started again then. */
  readonly onRefused: (error: string) => void;
}

/**
 * One proxy worker process, kept alive: started again when it dies, and led to the newest resources by deltas.
 * It serves once it has listened with resources in force.
 */
export class ProxyWorker {
  readonly name: string;
  readonly #options: WorkerOptions;
  readonly #waiting = new Map<number, (reply: WorkerReply | undefined) => void>();
  #child: ChildProcess | undefined;
  #wanted: ResourceSet | undefined;
  #applied: ResourceSet | undefined;
  #applying: Promise<void> | undefined;
  #nextId = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #startTimer: NodeJS.Timeout | undefined;
  #stopping = false;
  #replacing = false;
  #draining = false;
  #starts = 0;
  #startedAtMs = 0;
  #lastStats: ProxyStats | undefined;
  #pastStats: ProxyStats | undefined;

  constructor(options: WorkerOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The resources that it has in force; undefined while it does not serve. */
  get applied(): ResourceSet | undefined {
    return this.#applied;
  }

  /** How the process stands; `addresses` are those that it listens on. */
  status(addresses: readonly string[]): WorkerStatus {
    const running = this.#applied !== undefined;
    return {
      worker: this.name,
      pid: this.#child?.pid ?? 0,
      addresses,
      state: this.#draining ? "draining" : running ? "serving" : this.#stopping ? "stopped" : "starting",
      resourcesVersion: this.#applied?.version ?? "",
      startedAtMs: this.#startedAtMs,
      restarts: Math.max(0, this.#starts - 1),
    };
  }

  start(): void {
    clearTimeout(this.#startTimer);
    const { name, logLevel } = this.#options;
    const child = fork(process.argv[1]!, [WORKER_COMMAND, name, "--log-level", logLevel], {
      execArgv: [...process.execArgv, ...WORKER_NODE_OPTIONS],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    this.#starts++;
    this.#startedAtMs = Date.now();
    child.on("message", (reply: WorkerReply) => this.#onReply(child, reply));
    child.on("error", (error) => {
      this.#options.log.error("worker process error", { worker: name, error: error.message });
      // A process that could not be made at all has no exit either.
      if (child.pid === undefined) this.#onExit(child, null, null);
    });
    child.on("exit", (code, signal) => this.#onExit(child, code, signal));
  }

  /** Leads the worker to these resources; resolves when they are in force, or the worker is gone. */
  async update(resources: ResourceSet): Promise<void> {
    this.#wanted = resources;
    this.#applying ??= this.#applyWanted().finally(() => {
      this.#applying = undefined;
    });
    await this.#applying;
  }

  /** What it and its predecessors have counted; as last known while it does not answer. */
  async stats(): Promise<ProxyStats | undefined> {
    const reply = await this.#ask((id) => ({ type: "stats", id }));
    if (reply?.type === "stats") this.#lastStats = reply.stats;
    return this.#lastStats === undefined ? this.#pastStats : addStats(this.#pastStats, this.#lastStats);
  }

  /** Drains the process and starts another; resolves when that one serves, to false where it does not within its time. */
  async replace(): Promise<boolean> {
    this.#replacing = true;
    await this.#drain(RESTART_DRAIN_MS);
    this.#replacing = false;
    if (this.#stopping) return false;
    this.start();
    const untilMs = steadyClock.now() + APPLY_TIMEOUT_MS;
    while (this.#applied === undefined && !this.#stopping && steadyClock.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#applied !== undefined;
  }

  /** Drains the process and ends it for good. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#drain(STOP_DRAIN_MS);
  }

  async #applyWanted(): Promise<void> {
    while (this.#child?.connected === true && this.#wanted !== undefined && this.#wanted !== this.#applied) {
      const child = this.#child;
      const goal = this.#wanted;
      const changes: readonly DeltaResources[] = diffResources(this.#applied, goal);
      const reply =
        changes.length === 0 ? undefined : await this.#ask((id) => ({ type: "apply", id, changes }), APPLY_TIMEOUT_MS);
      if (child !== this.#child) return;
      if (changes.length > 0 && reply === undefined) {
        // What it has in force is not known: only a new process can be led on from here.
        if (child.connected) child.kill("SIGKILL");
        return;
      }
      if (reply?.type === "applied" && reply.error !== undefined) {
        this.#options.log.error("worker could not apply its configuration", { worker: this.name, error: reply.error });
        child.kill("SIGKILL");
        this.#options.onRefused(reply.error);
        return;
      }
      const first = this.#applied === undefined;
      this.#applied = goal;
      this.#backoffMs = FIRST_BACKOFF_MS;
      if (first) this.#options.onServing(true);
    }
  }

  async #drain(graceMs: number): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#draining = true;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    if (child.connected) child.send({ type: "drain", graceMs } satisfies WorkerRequest);
    const killer = setTimeout(() => child.kill("SIGKILL"), graceMs + 2_000);
    await exited;
    this.#draining = false;
    clearTimeout(killer);
  }

  #ask(make: (id: number) => WorkerRequest, timeoutMs = ANSWER_TIMEOUT_MS): Promise<WorkerReply | undefined> {
    const child = this.#child;
    if (child?.connected !== true) return Promise.resolve(undefined);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), timeoutMs);
      const settle = (reply: WorkerReply | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(reply);
      };
      this.#waiting.set(id, settle);
      child.send(make(id), (error) => {
        if (error !== null) settle(undefined);
      });
    });
  }

  #onReply(child: ChildProcess, reply: WorkerReply): void {
    if (child !== this.#child) return;
    if (reply.type === "ready") {
      if (this.#wanted !== undefined) void this.update(this.#wanted);
      return;
    }
    if (reply.type === "leave") {
      if (!this.#stopping && !this.#replacing) this.#options.onLeave();
      return;
    }
    if (reply.type === "unknownKey") {
      void this.#askKeys(child, reply.issuer);
      return;
    }
    if (reply.type === "final") this.#lastStats = reply.stats;
    else this.#waiting.get(reply.id)?.(reply);
  }

  async #askKeys(child: ChildProcess, issuer: string): Promise<void> {
    const found = await this.#options.askKeys(issuer);
    if (child === this.#child && child.connected) child.send({ type: "keys", issuer, found } satisfies WorkerRequest);
  }

  #onExit(child: ChildProcess, code: number | null, signal: string | null): void {
    if (child !== this.#child) return;
    const served = this.#applied !== undefined;
    this.#applied = undefined;
    if (this.#lastStats !== undefined) this.#pastStats = addStats(this.#pastStats, { ...this.#lastStats, gauges: {} });
    this.#lastStats = undefined;
    for (const settle of [...this.#waiting.values()]) settle(undefined);
    if (served) this.#options.onServing(false);
    if (this.#stopping || this.#replacing) return;
    this.#options.log.warn("worker ended and is started again", {
      worker: this.name,
      code,
      signal,
      waitMs: this.#backoffMs,
    });
    this.#startTimer = setTimeout(() => {
      if (!this.#stopping && !this.#replacing) this.start();
    }, this.#backoffMs).unref();
    this.#backoffMs = Math.min(LAST_BACKOFF_MS, this.#backoffMs * 2);
  }
}
