import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { expect, test } from "vitest";
import { askedPlace, createReach } from "../../../../src/cli/mesh/reach.ts";
import { openSocket } from "../../../../src/cli/socket.ts";
import type { Secret } from "../../../../src/codecs/xds/secret.ts";
import { plainEndpoint } from "../../../../src/model/entry.ts";
import { createTestLeaf, createTestRoot, secretsOf } from "../../../support/certificates.ts";

const listening = (address: string, port: number) => ({ address, port });
const proxies = [
  { listen: listening("10.0.0.5", 20_890), to: listening("10.0.0.2", 20_880) },
  { listen: listening("10.0.0.5", 50_051), to: listening("10.0.0.3", 50_052) },
];
const dubbo = (port: number) => ({ protocol: "dubbo", port });

test("a provider behind a proxy of this process is asked itself, at the port that it says", () => {
  const reach = createReach(proxies, () => []);
  const instance = { address: "10.0.0.5", port: 20_890, params: { "security.istio.io/tlsMode": "istio" } };
  expect(reach(instance, dubbo(20_890))).toEqual({ host: "10.0.0.2", port: 20_880 });
  expect(reach(instance, dubbo(20_999))).toEqual({ host: "10.0.0.2", port: 20_999 });
  expect(reach(instance, { protocol: "tri", port: 50_051 })).toEqual({ host: "10.0.0.3", port: 50_052 });
});

test("an endpoint is asked where it serves, by what its labels, else its parameters, say of mutual TLS", () => {
  const known = { address: "10.0.0.9", port: 80, protocol: "http", weight: 100, origin: "main" };
  const params = { application: "shop", "security.istio.io/tlsMode": "istio", "trestle.identity": "a/ns/b/sa/c" };
  const endpoint = plainEndpoint({ ...known, params });
  const said = { "security.istio.io/tlsMode": "istio", "trestle.identity": "a/ns/b/sa/c" };
  expect(askedPlace(endpoint)).toEqual({ address: "10.0.0.9", port: 80, params: said });
  const labels = { "security.istio.io/tlsMode": "disabled" };
  expect(askedPlace({ ...endpoint, labels })).toEqual({
    address: "10.0.0.9",
    port: 80,
    params: { ...said, ...labels },
  });
  expect(askedPlace({ ...endpoint, params: {} })).toEqual({ address: "10.0.0.9", port: 80 });
});

test("others are asked in plain text, unless they say that they take mutual TLS and there is something to show", () => {
  const root = createTestRoot();
  const secrets = named(secretsOf(createTestLeaf(root)));
  const taking = { address: "10.0.0.9", port: 20_880, params: { "security.istio.io/tlsMode": "istio" } };
  const plain = { host: "10.0.0.9", port: 20_881 };
  expect(createReach(proxies, () => secrets)({ ...taking, params: {} }, dubbo(20_881))).toEqual(plain);
  expect(createReach(proxies, () => [])(taking, dubbo(20_881))).toEqual(plain);
  const { tls, ...at } = createReach(proxies, () => secrets)(taking, dubbo(20_881));
  expect([at, tls?.ALPNProtocols]).toEqual([plain, ["istio"]]);
  const triple = createReach(proxies, () => secrets)(taking, { protocol: "tri", port: 20_881 });
  expect(triple.tls?.ALPNProtocols).toEqual(["istio-h2", "istio", "h2"]);
  expect(() => createReach([], () => secrets.slice(0, 1))(taking, dubbo(20_881))).toThrow(
    "no TLS context: secret ROOTCA is not known yet",
  );
});

test("a peer is held against the mesh's roots, and the identity that it registered with", async () => {
  const root = createTestRoot();
  const { chain, key } = createTestLeaf(root, { uri: "spiffe://cluster.local/ns/default/sa/orders" });
  const server = createServer({ cert: chain, key, ca: root.pem, requestCert: true, ALPNProtocols: ["istio"] });
  server.on("secureConnection", (socket) => socket.on("error", () => {}));
  server.on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const connect = async (identity: string | undefined, own: readonly Secret[]) => {
    const params = { "security.istio.io/tlsMode": "istio", ...(identity && { "trestle.identity": identity }) };
    const reach = createReach([], () => named(own));
    const socket = await openSocket(reach({ address: "127.0.0.1", port, params }, dubbo(port)));
    socket.on("error", () => {}).destroy();
    return "connected";
  };
  const own = secretsOf(createTestLeaf(root));
  try {
    expect(await connect("cluster.local/ns/default/sa/orders", own)).toBe("connected");
    expect(await connect(undefined, own)).toBe("connected");
    await expect(connect("cluster.local/ns/default/sa/stock", own)).rejects.toThrow(
      /its certificate is of URI:spiffe:\/\/cluster.local\/ns\/default\/sa\/orders, who is not expected here/,
    );
    await expect(connect(undefined, secretsOf(createTestLeaf(createTestRoot())))).rejects.toThrow(
      /no connection to 127.0.0.1:\d+: /,
    );
  } finally {
    server.close();
  }
});

function named(secrets: readonly Secret[]) {
  return secrets.map((resource) => ({ name: resource.name, version: "1", resource }));
}
