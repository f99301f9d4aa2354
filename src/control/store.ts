import { BlockList } from "../base/block-list.ts";
import { type Clock, steadyClock, type Timer } from "../base/clock.ts";
import { Latest } from "../base/latest.ts";
import type { Entry } from "../model/entry.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { Rule } from "../model/rule.ts";
import type { ServiceSchema } from "../model/schema.ts";
import { emptySnapshot, markAscending, type Snapshot, SnapshotBuilder } from "../model/snapshot.ts";
import { withFurtherPorts } from "./rules/further-ports.ts";
import { type HostOf, restSchemasOf, withRestMappings } from "./rules/rest-entries.ts";
import { withServiceEntries } from "./rules/service-entries.ts";

/** Changes to entries, as a registry sync hands them over. */
export interface EntryChanges {
  readonly create: readonly Entry[];
  readonly update: readonly { readonly before: Entry; readonly after: Entry }[];
  readonly delete: readonly Entry[];
}

/** Holds entries and rules and makes snapshots of them. */
export interface ControlStore {
  /** The newest snapshot. Changes that come close together make one; equal content makes none. */
  readonly snapshots: Latest<Snapshot>;
  /** Where a sync puts its entries; by structure a sink of registry-sync. */
  readonly sink: {
    readonly name: string;
    current(): Promise<readonly { readonly host: string; readonly owner: string; readonly entry: Entry | undefined }[]>;
    apply(changes: EntryChanges): Promise<void>;
  };
  /** Replaces the entries of services that Trestle itself provides; those are no sink's business. */
  setOwn(entries: readonly Entry[]): void;
  /** Replaces the rules; oldest first. */
  setRules(rules: readonly Rule[]): void;
  /** Replaces what one source says of the types of calls; see {@link SCHEMA_SOURCES} for who wins. */
  setSchemas(source: SchemaSource, schemas: readonly ServiceSchema[]): void;
  /** By interface, which source's word counts for each part of what is known of its types. */
  schemaOrigins(): ReadonlyMap<string, Readonly<Record<string, SchemaSource>>>;
  /** Makes a snapshot now if anything is waiting. */
  flush(): void;
  close(): void;
}

/** Who may say what the types of a service's calls are: of two that know one service's, the first in this list is believed. */
export const SCHEMA_SOURCES = ["files", "rules", "metadata", "registry", "openapi", "reflection"] as const;

/** One of {@link SCHEMA_SOURCES}. */
export type SchemaSource = (typeof SCHEMA_SOURCES)[number];

/** What snapshots say beside entries and rules, and how long changes are gathered before they become one. */
export interface ControlStoreOptions {
  readonly clock?: Clock;
  /** Who owns the entries that the sink says it holds. */
  readonly owner?: string;
  /** Protocols whose calls the proxies carry; Dubbo2 alone unless told. */
  readonly protocols?: readonly string[];
  /** What holds for the mesh as a whole; Istio's defaults unless told. */
  readonly mesh?: MeshSettings;
  /** The host in the mesh of a service that a rule alone makes; its interface in lower case unless told. */
  readonly hostOf?: HostOf;
  /** Quiet time after a change before a snapshot is made, ms. */
  readonly debounceMs?: number;
  /** Longest that a change waits while others keep coming, ms. */
  readonly maxDelayMs?: number;
}

/** Creates an empty store. */
export function createControlStore(options: ControlStoreOptions = {}): ControlStore {
  const { clock = steadyClock, owner = "trestle", debounceMs = 20, maxDelayMs = 200 } = options;
  const hostOf = options.hostOf ?? ((service) => service.interface.toLowerCase());
  const snapshots = new Latest<Snapshot>(emptySnapshot, (a, b) => a.version === b.version);
  /** By host. */
  const entries = new BlockList<Entry>();
  let own: ReadonlyMap<string, Entry> = new Map();
  const builder = new SnapshotBuilder();
  let rules: readonly Rule[] = [];
  const schemas = new Map<SchemaSource, readonly ServiceSchema[]>();
  let merged: readonly ServiceSchema[] = [];
  let timer: Timer | undefined;
  let waitingSinceMs: number | undefined;

  const flush = (): void => {
    timer?.cancel();
    if (waitingSinceMs === undefined) return;
    waitingSinceMs = undefined;
    const known = withServiceEntries(withFurtherPorts(markAscending(entries.get())), rules);
    snapshots.set(
      builder.build(withRestMappings(known, rules, hostOf), rules, options.protocols, merged, options.mesh),
    );
  };

  const changed = (): void => {
    const nowMs = clock.now();
    waitingSinceMs ??= nowMs;
    timer?.cancel();
    timer = clock.after(Math.max(0, Math.min(debounceMs, waitingSinceMs + maxDelayMs - nowMs)), flush);
  };

  return {
    snapshots,
    sink: {
      name: "control",
      current: async () =>
        entries
          .get()
          .filter((entry) => own.get(entry.host) !== entry)
          .map((entry) => ({ host: entry.host, owner, entry })),
      async apply(changes) {
        for (const entry of changes.delete) entries.replace(entry.host, []);
        for (const { before, after } of changes.update) {
          if (before.host !== after.host) entries.replace(before.host, []);
          entries.replace(after.host, [after]);
        }
        for (const entry of changes.create) entries.replace(entry.host, [entry]);
        changed();
      },
    },
    setOwn(next) {
      const hosts = new Set(next.map(({ host }) => host));
      let isSame = true;
      for (const host of own.keys()) if (!hosts.has(host)) isSame = !entries.replace(host, []) && isSame;
      for (const entry of next) isSame = !entries.replace(entry.host, [entry]) && isSame;
      own = new Map(next.map((entry) => [entry.host, entry]));
      if (!isSame) changed();
    },
    setRules(next) {
      rules = next;
      schemas.set("rules", restSchemasOf(next));
      merged = mergeSchemas(schemas, merged);
      changed();
    },
    setSchemas(source, next) {
      schemas.set(source, next);
      merged = mergeSchemas(schemas, merged);
      changed();
    },
    schemaOrigins: () => originsOf(schemas),
    flush,
    close() {
      timer?.cancel();
      snapshots.close();
    },
  };
}

function originsOf(
  known: ReadonlyMap<SchemaSource, readonly ServiceSchema[]>,
): ReadonlyMap<string, Readonly<Record<string, SchemaSource>>> {
  const origins = new Map<string, Record<string, SchemaSource>>();
  for (const source of SCHEMA_SOURCES.toReversed()) {
    for (const { name, ...parts } of known.get(source) ?? []) {
      const of = origins.get(name) ?? {};
      origins.set(name, of);
      for (const part of Object.keys(parts)) of[part] = source;
    }
  }
  return origins;
}

/** What did not change since `before` keeps its identity, and with it the hash of its content. */
function mergeSchemas(
  known: ReadonlyMap<SchemaSource, readonly ServiceSchema[]>,
  before: readonly ServiceSchema[],
): readonly ServiceSchema[] {
  const old = new Map(before.map((schema) => [schema.name, schema]));
  const merged = new Map<string, ServiceSchema>();
  for (const source of SCHEMA_SOURCES.toReversed()) {
    for (const schema of known.get(source) ?? []) {
      const other = merged.get(schema.name);
      merged.set(schema.name, other === undefined ? schema : { ...other, ...schema });
    }
  }
  return [...merged].map(([name, schema]) => {
    const last = old.get(name);
    return last !== undefined && sameParts(last, schema) ? last : schema;
  });
}

function sameParts(a: ServiceSchema, b: ServiceSchema): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)] as (keyof ServiceSchema)[]);
  return [...keys].every((key) => a[key] === b[key]);
}
