/** A provider's address as far as it matters here. */
interface Retirable {
  retire(): void;
}

/** What is listed of a provider. */
interface Listed {
  readonly host: Retirable;
  readonly payloadBytes: number;
}

interface Use {
  readonly lists: readonly (readonly Listed[])[];
  readonly largestPayload: number;
}

/** Which addresses clusters list. A change costs what the clusters that it is about list, however many others there are. */
export class HostUse {
  readonly #byCluster = new Map<string, Use>();
  readonly #counts = new Map<Retirable, number>();
  readonly #left = new Set<Retirable>();
  #largestPayload: number | undefined = 0;

  /** Puts what a cluster lists in place of what it listed before; no lists for one that is gone. */
  set(cluster: string, lists: readonly (readonly Listed[])[]): void {
    const before = this.#byCluster.get(cluster);
    for (const list of before?.lists ?? []) for (const { host } of list) this.#count(host, -1);
    let largestPayload = 0;
    for (const list of lists) {
      for (const { host, payloadBytes } of list) {
        this.#count(host, 1);
        largestPayload = Math.max(largestPayload, payloadBytes);
      }
    }
    if (lists.length > 0) this.#byCluster.set(cluster, { lists, largestPayload });
    else this.#byCluster.delete(cluster);
    if (before !== undefined && before.largestPayload > largestPayload) this.#largestPayload = undefined;
    else if (this.#largestPayload !== undefined) this.#largestPayload = Math.max(this.#largestPayload, largestPayload);
  }

  /** The largest payload that a provider says to take; 0 where none says it. */
  get largestPayload(): number {
    if (this.#largestPayload === undefined) {
      let largest = 0;
      for (const { largestPayload } of this.#byCluster.values()) largest = Math.max(largest, largestPayload);
      this.#largestPayload = largest;
    }
    return this.#largestPayload;
  }

  /** Retires the addresses that no cluster lists any more. */
  retireLeft(): void {
    for (const host of this.#left) host.retire();
    this.#left.clear();
  }

  #count(host: Retirable, step: 1 | -1): void {
    const count = (this.#counts.get(host) ?? 0) + step;
    if (count > 0) {
      this.#counts.set(host, count);
      this.#left.delete(host);
    } else {
      this.#counts.delete(host);
      this.#left.add(host);
    }
  }
}
