import { ANY_SERVICE, type Cluster } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { Listener } from "../../codecs/xds/listener.ts";
import type { NamedResource, ResourceSet, XdsResource } from "../../codecs/xds/resources.ts";
import { ANY_DOMAIN, type RouteConfiguration } from "../../codecs/xds/route.ts";
import { ROOTS_SECRET, WORKLOAD_SECRET } from "../../codecs/xds/secret.ts";
import {
  DOWNSTREAM_TLS_TYPE,
  type DownstreamTlsContext,
  TLS_SOCKET,
  type TransportSocket,
} from "../../codecs/xds/tls.ts";
import { type Entry, plainEndpoint } from "../../model/entry.ts";
import { hashText } from "../../model/hash-text.ts";
import { type MeshSettings, namespaceOf, trustDomainsOf } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import { contentVersion } from "../../model/snapshot.ts";
import { mtlsModes } from "../rules/kinds/peer-authentication.ts";
import { serversIn } from "./asked-servers.ts";
import { indexAuthorization } from "./authorization.ts";
import type { InboundProvider } from "./listeners.ts";
import { ServedServices } from "./served-services.ts";

/** The resources of inbound listeners, each list in the order of the providers' addresses. */
export type InboundResources = Pick<ResourceSet, "version" | "listeners" | "routes" | "clusters" | "endpoints">;

/** What stands in inbound listeners besides the providers. */
export interface InboundRules {
  /** All services that are known. */
  readonly entries: readonly Entry[];
  readonly rules: readonly Rule[];
  readonly mesh: MeshSettings;
}

/**
 * Compiles what a proxy needs in front of providers of its own: for each a listener that takes what PeerAuthentication says of the
 * provider's port, and routes `inbound|PORT||` which lead every call to it, under the policies that select it. `served` is that of whoever
 * compiles again and again.
 */
export function compileInbound(
  providers: readonly InboundProvider[],
  { entries, rules, mesh }: InboundRules,
  served = new ServedServices(),
): InboundResources {
  const modeOf = mtlsModes(rules, mesh.rootNamespace);
  const tls = tlsOf(mesh);
  const policies = indexAuthorization(rules, mesh);
  const sorted = [...providers].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const parts = sorted.map((provider) => {
    const name = nameOf(provider);
    const entry = entryOf(provider);
    const { mode } = modeOf({ namespace: namespaceOf(entry, mesh), labels: provider.labels }, provider.to.port);
    const configs = policies.configsOf(entry);
    const routes: RouteConfiguration = {
      name,
      virtualHosts: [
        {
          name,
          domains: [ANY_DOMAIN],
          routes: [{ name: "default", match: { prefix: "/" }, route: { cluster: name } }],
          ...(configs !== undefined && { typedPerFilterConfig: configs }),
        },
      ],
    };
    return {
      listener: listenerOf(provider, {
        mtls: mode,
        tls,
        ...(asksServices(provider, configs) && { services: served.at(entries, [provider.listen, provider.to]) }),
      }),
      routes,
      cluster: clusterOf(provider),
      endpoints: endpointsOf(provider),
    };
  });
  const lists = {
    listeners: parts.map(({ listener }) => named(listener.name, listener)).sort(byName),
    routes: parts.map(({ routes }) => named(routes.name, routes)),
    clusters: parts.map(({ cluster }) => named(cluster.name, cluster)),
    endpoints: parts.map(({ endpoints }) => named(endpoints.clusterName, endpoints)),
  };
  return {
    version: hashText(
      Object.values(lists)
        .flatMap((list) => list.map(({ version }) => version))
        .join(),
    ),
    ...lists,
  };
}

/** A {@link compileInbound} that remembers what it is to know of the entries from one time to the next. */
export function createInboundCompiler(): (
  ...given: [providers: readonly InboundProvider[], rules: InboundRules]
) => InboundResources {
  const served = new ServedServices();
  return (providers, rules) => compileInbound(providers, rules, served);
}

/** A set with the resources of inbound listeners among its own, and the servers that their policies ask, every list in order of names. */
export function withInbound(set: ResourceSet, inbound: InboundResources): ResourceSet {
  if (inbound.listeners.length === 0) return set;
  const hosts = inbound.routes.flatMap(({ resource }) => resource.virtualHosts ?? []);
  const servers = serversIn(
    set,
    hosts.map(({ typedPerFilterConfig }) => typedPerFilterConfig),
  );
  return {
    ...set,
    version: hashText(`${set.version}|${inbound.version}`),
    listeners: merge(inbound.listeners, set.listeners),
    routes: merge(inbound.routes, set.routes),
    clusters: merge([...inbound.clusters, ...servers.map(({ cluster }) => cluster)], set.clusters),
    endpoints: merge([...inbound.endpoints, ...servers.map(({ endpoints }) => endpoints)], set.endpoints),
  };
}

/** `inbound|PORT||ADDRESS`: Istio's has no address, since there one proxy stands in front of one address alone. */
function nameOf({ to }: InboundProvider): string {
  return `inbound|${to.port}||${to.address}`;
}

/** The provider as policies see it: one that serves whatever it is asked for. */
function entryOf(provider: InboundProvider): Entry {
  const { to, protocol, labels } = provider;
  const known = { address: to.address, port: to.port, protocol, weight: 100, params: {}, origin: "proxy.inbound" };
  const service = { interface: ANY_SERVICE, group: "", version: "" };
  return { host: nameOf(provider), service, endpoints: [{ ...plainEndpoint(known), labels }] };
}

/** TLS of the mesh: callers have an identity of its trust domain, or of one of its aliases, as Istio asks of them. */
function tlsOf(mesh: MeshSettings): TransportSocket<DownstreamTlsContext> {
  const matchTypedSubjectAltNames = trustDomainsOf(mesh).map((domain) => ({
    sanType: "URI" as const,
    matcher: { prefix: `spiffe://${domain}/` },
  }));
  return {
    name: TLS_SOCKET,
    typedConfig: {
      "@type": DOWNSTREAM_TLS_TYPE,
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [{ name: WORKLOAD_SECRET }],
        combinedValidationContext: {
          defaultValidationContext: { matchTypedSubjectAltNames },
          validationContextSdsSecretConfig: { name: ROOTS_SECRET },
        },
      },
      requireClientCertificate: true,
    },
  };
}

interface Taken {
  readonly mtls: "STRICT" | "PERMISSIVE" | "DISABLE";
  readonly tls: TransportSocket<DownstreamTlsContext>;
  readonly services?: readonly string[];
}

/** Policies of calls by Dubbo need to know what a provider serves. */
function asksServices({ protocol }: InboundProvider, configs: object | undefined): boolean {
  return configs !== undefined && protocol !== "http";
}

function listenerOf(provider: InboundProvider, { tls, ...taken }: Taken): Listener {
  const { listen, to, protocol } = provider;
  return {
    name: `inbound_${listen.address}_${listen.port}`,
    address: { socketAddress: { address: listen.address, portValue: listen.port } },
    filterChains: [{ transportSocket: tls }],
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: { protocol, routeConfigName: nameOf(provider), inbound: { to: { ...to }, ...taken } },
      },
    },
  };
}

function clusterOf(provider: InboundProvider): Cluster {
  const name = nameOf(provider);
  const service = { interface: ANY_SERVICE, group: "", version: "", host: name, subset: "" };
  return { name, type: "EDS", lbPolicy: "RANDOM", metadata: { filterMetadata: { [TRESTLE_METADATA]: service } } };
}

function endpointsOf(provider: InboundProvider): ClusterLoadAssignment {
  const { to, protocol } = provider;
  const endpoint = { address: { socketAddress: { address: to.address, portValue: to.port } } };
  const metadata = { filterMetadata: { [TRESTLE_METADATA]: { protocol } } };
  return {
    clusterName: nameOf(provider),
    endpoints: [{ lbEndpoints: [{ endpoint, loadBalancingWeight: 100, metadata }] }],
  };
}

function named<T extends XdsResource>(name: string, resource: T): NamedResource<T> {
  return { name, version: contentVersion(resource), resource };
}

function merge<T extends XdsResource>(
  some: readonly NamedResource<T>[],
  others: readonly NamedResource<T>[],
): readonly NamedResource<T>[] {
  // Their names sort before those of other clusters nearly always; sorting what is sorted is cheap.
  return [...some, ...others].sort(byName);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
