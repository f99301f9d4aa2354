import { expect, test } from "vitest";
import { withFurtherPorts } from "../../../../src/control/rules/further-ports.ts";
import { entryOf } from "../../../support/rule-cases.ts";

test("each further port that a registry knows is an entry of its own, under its service's name", () => {
  const shop = entryOf("shop.default", ["http://10.0.0.1:8080"]);
  const { endpoints } = entryOf("x", ["http://10.0.0.1:9090"]);
  const entry = {
    ...{ ...shop, host: "shop.default.svc.cluster.local", exportTo: ["."] },
    ports: [{ protocol: "http", port: 80 }],
    further: [{ protocol: "http", port: 9091, endpoints }],
  };
  const [first, further] = withFurtherPorts([entry]);
  expect(first).toBe(entry);
  expect(further).toEqual({
    host: "shop.default.svc.cluster.local:9091",
    service: { interface: "shop.default", group: "", version: "9091" },
    endpoints,
    exportTo: ["."],
    ports: [{ protocol: "http", port: 9091 }],
    portOf: "shop.default.svc.cluster.local",
  });
  expect(withFurtherPorts([entry])[1]).toBe(further);
  const others = [shop];
  expect(withFurtherPorts(others)).toBe(others);
});
