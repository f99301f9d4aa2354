import { sameItems } from "../../base/block-list.ts";
import type { Entry, World } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import { compareText } from "../dubbo/endpoint.ts";

/** What an entry was made into, so that an unchanged one keeps its identity. */
const moved = new WeakMap<Entry, Entry>();

/**
 * Gives a service that several registries hold under different hosts (naming styles name by the kind of the registry) the host that the
 * first of them gives it. Worlds that need nothing of it are the same objects.
 */
export function withOneHost(worlds: readonly World[]): readonly World[] {
  const first = new Map<string, Entry>();
  const made = worlds.map((world) => {
    let isMoved = false;
    const entries = world.entries.map((entry) => {
      const key = printServiceKey(entry.service);
      const known = first.get(key);
      if (known === undefined) first.set(key, entry);
      if (known === undefined || known.host === entry.host) return entry;
      isMoved = true;
      return moveTo(entry, known);
    });
    if (!isMoved) return world;
    return Object.freeze({ ...world, entries: entries.sort((a, b) => compareText(a.host, b.host)) });
  });
  return sameItems(made, worlds) ? worlds : made;
}

function moveTo(entry: Entry, { host, writtenHost }: Entry): Entry {
  const before = moved.get(entry);
  if (before?.host === host) return before;
  const { writtenHost: _, ...rest } = entry;
  const made = Object.freeze({ ...rest, host, ...(writtenHost !== undefined && { writtenHost }) });
  moved.set(entry, made);
  return made;
}
