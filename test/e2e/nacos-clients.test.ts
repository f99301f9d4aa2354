import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { World } from "../../src/model/entry.ts";
import { createNacosFacade, type NacosFacade } from "../../src/registry-sync/facades/nacos.ts";
import { createPresentContext } from "../../src/registry-sync/present/context.ts";
import { createNacosSource } from "../../src/registry-sync/sources/nacos/source.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { type NacosClient, type SeenInstance, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";

// Nacos' Java clients of 2.x and 3.x, and plain HTTP, at one Nacos 2.3.2 through the facade; a source beside it mirrors what they do.
const PORT = 18_848;
const PROXY = `${hosts.trestle}:31000`;

let nacos: Nacos;
let facade: NacosFacade;
let world: World | undefined;
const lost: boolean[] = [];
const ending = new AbortController();
let mirroring: Promise<void>;
const clients = new Map<string, NacosClient>();

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  facade = await createNacosFacade({
    listen: { host: hosts.trestle, port: PORT },
    upstream: [{ host: hosts.registry, port: 8_848 }],
    context: createPresentContext({
      addresses: [`${hosts.trestle}:20880`],
      httpAddresses: new Map([["led", PROXY]]),
    }),
  });
  const source = createNacosSource({
    ...{ name: "n", hosts: [`${hosts.registry}:8848`] },
    onConnected: (connected) => void lost.push(!connected),
  });
  mirroring = (async () => {
    for await (const next of source.watch(ending.signal)) world = next;
  })();
  for (const line of ["2.4", "3.0"] as const)
    clients.set(line, await startNacosClient(line, `${hosts.trestle}:${PORT}`));
}, 120_000);

afterAll(async () => {
  ending.abort();
  await mirroring;
  await Promise.all([...clients.values()].map(({ peer }) => peer.kill()));
  await facade?.close();
  await stopAll();
  await nacos?.stop();
});

const addresses = (instances: readonly SeenInstance[] | undefined) =>
  instances?.map(({ ip, port }) => `${ip}:${port}`).sort();

/** What the source has of a service: `address:port weight`. */
function mirrored(service: string): readonly string[] {
  const entry = world?.entries.find((one) => one.service.interface === service);
  return (entry?.endpoints ?? []).map(({ address, port, weight }) => `${address}:${port} ${weight}`).sort();
}

const real = async (service: string) => (await nacos.instances(service)).map(({ ip, port }) => `${ip}:${port}`).sort();

describe.each(["2.4", "3.0"] as const)("a client %s", (line) => {
  const one = () => clients.get(line)!;

  test("is shown a led service at the proxy, told of it by pushes, and has its own instance at the registry", async () => {
    await one().subscribe("led");
    await one().register("led", { ip: hosts.provider1, port: 9001, weight: 0.5 });
    await eventually("pushed", () => addresses(one().pushed("led"))?.join() === PROXY);
    expect(addresses(await one().query("led"))).toEqual([PROXY]);
    expect(await one().services()).toContain("led");
    expect(await real("led")).toEqual([`${hosts.provider1}:9001`]);
    await eventually("mirrored", () => mirrored("led").join() === `${hosts.provider1}:9001 50`);
    await one().deregister("led", { ip: hosts.provider1, port: 9001 });
    await eventually("gone", () => one().pushed("led")?.length === 0 && mirrored("led").length === 0);
    await one().unsubscribe("led");
  });

  test("registers many instances of a service at once, and takes some of them back", async () => {
    const service = `many-${line}`;
    const all = [9011, 9012, 9013].map((port) => ({ ip: hosts.provider2, port, weight: 2 }));
    await one().batchRegister(service, all);
    await eventually("three", async () => (await real(service)).length === 3);
    await eventually("mirrored", () => mirrored(service).join() === all.map((i) => `${i.ip}:${i.port} 200`).join());
    await one().batchDeregister(service, all.slice(0, 2));
    await eventually("one left", async () => (await real(service)).join() === `${hosts.provider2}:9013`);
    await eventually("mirrored", () => mirrored(service).length === 1);
  });

  test("registers one that stays without it, in a cluster of its own", async () => {
    const service = `persistent-${line}`;
    const instance = { ip: hosts.provider3, port: 9021, ephemeral: false, cluster: "C1" };
    await one().register(service, instance);
    await eventually("there", async () => (await nacos.instances(service))[0]?.clusterName === "C1");
    await one().deregister(service, instance);
    await eventually("gone", async () => (await real(service)).length === 0);
  });

  test("publishes a configuration, reads it, is told when it changes, and removes it", async () => {
    const dataId = `settings-${line}`;
    await one().listen(dataId, "G");
    expect(await one().publish(dataId, "G", "a=1")).toBe(true);
    const told = (text: string) =>
      one()
        .events()
        .some((event) => event.dataId === dataId && event.content === text);
    await eventually("the first", () => told("a=1"));
    // 3.x names the namespace that others leave out; to a 2.3.2 server these are two.
    const key = { dataId, group: "G", tenant: line === "3.0" ? "public" : "" };
    await nacos.ask("POST", "/v1/cs/configs", new URLSearchParams({ ...key, content: "a=2" }));
    await eventually("the second", () => told("a=2"));
    expect(await one().config(dataId, "G")).toBe("a=2");
    expect(await one().removeConfig(dataId, "G")).toBe(true);
    await eventually(
      "removed",
      async () => (await nacos.ask("GET", `/v1/cs/configs?${new URLSearchParams(key)}`)).status === 404,
    );
  });
});

test("what a 3.x client can and a 2.3.2 server cannot is told through the facade as it is without", async () => {
  const direct = await startNacosClient("3.0", nacos.address);
  const said = async (one: NacosClient) =>
    one.fuzzyWatch("DEFAULT_GROUP").then(
      () => "nothing",
      (error: Error) => error.message,
    );
  const text = await said(direct);
  expect(text).toContain("not support fuzzy watch");
  expect(await said(clients.get("3.0")!)).toBe(text);
  await direct.peer.kill();
});

describe("plain HTTP", () => {
  const base = `http://${hosts.trestle}:${PORT}/nacos`;
  const ask = async (method: string, path: string, form?: Readonly<Record<string, string>>) => {
    const answer = await fetch(base + path, { method, ...(form && { body: new URLSearchParams(form) }) });
    return { status: answer.status, body: await answer.text() };
  };

  test("v2: an instance is registered, listed and taken out, a configuration published, read and removed", async () => {
    const own = { serviceName: "http-v2", ip: hosts.provider1, port: "9031", ephemeral: "true" };
    expect(await ask("POST", "/v2/ns/instance", own)).toMatchObject({ status: 200 });
    await eventually("registered", async () => (await real("http-v2")).join() === `${hosts.provider1}:9031`);
    const list = await ask("GET", "/v2/ns/instance/list?serviceName=http-v2");
    expect((JSON.parse(list.body) as { data: { hosts: { port: number }[] } }).data.hosts[0]?.port).toBe(9031);
    expect(await ask("DELETE", `/v2/ns/instance?${new URLSearchParams(own)}`)).toMatchObject({ status: 200 });
    await eventually("gone", async () => (await real("http-v2")).length === 0);
    const key = { dataId: "http", group: "G" };
    expect(await ask("POST", "/v2/cs/config", { ...key, content: "x=1" })).toMatchObject({ status: 200 });
    const read = async () => JSON.parse((await ask("GET", `/v2/cs/config?${new URLSearchParams(key)}`)).body) as object;
    await eventually("read", async () => JSON.stringify(await read()).includes('"x=1"'));
    expect(await ask("DELETE", `/v2/cs/config?${new URLSearchParams(key)}`)).toMatchObject({ status: 200 });
    await eventually("removed", async () => (await nacos.text("http", "G")) === undefined);
  });

  test("v3 is passed: a 2.3.2 server says that it does not know it", async () => {
    expect((await ask("GET", "/v3/client/ns/instance/list?serviceName=led")).status).toBe(404);
    expect((await ask("GET", "/v3/client/cs/config?dataId=http&group=G")).status).toBe(404);
  });
});

test("a server that asks all its clients to connect anew: nobody is shown an empty list, and all stands afterwards", async () => {
  const [provider, consumer] = [clients.get("2.4")!, clients.get("3.0")!];
  await provider.register("stays", { ip: hosts.provider1, port: 9041 });
  await consumer.subscribe("stays");
  await eventually("known", () => consumer.pushed("stays")?.length === 1 && mirrored("stays").length === 1);
  const before = { events: consumer.events().length, lost: lost.length, resumed: facade.counters.resumed };
  const connections = JSON.parse((await nacos.ask("GET", "/v2/core/loader/current")).body) as Record<string, unknown>;
  for (const connectionId of Object.keys(connections))
    await nacos.ask("GET", `/v2/core/loader/reloadClient?${new URLSearchParams({ connectionId })}`);
  await eventually("joined again", () => facade.counters.resumed >= before.resumed + 2, 20_000);
  await eventually("the source too", () => lost.slice(before.lost).join() === "true,false", 20_000);
  await eventually("at the server", async () => (await real("stays")).length === 1);
  await provider.register("stays", { ip: hosts.provider1, port: 9042 });
  await eventually("told", () => addresses(consumer.pushed("stays"))?.includes(`${hosts.provider1}:9042`), 20_000);
  await eventually("mirrored", () => mirrored("stays").includes(`${hosts.provider1}:9042 100`), 20_000);
  const told = consumer.events().slice(before.events);
  expect(told.filter(({ service, instances }) => service === "stays" && instances?.length === 0)).toEqual([]);
  expect(facade.counters.abandoned).toBe(0);
}, 60_000);
