import { expect, test } from "vitest";
import { parse } from "yaml";
import {
  CLUSTER_TYPE,
  DUBBO_ROUTE_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
} from "../../../../../src/codecs/xds/resources.ts";
import { dubboListener, httpListener } from "../../../../../src/control/compile/envoy/listeners.ts";
import { printStaticEnvoy } from "../../../../../src/control/compile/envoy/static.ts";

const one = (name: string, resource: object) => ({ name, version: "1", resource: { name, ...resource } });
const socketAddress = { address: "10.0.0.1", portValue: 80 };
const types = new Map([
  [
    CLUSTER_TYPE,
    [
      one("c", { type: "EDS", edsClusterConfig: { edsConfig: { ads: {} } } }),
      one("d", { type: "STRICT_DNS", loadAssignment: { clusterName: "d" } }),
      one("e", { type: "EDS", edsClusterConfig: {} }),
    ],
  ],
  [
    ENDPOINT_TYPE,
    [
      {
        name: "c",
        version: "1",
        resource: { clusterName: "c", endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress } } }] }] },
      },
    ],
  ],
  [
    LISTENER_TYPE,
    [
      httpListener({ address: "127.0.0.1", port: 80, routeConfigName: "80" }),
      dubboListener({ address: "127.0.0.1", port: 20_880 }),
    ],
  ],
  [
    ROUTE_TYPE,
    [
      one("80", {
        virtualHosts: [
          {
            name: "h",
            domains: ["h"],
            routes: [
              {
                match: { prefix: "/" },
                route: { cluster: "c" },
                typedPerFilterConfig: { "envoy.filters.http.fault": { delay: { fixedDelay: "1s" } } },
              },
            ],
          },
        ],
      }),
    ],
  ],
  [DUBBO_ROUTE_TYPE, [one("dubbo", { routeConfig: [{ name: "a", interface: "com.acme.A" }] })]],
]);

test("clusters have their endpoints in them, listeners their routes, filters their types", () => {
  const made = parse(printStaticEnvoy({ version: "1", types }, { nodeId: "sidecar~a~b~c" }));
  expect(made.dynamic_resources).toBeUndefined();
  expect(made.node.id).toBe("sidecar~a~b~c");
  const { clusters, listeners } = made.static_resources;
  expect(clusters).toEqual([
    {
      name: "c",
      type: "STATIC",
      loadAssignment: {
        clusterName: "c",
        endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress } } }] }],
      },
    },
    { name: "d", type: "STRICT_DNS", loadAssignment: { clusterName: "d" } },
    { name: "e", type: "STATIC", loadAssignment: { clusterName: "e" } },
  ]);
  const [http, dubbo] = listeners.map((listener: never) => listener["filterChains"][0]["filters"][0]["typedConfig"]);
  expect(http.rds).toBeUndefined();
  const fault = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
  expect(http.routeConfig.virtualHosts[0].routes[0].typedPerFilterConfig).toEqual({
    "envoy.filters.http.fault": { "@type": fault, delay: { fixedDelay: "1s" } },
  });
  expect(dubbo.multipleRouteConfig).toEqual({
    name: "dubbo",
    routeConfig: [{ name: "a", interface: "com.acme.A" }],
  });
});

test("a value that YAML 1.1 has another meaning for is a text", () => {
  const value = { header: { key: "x", value: "yes" } };
  const route = { match: { prefix: "/" }, route: { cluster: "c" }, requestHeadersToAdd: [value] };
  const virtualHosts = [{ name: "v", domains: ["*"], routes: [route] }];
  const withValue = new Map([...types, [ROUTE_TYPE, [one("80", { virtualHosts })]]]);
  expect(printStaticEnvoy({ version: "1", types: withValue }, { nodeId: "sidecar~a~b~c" })).toContain('value: "yes"');
});
