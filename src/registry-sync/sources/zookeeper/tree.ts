/**
 * What a ZooKeeper registry holds, as far as the sync reads it. Directory names are decoded (an interface name as Java
 * knows it); names of nodes that are URLs stand as they are in ZooKeeper.
 *
 *     /dubbo/{interface}/{providers,consumers,configurators,routers}/{url}
 *     /dubbo/mapping/{interface}              data: applications, comma list
 *     /dubbo/config/dubbo/{key}               data: rule text
 *     /services/{application}/{instance}
 */

/** The four directories of one interface; empty where a directory is missing. */
export interface InterfaceNodes {
  readonly providers: readonly string[];
  readonly consumers: readonly string[];
  readonly configurators: readonly string[];
  readonly routers: readonly string[];
}

/** The data of the nodes below one application's folder, by name; the same bytes while they stay the same. */
export type SpringNodes = ReadonlyMap<string, Uint8Array>;

/**
 * What changed since the last update; a map's value `undefined` says that the node is gone, a key that is missing says
 * that nothing changed. The first update carries the whole tree.
 */
export interface TreeChanges {
  readonly interfaces?: ReadonlyMap<string, InterfaceNodes | undefined>;
  /** Interface to the applications that its mapping node names. */
  readonly mapping?: ReadonlyMap<string, readonly string[] | undefined>;
  /** Application to the names of its instance nodes under `/services`. */
  readonly instances?: ReadonlyMap<string, readonly string[] | undefined>;
  /** Full path of an application's folder to what stands there; nodes of Spring Cloud are told from others by what they say. */
  readonly spring?: ReadonlyMap<string, SpringNodes | undefined>;
  /** Applications of which more or less is known than before: the services of their revisions. */
  readonly revisions?: ReadonlySet<string>;
  /** Rule key of the config centre (`{app}.tag-router`, `{interface}:{version}:{group}.configurators`, ...) to its text. */
  readonly rules?: ReadonlyMap<string, string | undefined>;
}

/** Most names of one directory that are read; more give finding TR0104. */
export const MAX_DIRECTORY_NAMES = 100_000;
