import { describe, expect, test } from "vitest";
import { xdsMessage, xdsService, xdsTypes } from "../../../../src/codecs/xds/types.ts";

describe("types of the control plane", () => {
  const services: readonly (readonly [string, readonly string[]])[] = [
    [
      "envoy.service.discovery.v3.AggregatedDiscoveryService",
      ["StreamAggregatedResources", "DeltaAggregatedResources"],
    ],
    ["envoy.service.listener.v3.ListenerDiscoveryService", ["DeltaListeners", "StreamListeners", "FetchListeners"]],
    ["envoy.service.route.v3.RouteDiscoveryService", ["StreamRoutes", "DeltaRoutes", "FetchRoutes"]],
    ["envoy.service.route.v3.VirtualHostDiscoveryService", ["DeltaVirtualHosts"]],
    ["envoy.service.cluster.v3.ClusterDiscoveryService", ["StreamClusters", "DeltaClusters", "FetchClusters"]],
    ["envoy.service.endpoint.v3.EndpointDiscoveryService", ["StreamEndpoints", "DeltaEndpoints", "FetchEndpoints"]],
    ["envoy.service.secret.v3.SecretDiscoveryService", ["DeltaSecrets", "StreamSecrets", "FetchSecrets"]],
    [
      "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
      ["StreamExtensionConfigs", "DeltaExtensionConfigs", "FetchExtensionConfigs"],
    ],
    ["envoy.service.runtime.v3.RuntimeDiscoveryService", ["StreamRuntime", "DeltaRuntime", "FetchRuntime"]],
    ["envoy.service.status.v3.ClientStatusDiscoveryService", ["StreamClientStatus", "FetchClientStatus"]],
    ["envoy.service.load_stats.v3.LoadReportingService", ["StreamLoadStats"]],
    ["envoy.service.ratelimit.v3.RateLimitService", ["ShouldRateLimit"]],
    ["envoy.service.auth.v3.Authorization", ["Check"]],
    ["istio.v1.auth.IstioCertificateService", ["CreateCertificate"]],
  ];
  test.each(services)("%s has its methods", (name, methods) => {
    expect(xdsService(name).methods.map((method) => method.name)).toEqual(methods);
  });

  const numbers: readonly (readonly [string, string, number])[] = [
    ["envoy.service.discovery.v3.DeltaDiscoveryRequest", "initial_resource_versions", 5],
    ["envoy.service.discovery.v3.DeltaDiscoveryResponse", "removed_resources", 6],
    ["envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration", "route_config", 4],
    ["envoy.config.cluster.v3.Cluster", "load_assignment", 33],
    ["envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "http_filters", 5],
    ["envoy.extensions.transport_sockets.tls.v3.CommonTlsContext", "tls_certificate_sds_secret_configs", 6],
    ["istio.v1.auth.IstioCertificateRequest", "validity_duration", 3],
    ["io.trestle.ServiceSchema", "json", 2],
  ];
  test.each(numbers)("%s has %s as field %i", (name, field, number) => {
    expect(xdsMessage(name).fields.find((one) => one.name === field)?.number).toBe(number);
  });

  const filters: readonly string[] = [
    "http.router.v3.Router",
    "http.fault.v3.HTTPFault",
    "http.cors.v3.CorsPolicy",
    "http.rbac.v3.RBACPerRoute",
    "http.jwt_authn.v3.JwtAuthentication",
    "http.ext_authz.v3.ExtAuthz",
    "http.local_ratelimit.v3.LocalRateLimit",
    "http.ratelimit.v3.RateLimit",
    "network.tcp_proxy.v3.TcpProxy",
    "network.dubbo_proxy.v3.DubboProxy",
    "network.dubbo_proxy.router.v3.Router",
    "listener.tls_inspector.v3.TlsInspector",
    "listener.http_inspector.v3.HttpInspector",
  ];
  test.each(filters)("the filter %s is known", (name) => {
    expect(xdsMessage(`type.googleapis.com/envoy.extensions.filters.${name}`).kind).toBe("message");
  });

  test("an optional number says whether it is there, a plain one does not", () => {
    const field = (name: string) =>
      xdsMessage("envoy.config.core.v3.SocketAddress").fields.find((one) => one.name === name);
    expect(field("address")?.presence).not.toBe(field("port_value")?.presence);
  });

  test("every type is made once", () => {
    expect(xdsTypes()).toBe(xdsTypes());
  });

  test("a name that is not known is named", () => {
    expect(() => xdsMessage("type.googleapis.com/a.B")).toThrow("there is no xds message type.googleapis.com/a.B");
    expect(() => xdsService("a.B")).toThrow("there is no xds service a.B");
  });
});
