import type { Cluster, ClusterService } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { ISTIO_TLS_MODE } from "../../codecs/xds/tls.ts";
import { type Entry, hostnameOf } from "../../model/entry.ts";
import { printIdentity } from "../../model/identity.ts";
import { DEFAULT_MESH, type MeshSettings } from "../../model/mesh.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { lowerTls, meshSocket, type TlsTarget } from "../rules/lower/tls.ts";
import {
  DEFAULT_POLICY,
  effectivePolicy,
  findSubset,
  type LoweredPolicy,
  lowerPolicy,
} from "../rules/lower/traffic.ts";
import { registeredIdentity, takesMutualTls, usualPort } from "./endpoints.ts";

/** A cluster that routes lead to: of a service, or of a destination that no service is known for. */
export interface ClusterNeed {
  readonly name: string;
  readonly entry: Entry | undefined;
  readonly host: string;
  readonly subset: string;
}

/** The name that Istio's users know: `outbound|PORT|SUBSET|HOST`. */
export function clusterName(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** Name of a service's cluster for a subset (`""` for all its endpoints). */
export function clusterNameOf(entry: Entry, subset: string): string {
  return clusterName(usualPort(entry), subset, entry.host);
}

/** Compiles the cluster of a service and subset under the DestinationRule in force. */
export function compileCluster(
  entry: Entry,
  subsetName: string,
  rule: DestinationRule | undefined,
  mesh: MeshSettings = DEFAULT_MESH,
): Cluster {
  const port = usualPort(entry);
  const subset = subsetName === "" ? undefined : findSubset(rule, subsetName);
  const tls = effectivePolicy(rule, subset, port)?.tls;
  const target = { host: hostnameOf(entry), subset: subsetName, port };
  return {
    ...build(
      clusterNameOf(entry, subsetName),
      { ...keyOf(entry), host: entry.host, subset: subsetName, ...callbacksOf(entry), ...methodsOf(entry) },
      lowerPolicy(rule, subset, port),
    ),
    ...(tls === undefined
      ? byEndpoint(entry, target, mesh)
      : lowerTls(tls, { ...target, subjectAltNames: namesOf(entry, tls.mode, mesh) })),
  };
}

/** Where no rule says how: mutual TLS to those endpoints that take it, as Istio does of itself. */
function byEndpoint(
  entry: Entry,
  target: Omit<TlsTarget, "subjectAltNames">,
  mesh: MeshSettings,
): Pick<Cluster, "transportSocketMatches"> {
  const taking = entry.endpoints.filter(takesMutualTls);
  if (taking.length === 0) return {};
  const transportSocket = meshSocket({ ...target, subjectAltNames: namesOf(entry, "ISTIO_MUTUAL", mesh, taking) });
  return { transportSocketMatches: [{ name: "tlsMode-istio", match: { tlsMode: ISTIO_TLS_MODE }, transportSocket }] };
}

/**
 * Which names the providers' certificates may have: what the service's object says, else the identities of all their service accounts, or those
 * that they registered with; any where one of them says nothing.
 */
function namesOf(
  entry: Entry,
  mode: string | undefined,
  mesh: MeshSettings,
  endpoints = entry.endpoints,
): readonly string[] {
  if (entry.subjectAltNames !== undefined) return entry.subjectAltNames;
  if (mode !== "ISTIO_MUTUAL") return [];
  const { trustDomain } = mesh;
  const namespace = entry.namespace ?? mesh.namespace;
  const names = endpoints.map((one) => {
    const { serviceAccount = "" } = one;
    if (serviceAccount !== "") return printIdentity({ trustDomain, namespace, serviceAccount });
    const registered = registeredIdentity(one);
    return registered === undefined ? "" : `spiffe://${registered}`;
  });
  return names.includes("") ? [] : [...new Set(names)].sort();
}

/** A cluster for a destination that no entry is known for: it has no endpoints, calls to it are answered "no endpoint". */
export function compileUnknownCluster(name: string, host: string, subset: string): Cluster {
  return build(name, { interface: host, group: "", version: "", host, subset }, DEFAULT_POLICY);
}

/** The methods with a callback parameter, by any provider's `METHOD.INDEX.callback=true`; nothing where there are none. */
function callbacksOf({ endpoints }: Entry): Pick<ClusterService, "callbackMethods"> {
  const methods = new Set<string>();
  for (const { params } of endpoints) {
    for (const name in params) {
      if (!name.endsWith(".callback") || params[name] !== "true") continue;
      const method = /^(.+)\.\d+\.callback$/.exec(name)?.[1];
      if (method !== undefined) methods.add(method);
    }
  }
  return methods.size === 0 ? {} : { callbackMethods: [...methods].sort() };
}

/** Most methods that a cluster names. */
const MAX_METHODS = 1_000;

/** What the providers' `methods` name, all together; nothing where one does not say or takes any (`*`). */
function methodsOf({ endpoints }: Entry): Pick<ClusterService, "methods"> {
  const methods = new Set<string>();
  for (const list of new Set(endpoints.map(({ params }) => params.methods ?? ""))) {
    if (list === "" || list === "*") return {};
    for (const name of list.split(",")) methods.add(name);
    if (methods.size > MAX_METHODS) return {};
  }
  return methods.size === 0 ? {} : { methods: [...methods].sort() };
}

/** What providers are asked for: at a further port the same as at the first, without its number. */
function keyOf({ service, portOf }: Entry): Pick<ClusterService, "interface" | "group" | "version"> {
  return { interface: service.interface, group: service.group, version: portOf === undefined ? service.version : "" };
}

function build(
  name: string,
  service: ClusterService,
  { balancer, errorCodes, retryWindow, ...policy }: LoweredPolicy,
): Cluster {
  const facts: ClusterService = {
    ...service,
    ...(balancer !== undefined && { balancer }),
    ...(errorCodes !== undefined && { errorCodes }),
    ...(retryWindow !== undefined && { retryWindow }),
  };
  return { name, type: "EDS", ...policy, metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } } };
}
