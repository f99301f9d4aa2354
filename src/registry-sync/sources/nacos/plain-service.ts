import { sameItems } from "../../../base/block-list.ts";
import { DEFAULT_GROUP, type NacosInstance, type NacosServiceInfo } from "../../../codecs/nacos/service-info.ts";
import type { Endpoint, Entry, Finding } from "../../../model/entry.ts";
import { serviceKey } from "../../../model/service.ts";
import { saysApplicationLevel } from "../../application/instance.ts";
import { compareEndpoints, endpointId } from "../../dubbo/endpoint.ts";
import { finding, type RegistryFindingCode } from "../../findings.ts";
import { hostOf } from "../../naming/naming.ts";
import { httpEndpointOf } from "./instances.ts";

/** What {@link buildPlainService} takes. */
export interface PlainServiceParts {
  readonly group: string;
  readonly name: string;
  readonly info: NacosServiceInfo;
  /** The registry's name. */
  readonly origin: string;
  /** Whether an address is one of Trestle's own. */
  isOwnAddress(address: string, port: number): boolean;
}

/** A service that is not of Dubbo's interface level, built; what it made is kept so that the next build makes only what is new. */
export interface PlainService {
  /** Undefined where no instance of anybody but Dubbo is there. */
  readonly entry: Entry | undefined;
  readonly findings: readonly Finding[];
  readonly isProtected: boolean;
  /** Every instance, with the endpoint that it is; undefined for one of Dubbo's application level. */
  readonly made: ReadonlyMap<NacosInstance, Endpoint | undefined>;
}

const MAX_FINDINGS = 10;
/** How Spring Cloud says who registered an instance. */
const SOURCE = "preserved.register.source";

/** Whether an instance is one of Dubbo's application level: in one service, that of the application's name, stand Spring Cloud's too. */
export function isDubboInstance({ metadata }: NacosInstance): boolean {
  return metadata[SOURCE] !== "SPRING_CLOUD" && saysApplicationLevel(metadata);
}

/**
 * Builds the HTTP service that the instances of a Nacos service are, those of Dubbo left out. Its name is the registered one; a group
 * other than `DEFAULT_GROUP` is the group. `before` is what was built last: endpoints and entry that still hold are taken over.
 */
export function buildPlainService(
  { group, name, info, origin, isOwnAddress }: PlainServiceParts,
  before: PlainService | undefined,
): PlainService {
  const findings: Finding[] = [];
  const at = `${group}@@${name}`;
  const tell = (code: RegistryFindingCode, message: string) => {
    if (findings.length < MAX_FINDINGS) findings.push(finding(code, message, at));
  };
  const isProtected = info.reachProtectionThreshold;
  const made = new Map<NacosInstance, Endpoint | undefined>();
  const endpoints = new Map<string, Endpoint>();
  for (const instance of info.hosts) {
    if (isDubboInstance(instance)) {
      made.set(instance, undefined);
      continue;
    }
    const known = before?.isProtected === isProtected ? before.made.get(instance) : undefined;
    const endpoint = known ?? httpEndpointOf(instance, isProtected, origin);
    made.set(instance, endpoint);
    const address = `${endpoint.address}:${endpoint.port}`;
    if (Number.isNaN(instance.weight)) tell("TR0103", `instance ${address} of ${name} has no usable weight "NaN"`);
    if (endpoint.port === 0) tell("TR0107", `instance ${address} of ${name} is left out: it has no port`);
    else if (endpoint.address === "0.0.0.0" || endpoint.address === "::")
      tell("TR0111", `instance of ${name} registered ${address}; set spring.cloud.nacos.discovery.ip`);
    else if (isOwnAddress(endpoint.address, endpoint.port))
      tell("TR0110", `instance ${address} of ${name} is the proxy itself; calls would go in a circle`);
    else {
      const id = endpointId(endpoint);
      const other = endpoints.get(id);
      // Of an address in two clusters the one that takes calls wins.
      if (other === undefined || (other.disabled && !endpoint.disabled)) endpoints.set(id, endpoint);
    }
  }
  const isSame = before !== undefined && JSON.stringify(before.findings) === JSON.stringify(findings);
  const entry = entryOf(group, name, [...endpoints.values()].sort(compareEndpoints), before?.entry);
  return { entry, findings: isSame ? before.findings : findings, isProtected, made };
}

function entryOf(group: string, name: string, endpoints: Endpoint[], before: Entry | undefined): Entry | undefined {
  if (endpoints.length === 0) return undefined;
  if (before !== undefined && sameItems(before.endpoints, endpoints)) return before;
  const service = serviceKey(name, group === DEFAULT_GROUP ? "" : group);
  return Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(endpoints) });
}
