import { expect, test } from "vitest";
import { parseRules } from "../../../src/control/rules/parse.ts";
import {
  benchHttpRules,
  envoyConfig,
  envoyPairConfig,
  haproxyConfig,
  haproxyHttpConfig,
  nginxGrpcConfig,
  nginxHttpConfig,
  nginxStreamConfig,
} from "../../bench/peers-config.ts";

test("nginx listens and passes on where it is told, in one process", () => {
  const config = nginxStreamConfig("/scratch", 4001, 4002);
  expect(config).toContain("listen 127.0.0.1:4001; proxy_pass 127.0.0.1:4002;");
  expect(config).toContain("master_process off;");
});

test("nginx carries gRPC in one process, routes by method and keeps its connections", () => {
  const config = nginxGrpcConfig("/scratch", 4001, 4002);
  for (const says of [
    "master_process off;",
    "listen 127.0.0.1:4001 http2;",
    "upstream v1 { server 127.0.0.1:4002; keepalive 1024;",
    "upstream v2 { server 127.0.0.1:4002; keepalive 1024;",
    "location = /o.Orders/addOrder { grpc_pass grpc://v2; }",
    "location / { grpc_pass grpc://v1; }",
  ]) {
    expect(config).toContain(says);
  }
});

test("for HTTP/1.1 nginx and haproxy route by path and keep their connections", () => {
  const nginx = nginxHttpConfig("/scratch", 4001, 4002);
  expect(nginx).toContain("listen 127.0.0.1:4001;");
  for (const name of ["v1", "v2"])
    expect(nginx).toContain(
      `location /${name}/ { proxy_pass http://${name}; proxy_http_version 1.1; proxy_set_header Connection ""; }`,
    );
  expect(nginx).not.toContain("grpc");
  const haproxy = haproxyHttpConfig(4001, 4002);
  expect(haproxy).toContain("use_backend v2 if { path_beg /v2/ }");
  expect(haproxy).not.toContain("proto h2");
});

test("an Envoy as a pair leads from one listener to the other, both ends of which show their certificates where it has some", () => {
  const secrets = { chain: "CHAIN", key: "KEY", root: "ROOT" };
  for (const isMutual of [false, true]) {
    const config = JSON.parse(envoyPairConfig(4002, 4003, isMutual ? secrets : undefined));
    const { listeners, clusters } = config.static_resources;
    expect(listeners.map((one: { name: string }) => one.name)).toEqual(["orders", "inbound"]);
    expect(listeners[1].address.socket_address.port_value).toBe(4003);
    const leads = clusters.map((one: typeof clusters) => [
      one.name,
      one.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value,
      JSON.stringify(one.transport_socket ?? {}).includes("KEY"),
    ]);
    expect(leads).toEqual([
      ["v1", 4003, isMutual],
      ["v2", 4003, isMutual],
      ["inbound-v1", 4002, false],
      ["inbound-v2", 4002, false],
    ]);
    expect(JSON.stringify(listeners[1].filter_chains[0].filters)).toContain('"cluster":"inbound-v2"');
    expect(listeners[1].filter_chains[0].transport_socket?.typed_config.require_client_certificate).toBe(
      isMutual ? true : undefined,
    );
  }
});

test("Trestle's rules for HTTP/1.1 have the provider's port and two subsets by path", () => {
  expect(parseRules("bench.yaml", benchHttpRules(4002))).toMatchObject({
    valid: true,
    findings: [],
    rules: [
      { kind: "ServiceEntry", ports: [{ number: 4002, carried: "http" }] },
      { kind: "VirtualService", http: [{ match: [{ uri: { type: "prefix", value: "/v2/" } }] }, {}] },
      { kind: "DestinationRule" },
    ],
  });
});

test("haproxy has one thread, HTTP/2 on both sides and routes by method", () => {
  const config = haproxyConfig(4001, 4002);
  for (const says of [
    "nbthread 1",
    "bind 127.0.0.1:4001 proto h2",
    "use_backend v2 if { path /o.Orders/addOrder }",
    "backend v1\n  server orders 127.0.0.1:4002 proto h2\n",
    "backend v2\n  server orders 127.0.0.1:4002 proto h2\n",
  ]) {
    expect(config).toContain(says);
  }
});

interface EnvoyBoot {
  readonly static_resources: {
    readonly listeners: { filter_chains: { filters: { name: string; typed_config: object }[] }[] }[];
    readonly clusters: { load_assignment: object }[];
  };
}

const filters = [
  { filter: "dubbo", name: "envoy.filters.network.dubbo_proxy", says: '"method":{"name":{"exact":"addOrder"}}' },
  { filter: "generic", name: "envoy.filters.network.generic_proxy", says: '"bind_upstream_connection":false' },
  { filter: "generic-bound", name: "envoy.filters.network.generic_proxy", says: '"bind_upstream_connection":true' },
  {
    filter: "http",
    name: "envoy.filters.network.http_connection_manager",
    says: '{"match":{"path":"/o.Orders/addOrder"},"route":{"cluster":"v2"}}',
  },
] as const;

for (const { filter, name, says } of filters) {
  test(`Envoy's ${filter} configuration has that filter and both clusters point to the provider`, () => {
    const boot = JSON.parse(envoyConfig(filter, 4002)) as EnvoyBoot;
    const chosen = boot.static_resources.listeners[0]!.filter_chains[0]!.filters[0]!;
    expect(chosen.name).toBe(name);
    expect(JSON.stringify(chosen)).toContain(says);
    expect(JSON.stringify(chosen)).toContain("addOrder");
    for (const cluster of boot.static_resources.clusters) {
      expect(JSON.stringify(cluster.load_assignment)).toContain('"port_value":4002');
    }
  });
}

test("Envoy's clusters speak HTTP/2 where it carries gRPC, and there alone", () => {
  const says = '"explicit_http_config":{"http2_protocol_options":{}}';
  expect(envoyConfig("http", 4002).split(says)).toHaveLength(3);
  expect(envoyConfig("dubbo", 4002)).not.toContain(says);
});
