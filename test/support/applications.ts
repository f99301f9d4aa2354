import type { Application, ApplicationInstance, ApplicationService } from "../../src/model/application.ts";
import { serviceKey } from "../../src/model/service.ts";

/** An instance of Dubbo 3 at `host:port`, as a registry lists it. */
export function instanceAt(id: string, changes: Partial<ApplicationInstance> = {}): ApplicationInstance {
  const [address = "", port = ""] = id.split(":");
  return {
    ...{ id, address, port: Number(port), revision: "r1", storage: "local", ports: [], metadata: undefined },
    ...{ disabled: false, weight: 100, params: { "dubbo.metadata.revision": "r1", timestamp: "1700000000000" } },
    ...changes,
  };
}

/** What a MetadataInfo says of a service, over dubbo at 20880 unless told. */
export function offered(interfaceName: string, changes: Partial<ApplicationService> = {}): ApplicationService {
  return {
    service: serviceKey(interfaceName),
    ...{ protocol: "dubbo", port: 20880, path: interfaceName, params: { side: "provider", methods: "sayHi" } },
    ...changes,
  };
}

/** An application whose revisions are known. */
export function applicationOf(
  instances: readonly ApplicationInstance[],
  revisions: Readonly<Record<string, readonly ApplicationService[]>>,
  failed: readonly string[] = [],
): Application {
  return { name: "shop", instances, revisions: new Map(Object.entries(revisions)), failed: new Set(failed) };
}
