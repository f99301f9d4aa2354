import { expect, test } from "vitest";
import { envoyNode } from "../../../../../src/control/compile/envoy/node.ts";

test("a node that says nothing is a sidecar on 127.0.0.1 with Dubbo's port", () => {
  expect(envoyNode({})).toEqual({ role: "sidecar", bind: "127.0.0.1", dubboPort: 20880, ports: undefined, labels: {} });
});

test("a router is a gateway on every address; labels are kept", () => {
  const node = envoyNode({ id: "router~10.0.0.1~gw~x", metadata: { LABELS: { istio: "ingress", n: 1 } } });
  expect(node).toMatchObject({ role: "gateway", bind: "0.0.0.0", labels: { istio: "ingress" } });
  expect(node.labels).not.toHaveProperty("n");
});

test("settings say address and ports; what is none is passed over", () => {
  const of = (TRESTLE: unknown) => envoyNode({ metadata: { TRESTLE } });
  expect(of({ bind: "10.0.0.5", dubboPort: 21000, ports: [80, 8080] })).toMatchObject({
    bind: "10.0.0.5",
    dubboPort: 21000,
    ports: [80, 8080],
  });
  expect(of({ dubboPort: 0 }).dubboPort).toBe(0);
  expect(of({ bind: "; rm", dubboPort: 70000, ports: [0, "80", 1.5, 9] })).toMatchObject({
    bind: "127.0.0.1",
    dubboPort: 20880,
    ports: [9],
  });
  for (const odd of [null, 5, "x", [1]]) expect(of(odd)).toEqual(envoyNode({}));
});
