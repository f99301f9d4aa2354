import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, startProcess, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// A ZooKeeper and a Nacos that hold the same services and say other things of them, and a Eureka, in one `trestle sync`; each has a guard of its own.
const cli = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");
const admin = `${hosts.trestle}:15000`;
const ORDERS = "com.acme.OrderService";
/** One that a person put there by hand: its lease lasts for the whole test, ms. */
const LEASE_MS = 600_000;

let folder: string;
let zookeeper: ZooKeeper;
let nacos: Nacos;
let eureka: Eureka;
let znodes: Znodes;
let sync: Peer;

beforeAll(async () => {
  requireNamespace();
  folder = await mkdtemp(join(tmpdir(), "trestle-disagree-"));
  nacos = await startNacos(hosts.registry);
  [zookeeper, eureka] = await Promise.all([startZooKeeper(hosts.registry), startEureka()]);
  znodes = await openZnodes(zookeeper.address);
  // The guard weighs what it has known for a while, as it does what stood there at the start.
  for (const i of [1, 2, 3, 4]) {
    await znodes.make(node("com.acme.Held", `10.1.1.${i}:20880`, {}));
    await znodes.make(node("com.acme.batch.Job", `10.1.1.${i}:20881`, {}));
    await inNacos("POST", "com.acme.Free", `10.1.1.${i}:20880`);
  }
  await writeFile(
    join(folder, "trestle.yaml"),
    `registries:
- name: zk
  url: ${zookeeper.address}
  guard: {least: 2, share: 0.4, hold: 1h, services: {"com.acme.batch.*": {hold: 0s, grace: 0s}}}
- name: na
  url: ${nacos.address}
  guard: {hold: 0s, grace: 0s}
- {name: eu, url: "eureka://${eureka.host}:${eureka.port}/eureka?interval=500ms"}
guard: {least: 3, share: 0.5, hold: 1h}
outputs: [{files: ${join(folder, "out")}}]
admin: ${admin}
`,
  );
  sync = await startProcess({
    name: "trestle sync",
    command: process.execPath,
    args: [cli, "sync", "-c", join(folder, "trestle.yaml")],
    ready: async () => (await ask("/ready").catch(() => ({ status: 0 }))).status === 200,
    deadlineMs: 60_000,
  });
}, 240_000);

afterAll(async () => {
  await sync?.stop(10_000);
  znodes?.close();
  await stopAll();
  await nacos?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(path: string) {
  const answer = await fetch(`http://${admin}${path}`, { signal: AbortSignal.timeout(2_000) });
  return { status: answer.status, body: await answer.text() };
}

type Params = Readonly<Record<string, string>>;

function node(service: string, address: string, params: Params): string {
  const query = new URLSearchParams({ interface: service, side: "provider", category: "providers", ...params });
  return `/dubbo/${service}/providers/${encodeURIComponent(`dubbo://${address}/${service}?${query}`)}`;
}

async function inNacos(method: "POST" | "DELETE", service: string, address: string, params: Params = {}, weight = "1") {
  const [ip = "", port = ""] = address.split(":");
  const metadata = {
    ...{ interface: service, path: service, protocol: "dubbo", side: "provider", category: "providers", ...params },
    ...{ "preserved.heart.beat.timeout": LEASE_MS, "preserved.ip.delete.timeout": LEASE_MS },
  };
  const query = { serviceName: `providers:${service}::`, ip, port, weight, ephemeral: "true" };
  const { status, body } = await nacos.ask(
    method,
    `/v1/ns/instance?${new URLSearchParams({ ...query, metadata: JSON.stringify(metadata) })}`,
  );
  expect([status, body]).toEqual([200, "ok"]);
}

interface Seen {
  readonly address: string;
  readonly registry: string;
  readonly weight: number;
  readonly tag: string;
  readonly params: Params;
}

/** The endpoints of a service, one line each: address, whose word counts, and what it says. */
async function seen(service: string): Promise<readonly string[]> {
  const { endpoints } = JSON.parse((await ask(`/api/v1/endpoints?service=${service}`)).body) as { endpoints: Seen[] };
  return endpoints.map(
    ({ address, registry, weight, tag, params }) =>
      `${address.replace(/:2088.$/, "")} ${registry} ${weight} ${tag || "-"} ${params["region"] ?? "-"}`,
  );
}

/** The same by address and weight, from the file that was written. */
async function written(service: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, "out", `${service.toLowerCase()}.yaml`), "utf8");
  const { spec } = parse(text) as { spec: { endpoints?: readonly { address: string; weight: number }[] } };
  return (spec.endpoints ?? []).map(({ address, weight }) => `${address} ${weight}`);
}

async function becomes(service: string, expected: readonly string[]): Promise<void> {
  const same = async () => {
    expect(await seen(service)).toEqual(expected);
    return true;
  };
  await eventually(`${service} as its registries say`, same, 20_000);
}

async function registries() {
  const { registries } = JSON.parse((await ask("/api/v1/registries")).body) as {
    registries: readonly Readonly<Record<string, unknown>>[];
  };
  return Object.fromEntries(registries.map((one) => [String(one["name"]), one]));
}

const ofZk = { weight: "300", "dubbo.tag": "blue", region: "east" };
/** With Nacos' own weight of 7. */
const ofNacos = { "dubbo.tag": "green", region: "west" };

test("of an endpoint that both have the first registry's weight, tag and parameters count; of others, those of who has them", async () => {
  await inNacos("POST", ORDERS, "10.1.0.1:20880", ofNacos, "7");
  await inNacos("POST", ORDERS, "10.1.0.3:20880", ofNacos, "7");
  await becomes(ORDERS, ["10.1.0.1 na 700 green west", "10.1.0.3 na 700 green west"]);
  await znodes.make(node(ORDERS, "10.1.0.1:20880", ofZk));
  await znodes.make(node(ORDERS, "10.1.0.2:20880", ofZk));
  await becomes(ORDERS, ["10.1.0.1 zk 300 blue east", "10.1.0.2 zk 300 blue east", "10.1.0.3 na 700 green west"]);
  await eventually("written", async () => String(await written(ORDERS)) === "10.1.0.1 300,10.1.0.2 300,10.1.0.3 700");
}, 60_000);

test("who loses the endpoint gives way to the other one's word; the second one's loss changes nothing", async () => {
  await znodes.remove(node(ORDERS, "10.1.0.1:20880", ofZk));
  await becomes(ORDERS, ["10.1.0.1 na 700 green west", "10.1.0.2 zk 300 blue east", "10.1.0.3 na 700 green west"]);
  await znodes.make(node(ORDERS, "10.1.0.1:20880", ofZk));
  await becomes(ORDERS, ["10.1.0.1 zk 300 blue east", "10.1.0.2 zk 300 blue east", "10.1.0.3 na 700 green west"]);
  await inNacos("DELETE", ORDERS, "10.1.0.1:20880");
  await inNacos("DELETE", ORDERS, "10.1.0.3:20880");
  await becomes(ORDERS, ["10.1.0.1 zk 300 blue east", "10.1.0.2 zk 300 blue east"]);
  await inNacos("POST", ORDERS, "10.1.0.1:20880", ofNacos, "7");
  await inNacos("POST", ORDERS, "10.1.0.3:20880", ofNacos, "7");
  await becomes(ORDERS, ["10.1.0.1 zk 300 blue east", "10.1.0.2 zk 300 blue east", "10.1.0.3 na 700 green west"]);
}, 60_000);

test("a sudden loss is held as the guard of its registry and service says", async () => {
  const lines = (hostsLeft: readonly number[], of: string) => hostsLeft.map((i) => `10.1.1.${i} ${of} 100 - -`);
  const all = [1, 2, 3, 4];
  await becomes("com.acme.Held", lines(all, "zk"));
  await becomes("com.acme.batch.Job", lines(all, "zk"));
  await becomes("com.acme.Free", lines(all, "na"));
  for (const i of [2, 3, 4]) {
    await znodes.remove(node("com.acme.Held", `10.1.1.${i}:20880`, {}));
    await znodes.remove(node("com.acme.batch.Job", `10.1.1.${i}:20881`, {}));
    await inNacos("DELETE", "com.acme.Free", `10.1.1.${i}:20880`);
  }
  // The pattern of its services, and the other registry's guard, hold nothing.
  await becomes("com.acme.batch.Job", lines([1], "zk"));
  await becomes("com.acme.Free", lines([1], "na"));
  const { findings } = JSON.parse((await ask("/api/v1/findings")).body) as {
    findings: { code: string; message: string }[];
  };
  const held = findings.filter(({ code }) => code === "TR0150").map(({ message }) => message);
  expect(held).toEqual([expect.stringContaining("com.acme.Held")]);
  const stands = await seen("com.acme.Held");
  expect(stands.length).toBeGreaterThan(1);
  expect((await registries())["zk"]!["heldEndpoints"]).toBe(stands.length - 1);
}, 60_000);

test("each registry tells its state, age, lag, size and errors; one that is lost, why; what it said stands", async () => {
  expect(
    (
      await eureka.ask("POST", "/apps/SVC-E", {
        instance: rawInstance({ app: "svc-e", host: hosts.provider1, port: 9_001 }),
      })
    ).status,
  ).toBe(204);
  await eventually("svc-e", async () => (await seen("svc-e")).length === 1, 20_000);
  const before = (await ask("/metrics")).body;
  for (const [name, services] of [
    ["zk", 3],
    ["na", 2],
    ["eu", 1],
  ] as const) {
    const value = (metric: string, more = "") =>
      Number(before.match(new RegExp(`^trestle_registry_${metric}\\{registry="${name}"${more}\\} (.*)$`, "m"))?.[1]);
    expect(value("state", ',state="connected"'), name).toBe(1);
    expect(value("services"), name).toBe(services);
    expect(value("endpoints"), name).toBeGreaterThanOrEqual(services);
    expect(value("age_seconds"), name).toBeGreaterThan(0);
    expect(value("lag_seconds"), name).toBeGreaterThanOrEqual(0);
  }
  await Promise.all([nacos.kill(), eureka.kill(), zookeeper.kill()]);
  const lost = async () => {
    const all = await registries();
    for (const one of Object.values(all)) expect(one).toMatchObject({ state: "lost", error: expect.any(String) });
    return all;
  };
  const told = await eventually("all are lost", lost, 60_000);
  const after = (await ask("/metrics")).body;
  for (const name of ["zk", "na", "eu"]) {
    expect(after, name).toMatch(new RegExp(`^trestle_registry_state\\{registry="${name}",state="lost"\\} 1$`, "m"));
    expect(
      Number(after.match(new RegExp(`^trestle_registry_errors(?:_total)?\\{registry="${name}"\\} (.*)$`, "m"))?.[1]),
      name,
    ).toBeGreaterThan(0);
    expect(String(told[name]!["error"]), name).not.toBe("");
  }
  expect(await seen(ORDERS)).toEqual([
    "10.1.0.1 zk 300 blue east",
    "10.1.0.2 zk 300 blue east",
    "10.1.0.3 na 700 green west",
  ]);
  expect(await seen("svc-e")).toHaveLength(1);
}, 120_000);
