import { expect, test } from "vitest";
import { clientListener, serverListener } from "../../../../../src/control/compile/grpc/listeners.ts";

test("a client's listener leads to routes by the stream, through the fault filter and the router", () => {
  const { name, resource } = clientListener("a:1", "outbound|1||a");
  expect([name, resource]).toMatchObject([
    "a:1",
    {
      name: "a:1",
      apiListener: { apiListener: { rds: { routeConfigName: "outbound|1||a", configSource: { ads: {} } } } },
    },
  ]);
  expect(JSON.stringify(resource).match(/envoy\.filters\.http\.\w+/g)).toEqual([
    "envoy.filters.http.fault",
    "envoy.filters.http.router",
  ]);
});

test.each([
  ["xds.istio.io/grpc/lds/inbound/0.0.0.0:50051", { address: "0.0.0.0", portValue: 50051 }],
  ["xds.istio.io/grpc/lds/inbound/[::]:7070", { address: "::", portValue: 7070 }],
  ["grpc/server?xds.resource.listening_address=10.0.0.1:1", { address: "10.0.0.1", portValue: 1 }],
])("%s is a server's", (name, socketAddress) => {
  expect(serverListener(name)).toMatchObject({ name, resource: { address: { socketAddress } } });
});

test.each([
  "a:1",
  "xds.istio.io/grpc/lds/inbound/",
  "xds.istio.io/grpc/lds/inbound/host:1",
  "xds.istio.io/grpc/lds/inbound/1.2.3.4:0",
  "xds.istio.io/grpc/lds/inbound/1.2.3.4:99999",
])("%s is none", (name) => {
  expect(serverListener(name)).toBeUndefined();
});
