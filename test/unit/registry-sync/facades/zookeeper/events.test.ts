import { describe, expect, test } from "vitest";
import {
  addressesOf,
  FacadeLink,
  INSTANCES,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../../../../support/facade-link.ts";

const names = {
  first: `${PROVIDERS}/${providerName("10.0.0.2")}`,
  like: `${PROVIDERS}/${providerName("10.0.0.3", "&weight=3")}`,
  second: `${PROVIDERS}/${providerName("10.0.0.4", "&version=2.0.0")}`,
  tri: `${PROVIDERS}/${providerName("10.0.0.5", "", "tri")}`,
};
const changed = `childrenChanged ${PROVIDERS}`;

function setUp(...made: string[]) {
  const link = new FacadeLink();
  const direct = link.connect("direct").layOut();
  for (const path of made) direct.create(path);
  const client = link.connect("facade");
  return { link, direct, client };
}

describe("a one-shot watch on the list", () => {
  test("is told when the first provider comes and when the last one goes", () => {
    const { direct, client } = setUp();
    client.children(PROVIDERS, true);
    direct.create(names.first);
    expect(client.events()).toEqual([changed]);
    client.children(PROVIDERS, true);
    direct.remove(names.first);
    expect(client.events()).toEqual([changed]);
    expect(client.children(PROVIDERS)).toEqual([]);
  });

  test("is not told of providers that change nothing shown, and stands: the next true change is told", () => {
    const { link, direct, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    direct.create(names.like);
    direct.remove(names.first);
    direct.create(names.first);
    expect(client.events()).toEqual([]);
    expect(link.counters.suppressed).toBe(3);
    direct.create(names.second);
    expect(client.events()).toEqual([changed]);
  });

  test("is told once", () => {
    const { direct, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    direct.create(names.second);
    direct.remove(names.second);
    expect(client.events()).toEqual([changed]);
  });

  test("is told of what passes unchanged", () => {
    const { direct, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    direct.create(names.tri);
    expect(client.events()).toEqual([changed]);
  });

  test("the event comes before any reply that shows the change, also of reads that were on their way", () => {
    const { direct, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    client.events();
    const requests = [
      { op: "getChildren", path: PROVIDERS, watch: false },
      { op: "exists", path: names.second, watch: false },
    ] as const;
    direct.ask({
      op: "create",
      path: names.second,
      data: null,
      acl: [{ perms: 31, scheme: "world", id: "anyone" }],
      flags: 1,
    });
    while (direct.step("up") || direct.step("down"));
    for (const request of requests) client.ask(request);
    while (client.step("up") || client.step("down"));
    expect(client.seen[0]).toBe(changed);
    expect(client.seen).toHaveLength(3);
  });
});

describe("what is shown changes without the registry", () => {
  test("an unlisted proxy address is told at once, and listed again", () => {
    const { link, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    link.setContext({ addresses: PROXIES.slice(1) });
    expect(client.events()).toEqual([changed]);
    expect(addressesOf(client.children(PROVIDERS, true))).toEqual(PROXIES.slice(1));
    link.setContext({});
    expect(client.events()).toEqual([changed]);
    expect(addressesOf(client.children(PROVIDERS))).toEqual(PROXIES);
  });

  test("a bypass shows the real addresses, a take the proxy's", () => {
    const { link, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    link.setContext({ bypass: { all: true, services: [] } });
    expect(client.events()).toEqual([changed]);
    expect(addressesOf(client.children(PROVIDERS, true))).toEqual(["10.0.0.2:20880"]);
    link.setContext({});
    expect(client.events()).toEqual([changed]);
  });

  test("a context that shows the same tells nobody", () => {
    const { link, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    link.setContext({ take: { services: ["com.acme.*"], applications: ["*"] } });
    expect(client.events()).toEqual([]);
  });

  test("clients that watch nothing hear nothing", () => {
    const { link, client } = setUp(names.first);
    client.children(PROVIDERS);
    link.setContext({ addresses: [] });
    expect(client.events()).toEqual([]);
  });

  test("the watch of the server still stands behind an artificial event", () => {
    const { link, direct, client } = setUp(names.first);
    client.children(PROVIDERS, true);
    link.setContext({ addresses: PROXIES.slice(1) });
    client.events();
    client.children(PROVIDERS, true);
    direct.create(names.second);
    expect(client.events()).toEqual([changed]);
  });
});

describe("watches on single nodes", () => {
  test("a shown name that goes is told as deleted, one that comes as created", () => {
    const { direct, client } = setUp(names.first);
    const [virtual = ""] = client.children(PROVIDERS).map((name) => `${PROVIDERS}/${name}`);
    expect(client.stat(virtual, true)).toBeDefined();
    direct.create(names.like);
    direct.remove(names.first);
    expect(client.events()).toEqual([]);
    direct.remove(names.like);
    expect(client.events()).toEqual([`deleted ${virtual}`]);
    expect(client.stat(virtual, true)).toBeUndefined();
    direct.create(names.first);
    expect(client.events()).toEqual([`created ${virtual}`]);
  });

  test("getData with a watch, the same", () => {
    const { direct, client } = setUp(names.first);
    const [virtual = ""] = client.children(PROVIDERS).map((name) => `${PROVIDERS}/${name}`);
    client.call({ op: "getData", path: virtual, watch: true });
    client.events();
    direct.remove(names.first);
    expect(client.events()).toEqual([`deleted ${virtual}`]);
  });

  test("nothing is told of a hidden node, until it is shown", () => {
    const { link, direct, client } = setUp(names.first);
    expect(client.stat(names.first, true)).toBeUndefined();
    direct.call({ op: "setData", path: names.first, data: Buffer.from("x"), version: -1 });
    direct.remove(names.first);
    direct.create(names.first);
    expect(client.events()).toEqual([]);
    link.setContext({ addresses: [] });
    expect(client.events()).toEqual([`created ${names.first}`]);
  });

  test("the owner of a hidden node is told all of it", () => {
    const { link, direct } = setUp(names.first);
    const owner = link.connect("facade");
    const own = `${PROVIDERS}/${providerName("10.0.0.7")}`;
    owner.stat(own, true);
    owner.create(own);
    expect(owner.events()).toEqual([`created ${own}`]);
    owner.stat(own, true);
    direct.call({ op: "setData", path: own, data: Buffer.from("x"), version: -1 });
    expect(owner.events()).toEqual([`dataChanged ${own}`]);
    owner.stat(own, true);
    direct.remove(own);
    expect(owner.events()).toEqual([`deleted ${own}`]);
  });

  test("a node that was shown as it is and is hidden now is told as deleted", () => {
    const link = new FacadeLink();
    const direct = link.connect("direct").layOut();
    direct.create(`${INSTANCES}/10.0.0.2:20880`);
    const client = link.connect("facade");
    client.children(INSTANCES, true);
    client.stat(`${INSTANCES}/10.0.0.2:20880`, true);
    link.setContext({}, ["10.0.0.2:20880"]);
    expect(client.events()).toEqual([`deleted ${INSTANCES}/10.0.0.2:20880`, `childrenChanged ${INSTANCES}`]);
    direct.remove(`${INSTANCES}/10.0.0.2:20880`);
    expect(client.events()).toEqual([]);
  });
});

describe("the directory itself", () => {
  test("its own events pass", () => {
    const { direct, client } = setUp();
    client.stat(PROVIDERS, true);
    direct.call({ op: "setData", path: PROVIDERS, data: Buffer.from("x"), version: -1 });
    expect(client.events()).toEqual([`dataChanged ${PROVIDERS}`]);
    client.stat(PROVIDERS, true);
    direct.remove(PROVIDERS);
    expect(client.events()).toEqual([`deleted ${PROVIDERS}`]);
    client.stat(PROVIDERS, true);
    direct.create(PROVIDERS, false);
    expect(client.events()).toEqual([`created ${PROVIDERS}`]);
  });

  test("a list watch is told when the directory goes", () => {
    const { direct, client } = setUp();
    client.children(PROVIDERS, true);
    direct.remove(PROVIDERS);
    expect(client.events()).toEqual([`deleted ${PROVIDERS}`]);
  });

  test("who watches only a name in it is not told", () => {
    const { direct, client } = setUp(names.first);
    const [virtual = ""] = client.children(PROVIDERS).map((name) => `${PROVIDERS}/${name}`);
    client.stat(virtual, true);
    direct.remove(names.first);
    direct.remove(PROVIDERS);
    expect(client.events()).toEqual([`deleted ${virtual}`]);
  });
});

test("a directory that may not be read is told of as without us", () => {
  const { direct, client } = setUp(names.first);
  client.children(PROVIDERS, true);
  client.events();
  direct.call({ op: "setACL", path: PROVIDERS, acl: [{ perms: 30, scheme: "world", id: "anyone" }], version: -1 });
  direct.create(names.like);
  expect(client.events()).toEqual([changed]);
});
