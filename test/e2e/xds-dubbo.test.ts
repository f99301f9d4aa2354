import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeText, XdsResponse } from "../../src/codecs/xds/discovery.ts";
import { ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../../src/codecs/xds/resources.ts";
import { methodPath, openChannel, XdsStream } from "../support/xds-grpc.ts";
import { startXdsStage, type World, type XdsStage } from "../support/xds-stage.ts";

// What the dubbo-xds extension of Dubbo does with an xDS server, step by step and fault by fault (AdsObserver, LdsProtocol, RdsProtocol,
// EdsProtocol of apache/dubbo-spi-extensions): no registry has the extension for the Dubbo versions here, so a program plays it.
const NODE: NodeText = {
  id: "sidecar~10.0.0.9~shop-1~default.svc.cluster.local",
  cluster: "Kubernetes",
  metadata: {},
  userAgentName: "",
  userAgentVersion: "",
};
const services: World["services"] = {
  "com.acme.OrderService": [
    "dubbo://10.0.0.1:20880?application=shop&v=1",
    "dubbo://10.0.0.2:20880?application=shop&v=2",
  ],
  "com.acme.StockService": ["tri://10.0.0.3:50051?application=stock"],
};
const RULE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.OrderService]
  http:
  - match: [{method: {exact: pay}, headers: {color: {exact: blue}}, withoutHeaders: {test: {exact: "1"}}}]
    route: [{destination: {host: com.acme.OrderService, subset: v2}}]
  - match: [{method: {exact: stop}}]
    directResponse: {status: 503}
  - route:
    - {destination: {host: com.acme.OrderService, subset: v1}, weight: 80}
    - {destination: {host: com.acme.OrderService, subset: v2}, weight: 20}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: com.acme.OrderService
  subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]
`;

let stage: XdsStage;

beforeAll(async () => {
  stage = await startXdsStage("127.0.0.1", { services, rules: RULE });
});

afterAll(async () => {
  await stage?.close();
});

interface Matcher extends Readonly<Record<string, unknown>> {
  readonly name: string;
}
interface Route {
  readonly match: {
    readonly path?: string;
    readonly prefix?: string;
    readonly headers?: readonly Matcher[];
    readonly queryParameters?: unknown;
  };
  readonly route?: {
    readonly cluster?: string;
    readonly weightedClusters?: { readonly clusters: readonly { name: string }[] };
  };
}
interface VirtualHost {
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
}

/** The client: one stream, all names of a type in each of its requests, answers always accepted. */
class DubboXds {
  readonly #channel = openChannel(`127.0.0.1:${stage.port}`);
  #stream = this.#open();
  readonly #observed = new Map<string, readonly string[]>();

  #open(): XdsStream {
    return new XdsStream(this.#channel, "sotw", methodPath("sotw", "ADS"));
  }

  /** A request without a nonce, even after others. */
  request(typeUrl: string, names: readonly string[]): void {
    this.#observed.set(typeUrl, names);
    this.#stream.send(typeUrl, { names, node: NODE });
  }

  /** The next answer; what it lacks of what was asked for would be a null in the client's map, which throws there. */
  async next(typeUrl: string): Promise<ReadonlyMap<string, unknown>> {
    const response: XdsResponse = await this.#stream.take(typeUrl);
    const named = new Map(response.resources.map(({ resource }) => [nameOf(resource), resource as unknown]));
    const names = this.#observed.get(typeUrl)!;
    for (const name of names) expect([...named.keys()]).toContain(name);
    this.#stream.send(typeUrl, { names, nonce: response.nonce, version: response.version, node: NODE });
    return named;
  }

  /** After an error: a new stream, and the last request of each type again. */
  recover(): void {
    this.#stream.call.cancel();
    this.#stream = this.#open();
    for (const [typeUrl, names] of this.#observed) this.#stream.send(typeUrl, { names, node: NODE });
  }

  close(): void {
    this.#stream.call.cancel();
    this.#channel.close();
  }
}

function nameOf(resource: object): string {
  const { name, clusterName } = resource as { readonly name?: string; readonly clusterName?: string };
  return name ?? clusterName ?? "";
}

/** Names of RouteConfigurations in the HTTP connection managers of every filter chain. */
function routeNames(listeners: ReadonlyMap<string, unknown>): string[] {
  return [...JSON.stringify([...listeners.values()]).matchAll(/"routeConfigName":"([^"]+)"/g)].map(([, name]) => name!);
}

function clustersOf(routes: readonly Route[]): string[] {
  const names = routes.flatMap(({ route }) => [
    route?.cluster,
    ...(route?.weightedClusters?.clusters ?? []).map(({ name }) => name),
  ]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

test("it finds applications and interfaces by their names, in forms that it reads, and their endpoints", async () => {
  const client = new DubboXds();
  client.request(LISTENER_TYPE, []);
  const names = routeNames(await client.next(LISTENER_TYPE));
  expect(names).toHaveLength(1);
  client.request(ROUTE_TYPE, names);
  const [config] = (await client.next(ROUTE_TYPE)).values();
  const { virtualHosts } = config as { readonly virtualHosts: readonly VirtualHost[] };
  const byDomain = new Map(
    virtualHosts.flatMap(({ domains, routes }) => domains.map((domain) => [domain, routes] as const)),
  );
  for (const domain of ["shop", "stock", "com.acme.OrderService", "com.acme.StockService"])
    expect([...byDomain.keys()]).toContain(domain);
  for (const route of virtualHosts.flatMap(({ routes }) => routes)) {
    expect(Object.keys(route)).toContain("route");
    expect(route.match.queryParameters).toBeUndefined();
    for (const header of route.match.headers ?? []) expect(header).not.toHaveProperty("stringMatch");
  }
  const shop = byDomain.get("shop")!;
  expect(shop[0]).toMatchObject({
    match: {
      path: "/com.acme.OrderService/pay",
      headers: [
        { name: "color", exactMatch: "blue" },
        { name: "test", invertMatch: true },
      ],
    },
  });
  const wanted = [...clustersOf(shop), "outbound|1||nobody"];
  client.request(ENDPOINT_TYPE, wanted);
  const endpoints = await client.next(ENDPOINT_TYPE);
  expect(endpoints.get("outbound|1||nobody")).toEqual({ clusterName: "outbound|1||nobody", endpoints: [] });
  expect(JSON.stringify(endpoints.get("outbound|20880|v2|com.acme.orderservice"))).toContain('"10.0.0.2"');
  client.close();
});

test("each answer has all that it asked for, whatever changed, and a request for more on the way is answered", async () => {
  const client = new DubboXds();
  const all = ["outbound|20880|v1|com.acme.orderservice", "outbound|20880|v2|com.acme.orderservice"];
  client.request(ENDPOINT_TYPE, all);
  await client.next(ENDPOINT_TYPE);
  const applied = stage.apply({
    services: { ...services, "com.acme.OrderService": [services["com.acme.OrderService"]![0]!] },
    rules: RULE,
  });
  const changed = await client.next(ENDPOINT_TYPE);
  await applied;
  expect(JSON.stringify(changed.get(all[1]!))).not.toContain("10.0.0.2");
  client.request(ENDPOINT_TYPE, [...all, "outbound|50051||com.acme.stockservice"]);
  expect(JSON.stringify((await client.next(ENDPOINT_TYPE)).get("outbound|50051||com.acme.stockservice"))).toContain(
    "10.0.0.3",
  );
  client.request(ENDPOINT_TYPE, [...all, "outbound|50051||com.acme.stockservice"]);
  await client.next(ENDPOINT_TYPE);
  client.close();
  await stage.apply({ services, rules: RULE });
});

test("after a lost stream it is answered all that it had, and knows no name less", async () => {
  const client = new DubboXds();
  client.request(LISTENER_TYPE, []);
  const names = routeNames(await client.next(LISTENER_TYPE));
  client.request(ROUTE_TYPE, names);
  await client.next(ROUTE_TYPE);
  client.recover();
  await client.next(LISTENER_TYPE);
  expect((await client.next(ROUTE_TYPE)).size).toBe(1);
  const { types } = stage.server.clients().find(({ node }) => node === NODE.id)!;
  expect(types.map(({ refusal }) => refusal)).toEqual(types.map(() => undefined));
  client.close();
});
