import type { SpringNodes } from "./tree.ts";
import type { Plan, TreeNode } from "./tree-watch.ts";

/** Which nodes of Spring Cloud ZooKeeper the sync reads, and how changes of them become changes of applications. Pure. */

const LIST = { children: true, data: false };
const TEXT = { children: false, data: true };

/** Says what to keep below `{root}/{application}/{instance}`, for each root. */
export function springPlan(roots: readonly string[]): Plan {
  return (path) => {
    const depth = depthBelow(roots, path)?.depth;
    return depth === undefined || depth > 2 ? undefined : depth === 2 ? TEXT : LIST;
  };
}

/** What the changed paths mean: the folders of the applications that they are in or below, whole; undefined for one that is gone. */
export function springChanges(
  roots: readonly string[],
  tree: ReadonlyMap<string, TreeNode>,
  changed: ReadonlySet<string>,
): ReadonlyMap<string, SpringNodes | undefined> {
  const folders = new Map<string, SpringNodes | undefined>();
  for (const path of changed) {
    const folder = depthBelow(roots, path)?.folder;
    if (folder === undefined || folders.has(folder)) continue;
    const node = tree.get(folder);
    folders.set(folder, node && nodesOf(tree, folder, node));
  }
  return folders;
}

function nodesOf(tree: ReadonlyMap<string, TreeNode>, folder: string, { children }: TreeNode): SpringNodes {
  const nodes = new Map<string, Uint8Array>();
  for (const name of [...(children ?? [])].sort()) {
    const data = tree.get(`${folder}/${name}`)?.data;
    if (data !== undefined && data !== null) nodes.set(name, data);
  }
  return nodes;
}

/** How many names stand below the nearest of the roots, and the folder that the first of them is. */
function depthBelow(
  roots: readonly string[],
  path: string,
): { readonly depth: number; readonly folder?: string } | undefined {
  for (const root of roots) {
    if (path === root) return { depth: 0 };
    if (!path.startsWith(`${root}/`)) continue;
    const names = path.slice(root.length + 1).split("/");
    return { depth: names.length, folder: `${root}/${names[0]}` };
  }
  return undefined;
}
