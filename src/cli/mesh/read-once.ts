import type { Finding, World } from "../../model/entry.ts";
import type { Sink, StoredEntry, SyncState } from "../../registry-sync/contracts.ts";
import { merge } from "../../registry-sync/merge/merge.ts";
import { withOneHost } from "../../registry-sync/merge/one-host.ts";
import { rememberedEntries } from "../../registry-sync/merge/remembered.ts";
import type { TrestleConfig } from "../config/config.ts";
import type { OpenRegistry } from "./registries/open.ts";
import { controllerParts } from "./shaping.ts";

/** How long a registry may take to be read whole, ms. */
const READ_MS = 60_000;
/** How long it may take to get a session there, ms. */
const CONNECT_MS = 8_000;
/** How often it is looked whether it denies being read, ms. */
const LOOK_MS = 100;

/** What a sync would know now. */
export type ReadState = Pick<SyncState, "entries" | "silent"> & {
  /** What the guards say: losses that they would hold. */
  readonly guardFindings: readonly Finding[];
};

/** Every registry read once, whole. Throws an `Error` in words for people where one cannot be. */
export function readWorlds(registries: readonly OpenRegistry[]): Promise<readonly World[]> {
  return Promise.all(registries.map(readWorld));
}

async function readWorld({ source, hosts, connected, findings }: OpenRegistry): Promise<World> {
  const stop = new AbortController();
  let denied: string | undefined;
  const unreachable = setTimeout(() => connected() || stop.abort(), CONNECT_MS);
  const late = setTimeout(() => stop.abort(), READ_MS);
  const looks = setInterval(() => {
    denied = findings().find(({ severity }) => severity === "error")?.message;
    if (denied !== undefined) stop.abort();
  }, LOOK_MS);
  try {
    for await (const world of source.watch(stop.signal)) {
      stop.abort();
      return world;
    }
  } finally {
    clearTimeout(unreachable);
    clearTimeout(late);
    clearInterval(looks);
  }
  if (denied !== undefined) throw new Error(denied);
  const { lastError } = source.status?.() ?? {};
  const why = lastError === undefined ? "" : ` (${lastError})`;
  throw new Error(
    connected()
      ? `registry ${source.name} could not be read within ${READ_MS / 1_000} s${why}`
      : `registry ${source.name} cannot be reached${hosts.length === 0 ? "" : ` at ${hosts.join(", ")}`}; is it up?${why}`,
  );
}

/**
 * What a sync that starts now would make of these worlds: its guards remember what was kept from before (`load`), else what the outputs
 * hold, so that what they would hold back is no deletion here either.
 */
export async function guardedState(
  worlds: readonly World[],
  registries: readonly Pick<OpenRegistry, "source">[],
  config: Pick<TrestleConfig, "naming" | "registries">,
  before: { readonly sinks: readonly Sink[]; readonly owner: string; readonly load?: LoadWorld },
  nowMs: number,
): Promise<ReadState> {
  const { guardOf, namesByRegistry } = controllerParts(config);
  const stored: readonly StoredEntry[] = (await Promise.all(before.sinks.map((sink) => sink.current()))).flat();
  const findings: Finding[] = [];
  const guarded: World[] = [];
  for (const world of worlds) {
    const source = registries.find((one) => one.source.name === world.name)?.source ?? { name: world.name };
    const guard = guardOf!(world.name);
    // As the controller does: where what was kept is nothing, what the sinks hold counts.
    guard.remember((await before.load?.(world.name))?.entries ?? [], nowMs);
    const sources = registries.length > 0 ? registries.map((one) => one.source) : [source];
    guard.remember(rememberedEntries(stored, before.owner, source, sources), nowMs);
    const { world: shown } = guard.update(world, nowMs);
    const old = new Set(world.findings);
    findings.push(...shown.findings.filter((one) => !old.has(one)));
    guarded.push(shown);
  }
  const { entries } = merge(namesByRegistry === true ? withOneHost(guarded) : guarded);
  return { entries, silent: new Set(), guardFindings: findings };
}

type LoadWorld = (registry: string) => Promise<World | undefined>;
