import { ANY_SERVICE, type ClusterService } from "../../codecs/xds/cluster.ts";
import type { ServiceKey } from "../../model/service.ts";

/** The service that a call for `key` is a call of where its cluster's endpoints serve `service`: its own, where they serve any. */
export function serviceFor(service: ClusterService, key: ServiceKey): ClusterService {
  if (service.interface !== ANY_SERVICE) return service;
  return { ...service, interface: key.interface, group: key.group, version: key.version };
}
