import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { VirtualHost } from "../../codecs/xds/route.ts";

/** The virtual hosts of services in the mesh: neither domains of gateways, nor what stands in front of one provider. */
export function meshHosts(resources: Pick<ResourceSet, "listeners" | "routes" | "virtualHosts">): VirtualHost[] {
  const others = new Set(
    resources.listeners.flatMap(({ resource: { metadata, filterChains = [] } }) => {
      const { protocol, inbound, routeConfigName } = metadata.filterMetadata[TRESTLE_METADATA];
      const isOther = protocol === "gateway" || inbound !== undefined;
      return isOther ? [routeConfigName, ...filterChains.flatMap(({ name = [] }) => name)] : [];
    }),
  );
  return resources.routes
    .filter(({ name }) => !others.has(name))
    .flatMap(({ name }) => virtualHostsOf(resources, name));
}

/** The printed key of a virtual host's service. */
export function serviceOf({ name, domains }: Pick<VirtualHost, "name" | "domains">): string {
  return domains.find((domain) => domain !== name) ?? name;
}
