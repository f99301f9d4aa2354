import { sameItems } from "../../../base/block-list.ts";
import { cleanText } from "../../../base/clean-text.ts";
import { decodeCuratorInstance, SPRING_INSTANCE } from "../../../codecs/zookeeper/curator-instance.ts";
import { type Endpoint, type Entry, type Finding, plainEndpoint } from "../../../model/entry.ts";
import { serviceKey } from "../../../model/service.ts";
import { compareEndpoints, compareText, DEFAULT_WEIGHT, endpointId } from "../../dubbo/endpoint.ts";
import { finding, type RegistryFindingCode } from "../../findings.ts";
import { hostOf } from "../../naming/naming.ts";
import { MAX_DIRECTORY_NAMES, type SpringNodes } from "./tree.ts";

/** What building one application's service needs beside its nodes. */
export interface SpringContext {
  /** The registry's name. */
  readonly origin: string;
  /** Whether an address is one of Trestle's own. */
  isOwnAddress(address: string, port: number): boolean;
}

/** One application's Spring Cloud instances, built; what it read is kept so that the next build reads only what is new. */
export interface SpringService {
  /** Undefined where no instance of Spring Cloud stands there. */
  readonly entry: Entry | undefined;
  readonly findings: readonly Finding[];
  /** Every node that was looked at, by name. */
  readonly read: ReadonlyMap<string, ReadNode>;
}

/** A node's data and what they stand for: an endpoint, another framework's instance (undefined), or why nothing. */
interface ReadNode {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint | undefined;
  readonly fault: string | undefined;
}

const MAX_FINDINGS = 10;
/** Where Spring Cloud keeps whether an instance takes calls; nothing there means that it does (ZookeeperServiceInstanceListSupplier). */
const STATUS = "instance_status";

/**
 * Builds the service that an application of Spring Cloud ZooKeeper is, from the nodes of its folder. Nodes of Dubbo in the same folder are
 * told by their `@class` and left alone; so are nodes that are empty, as folders below a name with slashes are. An instance with a TLS
 * port is called there (`https`), as Spring does; one that is not UP is listed and takes no calls. `before` is what was built last:
 * endpoints and entries that still hold are taken over as they are.
 */
export function buildSpringService(
  folder: string,
  nodes: SpringNodes,
  before: SpringService | undefined,
  context: SpringContext,
): SpringService {
  const application = folder.slice(folder.lastIndexOf("/") + 1);
  const findings: Finding[] = [];
  const tell = (code: RegistryFindingCode, message: string, at: string) => {
    if (findings.length < MAX_FINDINGS) findings.push(finding(code, message, at));
  };
  const read = new Map<string, ReadNode>();
  const endpoints = new Map<string, Endpoint>();
  for (const [name, bytes] of nodes) {
    if (read.size >= MAX_DIRECTORY_NAMES) {
      const message = `${folder} holds ${nodes.size} names, of which the first ${MAX_DIRECTORY_NAMES} are read`;
      tell("TR0104", message, folder);
      break;
    }
    const known = before?.read.get(name);
    const node = known?.bytes === bytes ? known : readNode(bytes, context.origin);
    read.set(name, node);
    const at = `${folder}/${cleanText(name.slice(0, 200))}`;
    // Dubbo's nodes are named `host:port`; what is wrong with those is told elsewhere.
    if (node.fault !== undefined && !/:\d{1,5}$/.test(name))
      tell("TR0107", `instance of ${application} is left out: ${node.fault}`, at);
    const { endpoint } = node;
    if (endpoint === undefined) continue;
    const address = `${endpoint.address}:${endpoint.port}`;
    if (context.isOwnAddress(endpoint.address, endpoint.port)) {
      const message = `instance ${address} of ${application} is the proxy itself; calls would go in a circle`;
      tell("TR0110", message, at);
    } else if (endpoint.address === "0.0.0.0" || endpoint.address === "::") {
      const message = `instance of ${application} registered ${address}; set spring.cloud.zookeeper.discovery.instance-host`;
      tell("TR0111", message, at);
    } else {
      const id = endpointId(endpoint);
      const other = endpoints.get(id);
      // A process that came back within its old session's time stands twice: one that takes calls wins.
      if (other === undefined || (other.disabled && !endpoint.disabled)) endpoints.set(id, endpoint);
    }
  }
  const same = before !== undefined && JSON.stringify(before.findings) === JSON.stringify(findings);
  return {
    entry: entryOf(application, [...endpoints.values()], before?.entry),
    findings: same ? before.findings : findings,
    read,
  };
}

function entryOf(application: string, endpoints: Endpoint[], before: Entry | undefined): Entry | undefined {
  if (endpoints.length === 0) return undefined;
  endpoints.sort((a, b) => compareEndpoints(a, b) || compareText(a.origin, b.origin));
  if (before !== undefined && sameItems(before.endpoints, endpoints)) return before;
  const service = serviceKey(application);
  return Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(endpoints) });
}

function readNode(bytes: Uint8Array, origin: string): ReadNode {
  if (bytes.length === 0) return { bytes, endpoint: undefined, fault: undefined };
  const reading = decodeCuratorInstance(bytes);
  if (reading.type === "fault") return { bytes, endpoint: undefined, fault: reading.message };
  const { payloadClass, address, port, sslPort, metadata, enabled } = reading.instance;
  if (payloadClass !== SPRING_INSTANCE) return { bytes, endpoint: undefined, fault: undefined };
  const status = metadata[STATUS] ?? "";
  const endpoint = plainEndpoint({
    ...{ address, origin, weight: DEFAULT_WEIGHT, params: Object.freeze(metadata) },
    port: sslPort === 0 ? port : sslPort,
    protocol: sslPort === 0 ? "http" : "https",
  });
  const takesCalls = enabled && (status.trim() === "" || status.toUpperCase() === "UP");
  return { bytes, endpoint: Object.freeze({ ...endpoint, disabled: !takesCalls }), fault: undefined };
}
