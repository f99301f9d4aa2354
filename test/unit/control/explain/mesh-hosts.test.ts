import { expect, test } from "vitest";
import { meshHosts, serviceOf } from "../../../../src/control/explain/mesh-hosts.ts";
import { gatewayCase } from "../../../support/gateway-cases.ts";

test("domains of gateways are no services", () => {
  const hosts = meshHosts(gatewayCase().resources);
  expect(hosts.map(({ name }) => name)).toEqual(["com.acme.orders", "nobody", "shop"]);
  expect(hosts.map(serviceOf)).toEqual(["com.acme.Orders", "nobody", "shop"]);
});
