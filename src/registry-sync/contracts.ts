import type { Consumer, Entry, Finding, World } from "../model/entry.ts";
import type { ServiceSchema } from "../model/schema.ts";
import type { PresentContext } from "./present/context.ts";

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
  /** The host that an entry of its worlds has, where that is not `hostOf` of its key: told apart from what someone changed in a sink. */
  hostOf?(entry: Entry): string;
  /** How it stands now. A source without it is known by its worlds and by `onConnected` alone. */
  status?(): SourceStatus;
}

/** How a source stands, for metrics and `trestle registries`. */
export interface SourceStatus {
  /** `connecting` until its server answered for the first time, `lost` while it is out of reach after that. */
  readonly state: "connecting" | "connected" | "lost";
  /** Failed tries and answers that could not be used, since the start. */
  readonly errors: number;
  /** What the last of these was, without credentials; absent for none. */
  readonly lastError?: string;
  /** How long the newest world took from when the source heard of the change, ms; absent where it cannot tell. */
  readonly lagMs?: number;
}

/** What a facade has counted, by name in camel case; `sessions` alone, the connections open now, goes down again. */
export type FacadeCounts = Readonly<Record<string, number>> & { readonly sessions: number };

/** An address that speaks a registry's protocol to applications, in front of the real registry. */
export interface Facade {
  /** Where it listens, with the port that it was given. */
  readonly address: { readonly host: string; readonly port: number };
  readonly counters: FacadeCounts;
  /** Replaces what consumers are shown by; every client that follows what is now shown otherwise is told at once, or at its next question where its protocol has no pushes. */
  setContext(context: PresentContext): void;
  /** Stops listening and closes the clients' connections. */
  close(): Promise<void>;
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
  /** Those of the silent ones whose world is the one that was kept from before the start. */
  readonly restored: ReadonlySet<string>;
  /** Why this state came to be: what was kept from before, a registry's change, or the guard, which let go or believed a loss. */
  readonly cause: "start" | "registry" | "guard";
  /** By registry that has answered, when its newest world came and how long it took from when the source heard of it until it was merged. */
  readonly seen: ReadonlyMap<string, { readonly atMs: number; readonly lagMs: number }>;
  /** By registry, how many endpoints stand only because the guard holds them; registries without such are left out. */
  readonly held: ReadonlyMap<string, number>;
}
