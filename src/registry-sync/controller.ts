import type { Clock, Timer } from "../base/clock.ts";
import { Latest } from "../base/latest.ts";
import type { Logger } from "../base/log.ts";
import type { Finding, World } from "../model/entry.ts";
import type { Changes, Sink, Source, SyncState } from "./contracts.ts";
import { createGuard, DEFAULT_GUARD, type Guard, type GuardSettings } from "./merge/guard.ts";
import { type Merged, merge, mergeSchemas } from "./merge/merge.ts";
import { withOneHost } from "./merge/one-host.ts";
import { rememberedEntries } from "./merge/remembered.ts";
import { retrying } from "./retrying.ts";
import { REREAD_BLOCKED_MS, runSink } from "./sinks/sink-loop.ts";
import type { StateStore } from "./state/state-store.ts";

/** Settings of {@link createController}. */
export interface ControllerOptions {
  /** In the order of the configuration: where registries differ about an endpoint, the first one wins. */
  readonly sources: readonly Source[];
  readonly sinks: readonly Sink[];
  /** Whose entries the sinks may change. */
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard?: GuardSettings;
  /** A registry's guard, by its name; one with the settings of `guard` unless told. */
  readonly guardOf?: (registry: string) => Guard;
  /** Whether registries may name one service in different ways, so that the first one's name must be found; false unless told. */
  readonly namesByRegistry?: boolean;
  /** What was last known, over restarts; nothing unless told. */
  readonly memory?: Pick<StateStore, "load" | "note">;
  /** Told what was done to a sink, after it was done. */
  readonly onApplied?: (sink: string, changes: Changes, state: SyncState) => void;
  /** Changes are taken together until none came for this time, ms (but at most 100); 30 unless told, over a source's own pause. */
  readonly quietMs?: number;
}

/** The running sync. */
export interface Controller {
  /** The newest state; empty, with every registry silent, at first. */
  readonly state: Latest<SyncState>;
  /** Runs until the signal; resolves when every loop has ended. Never rejects because a registry or a sink is out of reach. */
  run(signal: AbortSignal): Promise<void>;
  /** Someone saw these instances (`address:port`) of a registry leave on purpose: their removal passes the guard. */
  expectRemoval(registry: string, instances: Iterable<string>): void;
}

/**
 * The loop: sources -> guard -> merge -> plan -> sinks. The guard stands before the merge because a loss is a registry's:
 * what one registry lost and another still has is not lost. Nothing is deleted from a sink on behalf of a registry that
 * has not answered since the start, and what the sinks hold then counts for the guards as what was there before. With a memory what it
 * kept counts instead, and is the registry's world until the registry itself has answered. Each source and each sink fails and recovers by itself, logged once per change of state.
 */
export function createController(options: ControllerOptions): Controller {
  return new SyncLoop(options);
}

/** Longest that changes are held back while more come. */
const MAX_DELAY_MS = 100;
/** How long the first look at any world waits for what a sink holds, ms: a folder on a server that hangs keeps nothing back for ever. */
const CURRENT_MS = 10_000;

interface Fed {
  readonly source: Source;
  readonly guard: Guard;
  /** The newest world that was not yet looked at. */
  pending: World | undefined;
  guarded: World | undefined;
  /** When the newest world came. */
  seenAtMs: number | undefined;
  /** How long the newest world that was merged took, ms. */
  lagMs: number;
  /** What was kept of it from before the start. */
  restored: World | undefined;
  held: number;
  dueMs: number | undefined;
}

class SyncLoop implements Controller {
  readonly state: Latest<SyncState>;
  readonly #options: ControllerOptions;
  readonly #feeds: readonly Fed[];
  #merged: Merged | undefined;
  /** What stands in the way in each sink. */
  readonly #refusals = new Map<Sink, readonly Finding[]>();
  #firstMs: number | undefined;
  #quietTimer: Timer | undefined;
  #dueTimer: Timer | undefined;
  #remembering: Promise<void> | undefined;
  #isEnded = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#feeds = options.sources.map((source) => ({
      source,
      guard: options.guardOf?.(source.name) ?? createGuard(options.guard ?? DEFAULT_GUARD),
      pending: undefined,
      guarded: undefined,
      restored: undefined,
      seenAtMs: undefined,
      lagMs: 0,
      held: 0,
      dueMs: undefined,
    }));
    const silent = new Set(options.sources.map((source) => source.name));
    this.state = new Latest<SyncState>({
      worlds: [],
      entries: [],
      consumers: [],
      findings: [],
      schemas: [],
      silent,
      restored: new Set(),
      seen: new Map(),
      cause: "start",
      held: new Map(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { sinks, owner, clock, logger } = this.#options;
    const onAbort = () => {
      this.#isEnded = true;
      this.#quietTimer?.cancel();
      this.#dueTimer?.cancel();
      this.state.close();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (this.#options.memory !== undefined) await this.#restore(this.#options.memory);
    await Promise.all([
      ...this.#feeds.map((feed) => this.#follow(feed, signal)),
      ...sinks.map((sink) => {
        const onFindings = (findings: readonly Finding[]) => {
          this.#refusals.set(sink, findings);
          if (this.#merged !== undefined) this.#tell(this.#merged);
        };
        const onApplied = this.#options.onApplied;
        const told = onApplied && { onApplied: (changes: Changes, of: SyncState) => onApplied(sink.name, changes, of) };
        return runSink({ sink, state: this.state, owner, clock, logger, signal, onFindings, ...told });
      }),
    ]);
  }

  expectRemoval(registry: string, instances: Iterable<string>): void {
    const feed = this.#feeds.find((one) => one.source.name === registry);
    feed?.guard.expect(instances, this.#options.clock.now());
    if (feed?.guarded !== undefined) this.#schedule();
  }

  async #follow(feed: Fed, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    await retrying({ what: `registry ${feed.source.name}`, clock, logger, signal }, async (succeeded) => {
      const onDisturbed = () => feed.guard.disturbed(clock.now());
      for await (const world of feed.source.watch(signal, onDisturbed)) {
        succeeded();
        if (feed.pending === undefined) feed.seenAtMs = clock.now();
        feed.pending = world;
        this.#schedule();
      }
    });
  }

  /** Looks at what came once nothing more came for a while; a loss that is told in pieces is then weighed as a whole. */
  #schedule(): void {
    const { clock, quietMs = 30 } = this.#options;
    const nowMs = clock.now();
    this.#firstMs ??= nowMs;
    this.#quietTimer?.cancel();
    const delayMs = Math.max(0, Math.min(quietMs, this.#firstMs + MAX_DELAY_MS - nowMs));
    this.#quietTimer = clock.after(delayMs, () => {
      this.#firstMs = undefined;
      this.#remembering ??= this.#remember();
      void this.#remembering.then(() => this.#isEnded || this.#settle());
    });
  }

  /** Takes up what was kept, and shows it until the registries have answered. */
  async #restore(memory: Pick<StateStore, "load">): Promise<void> {
    const nowMs = this.#options.clock.now();
    for (const feed of this.#feeds) {
      feed.restored = await memory.load(feed.source.name);
      if (feed.restored !== undefined) feed.guard.remember(feed.restored.entries, nowMs);
    }
    if (this.#isEnded || !this.#feeds.some(({ restored }) => restored)) return;
    this.#merged = merge(this.#worlds(), this.#merged);
    this.#tell(this.#merged, "start");
  }

  /** The registries' worlds as they count now. */
  #worlds(): readonly World[] {
    const worlds = this.#feeds.flatMap(({ guarded, restored }) => guarded ?? restored ?? []);
    return this.#options.namesByRegistry === true ? withOneHost(worlds) : worlds;
  }

  /** Lets the guards know what the sinks hold, before the first look at any world. */
  async #remember(): Promise<void> {
    const { sinks, sources, owner, clock, logger } = this.#options;
    const stored = await Promise.all(
      sinks.map((sink) =>
        within(sink.current(), CURRENT_MS, clock).catch((error: unknown) => {
          logger.warn("what a sink holds cannot be read; losses since the last run can't be told", {
            sink: sink.name,
            reason: error instanceof Error ? error.message : String(error),
          });
          return [];
        }),
      ),
    );
    for (const { guard, source } of this.#feeds)
      guard.remember(rememberedEntries(stored.flat(), owner, source, sources), clock.now());
  }

  #settle(): void {
    const nowMs = this.#options.clock.now();
    const cause = this.#feeds.some(({ pending }) => pending) ? "registry" : "guard";
    for (const feed of this.#feeds) {
      if (feed.pending === undefined && feed.guarded === undefined) continue;
      const { world, held, dueMs } = feed.guard.update(feed.pending, nowMs);
      if (feed.pending !== undefined)
        feed.lagMs = nowMs - (feed.seenAtMs ?? nowMs) + (feed.source.status?.().lagMs ?? 0);
      feed.pending = undefined;
      this.#tellHeld(feed, held);
      feed.guarded = world;
      feed.dueMs = dueMs;
    }
    this.#merged = merge(this.#worlds(), this.#merged);
    this.#tell(this.#merged, cause);
    this.#options.memory?.note(this.#feeds.flatMap(({ guarded }) => (guarded ? [guarded] : [])));
  }

  #tell(merged: Merged, cause: SyncState["cause"] = this.state.get().cause): void {
    const worlds = this.#worlds();
    const refusals = [...this.#refusals.values()].flat();
    const findings = refusals.length > 0 ? [...merged.findings, ...refusals] : merged.findings;
    const schemas = mergeSchemas(worlds, this.state.get().schemas);
    const silent = new Set(this.#feeds.filter(({ guarded }) => !guarded).map(({ source }) => source.name));
    const restored = new Set(
      this.#feeds.filter((feed) => !feed.guarded && feed.restored).map(({ source }) => source.name),
    );
    const seen = new Map(
      this.#feeds.flatMap(({ source, guarded, seenAtMs, lagMs }) =>
        guarded === undefined || seenAtMs === undefined ? [] : [[source.name, { atMs: seenAtMs, lagMs }] as const],
      ),
    );
    const holding = this.#feeds.filter((feed) => feed.held > 0);
    const held = new Map(holding.map((feed) => [feed.source.name, feed.held]));
    this.state.set(Object.freeze({ worlds, ...merged, findings, schemas, silent, restored, seen, cause, held }));
    this.#wakeWhenDue(this.#options.clock.now(), refusals.length > 0);
  }

  #tellHeld(feed: Fed, held: number): void {
    const { logger } = this.#options;
    if (held > 0 && feed.held === 0) {
      logger.warn("registry lost providers at once; they are held", { registry: feed.source.name, held });
    } else if (held === 0 && feed.held > 0) {
      logger.info("no provider is held any more", { registry: feed.source.name });
    }
    feed.held = held;
  }

  #wakeWhenDue(nowMs: number, isBlocked: boolean): void {
    this.#dueTimer?.cancel();
    const due = this.#feeds.flatMap(({ dueMs }) => (dueMs === undefined ? [] : [dueMs]));
    if (isBlocked) due.push(nowMs + REREAD_BLOCKED_MS);
    if (due.length === 0) return;
    this.#dueTimer = this.#options.clock.after(Math.max(1, Math.min(...due) - nowMs), () => this.#settle());
  }
}

/** Rejects when the promise has not settled within this time. */
function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.after(ms, () => reject(new Error(`no answer within ${ms / 1_000} s`)));
  });
  return Promise.race([promise, late]).finally(() => timer?.cancel());
}
