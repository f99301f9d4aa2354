import type { Facade } from "../../../src/registry-sync/contracts.ts";
import type { PresentContext } from "../../../src/registry-sync/present/context.ts";
import type { Address } from "../sources/registry.ts";

/** A facade before a registry, and the applications that use it. */
export interface FacadeKind {
  /** Its ports above its own one, 0 among them. */
  readonly above: readonly number[];
  /** Where it has to listen, so that what the registry sends to it by itself comes from an address that it knows. */
  readonly host: string;
  open(listen: Address, upstream: Address, context: PresentContext, allow?: readonly string[]): Promise<Facade>;
  /** Clients of the registry's own protocols, by name; each can talk to the registry itself just as well. */
  readonly users: Readonly<Record<string, (at: Address) => FacadeUser>>;
}

/** One instance that an application registers of itself. */
export interface Registered {
  readonly host: string;
  readonly port: number;
}

/** An application with a client of the registry's own protocol. */
export interface FacadeUser {
  /** Asks for the `host:port` of the instances of a service that take calls, sorted; rejects where there is no answer. */
  list(service: string): Promise<readonly string[]>;
  /** Follows a service as applications do: by a watch, by pushes, or by asking what has changed. */
  follow(service: string): Promise<Followed>;
  /** Registers an instance, and then does what keeps it there: renews, or registers it again where the registry has lost it. */
  register(service: string, instance: Registered, leaseMs?: number): Promise<void>;
  /** Takes an instance that it has registered out of service, or in again. */
  setUp(service: string, instance: Registered, isUp: boolean): Promise<void>;
  cancel(service: string, instance: Registered): Promise<void>;
  /** Ends all of it; instances that it did not cancel may be left behind. */
  close(): Promise<void>;
}

/** What a follower was told. */
export interface Followed {
  /** Each list that it was told, as {@link FacadeUser.list} has it, oldest first; equal ones in a row are one. */
  readonly told: readonly (readonly string[])[];
}

/** How long an instance stands after it was renewed last, ms, where the protocol lets clients say that: far longer than any case takes. */
export const LONG_LEASE_MS = 600_000;
/** How often clients renew, and ask where nobody tells them, ms. */
export const RENEW_MS = 500;

/** Keeps what a follower is told. */
export class Told implements Followed {
  readonly told: (readonly string[])[] = [];

  say(addresses: Iterable<string>): void {
    const sorted = [...addresses].sort();
    if (JSON.stringify(sorted) !== JSON.stringify(this.told.at(-1))) this.told.push(sorted);
  }
}

/** Does something again and again, one after the other, until it is stopped; what goes wrong is tried again the next time. */
export function repeat(everyMs: number, act: () => Promise<void>): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const next = () => {
    timer = setTimeout(() => {
      act()
        .catch(() => {})
        .finally(() => {
          if (!isStopped) next();
        });
    }, everyMs);
  };
  next();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
