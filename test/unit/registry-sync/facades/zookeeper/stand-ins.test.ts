import { describe, expect, test } from "vitest";
import { CREATE_MODES, ERRORS, PERMS, WATCH_MODES } from "../../../../../src/codecs/zookeeper/constants.ts";
import { OPEN_ACL } from "../../../../../src/codecs/zookeeper/records.ts";
import type { InboundPlace } from "../../../../../src/model/inbound.ts";
import { addressesOf, FacadeLink, INSTANCES, PROVIDERS, providerName } from "../../../../support/facade-link.ts";

const REAL = "10.0.0.2:20880";
const PROXY = "10.0.0.5:20890";
const inbound: readonly InboundPlace[] = [
  {
    listen: { host: "10.0.0.5", port: 20_890 },
    to: { host: "10.0.0.2", port: 20_880 },
    protocol: "dubbo",
    identity: "cluster.local/ns/default/sa/orders",
  },
  { listen: { host: "10.0.0.5", port: 8_081 }, to: { host: "10.0.0.2", port: 8_080 }, protocol: "http" },
];
const own = `${PROVIDERS}/${providerName("10.0.0.2")}`;
const other = `${PROVIDERS}/${providerName("10.0.0.3")}`;

function stage() {
  const link = new FacadeLink({ inbound });
  const registry = link.connect("direct").layOut();
  const client = link.connect("facade");
  const standing = () => addressesOf(registry.children(PROVIDERS));
  return { link, registry, client, standing };
}

/** Another context; what the sessions then ask of the registry moves with the second pump. */
function show(link: FacadeLink, options: Parameters<FacadeLink["setContext"]>[0]): void {
  link.setContext(options);
  link.pump();
}

describe("a provider that registers", () => {
  test("stands at the proxy, with whose identity it shows, and the client finds it under its own address", () => {
    const { client, registry, standing } = stage();
    const made = client.call({ op: "create", path: own, data: null, acl: OPEN_ACL, flags: CREATE_MODES.ephemeral });
    expect(made).toMatchObject({ err: 0, reply: { op: "create", path: own } });
    expect(standing()).toEqual([PROXY]);
    const [name] = registry.children(PROVIDERS);
    const url = new URL(decodeURIComponent(name!).replace("dubbo:", "http:"));
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      "security.istio.io/tlsMode": "istio",
      "trestle.identity": "cluster.local/ns/default/sa/orders",
      pid: "7",
    });
    expect(client.stat(own)).toBeDefined();
    expect(client.remove(own)).toBe(0);
    expect(standing()).toEqual([]);
    expect(client.stat(own)).toBeUndefined();
  });

  test("is answered its own path by create2 and multi, and told of it by its watch", () => {
    const { client, registry } = stage();
    const two = client.call({ op: "create2", path: own, data: null, acl: OPEN_ACL, flags: CREATE_MODES.ephemeral });
    expect(two.reply).toMatchObject({ op: "create2", path: own });
    expect(client.stat(own, true)).toBeDefined();
    client.events();
    expect(registry.remove(`${PROVIDERS}/${registry.children(PROVIDERS)[0]}`)).toBe(0);
    expect(client.events()).toEqual([`deleted ${own}`]);
    const ops = [{ op: "create", path: own, data: null, acl: OPEN_ACL, flags: CREATE_MODES.ephemeral }] as const;
    expect(client.call({ op: "multi", ops }).reply).toMatchObject({ results: [{ op: "create", path: own }] });
    expect(client.call({ op: "multi", ops: [{ op: "delete", path: own, version: -1 }] }).err).toBe(0);
    expect(registry.children(PROVIDERS)).toEqual([]);
  });

  test("is known as it was where the registry did not do what was asked, in a multi or alone", () => {
    const { link, client, standing } = stage();
    const create = { op: "create", path: own, data: null, acl: OPEN_ACL, flags: CREATE_MODES.ephemeral } as const;
    const never = { op: "delete", path: `${PROVIDERS}/none`, version: -1 } as const;
    const failed = client.call({ op: "multi", ops: [create, never] }).reply;
    expect(failed).toMatchObject({ results: [{ op: "error" }, { op: "error" }] });
    show(link, { inbound: [] });
    expect(standing()).toEqual([]);
    show(link, { inbound });
    client.call(create);
    expect(client.call({ op: "delete", path: own, version: 7 }).err).toBe(ERRORS.badVersion);
    client.call({ op: "multi", ops: [{ op: "delete", path: own, version: -1 }, never] });
    expect(standing()).toEqual([PROXY]);
    show(link, { inbound: [] });
    expect(standing()).toEqual([REAL]);
  });

  test("is told of its own end under its own address", () => {
    const { client } = stage();
    client.create(own);
    expect(client.stat(own, true)).toBeDefined();
    client.events();
    expect(client.remove(own)).toBe(0);
    expect(client.events()).toEqual([`deleted ${own}`]);
  });

  test("at another address, or in another protocol, stands as it is", () => {
    const { client, registry } = stage();
    client.create(other);
    client.create(`${PROVIDERS}/${providerName("10.0.0.2", "", "tri")}`);
    expect(addressesOf(registry.children(PROVIDERS))).toEqual([REAL, "10.0.0.3:20880"]);
  });

  test("again, where it stands already, is told so, and takes it out under its own address", () => {
    const { link, client, standing } = stage();
    client.create(own);
    const next = link.connect("facade");
    expect(next.create(own)).toBe(-110);
    expect(next.remove(own)).toBe(0);
    expect(next.create(own)).toBe(0);
    expect(standing()).toEqual([PROXY]);
  });

  test("is gone with its session", () => {
    const { client, standing } = stage();
    client.create(own);
    client.call({ op: "closeSession" });
    expect(standing()).toEqual([]);
  });
});

describe("what is no longer to stand at the proxy", () => {
  test("gets its own address back, and the proxy's again; there is one at every time", () => {
    const { link, client, registry, standing } = stage();
    client.create(own);
    registry.call({ op: "addWatch", path: PROVIDERS, mode: WATCH_MODES.persistentRecursive });
    registry.events();
    show(link, { inbound, pass: ["com.acme.*"] });
    expect(registry.events()).toEqual([`created ${own}`, expect.stringMatching(/^deleted .*10\.0\.0\.5/)]);
    expect(standing()).toEqual([REAL]);
    show(link, { inbound });
    expect(standing()).toEqual([PROXY]);
    show(link, {});
    expect(standing()).toEqual([REAL]);
    expect(client.remove(own)).toBe(0);
    expect(standing()).toEqual([]);
  });

  test("stays where it stands when the registry does not take the other node", () => {
    const { link, client, registry, standing } = stage();
    show(link, { inbound, pass: ["com.acme.*"] });
    client.create(own);
    const acl = OPEN_ACL.map((one) => ({ ...one, perms: one.perms & ~PERMS.create }));
    expect(registry.call({ op: "setACL", path: PROVIDERS, acl, version: -1 }).err).toBe(0);
    show(link, { inbound });
    expect(standing()).toEqual([REAL]);
    expect(client.remove(own)).toBe(0);
    expect(standing()).toEqual([]);
  });

  test("in a session that goes on over another connection", () => {
    const { link, client, standing } = stage();
    client.create(own);
    client.disconnect();
    show(link, {});
    const next = link.connect("facade", client);
    expect(standing()).toEqual([REAL]);
    expect(next.remove(own)).toBe(0);
    expect(standing()).toEqual([]);
  });
});

test("a session that comes from another facade has its providers found and moved", () => {
  const { link, standing } = stage();
  const direct = link.connect("direct");
  direct.create(own);
  direct.create(other);
  direct.disconnect();
  const client = link.connect("facade", direct);
  expect(standing()).toEqual(["10.0.0.3:20880", PROXY]);
  expect(client.remove(own)).toBe(0);
  expect(standing()).toEqual(["10.0.0.3:20880"]);
});

describe("an instance of Spring Cloud", () => {
  const node = `${INSTANCES}/0b5a2d7e-0000-4000-8000-000000000001`;
  const data = (port: number) =>
    Buffer.from(
      JSON.stringify({
        ...{ name: "shop", id: "0b5a2d7e", address: "10.0.0.2", port, sslPort: null, enabled: true },
        payload: {
          "@class": "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance",
          ...{ id: "shop", name: "shop", metadata: { zone: "a" } },
        },
      }),
    );
  const written = (link: FacadeLink) => {
    const { reply } = link.connect("direct").call({ op: "getData", path: node, watch: false });
    return JSON.parse(Buffer.from((reply as { data: Uint8Array }).data).toString());
  };

  test("stands at the proxy's address and port under its own name, over every change of its data", () => {
    const { link, client } = stage();
    client.create(node, true, data(8_080));
    expect(written(link)).toMatchObject({ address: "10.0.0.5", port: 8_081, id: "0b5a2d7e", enabled: true });
    client.call({ op: "setData", path: node, data: data(8_080), version: -1 });
    expect(written(link)).toMatchObject({ address: "10.0.0.5", port: 8_081 });
    show(link, {});
    expect(written(link)).toEqual(JSON.parse(data(8_080).toString()));
    expect(client.remove(node)).toBe(0);
  });
});

describe("an instance of Dubbo", () => {
  const node = `${INSTANCES}/10.0.0.2:20880`;
  const places: readonly InboundPlace[] = [{ ...inbound[0]!, listen: { host: "10.0.0.5", port: 20_880 } }];
  const data = Buffer.from(
    JSON.stringify({
      ...{ name: "shop", id: "10.0.0.2:20880", address: "10.0.0.2", port: 20_880, sslPort: null },
      payload: {
        "@class": "org.apache.dubbo.registry.zookeeper.ZookeeperInstance",
        ...{ id: "10.0.0.2:20880", name: "shop", metadata: {} },
      },
    }),
  );
  const there = `${INSTANCES}/10.0.0.5:20880`;

  function restarted() {
    const link = new FacadeLink({ inbound: places });
    const registry = link.connect("direct").layOut();
    expect(link.connect("facade").create(node, true, data)).toBe(0);
    expect(registry.children(INSTANCES)).toEqual(["10.0.0.5:20880"]);
    return { registry, client: link.connect("facade") };
  }

  test("whose process comes back before its session ended takes the old one out, as Curator does", () => {
    const { client, registry } = restarted();
    expect(client.create(node, true, data)).toBe(-110);
    expect(client.remove(node)).toBe(0);
    expect(client.create(node, true, data)).toBe(0);
    expect(registry.children(INSTANCES)).toEqual(["10.0.0.5:20880"]);
  });

  test("that is written by a session that did not make it stays at the proxy's address", () => {
    const { client, registry } = restarted();
    expect(client.call({ op: "setData", path: node, data, version: -1 }).err).toBe(0);
    const { reply } = registry.call({ op: "getData", path: there, watch: false });
    const held = JSON.parse(Buffer.from((reply as { data: Uint8Array }).data).toString());
    expect(held).toMatchObject({ address: "10.0.0.5", id: "10.0.0.5:20880" });
  });
});
