import { pathFault } from "../../codecs/zookeeper/paths.ts";

/** What may stand behind `?` of a ZooKeeper registry's URL: Dubbo's own names for its tree and for further hosts, and `services`. */
export const ZOOKEEPER_QUERY: readonly string[] = ["root", "group", "backup", "services"];

const DEFAULT_SERVICES = "/services";
const MAX_ROOTS = 16;

/** What is wrong with a value of {@link ZOOKEEPER_QUERY}; undefined where nothing is. */
export function zookeeperQueryFault(name: string, value: string): string | undefined {
  if (name !== "services") return undefined;
  const paths = value.split(",");
  if (paths.length > MAX_ROOTS) return `services names ${paths.length} paths; at most ${MAX_ROOTS} are read`;
  for (const path of paths) {
    const cleaned = cleanPath(path);
    if (cleaned === "/") return `services must name a path such as ${DEFAULT_SERVICES}, not "${path}"`;
    const fault = pathFault(cleaned);
    if (fault !== undefined) return `"${path}" in services is no path of ZooKeeper: ${fault}`;
  }
  return undefined;
}

/**
 * The paths under which `{application}/{instance}` stand, without chroot. Dubbo's application level is read under the first one,
 * Spring Cloud's instances (`spring.cloud.zookeeper.discovery.root`) under each.
 */
export function serviceRootsOf(query: Readonly<Record<string, string>>): readonly [string, ...string[]] {
  const [first = DEFAULT_SERVICES, ...others] = new Set(
    (query["services"] ?? DEFAULT_SERVICES).split(",").map(cleanPath),
  );
  return [first, ...others];
}

function cleanPath(path: string): string {
  return `/${path.trim().replace(/^\/+|\/+$/g, "")}`;
}
