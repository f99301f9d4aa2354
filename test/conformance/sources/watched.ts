import { TransientError } from "../../../src/base/errors.ts";
import type { Entry, World } from "../../../src/model/entry.ts";
import type { Source } from "../../../src/registry-sync/contracts.ts";
import { eventually, sleep } from "../../support/process.ts";

/** A source that is followed as the sync follows it: watched anew where it throws that its registry is out of reach. */
export interface Watched {
  /** Every world so far, oldest first. */
  readonly worlds: readonly World[];
  /** How often it said that its server is lost or back, or gave a world with something to complain of. */
  disturbed(): number;
  /** Anything else that it threw. */
  readonly faults: readonly unknown[];
  entry(service: string): Entry | undefined;
  /** Each endpoint that takes calls as `host:port` with what metadata `v` says, sorted; in the newest world unless one is given. */
  endpoints(service: string, world?: World): readonly string[];
  /** Waits until a service has these endpoints that take calls. */
  until(service: string, endpoints: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** How long a change may take on a machine that is busy with other things, ms. */
const DEADLINE_MS = 60_000;

/** Follows a source until it is stopped; services are called what `named` says, and `versionOf` reads their metadata `v`. */
export function watchSource(
  source: Source,
  named: (service: string) => string,
  versionOf: (params: Readonly<Record<string, string>>) => string = ({ v = "" }) => v,
): Watched {
  const worlds: World[] = [];
  const faults: unknown[] = [];
  const stop = new AbortController();
  let disturbed = 0;
  const done = (async () => {
    while (!stop.signal.aborted) {
      try {
        for await (const world of source.watch(stop.signal, () => void disturbed++)) worlds.push(world);
      } catch (error) {
        if (!(error instanceof TransientError)) faults.push(error);
        await sleep(100);
      }
    }
  })();
  const entry = (service: string, world = worlds.at(-1)) =>
    world?.entries.find((one) => one.service.interface.toLowerCase() === named(service).toLowerCase());
  const endpoints = (service: string, world?: World) =>
    (entry(service, world)?.endpoints ?? [])
      .filter(({ disabled }) => !disabled)
      .map(({ address, port, params }) => `${address}:${port} v=${versionOf(params)}`)
      .sort();
  return {
    worlds,
    faults,
    disturbed: () => disturbed + worlds.filter(({ findings }) => findings.length > 0).length,
    entry,
    endpoints,
    async until(service, wanted) {
      const said = () => `${source.name}: ${service} has ${JSON.stringify(endpoints(service))}`;
      await eventually(
        `${service} has ${JSON.stringify(wanted)}`,
        () => {
          if (JSON.stringify(endpoints(service)) === JSON.stringify([...wanted].sort())) return true;
          throw new Error(said());
        },
        DEADLINE_MS,
        20,
      );
    },
    async stop() {
      stop.abort();
      await done;
    },
  };
}
