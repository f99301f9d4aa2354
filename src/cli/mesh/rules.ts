import { realClock } from "../../base/clock.ts";
import { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import { createStop } from "../../base/stop.ts";
import { createRulesSource, type RulesSource } from "../../control/kubernetes/rules-source.ts";
import { StatusWriter } from "../../control/kubernetes/status/writer.ts";
import { createRuleFiles, type RuleFiles } from "../../control/rule-files.ts";
import { type AnalyzedMesh, analyzeRules } from "../../control/rules/analyze/analyze.ts";
import { joinFiles, NO_RULES, type RuleSet } from "../../control/rules/rule-set.ts";
import { openKubernetes } from "../../kubernetes/client.ts";
import { renewingApi } from "../../kubernetes/renewing-api.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { SyncState } from "../../registry-sync/contracts.ts";
import type { TrestleConfig } from "../config/config.ts";
import { type ClusterPlace, isCluster, parseCluster } from "../config/rule-places.ts";

/** How long a start waits for clusters to have been read, ms. */
const FIRST_READ_MS = 5_000;
/** How long somebody waits who reads them once, ms. */
const READ_MS = 30_000;
/** Services come and go all the time, and seldom mean another thing for a rule: statuses follow them this much later, ms. */
const SERVICES_QUIET_MS = 10_000;

/** Where rules come from, and who says what is wrong with them. */
export interface RulesOptions {
  /** Items of `rules`: paths, and URLs of clusters. */
  readonly places: readonly string[];
  readonly log: Logger;
  /** What is wrong with the rules that are in force, for those who wrote them; undefined while that is not known. Without it no status is written. */
  readonly judge?: () => readonly Finding[] | undefined;
}

/** Rules of files and of clusters, followed. */
export interface OpenRules extends RuleFiles {
  /** Reads all for the first time. Over once that is done, and policies stand in nothing that can't be read; of clusters whose policies are optional some seconds later at most. */
  first(): Promise<void>;
  /** Why not all rules were read yet, one line each; empty once they were. */
  notLoaded(): string[];
  /** What else they mean now may be another thing: services changed. */
  noteServices(): void;
}

/** What a judge of rules looks at; each as it is now. */
export interface Judged {
  readonly sync: () => Pick<SyncState, "silent"> | undefined;
  readonly snapshot: () => Snapshot;
  readonly notLed: () => ReadonlyMap<string, string>;
  readonly mesh: AnalyzedMesh;
}

/** The mesh of a `trestle up`, as its rules are analyzed for it. */
export function analyzedMesh({ mesh, proxy }: Pick<TrestleConfig, "mesh" | "proxy">): AnalyzedMesh {
  return { ...mesh, servesAllGateways: true, inboundLabels: proxy.inbound.map(({ labels }) => labels), proxy };
}

/** Says what is wrong with the rules that are in force; undefined before all registries were read. A snapshot is judged once. */
export function createJudge({ sync, snapshot, notLed, mesh }: Judged): () => readonly Finding[] | undefined {
  let last: { readonly of: Snapshot; readonly findings: readonly Finding[] } | undefined;
  return () => {
    if (sync()?.silent.size !== 0) return undefined;
    const of = snapshot();
    if (last?.of !== of) last = { of, findings: analyzeRules(of.rules, of.entries, of.protocols, notLed(), mesh) };
    return last.findings;
  };
}

interface OpenCluster {
  readonly source: RulesSource;
  readonly writer: StatusWriter | undefined;
  readonly isOptional: boolean;
  readonly mark: string;
}

/** Opens all places; {@link OpenRules.rescan} is over when they were read, of clusters at most some seconds later. */
export function openRules(options: RulesOptions): OpenRules {
  return new JoinedRules(options);
}

/** The rules of some places as they are now. Throws where a cluster can't be read. */
export async function readRules(places: readonly string[], log: Logger): Promise<RuleSet> {
  for (const place of places.filter(isCluster))
    parseCluster(place, (message) => {
      throw new Error(`${place}: ${message}`);
    });
  const rules = new JoinedRules({ places, log }, true);
  try {
    await rules.rescan(READ_MS, true);
    const set = rules.current.get();
    if (set.loaded) return set;
    const why = set.findings
      .find(({ code }) => code === LOST)
      ?.message.replace(/; (?:what was read|no rule of the cluster) .*/, "");
    throw new Error(`rules can't be read from Kubernetes: ${why ?? `no answer in ${READ_MS / 1_000} s`}`);
  } finally {
    rules.close();
  }
}

/** The finding of a cluster that is out of reach. */
const LOST = "TR0217";

class JoinedRules implements OpenRules {
  readonly current = new Latest<RuleSet>(NO_RULES);
  readonly #options: RulesOptions;
  readonly #files: RuleFiles;
  readonly #clusters = new Map<string, OpenCluster>();
  readonly #stop = createStop();
  readonly #isOptional: boolean;
  #isEmpty: boolean;
  /** Rules of clusters that are named no more: in force until all that are named were read, for these may be the same ones. */
  #former: readonly RuleSet[] = [];

  /** With `isOptional` policies are so in all clusters: nobody goes by these rules. */
  constructor(options: RulesOptions, isOptional = false) {
    this.#options = options;
    this.#isOptional = isOptional;
    const { places, log } = options;
    this.#isEmpty = places.length === 0;
    this.#files = createRuleFiles({ paths: places.filter((one) => !isCluster(one)), logger: log, isOptional });
    void this.#follow(this.#files.current);
    this.#openClusters(places);
  }

  /** Waits for clusters, some time at most; with `givesUp` not for those that are out of reach. */
  async rescan(waitMs = FIRST_READ_MS, givesUp = false): Promise<void> {
    await this.#files.rescan();
    const untilMs = Date.now() + waitMs;
    const isDone = ({ source }: OpenCluster) => {
      const { loaded, findings } = source.current.get();
      return loaded || (givesUp && findings.some(({ code }) => code === LOST));
    };
    while (![...this.#clusters.values()].every(isDone) && Date.now() < untilMs && !this.#stop.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.#join();
  }

  async first(): Promise<void> {
    await this.rescan();
    const waiting = () =>
      [...this.#clusters.values()].filter((one) => !one.isOptional && !one.source.current.get().loaded);
    if (waiting().length > 0 && !this.#stop.signal.aborted)
      this.#options.log.warn(
        "rules of a cluster can't be read yet; nothing is served before, since policies may be among them (policies=optional in its URL begins without)",
        {
          reasons: waiting()
            .flatMap(({ source }) => source.current.get().findings.map(({ message }) => message))
            .slice(0, 5),
        },
      );
    // What files hold it up was logged when they were looked at.
    const isHeld = () => waiting().length > 0 || !this.#files.current.get().loaded;
    while (isHeld() && !this.#stop.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
    this.#join();
  }

  notLoaded(): string[] {
    const { loaded, findings } = this.current.get();
    if (loaded || this.#isEmpty) return [];
    const why = findings
      .filter(({ code }) => [LOST, "TR0205", "TR0249", "TR0279"].includes(code))
      .map(({ message }) => message);
    return why.length === 0 ? ["rules are not loaded yet"] : why.map((text) => `rules are not loaded yet: ${text}`);
  }

  setPaths(places: readonly string[]): void {
    for (const [url, { source, writer }] of this.#clusters) {
      if (places.includes(url)) continue;
      this.#clusters.delete(url);
      this.#former = [...this.#former, source.current.get()];
      void Promise.all([writer?.close(), source.close()]);
    }
    this.#isEmpty = places.length === 0;
    this.#openClusters(places);
    this.#files.setPaths(places.filter((one) => !isCluster(one)));
    this.#join();
  }

  noteServices(): void {
    for (const { writer } of this.#clusters.values()) writer?.note(SERVICES_QUIET_MS);
  }

  close(): void {
    this.#stop.abort();
    this.#files.close();
    for (const { source, writer } of this.#clusters.values()) void Promise.all([writer?.close(), source.close()]);
    this.current.close();
  }

  #openClusters(places: readonly string[]): void {
    for (const place of places.filter(isCluster))
      if (!this.#clusters.has(place)) this.#clusters.set(place, this.#open(parseCluster(place, () => {})));
  }

  #open({ url, namespaces, status, optionalPolicies, ...place }: ClusterPlace): OpenCluster {
    const { log, judge } = this.#options;
    const isOptional = optionalPolicies || this.#isOptional;
    const mark = this.#markOf(url, place.context);
    const api = renewingApi(() => openKubernetes(place));
    const source: RulesSource = createRulesSource({
      ...{ name: url, mark, api, namespaces, log: log.child({ rules: url }), optionalPolicies: isOptional },
      onObjects: () => writer?.note(),
    });
    const writer =
      judge === undefined || !status
        ? undefined
        : new StatusWriter({
            ...{ name: url, api, clock: realClock, log: log.child({ rules: url }) },
            objects: () => source.objects(),
            onRefusals: () => this.#join(),
            findings: () => {
              const judged = source.current.get().loaded ? judge() : undefined;
              return judged === undefined ? undefined : [...source.current.get().findings, ...judged];
            },
          });
    void this.#follow(source.current);
    return { source, writer, isOptional, mark };
  }

  /** Objects of the first cluster are called by their names alone, those of others by that of their cluster too. */
  #markOf(url: string, context: string | undefined): string {
    const marks = [...this.#clusters.values()].map(({ mark }) => mark);
    const wanted = ["", `@${context ?? ""}`, `@${url}`].map((text) => text.replaceAll(/\s/g, "%20"));
    return wanted.find((one) => one !== "@" && !marks.includes(one)) ?? "";
  }

  async #follow(rules: Latest<RuleSet>): Promise<void> {
    for await (const _ of rules.watch(this.#stop.signal)) this.#join();
  }

  /** While one of the places was never read, what is known of the others is no whole set of rules. */
  #join(): void {
    const clusters = [...this.#clusters.values()].map(({ source }) => source.current.get());
    if (clusters.every(({ loaded }) => loaded)) this.#former = [];
    const sets = [this.#files.current.get(), ...clusters, ...this.#former];
    const own = new Set(sets.flatMap(({ files }) => files.flatMap(({ findings }) => findings)));
    const faults = sets.flatMap(({ findings }) => findings.filter((one) => !own.has(one)));
    const writing = [...this.#clusters.values()].flatMap(({ writer }) => writer?.findings() ?? []);
    const joined = joinFiles(
      sets.flatMap(({ files }) => files),
      [...faults, ...writing],
    );
    this.current.set({ ...joined, loaded: sets.every(({ loaded }) => loaded) });
  }
}
