import { printPrincipal } from "../../model/identity.ts";
import type { InboundPlace } from "../../model/inbound.ts";
import type { TrestleConfig } from "../config/config.ts";

/** The proxies in front of providers that facades register in the providers' place. Without an authority they have no certificates. */
export function inboundPlaces({ proxy, mesh, ca }: Pick<TrestleConfig, "proxy" | "mesh" | "ca">): InboundPlace[] {
  const { trustDomain, namespace } = mesh;
  const identity = printPrincipal({ trustDomain, namespace, serviceAccount: proxy.serviceAccount });
  return proxy.inbound
    .filter(({ register }) => register)
    .map(({ listen, to, protocol }) => ({
      listen: { host: listen.address, port: listen.port },
      to: { host: to.address, port: to.port },
      protocol,
      ...(ca !== undefined && { identity }),
    }));
}
