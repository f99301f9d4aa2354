import type { Entry } from "../../model/entry.ts";
import { portNameOf, type ServiceEntry, toServiceEntry } from "./service-entry.ts";

/** The port name by which Aeraki takes a service for Dubbo's (pkg/dubbo/common/constants.go of dubbo2istio). */
const AERAKI_PORT = "tcp-metaprotocol-dubbo";
const DUBBO_PORT = portNameOf("dubbo");

/** An entry as a ServiceEntry that Aeraki takes up: Dubbo2's port has the name that it looks for, and the interface is in an annotation of its own. */
export function toAerakiEntry(entry: Entry, owner: string): ServiceEntry {
  const { metadata, spec, ...rest } = toServiceEntry(entry, owner);
  return {
    ...rest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, interface: entry.service.interface } },
    spec: {
      ...spec,
      ports: spec.ports.map((port) => ({ ...port, name: renamed(port.name) })),
      endpoints: spec.endpoints.map((endpoint) => ({
        ...endpoint,
        ports: Object.fromEntries(Object.entries(endpoint.ports).map(([name, number]) => [renamed(name), number])),
      })),
    },
  };
}

function renamed(name: string): string {
  return name === DUBBO_PORT ? AERAKI_PORT : name;
}
