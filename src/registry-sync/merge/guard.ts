import { BlockList, sameItems } from "../../base/block-list.ts";
import type { Endpoint, Entry, Finding, World } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { compareEndpoints, endpointId } from "../dubbo/endpoint.ts";
import { finding } from "../findings.ts";
import { LossCount } from "./loss-count.ts";

/** When losses are held, and how long. */
export interface GuardSettings {
  /** Losses within this time count as one. */
  readonly windowMs: number;
  /** How long a sudden loss is held before it is believed. */
  readonly holdMs: number;
  /** A loss of fewer instances passes. */
  readonly leastLost: number;
  /** A loss of no more than this share passes; between 0 and 1. */
  readonly passingShare: number;
  /** For how long after the registry was out of reach any loss is held, ms: sessions that ended meanwhile are made anew. */
  readonly graceMs: number;
  /** How long a service without providers is kept as an entry with an empty list. */
  readonly emptyMs: number;
}

/** Defaults: more than half and at least 5 are held for 5 minutes; after an outage of the registry any loss for half a minute. */
export const DEFAULT_GUARD: GuardSettings = {
  windowMs: 10_000,
  holdMs: 300_000,
  leastLost: 5,
  passingShare: 0.5,
  graceMs: 30_000,
  emptyMs: 300_000,
};

/** A guard's word on a world. */
export interface Guarded {
  /** The world with what is held put back, entries by host, and the guard's findings added. */
  readonly world: World;
  /** How many endpoints stand in it only because they are held. */
  readonly held: number;
  /** When {@link Guard.update} must be called again though nothing came, ms since 1970; undefined for never. */
  readonly dueMs: number | undefined;
}

/** Keeps one registry's sudden losses from emptying the mesh. */
export interface Guard {
  /**
   * What the registry held before this start, as a sink kept it; once, before its first world, else it is ignored. What went since is
   * weighed like a loss at run time, here over services too; what is not held is gone at once, without an empty entry left behind.
   */
  remember(entries: readonly Entry[], nowMs: number): void;
  /** Takes the registry's newest world (or none, because time passed). */
  update(world: World | undefined, nowMs: number): Guarded;
  /** Someone saw these instances (`address:port`) leave on purpose; their removal passes at once, before or after it is seen. */
  expect(instances: Iterable<string>, nowMs: number): void;
  /** The registry was lost, or is back: what it is missing for the next `graceMs` is held. Nothing before its first world. */
  disturbed(nowMs: number): void;
}

interface Missing {
  readonly endpoint: Endpoint;
  readonly sinceMs: number;
}

/** What is known of one service. */
interface Memory {
  /** As the registry has it now; endpoints empty where it is gone. */
  given: Entry;
  /** As it was shown last. */
  shown: Entry | undefined;
  readonly missing: Map<string, Missing>;
  readonly loss: LossCount;
  readonly settings: GuardSettings;
  holding: boolean;
  emptySinceMs: number;
  /** Whether the registry's newest world has no such entry. */
  isGone: boolean;
}

/**
 * The guard of one registry: pure state, the time is passed in.
 *
 * **Explicit deletion or sudden loss?** In ZooKeeper a clean stop, an unregistration and an expired session look the same:
 * an ephemeral node is gone. A deletion counts as explicit when
 * - the node was not ephemeral (`dynamic=false`): no session's end can have taken it;
 * - somebody who saw the provider's own request says so ({@link Guard.expect}: a facade saw it delete its node or close its session);
 * - `disabled` or `enabled=false` takes the provider out: the endpoint is then still there, marked;
 * - within the window as many new instances came as old ones went: a replacement, not a loss;
 * - it is small: under `leastLost` instances, or no more than `passingShare` of those that were there.
 *
 * Everything else (more than half and at least five within `windowMs`, counted over a service's endpoints and over the
 * registry's distinct `address:port`) is a sudden loss: what went is put back until it has been gone for `holdMs`, comes
 * back, or is replaced. After the registry itself was out of reach any loss is held for `graceMs`: a server that comes back
 * without its sessions, or without its data, has few providers until they have registered again. Callers skip held endpoints that
 * refuse connections. What a sink kept from before the start ({@link Guard.remember}) counts as what was there before the first
 * world: a registry that was emptied, or is another one, while Trestle was down is not believed at once either. There services are
 * counted as well, for a few instances may have offered all of them. A service whose last provider is truly gone stays as an entry with an empty list for `emptyMs`, so that late callers are told "no provider", then goes.
 *
 * `settingsOf` gives services settings of their own: for the loss of a service's own endpoints, which of them a loss of the whole registry
 * holds (where theirs hold nothing, it does not), how long each is held, and how long an empty entry stays.
 *
 * An update costs what changed, plus a comparison of references over the world's entries.
 */
export function createGuard(
  settings: GuardSettings = DEFAULT_GUARD,
  settingsOf: (service: ServiceKey) => GuardSettings = () => settings,
): Guard {
  return new LossGuard(settings, settingsOf);
}

class LossGuard implements Guard {
  readonly #settings: GuardSettings;
  readonly #settingsOf: (service: ServiceKey) => GuardSettings;
  readonly #memories = new Map<string, Memory>();
  /** Services with something missing or nothing left: they change by time alone. */
  readonly #restless = new Set<string>();
  readonly #instances = new Map<string, number>();
  readonly #loss: LossCount;
  /** Remembered services that the first world had no provider of. */
  readonly #lostServices = new LossCount();
  readonly #expected = new Map<string, number>();
  readonly #shown = new BlockList<Entry>();
  #last: World | undefined;
  #holding = false;
  #wasHolding = false;
  #isInGrace = false;
  #steadyAtMs = 0;
  #started = false;
  /** Whether something is known that a newcomer may take the place of. */
  #weighs = false;
  #newestMs = Number.NEGATIVE_INFINITY;
  /** How far the clock was set back since the start, ms: what is held must not be held for longer by it. */
  #setBackMs = 0;

  constructor(settings: GuardSettings, settingsOf: (service: ServiceKey) => GuardSettings) {
    this.#settings = settings;
    this.#settingsOf = settingsOf;
    this.#loss = new LossCount();
  }

  remember(entries: readonly Entry[], clockMs: number): void {
    if (this.#started || this.#weighs || entries.length === 0) return;
    const nowMs = this.#steady(clockMs);
    for (const entry of entries) {
      this.#take(memoryKey(entry), entry, nowMs);
      this.#lostServices.come(memoryKey(entry), nowMs, true);
    }
    this.#last = Object.freeze({ name: "", entries, consumers: [], findings: [] });
    this.#weighs = true;
  }

  expect(instances: Iterable<string>, clockMs: number): void {
    const nowMs = this.#steady(clockMs);
    for (const instance of instances) {
      this.#expected.set(instance, nowMs + this.#settings.holdMs);
      this.#loss.settle(instance);
    }
  }

  disturbed(clockMs: number): void {
    if (this.#started) this.#steadyAtMs = this.#steady(clockMs) + this.#settings.graceMs;
  }

  update(world: World | undefined, clockMs: number): Guarded {
    const nowMs = this.#steady(clockMs);
    for (const [instance, untilMs] of this.#expected) if (untilMs <= nowMs) this.#expected.delete(instance);
    this.#wasHolding = this.#holding || this.#isInGrace;
    this.#isInGrace = nowMs < this.#steadyAtMs;
    this.#forget(this.#loss, this.#wasHolding, nowMs);
    const touched = new Set(this.#restless);
    if (world !== undefined && world !== this.#last) {
      for (const [key, entry] of changedEntries(this.#last?.entries ?? [], world.entries)) {
        const isNew = !this.#memories.has(key);
        this.#take(key, entry, nowMs);
        if (!this.#started && this.#weighs) this.#countService(key, isNew, nowMs);
        touched.add(key);
      }
      this.#last = world;
      this.#started = true;
      this.#weighs = true;
    }
    for (const key of touched) if (!this.#isLost(key)) this.#lostServices.settle(key);
    this.#holding = this.#judge(this.#loss, this.#wasHolding, nowMs);
    this.#holding = this.#judge(this.#lostServices, this.#wasHolding, nowMs) || this.#holding;
    for (const key of touched) this.#settle(key, nowMs);
    return this.#answer(nowMs);
  }

  /** Time that never goes back. */
  #steady(clockMs: number): number {
    this.#setBackMs = Math.max(this.#setBackMs, this.#newestMs - clockMs);
    this.#newestMs = clockMs + this.#setBackMs;
    return this.#newestMs;
  }

  #take(key: string, entry: Entry | undefined, nowMs: number): void {
    const memory = this.#memories.get(key);
    if (memory === undefined && entry === undefined) return;
    const before = memory?.given ?? { ...entry!, endpoints: [] };
    const given = entry ?? Object.freeze({ ...before, endpoints: [] });
    const one = memory ?? createMemory(given, this.#settingsOf(given.service));
    this.#memories.set(key, one);
    one.given = given;
    one.isGone = entry === undefined;
    this.#forget(one.loss, one.holding || this.#wasHolding, nowMs, one.settings);
    const old = new Map(before.endpoints.map((endpoint) => [endpointId(endpoint), endpoint]));
    for (const endpoint of given.endpoints) {
      const id = endpointId(endpoint);
      if (old.delete(id)) continue;
      one.missing.delete(id);
      one.loss.come(id, nowMs, !this.#weighs || memory === undefined);
      this.#count(endpoint, 1, nowMs);
    }
    for (const [id, endpoint] of old) {
      const explicit = this.#isExplicit(endpoint);
      one.loss.go(id, nowMs, explicit);
      if (!explicit) one.missing.set(id, { endpoint, sinceMs: nowMs });
      this.#count(endpoint, -1, nowMs, explicit);
    }
  }

  #count(endpoint: Endpoint, step: 1 | -1, nowMs: number, explicit = false): void {
    const instance = instanceOf(endpoint);
    const count = (this.#instances.get(instance) ?? 0) + step;
    if (count > 0) this.#instances.set(instance, count);
    else this.#instances.delete(instance);
    if (step === 1 && count === 1) {
      this.#expected.delete(instance);
      this.#loss.come(instance, nowMs, !this.#weighs);
    }
    if (step === -1 && count === 0) this.#loss.go(instance, nowMs, explicit);
  }

  /** Weighs a service of the first world against those that are remembered. */
  #countService(key: string, isNew: boolean, nowMs: number): void {
    const isEmpty = this.#memories.get(key)?.given.endpoints.length === 0;
    if (isNew && !isEmpty) this.#lostServices.come(key, nowMs, false);
    else if (!isNew && isEmpty) this.#lostServices.go(key, nowMs, false);
  }

  /** Whether a service has no provider left and did not lose them on purpose. */
  #isLost(key: string): boolean {
    const memory = this.#memories.get(key);
    if (memory === undefined || memory.given.endpoints.length > 0) return false;
    return [...memory.missing.values()].some(({ endpoint }) => !this.#expected.has(instanceOf(endpoint)));
  }

  #isExplicit(endpoint: Endpoint): boolean {
    return endpoint.params["dynamic"] === "false" || this.#expected.has(instanceOf(endpoint));
  }

  /** Drops what came or went too long ago to be weighed; while losses are held all since then counts. */
  #forget(loss: LossCount, holding: boolean, nowMs: number, settings = this.#settings): void {
    loss.forget(nowMs - (holding ? settings.holdMs : settings.windowMs));
  }

  /** Whether losses are held now. */
  #judge(loss: LossCount, holding: boolean, nowMs: number, settings = this.#settings): boolean {
    this.#forget(loss, holding, nowMs, settings);
    return this.#isSudden(loss, settings);
  }

  #isSudden(loss: LossCount, { leastLost, passingShare }: GuardSettings = this.#settings): boolean {
    const lost = loss.netLost();
    return lost >= leastLost && lost > loss.sizeBefore() * passingShare;
  }

  /** Brings what is shown of a service up to date. */
  #settle(key: string, nowMs: number): void {
    const memory = this.#memories.get(key);
    if (memory === undefined) return;
    const wasHeld = memory.holding || this.#wasHolding;
    const { settings } = memory;
    const keptMs = wasHeld ? settings.holdMs : settings.windowMs;
    for (const [id, { endpoint, sinceMs }] of memory.missing) {
      if (!this.#expected.has(instanceOf(endpoint)) && sinceMs + keptMs > nowMs) continue;
      memory.missing.delete(id);
      memory.loss.settle(id);
    }
    memory.holding = settings.holdMs > 0 && this.#judge(memory.loss, wasHeld, nowMs, settings);
    const wasShown = memory.shown !== undefined;
    const shown = this.#show(memory, this.#holds(memory));
    const empty = shown.endpoints.length === 0;
    memory.emptySinceMs = empty ? memory.emptySinceMs || nowMs : 0;
    const isOver = memory.emptySinceMs + settings.emptyMs <= nowMs || (memory.isGone && !wasShown);
    const gone = empty && isOver;
    this.#shown.replace(key, gone ? [] : [shown]);
    if (gone) this.#memories.delete(key);
    if (!gone && (memory.missing.size > 0 || empty)) this.#restless.add(key);
    else this.#restless.delete(key);
  }

  /** Whether what a service is missing is shown nevertheless. */
  #holds({ holding, settings }: Memory): boolean {
    return holding || (this.#holding && settings.holdMs > 0) || (this.#isInGrace && settings.graceMs > 0);
  }

  /** What a service shows now; the object shown before where it says the same. */
  #show(memory: Memory, holding: boolean): Entry {
    const next = holding ? withHeld(memory) : memory.given;
    const before = memory.shown;
    const isSame = before?.routing === next.routing && before !== undefined;
    memory.shown = isSame && sameItems(before.endpoints, next.endpoints) ? before : next;
    return memory.shown;
  }

  #answer(nowMs: number): Guarded {
    const findings: Finding[] = [];
    let held = 0;
    let dueMs: number | undefined;
    const due = (ms: number) => {
      if (ms > nowMs && (dueMs === undefined || ms < dueMs)) dueMs = ms;
    };
    for (const key of this.#restless) {
      const memory = this.#memories.get(key)!;
      if (this.#holds(memory)) {
        held += memory.missing.size;
        for (const { sinceMs } of memory.missing.values()) due(sinceMs + memory.settings.holdMs);
      }
      if (memory.emptySinceMs > 0) due(memory.emptySinceMs + memory.settings.emptyMs);
      if (memory.holding) findings.push(this.#heldService(memory));
    }
    if (this.#isInGrace && held > 0) {
      due(this.#steadyAtMs);
      const message = `registry ${this.#last?.name} was out of reach; ${held} providers that it lost are held for now`;
      findings.push(finding("TR0152", message, this.#last?.name ?? ""));
    }
    if (this.#holding) {
      const [what, loss] = this.#isSudden(this.#loss) ? ["instances", this.#loss] : ["services", this.#lostServices];
      const text = `lost ${loss.netLost()} of ${loss.sizeBefore()} ${what} at once`;
      const message = `registry ${this.#last?.name} ${text}; they are held for ${this.#settings.holdMs / 1_000} s`;
      findings.push(finding("TR0151", message, this.#last?.name ?? ""));
    }
    const last = this.#last ?? { name: "", entries: [], consumers: [], findings: [] };
    const all = findings.length > 0 ? [...last.findings, ...findings] : last.findings;
    const world = Object.freeze({ ...last, entries: this.#shown.get(), findings: all });
    return { world, held, dueMs: dueMs === undefined ? undefined : dueMs - this.#setBackMs };
  }

  #heldService(memory: Memory): Finding {
    const key = printServiceKey(memory.given.service);
    const text = `lost ${memory.missing.size} of ${memory.missing.size + memory.given.endpoints.length} providers at once`;
    return finding("TR0150", `${key} ${text}; they are held for ${memory.settings.holdMs / 1_000} s`, key);
  }
}

function createMemory(given: Entry, settings: GuardSettings): Memory {
  return {
    given,
    settings,
    shown: undefined,
    missing: new Map(),
    loss: new LossCount(),
    holding: false,
    emptySinceMs: 0,
    isGone: false,
  };
}

/** Names a service within a registry and sorts by host: two keys may share a host until the merge. */
function memoryKey(entry: Entry): string {
  return `${entry.host} ${printServiceKey(entry.service)}`;
}

function withHeld(memory: Memory): Entry {
  if (memory.missing.size === 0) return memory.given;
  const held = [...memory.missing.values()].map(({ endpoint }) => endpoint);
  const endpoints = Object.freeze([...memory.given.endpoints, ...held].sort(compareEndpoints));
  return Object.freeze({ ...memory.given, endpoints });
}

function instanceOf(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`;
}

/** Services whose entry is another object than before, with the new entry or undefined. */
function changedEntries(before: readonly Entry[], after: readonly Entry[]): ReadonlyMap<string, Entry | undefined> {
  const { gone, came } = entryChanges(before, after);
  const changed = new Map<string, Entry | undefined>();
  for (const entry of gone) changed.set(memoryKey(entry), undefined);
  for (const entry of came) changed.set(memoryKey(entry), entry);
  return changed;
}
