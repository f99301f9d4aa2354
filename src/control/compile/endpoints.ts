import {
  type ClusterLoadAssignment,
  type DubboEndpointFacts,
  type LbEndpoint,
  TRESTLE_METADATA,
} from "../../codecs/xds/resources.ts";
import type { Endpoint, Entry } from "../../model/entry.ts";

/** The wire protocol whose endpoints are compiled: others are shown to consumers as they are. */
const PROTOCOL = "dubbo";

/** Port in the names of a service's clusters where no provider is known: Dubbo's own default. */
const DEFAULT_PORT = 20_880;

/** A service is led through the proxy while a provider speaks Dubbo2, and after its last provider of any kind left. */
export function isCarried(entry: Entry): boolean {
  return entry.endpoints.length === 0 || entry.endpoints.some((endpoint) => endpoint.protocol === PROTOCOL);
}

const ports = new WeakMap<Entry, number>();

/** The lowest port that a Dubbo2 provider of the service has; 20880 where there is none. */
export function usualPort(entry: Entry): number {
  const known = ports.get(entry);
  if (known !== undefined) return known;
  const found = entry.endpoints.filter(({ protocol }) => protocol === PROTOCOL).map(({ port }) => port);
  const port = found.length === 0 ? DEFAULT_PORT : found.reduce((a, b) => Math.min(a, b));
  ports.set(entry, port);
  return port;
}

/**
 * Whether an endpoint belongs to a subset: every label equals the registry's raw parameter of that name, or what Kubernetes
 * would allow of it as a label's value. The label `dubbo.tag` or `tag` also means the provider's static tag.
 */
export function selects(labels: Readonly<Record<string, string>>, endpoint: Endpoint): boolean {
  return Object.entries(labels).every(([name, value]) => {
    const raw = Object.hasOwn(endpoint.params, name) ? endpoint.params[name]! : undefined;
    if (raw === undefined)
      return (name === "dubbo.tag" || name === "tag") && endpoint.tag !== "" && endpoint.tag === value;
    return raw === value || legalLabel(raw) === value;
  });
}

function legalLabel(value: string): string {
  return value
    .replace(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

/** The Dubbo2 endpoints of a service that take calls: all, or those that `labels` select. */
export function liveEndpoints(entry: Entry, labels: Readonly<Record<string, string>> | undefined): readonly Endpoint[] {
  return entry.endpoints.filter(
    (endpoint) =>
      endpoint.protocol === PROTOCOL && !endpoint.disabled && (labels === undefined || selects(labels, endpoint)),
  );
}

/** Compiles the endpoints of one cluster. */
export function compileEndpoints(clusterName: string, endpoints: readonly Endpoint[]): ClusterLoadAssignment {
  return { clusterName, endpoints: [{ lbEndpoints: endpoints.map(compileEndpoint) }] };
}

function compileEndpoint(endpoint: Endpoint): LbEndpoint {
  const facts = factsOf(endpoint);
  return {
    endpoint: { address: { socketAddress: { address: endpoint.address, portValue: endpoint.port } } },
    loadBalancingWeight: endpoint.weight,
    ...(facts === undefined ? {} : { metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } } }),
  };
}

function factsOf({ tag, token, warmupMs, startedAtMs, payloadBytes }: Endpoint): DubboEndpointFacts | undefined {
  const facts: DubboEndpointFacts = {
    ...(tag === "" ? {} : { tag }),
    ...(token === "" ? {} : { token }),
    ...(warmupMs === 0 ? {} : { warmupMs }),
    ...(startedAtMs === 0 ? {} : { startedAtMs }),
    ...(payloadBytes === 0 ? {} : { payloadBytes }),
  };
  return Object.keys(facts).length === 0 ? undefined : facts;
}
