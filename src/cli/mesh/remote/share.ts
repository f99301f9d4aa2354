import type { ResourceSet } from "../../../codecs/xds/resources.ts";
import type { ListenAddress, ProxyNode } from "../../../control/compile/listeners.ts";

/**
 * The part of what a proxy was given that one of its workers gets: listeners on ports that are this worker's, and where it is the one that
 * serves gateways, those on ports that are nobody's.
 */
export function shareOf(set: ResourceSet, worker: ProxyNode, all: readonly ListenAddress[]): ResourceSet {
  const own = [...worker.dubbo, ...(worker.tri ?? [])];
  const listeners = set.listeners.filter(({ resource }) => {
    const { address, portValue } = resource.address.socketAddress;
    const isAt = (one: ListenAddress) => one.port === portValue && one.address === address;
    return own.some(isAt) || (worker.gatewayAddress !== undefined && !all.some(isAt));
  });
  return {
    ...set,
    version: `${set.version} ${worker.id} ${worker.gatewayAddress === undefined ? "" : "shared"}`,
    listeners,
  };
}
