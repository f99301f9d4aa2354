import type { ServiceSchema } from "../../model/schema.ts";
import type { Snapshot } from "../../model/snapshot.ts";

/** By interface, who says each part of what is known of its types: `{java: "registry", protobuf: "files"}`. */
export type SchemaOrigins = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** What is known of one interface's types, as the admin API shows it. */
export interface SchemaView extends ServiceSchema {
  /** Who says each part. */
  readonly from: Readonly<Record<string, string>>;
}

/** Who says the types of the snapshot's services, in its order; `{}` where nobody does. */
export function viewOrigins(
  { entries, schemas }: Snapshot,
  origins: SchemaOrigins,
): Readonly<Record<string, string>>[] {
  const known = new Map(schemas.map((schema) => [schema.name, partsFrom(schema, origins)]));
  return entries.map(({ service }) => known.get(service.interface) ?? {});
}

/** The names of all that have types, and who says them; of one interface (in any case) the types too. */
export function viewSchemas(
  { schemas }: Snapshot,
  origins: SchemaOrigins,
  wanted: string | undefined,
): readonly (SchemaView | Pick<SchemaView, "name" | "from">)[] {
  if (wanted === undefined) return schemas.map((schema) => ({ name: schema.name, from: partsFrom(schema, origins) }));
  const found = schemas.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  return found.map((schema) => ({ ...schema, from: partsFrom(schema, origins) }));
}

/** Who says the parts that a schema has; what its sources said since counts with the next snapshot. */
function partsFrom(schema: ServiceSchema, origins: SchemaOrigins): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(origins.get(schema.name) ?? {}).filter(([part]) => Object.hasOwn(schema, part)),
  );
}
