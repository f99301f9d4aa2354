import { describeRoutes } from "../../codecs/openapi/document.ts";
import type { JsonSchema } from "../../codecs/openapi/schemas.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";

/** The document that was asked for, or why there is none. */
export type OpenApiView = { readonly document: JsonSchema } | { readonly error: string };

/**
 * The OpenAPI document of what a gateway lets through for `host`, a domain as rules have it, and for `port` where more than one has that
 * domain. Either may be left out where it needs no choice; where no gateway has routes the document is empty.
 */
export function viewOpenApi(
  resources: ResourceSet | undefined,
  host: string | undefined,
  port: string | undefined,
): OpenApiView {
  const ports = new Map(
    (resources?.listeners ?? []).flatMap(({ resource: { address, metadata, filterChains = [] } }) => {
      const { protocol, routeConfigName } = metadata.filterMetadata[TRESTLE_METADATA];
      const names = [routeConfigName, ...filterChains.flatMap(({ name = [] }) => name)];
      const port = String(address.socketAddress.portValue);
      return protocol === "gateway" ? names.map((name) => [name, port] as const) : [];
    }),
  );
  const served = (resources?.routes ?? []).flatMap(({ name, resource }) =>
    ports.has(name) ? resource.virtualHosts.map((virtualHost) => ({ at: ports.get(name)!, virtualHost })) : [],
  );
  const wanted = host?.toLowerCase();
  const found = served.filter(
    ({ at, virtualHost }) => (wanted ?? virtualHost.name) === virtualHost.name && (port ?? at) === at,
  );
  const [first] = found;
  if (served.length === 0 && host === undefined && port === undefined) {
    const nothing = { routes: [], serviceOf: () => undefined, schemaOf: () => undefined };
    return { document: describeRoutes({ title: "no gateway", ...nothing }) };
  }
  if (first === undefined || found.length > 1) {
    const known = served.map(({ at, virtualHost }) => `host=${virtualHost.name}&port=${at}`);
    const list = known.length === 0 ? "no gateway has routes" : `ask by one of ${known.slice(0, 20).join(", ")}`;
    return { error: first === undefined ? `no gateway takes that: ${list}` : `several do: ${list}` };
  }
  const clusters = new Map(
    resources!.clusters.map(({ name, resource }) => [name, resource.metadata.filterMetadata[TRESTLE_METADATA]]),
  );
  const schemas = new Map(resources!.schemas.map(({ name, resource }) => [name, resource]));
  const { name: title, routes } = first.virtualHost;
  const document = describeRoutes({
    title,
    routes,
    serviceOf: (name) => clusters.get(name),
    schemaOf: (name) => schemas.get(name),
  });
  return { document };
}
