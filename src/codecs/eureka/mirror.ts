import type { ApplicationsDocument } from "./document.ts";
import { type EurekaInstance, readEurekaInstance } from "./instance.ts";
import { countedHashcode, type EurekaStatus } from "./status.ts";

/** What one document changed: an instance without `before` is new, one without `after` is gone. */
export interface InstanceChange {
  readonly before: EurekaInstance | undefined;
  readonly after: EurekaInstance | undefined;
}

/** What taking a document in gave. */
export interface Applied {
  readonly changes: readonly InstanceChange[];
  /** Instances that could not be read and were left out. */
  readonly unreadable: number;
}

/** Keeps a server's instances by its full lists and deltas, as Eureka's own clients do. Equal instances keep their identity. */
export class EurekaMirror {
  readonly #instances = new Map<string, EurekaInstance>();
  /** How many instances have a status; none that no instance has. */
  readonly #statuses = new Map<EurekaStatus, number>();

  /** How many instances it holds. */
  get size(): number {
    return this.#instances.size;
  }

  /** The hash of what it holds, to be compared with the server's. */
  hashcode(): string {
    return countedHashcode(this.#statuses);
  }

  /**
   * Takes a full list: what it does not hold is gone. `keep` says that what is held of an instance stays although the list has it
   * otherwise; it is not asked about instances that are gone.
   */
  replace(
    document: ApplicationsDocument,
    keep: (held: EurekaInstance, given: EurekaInstance) => boolean = () => false,
  ): Applied {
    const changes: InstanceChange[] = [];
    const { given, unreadable } = readAll(document);
    for (const [key, before] of this.#instances) {
      if (given.has(key)) continue;
      this.#remove(key, before);
      changes.push({ before, after: undefined });
    }
    for (const [key, after] of given) {
      const before = this.#instances.get(key);
      if (before !== undefined && keep(before, after)) continue;
      this.#put(key, after, changes);
    }
    return { changes, unreadable };
  }

  /** Takes a delta: each of its instances is added, changed or removed as it says, as often as it says so. */
  apply(document: ApplicationsDocument): Applied {
    const changes: InstanceChange[] = [];
    const { given, unreadable } = readAll(document);
    for (const [key, instance] of given) {
      if (instance.action !== "DELETED") {
        this.#put(key, instance, changes);
        continue;
      }
      const before = this.#instances.get(key);
      if (before === undefined) continue;
      this.#remove(key, before);
      changes.push({ before, after: undefined });
    }
    return { changes, unreadable };
  }

  #put(key: string, after: EurekaInstance, changes: InstanceChange[]): void {
    const before = this.#instances.get(key);
    if (before !== undefined && sameInstance(before, after)) return;
    this.#instances.set(key, after);
    if (before !== undefined) this.#count(before.status, -1);
    this.#count(after.status, 1);
    changes.push({ before, after });
  }

  #remove(key: string, { status }: EurekaInstance): void {
    this.#instances.delete(key);
    this.#count(status, -1);
  }

  #count(status: EurekaStatus, more: number): void {
    const count = (this.#statuses.get(status) ?? 0) + more;
    if (count === 0) this.#statuses.delete(status);
    else this.#statuses.set(status, count);
  }
}

/** Whether two readings of an instance say the same; what was done to it and when does not count. */
export function sameInstance(a: EurekaInstance, b: EurekaInstance): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf(instance: EurekaInstance): string {
  return JSON.stringify({ ...instance, action: "", lastUpdatedMs: 0, lastDirtyMs: 0 });
}

/** By application and id; of two with the same, the later one counts. */
function readAll({ applications }: ApplicationsDocument): { given: Map<string, EurekaInstance>; unreadable: number } {
  const given = new Map<string, EurekaInstance>();
  let unreadable = 0;
  for (const { name, instances } of applications) {
    for (const raw of instances) {
      const instance = readEurekaInstance(raw, name);
      if (instance === undefined) unreadable++;
      else given.set(`${instance.app}/${instance.id}`, instance);
    }
  }
  return { given, unreadable };
}
