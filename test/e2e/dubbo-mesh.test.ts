import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Consumer,
  type DubboLine,
  type LoopSummary,
  lines,
  type ProviderOptions,
  startConsumer,
  startProvider,
} from "../support/dubbo.ts";
import { type Mesh, splitRule, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";
import { openZnodes } from "../support/znodes.ts";

// What must never cost a call: a changed rule, a provider that comes or goes, a restart, a registry that is away.
let mesh: Mesh;
const service = { group: "g", version: "1.0.0" };
/** One consumer of each line, whose first reference is to `service`; cases that need another one add it. */
let consumers: Readonly<Record<(typeof lines)[number], Consumer>>;
let v1: Peer;
let v2: Peer;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const starting = lines.map(async (line) => [
    line,
    await startConsumer(line, { ...service, registry: mesh.inside, check: false }),
  ]);
  [v1, v2] = await Promise.all([provider("2.7", "v1", hosts.provider1), provider("3.3", "v2", hosts.provider2)]);
  consumers = Object.fromEntries(await Promise.all(starting));
});

afterAll(async () => {
  await stopAll();
});

/** A provider inside the mesh, registered with region=LABEL. */
function provider(line: DubboLine, label: string, host: string, more: Partial<ProviderOptions> = {}): Promise<Peer> {
  return startProvider(line, { ...service, registry: mesh.inside, host, label, params: { region: label }, ...more });
}

function keysOf(summary: LoopSummary): string[] {
  return Object.keys(summary.counts).sort();
}

/** The loop's counts over `ms`, after `settleMs` for the change before it to be everywhere. */
async function counted(loop: { stats(reset?: boolean): Promise<LoopSummary> }, settleMs: number, ms: number) {
  await sleep(settleMs);
  const settling = await loop.stats(true);
  expect(settling.errors).toEqual([]);
  await sleep(ms);
  return loop.stats(true);
}

describe("two versions of a service", () => {
  afterAll(async () => {
    await Promise.all([v1.stop(), v2.stop()]);
  });

  test("a rule sends createOrder to v2 and all else to v1, and changes under load of every line without a lost call", async () => {
    await takeUp(mesh, splitRule(["createOrder"], "v2", "v1"));
    const loops = await Promise.all(
      Object.values(consumers).map((one) => one.loop({ methods: "getOrder,createOrder,find", threads: 3, delay: 5 })),
    );
    const eachCounts = (settleMs: number): Promise<LoopSummary[]> =>
      Promise.all(loops.map((loop) => counted(loop, settleMs, 1_000)));
    for (const counts of await eachCounts(500)) {
      expect(counts.errors).toEqual([]);
      expect(keysOf(counts)).toEqual(["createOrder@v2", "find@v1", "getOrder@v1"]);
    }
    await takeUp(mesh, splitRule(["getOrder", "find"], "v2", "v1"));
    for (const counts of await eachCounts(500)) {
      expect(counts.errors).toEqual([]);
      expect(keysOf(counts)).toEqual(["createOrder@v1", "find@v2", "getOrder@v2"]);
    }
    await mesh.rules("kind: VirtualService\n  spec: [broken");
    for (const counts of await eachCounts(1_000)) {
      expect(keysOf(counts)).toEqual(["createOrder@v1", "find@v2", "getOrder@v2"]);
    }
    await takeUp(mesh, "");
    for (const counts of await eachCounts(500)) {
      expect(keysOf(counts)).toEqual([
        "createOrder@v1",
        "createOrder@v2",
        "find@v1",
        "find@v2",
        "getOrder@v1",
        "getOrder@v2",
      ]);
    }
    for (const loop of loops) {
      const last = await loop.stop();
      expect(last.errors).toEqual([]);
    }
  });

  test("a generic call is routed by the method that it names", async () => {
    await takeUp(mesh, splitRule(["createOrder"], "v2", "v1"));
    for (const one of [consumers["2.6"], consumers["3.3"]]) {
      for (let i = 0; i < 5; i++) {
        const got = await one.ask({ op: "generic", method: "getOrder", types: ["long"], args: [i] });
        expect(got["value"]).toMatchObject({ id: i, servedBy: "v1" });
        const order = { class: "com.acme.Order", id: i };
        const made = await one.ask({ op: "generic", method: "createOrder", types: ["com.acme.Order"], args: [order] });
        expect(made["value"]).toMatchObject({ id: i, servedBy: "v2" });
      }
    }
    await mesh.rules("");
  });

  test("200 calls at once over one connection do not wait for each other", async () => {
    const one = consumers["2.7"];
    await one.refer("direct", { ...service, url: `dubbo://${hosts.trestle}:20880`, timeout: 8_000 });
    await one.call("whoAmI", undefined, undefined, "direct");
    const burst = await one.burst(200, 500, "direct");
    expect(burst.errors).toEqual([]);
    expect(burst.ok).toBe(200);
    // Dubbo's providers serve 200 calls at once each; two of them carry this without a second round.
    expect(burst.tookMs).toBeLessThan(2_500);
  });

  test("bodies of 7 MB pass both ways", async () => {
    const one = consumers["3.3"];
    await one.refer("patient", { ...service, registry: mesh.inside, timeout: 20_000 });
    for (const way of ["up", "down", "both"]) {
      expect(await one.ask({ op: "big", ref: "patient", size: 7_000_000, way })).toMatchObject({ ok: true });
    }
  });

  test("a restart of the proxies under load of 2.7 and 3.3 loses no call", async () => {
    const loops = await Promise.all(
      [consumers["2.7"], consumers["3.3"]].map((one) =>
        one.loop({ methods: "getOrder,createOrder,sleep", threads: 4, delay: 5 }),
      ),
    );
    await sleep(2_000);
    const workers = mesh.trestle.workers();
    const restart = await mesh.trestle.command("restart");
    expect(restart, restart.stderr).toMatchObject({ code: 0 });
    await sleep(3_000);
    expect(workers).toHaveLength(2);
    expect(mesh.trestle.workers().filter((pid) => workers.includes(pid))).toEqual([]);
    for (const loop of loops) {
      const summary = await loop.stop();
      expect(summary.errors).toEqual([]);
      expect(summary.calls).toBeGreaterThan(200);
    }
  });

  test("a registry that is killed and started again costs no call, and what changes after it is followed", async () => {
    const loop = await consumers["2.7"].loop({ methods: "getOrder", threads: 4, delay: 5 });
    await sleep(1_000);
    await mesh.zookeeper.kill();
    const away = await counted(loop, 500, 4_000);
    expect(away.errors).toEqual([]);
    expect(away.calls).toBeGreaterThan(100);
    await mesh.zookeeper.restart();
    const back = await counted(loop, 500, 4_000);
    expect(back.errors).toEqual([]);
    const v3 = await provider("2.6", "v3", hosts.provider3);
    await eventually(
      "calls at the new provider",
      async () => keysOf(await loop.stats(true)).includes("getOrder@v3"),
      15_000,
    );
    await v3.stop();
    const summary = await loop.stop();
    expect(summary.errors).toEqual([]);
  });
});

describe("providers that come and go under load", () => {
  test("one that ends gracefully and one that is killed cost no call while another lives", async () => {
    const group = "coming";
    const one = consumers["2.7"];
    const stays = await provider("2.7", "stays", hosts.provider1, { group });
    onTestFinished(async () => void (await stays.stop()));
    await one.refer("strict", { group, version: "1.0.0", registry: mesh.inside });
    // Without the consumer's own retries a lost call would show.
    const strict = await one.loop({ ref: "strict", methods: "getOrder", threads: 3, delay: 5 });
    const coming: readonly (readonly [line: DubboLine, label: string])[] = [
      ["2.6", "comes-2.6"],
      ["2.7", "comes-2.7"],
      ["3.3", "comes-3.3"],
      ["3.3", "killed"],
    ];
    const places = [hosts.provider2, hosts.provider3, hosts.relay, hosts.registry];
    const came = await Promise.all(coming.map(([line, label], i) => provider(line, label, places[i]!, { group })));
    const called = [...coming.map(([, label]) => `getOrder@${label}`), "getOrder@stays"];
    await eventually("calls at those that came", async () => keysOf(await strict.stats()).join() === called.join());
    const killed = came.pop()!;
    for (const [i, peer] of came.entries()) {
      await peer.stop();
      expect(keysOf(await counted(strict, 1_000, 1_000))).toEqual(called.slice(i + 1));
    }
    const end = await strict.stop();
    expect(end.errors).toEqual([]);

    // A killed one takes the calls in flight with it: Dubbo's default of two retries is what an application has against that.
    await one.refer("retrying", { group, version: "1.0.0", registry: mesh.inside, retries: 2 });
    const retrying = await one.loop({ ref: "retrying", methods: "getOrder", threads: 3, delay: 5 });
    await eventually("calls at the one to be killed", async () =>
      keysOf(await retrying.stats()).includes("getOrder@killed"),
    );
    await killed.kill();
    const after = await counted(retrying, 2_000, 1_000);
    expect(keysOf(after)).toEqual(["getOrder@stays"]);
    const last = await retrying.stop();
    expect(last.errors).toEqual([]);
  });
});

describe("3.x in its default mode", () => {
  test("consumers of 3.2 and 3.3 fall back to the interface addresses at start-up without a failed call", async () => {
    const young = ["3.2", "3.3"] as const;
    const both = await Promise.all(
      young.map((line, i) => provider(line, "both", [hosts.provider1, hosts.provider2][i]!, { group: line })),
    );
    onTestFinished(async () => void (await Promise.all(both.map((one) => one.stop()))));
    const before = await mesh.carried();
    const started = await Promise.all(
      young.map((line) => startConsumer(line, { group: line, version: "1.0.0", registry: mesh.inside })),
    );
    onTestFinished(async () => void (await Promise.all(started.map((one) => one.stop()))));
    const loops = await Promise.all(
      started.map((one) => one.loop({ methods: "getOrder", calls: 300, threads: 1, delay: 5 })),
    );
    for (const loop of loops) {
      await eventually("300 calls", async () => (await loop.stats()).calls === 300, 20_000);
      expect((await loop.stop()).errors).toEqual([]);
    }
    await eventually("all carried by Trestle", async () => (await mesh.carried()) - before >= 600, 5_000);
  });

  test("a running 3.3 consumer of an application-level provider is at the proxies, and stays there when the provider comes to the interface level", async () => {
    const both = await provider("3.3", "both", hosts.provider1, { group: "apps", mode: "instance" });
    onTestFinished(async () => void (await both.stop()));
    const one = consumers["3.3"];
    await one.refer("apps", { group: "apps", version: "1.0.0", registry: mesh.inside, check: false });
    await eventually("served", () => one.call("whoAmI", undefined, undefined, "apps"), 20_000);
    const before = await mesh.carried();
    const loop = await one.loop({ ref: "apps", methods: "getOrder", threads: 2, delay: 5 });
    await eventually("calls at the provider", async () => keysOf(await loop.stats()).includes("getOrder@both"));
    await eventually("calls through Trestle", async () => (await mesh.carried()) - before > 50, 5_000);
    // The same process at interface level too, as it would stand there in another register mode.
    const url = `dubbo://${hosts.provider1}:20880/com.acme.OrderService?application=order-provider&dubbo=2.0.2&group=apps&interface=com.acme.OrderService&methods=getOrder&release=3.3.6&side=provider&timestamp=1700000000000&version=1.0.0`;
    const path = `/dubbo/com.acme.OrderService/providers/${encodeURIComponent(url)}`;
    const real = await openZnodes(mesh.outside);
    onTestFinished(() => real.close());
    await real.make(path);
    const after = await counted(loop, 6_000, 2_000);
    expect(after.errors).toEqual([]);
    const carriedThen = await mesh.carried();
    await eventually("calls through Trestle still", async () => (await mesh.carried()) - carriedThen > 50, 5_000);
    await real.remove(path);
    expect((await loop.stop()).errors).toEqual([]);
  });
});

describe("outside the mesh", () => {
  test("a consumer at the real registry is served by the provider itself, whatever becomes of Trestle", async () => {
    const inside = await provider("2.7", "inside", hosts.provider1, { group: "outside" });
    onTestFinished(async () => void (await inside.stop()));
    const one = await startConsumer("2.7", { group: "outside", version: "1.0.0", registry: mesh.outside });
    onTestFinished(() => one.stop());
    const before = await mesh.carried();
    const loop = await one.loop({ methods: "getOrder", threads: 2, delay: 5 });
    await mesh.rules(splitRule(["getOrder"], "v2", "v2"));
    const counts = await counted(loop, 1_000, 1_000);
    expect(keysOf(counts)).toEqual(["getOrder@inside"]);
    await mesh.rules("");
    expect((await loop.stop()).errors).toEqual([]);
    expect((await mesh.carried()) - before).toBe(0);
  });
});
