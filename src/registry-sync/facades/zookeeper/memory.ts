import type { Clock } from "../../../base/clock.ts";
import type { Acl } from "../../../codecs/zookeeper/records.ts";
import type { DubboUrl } from "../../dubbo/url.ts";
import type { Speech } from "../../present/asker.ts";
import type { Presented } from "../../present/present.ts";

/** A provider's node that a session made. */
export interface OwnProvider {
  /** As the client made it. */
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly flags: number;
  /** As the registry has it. */
  readonly at: string;
  readonly written: Uint8Array | null;
}

/** What is kept of a session whose connection went, for the one that takes it up again. */
export interface Remembered {
  /** What the client was last shown of each directory on which its one-shot watch stood. */
  readonly shown: ReadonlyMap<string, Presented>;
  /** Hidden nodes that the session made. */
  readonly own: ReadonlySet<string>;
  /** Consumers of the session whose services are not led. */
  readonly unled: readonly DubboUrl[];
  /** By interface: what the session's consumers take. */
  readonly speaks: ReadonlyMap<string, readonly Speech[]>;
  /** The applications that the session is of. */
  readonly applications: ReadonlySet<string>;
  /** Providers' nodes that the session made, by the client's path. */
  readonly providers: ReadonlyMap<string, OwnProvider>;
}

/** How long a session is remembered at most, ms: the longest time-out that a server with ticks of 2 s grants. */
const KEEP_MS = 40_000;
/** Most sessions remembered. */
const MAX_SESSIONS = 10_000;

/**
 * Sessions between two connections. Losing one costs no correctness: its client gets an event for each watch it sets again.
 */
export class SessionMemory {
  readonly #sessions = new Map<bigint, { readonly at: number; readonly remembered: Remembered }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(sessionId: bigint, remembered: Remembered): void {
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, { at: this.#clock.now(), remembered });
    for (const [id, { at }] of this.#sessions) {
      if (this.#sessions.size <= MAX_SESSIONS && this.#clock.now() - at < KEEP_MS) break;
      this.#sessions.delete(id);
    }
  }

  take(sessionId: bigint): Remembered | undefined {
    const found = this.#sessions.get(sessionId);
    this.#sessions.delete(sessionId);
    return found !== undefined && this.#clock.now() - found.at < KEEP_MS ? found.remembered : undefined;
  }
}
