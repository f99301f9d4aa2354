import { afterAll, beforeAll, expect, test } from "vitest";
import type { World } from "../../src/model/entry.ts";
import { printServiceKey } from "../../src/model/service.ts";
import { createNacosSource, type NacosSourceOptions } from "../../src/registry-sync/sources/nacos/source.ts";
import { startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { type NacosClient, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { startTrestle } from "../support/trestle.ts";

/** Nacos 2.3.2 as a registry: what its clients register over HTTP and gRPC becomes the world, pushed and polled. */

const AUTH_PORT = 18_848;
const provider = {
  ...{ protocol: "dubbo", interface: "a.Hello", path: "a.Hello", version: "1.0.0", side: "provider" },
  ...{ application: "hello", methods: "hi", category: "providers" },
};

let nacos: Nacos;
let guarded: Nacos;
let client: NacosClient;

beforeAll(async () => {
  requireNamespace();
  // One after the other: its database gives up where two of them start on a busy machine.
  nacos = await startNacos(hosts.registry);
  guarded = await startNacos(hosts.registry, { port: AUTH_PORT, auth: true });
  client = await startNacosClient("2.4", nacos.address);
}, 300_000);

afterAll(stopAll);

interface Watched {
  /** Every world so far, oldest first. */
  readonly worlds: readonly World[];
  readonly events: readonly string[];
  /** `key: protocol://address:port weight`, of the newest world. Nacos itself finds out that nobody listens at a persistent one. */
  shown(): readonly string[];
  end(): Promise<void>;
}

function watch(server: Nacos, options: Partial<NacosSourceOptions> = {}): Watched {
  const worlds: World[] = [];
  const events: string[] = [];
  const source = createNacosSource({
    ...{ name: "n", hosts: [`${server.host}:${server.port}`] },
    onConnected: (connected) => void events.push(connected ? "connected" : "lost"),
    ...options,
  });
  const ending = new AbortController();
  const running = (async () => {
    for await (const world of source.watch(ending.signal, () => events.push("disturbed"))) worlds.push(world);
  })();
  const shown = () =>
    (worlds.at(-1)?.entries ?? []).flatMap(({ service, endpoints }) =>
      endpoints.map((one) => `${printServiceKey(service)}: ${one.protocol}://${one.address}:${one.port} ${one.weight}`),
    );
  return {
    worlds,
    events,
    shown,
    async end() {
      ending.abort();
      await running;
    },
  };
}

/** Over HTTP v1; a persistent instance, which no heartbeat has to keep. */
async function put(service: string, ip: string, weight: number, method = "POST", server = nacos): Promise<void> {
  const query = new URLSearchParams({
    ...{ serviceName: service, ip, port: "8080", weight: String(weight), ephemeral: "false", healthy: "true" },
  });
  const { status, body } = await server.ask(method, `/v1/ns/instance?${query}`);
  if (status !== 200) throw new Error(`nacos answered ${status}: ${body}`);
}

test("what is registered over HTTP and over gRPC is pushed into the world, also by polling", async () => {
  const pushed = watch(nacos);
  const polled = watch(nacos, { api: "http" });
  await eventually("two first worlds", () => pushed.worlds.length > 0 && polled.worlds.length > 0);
  await put("orders", "10.9.0.1", 0.5);
  await client.register("providers:a.Hello:1.0.0:", { ip: "10.9.0.2", port: 20_880, weight: 2, metadata: provider });
  await client.register("orders", { ip: "10.9.0.3", port: 8080 }, "G1");
  const all = ["a.Hello:1.0.0: dubbo://10.9.0.2:20880 200", "orders: http://10.9.0.1:8080 50"];
  for (const one of [pushed, polled])
    await eventually("both services", () => one.shown().join() === all.join() || Promise.reject(one.shown().join()));
  await nacos.publish(
    "hello.configurators",
    "dubbo",
    "configVersion: v3.0\nscope: application\nkey: hello\nenabled: true\nconfigs:\n- side: provider\n  addresses: ['0.0.0.0']\n  parameters: {dubbo.tag: gray}\n",
  );
  const tagged = (one: Watched) => one.worlds.at(-1)?.entries[0]?.endpoints[0]?.tag === "gray";
  await eventually("the override", () => tagged(pushed) && tagged(polled));
  await polled.end();

  const tookMs: number[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const startMs = performance.now();
    const weight = turn + 2;
    await put("orders", "10.9.0.1", weight, "PUT");
    await eventually("the new weight", () => pushed.shown()[1]?.endsWith(` ${weight * 100}`), 10_000, 2);
    tookMs.push(Math.round(performance.now() - startMs));
    await sleep(100 * (turn % 4));
  }
  tookMs.sort((a, b) => a - b);
  console.log(`change to world, ms: median ${tookMs[6]}, most ${tookMs.at(-1)}`);
  // Nacos itself gathers changes for 500 ms before it pushes them.
  expect(tookMs.at(-1)).toBeLessThan(3_000);

  await client.deregister("providers:a.Hello:1.0.0:", { ip: "10.9.0.2", port: 20_880, weight: 2, metadata: provider });
  await eventually("the provider gone", () => pushed.shown().length === 1);
  await pushed.end();
}, 60_000);

test("of another namespace that alone is read, and of clusters those that are named", async () => {
  const put = (ip: string, clusterName: string, more: Readonly<Record<string, string>>) => {
    const said = { serviceName: "apart", ip, port: "8080", clusterName, ephemeral: "false", healthy: "true", ...more };
    return nacos.ask("POST", `/v1/ns/instance?${new URLSearchParams(said)}`);
  };
  const there = { namespaceId: "there" };
  for (const answer of [put("10.9.5.1", "c1", there), put("10.9.5.2", "c2", there), put("10.9.5.3", "c1", {})])
    expect((await answer).status).toBe(200);
  const watched = (["grpc", "http"] as const).flatMap((api) => [
    [watch(nacos, { api, namespace: "there" }), ["10.9.5.1", "10.9.5.2"]] as const,
    [watch(nacos, { api, namespace: "there", clusters: ["c1"] }), ["10.9.5.1"]] as const,
  ]);
  for (const [one, addresses] of watched) {
    const all = addresses.map((address) => `apart: http://${address}:8080 100`).join();
    await eventually("the instances", () => one.shown().join() === all || Promise.reject(one.shown().join()));
    await one.end();
  }
}, 60_000);

test("while the server is killed and comes back the world stands, and then is what it was", async () => {
  await client.register("survivor", { ip: "10.9.0.7", port: 8080 });
  const one = watch(nacos);
  const shows = () => one.shown().some((text) => text.startsWith("survivor: http://10.9.0.7:8080"));
  await eventually("the service", shows);
  const before = one.worlds.length;
  await nacos.kill();
  await eventually("the loss", () => one.events.includes("lost"));
  await sleep(1_000);
  expect(one.worlds.slice(before).every(({ entries }) => entries.length > 0)).toBe(true);
  expect(one.events.slice(-2)).toEqual(["disturbed", "lost"]);
  await nacos.restart();
  await eventually("the connection", () => one.events.at(-1) === "connected", 30_000);
  await eventually("what its client registers again", shows, 30_000);
  await one.end();
}, 90_000);

test("trestle up mirrors two of them: a real provider of Dubbo 3.3 at application level, and groups behind a login", async () => {
  await put("G1@@stock", "10.9.0.8", 1, "POST", guarded);
  const [trestle, peer] = await Promise.all([
    startTrestle({
      registry: nacos.address,
      facade: "",
      extra: ["--registry", `${guarded.address}/nacos?group=DEFAULT_GROUP,G1`],
    }),
    startProvider("3.3", { registry: nacos.address, host: hosts.provider1, mode: "instance" }),
  ]);
  const services = await eventually(
    "both services",
    async () => {
      const { stdout } = await trestle.command("services");
      return stdout.includes("com.acme.OrderService") && stdout.includes("stock") && stdout;
    },
    20_000,
  );
  expect(services).toMatch(/com\.acme\.OrderService +1 +yes .* nacos-10\.77\.0\.1:8848/);
  expect(services).toMatch(/stock +1 +yes .* nacos-10\.77\.0\.1:18848/);
  await Promise.all([trestle.stop(), peer.stop(3_000)]);
}, 60_000);

test("who may not read is told so, and a wrong password too", async () => {
  const findings: string[] = [];
  const one = watch(guarded, {
    auth: { username: "nacos", password: "wrong" },
    onFindings: (list) => void findings.push(...list.map(({ code }) => code)),
  });
  await eventually("the finding", () => findings.includes("TR0105"));
  expect(one.worlds).toEqual([]);
  await one.end();
}, 30_000);
