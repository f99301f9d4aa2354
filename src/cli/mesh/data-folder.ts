import { type Clock, realClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { ControllerOptions } from "../../registry-sync/controller.ts";
import { createAuditLog } from "../../registry-sync/state/audit-log.ts";
import { type FolderLock, lockFolder } from "../../registry-sync/state/folder-lock.ts";
import { createStateStore } from "../../registry-sync/state/state-store.ts";
import type { TrestleConfig } from "../config/config.ts";

/** What the folder of `data` gives a sync. */
export interface DataFolder {
  /** For the controller; nothing where there is no folder. */
  readonly parts: Pick<ControllerOptions, "memory" | "onApplied">;
  /** Takes the folder for this process alone, before any of the parts is used. Throws a `ConfigError` where another process has it. */
  lock(): void;
  /** Writes what is still waiting, and lets go of the folder. */
  close(): Promise<void>;
}

/** Opens the folder of `data`: the last good state and the audit log of what was written to outputs. */
export function openData(
  { data, outputs }: Pick<TrestleConfig, "data" | "outputs">,
  logger: Logger,
  clock: Clock = realClock,
): DataFolder {
  if (data === undefined) return { parts: {}, lock() {}, close: async () => {} };
  let lock: FolderLock | undefined;
  const memory = createStateStore({ directory: data, clock, logger });
  const audit = createAuditLog({ directory: data, clock, logger });
  return {
    parts: {
      memory,
      onApplied: (sink, changes, state) => {
        // The control store has the same changes as the outputs, and is made anew at each start.
        if (sink !== "control" || outputs.length === 0) audit.note(sink, changes, state);
      },
    },
    lock() {
      lock = lockFolder(data, { logger });
    },
    async close() {
      await Promise.all([memory.close(), audit.close()]);
      lock?.close();
    },
  };
}
