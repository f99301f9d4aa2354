import { steadyClock } from "../../base/clock.ts";
import type { Snapshot } from "../../model/snapshot.ts";
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
  readonly snapshot: () => Snapshot;
}

/**
 * Resolves once the snapshots have what every registry holds, or at the signal. Before that an empty or half a world would take from clients
 * elsewhere what they have from another server, or from before a restart of this one: they are better served with nothing at all.
 */
export async function whenWorldKnown({ state, snapshot }: KnownWorld, signal: AbortSignal): Promise<void> {
  let readAtMs: number | undefined;
  while (!signal.aborted) {
    const now = state();
    if (isRead(now)) {
      readAtMs ??= steadyClock.now();
      // Entries that rules make are among those of a snapshot, too.
      if (snapshot().entries.length >= now.entries.length && snapshot().entries.length > 0) return;
      if (steadyClock.now() - readAtMs >= SETTLE_MS) return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
