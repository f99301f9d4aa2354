import type { World } from "../../model/entry.ts";
import type { ServiceKey } from "../../model/service.ts";

/** Application -> names of its instance nodes (`host:port`) that consumers are not shown. */
export type HiddenInstances = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The application-level instances that also stand at interface level with a service that is led through the proxy.
 *
 * A 3.x consumer that finds both uses the instance alone and would go past the proxy; without the instance it uses the
 * interface-level address and loses no call. An instance counts as the same process when application, host and port agree with
 * a provider URL of any protocol, and one URL of that application and host is led. Applications that are at application level
 * only, and those whose URLs are none of the proxy's protocols, are not hidden.
 */
export function hiddenInstances(
  world: World,
  notLed: (service: ServiceKey, application: string, protocol: string) => unknown,
): HiddenInstances {
  const ledHosts = new Set<string>();
  for (const entry of world.entries) {
    for (const endpoint of entry.endpoints) {
      const application = endpoint.params["application"];
      if (application === undefined) continue;
      if (notLed(entry.service, application, endpoint.protocol) === undefined)
        ledHosts.add(`${application} ${endpoint.address}`);
    }
  }
  const hidden = new Map<string, Set<string>>();
  for (const entry of world.entries) {
    for (const endpoint of entry.endpoints) {
      const application = endpoint.params["application"];
      if (application === undefined || !ledHosts.has(`${application} ${endpoint.address}`)) continue;
      const names = hidden.get(application) ?? new Set<string>();
      names.add(`${endpoint.address}:${endpoint.port}`);
      hidden.set(application, names);
    }
  }
  return hidden;
}
