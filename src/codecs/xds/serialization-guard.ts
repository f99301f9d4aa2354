/** Name of the typed config of a virtual host that holds its {@link SerializationGuardConfig}: Trestle's own, since Envoy has none. */
export const SERIALIZATION_FILTER = "io.trestle.serialization_guard";

/** What calls may hold on their way to old providers. */
export interface SerializationGuardConfig {
  /** Class names, or beginnings of them with `*` behind; one that is also allowed by its full name is allowed. */
  readonly deny: readonly string[];
  /** The same: what is not among them is refused. Empty for all that is not denied. */
  readonly allow: readonly string[];
  /** Bytes of a call's body; absent for no bound of its own. */
  readonly maxBodyBytes?: number;
  /** Containers inside containers. */
  readonly maxDepth?: number;
  /** Only counted and logged. */
  readonly dryRun?: true;
}
