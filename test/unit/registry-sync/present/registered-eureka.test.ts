import { expect, test } from "vitest";
import { registeredEureka } from "../../../../src/registry-sync/present/registered-eureka.ts";
import { rawInstance } from "../../../support/eureka-documents.ts";

const inbound = [{ listen: { host: "10.0.0.5", port: 8090 }, to: { host: "10.0.0.1", port: 8080 }, protocol: "http" }];
const identity = "cluster.local/ns/default/sa/orders";
const contextOf = (takes = true) => ({ inbound: [{ ...inbound[0]!, identity }], takes: () => takes });
const labels = { "security.istio.io/tlsMode": "istio", "trestle.identity": identity };

test("an instance has the proxy's address under its own id, its pages too where they are on the port of its calls", () => {
  const raw = rawInstance({
    ...{ app: "orders", host: "10.0.0.1", port: 8080 },
    raw: {
      hostName: "box",
      statusPageUrl: "http://box:8080/actuator/info",
      healthCheckUrl: "http://box:8081/actuator/health",
      metadata: { "management.port": "8080", colour: "blue" },
    },
  });
  const now = registeredEureka(raw, "ORDERS", contextOf());
  expect(now).toEqual({
    ...raw,
    hostName: "10.0.0.5",
    ipAddr: "10.0.0.5",
    port: { $: 8090, "@enabled": "true" },
    ...(raw["homePageUrl"] !== undefined && { homePageUrl: now["homePageUrl"] }),
    statusPageUrl: "http://10.0.0.5:8090/actuator/info",
    metadata: { colour: "blue", "management.port": "8090", ...labels },
  });
});

test("by its host's name, and without an id under that name", () => {
  const raw = rawInstance({
    app: "orders",
    host: "10.0.0.1",
    port: 8080,
    raw: { ipAddr: "192.168.1.1", hostName: "10.0.0.1" },
  });
  const { instanceId: _, ...bare } = raw;
  expect(registeredEureka(bare, "ORDERS", contextOf())).toMatchObject({ instanceId: "10.0.0.1", ipAddr: "10.0.0.5" });
});

test("its port for TLS is shut: the proxy takes no TLS but the mesh's", () => {
  const raw = rawInstance({
    app: "orders",
    host: "10.0.0.1",
    port: 8080,
    raw: { securePort: { $: 8443, "@enabled": "true" } },
  });
  expect(registeredEureka(raw, "ORDERS", contextOf())).toMatchObject({ securePort: { "@enabled": "false" } });
});

test("what is not taken, stands elsewhere, takes TLS alone or is none stays the same object", () => {
  const raw = rawInstance({ app: "orders", host: "10.0.0.1", port: 8080 });
  expect(registeredEureka(raw, "ORDERS", contextOf(false))).toBe(raw);
  expect(registeredEureka(raw, "ORDERS", { ...contextOf(), inbound: [] })).toBe(raw);
  for (const other of [
    rawInstance({ app: "orders", host: "10.0.0.2", port: 8080 }),
    rawInstance({ app: "orders", host: "10.0.0.1", port: 8081 }),
    { ...raw, port: { $: 8080, "@enabled": "false" } },
    {},
  ])
    expect(registeredEureka(other, "ORDERS", contextOf())).toBe(other);
});
