import { steadyClock } from "../../base/clock.ts";
import type { RuleSet } from "../../control/rules/rule-set.ts";
import type { ControlStore } from "../../control/store.ts";
import type { SyncState } from "../../registry-sync/contracts.ts";

/** How long what was read may take to come to the snapshots, ms. */
const SETTLE_MS = 1_000;
const LOOK_MS = 20;

/** Registries of which nothing is known, not even from before the start. */
export function unread({ silent, restored }: SyncState): readonly string[] {
  return [...silent].filter((name) => !restored.has(name));
}

/** Whether something is known of every registry. */
export function isRead(state: SyncState | undefined): state is SyncState {
  return state !== undefined && unread(state).length === 0;
}

/** Where to look for what is known by now. */
export interface KnownWorld {
  readonly state: () => SyncState | undefined;
  readonly store: Pick<ControlStore, "flush" | "snapshots">;
  /** Those that the store is given. */
  readonly rules: () => Pick<RuleSet, "loaded">;
}

/**
 * Resolves once the snapshots have what every registry holds and all rules, or at the signal. Before that an empty or half a world, or one
 * without its policies, would take from clients elsewhere what they have from another server, or from before a restart of this one: they are
 * better served with nothing at all.
 */
export async function whenWorldKnown({ state, store, rules }: KnownWorld, signal: AbortSignal): Promise<void> {
  let readAtMs: number | undefined;
  let hasRules = false;
  while (!signal.aborted) {
    const now = state();
    // Rules that were read since the last look are on their way to the store.
    if (isRead(now) && hasRules) {
      store.flush();
      const { entries } = store.snapshots.get();
      readAtMs ??= steadyClock.now();
      // Entries that rules make are among those of a snapshot, too.
      if (entries.length >= now.entries.length && entries.length > 0) return;
      if (steadyClock.now() - readAtMs >= SETTLE_MS) return;
    }
    hasRules = rules().loaded;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
