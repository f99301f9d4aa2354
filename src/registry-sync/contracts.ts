import type { Consumer, Entry, Finding, World } from "../model/entry.ts";
import type { ServiceSchema } from "../model/schema.ts";

/** Where worlds come from: one registry. */
export interface Source {
  /** The registry's name, unique among sources; origin of its endpoints. */
  readonly name: string;
  /**
   * Yields the registry's whole world at first and after each change, until the signal. A source that loses its server
   * yields nothing, so that the last good world stands; it may throw `TransientError` and is then watched anew. It calls
   * `onDisturbed` when its server is lost and when it is back: for a while after that a loss may be the server's.
   */
  watch(signal: AbortSignal, onDisturbed?: () => void): AsyncIterable<World>;
}

/** What a sink holds for one host. */
export interface StoredEntry {
  readonly host: string;
  /** Who wrote it; `""` where nobody says so. */
  readonly owner: string;
  /** Undefined where what stands there is no entry that can be read. */
  readonly entry: Entry | undefined;
}

/** An entry before and after a change. */
export interface EntryUpdate {
  readonly before: Entry;
  readonly after: Entry;
}

/** What has to be done to a sink, each list in order of hosts. */
export interface Changes {
  readonly create: readonly Entry[];
  readonly update: readonly EntryUpdate[];
  readonly delete: readonly Entry[];
}

/** Where entries go: files, Kubernetes, the control store. */
export interface Sink {
  readonly name: string;
  /** Everything that stands there now, others' entries too. Throws `TransientError` when it is out of reach. */
  current(): Promise<readonly StoredEntry[]>;
  /** Does exactly what it is told, in order; compares nothing. Throws `TransientError`; what was done by then stays done. */
  apply(changes: Changes): Promise<void>;
  /** What `current` would give for an entry once written, where the sink cannot keep all of it. */
  stored?(entry: Entry): Entry;
}

/** What the sync knows: the guarded worlds and their merge, frozen. */
export interface SyncState {
  /** One for each registry that has answered, in order of the sources. */
  readonly worlds: readonly World[];
  readonly entries: readonly Entry[];
  readonly consumers: readonly Consumer[];
  readonly findings: readonly Finding[];
  /** What registries say of the types of calls, each interface once: the first registry's. */
  readonly schemas: readonly ServiceSchema[];
  /** Registries that have said nothing since the start. */
  readonly silent: ReadonlySet<string>;
  /** By registry, how many endpoints stand only because the guard holds them; registries without such are left out. */
  readonly held: ReadonlyMap<string, number>;
}
