import { expect, test } from "vitest";
import { compileEndpoints } from "../../../../../src/control/compile/endpoints.ts";
import { hasNames, plainEndpoints } from "../../../../../src/control/compile/envoy/endpoints.ts";
import { endpointOf } from "../../../../support/rule-cases.ts";

const at = (...urls: string[]) => compileEndpoints("c", urls.map(endpointOf));
const weights = (...urls: string[]) => {
  const { endpoints } = plainEndpoints(at(...urls), "d", ["dubbo"]) as {
    endpoints: {
      lbEndpoints: { loadBalancingWeight: number; endpoint: { address: { socketAddress: { address: string } } } }[];
    }[];
  };
  return endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map((one) => `${one.endpoint.address.socketAddress.address} ${one.loadBalancingWeight}`),
  );
};

test("only endpoints of the protocol are there, each address once, without what Trestle alone reads", () => {
  const all = at("dubbo://10.0.0.1:1?token=secret", "dubbo://10.0.0.1:1", "tri://10.0.0.2:2");
  const made = plainEndpoints(all, "d", ["dubbo"]);
  expect(made).toEqual({
    clusterName: "d",
    endpoints: [
      {
        lbEndpoints: [
          { endpoint: { address: { socketAddress: { address: "10.0.0.1", portValue: 1 } } }, loadBalancingWeight: 100 },
        ],
      },
    ],
  });
  expect(JSON.stringify(made)).not.toContain("secret");
});

test.each([
  [
    "weight 0 beside another is left out",
    ["dubbo://10.0.0.1:1?weight=0", "dubbo://10.0.0.2:1?weight=5"],
    ["10.0.0.2 5"],
  ],
  [
    "weight 0 alone counts as 1",
    ["dubbo://10.0.0.1:1?weight=0", "dubbo://10.0.0.2:1?weight=0"],
    ["10.0.0.1 1", "10.0.0.2 1"],
  ],
  ["a huge weight is cut", ["dubbo://10.0.0.1:1?weight=4000000000"], ["10.0.0.1 1000000"]],
])("%s", (_, urls, expected) => {
  expect(weights(...urls)).toEqual(expected);
});

test("metadata of others is passed on", () => {
  const group = at("dubbo://10.0.0.1:1?token=t").endpoints[0]!.lbEndpoints[0]!;
  const filterMetadata = { ...group.metadata!.filterMetadata, "envoy.transport_socket_match": { tlsMode: "istio" } };
  const made = plainEndpoints(
    { clusterName: "c", endpoints: [{ lbEndpoints: [{ ...group, metadata: { filterMetadata } }] }] },
    "c",
    ["dubbo"],
  );
  expect(made).toMatchObject({
    endpoints: [
      { lbEndpoints: [{ metadata: { filterMetadata: { "envoy.transport_socket_match": { tlsMode: "istio" } } } }] },
    ],
  });
  expect(JSON.stringify(made)).not.toContain("io.trestle");
});

test("DNS names are told from addresses, those of the protocol alone", () => {
  const all = at("dubbo://10.0.0.1:1", "tri://orders.example.com:2");
  expect([hasNames(all, ["dubbo"]), hasNames(all, ["tri"])]).toEqual([false, true]);
});

test("a Unix socket is a pipe for who takes one, and left out for others", () => {
  const one = compileEndpoints("c", [{ ...endpointOf("dubbo://10.0.0.1:1"), address: "unix:///run/x.sock" }]);
  const made = (takesUnix: boolean) => plainEndpoints(one, "c", ["dubbo"], takesUnix)["endpoints"];
  expect(made(true)).toMatchObject([{ lbEndpoints: [{ endpoint: { address: { pipe: { path: "/run/x.sock" } } } }] }]);
  expect(made(false)).toEqual([{ lbEndpoints: [] }]);
  expect(hasNames(one, ["dubbo"])).toBe(false);
});
