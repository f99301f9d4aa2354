/**
 * Paths of nodes: `/a/b/c`, absolute, no empty, `.` or `..` part, no trailing slash, no control characters.
 * Reference: PathUtils of Apache ZooKeeper 3.8.
 */

/** What is wrong with a path; undefined for a good one. */
export function pathFault(path: string): string | undefined {
  if (path === "/") return undefined;
  if (path === "") return "path is empty";
  if (!path.startsWith("/")) return "path does not start with a slash";
  if (path.endsWith("/")) return "path ends with a slash";
  for (const part of path.slice(1).split("/")) {
    if (part === "") return "path has an empty part";
    if (part === "." || part === "..") return "path has a relative part";
  }
  if (FORBIDDEN.test(path)) return "path has a forbidden character";
  return undefined;
}

/** Control characters, the private and the half surrogates that ZooKeeper refuses, and specials. */
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** The path of a node's parent; the root's own is the root. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** A node's own name; empty for the root. */
export function nodeName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path of the child `name` of `parent`. */
export function childPath(parent: string, name: string): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`;
}
