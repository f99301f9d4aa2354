import type { Entry, Finding } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import type { Changes, StoredEntry } from "../contracts.ts";
import { type Plan, type PlanPolicy, plan, type StandingEntry } from "./plan.ts";

/**
 * What stands in a sink, from one plan to the next: after the first plan only the hosts whose entries became others are planned again,
 * until other registries are silent. Pure state.
 */
export class Standing {
  readonly #policy: Omit<PlanPolicy, "silent">;
  readonly #byHost: Map<string, StandingEntry>;
  readonly #findings = new Map<string, Finding>();
  #planned: readonly Entry[] | undefined;
  #silent: ReadonlySet<string> = new Set();

  /** `current` is what was read from the sink. */
  constructor(current: readonly StoredEntry[], policy: Omit<PlanPolicy, "silent">) {
    this.#policy = policy;
    this.#byHost = new Map(current.map((stored) => [stored.host, stored]));
  }

  /** What turns what stands there into `desired`; nothing of it is taken for done before {@link Standing.done}. */
  plan(desired: readonly Entry[], silent: ReadonlySet<string>): Plan {
    const policy = { ...this.#policy, silent };
    if (this.#planned === undefined || !sameNames(this.#silent, silent)) {
      const whole = plan(desired, [...this.#byHost.values()], policy);
      this.#findings.clear();
      return this.#note(whole, desired, desired, silent);
    }
    const { gone, came } = entryChanges(this.#planned, desired);
    const hosts = new Set([...gone, ...came].map(({ host }) => host));
    const standing = [...hosts].flatMap((host) => this.#byHost.get(host) ?? []);
    for (const host of hosts) this.#findings.delete(host);
    return this.#note(plan(came, standing, policy), came, desired, silent);
  }

  /** What was planned last was done. */
  done({ create, update, delete: gone }: Changes): void {
    for (const { host } of gone) this.#byHost.delete(host);
    for (const entry of create) this.#put(entry);
    for (const { after } of update) this.#put(after);
  }

  #note(made: Plan, looked: readonly Entry[], desired: readonly Entry[], silent: ReadonlySet<string>): Plan {
    for (const one of made.findings) this.#findings.set(one.at, one);
    this.#planned = desired;
    this.#silent = silent;
    // Of what is as it should be the wanted object is kept, so that it is held once and known again by its identity.
    if (silent.size === 0) {
      const others = new Set([...made.changes.update.map(({ after }) => after.host), ...this.#findings.keys()]);
      for (const entry of looked) if (this.#byHost.has(entry.host) && !others.has(entry.host)) this.#put(entry);
    }
    return { changes: made.changes, findings: [...this.#findings.values()] };
  }

  #put(entry: Entry): void {
    this.#byHost.set(entry.host, { host: entry.host, owner: this.#policy.owner, entry, isGiven: true });
  }
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}
