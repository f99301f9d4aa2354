import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestLeaf, type TestAuthority } from "../support/certificates.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type ConfiguredTrestle, startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import { type Recorder, startRecorder } from "../support/recorder.ts";
import { startZooKeeper } from "../support/zookeeper.ts";

/*
 * Mutual TLS by `trestle up` alone, one before a legacy consumer and one before a legacy provider:
 *
 *   consumer 2.7 -> up at 10.77.0.5 (shop) -> recorder at 10.77.0.4 -> inbound of up at 10.77.0.6 (orders) -> provider 2.7 at 10.77.0.2
 */

const PORT = 20_880;
const KEY = "com.acme.OrderService";
const service = { group: "g", version: "1.0.0" };
const SHOP = "cluster.local/ns/default/sa/shop";
const peers = (mode: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: orders}\nspec: {selector: {matchLabels: {app: orders}}, mtls: {mode: ${mode}}}\n`;

let root: TestAuthority;
let shop: ConfiguredTrestle;
let orders: ConfiguredTrestle;
let recorder: Recorder;
let consumer: Consumer;

beforeAll(async () => {
  requireNamespace();
  const authority = await startAuthority();
  root = authority.root;
  const ca = { certificates: authority.folder };
  const zookeeper = await startZooKeeper(hosts.registry);
  recorder = await startRecorder(hosts.provider3, PORT, hosts.relay, PORT);
  const inbound = { listen: `${hosts.relay}:${PORT}`, to: `${hosts.provider1}:${PORT}`, labels: { app: "orders" } };
  [shop, orders] = await Promise.all([
    startConfigured({ ca, proxy: { serviceAccount: "shop" } }, { registry: zookeeper.address }),
    startConfigured(
      { ca, proxy: { serviceAccount: "orders", inbound: [inbound] } },
      { registry: zookeeper.address, facade: "", host: hosts.relay, extra: ["--proxy-port", "20980"] },
      peers("STRICT"),
    ),
  ]);
  const params = { "security.istio.io/tlsMode": "istio" };
  await startProvider(
    "2.7",
    { ...service, registry: zookeeper.address, host: hosts.provider1, port: PORT, label: "one", warmup: 1, params },
    hosts.provider3,
  );
  consumer = await startConsumer("2.7", { ...service, registry: shop.trestle.registry, retries: 2 });
});

afterAll(async () => {
  await recorder?.close();
  await stopAll();
});

const inForce = (...policies: string[]) => orders.rules([peers("STRICT"), ...policies].join("---\n"));

test("calls go by mutual TLS, and nothing of them can be read on the way", async () => {
  expect(await consumer.call("sayHi", "open-sesame", { secret: "swordfish" })).toContain("open-sesame");
  const wire = recorder.carried();
  expect(wire[0]).toBe(0x16);
  for (const text of ["open-sesame", "swordfish", "sayHi", "2.0.2"]) expect(wire.includes(text)).toBe(false);
  expect(await shop.metric("trestle_proxy_tls_handshakes")).toBeGreaterThan(0);
  expect(await orders.metric("trestle_proxy_tls_handshakes")).toBeGreaterThan(0);
});

test("the provider's proxy shows the identity of its service account", async () => {
  const me = createTestLeaf(root, { uri: "spiffe://cluster.local/ns/default/sa/test" });
  const socket = connectTls({
    ...{ host: hosts.relay, port: PORT, ca: root.pem, cert: me.chain, key: me.key },
    ALPNProtocols: ["istio"],
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  expect(socket.authorized).toBe(true);
  expect(socket.getPeerCertificate().subjectaltname).toBe("URI:spiffe://cluster.local/ns/default/sa/orders");
  socket.destroy();
});

test("policies by principal allow and deny what the consumer's proxy vouches for", async () => {
  await inForce(policyText("a", `{rules: [{from: [{source: {principals: ["${SHOP}"]}}]}]}`));
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
  await inForce(
    policyText("a", `{rules: [{from: [{source: {principals: ["${SHOP}"]}}]}]}`),
    policyText(
      "d",
      `{action: DENY, rules: [{from: [{source: {principals: ["${SHOP}"]}}], to: [{operation: {methods: [sayHi]}}]}]}`,
    ),
  );
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
  await expect(consumer.call("sayHi", "Ann")).rejects.toThrow(/RBAC: access denied/);
  await inForce(policyText("a", `{rules: [{from: [{source: {principals: ["cluster.local/ns/default/sa/other"]}}]}]}`));
  await expect(consumer.call("whoAmI")).rejects.toThrow(/RBAC: access denied/);
});

async function inPlain(): Promise<string> {
  const caller = await openRaw(hosts.relay, PORT);
  try {
    caller.write(request({ service: KEY, ...service, method: "whoAmI", id: 1n }));
    return (await caller.answer(10_000)).body.toString("latin1");
  } finally {
    caller.destroy();
  }
}

test("a call in plain text is refused by STRICT and served by PERMISSIVE, from one moment to the next", async () => {
  await inForce();
  expect(await inPlain()).toMatch(/takes mutual TLS only/);
  await orders.rules(peers("PERMISSIVE"));
  expect(await inPlain()).toMatch(/one/);
  await inForce();
  expect(await inPlain()).toMatch(/takes mutual TLS only/);
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
});
