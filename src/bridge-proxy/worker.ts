import type { Logger } from "../base/log.ts";
import type { DeltaResources } from "../codecs/xds/resources.ts";
import type { KeysFound } from "../model/keys-found.ts";
import type { ProxyStats } from "../model/stats.ts";
import { createProxy } from "./proxy.ts";

/** What the parent tells a worker. Every message with an `id` is answered once; `keys` answers `unknownKey`. */
export type WorkerRequest =
  | { readonly type: "apply"; readonly id: number; readonly changes: readonly DeltaResources[] }
  | { readonly type: "stats"; readonly id: number }
  | { readonly type: "keys"; readonly issuer: string; readonly found: KeysFound }
  | { readonly type: "drain"; readonly graceMs: number };

/**
 * What a worker answers; `error` is one line. `ready` is said once, unasked, and `final` as the last thing; `leave` asks to be
 * taken off consumers' lists and then drained, since somebody told the worker to end; `unknownKey` has the keys of
 * an issuer asked for, which may have new ones: calls wait for the answer.
 */
export type WorkerReply =
  | { readonly type: "ready" }
  | { readonly type: "leave" }
  | { readonly type: "unknownKey"; readonly issuer: string }
  | { readonly type: "applied"; readonly id: number; readonly error?: string }
  | { readonly type: "stats"; readonly id: number; readonly stats: ProxyStats }
  | { readonly type: "final"; readonly stats: ProxyStats };

/** The parent's end of the channel, as `node:process` offers it to a child. */
export interface ParentChannel {
  send(reply: WorkerReply): void;
  onRequest(handle: (request: WorkerRequest) => void): void;
  onGone(handle: () => void): void;
}

/**
 * Options of Node for a worker process. The young heap starts at 8 MB instead of 1: what one call leaves behind is small and
 * dies at once, so a worker that collects seldom has nearly nothing to do then, while each collection holds up all calls.
 *
 * What is read lies outside of V8's heap and counts for it: 32 MB of that begin a collection. With threads beside the worker's own
 * doing parts of it, what was freed is counted too late, so that every second collection was one of the whole heap.
 */
export const WORKER_NODE_OPTIONS: readonly string[] = [
  "--min-semi-space-size=8",
  "--no-concurrent-array-buffer-sweeping",
  "--no-concurrent-marking",
  "--no-concurrent-sweeping",
  "--no-parallel-scavenge",
];

/** How long calls in flight may take when the worker is told to end, ms. */
const DRAIN_MS = 6_000;

/**
 * Runs a proxy that is configured by its parent. Ends, after draining, on a `drain` request, when `stop` aborts, and when the
 * parent is gone.
 */
export function runWorker(name: string, parent: ParentChannel, log: Logger, stop: AbortSignal): Promise<void> {
  const onUnknownKey = (issuer: string) => parent.send({ type: "unknownKey", issuer });
  const proxy = createProxy({ worker: name, log, onUnknownKey });
  // One after the other: a change must not overtake the one before it.
  let applying = Promise.resolve();
  const ended = new Promise<number>((resolve) => {
    stop.addEventListener("abort", () => resolve(DRAIN_MS), { once: true });
    parent.onGone(() => resolve(DRAIN_MS));
    parent.onRequest((request) => {
      switch (request.type) {
        case "apply":
          applying = applying.then(async () => {
            const error = await proxy.apply(request.changes).then(
              () => undefined,
              (reason: Error) => reason.message,
            );
            parent.send({ type: "applied", id: request.id, ...(error !== undefined && { error }) });
          });
          break;
        case "stats":
          parent.send({ type: "stats", id: request.id, stats: proxy.stats() });
          break;
        case "keys":
          proxy.keysAsked(request.issuer, request.found);
          break;
        case "drain":
          resolve(request.graceMs);
          break;
        default:
          request satisfies never;
      }
    });
  });
  parent.send({ type: "ready" });
  return ended.then(async (graceMs) => {
    await proxy.drain(graceMs);
    parent.send({ type: "final", stats: proxy.stats() });
  });
}
