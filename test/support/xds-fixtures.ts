import type { Cluster, LbPolicy } from "../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../src/codecs/xds/core.ts";
import type { ClusterLoadAssignment, DubboEndpointFacts } from "../../src/codecs/xds/endpoint.ts";
import type { NamedResource, ResourceOf, TypeUrl } from "../../src/codecs/xds/resources.ts";
import type { Route, RouteConfiguration } from "../../src/codecs/xds/route.ts";
import { parseServiceKey } from "../../src/model/service.ts";

/** A cluster of a service key, such as `g/com.acme.A:1.0.0`, on 127.0.0.1. */
export function clusterOf(
  key: string,
  subset = "",
  extra: { lbPolicy?: LbPolicy; maxRequests?: number; callbackMethods?: string[] } = {},
): Cluster {
  const service = {
    ...parseServiceKey(key),
    host: hostOf(key),
    subset,
    ...(extra.callbackMethods && { callbackMethods: extra.callbackMethods }),
  };
  return {
    name: clusterName(key, subset),
    type: "EDS",
    lbPolicy: extra.lbPolicy ?? "RANDOM",
    ...(extra.maxRequests !== undefined && {
      circuitBreakers: { thresholds: [{ maxRequests: extra.maxRequests }] } as const,
    }),
    metadata: { filterMetadata: { [TRESTLE_METADATA]: service } },
  };
}

/** Where a test's provider is, and what it says of itself. */
export interface TestEndpoint extends DubboEndpointFacts {
  readonly address?: string;
  readonly port: number;
  readonly weight?: number;
}

export function endpointsOf(key: string, subset: string, endpoints: readonly TestEndpoint[]): ClusterLoadAssignment {
  const lbEndpoints = endpoints.map(({ address = "127.0.0.1", port, weight = 100, ...facts }) => ({
    endpoint: { address: { socketAddress: { address, portValue: port } } },
    loadBalancingWeight: weight,
    metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } },
  }));
  return { clusterName: clusterName(key, subset), endpoints: [{ lbEndpoints }] };
}

export function routesOf(hosts: Readonly<Record<string, readonly Route[]>>): RouteConfiguration {
  const virtualHosts = Object.entries(hosts).map(([key, routes]) => ({
    name: hostOf(key),
    domains: [hostOf(key), key],
    routes,
  }));
  return { name: "dubbo", virtualHosts };
}

export function clusterName(key: string, subset = ""): string {
  return `outbound|20880|${subset}|${hostOf(key)}`;
}

export function hostOf(key: string): string {
  return `host-of-${key.toLowerCase().replace(/[/:]/g, "-")}`;
}

let version = 0;

/** A resource with a version that no other has. */
export function named<T extends TypeUrl>(name: string, resource: ResourceOf[T]): NamedResource {
  return { name, version: String(++version), resource };
}
