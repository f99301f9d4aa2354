import { describe, expect, test } from "vitest";
import { instancesAt } from "../../../../../src/registry-sync/facades/zookeeper/removals.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { FacadeLink, IFACE, INSTANCES, PROVIDERS, PROXIES, providerName } from "../../../../support/facade-link.ts";

const node = (host: string, params = "") => `${PROVIDERS}/${providerName(host, params)}`;
const roots = createPresentContext({ addresses: PROXIES });

test.each([
  ["a provider's URL", [node("10.0.0.2")], ["10.0.0.2:20880"]],
  ["an instance of an application", [`${INSTANCES}/10.0.0.3:20880`], ["10.0.0.3:20880"]],
  ["two services of one process", [node("10.0.0.2"), node("10.0.0.2", "&group=g")], ["10.0.0.2:20880"]],
  ["a name that is no URL", [`${PROVIDERS}/nobody%zz`], []],
  ["a consumer", [`/dubbo/${IFACE}/consumers/${providerName("10.0.0.4", "", "consumer")}`], []],
  ["the directory itself", [PROVIDERS, "/"], []],
])("%s stands for its instance or for none", (_, paths, instances) => {
  expect(instancesAt(paths, roots)).toEqual(instances);
});

describe("a facade's client takes providers out on purpose", () => {
  function setUp() {
    const link = new FacadeLink();
    link.connect("direct").layOut();
    const client = link.connect("facade");
    for (const path of [node("10.0.0.2"), node("10.0.0.2", "&group=g"), `${INSTANCES}/10.0.0.3:20880`])
      client.create(path);
    return { link, client };
  }

  test("when it deletes a node", () => {
    const { link, client } = setUp();
    expect(client.remove(node("10.0.0.2"))).toBe(0);
    expect(link.removed).toEqual([["10.0.0.2:20880"]]);
  });

  test("when it deletes a node in a multi", () => {
    const { link, client } = setUp();
    client.call({ op: "multi", ops: [{ op: "delete", path: node("10.0.0.2"), version: -1 }] });
    expect(link.removed).toEqual([["10.0.0.2:20880"]]);
  });

  test("when it ends its session in order: all that the session made", () => {
    const { link, client } = setUp();
    client.ask({ op: "closeSession" });
    link.pump();
    expect(link.removed).toEqual([["10.0.0.2:20880", "10.0.0.3:20880"]]);
  });

  test("also in a session that another connection began", () => {
    const { link, client } = setUp();
    client.disconnect();
    link.connect("facade", client).ask({ op: "closeSession" });
    link.pump();
    expect(link.removed).toEqual([["10.0.0.2:20880", "10.0.0.3:20880"]]);
  });

  test.each([
    ["a deletion that fails", (client: ReturnType<typeof setUp>["client"]) => void client.remove(node("10.0.0.9"))],
    [
      "a multi that fails",
      (client: ReturnType<typeof setUp>["client"]) =>
        void client.call({
          op: "multi",
          ops: [
            { op: "delete", path: node("10.0.0.2"), version: -1 },
            { op: "delete", path: "/nowhere", version: -1 },
          ],
        }),
    ],
    ["a connection that is lost", (client: ReturnType<typeof setUp>["client"]) => client.disconnect()],
    [
      "a node that is no provider's",
      (client: ReturnType<typeof setUp>["client"]) => {
        client.create("/other");
        client.remove("/other");
      },
    ],
  ])("but not by %s", (_, act) => {
    const { link, client } = setUp();
    act(client);
    link.pump();
    expect(link.removed).toEqual([]);
  });
});
