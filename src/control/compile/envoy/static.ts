import type { JsonValue } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import { decodeMessage, encodeResource } from "../../../codecs/xds/resource-bytes.ts";
import {
  CLUSTER_TYPE,
  DUBBO_ROUTE_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
} from "../../../codecs/xds/resources.ts";
import { findIn, type ServedResource, type ServedSet } from "../../../codecs/xds/served.ts";
import { xdsMessage } from "../../../codecs/xds/types.ts";
import type { ProtoJson } from "../targets.ts";
import { type BootstrapOptions, bootstrapHead } from "./bootstrap.ts";

/**
 * An Envoy's configuration as a file that says all by itself, as YAML: the clusters with their endpoints and the listeners with their routes, as
 * they are at this moment. The same set and options give the same text. Throws an `Error` that names what cannot be said.
 */
export function printStaticEnvoy(set: ServedSet, options: Omit<BootstrapOptions, "server" | "mode">): string {
  const listOf = (typeUrl: string) => set.types.get(typeUrl) ?? [];
  const endpoints = listOf(ENDPOINT_TYPE);
  const routes = listOf(ROUTE_TYPE);
  const dubbo = listOf(DUBBO_ROUTE_TYPE);
  const clusters = listOf(CLUSTER_TYPE).map((one) => whole(CLUSTER_TYPE, withEndpoints(one, endpoints)));
  const listeners = listOf(LISTENER_TYPE).map((one) => whole(LISTENER_TYPE, withRoutes(one.resource, routes, dubbo)));
  return stringify(
    { ...bootstrapHead(options), static_resources: { clusters, listeners } },
    // What two listeners have in common is said twice: files of Envoy have no anchors by custom. It takes `yes` for no text.
    { aliasDuplicateObjects: false, compat: "yaml-1.1" },
  );
}

/** In protobuf's own form, in which every filter's configuration says its type. */
function whole(typeUrl: string, resource: unknown): JsonValue {
  return decodeMessage(xdsMessage(typeUrl), encodeResource(typeUrl, resource));
}

function withEndpoints({ name, resource }: ServedResource, endpoints: readonly ServedResource[]): ProtoJson {
  const { edsClusterConfig, ...cluster } = resource as ProtoJson;
  if (cluster["type"] !== "EDS") return resource as ProtoJson;
  const { serviceName = name } = (edsClusterConfig ?? {}) as { readonly serviceName?: string };
  const loadAssignment = { ...findIn(endpoints, serviceName)?.resource, clusterName: name };
  return { ...cluster, type: "STATIC", loadAssignment };
}

/** The same with routes in place of where they would come from. */
function withRoutes(value: unknown, routes: readonly ServedResource[], dubbo: readonly ServedResource[]): unknown {
  if (Array.isArray(value)) return value.map((one) => withRoutes(one, routes, dubbo));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      if (key === "rds") return ["routeConfig", routesOf(part, routes)];
      if (key === "drds") return ["multipleRouteConfig", routesOf(part, dubbo)];
      return [key, withRoutes(part, routes, dubbo)];
    }),
  );
}

function routesOf(source: unknown, routes: readonly ServedResource[]): object {
  const { routeConfigName: name } = source as { readonly routeConfigName: string };
  return findIn(routes, name)?.resource ?? { name };
}
