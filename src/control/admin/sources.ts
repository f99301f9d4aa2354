import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Consumer, Endpoint, Entry, Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { ProxyStats } from "../../model/stats.ts";
import type { AnalyzedMesh } from "../rules/analyze/analyze.ts";
import type { RuleSet } from "../rules/rule-set.ts";
import type { XdsClientStatus } from "../xds/status.ts";
import type { SchemaOrigins } from "./schema-views.ts";

/** How one registry's mirror stands. */
export interface RegistryStatus {
  readonly name: string;
  /** Without credentials. */
  readonly url: string;
  readonly connected: boolean;
  /** `connecting` until it was within reach for the first time, `lost` while it is not after that. */
  readonly state?: "connecting" | "connected" | "lost";
  /** Its whole world was read at least once. */
  readonly loaded: boolean;
  /** What it holds is what was kept from before the start. */
  readonly restored?: boolean;
  readonly services: number;
  readonly endpoints: number;
  /** How long ago its newest world came, ms; undefined before the first. */
  readonly ageMs?: number;
  /** How long the newest world took from when the registry's word of it came until it was merged, ms. */
  readonly lagMs?: number;
  /** Endpoints that the guard holds although the registry lost them. */
  readonly heldEndpoints?: number;
  /** Failed tries and answers that could not be used, since the start; undefined where its source does not count them. */
  readonly errors?: number;
  /** What the last of these was. */
  readonly error?: string;
}

/** How one facade stands. */
export interface FacadeStatus {
  readonly name: string;
  readonly url: string;
  readonly registry: string;
  /** Client connections now. */
  readonly connections: number;
  /** Counters that only grow, by snake-case name without `_total`, such as `sessions`, `answers_rewritten`. */
  readonly counters: Readonly<Record<string, number>>;
}

/** How one proxy worker stands. */
export interface WorkerStatus {
  readonly worker: string;
  readonly pid: number;
  readonly addresses: readonly string[];
  readonly state: "starting" | "serving" | "draining" | "stopped";
  /** Version of the resources that it said it took. */
  readonly resourcesVersion: string;
  readonly startedAtMs: number;
  readonly restarts: number;
}

/** What a sync would do to an output. */
export interface DiffReport {
  readonly output: string;
  readonly changes: readonly {
    readonly action: "create" | "update" | "delete";
    readonly host: string;
    readonly detail: string;
  }[];
  /** What cannot be written: others' entries stand in the way (TR0141). */
  readonly findings: readonly Finding[];
}

/** Where a proxy elsewhere stands. */
export interface Place {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where the admin server gets what it shows; every function answers with the state of now and never blocks. */
export interface AdminSources {
  /** Trestle's version. */
  readonly version: string;
  /** What holds for the mesh as a whole. */
  readonly mesh?: AnalyzedMesh;
  /** Why rules or registries are not loaded yet; empty when ready. */
  notReady(): readonly string[];
  snapshot(): Snapshot;
  /** The services (printed key) whose consumers are shown real addresses although the proxy carries their protocol, and why. */
  notLed(): ReadonlyMap<string, string>;
  /** Who subscribed to what, as far as registries say; absent where no applications are served. */
  consumers?(): readonly Consumer[];
  /** By interface, who says each part of what is known of its types. */
  schemaOrigins(): SchemaOrigins;
  /** `host:port` where the requests of each service that speaks HTTP are taken, by printed key. */
  httpAddresses(): ReadonlyMap<string, string>;
  /** What proxies are given; undefined before the first compile. */
  resources(): ResourceSet | undefined;
  /** What a proxy elsewhere is given, beside a workload of that namespace with those labels; absent where none is served. */
  seenFrom?(place: Place): ResourceSet | undefined;
  rules(): RuleSet;
  /** Findings of registries, configuration and facades; those of rules are added by the admin server. */
  findings(): readonly Finding[];
  registries(): readonly RegistryStatus[];
  facades(): readonly FacadeStatus[];
  workers(): readonly WorkerStatus[];
  stats(): readonly ProxyStats[] | Promise<readonly ProxyStats[]>;
  /** What parts count that have metrics of their own, in Prometheus' text form; absent for none. */
  ownMetrics?(): string;
  /** The clients of the xDS server; absent where there is none. */
  proxies?(): readonly XdsClientStatus[];
  /** Throws `TransientError` while a registry has not been read yet. */
  diff(): Promise<readonly DiffReport[]>;
  /** The configuration in force; secrets stand as `[redacted]`. */
  config(): unknown;
  /** Rolls the proxy workers one after the other; resolves when all have been replaced. Rejects where one could not. */
  restart(): Promise<{ readonly workers: readonly string[] }>;
}

const SECRET = /token|password|passwd|secret|credential|accesskey|access-key|private/i;

/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** An entry as it may be shown: tokens and parameters that look like secrets are hidden. */
export function withoutSecrets(entry: Entry): Entry {
  return { ...entry, endpoints: entry.endpoints.map(hideSecrets) };
}

function hideSecrets(endpoint: Endpoint): Endpoint {
  const params = Object.fromEntries(
    Object.entries(endpoint.params).map(([name, value]) => [
      name,
      SECRET.test(name) && value !== "" ? REDACTED : value,
    ]),
  );
  return { ...endpoint, params, token: endpoint.token === "" ? "" : REDACTED };
}

/** Resources as they may be shown: the tokens of endpoints and private keys are hidden. */
export function resourcesWithoutSecrets(resources: ResourceSet): ResourceSet {
  return JSON.parse(JSON.stringify(resources), (key, value) =>
    (key === "token" && typeof value === "string") || key === "privateKey" ? REDACTED : value,
  );
}
