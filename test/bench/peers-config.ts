/** Configuration of Trestle and of the proxies that it is compared with, all for calls to `o.Orders` on 127.0.0.1, routed by method. */

/** nginx as a layer 4 proxy in one process. */
export function nginxStreamConfig(directory: string, listenPort: number, echoPort: number): string {
  return `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
stream { server { listen 127.0.0.1:${listenPort}; proxy_pass 127.0.0.1:${echoPort}; } }
`;
}

/** nginx in one process that carries gRPC calls and routes by method. Connections and calls a connection are bounded by nothing. */
export function nginxGrpcConfig(directory: string, listenPort: number, echoPort: number): string {
  const upstream = (name: string) =>
    `upstream ${name} { server 127.0.0.1:${echoPort}; keepalive 1024; keepalive_requests 1000000000; }`;
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  scgi_temp_path ${directory}/scgi;
  uwsgi_temp_path ${directory}/uwsgi;
  keepalive_requests 1000000000;
  ${upstream("v1")}
  ${upstream("v2")}
  server {
    listen 127.0.0.1:${listenPort} http2;
    location = /o.Orders/addOrder { grpc_pass grpc://v2; }
    location / { grpc_pass grpc://v1; }
  }
}
`;
}

/** nginx in one process that carries HTTP/1.1 requests on kept connections and routes by path. */
export function nginxHttpConfig(directory: string, listenPort: number, echoPort: number): string {
  return nginxGrpcConfig(directory, listenPort, echoPort)
    .replace(`listen 127.0.0.1:${listenPort} http2;`, `listen 127.0.0.1:${listenPort};`)
    .replace(/location = .*\n.*location .*\n/, KEPT_LOCATIONS);
}

const KEPT_LOCATIONS = ["v2", "v1"]
  .map(
    (name) =>
      `location /${name}/ { proxy_pass http://${name}; proxy_http_version 1.1; proxy_set_header Connection ""; }\n    `,
  )
  .join("")
  .trimEnd()
  .concat("\n");

/** haproxy with one thread that carries HTTP/1.1 requests, shares kept connections and routes by path. */
export function haproxyHttpConfig(listenPort: number, echoPort: number): string {
  return haproxyConfig(listenPort, echoPort)
    .replaceAll(" proto h2", "")
    .replace("path /o.Orders/addOrder", "path_beg /v2/");
}

/** haproxy with one thread, HTTP/2 on both sides, that routes by method. */
export function haproxyConfig(listenPort: number, echoPort: number): string {
  const backend = (name: string) => `backend ${name}\n  server orders 127.0.0.1:${echoPort} proto h2\n`;
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend orders
  bind 127.0.0.1:${listenPort} proto h2
  use_backend v2 if { path /o.Orders/addOrder }
  default_backend v1
${backend("v1")}${backend("v2")}`;
}

/**
 * Which of Envoy's filters carries the calls: Dubbo2 by one of the first three, of which `generic-bound` keeps one upstream connection for
 * each caller's connection; gRPC over HTTP/2 by `http`, HTTP/1.1 by `http1`.
 */
export type EnvoyFilter = "dubbo" | "generic" | "generic-bound" | "http" | "http1";

const TYPE = "type.googleapis.com/envoy.extensions.filters.network";

/** An Envoy with one filter that routes by method, as JSON (which Envoy takes for YAML). Ports are the kernel's choice. */
export function envoyConfig(filter: EnvoyFilter, echoPort: number): string {
  const protocol = filter === "http" ? { typed_extension_protocol_options: HTTP2_UPSTREAM } : {};
  const address = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const cluster = (name: string) => ({
    name,
    type: "STATIC",
    connect_timeout: "1s",
    circuit_breakers: {
      thresholds: [{ max_connections: 100_000, max_pending_requests: 100_000, max_requests: 100_000 }],
    },
    ...protocol,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(echoPort) } }] }],
    },
  });
  return JSON.stringify({
    admin: { address: address(0) },
    static_resources: {
      listeners: [
        {
          name: "orders",
          address: address(0),
          filter_chains: [{ filters: [filterOf(filter)] }],
        },
      ],
      clusters: [cluster("v1"), cluster("v2")],
    },
  });
}

/** What both ends of a pair show each other, PEM. */
export interface PairSecrets {
  readonly chain: string;
  readonly key: string;
  readonly root: string;
}

/**
 * One Envoy as a pair of proxies: callers -> its listener `orders` -> its listener `inbound` at `inboundPort` -> the provider; between them
 * mutual TLS where there are secrets. Both read the calls, and keep one upstream connection for each of the callers' connections.
 */
export function envoyPairConfig(echoPort: number, inboundPort: number, secrets: PairSecrets | undefined): string {
  const outer = JSON.parse(envoyConfig("generic-bound", inboundPort)) as EnvoyBootstrap;
  const inner = JSON.parse(
    envoyConfig("generic-bound", echoPort).replaceAll(/"(v[12])"/g, '"inbound-$1"'),
  ) as EnvoyBootstrap;
  const [listener] = inner.static_resources.listeners;
  listener.name = "inbound";
  listener.address.socket_address.port_value = inboundPort;
  if (secrets !== undefined) {
    const socket = (side: string, more: object = {}) => ({
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${side}TlsContext`,
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
          tls_certificates: [
            { certificate_chain: { inline_string: secrets.chain }, private_key: { inline_string: secrets.key } },
          ],
          validation_context: { trusted_ca: { inline_string: secrets.root } },
        },
        ...more,
      },
    });
    for (const cluster of outer.static_resources.clusters) cluster["transport_socket"] = socket("Upstream");
    listener.filter_chains[0]["transport_socket"] = socket("Downstream", { require_client_certificate: true });
  }
  outer.static_resources.listeners.push(listener);
  outer.static_resources.clusters.push(...inner.static_resources.clusters);
  return JSON.stringify(outer);
}

interface EnvoyListener {
  name: string;
  readonly address: { readonly socket_address: { port_value: number } };
  readonly filter_chains: [Record<string, unknown>];
}

interface EnvoyBootstrap {
  readonly static_resources: {
    readonly listeners: [EnvoyListener, ...EnvoyListener[]];
    readonly clusters: Record<string, unknown>[];
  };
}

const HTTP2_UPSTREAM = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function filterOf(filter: EnvoyFilter): object {
  if (filter === "http") return httpFilter("HTTP2", { path: "/o.Orders/addOrder" });
  if (filter === "http1") return httpFilter("HTTP1", { prefix: "/v2/" });
  return filter === "dubbo" ? dubboFilter() : genericFilter(filter === "generic-bound");
}

function httpFilter(codec: string, second: object): object {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${TYPE}.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "bench",
      codec_type: codec,
      route_config: {
        name: "orders",
        virtual_hosts: [
          {
            name: "orders",
            domains: ["*"],
            routes: [
              { match: second, route: { cluster: "v2" } },
              { match: { prefix: "/" }, route: { cluster: "v1" } },
            ],
          },
        ],
      },
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        },
      ],
    },
  };
}

function dubboFilter(): object {
  const route = (method: object, cluster: string) => ({ match: { method: { name: method } }, route: { cluster } });
  return {
    name: "envoy.filters.network.dubbo_proxy",
    typed_config: {
      "@type": `${TYPE}.dubbo_proxy.v3.DubboProxy`,
      stat_prefix: "bench",
      protocol_type: "Dubbo",
      serialization_type: "Hessian2",
      route_config: [
        {
          name: "orders",
          interface: "o.Orders",
          routes: [route({ exact: "addOrder" }, "v2"), route({ safe_regex: { regex: ".*" } }, "v1")],
        },
      ],
      dubbo_filters: [{ name: "envoy.filters.dubbo.router" }],
    },
  };
}

function genericFilter(bound: boolean): object {
  const action = (cluster: string) => ({
    action: {
      name: "route",
      typed_config: { "@type": `${TYPE}.generic_proxy.action.v3.RouteAction`, cluster },
    },
  });
  return {
    name: "envoy.filters.network.generic_proxy",
    typed_config: {
      "@type": `${TYPE}.generic_proxy.v3.GenericProxy`,
      stat_prefix: "bench",
      codec_config: {
        name: "dubbo",
        typed_config: { "@type": `${TYPE}.generic_proxy.codecs.dubbo.v3.DubboCodecConfig` },
      },
      filters: [
        {
          name: "envoy.filters.generic.router",
          typed_config: { "@type": `${TYPE}.generic_proxy.router.v3.Router`, bind_upstream_connection: bound },
        },
      ],
      route_config: {
        name: "orders",
        virtual_hosts: [
          {
            name: "orders",
            hosts: ["*"],
            routes: {
              matcher_tree: {
                input: {
                  name: "method",
                  typed_config: { "@type": `${TYPE}.generic_proxy.matcher.v3.MethodMatchInput` },
                },
                exact_match_map: { map: { addOrder: action("v2") } },
              },
              on_no_match: action("v1"),
            },
          },
        ],
      },
    },
  };
}

/** Trestle's objects for HTTP/1.1: a service at one port, and a rule with two subsets, told apart by path. */
export function benchHttpRules(echoPort: number): string {
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders}
spec:
  hosts: [orders]
  resolution: STATIC
  ports: [{number: ${echoPort}, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, labels: {lane: blue}}]
---
${BENCH_HTTP_ROUTES}`;
}

/** Trestle's rules alone, for a provider that a registry lists. */
export const BENCH_HTTP_ROUTES = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [orders]
  http:
  - match: [{uri: {prefix: /v2/}}]
    route: [{destination: {host: orders, subset: v2}}]
  - route: [{destination: {host: orders, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: orders
  subsets:
  - {name: v1, labels: {lane: blue}}
  - {name: v2, labels: {lane: blue}}
`;

/** Trestle's rule: two subsets, told apart by method, that the one provider is both in. */
export const BENCH_RULES = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [o.Orders]
  http:
  - match: [{method: {exact: addOrder}}]
    route: [{destination: {host: o.Orders, subset: v2}}]
  - route: [{destination: {host: o.Orders, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: o.Orders
  subsets:
  - {name: v1, labels: {lane: blue}}
  - {name: v2, labels: {lane: blue}}
`;

/**
 * So many AuthorizationPolicies that let every call of the bench through, of four kinds in turn: DENY of a path, of an identity, of
 * addresses and of an attachment; the last allows all.
 */
export function benchPolicies(count: number): string {
  const rules = [
    (i: number) => `{to: [{operation: {paths: ["/o.Orders/method${i}"]}}]}`,
    (i: number) => `{from: [{source: {principals: ["cluster.local/ns/default/sa/caller${i}"]}}]}`,
    (i: number) => `{from: [{source: {ipBlocks: ["10.${(i >> 8) & 255}.${i & 255}.0/24"]}}]}`,
    (i: number) => `{when: [{key: "request.headers[user]", values: ["user${i}"]}]}`,
  ];
  const policy = (name: string, spec: string) =>
    `---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const denied = Array.from({ length: count - 1 }, (_, i) =>
    policy(`deny-${i}`, `{action: DENY, rules: [${rules[i % rules.length]!(i)}]}`),
  );
  return [...denied, policy("allow", "{rules: [{}]}")].join("");
}
