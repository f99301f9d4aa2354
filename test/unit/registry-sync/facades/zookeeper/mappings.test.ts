import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../../../src/codecs/zookeeper/constants.ts";
import type { PresentOptions } from "../../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../../src/registry-sync/present/elsewhere.ts";
import { FacadeLink, IFACE, type LinkedClient } from "../../../../support/facade-link.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const PATH = `/dubbo/mapping/${IFACE}`;
const NOTHING: Partial<PresentOptions> = {};
const elsewhere = (...applications: string[]): Partial<PresentOptions> => {
  const at = (application: string, i: number) =>
    endpoint(`10.1.0.${i}`, { origin: "nacos", params: { application, interface: IFACE } });
  return { elsewhere: elsewhereOf([entry(IFACE, applications.map(at))], "zk", undefined) };
};

function stage(options: Partial<PresentOptions> = elsewhere("shop"), text?: string) {
  const link = new FacadeLink(options);
  const direct = link.connect("direct").layOut();
  direct.create("/dubbo/mapping", false);
  if (text !== undefined) direct.create(PATH, false, new TextEncoder().encode(text));
  return { link, direct, client: link.connect("facade") };
}

function read(client: LinkedClient, watch = false): string | undefined {
  const { reply } = client.call({ op: "getData", path: PATH, watch });
  return reply?.op === "getData" ? new TextDecoder().decode(reply.data ?? new Uint8Array()) : undefined;
}

describe("a mapping", () => {
  test.each([
    ["that the registry does not have names those of other registries", undefined, "shop.trestle"],
    ["names them behind its own", "a,b", "a,b,shop.trestle"],
    ["names each once", "a, shop.trestle,,a", "a,shop.trestle"],
  ])("%s", (_, text, shown) => {
    const { client, direct } = stage(elsewhere("shop"), text);
    expect(read(client)).toBe(shown);
    expect(read(direct)).toBe(text);
  });

  test("passes unchanged where no other registry has the interface, and to clients that pass", () => {
    expect(read(stage(NOTHING, "a").client)).toBe("a");
    expect(read(stage(NOTHING).client)).toBeUndefined();
    expect(read(stage({ ...elsewhere("shop"), passesClient: () => true }).client)).toBeUndefined();
  });

  test("is there for who watches it, and missing for who would make it", () => {
    const { client, direct } = stage();
    expect(client.stat(PATH)).toBeUndefined();
    expect(client.stat(PATH, true)?.dataLength).toBe("shop.trestle".length);
    direct.create(PATH, false, new TextEncoder().encode("a"));
    expect([client.stat(PATH)?.dataLength, client.stat(PATH, true)?.dataLength]).toEqual([1, 1]);
  });

  test("is written without them, under the version that it has", () => {
    const { client, direct } = stage();
    client.create(PATH, false, new TextEncoder().encode("shop.trestle,desk"));
    expect(read(direct)).toBe("desk");
    const data = new TextEncoder().encode("desk,shop.trestle,till");
    expect(client.call({ op: "setData", path: PATH, data, version: 1 }).err).toBe(ERRORS.badVersion);
    expect(client.call({ op: "setData", path: PATH, data, version: 0 }).err).toBe(0);
    expect([read(direct), read(client)]).toEqual(["desk,till", "desk,till,shop.trestle"]);
  });

  test("is told of to who watches when other registries' applications come, change and go, once each", () => {
    const { client, link } = stage(NOTHING);
    client.stat(PATH, true);
    client.events();
    link.setContext(elsewhere("shop"));
    expect(client.events()).toEqual([`created ${PATH}`]);
    link.setContext(elsewhere("shop", "desk"));
    expect(client.events()).toEqual([]);
    expect(read(client, true)).toBe("desk.trestle,shop.trestle");
    link.setContext(elsewhere("desk"));
    expect(client.events()).toEqual([`dataChanged ${PATH}`]);
    read(client, true);
    link.setContext(NOTHING);
    expect(client.events()).toEqual([`deleted ${PATH}`]);
  });

  test("that is shown alone is told of when the registry gets one, and when that changes", () => {
    const { client, direct, link } = stage();
    expect(read(client, true)).toBe("shop.trestle");
    direct.create(PATH, false, new TextEncoder().encode("a"));
    expect(client.events()).toEqual([`created ${PATH}`]);
    expect(read(client, true)).toBe("a,shop.trestle");
    direct.call({ op: "setData", path: PATH, data: new TextEncoder().encode("a,b"), version: -1 });
    expect(client.events()).toEqual([`dataChanged ${PATH}`]);
    expect(read(client, true)).toBe("a,b,shop.trestle");
    link.setContext(NOTHING);
    expect(client.events()).toEqual([`dataChanged ${PATH}`]);
  });

  test("is told of to a client that is back, and goes on being so", () => {
    const { client, link } = stage();
    const none = { child: [], persistent: [], recursive: [] };
    const back = (data: string[], exist: string[]) =>
      client.call({ op: "setWatches2", relativeZxid: client.lastZxid, ...none, data, exist });
    back([], [PATH]);
    expect(client.events()).toEqual([`created ${PATH}`]);
    back([PATH], []);
    expect(client.events()).toContain(`dataChanged ${PATH}`);
    link.setContext(NOTHING);
    back([], [PATH]);
    expect(client.events()).toEqual([]);
    link.setContext(elsewhere("shop"));
    expect(client.events()).toEqual([`created ${PATH}`]);
  });

  test("a read that is refused passes", () => {
    const { client } = stage();
    expect(client.call({ op: "getChildren2", path: PATH, watch: false }).err).toBe(ERRORS.noNode);
  });
});
