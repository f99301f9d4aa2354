import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installEnvoy } from "../bench/toolchain.ts";
import { freePorts } from "./ports.ts";
import { type Peer, startProcess } from "./process.ts";

/** A stock Envoy that carries gRPC, each listener to one address. */
export interface Envoy {
  readonly peer: Peer;
  /** Ports of its listeners on 127.0.0.1, in the order of the addresses. */
  readonly ports: readonly number[];
  /** Tells callers to go (GOAWAY), as Envoy does before it is replaced. */
  drain(): Promise<void>;
}

/** Transport sockets of an Envoy's listeners and clusters, as its configuration has them; plain text where they are missing. */
export interface EnvoySockets {
  readonly downstream?: object;
  readonly upstream?: object;
}

/** Starts an Envoy with one listener for each address, `host:port`, HTTP/2 on both sides. */
export async function startEnvoy(addresses: readonly string[], sockets: EnvoySockets = {}): Promise<Envoy> {
  const program = await installEnvoy();
  const ports = await freePorts(addresses.length);
  const folder = mkdtempSync(join(tmpdir(), "trestle-envoy-"));
  const [config, admin] = [join(folder, "envoy.json"), join(folder, "admin")];
  writeFileSync(config, JSON.stringify(configOf(addresses, ports, sockets)));
  const adminUrl = () => `http://${readFileSync(admin, "utf8").trim()}`;
  const peer = await startProcess({
    name: "envoy",
    command: program,
    args: ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", admin, "-l", "warn"],
    ready: async () => existsSync(admin) && (await fetch(`${adminUrl()}/ready`).catch(() => undefined))?.status === 200,
  });
  return {
    peer,
    ports,
    drain: async () => void (await fetch(`${adminUrl()}/drain_listeners?graceful&skip_exit`, { method: "POST" })),
  };
}

function configOf(
  addresses: readonly string[],
  ports: readonly number[],
  { downstream, upstream }: EnvoySockets,
): object {
  const socket = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
  return {
    admin: { address: socket("127.0.0.1", 0) },
    static_resources: {
      listeners: addresses.map((_, i) => ({
        name: `in-${i}`,
        address: socket("127.0.0.1", ports[i]!),
        filter_chains: [
          { filters: [connectionManager(`to-${i}`)], ...(downstream && { transport_socket: downstream }) },
        ],
      })),
      clusters: addresses.map((address, i) => {
        const [host, port] = address.split(":");
        const endpoint = { address: socket(host!, Number(port)) };
        return {
          name: `to-${i}`,
          type: "STATIC",
          connect_timeout: "1s",
          ...(upstream && { transport_socket: upstream }),
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: { cluster_name: `to-${i}`, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        };
      }),
    },
  };
}

function connectionManager(cluster: string): object {
  const api = "type.googleapis.com/envoy.extensions.filters";
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${api}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: cluster,
      codec_type: "HTTP2",
      drain_timeout: "0.5s",
      route_config: {
        virtual_hosts: [
          { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster, timeout: "0s" } }] },
        ],
      },
      http_filters: [{ name: "envoy.filters.http.router", typed_config: { "@type": `${api}.http.router.v3.Router` } }],
    },
  };
}
