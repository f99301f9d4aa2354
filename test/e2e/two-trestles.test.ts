import { afterAll, beforeAll, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { runTrestle, startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes } from "../support/znodes.ts";
import { startZooKeeper } from "../support/zookeeper.ts";

// Two Trestles, each before a ZooKeeper of its own, and each mirroring the other one's facade.
const sides = [
  { host: hosts.trestle, facade: `zookeeper://${hosts.trestle}:2181` },
  { host: hosts.relay, facade: `zookeeper://${hosts.relay}:2181` },
] as const;
const service = { group: "g", version: "1.0.0" };
const KEY = "g/com.acme.OrderService:1.0.0";

let trestles: readonly Trestle[];

beforeAll(async () => {
  requireNamespace();
  const registries = await Promise.all([startZooKeeper(hosts.registry), startZooKeeper(hosts.registry, 2182)]);
  trestles = await Promise.all(
    sides.map(({ host, facade }, i) =>
      startTrestle({
        ...{ host, facade, registry: registries[i]!.address },
        extra: ["--registry", sides[1 - i]!.facade],
        // Neither is ready while the other one's facade does not listen.
        readyStatus: 503,
      }),
    ),
  );
  const isReady = async (one: Trestle) => (await one.get("/ready")).status === 200;
  await eventually("both ready", async () => (await Promise.all(trestles.map(isReady))).every(Boolean), 60_000);
}, 120_000);

afterAll(async () => {
  await Promise.all(trestles.map((one) => one.stop()));
  await stopAll();
});

/** The hosts of the service's endpoints, as a Trestle knows them. */
async function known(one: Trestle): Promise<readonly string[]> {
  const { endpoints } = (await one.json(`/api/v1/endpoints?service=${encodeURIComponent(KEY)}`)) as {
    endpoints: readonly { readonly address: string }[];
  };
  return [...new Set(endpoints.map(({ address }) => address.split(":")[0] ?? ""))].sort();
}

test("a service of the one is called by the other one's consumers, and calls go round nowhere, nor stay when it has gone", async () => {
  const provider = await startProvider("2.7", {
    ...{ ...service, registry: sides[0].facade, host: hosts.provider1, label: "one" },
  });
  await eventually("led", async () => String(await known(trestles[1]!)) === hosts.trestle, 30_000);
  const inside = await openZnodes(sides[1].facade);
  const shown = async () => (await inside.children("/dubbo/com.acme.OrderService/providers")).length;
  await eventually("shown by the other one", async () => (await shown()) > 0, 15_000);
  await eventually("seen by the first", async () => (await known(trestles[0]!)).length > 0, 15_000);
  expect(await known(trestles[0]!)).toEqual([hosts.provider1]);
  const call = ["call", "--registry", sides[1].facade, "--group", "g", "--version", "1.0.0"];
  const { stdout, stderr } = await runTrestle([...call, "com.acme.OrderService.whoAmI"]);
  expect(stdout, stderr).toContain("one");
  await provider.stop();
  await eventually(
    "gone from both",
    async () => (await known(trestles[0]!)).length + (await known(trestles[1]!)).length === 0,
    30_000,
  );
  expect(await shown()).toBe(0);
  inside.close();
});
