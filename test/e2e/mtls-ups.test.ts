import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { inboundLabels } from "../../src/model/inbound.ts";
import { createTestLeaf } from "../support/certificates.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { startGrpcServer } from "../support/grpc-peer.ts";
import { type ConfiguredTrestle, startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import { type Recorder, startRecorder } from "../support/recorder.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";
import { startZooKeeper } from "../support/zookeeper.ts";

/*
 * Mutual TLS by `trestle up` alone, one before a legacy consumer and one before a legacy provider:
 *
 *   consumer 2.7 -> up at 10.77.0.5 (shop) -> recorder at 10.77.0.4 -> inbound of up at 10.77.0.6 (orders) -> provider 2.7 at 10.77.0.2
 *
 * The first provider registers the recorder's address by itself; the others register through the facade of the second up. One of Dubbo 3.3
 * registers at application level alone: what it offers is asked of it by both.
 */

const PORT = 20_880;
const KEY = "com.acme.OrderService";
const service = { group: "g", version: "1.0.0" };
const SHOP = "cluster.local/ns/default/sa/shop";
const ORDERS_ID = "cluster.local/ns/default/sa/orders";
const peers = (mode: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: orders}\nspec: {selector: {matchLabels: {app: orders}}, mtls: {mode: ${mode}}}\n`;

const ORDERS = { facade: "", host: hosts.relay, extra: ["--proxy-port", "20980"] };
const labels = { app: "orders" };

/** The configuration of the up before the providers. */
function ordersConfig(pass: readonly string[] = []) {
  const place = (port: number, to: string) => ({ listen: `${hosts.relay}:${port}`, to, labels });
  const inbound = [
    place(PORT, `${hosts.provider1}:${PORT}`),
    place(PORT + 1, `${hosts.provider2}:${PORT + 1}`),
    place(PORT + 2, `${hosts.provider1}:${PORT + 2}`),
    { ...place(PORT + 3, `${hosts.provider1}:${PORT + 3}`), protocol: "tri" },
  ];
  return {
    ca: { certificates: authority.folder },
    registries: [{ name: "main", url: registry }],
    facades: [{ url: `zookeeper://${hosts.relay}:2181`, pass: { services: pass } }],
    proxy: { serviceAccount: "orders", inbound },
  };
}

let authority: Awaited<ReturnType<typeof startAuthority>>;
let shop: ConfiguredTrestle;
let orders: ConfiguredTrestle;
let recorder: Recorder;
let consumer: Consumer;
let znodes: Znodes;
let registry: string;

beforeAll(async () => {
  requireNamespace();
  authority = await startAuthority();
  const zookeeper = await startZooKeeper(hosts.registry);
  registry = zookeeper.address;
  znodes = await openZnodes(registry);
  recorder = await startRecorder(hosts.provider3, PORT, hosts.relay, PORT);
  [shop, orders] = await Promise.all([
    startConfigured(
      { ca: { certificates: authority.folder }, proxy: { serviceAccount: "shop" } },
      { registry: zookeeper.address },
    ),
    startConfigured(ordersConfig(), ORDERS, peers("STRICT")),
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
  znodes?.close();
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
  const me = createTestLeaf(authority.root, { uri: "spiffe://cluster.local/ns/default/sa/test" });
  const socket = connectTls({
    ...{ host: hosts.relay, port: PORT, ca: authority.root.pem, cert: me.chain, key: me.key },
    ALPNProtocols: ["istio"],
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  expect(socket.authorized).toBe(true);
  expect(socket.getPeerCertificate().subjectaltname).toBe(`URI:spiffe://${ORDERS_ID}`);
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
  const direct = { ...service, url: `dubbo://${hosts.relay}:${PORT}`, check: false, retries: 2 };
  await consumer.refer("direct", direct);
  expect(await consumer.call("whoAmI", undefined, {}, "direct")).toMatchObject({ label: "one" });
  await inForce();
  expect(await inPlain()).toMatch(/takes mutual TLS only/);
  // The connection that stands has ten seconds: until then its calls are served, then refused, and none is lost.
  const said: string[] = [];
  for (const untilMs = Date.now() + 14_000; Date.now() < untilMs && !said.includes("refused"); await sleep(50)) {
    said.push(await consumer.call("whoAmI", undefined, {}, "direct").then(() => "served", refusalOf));
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
  }
  expect([...new Set(said)]).toEqual(["served", "refused"]);
  await expect.poll(() => orders.metric("trestle_proxy_tls_plain_ended")).toBeGreaterThan(0);
  await sleep(1_500);
  await expect(consumer.call("whoAmI", undefined, {}, "direct")).rejects.toThrow(/takes mutual TLS only/);
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
});

function refusalOf({ message }: Error): string {
  return /takes mutual TLS only/.test(message) ? "refused" : message;
}

test("a gRPC server behind STRICT is asked for its types by both ups", async () => {
  const relay = "com.acme.Relay";
  const server = await startGrpcServer("relay", hosts.provider1, PORT + 3);
  onTestFinished(() => server.kill());
  const said = Object.entries({ "IDL-mode": "IDL", ...inboundLabels({ identity: ORDERS_ID }) });
  const params = said.map(([name, value]) => `${name}=${value}`).join("&");
  const url = `tri://${hosts.relay}:${PORT + 3}/${relay}?${params}`;
  await znodes.make(`/dubbo/${relay}/providers/${encodeURIComponent(url)}`);
  for (const { trestle } of [shop, orders]) {
    const known = async () => [
      (await trestle.get(`/api/v1/schemas?service=${relay}`)).body,
      (await trestle.get("/api/v1/findings")).body,
    ];
    await expect.poll(known, { timeout: 15_000 }).toEqual([expect.stringContaining('"protobuf"'), expect.anything()]);
  }
});

describe("a provider of Dubbo 3.3 that registers at application level alone", () => {
  const stock = { group: "stock", version: "1.0.0" };
  const facade = `zookeeper://${hosts.relay}:2181`;

  beforeAll(async () => {
    const at = { registry: facade, host: hosts.provider1, port: PORT + 2, application: "stock" };
    await startProvider("3.3", { ...stock, ...at, mode: "instance", label: "three", warmup: 1 });
  });

  test("stands at the registry at the proxy in front of it, and both ups know what it offers", async () => {
    const at = `${hosts.relay}:${PORT + 2}`;
    await expect.poll(() => znodes.children("/services/stock"), { timeout: 15_000 }).toEqual([at]);
    for (const { trestle } of [shop, orders]) {
      const offers = async () => JSON.stringify(await trestle.json("/api/v1/services"));
      await expect.poll(offers, { timeout: 15_000 }).toContain(`stock/${KEY}:1.0.0`);
      expect(JSON.stringify(await trestle.json("/api/v1/findings"))).not.toContain("TR0123");
    }
  });

  test("is called by mutual TLS by consumers at interface level and at application level", async () => {
    await consumer.refer("stock", { ...stock, registry: shop.trestle.registry, check: false });
    const whoAmI = (one: Consumer, ref?: string) => one.call("whoAmI", undefined, undefined, ref);
    expect(await eventually("served", () => whoAmI(consumer, "stock"), 15_000)).toMatchObject({ label: "three" });
    const young = await startConsumer("3.3", { ...stock, registry: shop.trestle.registry, check: false }, [
      "-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION",
    ]);
    expect(await eventually("served", () => whoAmI(young), 15_000)).toMatchObject({ label: "three" });
    await young.stop();
  });
});

/** Host and port of each provider that the registry has, and what it says of TLS, sorted. */
async function registered(): Promise<string[]> {
  const names = await znodes.children(`/dubbo/${KEY}/providers`);
  const urls = names.map((name) => new URL(decodeURIComponent(name).replace("dubbo://", "http://")));
  return urls.map((url) => `${url.host} ${url.searchParams.get("trestle.identity")}`).sort();
}

describe("a provider that registers through the facade", () => {
  const own = `${hosts.relay}:${PORT + 1} ${ORDERS_ID}`;
  const real = `${hosts.provider2}:${PORT + 1} null`;
  const by = `${hosts.provider3}:${PORT} null`;
  const facade = `zookeeper://${hosts.relay}:2181`;
  const options = { ...service, registry: facade, host: hosts.provider2, port: PORT + 1, label: "two", warmup: 1 };
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider("2.7", options);
  });

  async function shows(...wanted: string[]): Promise<void> {
    await expect.poll(registered, { timeout: 15_000 }).toEqual([...wanted, by].sort());
  }

  async function serves(label: string): Promise<void> {
    await expect
      .poll(async () => ((await consumer.call("whoAmI")) as { readonly label: string }).label, { timeout: 15_000 })
      .toBe(label);
  }

  test("stands at the registry at the proxy in front of it, and is called by mutual TLS", async () => {
    await shows(own);
    await serves("two");
  });

  test("gets its own address back by pass, and the proxy's again without", async () => {
    await orders.configure(ordersConfig([KEY]));
    await shows(real);
    await orders.configure(ordersConfig());
    await shows(own);
  });

  test("has its own address while Trestle is away, and the proxy's again after, in one session", async () => {
    await orders.trestle.stop();
    await shows(real);
    orders = await startConfigured(ordersConfig(), ORDERS, peers("STRICT"));
    await shows(own);
    await serves("two");
  });

  test("takes itself out when it ends", async () => {
    // Dubbo takes ten seconds more to end after that.
    void provider.stop(10_000);
    await shows();
  });
});
