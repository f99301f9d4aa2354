import type { RawInstance } from "../../../codecs/eureka/document.ts";
import type { EurekaAction } from "../../../codecs/eureka/instance.ts";
import type { ShownInstance, ShownList } from "../../present/eureka.ts";

/** A change of what is shown, with the instance as it is, or was when it went. */
export interface ShownChange {
  readonly instance: ShownInstance;
  readonly action: EurekaAction;
}

/** How long changes are told in deltas, ms: as long as a server does (retentionTimeInMSInDeltaQueue). */
export const DELTA_WINDOW_MS = 180_000;
/** More changes than this within the window are not told: clients are made to ask for the whole list instead. */
const MAX_CHANGES = 20_000;

interface Kept extends ShownChange {
  readonly atMs: number;
}

/** What changed lately in what is shown: of each instance the last change. */
export class ShownHistory {
  readonly #maxChanges: number;
  #shown: ShownList | undefined;
  #contents = new Map<string, string>();
  /** Oldest first. */
  readonly #changes = new Map<string, Kept>();
  #version = 1;
  #lostMs = Number.NEGATIVE_INFINITY;

  constructor(maxChanges = MAX_CHANGES) {
    this.#maxChanges = maxChanges;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** Who was told what was shown before this time, ms since 1970, cannot be told by a delta what changed since. */
  get lostMs(): number {
    return this.#lostMs;
  }

  /** Takes what is shown now. The first list is no change. */
  take(list: ShownList, nowMs: number): void {
    const before = this.#shown;
    if (list === before) return;
    const contents = new Map<string, string>();
    const changes: [string, ShownChange][] = [];
    for (const [key, instance] of list.instances) {
      const known = before?.instances.get(key);
      const text = known?.raw === instance.raw ? this.#contents.get(key)! : contentOf(instance.raw);
      contents.set(key, text);
      if (known === undefined) changes.push([key, { instance, action: "ADDED" }]);
      else if (text !== this.#contents.get(key)) changes.push([key, { instance, action: "MODIFIED" }]);
    }
    for (const [key, instance] of before?.instances ?? []) {
      if (!list.instances.has(key)) changes.push([key, { instance, action: "DELETED" }]);
    }
    this.#shown = list;
    this.#contents = contents;
    if (before === undefined || changes.length === 0) return;
    this.#version++;
    for (const [key, change] of changes) {
      this.#changes.delete(key);
      this.#changes.set(key, { ...change, atMs: nowMs });
    }
    if (this.#changes.size <= this.#maxChanges) return;
    this.#changes.clear();
    this.#lostMs = nowMs;
  }

  /** What changed within the window, oldest first. */
  changes(nowMs: number): readonly ShownChange[] {
    for (const [key, { atMs }] of this.#changes) {
      if (nowMs - atMs < DELTA_WINDOW_MS) break;
      this.#changes.delete(key);
    }
    return [...this.#changes.values()];
  }
}

/** What of an instance makes a change: renewals and times do not, as at a server. */
function contentOf(raw: RawInstance): string {
  const { leaseInfo: _, lastUpdatedTimestamp: __, lastDirtyTimestamp: ___, actionType: ____, ...rest } = raw;
  return JSON.stringify(rest);
}
