import type { ServedResource } from "../../../codecs/xds/served.ts";
import { ADS, type ProtoJson, versioned } from "../targets.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";
const MANAGER = `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`;
const FAULT: ProtoJson = {
  name: "envoy.filters.http.fault",
  typedConfig: { "@type": `${FILTERS}.http.fault.v3.HTTPFault` },
};
const ROUTER: ProtoJson = {
  name: "envoy.filters.http.router",
  typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` },
};

/** What a gRPC client asks for first, by the name that stands behind `xds:///`. */
export function clientListener(name: string, routeConfigName: string): ServedResource {
  return versioned(name, {
    name,
    apiListener: {
      apiListener: {
        "@type": MANAGER,
        statPrefix: "grpc",
        rds: { configSource: ADS, routeConfigName },
        httpFilters: [FAULT, ROUTER],
      },
    },
  });
}

/** What a bootstrap's `server_listener_resource_name_template` stands before the address with: Istio's, and gRPC's own. */
const TEMPLATES: readonly string[] = ["xds.istio.io/grpc/lds/inbound/", "grpc/server?xds.resource.listening_address="];

/**
 * The listener of a gRPC server, by the name that it asks for: every call is its own affair, in plain text. Undefined for a name that is none
 * of a server's, or names no address.
 */
export function serverListener(name: string): ServedResource | undefined {
  const template = TEMPLATES.find((text) => name.startsWith(text));
  if (template === undefined) return undefined;
  const found = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})$/.exec(name.slice(template.length));
  const port = Number(found?.[3]);
  if (found === null || port < 1 || port > 65_535) return undefined;
  const virtualHosts = [
    { name: `inbound|${port}`, domains: ["*"], routes: [{ match: { prefix: "/" }, nonForwardingAction: {} }] },
  ];
  return versioned(name, {
    name,
    address: { socketAddress: { address: found[1] ?? found[2], portValue: port } },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type": MANAGER,
              statPrefix: `inbound_${port}`,
              routeConfig: { name: `inbound|${port}`, virtualHosts },
              httpFilters: [ROUTER],
            },
          },
        ],
      },
    ],
  });
}
