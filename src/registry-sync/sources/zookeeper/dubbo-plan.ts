import type { MetadataReports } from "../metadata-reports.ts";
import type { InterfaceNodes, TreeChanges } from "./tree.ts";
import type { Plan, TreeNode } from "./tree-watch.ts";

/** Which nodes of a registry the sync reads, and how changes of them become changes of what Dubbo keeps there. Pure. */

/** Where Dubbo keeps its nodes. */
export interface DubboRoots {
  /** Of interfaces, mapping and rules; `/dubbo` unless the applications have another group. */
  readonly root: string;
  /** Of application-level instances; `/services` unless told otherwise. */
  readonly services: string;
}

/** Where Dubbo keeps its nodes by default. */
export const DEFAULT_ROOTS: DubboRoots = { root: "/dubbo", services: "/services" };

const CATEGORIES = ["providers", "consumers", "configurators", "routers"] as const;
const CATEGORY_NAMES: ReadonlySet<string> = new Set(CATEGORIES);

/** Names below the root that are no interfaces. */
const RESERVED: ReadonlySet<string> = new Set(["mapping", "config", "metadata"]);

const LIST = { children: true, data: false };
const TEXT = { children: false, data: true };
const BOTH = { children: true, data: true };

/** Says what to keep: the four directories of each interface, mapping, rules, the names of instances, and of `reports` what they want. */
export function dubboPlan({ root, services }: DubboRoots, reports?: Pick<MetadataReports, "wants">): Plan {
  return (path) => {
    const parts = partsBelow(root, path);
    if (parts === undefined) {
      const instance = partsBelow(services, path);
      return instance !== undefined && instance.length <= 1 ? LIST : undefined;
    }
    const [first, second] = parts;
    if (parts.length === 0) return LIST;
    if (first === "config") {
      if (parts.length === 1) return LIST;
      if (second !== "dubbo") return undefined;
      return parts.length === 2 ? LIST : parts.length === 3 ? TEXT : undefined;
    }
    // 3.x writes a comma list into the node, 2.7 a child for each application.
    if (first === "mapping") return parts.length === 1 ? LIST : parts.length === 2 ? BOTH : undefined;
    if (first === "metadata") {
      const wanted = reports?.wants(path);
      return wanted && (wanted === "report" ? TEXT : LIST);
    }
    if (parts.length === 1) return LIST;
    return parts.length === 2 && CATEGORY_NAMES.has(second) ? LIST : undefined;
  };
}

/** What the changed paths mean. Unchanged parts are left out; `undefined` stands for what is gone. */
export function dubboChanges(
  roots: DubboRoots,
  tree: ReadonlyMap<string, TreeNode>,
  changed: ReadonlySet<string>,
): TreeChanges {
  const interfaces = new Map<string, InterfaceNodes | undefined>();
  const mapping = new Map<string, readonly string[] | undefined>();
  const instances = new Map<string, readonly string[] | undefined>();
  const rules = new Map<string, string | undefined>();
  for (const path of changed) {
    const parts = partsBelow(roots.root, path);
    if (parts === undefined) {
      const application = partsBelow(roots.services, path)?.[0];
      if (application !== undefined) instances.set(application, namesOf(tree, `${roots.services}/${application}`));
      continue;
    }
    const [first, second, third] = parts;
    if (first === undefined) continue;
    if (first === "mapping") {
      if (second !== undefined) mapping.set(decodeName(second), applicationsOf(tree.get(path)));
    } else if (first === "config") {
      if (third !== undefined) rules.set(decodeName(third), textOf(tree.get(path)));
    } else if (!RESERVED.has(first)) {
      interfaces.set(decodeName(first), interfaceNodes(tree, `${roots.root}/${first}`));
    }
  }
  return { interfaces, mapping, instances, rules };
}

/** A directory's name as Java's URLDecoder reads it; as it stands where it is no encoded name. */
export function decodeName(name: string): string {
  if (!name.includes("%") && !name.includes("+")) return name;
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

function partsBelow(root: string, path: string): string[] | undefined {
  if (path === root) return [];
  const prefix = root === "/" ? "/" : `${root}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length).split("/") : undefined;
}

function interfaceNodes(tree: ReadonlyMap<string, TreeNode>, path: string): InterfaceNodes | undefined {
  if (tree.get(path) === undefined) return undefined;
  const [providers, consumers, configurators, routers] = CATEGORIES.map(
    (name) => namesOf(tree, `${path}/${name}`) ?? [],
  );
  return { providers, consumers, configurators, routers };
}

function namesOf(tree: ReadonlyMap<string, TreeNode>, path: string): readonly string[] | undefined {
  const node = tree.get(path);
  return node === undefined ? undefined : [...(node.children ?? [])].sort();
}

function applicationsOf(node: TreeNode | undefined): readonly string[] | undefined {
  if (node === undefined) return undefined;
  const listed = (textOf(node) ?? "").split(",").map((name) => name.trim());
  // A node of 2.7 holds a time in place of the list.
  const fromData = listed.filter((name) => name !== "" && !/^\d+$/.test(name));
  return [...new Set([...fromData, ...(node.children ?? [])])].sort();
}

function textOf(node: TreeNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  return node.data === null || node.data === undefined ? "" : new TextDecoder().decode(node.data);
}
