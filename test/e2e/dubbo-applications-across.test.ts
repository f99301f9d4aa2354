import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// Consumers that look at application level alone, and providers in other registries than theirs.
const facade = `zookeeper://${hosts.trestle}:2181`;
const INTERFACE = "com.acme.OrderService";
const MAPPING = `/dubbo/mapping/${INTERFACE}`;
const FORCED = ["-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION"];

/** Where the callers are. */
let here: ZooKeeper;
let there: ZooKeeper;
let nacos: Nacos;
let trestle: Trestle;

function startHere(): Promise<Trestle> {
  return startTrestle({
    registry: here.address,
    facade,
    extra: [there.address, nacos.address].flatMap((one) => ["--registry", one]),
  });
}

beforeAll(async () => {
  requireNamespace();
  [here, there, nacos] = await Promise.all([
    startZooKeeper(hosts.registry),
    startZooKeeper(hosts.registry, 2182),
    startNacos(hosts.registry),
  ]);
  trestle = await startHere();
}, 120_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
});

function consumer(line: DubboLine, group: string): Promise<Consumer> {
  return startConsumer(
    line,
    { registry: facade, group, version: "1.0.0", timeout: 5_000, check: false, application: `caller-${group}` },
    FORCED,
  );
}

/** What a mapping says at an address. */
async function mapping(address: string): Promise<string | undefined> {
  const znodes = await openZnodes(address);
  try {
    return await znodes.text(MAPPING);
  } finally {
    znodes.close();
  }
}

function label(one: Consumer, ref?: string): Promise<unknown> {
  return eventually(
    "an answer",
    async () =>
      ((await one.call("whoAmI", undefined, undefined, ref).catch(() => undefined)) as { label?: string } | undefined)
        ?.label,
    30_000,
  );
}

describe("a consumer at application level alone on ZooKeeper", () => {
  test("calls a provider of another ZooKeeper, at application level alone", async () => {
    const far = await startProvider("3.3", {
      ...{ registry: there.address, host: hosts.provider1, group: "far", version: "1.0.0", label: "far" },
      ...{ application: "shop", mode: "instance" },
    });
    await eventually("mapped", async () => (await mapping(facade)) === "shop.trestle", 20_000);
    const calls = async (line: DubboLine) => {
      const one = await consumer(line, "far");
      expect(await label(one), line).toBe("far");
      await one.stop();
    };
    await Promise.all([calls("3.3"), calls("3.2")]);
    expect(await mapping(here.address)).toBeUndefined();
    await far.stop();
  });

  test("calls a provider that Nacos got after it had looked; its own registry's providers come beside it", async () => {
    const one = await consumer("3.3", "n");
    onTestFinished(() => one.stop());
    const far = await startProvider("2.7", {
      ...{ registry: nacos.address, host: hosts.provider2, group: "n", version: "1.0.0", label: "on nacos" },
      ...{ application: "stock" },
    });
    expect(await label(one)).toBe("on nacos");
    const near = await startProvider("3.3", {
      ...{ registry: facade, host: hosts.provider3, group: "n", version: "1.0.0", label: "near" },
      ...{ application: "desk", mode: "instance" },
    });
    expect(await mapping(here.address)).toBe("desk");
    expect((await mapping(facade))?.split(",")).toContain("desk");
    await far.stop();
    await eventually("near alone", async () => (await mapping(facade)) === "desk", 20_000);
    expect(await label(one)).toBe("near");
    await near.stop();
  });
});

describe("a provider of 2.7 at application level (registry-type=service), whose instance says no revision,", () => {
  test.each<[string, DubboLine, string, boolean]>([
    ["on the same ZooKeeper is called by a 2.7 consumer at interface level", "2.7", "old", false],
    ["on Nacos is called by a 3.3 consumer at application level alone", "3.3", "older", true],
  ])("%s", async (_, line, group, isFar) => {
    const address = isFar ? nacos.address : facade;
    const provider = await startProvider("2.7", {
      ...{ registry: `${address}?registry-type=service`, host: hosts.provider1, group, version: "1.0.0", label: group },
      application: group,
    });
    onTestFinished(async () => void (await provider.stop()));
    const options = { registry: facade, group, version: "1.0.0", timeout: 5_000, check: false };
    const one = await startConsumer(line, options, isFar ? FORCED : []);
    onTestFinished(() => one.stop());
    expect(await label(one)).toBe(group);
    const { services } = (await trestle.json("/api/v1/services")) as {
      services: { service: string; endpoints: number }[];
    };
    expect(services.find(({ service }) => service === `${group}/${INTERFACE}:1.0.0`)?.endpoints).toBe(1);
  });
});

test("when Trestle is started anew, consumers find again what they had, in their registry and in another, at each level", async () => {
  const provider = (registry: string, host: string, name: string) =>
    startProvider("3.3", {
      ...{ registry, host, group: name, version: "1.0.0", label: name, application: name, mode: "instance" },
    });
  const options = { registry: facade, group: "away", version: "1.0.0", timeout: 5_000, check: false };
  const [one, old, ...providers] = await Promise.all([
    consumer("3.3", "kept"),
    startConsumer("2.7", { ...options, application: "old-caller" }),
    provider(facade, hosts.provider1, "kept"),
    provider(there.address, hosts.provider2, "away"),
  ]);
  await one.refer("away", options);
  onTestFinished(async () => void (await Promise.all([one, old, ...providers].map((each) => each.stop()))));
  const find = async () => {
    expect(await label(one)).toBe("kept");
    expect(await label(one, "away")).toBe("away");
    expect(await label(old)).toBe("away");
  };
  await find();
  await trestle.stop();
  trestle = await startHere();
  await find();
  const carried = async () => {
    await find();
    const { body } = await trestle.get("/metrics");
    return ["kept", "away"].every((group) => new RegExp(`istio_requests_total\\{[^\n]*-${group}-1-0-0-`).test(body));
  };
  await eventually("carried again", carried, 60_000);
}, 180_000);
