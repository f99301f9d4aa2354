import type { Endpoint, Entry } from "../../model/entry.ts";
import type { Source, StoredEntry } from "../contracts.ts";
import { compareEndpoints, compareText, endpointId } from "../dubbo/endpoint.ts";
import { hostOf } from "../naming/naming.ts";

/**
 * What a registry held as far as sinks kept it: the entries there that are ours, with those of their endpoints that came from it,
 * sorted by host. An endpoint that several sinks have counts once, as the first has it. Where names come from registries an entry stands
 * under the host that any of `sources` gives its service, and is given this registry's own here; one under a host that none of them
 * gives was changed by someone and is left out.
 */
export function rememberedEntries(
  stored: Iterable<StoredEntry>,
  owner: string,
  source: Pick<Source, "name" | "hostOf">,
  sources: readonly Pick<Source, "name" | "hostOf">[] = [source],
): readonly Entry[] {
  const known = new Map<string, { readonly entry: Entry; readonly endpoints: Map<string, Endpoint> }>();
  for (const { owner: whose, entry } of stored) {
    if (whose !== owner || entry === undefined) continue;
    const from = entry.endpoints.filter(({ origin }) => origin === source.name);
    if (from.length === 0 || !sources.some((one) => hostBy(one, entry) === entry.host)) continue;
    const own = underHost(entry, hostBy(source, entry));
    const one = known.get(own.host) ?? { entry: own, endpoints: new Map<string, Endpoint>() };
    known.set(own.host, one);
    for (const endpoint of from) {
      const id = endpointId(endpoint);
      if (!one.endpoints.has(id)) one.endpoints.set(id, endpoint);
    }
  }
  return [...known.values()]
    .map(({ entry, endpoints }) =>
      Object.freeze({ ...entry, endpoints: Object.freeze([...endpoints.values()].sort(compareEndpoints)) }),
    )
    .sort((a, b) => compareText(a.host, b.host));
}

function hostBy(source: Pick<Source, "name" | "hostOf">, entry: Entry): string {
  return source.hostOf?.(entry) ?? hostOf(entry.service);
}

function underHost(entry: Entry, host: string): Entry {
  if (entry.host === host) return entry;
  const { writtenHost: _, ...rest } = entry;
  return { ...rest, host };
}
