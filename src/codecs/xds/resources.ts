/**
 * The xDS v3 resources that configure a Trestle proxy, in proto3's JSON form: the same fields and names that Envoy takes,
 * cut down to what Trestle reads. Source: envoy/config/{listener,route,cluster,endpoint}/v3 and extensions/filters/http/fault/v3.
 */
import type { ServiceSchema } from "../../model/schema.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterLoadAssignment } from "./endpoint.ts";
import type { Listener } from "./listener.ts";
import type { RouteConfiguration, VirtualHost } from "./route.ts";
import type { Secret } from "./secret.ts";

/** Type URL of a {@link Listener}; this and the next three are those of xDS v3, the prefix included. */
export const LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener";

/** Type URL of a {@link RouteConfiguration}. */
export const ROUTE_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

/** Type URL of a {@link VirtualHost} that is a resource of its own, so that a change of one service's routes is sent alone. */
export const VIRTUAL_HOST_TYPE = "type.googleapis.com/envoy.config.route.v3.VirtualHost";

/** Type URL of what Envoy's own Dubbo filter takes its routes from (DRDS). */
export const DUBBO_ROUTE_TYPE =
  "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";

/** Type URL of a {@link Cluster}. */
export const CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** Type URL of a {@link ClusterLoadAssignment}. */
export const ENDPOINT_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

/** Type URL of a {@link Secret}. */
export const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** Type URL of a {@link ServiceSchema}: Trestle's own, since Envoy has none. */
export const SCHEMA_TYPE = "type.googleapis.com/io.trestle.ServiceSchema";

/** The types that a Trestle proxy takes; there is no other. */
export type TypeUrl =
  | typeof LISTENER_TYPE
  | typeof ROUTE_TYPE
  | typeof VIRTUAL_HOST_TYPE
  | typeof CLUSTER_TYPE
  | typeof ENDPOINT_TYPE
  | typeof SECRET_TYPE
  | typeof SCHEMA_TYPE;

/** Which shape a resource of each type has. */
export interface ResourceOf {
  readonly [LISTENER_TYPE]: Listener;
  readonly [ROUTE_TYPE]: RouteConfiguration;
  readonly [VIRTUAL_HOST_TYPE]: VirtualHost;
  readonly [CLUSTER_TYPE]: Cluster;
  readonly [ENDPOINT_TYPE]: ClusterLoadAssignment;
  readonly [SECRET_TYPE]: Secret;
  readonly [SCHEMA_TYPE]: ServiceSchema;
}

/** Any resource; its type URL travels beside it. */
export type XdsResource = ResourceOf[TypeUrl];

/** A resource with its name and a version that depends on its content alone. */
export interface NamedResource<T extends XdsResource = XdsResource> {
  readonly name: string;
  readonly version: string;
  readonly resource: T;
}

/** What one proxy needs, all types together, each list sorted by name; `version` depends on the content alone. */
export interface ResourceSet {
  readonly version: string;
  readonly listeners: readonly NamedResource<Listener>[];
  readonly routes: readonly NamedResource<RouteConfiguration>[];
  /** Of RouteConfigurations with `vhds`; each is named by its RouteConfiguration and itself. */
  readonly virtualHosts: readonly NamedResource<VirtualHost>[];
  readonly clusters: readonly NamedResource<Cluster>[];
  readonly endpoints: readonly NamedResource<ClusterLoadAssignment>[];
  readonly schemas: readonly NamedResource<ServiceSchema>[];
  /** The proxy's own; never to be shown. Absent without a certificate authority. */
  readonly secrets?: readonly NamedResource<Secret>[];
}

/** The virtual hosts of a RouteConfiguration: those that stand in it, then those that are resources of their own. */
export function virtualHostsOf(
  { routes, virtualHosts }: Pick<ResourceSet, "routes" | "virtualHosts">,
  name: string,
): readonly VirtualHost[] {
  const config = routes.find((one) => one.name === name)?.resource;
  if (config?.vhds === undefined) return config?.virtualHosts ?? [];
  const own = virtualHosts.filter((one) => one.name.startsWith(`${name}/`)).map(({ resource }) => resource);
  return config.virtualHosts.length === 0 ? own : [...config.virtualHosts, ...own];
}

/** One delta answer of the xDS stream: what was added or changed, and what is gone, of one type. */
export interface DeltaResources {
  readonly typeUrl: TypeUrl;
  readonly resources: readonly NamedResource[];
  readonly removedResources: readonly string[];
}
