import type { Finding } from "../../model/entry.ts";
import type { Passed } from "../present/present.ts";

/** Most findings that one facade reports for one context. */
const MAX_FINDINGS = 1_000;

/** Turns what passes unchanged into findings, each told once. */
export interface Findings {
  readonly note: (passed: Passed) => void;
  /** Starts anew, as for a new context. */
  forget(): void;
}

/** Findings of names that consumers are shown as the registry has them (`TR0501`). */
export function createFindings(onFinding: (finding: Finding) => void): Findings {
  const told = new Set<string>();
  return {
    note({ reason, at }) {
      const key = `${at}\n${reason}`;
      if (told.has(key) || told.size >= MAX_FINDINGS) return;
      told.add(key);
      onFinding({ code: "TR0501", severity: "info", message: `not led through the proxy: ${reason}`, at });
    },
    forget: () => told.clear(),
  };
}
