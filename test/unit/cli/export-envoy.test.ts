import { expect, test } from "vitest";
import { parse } from "yaml";
import { resolveConfig } from "../../../src/cli/config/resolve.ts";
import { exportBootstrap, exportStatic } from "../../../src/cli/export-envoy.ts";
import { entryOf } from "../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../support/rules.ts";

const { config } = resolveConfig({ registry: ["zookeeper://10.0.0.1:2181"] }, {});
const world = {
  entries: [entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880"]), entryOf("shop", ["http://10.0.0.2:8080"])],
  rules: rulesOf(
    virtualServiceText(
      "o",
      "[com.acme.OrderService]",
      "[{timeout: 1s, route: [{destination: {host: com.acme.OrderService}}]}]",
    ),
  ),
};

test("a bootstrap names where xDS is, and who the Envoy is", () => {
  const { documents, lost } = exportBootstrap({ control: "10.0.0.7:15011", node: "router~10.0.0.8~gw~x" }, config!);
  const made = parse(documents[0]!.text);
  expect(made.node.id).toBe("router~10.0.0.8~gw~x");
  expect(JSON.stringify(made.static_resources)).toContain('{"address":"10.0.0.7","port_value":15011}');
  expect([documents[0]!.file, lost]).toEqual(["envoy.yaml", []]);
});

test.each([
  [{}, { address: "127.0.0.1", port_value: 9_901 }],
  [{ envoyAdmin: "0.0.0.0:19000" }, { address: "0.0.0.0", port_value: 19_000 }],
  [{ envoyAdmin: "[::1]:0" }, { address: "::1", port_value: 0 }],
])("an Envoy's own admin listens beside Trestle's, or where %j says", (flags, address) => {
  for (const { documents } of [exportBootstrap(flags, config!), exportStatic(flags, world, config!)])
    expect(parse(documents[0]!.text).admin.address.socket_address).toEqual(address);
});

test.each([
  [{ control: "10.0.0.7" }, "--control 10.0.0.7 is not HOST:PORT"],
  [{ control: "a:99999" }, "--control a:99999 is not HOST:PORT"],
  [{ envoyAdmin: "9901" }, "--envoy-admin 9901 is not HOST:PORT"],
  [{ envoyAdmin: "a:" }, "--envoy-admin a: is not HOST:PORT"],
  [{ node: "envoy" }, "--node envoy is not sidecar~ADDRESS~NAME~DOMAIN or router~ADDRESS~NAME~DOMAIN"],
])("%o is refused", (flags, message) => {
  expect(() => exportBootstrap(flags, config!)).toThrow(message);
});

test("a static configuration has every service, and tells what the Envoy cannot do", () => {
  const { documents, lost } = exportStatic({}, world, config!);
  const { clusters, listeners } = parse(documents[0]!.text).static_resources;
  expect(clusters.map(({ name }: { name: string }) => name)).toEqual([
    "outbound|20880||com.acme.orderservice",
    "outbound|8080||shop",
  ]);
  expect(listeners.map(({ name }: { name: string }) => name)).toEqual(["127.0.0.1_20880", "127.0.0.1_8080"]);
  expect(lost).toHaveLength(1);
  expect(lost[0]).toContain("TR0701");
});
