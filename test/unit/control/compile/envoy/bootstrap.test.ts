import { expect, test } from "vitest";
import { parse } from "yaml";
import { printEnvoyBootstrap } from "../../../../../src/control/compile/envoy/bootstrap.ts";
import { envoyNode } from "../../../../../src/control/compile/envoy/node.ts";

test("a bootstrap says where xDS is, by deltas on one stream", () => {
  const made = parse(printEnvoyBootstrap({ nodeId: "sidecar~10.0.0.1~a~b", server: { host: "mesh", port: 15011 } }));
  expect(made).toMatchObject({
    node: { id: "sidecar~10.0.0.1~a~b" },
    dynamic_resources: { ads_config: { api_type: "DELTA_GRPC" }, lds_config: { ads: {} }, cds_config: { ads: {} } },
    static_resources: {
      clusters: [
        {
          load_assignment: {
            endpoints: [
              { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "mesh", port_value: 15011 } } } }] },
            ],
          },
        },
      ],
    },
  });
  const sotw = printEnvoyBootstrap({ nodeId: "x", server: { host: "mesh", port: 1 }, mode: "state-of-the-world" });
  expect(parse(sotw).dynamic_resources.ads_config.api_type).toBe("GRPC");
});

test("what it says of its listeners is what is read of its node", () => {
  const settings = { bind: "10.0.0.9", dubboPort: 21000, ports: [80] };
  const { node } = parse(
    printEnvoyBootstrap({
      nodeId: "router~a~b~c",
      server: { host: "h", port: 1 },
      settings,
      namespace: "shop",
      labels: { app: "web" },
    }),
  );
  expect(envoyNode(node)).toEqual({ role: "gateway", ...settings, labels: { app: "web" } });
  expect(node.metadata.NAMESPACE).toBe("shop");
});
