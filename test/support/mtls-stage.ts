import { type Logger, silentLogger } from "../../src/base/log.ts";
import type { ProxyLimits } from "../../src/bridge-proxy/context.ts";
import { createProxy, type RunningProxy } from "../../src/bridge-proxy/proxy.ts";
import type { Cluster } from "../../src/codecs/xds/cluster.ts";
import { type CarriedProtocol, TRESTLE_METADATA } from "../../src/codecs/xds/core.ts";
import type { Listener, MtlsMode } from "../../src/codecs/xds/listener.ts";
import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SECRET_TYPE,
  type TypeUrl,
  type XdsResource,
} from "../../src/codecs/xds/resources.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import { type Secret, type SubjectAltNameMatcher, WORKLOAD_SECRET } from "../../src/codecs/xds/secret.ts";
import {
  type CommonTlsContext,
  DOWNSTREAM_TLS_TYPE,
  ISTIO_TLS_MODE,
  SOCKET_MATCH_METADATA,
  TLS_SOCKET,
  UPSTREAM_TLS_TYPE,
} from "../../src/codecs/xds/tls.ts";
import { parseServiceKey } from "../../src/model/service.ts";
import { freePort } from "./lone-proxy.ts";

/** Where something listens. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** A proxy in this process and where it listens. */
export interface StagedProxy extends Place {
  readonly proxy: RunningProxy;
  /** Puts secrets in place of those that it has. */
  setSecrets(secrets: readonly Secret[]): Promise<void>;
  counter(name: string): number;
}

const LOOPBACK = "127.0.0.1";
let version = 0;

/** Secrets by SDS, as Istio names them; `names`: who a peer must be. */
export function meshContext(names?: readonly string[], alpnProtocols?: readonly string[]): CommonTlsContext {
  const matchers = (names ?? []).map((exact): SubjectAltNameMatcher => ({ sanType: "URI", matcher: { exact } }));
  return {
    ...(alpnProtocols && { alpnProtocols }),
    tlsCertificateSdsSecretConfigs: [{ name: WORKLOAD_SECRET }],
    combinedValidationContext: {
      defaultValidationContext: names === undefined ? {} : { matchTypedSubjectAltNames: matchers },
      validationContextSdsSecretConfig: { name: "ROOTCA" },
    },
  };
}

/** What an inbound proxy of a test is made with. */
export interface InboundOptions {
  readonly to: Place;
  readonly protocol?: CarriedProtocol;
  readonly mtls?: MtlsMode;
  readonly secrets?: readonly Secret[];
  readonly at?: Place;
  readonly log?: Logger;
  readonly limits?: Partial<ProxyLimits>;
  /** In place of the one that these make. */
  readonly listener?: Listener;
  /** Policies of all that is behind it. */
  readonly typedPerFilterConfig?: Policies;
  /** What the provider is known to serve. */
  readonly services?: readonly string[];
}

type Policies = object | undefined;

/** A proxy in front of one provider. */
export interface StagedInbound extends StagedProxy {
  /** What it takes from now on. */
  setMtls(mode: MtlsMode): Promise<void>;
  /** Policies of all that is behind it, from now on. */
  setPolicies(configs: Policies): Promise<void>;
}

/** Starts a proxy in front of one provider. */
export async function startInbound(options: InboundOptions): Promise<StagedInbound> {
  const {
    to,
    protocol = "dubbo",
    mtls = "PERMISSIVE",
    secrets = [],
    services = [],
    log = silentLogger,
    limits = {},
  } = options;
  const at = options.at ?? { address: LOOPBACK, port: await freePort() };
  const name = options.listener?.metadata.filterMetadata[TRESTLE_METADATA]?.routeConfigName ?? `inbound|${to.port}||`;
  const listenerOf = (mode: MtlsMode): Listener => ({
    name: `inbound_${at.address}_${at.port}`,
    address: { socketAddress: { address: at.address, portValue: at.port } },
    filterChains: [
      {
        transportSocket: {
          name: TLS_SOCKET,
          typedConfig: {
            "@type": DOWNSTREAM_TLS_TYPE,
            commonTlsContext: meshContext(),
            requireClientCertificate: true,
          },
        },
      },
    ],
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: { protocol, routeConfigName: name, inbound: { to, mtls: mode, services } },
      },
    },
  });
  const cluster: Cluster = {
    name,
    type: "EDS",
    lbPolicy: "RANDOM",
    metadata: {
      filterMetadata: { [TRESTLE_METADATA]: { interface: "*", group: "", version: "", host: name, subset: "" } },
    },
  };
  const routes: Route[] = [{ name: "default", match: { prefix: "/" }, route: { cluster: name } }];
  const routesOf = (policies: Policies) => {
    const virtualHost = { name, domains: ["*"], routes, ...(policies && { typedPerFilterConfig: policies }) };
    return changes(ROUTE_TYPE, [{ name, virtualHosts: [virtualHost] }]);
  };
  const proxy = createProxy({ worker: "inbound", log, limits });
  await proxy.apply([
    changes(SECRET_TYPE, secrets),
    changes(LISTENER_TYPE, [options.listener ?? listenerOf(mtls)]),
    routesOf(options.typedPerFilterConfig),
    changes(CLUSTER_TYPE, [cluster]),
    changes(ENDPOINT_TYPE, [endpoints(name, [{ ...to, protocol }])]),
  ]);
  return {
    ...staged(proxy, at),
    setMtls: (mode) => proxy.apply([changes(LISTENER_TYPE, [listenerOf(mode)])]),
    setPolicies: (configs) => proxy.apply([routesOf(configs)]),
  };
}

/** One service of an outbound proxy of a test. */
export interface OutboundService {
  readonly key: string;
  readonly to: readonly Place[];
  readonly protocol?: CarriedProtocol;
  /** Endpoints take mutual TLS unless this is false. */
  readonly mtls?: boolean;
  /** Who the provider must be; anybody of the mesh unless told. */
  readonly names?: readonly string[];
}

/** What an outbound proxy of a test is made with. */
export interface OutboundOptions {
  readonly service: OutboundService;
  /** What it listens for; `http` for requests of the service alone. */
  readonly listen?: CarriedProtocol;
  readonly secrets?: readonly Secret[];
  readonly at?: Place;
  readonly log?: Logger;
  readonly limits?: Partial<ProxyLimits>;
}

/** Starts a proxy that callers of one service are led through. */
export async function startOutbound(options: OutboundOptions): Promise<StagedProxy> {
  const { service, secrets = [], log = silentLogger, limits = {} } = options;
  const protocol = service.protocol ?? "dubbo";
  const at = options.at ?? { address: LOOPBACK, port: await freePort() };
  const key = parseServiceKey(service.key);
  const host = key.interface.toLowerCase();
  const name = `outbound|20880||${host}`;
  const facts = { protocol: options.listen ?? protocol, routeConfigName: "dubbo", service: service.key };
  const listener: Listener = {
    name: "outbound",
    address: { socketAddress: { address: at.address, portValue: at.port } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } },
  };
  const cluster: Cluster = {
    name,
    type: "EDS",
    lbPolicy: "RANDOM",
    transportSocketMatches: [
      {
        name: "tlsMode-istio",
        match: { tlsMode: ISTIO_TLS_MODE },
        transportSocket: {
          name: TLS_SOCKET,
          typedConfig: {
            "@type": UPSTREAM_TLS_TYPE,
            commonTlsContext: meshContext(service.names, ["istio-peer-exchange", "istio"]),
            sni: `outbound_.20880_._.${host}`,
          },
        },
      },
    ],
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { ...key, host, subset: "" } } },
  };
  const routes: Route[] = [{ name: "default", match: { prefix: "/" }, route: { cluster: name } }];
  const proxy = createProxy({ worker: "outbound", log, limits });
  const listed = service.to.map((place) => ({ ...place, protocol, tls: service.mtls !== false }));
  await proxy.apply([
    changes(SECRET_TYPE, secrets),
    changes(LISTENER_TYPE, [listener]),
    changes(ROUTE_TYPE, [
      { name: "dubbo", virtualHosts: [{ name: host, domains: [...new Set([host, service.key])], routes }] },
    ]),
    changes(CLUSTER_TYPE, [cluster]),
    changes(ENDPOINT_TYPE, [endpoints(name, listed)]),
  ]);
  return staged(proxy, at);
}

function staged(proxy: RunningProxy, at: Place): StagedProxy {
  return {
    ...at,
    proxy,
    setSecrets: (secrets) => proxy.apply([changes(SECRET_TYPE, secrets)]),
    counter: (name) => proxy.stats().counters[name] ?? Number.NaN,
  };
}

function endpoints(
  clusterName: string,
  places: readonly (Place & { readonly protocol: CarriedProtocol; readonly tls?: boolean })[],
) {
  const lbEndpoints = places.map(({ address, port, protocol, tls }) => ({
    endpoint: { address: { socketAddress: { address, portValue: port } } },
    loadBalancingWeight: 100,
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: { protocol },
        ...(tls === true && { [SOCKET_MATCH_METADATA]: { tlsMode: ISTIO_TLS_MODE } }),
      },
    },
  }));
  return { clusterName, endpoints: [{ lbEndpoints }] };
}

function changes(typeUrl: TypeUrl, resources: readonly XdsResource[]): DeltaResources {
  const named = resources.map((resource) => ({
    name: "clusterName" in resource ? resource.clusterName : resource.name,
    version: String(++version),
    resource,
  }));
  return { typeUrl, resources: named, removedResources: [] };
}
