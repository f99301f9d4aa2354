import type { Entry } from "./entry.ts";
import { entryChanges } from "./entry-changes.ts";
import { hashText } from "./hash-text.ts";
import { DEFAULT_MESH, type MeshSettings } from "./mesh.ts";
import type { Rule } from "./rule.ts";
import type { ServiceSchema } from "./schema.ts";
import { VersionSet } from "./version-set.ts";

/** All that resources are compiled from, frozen at one moment. */
export interface Snapshot {
  /** Depends on the content alone. */
  readonly version: string;
  /** Sorted by host. */
  readonly entries: readonly Entry[];
  /** Oldest first: of two rules for one host the first wins. */
  readonly rules: readonly Rule[];
  /** Protocols (as registries name them) whose calls the proxies carry. */
  readonly protocols: readonly string[];
  /** Sorted by name. */
  readonly schemas: readonly ServiceSchema[];
  readonly mesh: MeshSettings;
}

/** What is carried unless told: Dubbo2. */
const DUBBO_ALONE: readonly string[] = ["dubbo"];

const versions = new WeakMap<object, string>();

/** A short hash of a frozen value's content; remembered by identity, so that what did not change costs nothing. */
export function contentVersion(value: object): string {
  const known = versions.get(value);
  if (known !== undefined) return known;
  const version = hashText(JSON.stringify(value));
  versions.set(value, version);
  return version;
}

/** Builds a snapshot; sorts the entries, keeps the order of the rules. */
export function createSnapshot(
  entries: readonly Entry[],
  rules: readonly Rule[],
  protocols: readonly string[] = DUBBO_ALONE,
  schemas: readonly ServiceSchema[] = [],
  mesh: MeshSettings = DEFAULT_MESH,
): Snapshot {
  return new SnapshotBuilder().build(entries, rules, protocols, schemas, mesh);
}

/** Builds snapshots one after the other; of entries and schemas that stay nothing is read again. */
export class SnapshotBuilder {
  #entries: readonly Entry[] = [];
  readonly #entryVersions = new VersionSet();
  #given: readonly ServiceSchema[] = [];
  #schemas: readonly ServiceSchema[] = Object.freeze([]);
  #schemasVersion = hashText("");

  /** Gives what {@link createSnapshot} gives. Entries in order of their hosts are taken as they are. */
  build(
    entries: readonly Entry[],
    rules: readonly Rule[],
    protocols: readonly string[] = DUBBO_ALONE,
    schemas: readonly ServiceSchema[] = [],
    mesh: MeshSettings = DEFAULT_MESH,
  ): Snapshot {
    const sorted = isAscending(entries) ? entries : [...entries].sort((a, b) => (a.host < b.host ? -1 : 1));
    const { gone, came } = entryChanges(this.#entries, sorted);
    for (const { host } of gone) this.#entryVersions.delete(host);
    for (const entry of came) this.#entryVersions.set(entry.host, contentVersion(entry));
    this.#entries = Object.isFrozen(sorted) ? sorted : Object.freeze([...sorted]);
    if (schemas !== this.#given) {
      this.#given = schemas;
      this.#schemas = Object.freeze([...schemas].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
      this.#schemasVersion = hashText(this.#schemas.map(contentVersion).join());
    }
    const parts = [this.#entryVersions.version, ...rules.map(contentVersion), "|", ...protocols, this.#schemasVersion];
    parts.push(contentVersion(mesh));
    return Object.freeze({
      version: hashText(parts.join()),
      entries: this.#entries,
      rules: Object.freeze([...rules]),
      protocols: Object.freeze([...protocols]),
      schemas: this.#schemas,
      mesh,
    });
  }
}

const ascending = new WeakSet<readonly Entry[]>();

/** Says of a list that it is in order of hosts, so that it need not be looked at. */
export function markAscending<T extends readonly Entry[]>(entries: T): T {
  ascending.add(entries);
  return entries;
}

function isAscending(entries: readonly Entry[]): boolean {
  return ascending.has(entries) || entries.every((entry, i) => i === 0 || entries[i - 1]!.host <= entry.host);
}

/** The snapshot before anything is known. */
export const emptySnapshot: Snapshot = createSnapshot([], []);
