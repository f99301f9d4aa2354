import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../../../src/codecs/zookeeper/constants.ts";
import type { Reply } from "../../../../../src/codecs/zookeeper/replies.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import {
  addressesOf,
  FacadeLink,
  INSTANCES,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../../../../support/facade-link.ts";

const real = `${PROVIDERS}/${providerName("10.0.0.2")}`;
const tri = `${PROVIDERS}/${providerName("10.0.0.4", "", "tri")}`;

function setUp() {
  const link = new FacadeLink();
  const direct = link.connect("direct").layOut();
  direct.create(real);
  direct.create(`${PROVIDERS}/${providerName("10.0.0.3", "&weight=3")}`);
  const client = link.connect("facade");
  const [shown = ""] = client.children(PROVIDERS);
  return { link, direct, client, virtual: `${PROVIDERS}/${shown}` };
}

function statOf(reply: Reply | undefined) {
  return reply !== undefined && "stat" in reply ? reply.stat : undefined;
}

describe("reads of a directory of providers", () => {
  test("getChildren and getChildren2 show the proxies, with their number", () => {
    const { client } = setUp();
    const plain = client.call({ op: "getChildren", path: PROVIDERS, watch: false }).reply;
    expect(plain?.op === "getChildren" && addressesOf(plain.children)).toEqual(PROXIES);
    const full = client.call({ op: "getChildren2", path: PROVIDERS, watch: false }).reply;
    expect(full?.op === "getChildren2" && addressesOf(full.children)).toEqual(PROXIES);
    expect(statOf(full)?.numChildren).toBe(2);
  });

  test("every answer that carries the directory's Stat says the number that is shown, and else what the server says", () => {
    const { client, direct } = setUp();
    direct.create(`${PROVIDERS}/${providerName("10.0.0.5")}`);
    const truth = direct.stat(PROVIDERS);
    expect(truth?.numChildren).toBe(3);
    for (const op of ["exists", "getData", "getChildren2"] as const) {
      const { reply } = client.call({ op, path: PROVIDERS, watch: false });
      expect(statOf(reply), op).toEqual({ ...truth, numChildren: 2 });
    }
    expect(statOf(client.call({ op: "getACL", path: PROVIDERS }).reply)?.numChildren).toBe(2);
    const set = client.call({ op: "setData", path: PROVIDERS, data: Buffer.from("x"), version: -1 });
    expect(statOf(set.reply)).toMatchObject({ numChildren: 2, version: 1 });
  });

  test("a list that is shown as it is passes as it is", () => {
    const { client, direct, link } = setUp();
    for (const name of direct.children(PROVIDERS)) direct.remove(`${PROVIDERS}/${name}`);
    direct.create(tri);
    const rewritten = link.counters.rewritten;
    expect(client.children(PROVIDERS)).toEqual(direct.children(PROVIDERS));
    expect(link.counters.rewritten).toBe(rewritten);
  });

  test.each(["exists", "getData"] as const)(
    "who has a recursive watch and asks by %s for the Stat alone is told of the proxies, once",
    (op) => {
      const { link, direct } = setUp();
      const back = link.connect("facade");
      back.call({ op: "addWatch", path: "/dubbo", mode: 1 });
      const stat = () => void back.call({ op, path: PROVIDERS, watch: false });
      stat();
      const told = back.events();
      expect(told).toEqual(back.children(PROVIDERS).map((name) => `created ${PROVIDERS}/${name}`));
      expect(told).toHaveLength(PROXIES.length);
      stat();
      direct.create(`${PROVIDERS}/${providerName("10.0.0.7")}`);
      stat();
      expect(back.events()).toEqual([]);
      direct.remove(real);
      expect(back.events()).toEqual([]);
    },
  );

  test("who has a recursive watch and has listed the names is told of none again, nor is who has no such watch", () => {
    const { link, client } = setUp();
    client.call({ op: "getData", path: PROVIDERS, watch: true });
    expect(client.events()).toEqual([]);
    const other = link.connect("facade");
    other.call({ op: "addWatch", path: PROVIDERS, mode: 1 });
    other.children(PROVIDERS);
    other.call({ op: "getData", path: PROVIDERS, watch: false });
    expect(other.events()).toEqual([]);
  });

  test("a directory that is missing is missing", () => {
    const { client } = setUp();
    for (const op of ["getChildren", "getChildren2", "exists", "getData"] as const) {
      const { err, reply } = client.call({ op, path: "/dubbo/com.acme.None/providers", watch: true });
      expect([err, reply], op).toEqual([ERRORS.noNode, undefined]);
    }
  });
});

describe("reads of one provider's node", () => {
  test("a name that is shown is there in every read, with zxids that the registry knows", () => {
    const { client, direct, virtual } = setUp();
    expect(direct.stat(virtual)).toBeUndefined();
    const directory = direct.stat(PROVIDERS);
    const { reply } = client.call({ op: "exists", path: virtual, watch: false });
    expect(statOf(reply)).toMatchObject({ czxid: directory?.czxid, mzxid: directory?.czxid, ephemeralOwner: 0n });
    expect(client.call({ op: "getData", path: virtual, watch: false }).reply).toMatchObject({
      op: "getData",
      data: new Uint8Array(0),
    });
    expect(client.call({ op: "getACL", path: virtual }).reply).toMatchObject({
      acl: [{ scheme: "world", id: "anyone" }],
    });
    expect(client.call({ op: "getChildren", path: virtual, watch: false }).reply).toEqual({
      op: "getChildren",
      children: [],
    });
    expect(client.children(virtual)).toEqual([]);
  });

  test("a name that is hidden is there in no read", () => {
    const { client, direct } = setUp();
    expect(direct.stat(real)).toBeDefined();
    for (const op of ["exists", "getData", "getChildren", "getChildren2"] as const) {
      expect(client.call({ op, path: real, watch: false }).err, op).toBe(ERRORS.noNode);
    }
    expect(client.call({ op: "getACL", path: real }).err).toBe(ERRORS.noNode);
  });

  test("but for the session that made it, which finds, writes and removes it as ever", () => {
    const { link } = setUp();
    const owner = link.connect("facade");
    const own = `${PROVIDERS}/${providerName("10.0.0.7")}`;
    expect(owner.stat(own)).toBeUndefined();
    expect(owner.create(own)).toBe(0);
    expect(owner.stat(own)?.ephemeralOwner).toBe(owner.sessionId);
    expect(owner.call({ op: "setData", path: own, data: Buffer.from("x"), version: 0 }).err).toBe(0);
    const data = owner.call({ op: "getData", path: own, watch: false }).reply;
    expect(data?.op === "getData" && Buffer.from(data.data ?? []).toString()).toBe("x");
    expect(owner.call({ op: "getChildren", path: own, watch: false }).reply).toEqual({
      op: "getChildren",
      children: [],
    });
    expect(addressesOf(owner.children(PROVIDERS))).toEqual(PROXIES);
    expect(owner.create(own)).toBe(ERRORS.nodeExists);
    expect(owner.remove(own)).toBe(0);
    expect(owner.stat(own)).toBeUndefined();
  });

  test("a persistent node of its own, too (dynamic=false)", () => {
    const { link } = setUp();
    const owner = link.connect("facade");
    const own = `${PROVIDERS}/${providerName("10.0.0.7", "&dynamic=false")}`;
    expect(owner.create(own, false)).toBe(0);
    expect(owner.stat(own)).toBeDefined();
    owner.disconnect();
    expect(link.connect("facade", owner).stat(own)).toBeDefined();
  });

  test("a node that another session made does not become one's own by a create that fails", () => {
    const { client } = setUp();
    expect(client.create(real)).toBe(ERRORS.nodeExists);
    expect(client.stat(real)).toBeUndefined();
  });

  test("what passes unchanged is read as it is", () => {
    const { client, direct } = setUp();
    direct.create(tri);
    expect(client.stat(tri)).toEqual(direct.stat(tri));
  });
});

describe("instances", () => {
  test("hidden ones are in no list, no count and no read, their application's others are", () => {
    const link = new FacadeLink({}, ["10.0.0.2:20880"]);
    const direct = link.connect("direct").layOut();
    for (const host of ["10.0.0.2", "10.0.0.3"]) direct.create(`${INSTANCES}/${host}:20880`);
    const client = link.connect("facade");
    expect(client.children(INSTANCES)).toEqual(["10.0.0.3:20880"]);
    expect(client.stat(INSTANCES)?.numChildren).toBe(1);
    expect(client.stat(`${INSTANCES}/10.0.0.2:20880`)).toBeUndefined();
    expect(client.stat(`${INSTANCES}/10.0.0.3:20880`)).toBeDefined();
  });

  test("a provider finds the instance that it registered, and may remove it", () => {
    const link = new FacadeLink({}, ["10.0.0.2:20880"]);
    link.connect("direct").layOut();
    const provider = link.connect("facade");
    const own = `${INSTANCES}/10.0.0.2:20880`;
    provider.create(own);
    expect(provider.stat(own)?.ephemeralOwner).toBe(provider.sessionId);
    expect(provider.children(INSTANCES)).toEqual([]);
    expect(provider.remove(own)).toBe(0);
  });
});

describe("a service that exists by a rule alone", () => {
  const missing = "/dubbo/com.acme.Ruled/providers";
  const ruled = [{ service: serviceKey("com.acme.Ruled"), methods: ["get"] }];

  function connect() {
    const link = new FacadeLink({ ruled });
    const direct = link.connect("direct").layOut();
    return { link, direct, client: link.connect("facade") };
  }

  test("is shown though the registry has no directory for it", () => {
    const { client } = connect();
    const plain = client.call({ op: "getChildren", path: missing, watch: false }).reply;
    expect(plain?.op === "getChildren" && addressesOf(plain.children)).toEqual(PROXIES);
    const full = client.call({ op: "getChildren2", path: missing, watch: false }).reply;
    expect(full?.op === "getChildren2" && addressesOf(full.children)).toEqual(PROXIES);
    expect(statOf(full)).toMatchObject({ numChildren: 2, czxid: 0n });
    // Who would make the directory must hear that it is missing.
    expect(client.call({ op: "exists", path: missing, watch: false }).err).toBe(ERRORS.noNode);
    const [child = ""] = full?.op === "getChildren2" ? full.children : [];
    expect(client.call({ op: "exists", path: `${missing}/${child}`, watch: false }).err).toBe(ERRORS.ok);
    expect(client.call({ op: "getData", path: `${missing}/none`, watch: false }).err).toBe(ERRORS.noNode);
  });

  test("is missing to who would watch it, and shown as soon as the directory is there", () => {
    const { client, direct } = connect();
    for (const op of ["getChildren", "getChildren2", "exists", "getData"] as const) {
      expect(client.call({ op, path: missing, watch: true }).err, op).toBe(ERRORS.noNode);
    }
    direct.create("/dubbo/com.acme.Ruled", false);
    direct.create(missing, false);
    expect(addressesOf(client.children(missing))).toEqual(PROXIES);
    expect(statOf(client.call({ op: "exists", path: missing, watch: false }).reply)).toMatchObject({ numChildren: 2 });
  });
});
