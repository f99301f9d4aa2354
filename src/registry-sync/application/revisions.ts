import { cleanText } from "../../base/clean-text.ts";
import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { createStop } from "../../base/stop.ts";
import type { ApplicationInstance, ApplicationService } from "../../model/application.ts";
import { isLoneRevision } from "./instance.ts";
import { type MetadataInfo, parseMetadataInfo } from "./metadata-info.ts";

/**
 * Asks an instance for the services of a revision: `MetadataService.getMetadataInfo(revision)` at its {@link ApplicationInstance.metadata}.
 * Undefined where it does not know the revision; rejects with an Error of one line where no answer came. Bounded in time.
 */
export type AskMetadata = (
  application: string,
  instance: ApplicationInstance,
  signal: AbortSignal,
) => Promise<MetadataInfo | undefined>;

/** The text of a revision in the metadata centre; undefined where there is none. */
export type ReadMetadata = (application: string, revision: string, signal: AbortSignal) => Promise<string | undefined>;

/** A revision to know, with the instances that have it. */
export interface WantedRevision {
  readonly application: string;
  readonly revision: string;
  readonly instances: readonly ApplicationInstance[];
}

/** Settings of {@link createRevisions}. */
export interface RevisionsOptions {
  readonly read?: ReadMetadata;
  readonly ask?: AskMetadata;
  /** Told whenever more or less is known; asks `services` and `failure` then. */
  readonly onChange: (applications: ReadonlySet<string>) => void;
  readonly clock?: Clock;
  /** Questions under way at once. */
  readonly maxAtOnce?: number;
  /** Revisions that are kept, those nobody has any more among them. */
  readonly maxKept?: number;
}

/** Metadata of revisions: fetched once each, kept while they are wanted and for some time after. */
export interface Revisions {
  /** Undefined while not known. */
  services(application: string, revision: string): readonly ApplicationService[] | undefined;
  /** Why the last try ended in nothing, from {@link FAILED_AFTER} tries on; undefined where it is known or still tried. */
  failure(application: string, revision: string): string | undefined;
  /** Replaces what is wanted of an application; nothing for one that is gone. */
  follow(application: string, wanted: readonly WantedRevision[]): void;
  /** How many are wanted and neither known nor given up for the time being. */
  readonly pending: number;
  close(): void;
}

/** After how many rounds, each over the metadata centre and up to three instances, a revision counts as not to be had; tries go on. */
export const FAILED_AFTER = 3;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
const INSTANCES_A_ROUND = 3;

/** Creates it with nothing wanted. Work grows with what is wanted anew. */
export function createRevisions(options: RevisionsOptions): Revisions {
  return new RevisionBook(options);
}

interface Task {
  wanted: WantedRevision;
  rounds: number;
  /** From where on the next round goes through the instances. */
  next: number;
  failure: string;
  timer: Timer | undefined;
  isRunning: boolean;
}

class RevisionBook implements Revisions {
  readonly #options: RevisionsOptions;
  readonly #clock: Clock;
  readonly #maxAtOnce: number;
  readonly #maxKept: number;
  /** Oldest first; those wanted are put behind again when room is made. */
  readonly #known = new Map<string, readonly ApplicationService[]>();
  readonly #tasks = new Map<string, Task>();
  readonly #byApplication = new Map<string, ReadonlySet<string>>();
  /** Those that were never asked for. */
  readonly #fresh: string[] = [];
  /** Those that were asked for in vain. */
  readonly #retries: string[] = [];
  readonly #stop = createStop();
  #running = 0;
  #retrying = 0;

  constructor(options: RevisionsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#maxAtOnce = options.maxAtOnce ?? 16;
    this.#maxKept = options.maxKept ?? 20_000;
  }

  get pending(): number {
    let count = 0;
    for (const { rounds } of this.#tasks.values()) if (rounds < FAILED_AFTER) count++;
    return count;
  }

  services(application: string, revision: string): readonly ApplicationService[] | undefined {
    return this.#known.get(keyOf(application, revision));
  }

  failure(application: string, revision: string): string | undefined {
    const task = this.#tasks.get(keyOf(application, revision));
    return task === undefined || task.rounds < FAILED_AFTER ? undefined : task.failure;
  }

  follow(application: string, wanted: readonly WantedRevision[]): void {
    const keys = new Set(wanted.map(({ revision }) => keyOf(application, revision)));
    for (const key of this.#byApplication.get(application) ?? []) {
      if (keys.has(key)) continue;
      this.#drop(key);
      // An instance that comes back may offer something else under a revision that it does not say itself.
      if (isLoneRevision(key.slice(application.length + 1))) this.#known.delete(key);
    }
    if (keys.size === 0) this.#byApplication.delete(application);
    else this.#byApplication.set(application, keys);
    for (const one of wanted) {
      const key = keyOf(application, one.revision);
      const task = this.#tasks.get(key);
      if (task !== undefined) {
        const had = task.timer && new Set(task.wanted.instances);
        task.wanted = one;
        // An instance that was not asked yet may know it.
        if (had !== undefined && one.instances.some((instance) => !had.has(instance))) this.#again(key, task);
      } else if (!this.#known.has(key)) {
        this.#tasks.set(key, { wanted: one, rounds: 0, next: 0, failure: "", timer: undefined, isRunning: false });
        this.#fresh.push(key);
      }
    }
    this.#pump();
  }

  close(): void {
    this.#stop.abort();
    for (const key of [...this.#tasks.keys()]) this.#drop(key);
  }

  #drop(key: string): void {
    this.#tasks.get(key)?.timer?.cancel();
    this.#tasks.delete(key);
  }

  #again(key: string, task: Task): void {
    task.timer?.cancel();
    task.timer = undefined;
    this.#retries.push(key);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < this.#maxAtOnce && !this.#stop.signal.aborted) {
      // Instances that do not answer take seconds each: those that were never asked must not wait behind all of them.
      const isRetry = this.#fresh.length === 0 && this.#retrying < Math.max(1, this.#maxAtOnce / 2);
      const key = isRetry ? this.#retries.shift() : this.#fresh.shift();
      if (key === undefined) return;
      const task = this.#tasks.get(key);
      if (task === undefined || task.isRunning) continue;
      task.isRunning = true;
      this.#running++;
      if (isRetry) this.#retrying++;
      void this.#round(key, task).finally(() => {
        task.isRunning = false;
        this.#running--;
        if (isRetry) this.#retrying--;
        this.#pump();
      });
    }
  }

  async #round(key: string, task: Task): Promise<void> {
    const found = await this.#find(task);
    // Not wanted any more, or by another task.
    if (this.#stop.signal.aborted || this.#tasks.get(key) !== task) return;
    const { application } = task.wanted;
    if (found !== undefined) {
      this.#tasks.delete(key);
      this.#keep(key, found.services);
      this.#options.onChange(new Set([application]));
      return;
    }
    task.rounds++;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(task.rounds - 1, 10));
    task.timer = this.#clock.after(pauseMs, () => this.#again(key, task));
    if (task.rounds === FAILED_AFTER) this.#options.onChange(new Set([application]));
  }

  async #find(task: Task): Promise<MetadataInfo | undefined> {
    const { read, ask } = this.#options;
    const { application, revision, instances } = task.wanted;
    const reasons: string[] = [];
    const isLocal = instances.every(({ storage }) => storage === "local");
    const fromCentre = async (): Promise<MetadataInfo | undefined> => {
      if (read === undefined || isLoneRevision(revision)) return undefined;
      try {
        const text = await read(application, revision, this.#stop.signal);
        if (text === undefined) return undefined;
        const info = parseMetadataInfo(text);
        if (info === undefined) reasons.push("what the metadata centre has of it cannot be read");
        return info;
      } catch (error) {
        reasons.push(`metadata centre: ${reasonOf(error)}`);
        return undefined;
      }
    };
    const fromInstances = async (): Promise<MetadataInfo | undefined> => {
      if (ask === undefined) return undefined;
      let empty: MetadataInfo | undefined;
      for (let i = 0; i < Math.min(INSTANCES_A_ROUND, instances.length); i++) {
        const instance = instances[(task.next + i) % instances.length]!;
        try {
          const info = await ask(application, instance, this.#stop.signal);
          const where = `${instance.address}:${instance.port}`;
          if (info === undefined) reasons.push(`${where} does not know it`);
          else if (info.revision !== "" && info.revision !== revision)
            reasons.push(`${where} answers for revision ${cleanText(info.revision.slice(0, 12))}`);
          else if (info.services.length > 0) return info;
          // Others may know more: an instance says nothing of what it has not exported yet.
          else empty ??= info;
        } catch (error) {
          reasons.push(reasonOf(error));
        }
        if (this.#stop.signal.aborted) return undefined;
      }
      task.next += INSTANCES_A_ROUND;
      return empty;
    };
    const found = isLocal
      ? ((await fromInstances()) ?? (await fromCentre()))
      : ((await fromCentre()) ?? (await fromInstances()));
    task.failure = reasons[0] ?? "nobody knows it";
    return found;
  }

  #keep(key: string, services: readonly ApplicationService[]): void {
    this.#known.delete(key);
    this.#known.set(key, services);
    if (this.#known.size <= this.#maxKept) return;
    const wanted = new Set<string>();
    for (const keys of this.#byApplication.values()) for (const one of keys) wanted.add(one);
    for (const oldest of this.#known.keys()) {
      // A tenth at a time: looking for who is wanted costs as much as all of them.
      if (this.#known.size <= this.#maxKept * 0.9) break;
      if (!wanted.has(oldest)) this.#known.delete(oldest);
    }
  }
}

function keyOf(application: string, revision: string): string {
  return `${application}\n${revision}`;
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
