import { expect } from "vitest";
import { plainEndpoint } from "../../../src/model/entry.ts";
import { serviceKey } from "../../../src/model/service.ts";
import type { Facade } from "../../../src/registry-sync/contracts.ts";
import { createPresentContext, type PresentOptions } from "../../../src/registry-sync/present/context.ts";
import { eventually, sleep } from "../../support/process.ts";
import { freePort } from "../sources/network.ts";
import type { Address, Network, SourceRegistry } from "../sources/registry.ts";
import type { FacadeKind, FacadeUser, Followed, Registered } from "./users.ts";

/** What a case has: a registry behind a facade of its own, and clients. */
export interface FacadeStage {
  readonly kind: FacadeKind;
  readonly facade: Facade;
  /** Between the facade and the registry. */
  readonly network: Network;
  /** What a service of the case is called. */
  named(service: string): string;
  /** Others' registrations, straight at the registry. */
  readonly put: SourceRegistry["put"];
  /** A client of the facade, and one of the registry itself. */
  readonly user: FacadeUser;
  readonly direct: FacadeUser;
  /** Another client, of the facade unless an address is given. */
  connect(at?: Address): FacadeUser;
  /** A network to the facade, for clients that are to be cut off from it. */
  distant(): Promise<Network>;
}

/** One thing that every facade has to do for each of its kinds of clients. */
export interface FacadeCase {
  readonly name: string;
  run(stage: FacadeStage): Promise<void>;
}

const PROXY = "10.77.0.5:31000";
const one = { host: "10.9.0.1", port: 8_080 };
const two = { host: "10.9.0.2", port: 8_080 };
const own = { host: "10.9.0.7", port: 8_087 };
const other = { host: "10.9.0.8", port: 8_088 };
/** Of an application that is to end without a word, ms. */
const SHORT_LEASE_MS = 3_000;
const text = ({ host, port }: Registered) => `${host}:${port}`;
/** How long something may take on a machine that is busy with other things, ms. */
const DEADLINE_MS = 60_000;

/** Leads these services through the proxy, and shows as the options say. */
export function leading(services: readonly string[], options: Partial<PresentOptions> = {}) {
  const httpAddresses = new Map(services.map((name) => [name, PROXY]));
  const endpoint = {
    address: one.host,
    port: one.port,
    protocol: "http",
    weight: 100,
    params: {},
    origin: "conformance",
  };
  const entries = services.map((name) => ({
    host: name,
    service: serviceKey(name),
    endpoints: [plainEndpoint(endpoint)],
  }));
  const world = { name: "conformance", entries, consumers: [], findings: [] };
  return createPresentContext({ addresses: ["10.77.0.5:20880"], httpAddresses, world, ...options });
}

async function shows(user: FacadeUser, service: string, addresses: readonly string[]): Promise<void> {
  await eventually(
    `${service} is shown at ${addresses.join() || "nothing"}`,
    async () => {
      const shown = await user.list(service);
      if (JSON.stringify(shown) === JSON.stringify(addresses)) return true;
      throw new Error(JSON.stringify(shown));
    },
    DEADLINE_MS,
    100,
  );
}

async function isTold(followed: Followed, ...addresses: readonly string[]): Promise<void> {
  await eventually(
    `${addresses.join() || "nothing"} is told`,
    () => {
      if (JSON.stringify(followed.told.at(-1)) === JSON.stringify(addresses)) return true;
      throw new Error(JSON.stringify(followed.told));
    },
    DEADLINE_MS,
    20,
  );
}

/** What a registry's loss must not do, seen by followers of a led service and of one that is not, and by an application that registers. */
async function survives(stage: FacadeStage, lose: () => Promise<void>): Promise<void> {
  const { facade, named, put, user, direct } = stage;
  const [led, plain, mine] = [named("led"), named("plain"), named("mine")];
  await put(led, [one]);
  await put(plain, [one]);
  facade.setContext(leading([led]));
  await shows(user, led, [PROXY]);
  const ledFollowed = await user.follow(led);
  const plainFollowed = await user.follow(plain);
  await user.register(mine, own);
  await isTold(plainFollowed, text(one));
  await lose();
  await sleep(1_500);
  await put(plain, [one, two]);
  await stage.network.heal();
  await isTold(plainFollowed, text(one), text(two));
  await shows(direct, mine, [text(own)]);
  // Whatever was lost between, nobody was sent past the proxy, or told that nobody serves.
  expect(ledFollowed.told).toEqual([[PROXY]]);
  await user.cancel(mine, own);
  await shows(direct, mine, []);
}

/** The list; its cases run beside each other. */
export const facadeCases: readonly FacadeCase[] = [
  {
    name: "a service that is not led is shown as it is registered, and so are its changes",
    async run({ named, put, user }) {
      await put(named("plain"), [one]);
      await shows(user, named("plain"), [text(one)]);
      await put(named("plain"), [one, two]);
      await shows(user, named("plain"), [text(one), text(two)]);
      await put(named("plain"), [two]);
      await shows(user, named("plain"), [text(two)]);
    },
  },
  {
    name: "a service that is led is shown at the proxy once, however many instances it has",
    async run({ named, put, facade, user }) {
      facade.setContext(leading([named("led")]));
      await put(named("led"), [one, two]);
      await shows(user, named("led"), [PROXY]);
      await put(named("led"), [two]);
      await shows(user, named("led"), [PROXY]);
    },
  },
  {
    name: "a service that nobody serves any more is not shown at the proxy",
    async run({ named, put, facade, user }) {
      facade.setContext(leading([named("leaving")]));
      await put(named("leaving"), [one]);
      await shows(user, named("leaving"), [PROXY]);
      await put(named("leaving"), []);
      await shows(user, named("leaving"), []);
    },
  },
  {
    name: "a service that nobody has registered has no instances",
    async run({ named, user }) {
      await shows(user, named("nobody"), []);
    },
  },
  {
    name: "services and clients that opted out are shown real addresses",
    async run({ named, put, facade, user }) {
      const passed = named("passed");
      await put(passed, [one]);
      await put(named("led"), [one]);
      facade.setContext(leading([passed, named("led")], { passesClient: () => true }));
      await shows(user, passed, [text(one)]);
      facade.setContext(leading([passed]));
      await shows(user, passed, [PROXY]);
      facade.setContext(leading([passed, named("led")], { pass: [passed] }));
      await shows(user, passed, [text(one)]);
      await shows(user, named("led"), [PROXY]);
    },
  },
  {
    name: "who follows a service is told of each change",
    async run({ named, put, user }) {
      await put(named("followed"), [one]);
      await shows(user, named("followed"), [text(one)]);
      const followed = await user.follow(named("followed"));
      await isTold(followed, text(one));
      await put(named("followed"), [one, two]);
      await isTold(followed, text(one), text(two));
      await put(named("followed"), [two]);
      await isTold(followed, text(two));
    },
  },
  {
    name: "who follows a service is told that it is led, and that it is not any more, and nothing else",
    async run({ named, put, facade, user }) {
      await put(named("turning"), [one]);
      await shows(user, named("turning"), [text(one)]);
      const followed = await user.follow(named("turning"));
      facade.setContext(leading([named("turning")]));
      await isTold(followed, PROXY);
      facade.setContext(leading([]));
      await isTold(followed, text(one));
      expect(followed.told).toEqual([[text(one)], [PROXY], [text(one)]]);
    },
  },
  {
    name: "who follows a led service is told nothing of its instances but that there are none",
    async run({ named, put, facade, user }) {
      await put(named("calm"), [one]);
      facade.setContext(leading([named("calm")]));
      await shows(user, named("calm"), [PROXY]);
      const followed = await user.follow(named("calm"));
      await put(named("calm"), [one, two]);
      await put(named("calm"), [two]);
      await sleep(1_000);
      await put(named("calm"), []);
      await isTold(followed);
      expect(followed.told).toEqual([[PROXY], []]);
    },
  },
  {
    name: "an application that registers stands in the registry as itself; others are told, and told when it leaves",
    async run({ named, facade, user, direct, connect }) {
      facade.setContext(leading([named("led")]));
      const follower = connect();
      await user.register(named("plain"), own);
      await user.register(named("led"), own);
      await shows(direct, named("plain"), [text(own)]);
      await shows(direct, named("led"), [text(own)]);
      const [plain, led] = [await follower.follow(named("plain")), await follower.follow(named("led"))];
      await isTold(plain, text(own));
      await isTold(led, PROXY);
      await user.cancel(named("plain"), own);
      await user.cancel(named("led"), own);
      await isTold(plain);
      await isTold(led);
      await shows(direct, named("plain"), []);
      await shows(direct, named("led"), []);
    },
  },
  {
    name: "an application that goes out of service is so in the registry and for all who follow, and comes back",
    async run({ named, user, direct, connect }) {
      await user.register(named("status"), own);
      await shows(direct, named("status"), [text(own)]);
      const followed = await connect().follow(named("status"));
      await isTold(followed, text(own));
      await user.setUp(named("status"), own, false);
      await isTold(followed);
      await shows(direct, named("status"), []);
      await user.setUp(named("status"), own, true);
      await isTold(followed, text(own));
      await shows(direct, named("status"), [text(own)]);
    },
  },
  {
    name: "of two applications of one service each leaves for itself",
    async run({ named, user, direct, connect }) {
      const second = connect();
      await user.register(named("pair"), own);
      await second.register(named("pair"), other);
      await shows(direct, named("pair"), [text(own), text(other)]);
      const followed = await second.follow(named("pair"));
      await isTold(followed, text(own), text(other));
      await user.cancel(named("pair"), own);
      await isTold(followed, text(other));
      await shows(direct, named("pair"), [text(other)]);
    },
  },
  {
    name: "an instance stands as long as it is renewed, and goes when its application has gone without a word",
    async run({ named, user, direct, connect, distant }) {
      const between = await distant();
      const leaving = connect(between.address);
      await leaving.register(named("renewed"), own, SHORT_LEASE_MS);
      await user.register(named("renewed"), other, SHORT_LEASE_MS);
      await shows(direct, named("renewed"), [text(own), text(other)]);
      const followed = await user.follow(named("renewed"));
      await isTold(followed, text(own), text(other));
      await sleep(3 * SHORT_LEASE_MS);
      expect(await direct.list(named("renewed"))).toEqual([text(own), text(other)]);
      await between.refuse();
      await isTold(followed, text(other));
      await shows(direct, named("renewed"), [text(other)]);
    },
  },
  {
    name: "connections to the registry that are reset cost the clients nothing that lasts",
    async run({ named, put, facade, network, user, direct, connect }) {
      facade.setContext(leading([named("lasting")]));
      await put(named("lasting"), [one]);
      await shows(user, named("lasting"), [PROXY]);
      await user.register(named("mine"), own);
      for (let round = 0; round < 3; round++) {
        network.reset();
        await sleep(100);
      }
      await shows(user, named("lasting"), [PROXY]);
      await shows(connect(), named("lasting"), [PROXY]);
      await shows(direct, named("mine"), [text(own)]);
    },
  },
  {
    name: "a registry that refuses connections for a while costs nobody anything that lasts",
    run: (stage) => survives(stage, () => stage.network.refuse()),
  },
  {
    name: "a registry that swallows everything for a while costs nobody anything that lasts",
    run: (stage) => survives(stage, async () => stage.network.blackHole()),
  },
  {
    name: "a registry that is out of reach for a while never makes a led service be shown at real addresses",
    async run({ named, put, facade, network, user }) {
      facade.setContext(leading([named("held")]));
      await put(named("held"), [one]);
      await shows(user, named("held"), [PROXY]);
      network.blackHole();
      const during = await Promise.race([user.list(named("held")).catch(() => []), sleep(2_000).then(() => [])]);
      expect(during.filter((address) => address !== PROXY)).toEqual([]);
      await network.heal();
      await shows(user, named("held"), [PROXY]);
    },
  },
  {
    name: "who is on no list of those allowed gets nothing, and registers nothing",
    async run({ named, put, kind, network, direct, connect }) {
      await put(named("closed"), [one]);
      const listen = { host: kind.host, port: freePort() };
      const closed = await kind.open(listen, network.address, leading([]), ["192.0.2.0/24"]);
      const refused = connect(closed.address);
      const tries = [refused.list(named("closed")), refused.register(named("closed"), own)];
      for (const { status } of await Promise.allSettled(tries)) expect(status).toBe("rejected");
      expect(await direct.list(named("closed"))).toEqual([text(one)]);
      await closed.close();
    },
  },
];

/** What stands when the registry is killed, and must stand after it was started again. */
export async function beforeTheKill(stage: FacadeStage): Promise<() => Promise<void>> {
  const { facade, named, put, user, direct } = stage;
  const [led, plain, mine] = [named("led"), named("plain"), named("mine")];
  await put(led, [one]);
  facade.setContext(leading([led]));
  await shows(user, led, [PROXY]);
  const ledFollowed = await user.follow(led);
  const plainFollowed = await user.follow(plain);
  await user.register(mine, own);
  await shows(direct, mine, [text(own)]);
  return async () => {
    // Its own client has registered it again, or the facade for it, or the registry knows it still.
    await shows(direct, mine, [text(own)]);
    await put(plain, [two]);
    await isTold(plainFollowed, text(two));
    await isTold(ledFollowed, PROXY);
    expect(ledFollowed.told.flat().filter((address) => address !== PROXY)).toEqual([]);
    await user.cancel(mine, own);
    await shows(direct, mine, []);
  };
}
