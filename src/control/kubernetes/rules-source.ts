import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { Latest } from "../../base/latest.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { pause } from "../../base/pause.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import { reflect } from "../../kubernetes/reflector.ts";
import { isSameSet, tellChange } from "../rule-changes.ts";
import { joinFiles, NO_RULES, type RuleSet } from "../rules/rule-set.ts";
import { type Absence, askAbsence, discover } from "./discover.ts";
import { SourceFaults } from "./faults.ts";
import { isSecurity, nameOfResource, RULE_RESOURCES, type ServedResource } from "./kinds.ts";
import { type RuleObject, RuleObjects } from "./objects.ts";

/** The objects of a cluster that are rules, followed. */
export interface RulesSource {
  /** The rules in force; `loaded` once every kind that the server has was read, or is known to be refused and is none of security. */
  readonly current: Latest<RuleSet>;
  /** The objects as they are stored now. */
  objects(): readonly RuleObject[];
  /** Ends everything. */
  close(): Promise<void>;
}

/** Which cluster is followed, and what of it. */
export interface RulesSourceOptions {
  /** What it is called in findings, such as `kubernetes://`. */
  readonly name: string;
  /** Stands behind the names of its objects, where there are other clusters; without spaces. */
  readonly mark?: string;
  readonly api: KubernetesApi;
  /** Namespaces whose objects count; all where there is none. */
  readonly namespaces?: readonly string[];
  /** Kinds of security that may not be read hold nothing up, and count as gone when they are not listed; required unless told. */
  readonly optionalPolicies?: boolean;
  /** Objects changed, their status among it. */
  readonly onObjects?: () => void;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Changes are taken together for this time, ms: tools write many objects at once. */
const QUIET_MS = 30;
/** How often it is looked which kinds the server has, ms. */
const DISCOVER_MS = 10_000;
/** How soon while something is not answered, twice as long after each time, up to the former, ms. */
const RETRY_MS = 2_000;
/** Looks without a kind before it counts as gone: one may meet a server that is still starting. */
const MISSES = 2;
/** Kinds without which calls might be let through. */
const SECURITY = RULE_RESOURCES.filter(isSecurity).map(nameOfResource);

/**
 * Follows every kind of rules that a cluster has, from the time on at which it has it. An object that is wrong keeps its last good state;
 * while nobody answers, everything does.
 */
export function createRulesSource(options: RulesSourceOptions): RulesSource {
  return new Follower(options);
}

const WHY = {
  defined: "its CustomResourceDefinition is there",
  unknown: "the right to get its CustomResourceDefinition, which would say whether it is gone, is missing",
  unanswered: "whether its CustomResourceDefinition is there was not answered",
} as const;
const definitionOf = (name: string) => `the definition of ${name}`;
/** What is asked for before all kinds. */
const DISCOVERY = "the kinds of the cluster";

interface Followed {
  readonly resource: ServedResource;
  readonly stop: AbortController;
  /** What its lists are called. */
  readonly lists: readonly string[];
  readonly done: Promise<unknown>;
  misses: number;
}

class Follower implements RulesSource {
  readonly current = new Latest<RuleSet>(NO_RULES);
  readonly #options: RulesSourceOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #objects: RuleObjects;
  readonly #faults: SourceFaults;
  readonly #followed = new Map<string, Followed>();
  /** What lists were read. */
  readonly #read = new Set<string>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #isDiscovered = false;
  /** Kinds of security that the server does not list: what it says of their definitions, and how often they were missed. */
  readonly #absent = new Map<string, { readonly absence: Absence | "unanswered"; readonly misses: number }>();
  #timer: Timer | undefined;

  constructor(options: RulesSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#log = options.log ?? silentLogger;
    const { mark, optionalPolicies } = options;
    this.#objects = new RuleObjects(mark, () => optionalPolicies !== true && !this.current.get().loaded);
    this.#faults = new SourceFaults(options.name);
    this.#running = this.#discoverOften();
  }

  objects(): readonly RuleObject[] {
    return this.#objects.all();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    for (const { stop } of this.#followed.values()) stop.abort();
    await Promise.all([this.#running, ...[...this.#followed.values()].map(({ done }) => done)]);
    this.current.close();
  }

  async #discoverOften(): Promise<void> {
    const { signal } = this.#stop;
    let retryMs = RETRY_MS;
    while (!signal.aborted) {
      try {
        const served = await discover(this.#options.api, signal);
        await this.#lookForSecurity(served, signal);
        this.#take(served);
        this.#worked(DISCOVERY);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(DISCOVERY, error);
      }
      const isSoon = this.#faults.has(DISCOVERY) || !this.#isSecurityKnown;
      await pause(this.#clock, isSoon ? retryMs : DISCOVER_MS, signal);
      retryMs = isSoon ? Math.min(2 * retryMs, DISCOVER_MS) : RETRY_MS;
    }
  }

  /** Whether kinds of security that are not listed are gone is asked of their definitions. */
  async #lookForSecurity(served: ReadonlyMap<string, ServedResource>, signal: AbortSignal): Promise<void> {
    if (this.#options.optionalPolicies === true) return;
    for (const name of SECURITY) {
      const before = this.#absent.get(name);
      if (served.has(name)) this.#absent.delete(name);
      else if (before?.absence !== "certain" || this.#followed.has(name))
        this.#absent.set(name, { absence: await this.#askAbsence(name, signal), misses: (before?.misses ?? 0) + 1 });
      if (this.#absent.get(name)?.absence !== "unanswered") this.#worked(definitionOf(name));
    }
  }

  /** What is not answered of one kind holds up what hangs on it, and nothing else. */
  async #askAbsence(name: string, signal: AbortSignal): Promise<Absence | "unanswered"> {
    try {
      return await askAbsence(this.#options.api, name, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#failed(definitionOf(name), error);
      return "unanswered";
    }
  }

  /** Whether what is not listed of security is not there: by its definition, or where that may not be asked for, by looking twice. */
  get #isSecurityKnown(): boolean {
    return [...this.#absent.values()].every(
      ({ absence, misses }) => absence === "certain" || (absence === "unknown" && misses >= MISSES),
    );
  }

  /** Whether a kind that was followed may be forgotten. */
  #isGone(name: string, misses: number): boolean {
    return misses >= MISSES && (this.#absent.get(name)?.absence ?? "certain") === "certain";
  }

  #take(served: ReadonlyMap<string, ServedResource>): void {
    for (const [name, followed] of this.#followed) {
      const { version, hasStatus } = followed.resource;
      const now = served.get(name);
      followed.misses = now === undefined ? followed.misses + 1 : 0;
      const isOther = now !== undefined && (now.version !== version || now.hasStatus !== hasStatus);
      if (!isOther && !this.#isGone(name, followed.misses)) continue;
      followed.stop.abort();
      this.#followed.delete(name);
      for (const list of followed.lists) {
        this.#read.delete(list);
        this.#faults.worked(list);
      }
      if (now === undefined) {
        this.#objects.forget(followed.resource);
        this.#log.info("the cluster has a kind of rules no more", { kind: name });
      }
    }
    for (const [name, resource] of served)
      if (!this.#followed.has(name)) this.#followed.set(name, this.#follow(resource));
    this.#faults.served(new Set(served.keys()));
    this.#faults.unserved(this.#unserved());
    this.#isDiscovered = true;
    this.#changed();
  }

  /** Kinds of security that may be there, and what is made of that. */
  #unserved(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const [name, { absence }] of this.#absent) {
      const isKept = this.#followed.has(name);
      if (absence === "certain" || (!isKept && (absence === "unknown" || this.current.get().loaded))) continue;
      const why = WHY[absence];
      const what = isKept ? "what was read before stays in force" : "no rule of the cluster is taken up before it is";
      found.set(name, `${why}: ${what}`);
    }
    return found;
  }

  #follow(resource: ServedResource): Followed {
    const { namespaces = [], api } = this.#options;
    const stop = new AbortController();
    const all = namespaces.length === 0 ? [undefined] : namespaces;
    const base = `/apis/${resource.group}/${resource.version}`;
    const lists: string[] = [];
    const done = all.map((namespace) => {
      const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
      const path = `${base}${within}/${resource.plural}`;
      const what = `${nameOfResource(resource)}${namespace === undefined ? "" : ` of namespace ${namespace}`}`;
      lists.push(what);
      return reflect({
        ...{ api, path, query: "", clock: this.#clock, signal: stop.signal },
        onList: (objects) => {
          this.#objects.replace(resource, namespace, objects);
          this.#read.add(what);
          this.#changed();
        },
        onObject: (object, isDeleted) => {
          if (isDeleted) this.#objects.remove(resource, object);
          else this.#objects.put(resource, object);
          this.#changed();
        },
        onAnswer: () => this.#worked(what),
        onFailure: (error) => this.#failed(what, error),
      });
    });
    return { resource, stop, lists, done: Promise.all(done), misses: 0 };
  }

  #worked(what: string): void {
    if (!this.#faults.worked(what)) return;
    this.#log.info("rules are read again", { of: what });
    this.#changed();
  }

  #failed(what: string, error: unknown): void {
    if (this.#faults.failed(what, error)) this.#changed();
  }

  /** Whether each kind was read once, or never will be and need not. */
  get #isLoaded(): boolean {
    if (!this.#isDiscovered || !this.#isSecurityKnown || this.#needed().size > 0) return false;
    const lists = [...this.#followed.values()].flatMap((one) => one.lists);
    return lists.every((list) => this.#read.has(list) || this.#faults.isRefused(list));
  }

  /** The lists of security that were not read yet. */
  #needed(): ReadonlySet<string> {
    if (this.#options.optionalPolicies === true) return new Set();
    const followed = [...this.#followed.values()].filter(({ resource }) => isSecurity(resource));
    return new Set(followed.flatMap(({ lists }) => lists).filter((list) => !this.#read.has(list)));
  }

  #changed(): void {
    this.#timer ??= this.#clock.after(QUIET_MS, () => {
      this.#timer = undefined;
      if (!this.#stop.signal.aborted) this.#publish();
    });
  }

  #publish(): void {
    const before = this.current.get();
    const faults = this.#faults.findings(before.loaded ? undefined : this.#needed());
    const states = this.#objects.all().map(({ state }) => state);
    // Half of the rules would be other rules.
    const next = before.loaded || this.#isLoaded ? joinFiles(states, faults) : { ...NO_RULES, findings: faults };
    if (!isSameSet(before, next)) {
      tellChange(before, next, this.#log, true);
      this.current.set(next);
    }
    this.#options.onObjects?.();
  }
}
