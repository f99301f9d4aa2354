import { afterAll, beforeAll, expect, test } from "vitest";
import { type Kubernetes, startKubernetes } from "../support/kubernetes.ts";
import { requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";

// The API server itself, as the tests of what reads it need it.
let kubernetes: Kubernetes;

beforeAll(async () => {
  requireNamespace();
  kubernetes = await startKubernetes();
  await kubernetes.must("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
}, 120_000);

afterAll(async () => {
  await kubernetes?.stop();
  await stopAll();
});

const slices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const slice = (address: string) => ({
  metadata: { name: "orders-1", labels: { "kubernetes.io/service-name": "orders" } },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080 }],
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
});

test("it says its version", async () => {
  expect((await kubernetes.must("GET", "/version"))["gitVersion"]).toBe("v1.36.3");
});

test("a service and its endpoints are watched as they are made, changed and deleted", async () => {
  const services = kubernetes.watch("/api/v1/services");
  const endpoints = kubernetes.watch(slices);
  const named = (events: typeof services.events) =>
    events.flatMap(({ type, object }) => {
      const { name } = object["metadata"] as { name: string };
      return name.startsWith("orders") ? [`${type} ${name}`] : [];
    });
  const port = { name: "http", port: 80, targetPort: 8080, appProtocol: "http" };
  await kubernetes.must("POST", "/api/v1/namespaces/shop/services", {
    metadata: { name: "orders" },
    spec: { ports: [port] },
  });
  await kubernetes.must("POST", slices, slice("10.77.0.3"));
  await kubernetes.must("PATCH", `${slices}/orders-1`, { endpoints: slice("10.77.0.4").endpoints });
  await kubernetes.must("DELETE", `${slices}/orders-1`);
  await eventually("the service is seen", () => named(services.events).includes("ADDED orders"));
  await eventually("the end is seen", () => named(endpoints.events).includes("DELETED orders-1"));
  expect(named(endpoints.events)).toEqual(["ADDED orders-1", "MODIFIED orders-1", "DELETED orders-1"]);
  services.close();
  endpoints.close();
});

test("what was stored is there after the server was killed and started again", async () => {
  await kubernetes.must("POST", slices, slice("10.77.0.3"));
  await kubernetes.restart();
  expect((await kubernetes.must("GET", `${slices}/orders-1`))["endpoints"]).toEqual([
    { addresses: ["10.77.0.3"], conditions: { ready: true } },
  ]);
});
