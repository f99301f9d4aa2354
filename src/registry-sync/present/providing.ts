import type { Consumer, Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";

/** By whom a service is provided, as far as that decides whether it is led. */
export interface Providing {
  /** The service's printed key. */
  readonly key: string;
  /** Each application (`""` where none is said) with each protocol and registry of its providers, once. */
  readonly by: readonly { readonly application: string; readonly protocol: string; readonly origin: string }[];
  /** Whether a provider has a tag. */
  readonly isTagged: boolean;
}

const known = new WeakMap<Entry, Providing>();

/** Reads an entry's providers; once for each entry, however often it is asked. */
export function providingOf(entry: Entry): Providing {
  const before = known.get(entry);
  if (before !== undefined) return before;
  const by = new Map<string, { application: string; protocol: string; origin: string }>();
  let isTagged = false;
  for (const { protocol, params, tag, origin } of entry.endpoints) {
    const application = params["application"] ?? "";
    by.set(`${protocol} ${origin} ${application}`, { application, protocol, origin });
    isTagged ||= tag !== "";
  }
  const providing = Object.freeze({ key: printServiceKey(entry.service), by: [...by.values()], isTagged });
  known.set(entry, providing);
  return providing;
}

const byApplication = new WeakMap<readonly Entry[], ReadonlyMap<string, readonly Entry[]>>();

/** The entries of which an application has providers; once for each list of entries. */
export function entriesOfApplication(entries: readonly Entry[], application: string): readonly Entry[] {
  let index = byApplication.get(entries);
  if (index === undefined) {
    const found = new Map<string, Entry[]>();
    for (const entry of entries) {
      for (const name of new Set(providingOf(entry).by.map((one) => one.application))) {
        const list = found.get(name);
        if (list === undefined) found.set(name, [entry]);
        else list.push(entry);
      }
    }
    index = found;
    byApplication.set(entries, index);
  }
  return index.get(application) ?? [];
}

const broadcasts = new WeakMap<readonly Consumer[], ReadonlySet<string>>();

/** The interfaces of which a consumer calls every provider at once (`cluster=broadcast`); once for each list of consumers. */
export function broadcastInterfaces(consumers: readonly Consumer[]): ReadonlySet<string> {
  let found = broadcasts.get(consumers);
  if (found === undefined) {
    const calling = consumers.filter(({ params }) => params["cluster"] === "broadcast");
    found = new Set(calling.map(({ service }) => service.interface));
    broadcasts.set(consumers, found);
  }
  return found;
}
