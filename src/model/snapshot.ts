import { createHash } from "node:crypto";
import type { Entry } from "./entry.ts";
import type { Rule } from "./rule.ts";
import type { ServiceSchema } from "./schema.ts";

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

/** A short hash of text: 16 hexadecimal digits. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Builds a snapshot; sorts the entries, keeps the order of the rules. */
export function createSnapshot(
  entries: readonly Entry[],
  rules: readonly Rule[],
  protocols: readonly string[] = DUBBO_ALONE,
  schemas: readonly ServiceSchema[] = [],
): Snapshot {
  const sorted = [...entries].sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  const version = hashText(
    [
      ...[...sorted.map(contentVersion), "|", ...rules.map(contentVersion)],
      ...["|", ...protocols, "|", ...schemas.map(contentVersion)],
    ].join(),
  );
  return Object.freeze({
    version,
    entries: Object.freeze(sorted),
    rules: Object.freeze([...rules]),
    protocols: Object.freeze([...protocols]),
    schemas: Object.freeze([...schemas].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))),
  });
}

/** The snapshot before anything is known. */
export const emptySnapshot: Snapshot = createSnapshot([], []);
