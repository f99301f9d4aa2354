import type { Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import { speaksOneOf } from "./endpoints.ts";

const HTTP: readonly string[] = ["http"];

/** Which ports there are to give. */
export interface PortChoice {
  readonly from: number;
  readonly to: number;
  /** Ports that cannot be had. */
  readonly taken: ReadonlySet<number>;
}

/** Printed keys of the services that have a provider that speaks HTTP, in the order of the entries; those that are called as Dubbo's need none. */
export function httpServices(entries: readonly Entry[]): readonly string[] {
  return entries.flatMap((entry) => httpService(entry) ?? []);
}

const known = new WeakMap<Entry, string | null>();

/** The key of the service where it is one of {@link httpServices}. */
function httpService(entry: Entry): string | undefined {
  let key = known.get(entry);
  if (key === undefined) {
    const isHttp = entry.mapped !== true && entry.endpoints.some((one) => speaksOneOf(one, HTTP));
    key = isHttp ? printServiceKey(entry.service) : null;
    known.set(entry, key);
  }
  return key ?? undefined;
}

/**
 * A port for each service: the one that `before` says, else one by a hash of its name, else the next that is free. The same names
 * without `before` get the same ports; services that there is no port for are left out.
 */
export function assignPorts(
  services: readonly string[],
  { from, to, taken }: PortChoice,
  before: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  const assigned = new Map<string, number>();
  const used = new Set(taken);
  const wanting: string[] = [];
  for (const service of services) {
    const port = before.get(service);
    if (port === undefined || used.has(port) || port < from || port > to) {
      wanting.push(service);
      continue;
    }
    assigned.set(service, port);
    used.add(port);
  }
  const count = to - from + 1;
  for (const service of wanting.sort()) {
    const first = hashOf(service) % count;
    for (let i = 0; i < count; i++) {
      const port = from + ((first + i) % count);
      if (used.has(port)) continue;
      assigned.set(service, port);
      used.add(port);
      break;
    }
  }
  return assigned;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
