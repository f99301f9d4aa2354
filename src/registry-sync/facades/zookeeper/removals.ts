import { parseNodeName } from "../../dubbo/url.ts";
import { childAt, type Roots } from "../../present/directory.ts";

/**
 * The provider instances, `address:port` and each once, that nodes stand for: URLs under `providers`, and instances of
 * applications. Other paths stand for none.
 */
export function instancesAt(paths: Iterable<string>, roots: Roots): readonly string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const child = childAt(path, roots);
    if (child === undefined) continue;
    const { kind } = child.directory;
    const instance = kind === "instances" ? child.name : kind === "providers" ? urlAddress(child.name) : undefined;
    if (instance !== undefined) found.add(instance);
  }
  return [...found];
}

function urlAddress(name: string): string | undefined {
  const reading = parseNodeName(name);
  return reading.type === "url" ? `${reading.url.host}:${reading.url.port}` : undefined;
}
