import { DELTA_WINDOW_MS } from "./history.ts";

/** Which list a client is shown. */
export type ListKind = "led" | "real";

/** For how long a host whose list must be replaced is told so, ms: several processes may ask from it, each in its own time. */
export const RESYNC_MS = 60_000;
/** For how long an instance counts as its host's own after it was last renewed from there, ms. */
export const OWN_MS = 300_000;
const MAX_CLIENTS = 10_000;
const MAX_OWN = 1_000;

interface Client {
  kind: ListKind;
  lastMs: number;
  resyncUntilMs: number;
}

/**
 * What is remembered of the clients of a facade, bounded; Eureka's clients do not say who they are, so it is by address and agent.
 */
export class EurekaClients {
  readonly #clients = new Map<string, Client>();
  /** By address: `APP/id` -> when it was last registered or renewed from there. */
  readonly #own = new Map<string, Map<string, number>>();

  /** A client was given a whole list. */
  full(client: string, kind: ListKind, nowMs: number): void {
    const known = this.#clients.get(client);
    const resyncUntilMs = known !== undefined && known.kind !== kind ? nowMs + RESYNC_MS : (known?.resyncUntilMs ?? 0);
    this.#keep(client, { kind, lastMs: nowMs, resyncUntilMs });
  }

  /**
   * A client asks for a delta: whether it has to be told to take the whole list, because what it holds is not known here, is of
   * another kind, or older than deltas reach. `lostMs` is from when on changes are known.
   */
  delta(client: string, kind: ListKind, lostMs: number, nowMs: number): boolean {
    const known = this.#clients.get(client);
    const isKnown =
      known !== undefined && known.kind === kind && nowMs - known.lastMs < DELTA_WINDOW_MS && known.lastMs > lostMs;
    const resyncUntilMs = isKnown ? known.resyncUntilMs : nowMs + RESYNC_MS;
    this.#keep(client, { kind, lastMs: nowMs, resyncUntilMs });
    return nowMs < resyncUntilMs;
  }

  /** An instance was registered or renewed from an address. */
  renewed(address: string, key: string, nowMs: number): void {
    const own = this.#own.get(address) ?? new Map<string, number>();
    this.#own.delete(address);
    this.#own.set(address, own);
    own.delete(key);
    own.set(key, nowMs);
    drop(own, MAX_OWN);
    drop(this.#own, MAX_CLIENTS);
  }

  /** The instances, `APP/id`, that were registered or renewed from an address lately. */
  ownOf(address: string, nowMs: number): readonly string[] {
    const own = this.#own.get(address);
    if (own === undefined) return [];
    for (const [key, atMs] of own) if (nowMs - atMs >= OWN_MS) own.delete(key);
    if (own.size === 0) this.#own.delete(address);
    return [...own.keys()].sort();
  }

  #keep(client: string, state: Client): void {
    this.#clients.delete(client);
    this.#clients.set(client, state);
    drop(this.#clients, MAX_CLIENTS);
  }
}

function drop(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
