// Which .proto files the control plane's descriptors are made of, and where they are made.
// The protos are those that the package @grpc/grpc-js-xds carries along, and our own in src/codecs/xds/proto.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/** Folders that imports start from. */
export const PROTO_PATHS = [
  "node_modules/@grpc/grpc-js-xds/deps/envoy-api",
  "node_modules/@grpc/grpc-js-xds/deps/xds",
  "node_modules/@grpc/grpc-js-xds/deps/googleapis",
  "node_modules/@grpc/grpc-js-xds/deps/protoc-gen-validate",
  "src/codecs/xds/proto",
];

/** The module that is written; it is not committed. */
export const DESCRIPTORS = "src/codecs/xds/gen/descriptors.ts";

const service = ["discovery/v3/ads", "listener/v3/lds", "route/v3/rds", "route/v3/srds", "cluster/v3/cds"]
  .concat(["endpoint/v3/eds", "secret/v3/sds", "extension/v3/config_discovery", "runtime/v3/rtds", "status/v3/csds"])
  .concat(["load_stats/v3/lrs", "ratelimit/v3/rls", "auth/v3/external_auth"]);

const http = [
  "router",
  "fault",
  "cors",
  "grpc_stats/v3/config",
  "header_mutation",
  "health_check",
  "local_ratelimit/v3/local_rate_limit",
]
  .concat(["ratelimit/v3/rate_limit", "rbac", "ext_authz", "jwt_authn/v3/config", "stateful_session", "set_metadata"])
  .concat(["on_demand", "buffer", "lua", "grpc_web", "set_filter_state"]);

const network = ["http_connection_manager", "tcp_proxy", "dubbo_proxy", "dubbo_proxy/router", "rbac", "ext_authz"]
  .concat([
    "local_ratelimit/v3/local_rate_limit",
    "ratelimit/v3/rate_limit",
    "sni_cluster",
    "direct_response/v3/config",
    "echo",
  ])
  .concat(["connection_limit", "set_filter_state"]);

const balancing = [
  "round_robin",
  "least_request",
  "random",
  "ring_hash",
  "maglev",
  "wrr_locality",
  "pick_first",
].concat(["client_side_weighted_round_robin", "cluster_provided", "subset"]);

const rest = ["http_11_proxy/v3/upstream_http_11_connect", "raw_buffer/v3/raw_buffer", "tls/v3/tls"].map(
  (name) => `transport_sockets/${name}`,
);

const others = [
  "access_loggers/file/v3/file",
  "access_loggers/grpc/v3/als",
  "access_loggers/stream/v3/stream",
  "clusters/aggregate/v3/cluster",
  "clusters/dynamic_forward_proxy/v3/cluster",
  "http/stateful_session/cookie/v3/cookie",
  "http/stateful_session/header/v3/header",
  "path/match/uri_template/v3/uri_template_match",
  "path/rewrite/uri_template/v3/uri_template_rewrite",
  "retry/host/omit_canary_hosts/v3/omit_canary_hosts",
  "retry/host/omit_host_metadata/v3/omit_host_metadata_config",
  "retry/host/previous_hosts/v3/previous_hosts",
  "retry/priority/previous_priorities/v3/previous_priorities_config",
  "upstreams/http/generic/v3/generic_connection_pool",
  "upstreams/http/http/v3/http_connection_pool",
  "upstreams/http/tcp/v3/tcp_connection_pool",
  "upstreams/http/v3/http_protocol_options",
];

/** `router` is `router/v3/router`; a name with a path stands for itself. */
const full = (folder) => (name) => {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return `envoy/extensions/${folder}/${name.includes("/v3/") ? name : `${name}/v3/${last}`}.proto`;
};

/** What is asked for, as imports name it; what these import comes along. */
export const PROTO_FILES = [
  ...service.map((name) => `envoy/service/${name}.proto`),
  "envoy/config/listener/v3/listener.proto",
  "envoy/config/route/v3/route.proto",
  "envoy/config/cluster/v3/cluster.proto",
  "envoy/config/endpoint/v3/endpoint.proto",
  "envoy/config/rbac/v3/rbac.proto",
  ...http.map(full("filters/http")),
  ...network.map(full("filters/network")),
  ...["tls_inspector", "http_inspector", "original_dst", "proxy_protocol"].map(full("filters/listener")),
  ...balancing.map(full("load_balancing_policies")),
  ...[...rest, ...others].map((name) => `envoy/extensions/${name}.proto`),
  "envoy/extensions/filters/network/dubbo_proxy/v3/route.proto",
  "xds/type/v3/typed_struct.proto",
  "udpa/type/v1/typed_struct.proto",
  "google/rpc/status.proto",
  "istio/v1/auth/ca.proto",
  "io/trestle/keys.proto",
  "io/trestle/schema.proto",
];

/** Stands in the module's first line: what it was made from. */
export function descriptorsKey() {
  const hash = createHash("sha256");
  const own = PROTO_FILES.slice(-2).map((name) => `src/codecs/xds/proto/${name}`);
  const made = ["scripts/xds-protos.mjs", "scripts/xds-descriptors.ts", "src/cli/triple/proto-files.ts"];
  for (const path of ["node_modules/@grpc/grpc-js-xds/package.json", ...own, ...made]) hash.update(readFileSync(path));
  return hash.digest("hex").slice(0, 16);
}

/** Writes the module unless it is there and was made from what is here now. Throws where it cannot be made. */
export function ensureDescriptors() {
  if (existsSync(DESCRIPTORS) && readFileSync(DESCRIPTORS, "utf8").startsWith(`// ${descriptorsKey()}\n`)) return;
  const { status } = spawnSync(process.execPath, ["--import", "tsx", "scripts/xds-descriptors.ts"], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`${DESCRIPTORS} could not be made`);
}
