import type { Position } from "../../base/errors.ts";

/** Where an object of a rule file and each of its fields stand. */
export interface SourceMap {
  readonly position: Position;
  /** By field name; elements of a list of texts as `hosts[0]`. */
  readonly fields: Readonly<Record<string, Position>>;
}

/** A parsed object that still knows its place. */
export interface Located {
  readonly at: SourceMap;
}

/** What every object of a rule file has, whatever its kind. */
export interface RuleIdentity extends Located {
  readonly name: string;
  /** `default` where the object names none. */
  readonly namespace: string;
  /** `metadata.creationTimestamp`, ms since 1970; undefined where there is none. */
  readonly createdAtMs: number | undefined;
}

/** Who may see an object: names of namespaces, `.` for its own, `*` for all; absent or empty for all. */
export type ExportTo = readonly string[];
