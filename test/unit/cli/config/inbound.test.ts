import { expect, test } from "vitest";
import { type RawInbound, resolveInbound } from "../../../../src/cli/config/inbound.ts";

function resolved(items: readonly RawInbound[]) {
  const faults: string[] = [];
  const providers = resolveInbound(items, { app: "gate" }, (path, message) => faults.push(`${path}: ${message}`));
  return { providers, faults };
}

test("a provider speaks Dubbo2 and has the proxy's labels unless told", () => {
  expect(resolved([{ listen: "10.0.0.5:20890", to: "10.0.0.2:20880" }])).toEqual({
    faults: [],
    providers: [
      {
        listen: { address: "10.0.0.5", port: 20_890 },
        to: { address: "10.0.0.2", port: 20_880 },
        protocol: "dubbo",
        labels: { app: "gate" },
        register: true,
      },
    ],
  });
  const item = { listen: "[::1]:1", to: "orders:2", protocol: "http", labels: { app: "orders" } };
  expect(resolved([item]).providers).toMatchObject([
    { listen: { address: "::1", port: 1 }, to: { address: "orders" }, protocol: "http", labels: { app: "orders" } },
  ]);
});

test.each<[string, readonly RawInbound[], readonly string[]]>([
  [
    "addresses that are none",
    [{ listen: "10.0.0.5", to: "a:b" }],
    [
      'proxy.inbound[0].listen: "10.0.0.5" is no host:port, such as 10.0.0.5:20890',
      'proxy.inbound[0].to: "a:b" is no host:port, such as 10.0.0.5:20890',
    ],
  ],
  [
    "a protocol that is not carried",
    [{ listen: "a:1", to: "b:2", protocol: "rmi" }],
    ['proxy.inbound[0].protocol: "rmi" is none of dubbo, tri, http'],
  ],
])("%s are named with their place", (_name, items, faults) => expect(resolved(items).faults).toEqual(faults));
