import { readFileSync } from "node:fs";
import type { InterfaceNodes, TreeChanges } from "../../src/registry-sync/sources/zookeeper/tree.ts";

interface RecordedNode {
  readonly path: string;
  readonly data: unknown;
}

const DIRECTORIES = ["providers", "consumers", "configurators", "routers"] as const;
/** Children of `/dubbo` that are no interfaces. */
const NO_INTERFACES = new Set(["config", "mapping", "metadata"]);

/** A tree recorded from a real peer (fixtures/registry/<name>.json) as the first update of a world. */
export function recordedTree(name: string): TreeChanges {
  const file = new URL(`../../fixtures/registry/${name}.json`, import.meta.url);
  const nodes = JSON.parse(readFileSync(file, "utf8")) as readonly RecordedNode[];
  const interfaces = new Map<string, Record<(typeof DIRECTORIES)[number], string[]>>();
  const mapping = new Map<string, string[]>();
  const instances = new Map<string, string[]>();
  const rules = new Map<string, string>();
  for (const { path, data } of nodes) {
    const [, root, name, directory, child] = path.split("/");
    if (root === "services" && name !== undefined) {
      const list = instances.get(name) ?? [];
      instances.set(name, directory === undefined ? list : [...list, directory]);
    } else if (name === "mapping" && directory !== undefined) {
      mapping.set(directory, String(data).split(","));
    } else if (path.startsWith("/dubbo/config/dubbo/")) {
      rules.set(child ?? "", String(data));
    } else if (name !== undefined && !NO_INTERFACES.has(name)) {
      const one = interfaces.get(name) ?? { providers: [], consumers: [], configurators: [], routers: [] };
      interfaces.set(name, one);
      const kind = DIRECTORIES.find((known) => known === directory);
      if (kind !== undefined && child !== undefined) one[kind].push(child);
    }
  }
  return { interfaces: interfaces as ReadonlyMap<string, InterfaceNodes>, mapping, instances, rules };
}
