import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../../../src/codecs/zookeeper/constants.ts";
import {
  FacadeLink,
  INSTANCES,
  type LinkedClient,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../../../../support/facade-link.ts";

const first = `${PROVIDERS}/${providerName("10.0.0.2")}`;
const like = `${PROVIDERS}/${providerName("10.0.0.3", "&weight=3")}`;
const second = `${PROVIDERS}/${providerName("10.0.0.4", "&version=2.0.0")}`;
const tri = `${PROVIDERS}/${providerName("10.0.0.5", "", "tri")}`;
const changed = `childrenChanged ${PROVIDERS}`;
const CHILDREN = 1;
const ANY = 3;

function setUp(hides: readonly string[] = []) {
  const link = new FacadeLink({}, hides);
  const direct = link.connect("direct").layOut();
  direct.create(first);
  return { link, direct, client: link.connect("facade") };
}

function shownIn(client: LinkedClient): string[] {
  return client.children(PROVIDERS).map((name) => `${PROVIDERS}/${name}`);
}

describe("persistent watches", () => {
  test("on a list stay, and are told of true changes alone", () => {
    const { direct, client } = setUp();
    expect(client.call({ op: "addWatch", path: PROVIDERS, mode: 0 }).err).toBe(0);
    client.events();
    direct.create(like);
    expect(client.events()).toEqual([]);
    direct.create(second);
    direct.remove(second);
    expect(client.events()).toEqual([changed, changed]);
  });

  test("recursive ones are told of the names that are shown, in place of the real ones", () => {
    const { direct, client } = setUp();
    const before = shownIn(client);
    expect(client.call({ op: "addWatch", path: "/dubbo", mode: 1 }).err).toBe(0);
    client.events();
    direct.create(like);
    expect(client.events()).toEqual([]);
    direct.create(second);
    const came = shownIn(client).filter((path) => !before.includes(path));
    expect(client.events()).toEqual(came.map((path) => `created ${path}`));
    direct.remove(second);
    expect(client.events()).toEqual(came.map((path) => `deleted ${path}`));
    direct.create(tri);
    expect(client.events()).toEqual([`created ${tri}`]);
  });

  test("recursive ones on a place that was never read are told right, too", () => {
    const { link, direct } = setUp();
    const client = link.connect("facade");
    client.call({ op: "addWatch", path: "/", mode: 1 });
    direct.remove(first);
    expect(client.events()).toEqual(shownOf(PROXIES).map((path) => `deleted ${path}`));
    direct.create(first);
    expect(client.events()).toEqual(shownOf(PROXIES).map((path) => `created ${path}`));
  });

  test("recursive ones hear of an instance that is hidden now as deleted, and of one that is not any more as created", () => {
    const { link, direct } = setUp();
    const path = `${INSTANCES}/10.0.0.2:20880`;
    direct.create(path);
    const client = link.connect("facade");
    client.call({ op: "addWatch", path: INSTANCES, mode: 1 });
    client.children(INSTANCES);
    client.events();
    link.setContext({}, ["10.0.0.2:20880"]);
    expect(client.events()).toEqual([`deleted ${path}`]);
    direct.call({ op: "setData", path, data: Buffer.from("x"), version: -1 });
    direct.remove(path);
    direct.create(path);
    expect(client.events()).toEqual([]);
    link.setContext({});
    expect(client.events()).toEqual([`created ${path}`]);
  });

  test("on a single name that is ours it stays through its comings and goings", () => {
    const { direct, client } = setUp();
    const [virtual = ""] = shownIn(client);
    client.call({ op: "addWatch", path: virtual, mode: 0 });
    client.events();
    direct.remove(first);
    direct.create(first);
    direct.remove(first);
    expect(client.events()).toEqual([`deleted ${virtual}`, `created ${virtual}`, `deleted ${virtual}`]);
  });
});

describe("a client that comes back", () => {
  function back(hides: readonly string[] = []) {
    const world = setUp(hides);
    world.client.children(PROVIDERS, true);
    world.client.disconnect();
    return world;
  }
  function take(link: FacadeLink, old: LinkedClient, asked: Partial<Record<"data" | "exist" | "child", string[]>>) {
    const client = link.connect("facade", old);
    client.lastZxid = old.lastZxid;
    const none = { data: [], exist: [], child: [], persistent: [], recursive: [] };
    client.call({ op: "setWatches", relativeZxid: old.lastZxid, ...none, ...asked }, -8);
    return client;
  }

  test("is told nothing where nothing changed, and its watch stands", () => {
    const { link, direct, client } = back();
    const again = take(link, client, { child: [PROVIDERS] });
    expect(again.events()).toEqual([]);
    direct.create(like);
    expect(again.events()).toEqual([]);
    direct.create(second);
    expect(again.events()).toEqual([changed]);
  });

  test("is told of a change of the registry while it was away, once", () => {
    const { link, direct, client } = back();
    direct.create(second);
    expect(take(link, client, { child: [PROVIDERS] }).events()).toEqual([changed]);
  });

  test("is told when another context shows something else now", () => {
    const { link, client } = back();
    link.setContext({ addresses: PROXIES.slice(1) });
    expect(take(link, client, { child: [PROVIDERS] }).events()).toEqual([changed]);
  });

  test("is told when we do not know what it was shown", () => {
    const { link, client } = back();
    take(link, client, { child: [PROVIDERS] }).disconnect();
    const direct = link.connect("direct", client);
    direct.disconnect();
    link.clock.advance(50_000);
    link.registry.sessions.touch(client.sessionId, link.clock.now());
    expect(take(link, client, { child: [PROVIDERS] }).events()).toEqual([changed]);
  });

  test("is told of a shown name that went, and of one that came", () => {
    const { link, direct, client } = setUp();
    const [virtual = ""] = shownIn(client);
    client.disconnect();
    direct.remove(first);
    const again = take(link, client, { data: [virtual] });
    expect(again.events()).toEqual([`deleted ${virtual}`]);
    again.disconnect();
    direct.create(first);
    expect(take(link, again, { exist: [virtual] }).events()).toEqual([`created ${virtual}`]);
  });

  test("is not told that a shown name is gone because the registry does not hold it", () => {
    const { link, direct, client } = setUp();
    const [virtual = ""] = shownIn(client);
    client.disconnect();
    const again = take(link, client, { data: [virtual] });
    expect(again.events()).toEqual([]);
    direct.remove(first);
    expect(again.events()).toEqual([`deleted ${virtual}`]);
  });

  test("is not told that a hidden node came because the registry holds it", () => {
    const { link, client } = setUp();
    client.disconnect();
    expect(take(link, client, { exist: [first] }).events()).toEqual([]);
  });

  test("goes on to watch a hidden node of its own, and is told that another's is gone", () => {
    const { link, direct } = setUp();
    const owner = link.connect("facade");
    const own = `${PROVIDERS}/${providerName("10.0.0.7")}`;
    owner.create(own);
    owner.disconnect();
    const again = take(link, owner, { data: [own, first] });
    expect(again.events()).toEqual([`deleted ${first}`]);
    direct.remove(own);
    expect(again.events()).toEqual([`deleted ${own}`]);
  });

  test("has its other watches set by the server", () => {
    const { link, direct, client } = back();
    const again = take(link, client, { data: ["/dubbo"], child: ["/dubbo"], exist: ["/x"] });
    direct.create("/x");
    direct.create("/dubbo/y", false);
    expect(again.events()).toEqual(["created /x", "childrenChanged /dubbo"]);
  });
});

describe("removing and asking for watches", () => {
  test("a list watch that stands is found and can be removed", () => {
    const { direct, client } = setUp();
    client.children(PROVIDERS, true);
    expect(client.call({ op: "checkWatches", path: PROVIDERS, type: CHILDREN }).err).toBe(0);
    expect(client.call({ op: "removeWatches", path: PROVIDERS, type: CHILDREN }).err).toBe(0);
    client.events();
    direct.create(second);
    expect(client.events()).toEqual([]);
    expect(client.call({ op: "removeWatches", path: PROVIDERS, type: CHILDREN }).err).toBe(ERRORS.noWatcher);
  });

  test("one that has been told by us alone is not there any more", () => {
    const { link, client } = setUp();
    client.children(PROVIDERS, true);
    link.setContext({ addresses: [] });
    expect(client.call({ op: "checkWatches", path: PROVIDERS, type: CHILDREN }).err).toBe(ERRORS.noWatcher);
  });

  test("a watch on a shown name can be removed", () => {
    const { direct, client } = setUp();
    const [virtual = ""] = shownIn(client);
    client.stat(virtual, true);
    expect(client.call({ op: "removeWatches", path: virtual, type: ANY }).err).toBe(0);
    client.events();
    direct.remove(first);
    expect(client.events()).toEqual([]);
  });

  test("removing the list's watch leaves those on its names", () => {
    const { direct, client } = setUp();
    const [virtual = ""] = shownIn(client);
    client.stat(virtual, true);
    client.children(PROVIDERS, true);
    client.call({ op: "removeWatches", path: PROVIDERS, type: CHILDREN });
    client.events();
    direct.remove(first);
    expect(client.events()).toEqual([`deleted ${virtual}`]);
  });

  test("anywhere else the server answers", () => {
    const { client } = setUp();
    expect(client.call({ op: "removeWatches", path: "/dubbo", type: ANY }).err).toBe(ERRORS.noWatcher);
    client.stat("/dubbo", true);
    expect(client.call({ op: "removeWatches", path: "/dubbo", type: ANY }).err).toBe(0);
  });
});

function shownOf(proxies: readonly string[]): string[] {
  const name = decodeURIComponent(providerName("X")).replace("&pid=7", "");
  return proxies.map((at) => `${PROVIDERS}/${encodeURIComponent(name.replace("X:20880", at))}`);
}
