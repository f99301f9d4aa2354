import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKubernetes } from "../../src/kubernetes/client.ts";
import type { World } from "../../src/model/entry.ts";
import { createKubernetesSource } from "../../src/registry-sync/sources/kubernetes/source.ts";
import { type Kubernetes, startKubernetes } from "../support/kubernetes.ts";
import { hosts } from "../support/netns.ts";
import { startTrestle } from "../support/trestle.ts";

const SERVICES = "/api/v1/namespaces/shop/services";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

let kubernetes: Kubernetes;
const stop = new AbortController();
const worlds: World[] = [];
const states: boolean[] = [];
let followed: Promise<void>;
let source: ReturnType<typeof createKubernetesSource>;

const service = (name: string, more: object = {}) => ({
  metadata: { name, ...more },
  spec: {
    ports: [
      { name: "http", port: 80, targetPort: 8080 },
      { name: "tcp-dubbo", port: 20880 },
    ],
  },
});
const slice = (of: string, ...addresses: readonly string[]) => ({
  metadata: { name: `${of}-1`, labels: { "kubernetes.io/service-name": of } },
  addressType: "IPv4",
  ports: [
    { name: "http", port: 8080 },
    { name: "tcp-dubbo", port: 20880 },
  ],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});
const endpointsOf = (host: string) =>
  worlds
    .at(-1)
    ?.entries.find((entry) => entry.host === host)
    ?.endpoints.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`);

/** Waits until it holds, at most so long. */
async function until(holds: () => boolean, what: string, ms = 20_000): Promise<void> {
  const untilMs = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > untilMs) throw new Error(`${what} did not come within ${ms} ms: ${JSON.stringify(worlds.at(-1))}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  kubernetes = await startKubernetes();
  await kubernetes.must("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  await kubernetes.must("POST", SERVICES, service("orders"));
  await kubernetes.must("POST", SLICES, slice("orders", "10.1.0.1", "10.1.0.2"));
  source = createKubernetesSource({
    name: "k8s",
    openApi: () => openKubernetes({ kubeconfig: kubernetes.kubeconfig }),
    namespaces: ["shop"],
    onConnected: (connected) => states.push(connected),
  });
  followed = (async () => {
    for await (const world of source.watch(stop.signal)) worlds.push(world);
  })();
}, 180_000);

afterAll(async () => {
  stop.abort();
  await followed;
  await kubernetes?.stop();
});

test("Services and EndpointSlices of a namespace are the first world", async () => {
  await until(() => worlds.length > 0, "a world");
  expect(endpointsOf("orders.shop.svc.cluster.local")).toEqual([
    "http 10.1.0.1:8080",
    "dubbo 10.1.0.1:20880",
    "http 10.1.0.2:8080",
    "dubbo 10.1.0.2:20880",
  ]);
  expect(source.status?.().state).toBe("connected");
});

test("changes are followed: endpoints, readiness, annotations, removal", async () => {
  const host = "orders.shop.svc.cluster.local";
  await kubernetes.must("PATCH", `${SLICES}/orders-1`, { endpoints: slice("orders", "10.1.0.3").endpoints });
  await until(() => endpointsOf(host)?.[0] === "http 10.1.0.3:8080", "the new endpoint");
  await kubernetes.must("PATCH", `${SLICES}/orders-1`, {
    endpoints: [{ addresses: ["10.1.0.3"], conditions: { ready: false } }],
  });
  await until(() => worlds.at(-1)?.entries[0]?.endpoints.every(({ disabled }) => disabled) === true, "not ready");
  await kubernetes.must("PATCH", `${SERVICES}/orders`, {
    metadata: { annotations: { "trestle.io/interface": "com.acme.OrderService", "trestle.io/version": "1.0.0" } },
  });
  await until(() => endpointsOf("com.acme.orderservice-1-0-0") !== undefined, "the Dubbo service");
  expect(endpointsOf(host)).toBeUndefined();
  await kubernetes.must("DELETE", `${SERVICES}/orders`);
  await until(() => worlds.at(-1)?.entries.length === 0, "the removal");
});

test("each port of a Service is a destination of its own, by its number", async () => {
  const servers = ["shop", "admin"].map((name) =>
    createServer((request, response) => response.end(`${name} ${request.url}`)),
  );
  for (const [i, server] of servers.entries())
    await new Promise<void>((resolve) => server.listen(18_080 + i, hosts.provider1, resolve));
  const ports = [
    { name: "http", port: 80 },
    { name: "http-admin", port: 9090 },
  ];
  await kubernetes.must("POST", SERVICES, { metadata: { name: "web" }, spec: { ports } });
  const own = slice("web", hosts.provider1);
  await kubernetes.must("POST", SLICES, { ...own, ports: ports.map(({ name }, i) => ({ name, port: 18_080 + i })) });
  const folder = await mkdtemp(join(tmpdir(), "trestle-k8s-"));
  const api = "apiVersion: gateway.networking.k8s.io/v1";
  const parent = (port: number) => `{group: "", kind: Service, name: web, namespace: shop, port: ${port}}`;
  const to = (port: number) => `backendRefs: [{name: web, namespace: shop, port: ${port}}]`;
  const match = "matches: [{path: {type: PathPrefix, value: /swap}}]";
  const route = (name: string, at: number, other: number) =>
    `${api}\nkind: HTTPRoute\nmetadata: {name: ${name}, namespace: shop}\nspec: {parentRefs: [${parent(at)}], rules: [{${match}, ${to(other)}}, {${to(at)}}]}\n`;
  await writeFile(join(folder, "rules.yaml"), [route("first", 80, 9090), route("second", 9090, 80)].join("---\n"));
  const registry = `kubernetes://${kubernetes.kubeconfig}?namespace=shop`;
  const trestle = await startTrestle({ registry, facade: "", rules: join(folder, "rules.yaml") });
  const { services } = (await trestle.json("/api/v1/services")) as { services: { host: string; http: string }[] };
  const host = "web.shop.svc.cluster.local";
  const said = async (of: string, path: string) => {
    const address = services.find((one) => one.host === of)?.http;
    return (await fetch(`http://${address}${path}`)).text();
  };
  expect([await said(host, "/a"), await said(`${host}:9090`, "/a")]).toEqual(["shop /a", "admin /a"]);
  expect([await said(host, "/swap"), await said(`${host}:9090`, "/swap")]).toEqual(["admin /swap", "shop /swap"]);
  expect((await trestle.command("rules", "--findings")).stdout).not.toMatch(/TR0221|TR0227/);
  await trestle.stop();
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
  await kubernetes.must("DELETE", `${SERVICES}/web`);
});

test("an API server that is killed leaves what was known; what changed meanwhile is there after it is back", async () => {
  await kubernetes.must("POST", SERVICES, service("stock"));
  await kubernetes.must("POST", SLICES, slice("stock", "10.1.0.9"));
  const host = "stock.shop.svc.cluster.local";
  await until(() => endpointsOf(host)?.length === 2, "stock");
  const before = worlds.length;
  await kubernetes.kill();
  await until(() => source.status?.().state === "lost", "the loss");
  expect(worlds.length).toBe(before);
  await kubernetes.restart();
  await kubernetes.must("PATCH", `${SLICES}/stock-1`, { endpoints: slice("stock", "10.1.0.10").endpoints });
  await until(() => endpointsOf(host)?.[0] === "http 10.1.0.10:8080", "the change", 40_000);
  expect(source.status?.().state).toBe("connected");
  expect(states.at(-1)).toBe(true);
}, 120_000);
