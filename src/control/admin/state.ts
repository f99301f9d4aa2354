import type { Entry, Finding } from "../../model/entry.ts";
import type { Rule } from "../../model/rule.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { ProxyStats } from "../../model/stats.ts";
import { type AnalyzedMesh, analyzeRules } from "../rules/analyze/analyze.ts";
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

/** Analysis of rules against services, and of those that are not led through the proxy why. */
export type Analysis = (snapshot: Snapshot, notLed: ReadonlyMap<string, string>) => readonly Finding[];

/** Analysis of the rules in force against the services known; made anew only when any of it changed. */
export function createAnalysis(mesh?: AnalyzedMesh): Analysis {
  let last:
    | {
        readonly entries: readonly Entry[];
        readonly rules: readonly Rule[];
        readonly notLed: ReadonlyMap<string, string>;
        readonly findings: readonly Finding[];
      }
    | undefined;
  return ({ entries, rules, protocols }, notLed) => {
    if (last?.entries !== entries || last.rules !== rules || !sameReasons(last.notLed, notLed))
      last = { entries, rules, notLed, findings: analyzeRules(rules, entries, protocols, notLed, mesh) };
    return last.findings;
  };
}

function sameReasons(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, reason]) => b.get(key) === reason);
}

/** Reads all sources at once. */
export async function readState(sources: AdminSources, analysis: Analysis): Promise<AdminState> {
  const stats = await withinTime(sources.stats());
  const snapshot = sources.snapshot();
  const rules = sources.rules();
  return {
    version: sources.version,
    notReady: sources.notReady(),
    snapshot,
    rules,
    findings: [...rules.findings, ...analysis(snapshot, sources.notLed()), ...sources.findings()],
    registries: sources.registries(),
    facades: sources.facades(),
    workers: sources.workers(),
    stats,
  };
}

/** What the workers counted; without those that did not answer in time. */
export async function withinTime(stats: ReturnType<AdminSources["stats"]>): Promise<readonly ProxyStats[]> {
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
