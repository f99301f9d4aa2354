import type { World } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../model/service.ts";
import { matchesGroup, matchesVersion } from "../dubbo/match.ts";
import { routerStem, stemsOfService } from "../dubbo/overrides/config-rules.ts";
import { param, parseNodeName } from "../dubbo/url.ts";

/**
 * Which services of a world are ruled by a router of the old world, by the router's node name. Consumers apply such routers to the
 * addresses that they were shown, so each must find the real ones there first.
 */
export interface RouterIndex {
  /** Services (printed keys) of an interface that a node under its `routers` is for; none where the name is no URL. */
  ofNode(interfaceName: string, name: string): readonly string[];
  /** Services that a key of the config centre is for; none where it is no router's. */
  ofKey(key: string): readonly string[];
}

/** Reads the world once, when the first question comes. */
export function createRouterIndex(world: World): RouterIndex {
  let byInterface: Map<string, ServiceKey[]> | undefined;
  let byStem: Map<string, Set<string>> | undefined;
  return {
    ofNode(interfaceName, name) {
      const reading = parseNodeName(name);
      if (reading.type === "fault") return [];
      byInterface ??= indexInterfaces(world);
      const { group, version } = serviceKey(interfaceName, param(reading.url, "group"), param(reading.url, "version"));
      return (byInterface.get(interfaceName) ?? [])
        .filter((key) => matchesGroup(group, key.group) && matchesVersion(version, key.version))
        .map(printServiceKey);
    },
    ofKey(key) {
      const stem = routerStem(key);
      if (stem === undefined) return [];
      byStem ??= indexStems(world);
      return [...(byStem.get(stem) ?? [])];
    },
  };
}

function indexInterfaces(world: World): Map<string, ServiceKey[]> {
  const found = new Map<string, ServiceKey[]>();
  for (const { service } of world.entries) {
    const list = found.get(service.interface);
    if (list === undefined) found.set(service.interface, [service]);
    else list.push(service);
  }
  return found;
}

/** By every name that a rule can have: the service's, and the applications' that provide or consume it. */
function indexStems(world: World): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (stem: string | undefined, key: string) => {
    if (stem === undefined || stem === "") return;
    const keys = found.get(stem);
    if (keys === undefined) found.set(stem, new Set([key]));
    else keys.add(key);
  };
  for (const { service, endpoints } of world.entries) {
    const key = printServiceKey(service);
    for (const stem of stemsOfService(service)) add(stem, key);
    for (const { params } of endpoints) add(params["application"], key);
  }
  const services = indexInterfaces(world);
  for (const { service: wanted, application } of world.consumers) {
    for (const service of services.get(wanted.interface) ?? []) {
      const takes = matchesGroup(wanted.group, service.group) && matchesVersion(wanted.version, service.version);
      if (takes) add(application, printServiceKey(service));
    }
  }
  return found;
}
