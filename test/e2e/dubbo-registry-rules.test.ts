import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, type Loop, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// What stands in the registry beside the providers: overrides act on running calls; routers that are not applied and broadcasts pass unchanged.
const service = { group: "g", version: "1.0.0" };
const face = "com.acme.OrderService";
const category = (name: string, url: string) => `/dubbo/${face}/${name}/${encodeURIComponent(url)}`;
const both = ["2.6", "3.3"] as const;
let mesh: Mesh;
let real: Znodes;
let consumers: readonly Consumer[];
let loops: readonly Loop[];

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const provider = (line: "2.7" | "3.3", label: string, host: string) =>
    startProvider(line, { ...service, registry: mesh.inside, application: "shop", host, label, warmup: 1 });
  await Promise.all([provider("2.7", "v1", hosts.provider1), provider("3.3", "v2", hosts.provider2)]);
  real = await openZnodes(mesh.outside);
  // With the first override of a service, whatever it says, 3.3 takes all of its addresses for others (DubboServiceAddressURL.equals) and
  // destroys their invokers under calls that have picked one: "This invoker has been destroyed!", in 1 of 12 runs. Its own retries cover that.
  consumers = await Promise.all(
    both.map((line) => startConsumer(line, { ...service, registry: mesh.inside, retries: 1 })),
  );
  loops = await Promise.all(consumers.map((one) => one.loop({ methods: "whoAmI", threads: 3, delay: 5 })));
  await eventually("both consumers call both providers", async () => {
    const seen = await labels();
    return seen.every(({ v1, v2 }) => v1 > 0 && v2 > 0);
  });
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

/** Calls since it was asked last, by consumer and provider; none may have failed. */
async function labels(): Promise<{ v1: number; v2: number }[]> {
  return Promise.all(
    loops.map(async (loop) => {
      const { counts, errors } = await loop.stats(true);
      expect(errors).toEqual([]);
      return { v1: counts["whoAmI@v1"] ?? 0, v2: counts["whoAmI@v2"] ?? 0 };
    }),
  );
}

/** The calls of one second that begins `settleMs` after now. */
async function labelsAfter(settleMs: number): Promise<{ v1: number; v2: number }[]> {
  await sleep(settleMs);
  await labels();
  await sleep(1_000);
  return labels();
}

describe("an override:// in the registry acts within 2 s on calls that are under way", () => {
  const at = (params: string) =>
    category(
      "configurators",
      `override://${hosts.provider1}:20880/${face}?category=configurators&dynamic=false&${params}`,
    );

  test("disabled takes the provider out, and its end brings it back", async () => {
    const path = at("group=g&version=1.0.0&disabled=true");
    await real.make(path);
    for (const { v1, v2 } of await labelsAfter(2_000)) {
      expect(v1).toBe(0);
      expect(v2).toBeGreaterThan(50);
    }
    await real.remove(path);
    for (const { v1, v2 } of await labelsAfter(2_000)) expect(v1 / v2).toBeGreaterThan(0.5);
  });

  test("weight changes its share", async () => {
    const path = at("group=g&version=1.0.0&weight=900");
    await real.make(path);
    for (const { v1, v2 } of await labelsAfter(2_000)) {
      expect(v1 / v2).toBeGreaterThan(4.5);
      expect(v2).toBeGreaterThan(0);
    }
    await real.remove(path);
    for (const { v1, v2 } of await labelsAfter(2_000)) expect(v1 / v2).toBeLessThan(2);
  });
});

/** The part of one second's calls that the proxies carried. 3.3 takes up a new list of providers 5 s after it was told. */
async function carriedPart(): Promise<number> {
  await labels();
  const before = await mesh.carried();
  await sleep(1_000);
  const carried = (await mesh.carried()) - before;
  const made = (await labels()).reduce((sum, { v1, v2 }) => sum + v1 + v2, 0);
  return carried / made;
}

describe("a service that a router rules passes unchanged, and is led through the proxy again without it", () => {
  const route = `script://0.0.0.0/${face}?category=routers&dynamic=false&enabled=true&force=true&group=g&version=1.0.0&name=r&priority=1&runtime=true&rule=x`;
  // An address of IPv6 is none that Trestle reads. Who asks for no tag does not get providers of one.
  const rule = `force: true\nruntime: true\nenabled: true\nkey: shop\ntags:\n - {name: gray, addresses: ["[::1]:1", "${hosts.provider1}:20880"]}\n`;

  // 2.6 and 3.3 run no scripts on a Java without an engine; 3.3 alone knows tag rules.
  test.each([
    { name: "a script:// node", path: category("routers", route), text: "", obeys: undefined, finding: "TR0130" },
    { name: "a tag rule", path: "/dubbo/config/dubbo/shop.tag-router", text: rule, obeys: 1, finding: "TR0131" },
  ])("$name", async ({ path, text, obeys, finding }) => {
    expect(await carriedPart()).toBeGreaterThan(0.9);
    await real.make(path);
    if (text !== "") await real.write(path, text);
    await eventually("nothing is carried any more", async () => (await carriedPart()) === 0, 20_000);
    expect((await mesh.trestle.get("/api/v1/findings")).body).toContain(finding);
    if (obeys !== undefined) {
      await eventually(
        "the consumer applies the router to the real addresses",
        async () => {
          const seen = (await labelsAfter(500))[obeys]!;
          return seen.v1 === 0 && seen.v2 > 50;
        },
        20_000,
      );
      expect((await labelsAfter(500))[1 - obeys]!.v1).toBeGreaterThan(0);
    }
    await real.remove(path);
    await eventually("all is carried again", async () => (await carriedPart()) > 0.9, 30_000);
    expect((await labelsAfter(1_000)).every(({ v1, v2 }) => v1 > 0 && v2 > 0)).toBe(true);
  });
});

describe("a consumer with cluster=broadcast", () => {
  test("calls every provider itself", async () => {
    for (const loop of loops) await loop.stop();
    for (const [index, one] of consumers.entries()) {
      const id = 700 + index;
      await one.refer("all", { ...service, registry: mesh.inside, cluster: "broadcast" });
      await one.call("whoAmI", undefined, {}, "all");
      // 3.x knows the proxies as the application's instances from its other reference, and takes up that they are gone once in 5 s.
      if (one.line.startsWith("3.")) await sleep(6_000);
      const before = await mesh.carried();
      await one.call("cancelOrder", id, {}, "all");
      expect(await mesh.carried()).toBe(before);
      for (const host of [hosts.provider1, hosts.provider2]) {
        await one.refer(host, { ...service, url: `dubbo://${host}:20880` });
        expect(await one.call("notes", `cancelled-${id}`, {}, host), `${one.line} at ${host}`).toBe(1);
      }
    }
  });
});
