import { stringify } from "yaml";
import { NODE_SETTINGS } from "./node.ts";

/** What an Envoy has to be told so that it takes its configuration from Trestle. */
export interface BootstrapOptions {
  /** Its name among the nodes: `sidecar~ADDRESS~NAME~DOMAIN` or `router~...`. */
  readonly nodeId: string;
  /** Shown in statistics and traces; the service that the Envoy stands beside. */
  readonly cluster?: string;
  /** Where Trestle's xDS listens, `host:port`. */
  readonly server: { readonly host: string; readonly port: number };
  /** Where Envoy's own admin listens; port 0 for any. {@link ENVOY_ADMIN} unless told. */
  readonly admin?: { readonly host: string; readonly port: number };
  /** Only what changed is sent, unless told otherwise. */
  readonly mode?: "delta" | "state-of-the-world";
  /** Address of its listeners, port for Dubbo calls, and the ports of services that it listens on. */
  readonly settings?: { readonly bind?: string; readonly dubboPort?: number; readonly ports?: readonly number[] };
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
}

/** Where an Envoy's own admin listens unless told: not where Istio has it, since Trestle's own is there, and may be on the same host. */
export const ENVOY_ADMIN = { host: "127.0.0.1", port: 9_901 };

/** Name of the one cluster that a bootstrap has: where xDS comes from. */
export const XDS_CLUSTER = "trestle-xds";

/** An Envoy bootstrap, as YAML: listeners and clusters by one aggregated stream, and nothing else. The same options give the same text. */
export function printEnvoyBootstrap(options: BootstrapOptions): string {
  const { server, mode = "delta" } = options;
  const byAds = { ads: {}, resource_api_version: "V3" };
  const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const config = {
    ...bootstrapHead(options),
    dynamic_resources: {
      ads_config: {
        api_type: mode === "delta" ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER } }],
        set_node_on_first_message_only: true,
      },
      cds_config: byAds,
      lds_config: byAds,
    },
    static_resources: {
      clusters: [
        {
          name: XDS_CLUSTER,
          type: "STRICT_DNS",
          connect_timeout: "5s",
          typed_extension_protocol_options: {
            [http2]: {
              "@type": `type.googleapis.com/${http2}`,
              explicit_http_config: {
                // A server that is gone without a word is noticed.
                http2_protocol_options: { connection_keepalive: { interval: "30s", timeout: "5s" } },
              },
            },
          },
          load_assignment: {
            cluster_name: XDS_CLUSTER,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(server.host, server.port) } }] }],
          },
        },
      ],
    },
  };
  return stringify(config, { compat: "yaml-1.1" });
}

function socket(address: string, port: number) {
  return { socket_address: { address, port_value: port } };
}

/** What every configuration of an Envoy begins with: who it is, and where its own admin listens. */
export function bootstrapHead(options: Omit<BootstrapOptions, "server" | "mode">) {
  const { nodeId, cluster = "trestle", admin = ENVOY_ADMIN } = options;
  const { settings, namespace, labels, serviceAccount } = options;
  const metadata = {
    ...(namespace !== undefined && { NAMESPACE: namespace }),
    ...(serviceAccount !== undefined && { SERVICE_ACCOUNT: serviceAccount }),
    ...(labels !== undefined && { LABELS: labels }),
    ...(settings !== undefined && { [NODE_SETTINGS]: settings }),
  };
  return {
    node: { id: nodeId, cluster, ...(Object.keys(metadata).length > 0 && { metadata }) },
    admin: { address: socket(admin.host, admin.port) },
    layered_runtime: {
      // Envoy's own limit refuses regular expressions of some twenty letters; Istio's is this.
      layers: [{ name: "static", static_layer: { "re2.max_program_size.error_level": 32_768 } }],
    },
  };
}
