import { type Clock, realClock, type Timer } from "../../../base/clock.ts";
import { Latest } from "../../../base/latest.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import type { KubernetesApi } from "../../../kubernetes/api.ts";
import { reflect } from "../../../kubernetes/reflector.ts";
import { renewingApi } from "../../../kubernetes/renewing-api.ts";
import type { World } from "../../../model/entry.ts";
import type { Source, SourceStatus } from "../../contracts.ts";
import { readService, readSlice } from "./objects.ts";
import { createKubernetesWorld, kubernetesHost } from "./world.ts";

/** Settings of {@link createKubernetesSource}. */
export interface KubernetesSourceOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** Opens the way to the API server; called at the first watch, so that nothing is loaded before, and again after an answer of 401. */
  readonly openApi: () => Promise<KubernetesApi>;
  /** Namespaces whose services count; all where there is none. */
  readonly namespaces?: readonly string[];
  /** A label selector for Services, as kubectl takes it. */
  readonly selector?: string;
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  readonly onConnected?: (connected: boolean) => void;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Changes are taken together for this time, ms: a rollout touches many slices. */
const QUIET_MS = 20;

/**
 * Services and EndpointSlices of a Kubernetes cluster as a source. Yields nothing before every list was read once, and nothing
 * while the API server is out of reach; what was read stands.
 */
export function createKubernetesSource(options: KubernetesSourceOptions): Source {
  const { name, clock = realClock, log = silentLogger, namespaces = [] } = options;
  let state: SourceStatus["state"] = "connecting";
  let errors = 0;
  let lastError: string | undefined;
  let lagMs: number | undefined;
  return {
    name,
    hostOf: kubernetesHost,
    status: () => ({
      state,
      errors,
      ...(lastError !== undefined && { lastError }),
      ...(lagMs !== undefined && { lagMs }),
    }),
    async *watch(given, onDisturbed) {
      // Opened once here, so that a kubeconfig that cannot be read ends this watch; later ones are told as failures.
      let first: KubernetesApi | undefined = await options.openApi();
      const api = renewingApi(async () => {
        const opened = first ?? (await options.openApi());
        first = undefined;
        return opened;
      });
      const stop = new AbortController();
      const signal = AbortSignal.any([given, stop.signal]);
      const cluster = createKubernetesWorld({
        name,
        ...(options.isOwnAddress && { isOwnAddress: options.isOwnAddress }),
      });
      const latest = new Latest<World | undefined>(undefined);
      const prefixes =
        namespaces.length === 0 ? [""] : namespaces.map((one) => `/namespaces/${encodeURIComponent(one)}`);
      const services = new Lists(prefixes.length);
      const slices = new Lists(prefixes.length);
      let timer: Timer | undefined;
      let heardAtMs: number | undefined;
      const failing = new Set<string>();
      const changed = (): void => {
        if (!services.areRead || !slices.areRead) return;
        heardAtMs ??= clock.now();
        timer ??= clock.after(QUIET_MS, () => {
          timer = undefined;
          lagMs = clock.now() - (heardAtMs ?? clock.now());
          heardAtMs = undefined;
          latest.set(cluster.world());
        });
      };
      const follow = (
        index: number,
        path: string,
        query: string,
        lists: Lists,
        take: Take,
        read: Read,
      ): Promise<void> =>
        reflect({
          ...{ api, path, query, clock, signal },
          onList: (objects) => {
            lists.set(
              index,
              objects.map(read).filter((one) => one !== undefined),
            );
            if (lists.areRead) take.all(lists.get());
            changed();
          },
          onObject: (object, isDeleted) => {
            const one = read(object);
            if (one === undefined) return;
            lists.put(index, one, isDeleted);
            take.one(one.id, isDeleted ? undefined : one);
            changed();
          },
          onAnswer: () => {
            if (!failing.delete(path) && state === "connected") return;
            if (failing.size > 0) return;
            if (state === "lost") {
              log.info("the API server is within reach again", { registry: name });
              onDisturbed?.();
            }
            state = "connected";
            options.onConnected?.(true);
          },
          onFailure: (error) => {
            errors++;
            lastError = error instanceof Error ? error.message : String(error);
            if (failing.size === 0) log.warn("the API server cannot be followed; trying on", { reason: lastError });
            if (failing.size === 0) onDisturbed?.();
            failing.add(path);
            state = state === "connecting" ? "connecting" : "lost";
            options.onConnected?.(false);
          },
        });
      const selector = options.selector === undefined ? "" : `labelSelector=${encodeURIComponent(options.selector)}`;
      const takeServices: Take = {
        all: (all) => cluster.replaceServices(all as never),
        one: (id, one) => cluster.service(id, one as never),
      };
      const takeSlices: Take = {
        all: (all) => cluster.replaceSlices(all as never),
        one: (id, one) => cluster.slice(id, one as never),
      };
      const running = prefixes.flatMap((prefix, index) => [
        follow(index, `/api/v1${prefix}/services`, selector, services, takeServices, readService),
        follow(index, `/apis/discovery.k8s.io/v1${prefix}/endpointslices`, "", slices, takeSlices, readSlice),
      ]);
      try {
        for await (const world of latest.watch(signal)) if (world !== undefined) yield world;
      } finally {
        timer?.cancel();
        stop.abort();
        options.onConnected?.(false);
        await Promise.all(running);
      }
    },
  };
}

interface Named {
  readonly id: string;
}
type Read = (object: unknown) => Named | undefined;
interface Take {
  readonly all: (objects: readonly Named[]) => void;
  readonly one: (id: string, object: Named | undefined) => void;
}

/** One kind of objects from several lists: a list that is read anew replaces its own part alone. */
class Lists {
  readonly #parts: (Map<string, Named> | undefined)[];

  constructor(count: number) {
    this.#parts = new Array<Map<string, Named> | undefined>(count).fill(undefined);
  }

  /** Whether each list was read once. */
  get areRead(): boolean {
    return !this.#parts.includes(undefined);
  }

  set(index: number, objects: readonly Named[]): void {
    this.#parts[index] = new Map(objects.map((one) => [one.id, one]));
  }

  put(index: number, object: Named, isDeleted: boolean): void {
    if (isDeleted) this.#parts[index]?.delete(object.id);
    else this.#parts[index]?.set(object.id, object);
  }

  get(): readonly Named[] {
    return this.#parts.flatMap((part) => [...(part?.values() ?? [])]);
  }
}
