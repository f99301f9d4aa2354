import { expect, test } from "vitest";
import { placeNode } from "../../../../src/control/xds/place.ts";

const ORDERS = "spiffe://cluster.local/ns/shop/sa/orders";
const node = (metadata: Record<string, string>) =>
  ({ id: "n", cluster: "", metadata, userAgentName: "envoy" }) as never;

test.each([
  ["no certificate: what it says", { NAMESPACE: "edge" }, undefined, { metadata: { NAMESPACE: "edge" } }],
  ["its own namespace", { NAMESPACE: "shop" }, ORDERS, { metadata: { NAMESPACE: "shop" } }],
  ["no namespace: that of the certificate", { A: "b" }, ORDERS, { metadata: { A: "b", NAMESPACE: "shop" } }],
  ["an empty one", { NAMESPACE: "" }, ORDERS, { metadata: { NAMESPACE: "shop" } }],
])("%s", (_name, metadata, identity, placed) => {
  expect(placeNode(node(metadata), identity)).toMatchObject(placed);
});

test("another namespace than that of the certificate is a fault", () => {
  expect(placeNode(node({ NAMESPACE: "edge" }), ORDERS)).toEqual({
    fault: `the node says that it is of namespace "edge", and its certificate is of shop (${ORDERS})`,
  });
});
