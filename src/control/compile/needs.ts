import type { ClusterNeed } from "./clusters.ts";

const NOTHING: readonly never[] = [];

/** What one service's rule needs: clusters, and the hosts that it names. */
interface Needed {
  readonly clusters: readonly ClusterNeed[];
  readonly texts: readonly string[];
}

/** The clusters that rules lead to beside services' own, by who leads there; and who depends on a host that a rule names. */
export class Needs {
  readonly #byUser = new Map<string, Needed>();
  readonly #clusters = new Map<string, { need: ClusterNeed; users: number }>();
  readonly #users = new Map<string, Set<string>>();

  /** What a user needs from now on, and the texts by which its rule names hosts, in lower case; names of clusters that it had or has are added to `touched`. */
  set(user: string, clusters: readonly ClusterNeed[], texts: readonly string[], touched: Set<string>): void {
    const before = this.#byUser.get(user);
    if (before === undefined && clusters.length === 0 && texts.length === 0) return;
    for (const { name } of before?.clusters ?? NOTHING) {
      const one = this.#clusters.get(name)!;
      if (--one.users === 0) this.#clusters.delete(name);
      touched.add(name);
    }
    for (const text of before?.texts ?? NOTHING) {
      const users = this.#users.get(text);
      users?.delete(user);
      if (users?.size === 0) this.#users.delete(text);
    }
    for (const need of clusters) {
      const one = this.#clusters.get(need.name);
      this.#clusters.set(need.name, { need, users: (one?.users ?? 0) + 1 });
      touched.add(need.name);
    }
    for (const text of texts) {
      const users = this.#users.get(text);
      if (users === undefined) this.#users.set(text, new Set([user]));
      else users.add(user);
    }
    if (clusters.length === 0 && texts.length === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, { clusters, texts });
  }

  /** What a cluster is, where anybody needs it. */
  of(name: string): ClusterNeed | undefined {
    return this.#clusters.get(name)?.need;
  }

  /** Adds all whose rules name a host by that text. */
  addDependants(text: string, to: Set<string>): void {
    for (const user of this.#users.get(text) ?? NOTHING) to.add(user);
  }
}
