import { expect, test } from "vitest";
import { printProxies } from "../../../src/cli/proxies.ts";
import type { XdsClientStatus } from "../../../src/control/xds/status.ts";

const PROXY: XdsClientStatus = {
  node: "sidecar~10.0.0.8~a.shop",
  peer: "10.0.0.8:5",
  agent: "envoy 1.34.1",
  stream: "delta",
  connectedAtMs: 1_000,
  types: [
    { type: "cds", typeUrl: "t/c", state: "synced", resources: 12, version: "1" },
    {
      type: "rds",
      typeUrl: "t/r",
      state: "error",
      resources: 1,
      version: "1",
      refusal: {
        message: "unknown\ncluster",
        names: ["r"],
        version: "2",
        atMs: 5,
        origins: [{ rule: "default/orders", file: "rules/a.yaml", line: 3 }],
      },
    },
  ],
};

test("a row has what a client has, what it refused, and the rule of that", () => {
  const text = printProxies("table", [PROXY, { ...PROXY, node: "b", agent: "", types: [] }], 61_000);
  const [head, first, second] = text.split("\n");
  expect(head?.split(/\s{2,}/)).toEqual(["NODE", "AGENT", "PEER", "STREAM", "SINCE", "TYPES", "REFUSED"]);
  expect(first?.split(/\s{2,}/).slice(1)).toEqual([
    "envoy 1.34.1",
    "10.0.0.8:5",
    "delta",
    "1m",
    "cds 12 synced, rds 1 error",
    "rds: unknown cluster (default/orders at rules/a.yaml:3)",
  ]);
  expect(second?.split(/\s{2,}/).slice(-2)).toEqual(["-", "-"]);
});

test("programs get all of it", () => {
  expect(JSON.parse(printProxies("json", [PROXY], 0))).toEqual([PROXY]);
});
