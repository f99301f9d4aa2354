import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type ConfiguredTrestle, startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { tripleTrick } from "../support/trick-calls.ts";

/*
 * Providers that register through a Nacos facade stand at the registry at the proxy in front of them:
 *
 *   consumer 2.7 -> up at 10.77.0.5 (shop) -> mutual TLS -> inbound of up at 10.77.0.6 (orders) -> provider 2.7 at 10.77.0.2 (HTTP, client 1.4)
 *                                                                                                 provider 3.3 at 10.77.0.3 (gRPC, client 2.4)
 */

const KEY = "com.acme.OrderService";
const peers = (mode: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: all}\nspec: {mtls: {mode: ${mode}}}\n`;
const through = (address: string) => `nacos://${address}`;
const SHOP = `${hosts.trestle}:18848`;
const ORDERS = `${hosts.relay}:28848`;

/** What providers there are: their group and label, where they are and which port the proxy has for them. */
const providers = [
  { line: "2.7", label: "old", host: hosts.provider1, port: 20_880 },
  { line: "3.3", label: "young", host: hosts.provider2, port: 20_881 },
] as const;

/** One that registers at application level alone, and speaks Triple: what it offers is asked of it through the proxy. */
const stock = { host: hosts.provider1, port: 50_061 };

let authority: Awaited<ReturnType<typeof startAuthority>>;
let nacos: Nacos;
let shop: ConfiguredTrestle;
let orders: ConfiguredTrestle;
let consumer: Consumer;
const started: Peer[] = [];

function config(facade: string, account: string, pass: readonly string[] = []) {
  const place = ({ host, port }: { readonly host: string; readonly port: number }, protocol: string) => ({
    ...{ listen: `${hosts.relay}:${port}`, to: `${host}:${port}`, protocol },
  });
  const inbound = [...providers.map((one) => place(one, "dubbo")), place(stock, "tri")];
  return {
    ca: { certificates: authority.folder },
    registries: [{ name: "main", url: nacos.address }],
    facades: [{ url: `nacos://${facade}`, pass: { services: pass } }],
    proxy: { serviceAccount: account, inbound: account === "orders" ? inbound : [] },
  };
}
const startOrders = () =>
  startConfigured(
    config(ORDERS, "orders"),
    { facade: "", host: hosts.relay, extra: ["--proxy-port", "20980"] },
    peers("STRICT"),
  );

beforeAll(async () => {
  requireNamespace();
  [authority, nacos] = await Promise.all([startAuthority(), startNacos(hosts.registry)]);
  [shop, orders] = await Promise.all([startConfigured(config(SHOP, "shop"), { facade: "" }), startOrders()]);
  const starting = providers.map(({ line, label, host, port }) =>
    startProvider(line, {
      ...{ registry: through(ORDERS), host, port, label, group: label, version: "1.0.0", warmup: 1 },
      ...(line === "3.3" && { mode: "interface" }),
    }),
  );
  consumer = await startConsumer("2.7", { registry: through(SHOP), group: "old", version: "1.0.0", check: false });
  started.push(...(await Promise.all(starting)));
}, 240_000);

afterAll(async () => {
  await stopAll();
  await nacos?.stop();
});

/** Where the registry has a provider, and whose identity it says. */
async function placesOf({ label }: { readonly label: string }): Promise<string[]> {
  const found = await nacos.instances(`providers:${KEY}:1.0.0:${label}`);
  return found.map(({ ip, port, metadata }) => `${ip}:${port} ${metadata["trestle.identity"] ?? ""}`);
}

describe.each(providers)("a provider of Dubbo $line", (provider) => {
  const { label, host, port } = provider;
  const at = `${hosts.relay}:${port} cluster.local/ns/default/sa/orders`;
  const real = `${host}:${port} `;
  const shows = (...wanted: string[]) =>
    expect.poll(() => placesOf(provider), { timeout: 30_000, interval: 200 }).toEqual(wanted);
  async function serves(): Promise<void> {
    await consumer.refer(label, { registry: through(SHOP), group: label, version: "1.0.0", check: false });
    const answer = await eventually("served", () => consumer.call("whoAmI", undefined, undefined, label), 30_000);
    expect(answer).toMatchObject({ label });
  }

  test("stands at the proxy in front of it, and is called by mutual TLS", async () => {
    await shows(at);
    await serves();
    for (const one of [shop, orders]) expect(await one.metric("trestle_proxy_tls_handshakes")).toBeGreaterThan(0);
  });

  test("is called by a consumer without Trestle through the proxy, where plain text is let in", async () => {
    await orders.rules(peers("PERMISSIVE"));
    const alone = await startConsumer(provider.line, {
      ...{ registry: nacos.address, group: label, version: "1.0.0", check: false },
    });
    expect(await eventually("served", () => alone.call("whoAmI"), 30_000)).toMatchObject({ label });
    await orders.rules(peers("STRICT"));
    await alone.stop();
  });

  test("has its own address back by pass, and the proxy's again without", async () => {
    await orders.configure(config(ORDERS, "orders", [KEY]));
    await shows(real);
    await orders.configure(config(ORDERS, "orders"));
    await shows(at);
  });
});

test("a provider of Dubbo 3.3 at application level is asked, and called, by mutual TLS", async () => {
  const offered = { group: "stock", version: "1.0.0" };
  const [provider, young] = await Promise.all([
    startProvider("3.3", {
      ...{ ...stock, ...offered, registry: through(ORDERS), label: "stock", warmup: 1 },
      ...{ mode: "instance", protocol: "tri", application: "stock" },
    }),
    startConsumer("3.3", { ...offered, registry: through(SHOP), check: false }, [
      "-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION",
    ]),
  ]);
  started.push(provider);
  const at = async () => (await nacos.instances("stock")).map(({ ip, port }) => `${ip}:${port}`);
  await expect.poll(at, { timeout: 30_000, interval: 200 }).toEqual([`${hosts.relay}:${stock.port}`]);
  expect(await eventually("served", () => young.call("whoAmI"), 30_000)).toMatchObject({ label: "stock" });
  for (const { trestle } of [shop, orders])
    expect(JSON.stringify(await trestle.json("/api/v1/findings"))).not.toContain("TR0123");
  await young.stop();

  // Whatever a Triple call says of the version, the provider serves it: a policy by version goes by what the registry says that it serves.
  const deny = (version: string) =>
    policyText(
      "d",
      `{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-version]', values: ['${version}']}]}]}`,
    );
  const called = async (headers: Readonly<Record<string, string>>) =>
    (await tripleTrick({ host: hosts.relay, port: stock.port }, { path: `/${KEY}/whoAmI`, types: [], headers })).status;
  const all = async () => [
    await called({ "tri-service-group": "stock", "tri-service-version": "1.0.0" }),
    await called({ "tri-service-group": "stock" }),
    await called({}),
    await called({ "tri-service-group": "stock", "tri-service-version": "9" }),
  ];
  await orders.rules([peers("PERMISSIVE"), deny("1.0.0")].join("---\n"));
  expect(await all()).toEqual([7, 7, 7, 3]);
  await orders.rules([peers("PERMISSIVE"), deny("9")].join("---\n"));
  expect(await all()).toEqual([0, 0, 0, 3]);
  await orders.rules(peers("STRICT"));
}, 90_000);

const all = async () => (await Promise.all(providers.map(placesOf))).flat();
const ownAddresses = providers.map(({ host, port }) => `${host}:${port} `);
const atProxies = providers.map(({ port }) => `${hosts.relay}:${port} cluster.local/ns/default/sa/orders`);

test("they have their own addresses when Trestle ends, and the proxies' again after", async () => {
  const stopping = orders.trestle.stop();
  await expect.poll(all, { timeout: 10_000, interval: 100 }).toEqual(ownAddresses);
  await stopping;
  orders = await startOrders();
  await expect.poll(all, { timeout: 40_000, interval: 200 }).toEqual(atProxies);
}, 60_000);

test("a registry that was started anew is given the proxies' addresses", async () => {
  await nacos.kill();
  await nacos.restart();
  await expect.poll(all, { timeout: 40_000, interval: 200 }).toEqual(atProxies);
}, 90_000);

test("they take themselves out when they end", async () => {
  for (const peer of started) void peer.stop(10_000);
  await expect.poll(all, { timeout: 15_000, interval: 200 }).toEqual([]);
}, 30_000);
