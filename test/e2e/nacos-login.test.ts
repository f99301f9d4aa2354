import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startConsumer, startProvider } from "../support/dubbo.ts";
import { type ConfiguredTrestle, startConfigured } from "../support/mtls-ups.ts";
import { type Nacos, type NacosLine, nacosLines, startNacos } from "../support/nacos.ts";
import { type NacosClient, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { request } from "../support/raw-dubbo.ts";

// A Nacos 2.3.2 that asks who there is. Users and passwords are the clients' own; Trestle's mirror has its own too.
const inside = `${hosts.trestle}:18848`;
const user = { username: "nacos", password: "nacos" };
/** How long a token is good, s: clients look every 5 s whether nine tenths of it are over, so they get another after 10 s. */
const TOKEN_S = 11;
/** How long the facade counts one that ran out, s. */
const GRACE_S = 15;
/** The one whom callers count by: he may read and write everything, as a role of his says. */
const shopper = { username: "shopper", password: "secret" };
const webOnly = policyText("a", '{rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/web"]}}]}]}');

let nacos: Nacos;
let up: ConfiguredTrestle;
let provider: Peer;
let listening: NacosClient;

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry, {
    auth: true,
    settings: { "nacos.core.auth.plugin.nacos.token.expire.seconds": TOKEN_S },
  });
  for (const [path, fields] of Object.entries({
    users: shopper,
    roles: { role: "shop", username: "shopper" },
    permissions: { role: "shop", resource: "*:*:*", action: "rw" },
  })) {
    const { status, body } = await nacos.ask("POST", `/v1/auth/${path}?${new URLSearchParams(fields)}`);
    expect(status, body).toBe(200);
  }
  up = await startConfigured(
    {
      registries: [{ name: "main", url: nacos.address }],
      facades: [{ url: `nacos://${inside}` }],
      callers: [{ identity: "shop/web", registry: "main", username: "shopper" }],
    },
    { facade: "" },
    policyText("a", "{rules: [{}]}"),
  );
}, 200_000);

afterAll(async () => {
  await up?.trestle.stop();
  await stopAll();
  await nacos?.stop();
});

const real = async (service: string) => (await nacos.instances(service)).map(({ port }) => port);

test.each(nacosLines)(
  "a client %s logs in through the facade; a wrong password is refused",
  async (line: NacosLine) => {
    const [one, wrong] = await Promise.all([
      startNacosClient(line, inside, user),
      startNacosClient(line, inside, { ...user, password: "wrong" }),
    ]);
    const service = `guarded-${line}`;
    await one.register(service, { ip: hosts.provider1, port: 9001 });
    await one.subscribe(service);
    await eventually("pushed", () => one.pushed(service)?.length === 1);
    expect(await real(service)).toEqual([9001]);
    expect(await one.publish(`guarded-${line}`, "G", "a=1")).toBe(true);
    // A server reads what was published a moment later.
    await eventually("read", async () => (await one.config(`guarded-${line}`, "G")) === "a=1");
    await expect(wrong.register(`denied-${line}`, { ip: hosts.provider1, port: 9002 })).rejects.toThrow();
    expect(await real(`denied-${line}`)).toEqual([]);
    await Promise.all([one.peer.kill(), wrong.peer.kill()]);
  },
);

test("a Dubbo 3.3 provider and consumer with a user and password in their registry's address meet at the proxy", async () => {
  const at = ({ username, password }: typeof user) => `nacos://${inside}?username=${username}&password=${password}`;
  const place = { registry: at(shopper), group: "g", version: "1.0.0" };
  provider = await startProvider("3.3", { ...place, registry: at(user), host: hosts.provider2, label: "guarded" });
  const consumer = await startConsumer("3.3", { ...place, check: false });
  expect(await eventually("called", () => consumer.call("whoAmI"), 20_000)).toMatchObject({ label: "guarded" });
  const { body } = await up.trestle.get("/metrics");
  expect(body).toMatch(/istio_requests_total\{[^}]*request_operation="whoAmI"/);
  // The consumer is the user at whose token's word it registered and subscribed, and so is its address; others are nobody.
  await up.rules(webOnly);
  // The registry is asked about its token meanwhile.
  await answered(/guarded/);
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "guarded" });
  expect(await calls(hosts.provider1)).toMatch(/RBAC: access denied/);
  await consumer.stop();
  await answered(/RBAC: access denied/);
  const wrong = new URLSearchParams({ ...user, password: "wrong" });
  const refused = await fetch(`http://${inside}/nacos/v1/auth/login`, { method: "POST", body: wrong });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(await up.metric("trestle_facade_logins_refused")).toBeGreaterThan(0);
  // One who asks for nothing after this: tokens that it gets it says to nobody.
  listening = await startNacosClient("2.4", inside, shopper);
  await listening.subscribe("guarded");
  await answered(/guarded/);
});

/** What a call from an address is answered. */
async function calls(localAddress: string): Promise<string> {
  const socket = connect({ host: hosts.trestle, port: 20_880, localAddress });
  const answered = once(socket, "data") as Promise<[Buffer]>;
  socket.write(request({ service: "com.acme.OrderService", group: "g", version: "1.0.0", method: "whoAmI", id: 1n }));
  const [bytes] = await answered;
  socket.destroy();
  return bytes.toString("latin1");
}

/** Waits until calls from the clients' address are answered so. */
async function answered(how: RegExp, timeout = 10_000): Promise<void> {
  await expect.poll(() => calls(hosts.trestle), { timeout, interval: 250 }).toMatch(how);
}

test("over a restart tokens run out: who renews is joined again unseen, who listens is himself again, who could not registers by himself; who is deleted is nobody soon", async () => {
  const [awake, asleep]: NacosClient[] = await Promise.all([
    startNacosClient("2.4", inside, user),
    startNacosClient("2.4", inside, user),
  ]);
  await awake.register("awake", { ip: hosts.provider1, port: 9011 });
  await asleep.register("asleep", { ip: hosts.provider1, port: 9012 });
  await awake.subscribe("awake");
  await eventually("told", () => awake.pushed("awake")?.length === 1);
  const before = awake.events().length;
  // It renews nothing while it stands still.
  asleep.peer.suspend();
  await nacos.kill();
  // A start takes some seconds more.
  await sleep((TOKEN_S - 5) * 1_000);
  await nacos.restart();
  await eventually("the first", async () => (await real("awake")).join() === "9011", 30_000);
  // Where the restart took longer than its last token was good it is nobody meanwhile: it logs in within 5 s, and comes again within 3 s.
  await answered(/guarded/, 30_000);
  const deleted = await nacos.ask("DELETE", "/v1/auth/users?username=shopper");
  expect(deleted.status, deleted.body).toBe(200);
  const since = Date.now();
  const nobodyAfter = answered(/RBAC: access denied/, 60_000).then(() => Date.now() - since);
  // Its token is good for a while, at the registry too.
  expect(await calls(hosts.trestle)).toMatch(/guarded/);
  asleep.peer.resume();
  await eventually("the second", async () => (await real("asleep")).join() === "9012", 40_000);
  expect(
    awake
      .events()
      .slice(before)
      .filter(({ instances }) => instances?.length === 0),
  ).toEqual([]);
  expect(await nobodyAfter).toBeLessThan((TOKEN_S + GRACE_S + 6) * 1_000);
  await Promise.all([awake, asleep, listening].map(({ peer }) => peer.kill()));
  await provider.stop();
}, 200_000);
