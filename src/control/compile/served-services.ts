import { printAddress } from "../../base/address.ts";
import type { Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";

/** Which services stand at which address, followed from one list of entries to the next: a change costs what changed. Whoever follows lists has one. */
export class ServedServices {
  #entries: readonly Entry[] = [];
  readonly #at = new Map<string, Set<Entry>>();

  /**
   * The services, as printed keys in their order, that stand at any of these addresses: where a proxy in front of a provider takes calls, and at
   * the provider's own. HTTP services, which have no interface, are among them.
   */
  at(
    entries: readonly Entry[],
    places: readonly { readonly address: string; readonly port: number }[],
  ): readonly string[] {
    if (entries !== this.#entries) this.#follow(entries);
    const found = places.flatMap(({ address, port }) => [...(this.#at.get(printAddress(address, port)) ?? [])]);
    return [...new Set(found.map(({ service }) => printServiceKey(service)))].sort();
  }

  #follow(entries: readonly Entry[]): void {
    const before = new Set(this.#entries);
    for (const entry of entries) if (!before.delete(entry)) this.#put(entry);
    for (const entry of before) this.#drop(entry);
    this.#entries = entries;
  }

  #put(entry: Entry): void {
    for (const place of placesOf(entry)) {
      const known = this.#at.get(place);
      if (known === undefined) this.#at.set(place, new Set([entry]));
      else known.add(entry);
    }
  }

  #drop(entry: Entry): void {
    for (const place of placesOf(entry)) {
      const known = this.#at.get(place);
      known?.delete(entry);
      if (known?.size === 0) this.#at.delete(place);
    }
  }
}

function placesOf({ endpoints }: Entry): ReadonlySet<string> {
  return new Set(endpoints.map(({ address, port }) => printAddress(address, port)));
}
