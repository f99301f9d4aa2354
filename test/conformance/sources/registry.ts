import type { Source } from "../../../src/registry-sync/contracts.ts";
import type { Impostor } from "./impostor.ts";

/** One instance of a service, as far as every registry knows such a thing. */
export interface Instance {
  readonly host: string;
  readonly port: number;
  /** Takes calls unless this is false. */
  readonly up?: boolean;
  /** As its registry has it; left out where it has none. */
  readonly weight?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How a source reads a registry at an address: all of it, or what was put with this scope, where the registry can tell that apart. */
export type OpenSource = (at: Address, scope: string) => Source;

/** A real registry, with networks to it that can be made bad, and the sources that read it. */
export interface SourceRegistry {
  /** First word of its rows in expected-failures.txt. */
  readonly kind: string;
  /** The registry itself, by a network that is always good. */
  readonly address: Address;
  /** Each reads the registry in its own way. */
  readonly sources: Readonly<Record<string, OpenSource>>;
  /** Makes these the instances of a service, by the good network. What the registry itself refuses is left out. */
  put(service: string, instances: readonly Instance[], scope?: string): Promise<void>;
  /** One more network to it, at an address of its own. */
  openNetwork(scope: string): Promise<Network>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, with what it has kept by itself. */
  restart(): Promise<void>;
  /** Takes away all that was put, at once: it answers then, as it should, and holds nothing. */
  empty(): Promise<void>;
  /** Puts there again what was put before. */
  putBack(): Promise<void>;
  /** Whether it knows services without instances. */
  readonly knowsEmpty?: boolean;
  /** How its sources show what was put, where that is not by the service's own name and with metadata `v` among the parameters. */
  readonly shown?: {
    name(service: string, scope: string): string;
    version(params: Readonly<Record<string, string>>): string;
  };
  stop(): Promise<void>;
}

/** What can be done to the connections between somebody and a registry. */
export interface Network {
  /** Where it listens for those who want the registry. */
  readonly address: Address;
  /** Takes bytes and connections and passes nothing on. */
  blackHole(): void;
  /** RST to every connection; new ones are taken. */
  reset(): void;
  /** RST in the middle of the next answer, this many bytes in. */
  resetAfter(bytes: number): void;
  /** RST to every connection, and to new ones: nobody listens. */
  refuse(): Promise<void>;
  /** Good again. */
  heal(): Promise<void>;
  /** Something else stands at the registry's address. */
  impersonate(impostor: Impostor): Promise<void>;
  /** The registry itself stands there again. */
  unmask(): Promise<void>;
  stop(): Promise<void>;
}
