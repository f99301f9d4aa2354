import { decodeOnce } from "../dubbo/url.ts";

/** A registry directory whose list consumers see rewritten. */
export interface Directory {
  /**
   * `providers`, `routers`: the URLs of one interface; `instances`: the instances of one application; `rules`: the keys of the
   * config centre; `metadata`: the revisions of one application in the metadata centre.
   */
  readonly kind: "providers" | "routers" | "instances" | "rules" | "metadata";
  readonly path: string;
  /** The interface or the application, decoded; `""` for rules. */
  readonly name: string;
}

/** A node right below such a directory. */
export interface DirectoryChild {
  readonly directory: Directory;
  /** Node name as it stands. */
  readonly name: string;
}

/** The parts of a context that say where directories stand. */
export interface Roots {
  readonly roots: readonly string[];
  readonly instanceRoots: readonly string[];
}

const CATEGORIES = ["providers", "routers"] as const;
const RULES = "config/dubbo";
const METADATA = "/metadata";
const MAPPING = "/mapping";

/** The presented directory that a path is; undefined for every other path. */
export function directoryAt(path: string, roots: Roots): Directory | undefined {
  for (const kind of CATEGORIES) {
    if (!path.endsWith(kind)) continue;
    for (const root of roots.roots) {
      const end = path.length - kind.length - 1;
      const segment = path.charCodeAt(end) === 47 ? onlySegment(path, root, end) : undefined;
      const name = segment === undefined ? undefined : decodeOnce(segment);
      if (name !== undefined) return { kind, path, name };
    }
  }
  if (path.endsWith(RULES)) {
    const isRules = roots.roots.some((root) => path === (root === "/" ? `/${RULES}` : `${root}/${RULES}`));
    if (isRules) return { kind: "rules", path, name: "" };
  }
  for (const root of roots.roots) {
    const name = onlySegment(path, root === "/" ? METADATA : `${root}${METADATA}`, path.length);
    if (name !== undefined) return { kind: "metadata", path, name };
  }
  for (const root of roots.instanceRoots) {
    const name = onlySegment(path, root, path.length);
    if (name !== undefined) return { kind: "instances", path, name };
  }
  return undefined;
}

/** The interface of which a path says the applications that offer it (`<root>/mapping/<interface>`); undefined for every other path. */
export function mappingAt(path: string, { roots }: Pick<Roots, "roots">): string | undefined {
  if (!path.includes(MAPPING)) return undefined;
  for (const root of roots) {
    const name = onlySegment(path, root === "/" ? MAPPING : `${root}${MAPPING}`, path.length);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The presented directory that a path stands right below, and its name there; undefined for every other path. */
export function childAt(path: string, roots: Roots): DirectoryChild | undefined {
  const slash = path.lastIndexOf("/");
  if (slash <= 0) return undefined;
  const directory = directoryAt(path.slice(0, slash), roots);
  return directory === undefined ? undefined : { directory, name: path.slice(slash + 1) };
}

/** The consumer's node that a path is (`<root>/<interface>/consumers/<url>`), by its name; undefined for every other path. */
export function consumerNodeAt(path: string, roots: Roots): string | undefined {
  const slash = path.lastIndexOf("/");
  const parent = path.slice(0, Math.max(slash, 0));
  if (!parent.endsWith("/consumers")) return undefined;
  const end = parent.length - "/consumers".length;
  return roots.roots.some((root) => onlySegment(parent, root, end) !== undefined) ? path.slice(slash + 1) : undefined;
}

/** The one path segment between `root/` and `end`; undefined when there is none or more than one. */
function onlySegment(path: string, root: string, end: number): string | undefined {
  const start = root === "/" ? 1 : root.length + 1;
  if (end <= start || path.charCodeAt(start - 1) !== 47 || !path.startsWith(root)) return undefined;
  const segment = path.slice(start, end);
  return segment.includes("/") ? undefined : segment;
}
