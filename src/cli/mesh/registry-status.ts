import type { Logger } from "../../base/log.ts";
import type { RegistryStatus } from "../../control/admin/sources.ts";
import type { SyncState } from "../../registry-sync/contracts.ts";
import type { OpenRegistry } from "./registries/open.ts";

/** How each registry's mirror stands at a time. */
export function registryStatuses(
  registries: readonly Pick<OpenRegistry, "config" | "hosts" | "source" | "connected">[],
  sync: Pick<SyncState, "worlds" | "held" | "seen" | "restored"> | undefined,
  nowMs: number,
): readonly RegistryStatus[] {
  return registries.map(({ config, hosts, source, connected }) => {
    const world = sync?.worlds.find(({ name }) => name === config.name);
    const seen = sync?.seen.get(config.name);
    const restored = sync?.restored.has(config.name) === true;
    const told = source.status?.();
    const isConnected = connected();
    return {
      name: config.name,
      url: `${config.scheme}://${hosts.join(",")}${config.chroot}`,
      connected: isConnected,
      state: told?.state ?? (isConnected ? "connected" : seen === undefined ? "connecting" : "lost"),
      loaded: world !== undefined && !restored,
      restored,
      services: world?.entries.length ?? 0,
      endpoints: world?.entries.reduce((sum, { endpoints }) => sum + endpoints.length, 0) ?? 0,
      heldEndpoints: sync?.held.get(config.name) ?? 0,
      ...(seen !== undefined && { ageMs: Math.max(0, nowMs - seen.atMs), lagMs: Math.max(0, seen.lagMs) }),
      ...(told !== undefined && { errors: told.errors }),
      ...(told?.lastError !== undefined && { error: told.lastError }),
    };
  });
}

/** One warning for each registry that is out of reach, with the reason where its source knows it. */
export function warnOutOfReach(
  registries: readonly Pick<OpenRegistry, "config" | "hosts" | "source" | "connected">[],
  log: Logger,
): void {
  for (const { config, hosts, source, connected } of registries) {
    if (connected()) continue;
    const reason = source.status?.().lastError;
    log.warn("registry is out of reach; Trestle goes on trying", {
      ...{ registry: config.name, hosts },
      ...(reason !== undefined && { reason }),
    });
  }
}
