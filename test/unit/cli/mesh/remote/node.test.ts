import { expect, test } from "vitest";
import { resolveConfig } from "../../../../../src/cli/config/resolve.ts";
import { listenOf, nodeOf } from "../../../../../src/cli/mesh/remote/node.ts";

const { config } = resolveConfig({ proxyHost: "10.0.0.8", proxyPort: ["20880", "20881"], triPort: ["50051"] }, {});

test("a node says who and where it is in Istio's words", () => {
  expect(nodeOf(config!, "host-b")).toMatchObject({
    id: "sidecar~10.0.0.8~host-b.default~default.svc.cluster.local",
    metadata: { NAMESPACE: "default", SERVICE_ACCOUNT: "default", LABELS: {} },
    userAgentName: "trestle",
  });
});

test("control reads from it where the proxy listens", () => {
  expect(listenOf(nodeOf(config!, "host-b"))).toEqual({
    id: "sidecar~10.0.0.8~host-b.default~default.svc.cluster.local",
    dubbo: [
      { address: "10.0.0.8", port: 20880 },
      { address: "10.0.0.8", port: 20881 },
    ],
    tri: [
      { address: "10.0.0.8", port: 50051 },
      { address: "10.0.0.8", port: 50052 },
    ],
    workers: 2,
    gatewayAddress: "10.0.0.8",
  });
});

test("control reads from it the port of its HTTP services", () => {
  const { config } = resolveConfig({ proxyHost: "10.0.0.8", httpPort: "8080" }, {});
  expect(listenOf(nodeOf(config!, "h"))?.http).toEqual([{ address: "10.0.0.8", port: 8080 }]);
});

const strange = { id: "x", cluster: "", userAgentName: "trestle", userAgentVersion: "" };

test.each([
  ["another client", { ...nodeOf(config!, "h"), userAgentName: "envoy" }, undefined],
  ["one that does not say where it listens", { ...strange, metadata: {} }, undefined],
  ["one that says nonsense", { ...strange, metadata: { TRESTLE_LISTEN: [1] } }, undefined],
  [
    "one that says nonsense in part",
    {
      ...strange,
      metadata: {
        TRESTLE_LISTEN: { dubbo: [{ address: "a", port: 70_000 }, null, { address: "a", port: 1 }], tri: 7 },
      },
    },
    { id: "x", dubbo: [{ address: "a", port: 1 }], tri: [] },
  ],
  [
    "one that names more ports than there are workers",
    { ...strange, metadata: { TRESTLE_LISTEN: { dubbo: Array(1_000).fill({ address: "a", port: 1 }) } } },
    { id: "x", dubbo: Array(64).fill({ address: "a", port: 1 }), tri: [] },
  ],
])("%s listens where it can be believed", (_, node, listens) => {
  const workers = listens && Math.max(listens.dubbo.length, listens.tri?.length ?? 0);
  expect(listenOf(node)).toEqual(listens && { ...listens, workers });
});
