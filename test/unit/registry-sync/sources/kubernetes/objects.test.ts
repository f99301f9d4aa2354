import { expect, test } from "vitest";
import { readService, readSlice } from "../../../../../src/registry-sync/sources/kubernetes/objects.ts";

test("a Service is read with its TCP ports, in order", () => {
  const service = readService({
    metadata: { name: "order", namespace: "shop", labels: { app: "order", n: 1 }, annotations: { a: "b" } },
    spec: {
      ipFamilies: ["IPv6", "IPv4"],
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "dns", port: 53, protocol: "UDP" },
        { port: 20880, appProtocol: "dubbo", protocol: "TCP" },
        { name: "bad", port: "80" },
      ],
    },
  });
  expect(JSON.parse(JSON.stringify(service))).toEqual({
    ...{ id: "shop/order", name: "order", namespace: "shop", type: "ClusterIP", families: ["IPv6", "IPv4"] },
    ...{ labels: { app: "order" }, annotations: { a: "b" } },
    ports: [
      { name: "http", port: 80, appProtocol: "" },
      { name: "", port: 20880, appProtocol: "dubbo" },
    ],
  });
});

test("an EndpointSlice is read with who is ready", () => {
  const slice = readSlice({
    metadata: { name: "order-1", namespace: "shop", labels: { "kubernetes.io/service-name": "order" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints: [
      { addresses: ["10.0.0.1"], zone: "a", nodeName: "n", targetRef: { kind: "Pod", name: "order-x" } },
      { addresses: ["10.0.0.2"], conditions: { ready: false } },
      { addresses: ["10.0.0.3"], conditions: { ready: true, terminating: true } },
      { addresses: [] },
      { addresses: [7] },
    ],
  });
  expect(slice).toMatchObject({ id: "shop/order-1", service: "shop/order", ports: [{ name: "http", port: 8080 }] });
  expect(slice!.endpoints).toEqual([
    { address: "10.0.0.1", ready: true, terminating: false, serving: true, zone: "a", node: "n", pod: "order-x" },
    { address: "10.0.0.2", ready: false, terminating: false, serving: false, zone: "", node: "", pod: "" },
    { address: "10.0.0.3", ready: true, terminating: true, serving: true, zone: "", node: "", pod: "" },
  ]);
});

test.each([null, 7, "x", [], {}, { metadata: { name: "a" } }, { metadata: 1, spec: 1 }])("%j is neither", (value) => {
  expect([readService(value), readSlice(value)]).toEqual([undefined, undefined]);
});

test("a slice of names, and one without a Service, have no endpoints of any service", () => {
  const metadata = { name: "a", namespace: "b" };
  expect(readSlice({ metadata, addressType: "FQDN" })).toBeUndefined();
  expect(readSlice({ metadata, addressType: "IPv4" })).toMatchObject({ service: "", ports: [], endpoints: [] });
});
