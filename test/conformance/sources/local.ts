import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entry, plainEndpoint } from "../../../src/model/entry.ts";
import { serviceKey } from "../../../src/model/service.ts";
import { createFileSource } from "../../../src/registry-sync/sources/file/source.ts";
import { createMemorySource, type MemorySource } from "../../../src/registry-sync/sources/memory.ts";
import type { ListOf } from "./impostor.ts";
import type { Instance, Network, SourceRegistry } from "./registry.ts";

const NOWHERE = { host: "127.0.0.1", port: 1 };
type Stands = Map<string, Map<string, readonly Instance[]>>;

/** What of these instances a file may name, and a person who fills a world himself has checked. */
function usable({ host, port }: Instance): boolean {
  return /^[\w.:-]+$/.test(host) && host !== "0.0.0.0" && port >= 1 && port <= 65_535;
}

function weightOf({ weight = "1" }: Instance): number {
  const value = Number(weight);
  return weight !== "" && Number.isInteger(value) && value >= 0 && value <= 2_147_483_647 ? value : 100;
}

function noted(stands: Stands, service: string, instances: readonly Instance[], scope: string) {
  const services = stands.get(scope) ?? new Map<string, readonly Instance[]>();
  stands.set(scope, services);
  services.set(service, instances.filter(usable));
  return services;
}

/** A folder of files for each scope, one for each service; a bad network is a folder whose files are not what they should be. */
export async function startFiles(): Promise<SourceRegistry> {
  const root = await mkdtemp(join(tmpdir(), "trestle-files-"));
  const stands: Stands = new Map();
  const fileOf = (scope: string, service: string) => join(root, scope, `${service}.json`);
  const writeAll = async (
    scope: string,
    textOf: (service: string, instances: readonly Instance[]) => string | Uint8Array,
  ) => {
    for (const [service, instances] of stands.get(scope) ?? [])
      await writeFile(fileOf(scope, service), textOf(service, instances));
  };
  const openNetwork = async (scope: string): Promise<Network> => {
    const [here, away] = [join(root, scope), join(root, `.away-${scope}`)];
    await mkdir(here, { recursive: true });
    let isAway = false;
    const move = async (isGoing: boolean) => {
      if (isGoing === isAway) return;
      isAway = isGoing;
      await (isGoing ? rename(here, away) : rename(away, here));
    };
    let moving = Promise.resolve();
    const moved = (isGoing: boolean) => {
      moving = moving.then(() => move(isGoing));
      return moving;
    };
    return {
      address: NOWHERE,
      blackHole: () => void moved(true),
      reset: () => void moved(true).then(() => moved(false)),
      resetAfter: (bytes) => void writeAll(scope, (service, instances) => textOf(service, instances).slice(0, bytes)),
      refuse: () => moved(true),
      async heal() {
        await moved(false);
        await writeAll(scope, textOf);
      },
      async impersonate(impostor) {
        const answer = typeof impostor === "function" ? impostor({ url: "", accept: "" }) : { body: impostor };
        if (answer === undefined) return;
        const spaces = Buffer.alloc("spaces" in answer ? (answer.spaces ?? 0) : 0, " ");
        await writeAll(scope, () => Buffer.concat([answer.body, spaces]));
        // Nobody is sent it: it lies there.
        if ("onEnd" in answer) answer.onEnd?.(false);
      },
      unmask: () => writeAll(scope, textOf),
      async stop() {},
    };
  };
  const all = async (act: (scope: string) => Promise<void>) => {
    for (const scope of stands.keys()) await act(scope);
  };
  return {
    kind: "file",
    address: NOWHERE,
    sources: { file: (_at, scope) => createFileSource({ name: "file", path: join(root, scope), pollMs: 20 }) },
    async put(service, instances, scope = "default") {
      noted(stands, service, instances, scope);
      await mkdir(join(root, scope), { recursive: true });
      await writeFile(fileOf(scope, service), textOf(service, stands.get(scope)!.get(service)!));
    },
    openNetwork,
    kill: () => all((scope) => rename(join(root, scope), join(root, `.killed-${scope}`))),
    restart: () => all((scope) => rename(join(root, `.killed-${scope}`), join(root, scope))),
    empty: () => all((scope) => writeAll(scope, () => "services: []\n")),
    putBack: () => all((scope) => writeAll(scope, textOf)),
    stop: () => rm(root, { recursive: true, force: true }),
  };
}

/** A file of one service. */
export const fileList: ListOf = (name) => {
  const text = textOf(name, [{ host: "10.9.3.1", port: 80 }]);
  return () => ({ type: "application/json", text });
};

function textOf(service: string, instances: readonly Instance[]): string {
  const endpoints = instances.map((one) => ({
    ...{ address: one.host, port: one.port, weight: weightOf(one), disabled: one.up === false },
    params: one.metadata ?? {},
  }));
  return JSON.stringify({ services: endpoints.length === 0 ? [] : [{ service, endpoints }] });
}

/** Worlds that are set by hand, one source for each who follows. */
export async function startMemory(): Promise<SourceRegistry> {
  const stands: Stands = new Map();
  const opened = new Map<string, MemorySource[]>();
  /** Those who made the world keep what does not change. */
  const made = new Map<string, Entry["endpoints"][number]>();
  const entries = new Map<string, Entry>();
  const show = (scope: string, services: ReadonlyMap<string, readonly Instance[]>) => {
    const world = [...services].flatMap(([service, instances]) => {
      const key = JSON.stringify([service, instances]);
      if (instances.length === 0) return [];
      if (!entries.has(key)) entries.set(key, entryOf(service, instances, made));
      return [entries.get(key)!];
    });
    for (const source of opened.get(scope) ?? []) source.set({ entries: world, consumers: [], findings: [] });
  };
  const showAll = (isEmpty: boolean) => {
    for (const [scope, services] of stands) show(scope, isEmpty ? new Map() : services);
  };
  return {
    kind: "memory",
    address: NOWHERE,
    sources: {
      memory(_at, scope) {
        const source = createMemorySource("memory");
        opened.set(scope, [...(opened.get(scope) ?? []), source]);
        show(scope, stands.get(scope) ?? new Map());
        return source;
      },
    },
    async put(service, instances, scope = "default") {
      show(scope, noted(stands, service, instances, scope));
    },
    async openNetwork() {
      const nothing = async () => {};
      const [blackHole, reset, resetAfter] = [() => {}, () => {}, () => {}];
      return {
        ...{ address: NOWHERE, blackHole, reset, resetAfter, refuse: nothing, heal: nothing },
        ...{ impersonate: nothing, unmask: nothing, stop: nothing },
      };
    },
    async kill() {},
    async restart() {},
    empty: async () => showAll(true),
    putBack: async () => showAll(false),
    async stop() {},
  };
}

function entryOf(
  service: string,
  instances: readonly Instance[],
  made: Map<string, Entry["endpoints"][number]>,
): Entry {
  const endpoints = instances.map((one) => {
    const key = JSON.stringify([service, one]);
    const params = { ...one.metadata };
    const fields = {
      address: one.host,
      port: one.port,
      protocol: "http",
      weight: weightOf(one),
      params,
      origin: "memory",
    };
    const known = made.get(key) ?? { ...plainEndpoint(fields), disabled: one.up === false };
    made.set(key, known);
    return known;
  });
  return { host: service.toLowerCase(), service: serviceKey(service), endpoints };
}
