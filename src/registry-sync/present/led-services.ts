import type { Entry } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import { providingOf } from "./providing.ts";

/** Whether a service is led for an application that provides it, in a protocol. */
export type IsLed = (entry: Entry, application: string, protocol: string) => boolean;

/**
 * Which services of a world are led, from one context to the next: while what decides it stays, only entries that became others are
 * looked at again, and while the answer stays, so does the set.
 */
export class LedServices {
  #basis: readonly unknown[] = [];
  #entries: readonly Entry[] = [];
  #led: ReadonlySet<string> = new Set();

  /** Printed keys of the services that are led, if only for one application. `basis` is all that `isLed` depends on beside the entry. */
  of(entries: readonly Entry[], basis: readonly unknown[], isLed: IsLed): ReadonlySet<string> {
    const isSame = basis.length === this.#basis.length && basis.every((part, i) => part === this.#basis[i]);
    const { gone, came } = entryChanges(isSame ? this.#entries : [], entries);
    const led = new Set<string>();
    for (const entry of came) {
      const { key, by } = providingOf(entry);
      if (by.some(({ application, protocol }) => isLed(entry, application, protocol))) led.add(key);
    }
    this.#basis = basis;
    this.#entries = entries;
    if (!isSame) this.#led = led;
    else if (changes(this.#led, gone, led)) {
      const left = new Set(this.#led);
      for (const entry of gone) left.delete(providingOf(entry).key);
      this.#led = new Set([...left, ...led]);
    }
    return this.#led;
  }
}

function changes(before: ReadonlySet<string>, gone: readonly Entry[], led: ReadonlySet<string>): boolean {
  for (const key of led) if (!before.has(key)) return true;
  return gone.some((entry) => {
    const { key } = providingOf(entry);
    return before.has(key) && !led.has(key);
  });
}
