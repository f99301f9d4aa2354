import { type Entry, furtherHost } from "../../model/entry.ts";
import { serviceKey } from "../../model/service.ts";

const made = new WeakMap<Entry, readonly Entry[]>();

/** The entries with one for each further port that registries know; of an entry that stays they are the same objects. */
export function withFurtherPorts(entries: readonly Entry[]): readonly Entry[] {
  const added = entries.flatMap((entry) => (entry.further === undefined ? [] : furtherOf(entry)));
  return added.length === 0 ? entries : [...entries, ...added];
}

function furtherOf(entry: Entry): readonly Entry[] {
  let own = made.get(entry);
  if (own === undefined) {
    const { further = [], ports: _, routing: __, writtenHost: ___, ...rest } = entry;
    own = further.map(({ protocol, port, endpoints }) =>
      Object.freeze({
        ...rest,
        host: furtherHost(entry.host, port),
        service: Object.freeze(serviceKey(entry.service.interface, entry.service.group, String(port))),
        endpoints,
        ports: Object.freeze([Object.freeze({ protocol, port })]),
        portOf: entry.host,
      }),
    );
    made.set(entry, own);
  }
  return own;
}
