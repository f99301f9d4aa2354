import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { type ConfiguredTrestle, startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, stopAll } from "../support/process.ts";
import { type SpringCloud, startSpringCloud } from "../support/spring-cloud.ts";

/*
 * Instances that register through a Eureka facade stand at the registry at the proxy in front of them:
 *
 *   caller -> up at 10.77.0.5 (shop) -> mutual TLS -> inbound of up at 10.77.0.6 (orders) -> callee at 10.77.0.2
 *
 * The Eureka asks for a user, which each client has of its own.
 */

const PORT = 9_201;
const user = { name: "eureka", password: "open-sesame" };
const strict =
  "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: all}\nspec: {mtls: {mode: STRICT}}\n";

let authority: Awaited<ReturnType<typeof startAuthority>>;
let eureka: Eureka;
let shop: ConfiguredTrestle;
let orders: ConfiguredTrestle;
let callee: SpringCloud;
let caller: SpringCloud;
let environment: { readonly env: Readonly<Record<string, string>> };

const ORDERS = { facade: "", host: hosts.relay, extra: ["--proxy-port", "20980"] };

function config(host: string, account: string, pass: readonly string[] = []) {
  const place = { listen: `${hosts.relay}:${PORT}`, to: `${hosts.provider1}:${PORT}`, protocol: "http" };
  return {
    ca: { certificates: authority.folder },
    registries: [
      {
        name: "main",
        url: `eureka://${eureka.host}:${eureka.port}/eureka?interval=500ms`,
        auth: { username: user.name, passwordEnv: "EUREKA" },
      },
    ],
    facades: [{ url: `eureka://${host}:8761/eureka`, pass: { services: pass } }],
    callers: [{ identity: "shop/web", username: user.name, passwordEnv: "EUREKA" }],
    proxy: { serviceAccount: account, inbound: account === "orders" ? [place] : [] },
  };
}

const through = (host: string) => `http://${user.name}:${user.password}@${host}:8761/eureka/`;
const place = async () =>
  (await eureka.instances("SVC-B")).map(({ hostName, ipAddr, port, metadata }) => ({
    ...{ hostName, ipAddr, port: port.$, tls: metadata["security.istio.io/tlsMode"] },
  }));
const shows = (host: string, isProxy: boolean) =>
  expect
    .poll(place, { timeout: 20_000, interval: 200 })
    .toEqual([{ hostName: host, ipAddr: host, port: PORT, ...(isProxy && { tls: "istio" }) }]);
const serves = () =>
  eventually("served", async () => (await caller.call({ client: "template" })).status === 200, 20_000);

beforeAll(async () => {
  requireNamespace();
  environment = { env: { EUREKA: user.password } };
  [authority, eureka] = await Promise.all([startAuthority(), startEureka({ user })]);
  [shop, orders] = await Promise.all([
    startConfigured(config(hosts.trestle, "shop"), { facade: "", ...environment }),
    startConfigured(config(hosts.relay, "orders"), { ...ORDERS, ...environment }, strict),
  ]);
  [callee, caller] = await Promise.all([
    startSpringCloud({
      ...{ stack: "eureka-2025", role: "callee", host: hosts.provider1, port: PORT },
      registry: through(hosts.relay),
      metadata: { colour: "blue" },
      settings: { "eureka.instance.lease-expiration-duration-in-seconds": 60 },
    }),
    startSpringCloud({
      ...{ stack: "eureka-2021", role: "caller", host: hosts.provider2, port: 9_202 },
      registry: through(hosts.trestle),
    }),
  ]);
}, 240_000);

afterAll(async () => {
  await stopAll();
});

test("an instance stands at the proxy in front of it under its own id, and is called by mutual TLS", async () => {
  await shows(hosts.relay, true);
  const [instance] = await eureka.instances("SVC-B");
  expect(instance).toMatchObject({
    instanceId: `${hosts.provider1}:svc-b:${PORT}`,
    metadata: { colour: "blue", "trestle.identity": "cluster.local/ns/default/sa/orders" },
  });
  await serves();
  expect((await caller.echo({ client: "feign" })).id).toBe(callee.id);
  for (const one of [shop, orders]) expect(await one.metric("trestle_proxy_tls_handshakes")).toBeGreaterThan(0);
  await expect(fetch(`http://${hosts.relay}:${PORT}/echo`).then(({ status }) => status)).resolves.toBe(403);
});

test("who calls is said by the user in the address of his Eureka", async () => {
  const only = (account: string) =>
    policyText("a", `{rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/${account}"]}}]}]}`);
  await shop.rules(only("web"));
  expect((await caller.echo({ client: "template" })).id).toBe(callee.id);
  const [{ host, port } = { host: "", port: 0 }] = await caller.instances();
  const asked = httpRequest({ host, port, path: "/echo", localAddress: hosts.provider3 }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(403);
  await fetch(`http://${hosts.trestle}:8761/eureka/apps`, { headers: { authorization: `Basic ${btoa("eureka:no")}` } });
  expect(await shop.metric("trestle_facade_logins_refused")).toBe(1);
  await shop.rules(only("other"));
  expect((await caller.call({ client: "template" })).status).toBe(403);
  await shop.rules("");
});

test("it renews, and what is changed of its status and metadata is of the instance at the proxy", async () => {
  const path = `/apps/SVC-B/${hosts.provider1}:svc-b:${PORT}`;
  expect((await eureka.ask("PUT", `${path}/metadata?colour=green`)).status).toBe(200);
  const [before] = await eureka.instances("SVC-B");
  expect(before).toMatchObject({ status: "UP", ipAddr: hosts.relay, metadata: { colour: "green" } });
  const renewedMs = async () => (await eureka.instances("SVC-B"))[0]?.leaseInfo.lastRenewalTimestamp ?? 0;
  const wasMs = await renewedMs();
  await expect.poll(renewedMs, { timeout: 10_000 }).toBeGreaterThan(wasMs);
});

test("it has its own address back by pass, and the proxy's again without", async () => {
  await orders.configure(config(hosts.relay, "orders", ["svc-b"]));
  await shows(hosts.provider1, false);
  await orders.configure(config(hosts.relay, "orders"));
  await shows(hosts.relay, true);
});

test("a registry that was started anew is given the proxy's address", async () => {
  await eureka.restart();
  await shows(hosts.relay, true);
  await serves();
}, 120_000);

test("it has its own address while Trestle is away, and the proxy's again after", async () => {
  await orders.trestle.stop();
  await shows(hosts.provider1, false);
  orders = await startConfigured(config(hosts.relay, "orders"), { ...ORDERS, ...environment }, strict);
  await shows(hosts.relay, true);
  await serves();
}, 60_000);

test("it takes itself out when it ends", async () => {
  await callee.peer.stop();
  await expect.poll(place, { timeout: 10_000 }).toEqual([]);
});
