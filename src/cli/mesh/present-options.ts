import { compileClientFilter } from "../../registry-sync/facades/client-filter.ts";
import type { PresentOptions } from "../../registry-sync/present/context.ts";
import { elsewhereOf } from "../../registry-sync/present/elsewhere.ts";
import type { Spacing } from "../../registry-sync/present/spacing.ts";
import type { FacadeConfig } from "../config/config.ts";
import { serviceRootsOf } from "../config/zookeeper-query.ts";
import type { MeshParts } from "./admin-sources.ts";
import { protocolsOf } from "./data-plane.ts";
import { inboundPlaces } from "./inbound-places.ts";
import { ruledServices } from "./ruled-services.ts";

/** What one facade shows and registers, of all that is known now. */
export function presentOptions(
  {
    config: all,
    registries,
    sync,
    dataPlane,
    store,
  }: Pick<MeshParts, "config" | "registries" | "sync" | "dataPlane" | "store">,
  config: FacadeConfig,
  spacing: Spacing,
): PresentOptions {
  const registry = registries.find(({ config: { name } }) => name === config.registry)!;
  const world = sync?.worlds.find(({ name }) => name === config.registry);
  const { dubbo, tri } = dataPlane.addresses;
  return {
    addresses: dubbo,
    ...(protocolsOf(all).includes("tri") && { triAddresses: tri }),
    roots: [`${registry.config.chroot}${registry.config.root}`],
    instanceRoots: serviceRootsOf(registry.config.query).map((root) => `${registry.config.chroot}${root}`),
    take: config.take,
    pass: config.pass.services,
    passesClient: compileClientFilter(config.pass.clients),
    namesAsHosts: config.namesAsHosts ?? false,
    inbound: dataPlane.isLeaving ? [] : inboundPlaces(all),
    httpAddresses: dataPlane.httpAddresses,
    unruled: spacing.unruled(sync?.findings ?? []),
    served: dataPlane.served,
    messages: dataPlane.messages,
    ...(world !== undefined && { world }),
    isHolding: sync?.held.has(config.registry) === true,
    ...(sync !== undefined && { elsewhere: elsewhereOf(sync.entries, config.registry, world) }),
    ruled: ruledServices(store.snapshots.get()),
    wasLed: spacing.wasLed(),
    ledMemory: spacing.ledMemory,
    applicationsLed: spacing.applications,
  };
}
