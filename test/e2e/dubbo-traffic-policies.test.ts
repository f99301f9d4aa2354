import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";

// What a DestinationRule says of balancing and of providers that fail, with two real providers in two places.

const service = { group: "g", version: "1.0.0" };
let mesh: Mesh;
let near: Peer;
let consumer: Consumer;

beforeAll(async () => {
  requireNamespace();
  const config = join(await mkdtemp(join(tmpdir(), "trestle-config-")), "trestle.yaml");
  await writeFile(config, "proxy: {locality: north/n1}\n");
  mesh = await startMesh({ extra: ["-c", config] });
  const provider = (line: "2.7" | "3.3", host: string, label: string, params: Record<string, string>) =>
    startProvider(line, { ...service, registry: mesh.inside, host, label, warmup: 1, params });
  [near] = await Promise.all([
    provider("2.7", hosts.provider1, "near", { region: "north", zone: "n1" }),
    provider("3.3", hosts.provider2, "far", { region: "south", zone: "s1" }),
  ]);
  consumer = await startConsumer("3.3", { ...service, registry: mesh.inside, timeout: 1_500, retries: 0 });
  await eventually("calls at both", async () => {
    const seen = await served(20);
    return seen.includes("near") && seen.includes("far");
  });
});

afterAll(async () => {
  await stopAll();
});

/** Who serves `count` calls, one after the other; `lost` for a call that fails. */
async function served(count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) seen.push(await servedBy("whoAmI"));
  return seen;
}

async function servedBy(method: string, arg?: number): Promise<string> {
  try {
    const value = await consumer.call(method, arg);
    return /near|far/.exec(JSON.stringify(value))?.[0] ?? "nobody";
  } catch {
    return "lost";
  }
}

function rule(trafficPolicy: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: com.acme.OrderService
  trafficPolicy:
${trafficPolicy.replace(/^/gm, "    ")}
`;
}

const hostname = "{group: networking.istio.io, kind: Hostname, name: com.acme.OrderService}";

test.each([
  ["with the same argument", rule("loadBalancer: {consistentHash: {httpHeaderName: dubbo-arg-0}}")],
  [
    "of one session",
    `apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: orders}
spec:
  parentRefs: [${hostname}]
  rules: [{backendRefs: [${hostname}], sessionPersistence: {type: Header, sessionName: dubbo-arg-0}}]
`,
  ],
])("calls %s go to the same provider, through every worker", async (_, text) => {
  await mesh.rules(text);
  const owners = async () => {
    const found: string[] = [];
    for (let id = 1; id <= 16; id++) found.push(await servedBy("getOrder", id));
    return found;
  };
  let first: string[] = [];
  await eventually("the rule to be in force", async () => {
    first = await owners();
    return first.join() === (await owners()).join();
  });
  expect(new Set(first)).toEqual(new Set(["near", "far"]));
  for (let round = 0; round < 4; round++) expect(await owners()).toEqual(first);
});

test("calls are shared out to places by weight", async () => {
  await mesh.rules(
    rule(`loadBalancer:
  localityLbSetting: {distribute: [{from: "north/*", to: {"north/*": 90, "south/*": 10}}]}`),
  );
  const nearOf = async (count: number) => (await served(count)).filter((one) => one === "near").length;
  await eventually("most calls near", async () => (await nearOf(40)) > 28);
  const seen = await nearOf(300);
  expect(seen).toBeGreaterThan(230);
  expect(seen).toBeLessThan(300);
});

test("calls stay in the region where zones count", async () => {
  await mesh.rules(rule("loadBalancer: {zoneAwareLbSetting: {enabled: true}}"));
  await eventually("all calls near", async () => (await served(20)).every((one) => one === "near"));
});

test("calls stay near; a provider that does not answer is ejected, others serve, and it comes back", async () => {
  await mesh.rules(
    rule(`outlierDetection: {consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 4s, maxEjectionPercent: 100}
loadBalancer: {simple: ROUND_ROBIN, localityLbSetting: {enabled: true}}`),
  );
  const all = (label: string) => async () => (await served(12)).every((one) => one === label);
  await eventually("all calls near", all("near"));
  near.suspend();
  // A worker says so while it lasts, which is seen from call to call: soon the provider's session at the registry is over, too.
  let ejected = "";
  const look = async () => {
    const { endpoints } = (await mesh.trestle.json("/api/v1/endpoints?service=com.acme.OrderService")) as {
      endpoints: { address: string; ejected?: unknown[] }[];
    };
    const names = endpoints.filter((one) => one.ejected !== undefined).map(({ address }) => address);
    if (names.length > 0) ejected = names.join();
  };
  await eventually(
    "all calls far away, and a worker that says why",
    async () => {
      let isFar = true;
      for (let i = 0; i < 12; i++) {
        isFar = (await servedBy("whoAmI")) === "far" && isFar;
        await look();
      }
      return isFar && ejected !== "";
    },
    60_000,
  );
  expect(ejected).toMatch(new RegExp(`^${hosts.provider1}:\\d+$`));
  near.resume();
  await eventually("all calls near again", all("near"), 60_000);
});
