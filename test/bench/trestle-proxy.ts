import { createServer } from "node:net";
import { silentLogger } from "../../src/base/log.ts";
import { createProxy } from "../../src/bridge-proxy/proxy.ts";
import {
  CLUSTER_TYPE,
  type Cluster,
  type ClusterLoadAssignment,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type Listener,
  ROUTE_TYPE,
  type RouteConfiguration,
  TRESTLE_METADATA,
  type TypeUrl,
  type XdsResource,
} from "../../src/codecs/xds/resources.ts";

/*
 * Trestle's data plane in a process of its own, as a worker of `trestle up` runs it, under a rule that routes by method:
 * node trestle-proxy.js ECHO-PORT. Prints {"port":N}; ends when standard input does.
 */

const KEY = "o.Orders:1.0.0";
const HOST = "o.orders-1-0-0";

function add(typeUrl: TypeUrl, ...resources: (XdsResource & { readonly name?: string })[]): DeltaResources {
  return {
    typeUrl,
    resources: resources.map((resource) => ({ name: nameOf(resource), version: "1", resource })),
    removedResources: [],
  };
}

function nameOf(resource: XdsResource): string {
  return "clusterName" in resource ? resource.clusterName : resource.name;
}

function clusterName(subset: string): string {
  return `outbound|20880|${subset}|${HOST}`;
}

function resources(listenPort: number, echoPort: number): DeltaResources[] {
  const listener: Listener = {
    name: "dubbo",
    address: { socketAddress: { address: "127.0.0.1", portValue: listenPort } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "dubbo", routeConfigName: "dubbo" } } },
  };
  const routes: RouteConfiguration = {
    name: "dubbo",
    virtualHosts: [
      {
        name: HOST,
        domains: [HOST, KEY],
        routes: [
          { name: "add", match: { path: "/o.Orders/addOrder" }, route: { cluster: clusterName("v2") } },
          { name: "rest", match: { prefix: "/" }, route: { cluster: clusterName("v1") } },
        ],
      },
    ],
  };
  const cluster = (subset: string): Cluster => ({
    name: clusterName(subset),
    type: "EDS",
    lbPolicy: "LEAST_REQUEST",
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: { interface: "o.Orders", group: "", version: "1.0.0", host: HOST, subset },
      },
    },
  });
  const endpoints = (subset: string): ClusterLoadAssignment => ({
    clusterName: clusterName(subset),
    endpoints: [
      {
        lbEndpoints: [
          {
            endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: echoPort } } },
            loadBalancingWeight: 100,
          },
        ],
      },
    ],
  });
  return [
    add(CLUSTER_TYPE, cluster("v1"), cluster("v2")),
    add(ENDPOINT_TYPE, endpoints("v1"), endpoints("v2")),
    add(ROUTE_TYPE, routes),
    add(LISTENER_TYPE, listener),
  ];
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const port = await freePort();
const proxy = createProxy({ worker: "bench", log: silentLogger });
await proxy.apply(resources(port, Number(process.argv[2])));
console.log(JSON.stringify({ port }));
process.stdin.resume();
process.stdin.on("end", () => proxy.close());
