/*
 * What stands in a registry while it is measured: services with instances as their clients write them, and in each service one more,
 * the mover, that comes, changes its weight and goes. Where it is listed with its weight it takes nearly all calls.
 */

/** The version of all services. */
export const VERSION = "1.0.0";

/** The mover's weight beside others of 100. */
const HEAVY = 100_000;

/** Services that are written at once. */
const AT_ONCE = 64;

/** What one change does to the mover of a service. */
export interface Change {
  readonly service: string;
  /** Stands in the entry's file once the change is out there; undefined where the mover is gone. */
  readonly mark: string | undefined;
  /** Whether calls go to the mover from then on, or no longer. */
  readonly takesCalls: boolean;
}

/** How the mover is listed. */
export interface Mover {
  /** `host:port`. */
  readonly place: string;
  /** It takes no calls where 0. */
  readonly weight: number;
  readonly mark: string;
}

/** A real registry, as the bench writes to it. */
export interface BenchStore {
  /** Lists a service with instances at these places, `host:port`; resolves when the registry has it. */
  add(service: string, places: readonly string[]): Promise<void>;
  /** Lists the mover in another way, or no longer. */
  move(service: string, before: Mover | undefined, after: Mover | undefined): Promise<void>;
  close(): Promise<void>;
}

/** A filled registry. */
export interface FilledRegistry {
  /** Makes the next change, each time of the next service; resolves when the registry has it. `onSend` is told just before it is sent. */
  change(onSend: (change: Change) => void): Promise<void>;
  close(): Promise<void>;
}

/** Where providers of the bench are. */
export interface ProviderPlace {
  /** Address and port of a provider, by its number in all. */
  placeOf(service: number, instance: number): string;
  /** Of the mover; undefined for a world without. */
  readonly mover: string | undefined;
}

/** The interface of a service of the bench. */
export function serviceName(index: number): string {
  return `com.acme.bench.Service${String(index).padStart(5, "0")}`;
}

/** What a Dubbo provider of a service says of itself. */
export function dubboParams(service: string): Readonly<Record<string, string>> {
  return {
    ...{ anyhost: "true", application: "bench-provider", deprecated: "false", dubbo: "2.0.2", dynamic: "false" },
    ...{ generic: "false", interface: service, version: VERSION, pid: "4711", release: "2.7.23", retries: "0" },
    ...{ methods: "createOrder,getOrder,listOrders,cancelOrder,payOrder", revision: "1.0.0", side: "provider" },
    ...{ threads: "200", timeout: "3000", timestamp: "1700000000000" },
  };
}

/** Writes all services and their instances, those of movers too. */
export async function fillRegistry(
  store: BenchStore,
  services: number,
  instances: number,
  place: ProviderPlace,
): Promise<FilledRegistry> {
  const movers: (Mover | undefined)[] = [];
  const add = async (index: number) => {
    const name = serviceName(index);
    await store.add(
      name,
      Array.from({ length: instances }, (_, instance) => place.placeOf(index, instance)),
    );
    // Each service begins at another point of the mover's way, so that all kinds of changes come at any time.
    const phase = index % 4;
    if (place.mover === undefined || phase === 0) return;
    movers[index] = { place: place.mover, weight: phase === 2 ? 0 : HEAVY, mark: "c0x" };
    await store.move(name, undefined, movers[index]);
  };
  let next = 0;
  const writers = Array.from({ length: AT_ONCE }, async () => {
    while (next < services) await add(next++);
  });
  await Promise.all(writers);
  let count = 0;
  return {
    async change(onSend) {
      const index = count % services;
      const phase = (index + Math.floor(count / services)) % 4;
      count++;
      const service = serviceName(index);
      const mark = phase === 3 ? undefined : `c${count}x`;
      const before = movers[index];
      const after = mark === undefined ? undefined : { place: place.mover!, weight: phase === 1 ? 0 : HEAVY, mark };
      movers[index] = after;
      onSend({ service, mark, takesCalls: phase === 0 || phase === 2 });
      await store.move(service, before, after);
    },
    close: () => store.close(),
  };
}
