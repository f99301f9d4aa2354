import type { Clock, Timer } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { ApiFailure, type KubernetesApi } from "../../../kubernetes/api.ts";
import type { Finding } from "../../../model/entry.ts";
import { ruleFinding } from "../../rules/findings.ts";
import { nameOfResource } from "../kinds.ts";
import type { RuleObject } from "../objects.ts";
import { istioStatus } from "./istio-status.ts";
import { routeStatus } from "./route-status.ts";

/** What statuses are written from, and where to. */
export interface StatusWriterOptions {
  /** What the cluster is called in findings. */
  readonly name: string;
  readonly api: Pick<KubernetesApi, "send">;
  readonly objects: () => readonly RuleObject[];
  /** What is wrong with all rules; undefined while that is not known. */
  readonly findings: () => readonly Finding[] | undefined;
  /** What can't be written is something else now. */
  readonly onRefusals?: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Changes of rules and services are taken together for this time, ms. */
const QUIET_MS = 1_000;
/** How long no status of a kind is written after that was refused, ms. */
const REFUSED_MS = 60_000;
/** When a status that could not be written is tried again, ms; longer than a refusal counts. */
const RETRY_MS = 61_000;
const AT_ONCE = 4;
/** How often one status is written that comes back as another one: somebody else has another mind. */
const MAX_SAME = 5;
const MAX_REMEMBERED = 100_000;

interface Written {
  readonly text: string;
  readonly times: number;
  /** The version that it was written over. */
  readonly over: string;
  readonly atMs: number;
}

/** Writes into objects what became of them: only what differs from what they hold, so that several replicas of one mind write once. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #stop = new AbortController();
  /** By object: the status that was written last. */
  readonly #written = new Map<string, Written>();
  /** By kind: until when nothing is written, and why. */
  readonly #refused = new Map<string, { readonly untilMs: number; readonly why: string }>();
  #timer: Timer | undefined;
  #dueMs = 0;
  #retry: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Something changed: it is looked at so many ms from now, or sooner where something else asks for that. */
  note(afterMs = QUIET_MS): void {
    const { clock } = this.#options;
    const dueMs = clock.now() + afterMs;
    if (this.#stop.signal.aborted || (this.#timer !== undefined && this.#dueMs <= dueMs)) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.after(afterMs, () => {
      this.#timer = undefined;
      if (this.#running !== undefined) return this.note();
      this.#running = this.#write()
        .catch((error) => this.#options.log.error("statuses can't be made", { error: String(error) }))
        .finally(() => {
          this.#running = undefined;
        });
    });
  }

  /** What can't be written. */
  findings(): readonly Finding[] {
    const at = { file: this.#options.name, line: 0, column: 0 };
    return [...this.#refused].map(([what, { why }]) =>
      ruleFinding("TR0219", at, `${why}; a role for it needs the verb patch of ${what}`),
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    this.#retry?.cancel();
    await this.#running;
  }

  async #write(): Promise<void> {
    const { objects, findings, log } = this.#options;
    const all = findings();
    if (all === undefined) return this.note();
    const byObject = groupByObject(all);
    const waiting = objects().filter(({ resource }) => resource.hasStatus);
    const work = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        if (this.#stop.signal.aborted) return;
        const own = byObject.get(one.state.path) ?? [];
        await this.#writeOne(one, own).catch((error) => log.error("a status can't be made", { error: String(error) }));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #writeOne(object: RuleObject, findings: readonly Finding[]): Promise<void> {
    const { api, clock, log } = this.#options;
    const { resource, namespace, name, resourceVersion, state } = object;
    const kind = `${nameOfResource(resource).replace(".", "/status.")}`;
    if ((this.#refused.get(kind)?.untilMs ?? 0) > clock.now()) return;
    const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const isRoute = resource.kind === "GRPCRoute" || resource.kind === "HTTPRoute";
    const status = isRoute ? routeStatus(object, findings, now) : istioStatus(object, findings, now);
    if (status === undefined || isHeld(status, object.status)) return;
    const text = stableText(status);
    const before = this.#written.get(state.path);
    // The watch has yet to tell of it. If it never does, the object was put back to what it was: versions are no proof of that.
    const isSent = before?.over === resourceVersion && before.text === text;
    if (isSent && clock.now() - before.atMs < REFUSED_MS) return this.#retryLater();
    const times = before?.text === text ? before.times + 1 : 1;
    if (times === MAX_SAME + 1)
      log.warn("a status is changed by somebody else again and again; it is left alone until its object changes", {
        object: state.path,
      });
    this.#remember(state.path, { text, times, over: resourceVersion, atMs: clock.now() });
    if (times > MAX_SAME) return;
    const { group, version, plural } = resource;
    const path = `/apis/${group}/${version}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}/status`;
    try {
      await api.send("PATCH", path, { metadata: { resourceVersion }, status }, this.#stop.signal);
      if (this.#refused.delete(kind)) this.#options.onRefusals?.();
    } catch (error) {
      this.#failed(kind, state.path, error);
    }
  }

  #failed(kind: string, path: string, error: unknown): void {
    const { log, clock } = this.#options;
    const status = error instanceof ApiFailure ? error.status : 0;
    // Changed or gone meanwhile: the watch tells of it, and then it is looked at anew.
    if (this.#stop.signal.aborted || status === 409 || status === 404) return;
    const why = error instanceof Error ? error.message : String(error);
    if (status === 403) {
      const isNews = !this.#refused.has(kind);
      this.#refused.set(kind, { untilMs: clock.now() + REFUSED_MS, why });
      if (isNews) {
        log.warn("a status may not be written", { kind, reason: why });
        this.#options.onRefusals?.();
      }
    } else log.warn("a status can't be written; trying on", { object: path, reason: why });
    this.#written.delete(path);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.note();
    });
  }

  #remember(path: string, one: Written): void {
    if (this.#written.size >= MAX_REMEMBERED) this.#written.clear();
    this.#written.set(path, one);
  }
}

/** Findings by the object that they are about: places begin with its kind and name. */
function groupByObject(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const found = new Map<string, Finding[]>();
  for (const finding of findings) {
    const path = finding.at.split(" ", 2).join(" ");
    found.set(path, [...(found.get(path) ?? []), finding]);
  }
  return found;
}

/** Whether an object holds a status already, whenever its conditions began. */
function isHeld(wanted: Readonly<Record<string, unknown>>, held: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const isNumber = typeof value === "number";
    return isNumber ? Number(held[key]) === value : stableText(value) === stableText(held[key]);
  });
}

/** A value as text, the same for the same content whatever the order of its keys. */
function stableText(value: unknown): string {
  return (
    JSON.stringify(value, (key, one) => {
      if (key === "lastTransitionTime") return undefined;
      if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
      return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ""
  );
}
