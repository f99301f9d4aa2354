import type { Entry, Finding } from "../../model/entry.ts";
import type { Rule } from "../../model/rule.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { ProxyStats } from "../../model/stats.ts";
import { analyzeRules } from "../rules/analyze.ts";
import type { RuleSet } from "../rules/rule-set.ts";
import type { AdminSources, FacadeStatus, RegistryStatus, WorkerStatus } from "./sources.ts";

/** Everything that the admin server shows, of one moment. */
export interface AdminState {
  readonly version: string;
  readonly notReady: readonly string[];
  readonly snapshot: Snapshot;
  readonly rules: RuleSet;
  /** Of rule files, of rules against the services known, and of registries. */
  readonly findings: readonly Finding[];
  readonly registries: readonly RegistryStatus[];
  readonly facades: readonly FacadeStatus[];
  readonly workers: readonly WorkerStatus[];
  readonly stats: readonly ProxyStats[];
}

/** Longest that workers are waited for, ms; those that have not answered by then are left out. */
const STATS_WAIT_MS = 2_000;

/** Analysis of the rules in force against the services known; made anew only when either changed. */
export function createAnalysis(): (snapshot: Snapshot) => readonly Finding[] {
  let last:
    | { readonly entries: readonly Entry[]; readonly rules: readonly Rule[]; readonly findings: readonly Finding[] }
    | undefined;
  return ({ entries, rules, protocols }) => {
    if (last?.entries !== entries || last.rules !== rules)
      last = { entries, rules, findings: analyzeRules(rules, entries, protocols) };
    return last.findings;
  };
}

/** Reads all sources at once. */
export async function readState(
  sources: AdminSources,
  analysis: (snapshot: Snapshot) => readonly Finding[],
): Promise<AdminState> {
  const stats = await withinTime(sources.stats());
  const snapshot = sources.snapshot();
  const rules = sources.rules();
  return {
    version: sources.version,
    notReady: sources.notReady(),
    snapshot,
    rules,
    findings: [...rules.findings, ...analysis(snapshot), ...sources.findings()],
    registries: sources.registries(),
    facades: sources.facades(),
    workers: sources.workers(),
    stats,
  };
}

async function withinTime(stats: ReturnType<AdminSources["stats"]>): Promise<readonly ProxyStats[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly ProxyStats[]>((resolve) => {
    timer = setTimeout(resolve, STATS_WAIT_MS, []);
  });
  try {
    return await Promise.race([Promise.resolve(stats).catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}
