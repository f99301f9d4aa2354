import type { Endpoint, Entry } from "../model/entry.ts";
import type { StoredEntry } from "./contracts.ts";
import { compareEndpoints, compareText, endpointId } from "./dubbo-endpoint.ts";
import { hostOf } from "./naming.ts";

/**
 * What a registry held as far as sinks kept it: the entries there that are ours, with those of their endpoints that came from it,
 * sorted by host. An endpoint that several sinks have counts once, as the first has it. An entry whose host is not its service's
 * was changed by someone and is left out.
 */
export function rememberedEntries(stored: Iterable<StoredEntry>, owner: string, registry: string): readonly Entry[] {
  const known = new Map<string, { readonly entry: Entry; readonly endpoints: Map<string, Endpoint> }>();
  for (const { owner: whose, entry } of stored) {
    if (whose !== owner || entry === undefined || entry.host !== hostOf(entry.service)) continue;
    const from = entry.endpoints.filter(({ origin }) => origin === registry);
    if (from.length === 0) continue;
    const one = known.get(entry.host) ?? { entry, endpoints: new Map<string, Endpoint>() };
    known.set(entry.host, one);
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
