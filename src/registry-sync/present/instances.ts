import type { Application } from "../../model/application.ts";
import type { World } from "../../model/entry.ts";
import type { ServiceKey } from "../../model/service.ts";
import { APPLICATION_LEVEL, LEVEL_PARAM } from "../application/offers.ts";
import { applicationOf } from "./applications.ts";
import { entriesOfApplication } from "./providing.ts";

/** Says whether an instance node (`host:port`) of an application is kept from consumers. */
export type HiddenInstances = (application: string, instance: string) => boolean;

/**
 * The application-level instances that also stand at interface level with a service that is led through the proxy. An application's
 * are looked for when it is asked for the first time.
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
  const hidden = new Map<string, ReadonlySet<string>>();
  return (application, instance) => {
    let names = hidden.get(application);
    if (names === undefined) {
      names = instancesOf(application, world, notLed);
      hidden.set(application, names);
    }
    return names.has(instance);
  };
}

function instancesOf(
  application: string,
  world: World,
  notLed: (service: ServiceKey, application: string, protocol: string) => unknown,
): ReadonlySet<string> {
  const ledAddresses = new Set<string>();
  const entries = entriesOfApplication(world.entries, application);
  for (const { service, endpoints } of entries) {
    for (const { params, protocol, address } of endpoints) {
      if (!standsAtInterface(params, application) || ledAddresses.has(address)) continue;
      if (notLed(service, application, protocol) === undefined) ledAddresses.add(address);
    }
  }
  const names = new Set<string>();
  for (const { endpoints } of entries) {
    for (const { params, address, port } of endpoints) {
      if (standsAtInterface(params, application) && ledAddresses.has(address)) names.add(`${address}:${port}`);
    }
  }
  return names;
}

/** Whether a world has an instance (by its node name) of an application at Dubbo's application level. */
export function isInstanceOf(world: World | undefined, application: string, instance: string): boolean {
  const applications = world?.applications;
  // Before that level was read, instances are known by the look of their names alone.
  if (applications === undefined) return /:\d{1,5}$/.test(instance);
  const one = applicationOf(applications, application);
  if (one === undefined) return false;
  let known = ids.get(one);
  if (known === undefined) {
    known = new Set(one.instances.map(({ id }) => id));
    ids.set(one, known);
  }
  return known.has(instance);
}

/** By application, which stays the same object while others change. */
const ids = new WeakMap<Application, ReadonlySet<string>>();

function standsAtInterface(params: Readonly<Record<string, string>>, application: string): boolean {
  return params["application"] === application && params[LEVEL_PARAM] !== APPLICATION_LEVEL;
}
