import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createZookeeperFacade, type ZookeeperFacade } from "../../src/registry-sync/facades/zookeeper.ts";
import { createPresentContext, type PresentContext } from "../../src/registry-sync/present/context.ts";
import { type Consumer, type Loop, lines, startConsumer, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { openZnodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// What unmodified Dubbo makes of the facade's answers. Two relays stand in for the proxies: bytes there are calls led through.
// Every case has a group of its own, so that consumers of all lines go from case to case with references that are new.
const version = "1.0.0";
const proxies = [`${hosts.trestle}:20880`, `${hosts.trestle}:20881`];
/** Those of one consumer are far above what all else that goes through the relays meanwhile comes to. */
const LETTERS = 2;
const LETTER_CHARS = 300_000;
const providersPath = "/dubbo/com.acme.OrderService/providers";
let zookeeper: ZooKeeper;
let facade: ZookeeperFacade;
let relays: Relay[];
let consumers: Consumer[];

/** What the sync would say once it has seen the providers: every instance also stands at interface level. */
function contextOf(addresses: readonly string[], hides = true): PresentContext {
  return { ...createPresentContext({ addresses }), hidesInstance: () => hides && addresses.length > 0 };
}

const inside = `zookeeper://${hosts.trestle}:2181`;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper();
  facade = await createZookeeperFacade({
    listen: { host: hosts.trestle, port: 2181 },
    upstream: [{ host: hosts.registry, port: 2181 }],
    context: contextOf(proxies),
  });
  relays = await Promise.all([20_880, 20_881].map((port) => startRelay(hosts.trestle, port, hosts.provider1, 20_880)));
  const place = { registry: inside, group: "first", version, check: false };
  consumers = await Promise.all(lines.map((line) => startConsumer(line, place)));
});

afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await facade.close();
  await stopAll();
});

function carried(): number {
  return relays.reduce((sum, relay) => sum + relay.bytesFromCallers(), 0);
}

/** One provider, which ends with the test. */
async function provider(line: (typeof lines)[number], group: string): Promise<void> {
  const label = line;
  const peer = await startProvider(line, { group, version, registry: inside, host: hosts.provider1, label });
  onTestFinished(async () => void (await peer.stop()));
}

function refer(one: Consumer, group: string): Promise<void> {
  return one.refer(group, { registry: inside, group, version, check: false });
}

/** That each consumer's calls all go through the proxies, or that none do: long texts are told by the bytes that went through. */
async function expectLed(led: boolean, ref: string, among = consumers): Promise<void> {
  const text = "x".repeat(LETTER_CHARS);
  const before = carried();
  const say = async (one: Consumer) => {
    for (let i = 0; i < LETTERS; i++) expect(await one.call("sayHi", text, undefined, ref)).toBe(`hi ${text}`);
  };
  await Promise.all(among.map(say));
  const bytes = carried() - before;
  if (led) expect(bytes).toBeGreaterThan(among.length * LETTERS * LETTER_CHARS);
  else expect(bytes).toBeLessThan(LETTER_CHARS);
}

function loopsOf(ref: string, among = consumers): Promise<Loop[]> {
  return Promise.all(among.map((one) => one.loop({ ref, methods: "whoAmI", threads: 2, delay: 5 })));
}

/**
 * A 3.x consumer marks the providers that a new list lacks as destroyed while calls that took theirs from the old list have yet to be sent:
 * such a call fails before a byte of it goes out (`ReferenceCountInvokerWrapper`), whoever changed the list: nothing of it is the
 * facade's. Dubbo tries it again, twice unless told, and these consumers are told not to (`retries: 0`).
 */
const isUnsent = ({ error }: { readonly error: string }) => error.endsWith("This invoker has been destroyed!");

async function expectNoError(loops: readonly Loop[], label: string): Promise<void> {
  for (const loop of loops) {
    const stats = await loop.stop();
    expect(stats.errors.filter((one) => !isUnsent(one))).toEqual([]);
    expect(stats.errors.length).toBeLessThan(3);
    expect(stats.calls).toBeGreaterThan(30);
    expect(Object.keys(stats.counts)).toEqual([`whoAmI@${label}`]);
  }
}

test.each(lines)(
  "consumers of every line call the proxies of a %s provider alone, from the first call on",
  async (line) => {
    await provider(line, line);
    await Promise.all(consumers.map((one) => refer(one, line)));
    await expectLed(true, line);
    const loops = await loopsOf(line);
    await sleep(1_000);
    // One proxy goes and comes back, as in a rolling restart.
    facade.setContext(contextOf(proxies.slice(1)));
    await sleep(1_000);
    await expectLed(true, line);
    facade.setContext(contextOf(proxies));
    await sleep(500);
    await expectLed(true, line);
    await expectNoError(loops, line);
  },
);

/** Of 2.6 nobody has promised that a list whose addresses all change costs no call. */
const younger = () => consumers.filter(({ line }) => line !== "2.6");

test("running consumers of 2.7, 3.2 and 3.3 go to the proxies and back again without a lost call", async () => {
  const group = "moved";
  facade.setContext(contextOf([]));
  onTestFinished(() => facade.setContext(contextOf(proxies)));
  await provider("3.3", group);
  await Promise.all(younger().map((one) => refer(one, group)));
  await expectLed(false, group, younger());
  const loops = await loopsOf(group, younger());
  await sleep(1_000);
  // 3.x takes up changes of a list once in 5 s, and on a busy machine a moment later.
  const become = (led: boolean) =>
    eventually(
      `calls are ${led ? "" : "not "}led`,
      () => expectLed(led, group, younger()).then(() => true),
      30_000,
      500,
    );
  facade.setContext(contextOf(proxies));
  await become(true);
  facade.setContext(contextOf([]));
  await become(false);
  await expectNoError(loops, "3.3");
});

test("consumers of 2.7, 3.2 and 3.3 that were there first call a new provider through the proxies alone", async () => {
  const group = "late";
  const told = contextOf(proxies);
  facade.setContext({
    ...createPresentContext({ addresses: proxies, served: new Set() }),
    hidesInstance: told.hidesInstance,
  });
  await Promise.all(younger().map((one) => refer(one, group)));
  await Promise.all(younger().map((one) => one.call("whoAmI", undefined, undefined, group).catch(() => undefined)));
  const real = await openZnodes(zookeeper.address);
  const started = provider("3.3", group);
  const isThere = async () => (await real.children(providersPath)).some((name) => name.includes(`group%3D${group}`));
  await eventually("a provider node", isThere, 30_000);
  real.close();
  // The sync and the workers have heard of it a moment later.
  await sleep(200);
  facade.setContext(told);
  await started;
  await Promise.all(
    younger().map((one) => eventually("a call", () => one.call("whoAmI", undefined, undefined, group), 15_000)),
  );
  const loops = await loopsOf(group, younger());
  await expectLed(true, group, younger());
  await sleep(1_000);
  await expectNoError(loops, "3.3");
});
