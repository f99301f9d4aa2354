import { saysNoJson, saysWrapper } from "../../codecs/triple/style.ts";
import { type CarriedProtocol, TRESTLE_METADATA, type WireProtocol } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, DubboEndpointFacts, LbEndpoint } from "../../codecs/xds/endpoint.ts";
import { ISTIO_TLS_MODE, SOCKET_MATCH_METADATA } from "../../codecs/xds/tls.ts";
import type { Endpoint, Entry } from "../../model/entry.ts";
import { IDENTITY_LABEL, TLS_MODE_LABEL } from "../../model/inbound.ts";

/** The wire protocols whose endpoints can be compiled, the usual one first; others are shown to consumers as they are. */
export const WIRE_PROTOCOLS: readonly WireProtocol[] = ["dubbo", "tri"];

/** All protocols that proxies carry: Dubbo's own, and HTTP/1.1 as it is. */
export const CARRIED_PROTOCOLS: readonly CarriedProtocol[] = [...WIRE_PROTOCOLS, "http"];

/** Port in the names of a service's clusters where no provider is known: Dubbo's own default. */
const DEFAULT_PORT = 20_880;

/**
 * A service is led through the proxy while a provider speaks one of the protocols that are carried, and after its last provider of
 * any kind left.
 */
export function isCarried(entry: Entry, protocols: readonly string[]): boolean {
  return entry.endpoints.length === 0 || entry.endpoints.some((endpoint) => speaksOneOf(endpoint, protocols));
}

/** Whether an endpoint can be called in one of these protocols. What Dubbo calls `http` is Java objects in HTTP: its provider URLs name their interface. */
export function speaksOneOf({ protocol, params }: Endpoint, protocols: readonly string[]): boolean {
  return protocols.includes(protocol) && !(protocol === "http" && params.interface !== undefined);
}

const ports = new WeakMap<Entry, number>();

/**
 * The port by which the service is known for Dubbo2, else for Triple, else for HTTP, where an object says one, else the lowest that such a provider has;
 * 20880 where there is none.
 */
export function usualPort(entry: Entry): number {
  const known = ports.get(entry);
  if (known !== undefined) return known;
  const said = entry.ports ?? entry.endpoints;
  const found = CARRIED_PROTOCOLS.map((wire) => said.filter(({ protocol }) => protocol === wire)).find(
    ({ length }) => length > 0,
  );
  const port = found === undefined ? DEFAULT_PORT : found.reduce((least, one) => Math.min(least, one.port), 65_535);
  ports.set(entry, port);
  return port;
}

/**
 * Whether an endpoint belongs to a subset: every label equals the endpoint's own label of that name, else the registry's raw
 * parameter, or what Kubernetes would allow of it as a label's value. The label `dubbo.tag` or `tag` also means the provider's static tag.
 */
export function selects(labels: Readonly<Record<string, string>>, endpoint: Endpoint): boolean {
  return Object.entries(labels).every(([name, value]) => {
    const raw = labelOf(endpoint, name);
    if (raw === undefined)
      return (name === "dubbo.tag" || name === "tag") && endpoint.tag !== "" && endpoint.tag === value;
    return raw === value || legalLabel(raw) === value;
  });
}

/** Whether `labels` choose a subset by a static tag, which all of its endpoints have. */
export function isOfTag(labels: Readonly<Record<string, string>>, endpoints: readonly Endpoint[]): boolean {
  const wanted = labels["dubbo.tag"] ?? labels["tag"];
  return wanted !== undefined && endpoints.every(({ tag }) => tag !== "" && [tag, legalLabel(tag)].includes(wanted));
}

function labelOf({ labels, params }: Endpoint, name: string): string | undefined {
  if (labels !== undefined && Object.hasOwn(labels, name)) return labels[name];
  return Object.hasOwn(params, name) ? params[name] : undefined;
}

function legalLabel(value: string): string {
  return value
    .replace(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

/** The endpoints of a service that take calls in one of these protocols: all, or those that `labels` select. */
export function liveEndpoints(
  entry: Entry,
  labels: Readonly<Record<string, string>> | undefined,
  protocols: readonly string[],
): readonly Endpoint[] {
  return entry.endpoints.filter(
    (endpoint) =>
      speaksOneOf(endpoint, protocols) && !endpoint.disabled && (labels === undefined || selects(labels, endpoint)),
  );
}

/** Compiles the endpoints of one cluster, wherever they are. */
export function compileEndpoints(clusterName: string, endpoints: readonly Endpoint[]): ClusterLoadAssignment {
  return { clusterName, endpoints: [{ lbEndpoints: endpoints.map(compileEndpoint) }] };
}

/** Compiles one endpoint. */
export function compileEndpoint(endpoint: Endpoint): LbEndpoint {
  const facts = factsOf(endpoint);
  const tls = takesMutualTls(endpoint) ? { [SOCKET_MATCH_METADATA]: { tlsMode: ISTIO_TLS_MODE } } : undefined;
  const isPlain = facts === undefined && tls === undefined;
  return {
    endpoint: { address: { socketAddress: { address: endpoint.address, portValue: endpoint.port } } },
    loadBalancingWeight: endpoint.weight,
    ...(isPlain ? {} : { metadata: { filterMetadata: { [TRESTLE_METADATA]: facts ?? {}, ...tls } } }),
  };
}

/** Whether an endpoint takes mutual TLS, as its label says. */
export function takesMutualTls(endpoint: Endpoint): boolean {
  return labelOf(endpoint, TLS_MODE_LABEL) === ISTIO_TLS_MODE;
}

/** Whose identity an endpoint's TLS shows, without `spiffe://`, where its proxy was registered with it; undefined where nobody says. */
export function registeredIdentity(endpoint: Endpoint): string | undefined {
  return labelOf(endpoint, IDENTITY_LABEL);
}

function factsOf(endpoint: Endpoint): DubboEndpointFacts | undefined {
  const { protocol, tag, token, warmupMs, startedAtMs, payloadBytes, params } = endpoint;
  const facts: DubboEndpointFacts = {
    ...(protocol === "tri" || protocol === "http" ? { protocol } : {}),
    ...(protocol === "tri" && saysWrapper(params) ? { takesWrapper: true } : {}),
    ...(protocol === "tri" && saysNoJson(params) ? { refusesJson: true } : {}),
    ...(tag === "" ? {} : { tag }),
    ...(token === "" ? {} : { token }),
    ...(warmupMs === 0 ? {} : { warmupMs }),
    ...(startedAtMs === 0 ? {} : { startedAtMs }),
    ...(payloadBytes === 0 ? {} : { payloadBytes }),
  };
  return Object.keys(facts).length === 0 ? undefined : facts;
}
