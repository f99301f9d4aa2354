import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/model/entry.ts";
import { ANYBODY, type Asker } from "../../../../src/registry-sync/present/asker.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../src/registry-sync/present/elsewhere.ts";
import { elsewhereUrls } from "../../../../src/registry-sync/present/elsewhere-urls.ts";
import { isHidden, mayBeVirtual, present } from "../../../../src/registry-sync/present/present.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const directory = { kind: "providers", path: "/dubbo/com.acme.Order/providers", name: "com.acme.Order" } as const;
const from = { origin: "nacos", params: { application: "shop", methods: "get,list", serialization: "fastjson2" } };

function context(endpoints: readonly Endpoint[], options: Partial<PresentOptions> = {}, service = "com.acme.Order") {
  return createPresentContext({
    addresses: ["10.0.0.9:20880"],
    triAddresses: ["10.0.0.9:50051"],
    elsewhere: elsewhereOf([entry(service, endpoints)], "zk", undefined),
    ...options,
  });
}

function shownOf(names: readonly string[], of: ReturnType<typeof context>, asker: Asker = ANYBODY): string[] {
  return [...present(directory, names, of, asker).shown].map((one) => decodeURIComponent(one));
}

const registered = (query = "", scheme = "dubbo") =>
  encodeURIComponent(`${scheme}://10.0.0.2:20880/com.acme.Order?application=shop&interface=com.acme.Order${query}`);
const ofNacos =
  "10.0.0.9:20880/com.acme.Order?application=shop&interface=com.acme.Order&methods=get,list&serialization=fastjson2&side=provider&trestle.from=nacos";

describe("a service that only other registries hold", () => {
  test("is shown at the proxy, under what its providers agree on", () => {
    const of = context([
      endpoint("10.0.1.1", from),
      endpoint("10.0.1.2", { ...from, params: { ...from.params, pid: "7" } }),
    ]);
    expect(shownOf([], of)).toEqual([`dubbo://${ofNacos}`]);
    const { shown, virtual } = present(directory, [], of);
    expect(virtual).toEqual(shown);
    const [name] = virtual;
    expect([mayBeVirtual(directory, name!, of), isHidden(directory, name!, of)]).toEqual([true, false]);
  });

  test("of Triple is shown as that, and bridged for who takes Dubbo2 alone", () => {
    const of = context([endpoint("10.0.1.1:50051", { ...from, protocol: "tri", params: { application: "shop" } })]);
    const schemes = (asker?: Asker) => shownOf([], of, asker).map((one) => one.split(":")[0]);
    expect(schemes()).toEqual(["dubbo", "tri"]);
    expect(schemes({ unled: [], speaks: ["dubbo"] })).toEqual(["dubbo"]);
    expect(schemes({ unled: [], speaks: ["tri"] })).toEqual(["tri"]);
  });

  test("keeps its tag, so that consumers' own tag routers choose by it", () => {
    const gray = endpoint("10.0.1.1", { ...from, tag: "gray", params: { "dubbo.tag": "gray" } });
    expect(
      shownOf([], context([gray, endpoint("10.0.1.2", from)])).map((one) => one.includes("dubbo.tag=gray")),
    ).toEqual([false, true]);
  });

  test.each<[string, Partial<PresentOptions>, Partial<Endpoint>]>([
    ["no proxy carries it", { addresses: [], triAddresses: [] }, {}],
    ["the service is not taken", { take: { services: ["com.other.*"], applications: ["*"] } }, {}],
    ["its application is not taken", { take: { services: ["*"], applications: ["other"] } }, {}],
    ["it is passed", { pass: ["com.acme.*"] }, {}],
    ["everything is bypassed", { bypass: { all: true, services: [] } }, {}],
    ["it is under a router", { unruled: new Map([["com.acme.Order", "a router"]]) }, {}],
    ["its providers take TLS alone", {}, { params: { "ssl-enabled": "true" } }],
    ["it asks for all providers at once", {}, { params: { cluster: "broadcast" } }],
    ["its protocol is not carried", {}, { protocol: "rmi" }],
  ])("is not shown where %s", (_, options, more) => {
    expect(shownOf([], context([endpoint("10.0.1.1", { ...from, ...more })], options))).toEqual([]);
  });

  test("is not shown to a consumer that broadcasts", () => {
    const params = { interface: "com.acme.Order", cluster: "broadcast" };
    const consumer = { protocol: "consumer", host: "10.0.0.3", port: 0, path: "com.acme.Order", params };
    expect(shownOf([], context([endpoint("10.0.1.1", from)]), { unled: [consumer], speaks: [] })).toEqual([]);
  });

  test("that the proxies have not been told of is waited for", () => {
    const of = context([endpoint("10.0.1.1", from)], { served: new Set() });
    const { shown, soon } = present(directory, [], of);
    expect([[...shown], [...soon]]).toEqual([[], ["com.acme.Order"]]);
  });

  test("is shown in its own directory alone, and in no list of routers", () => {
    const of = context([endpoint("10.0.1.1", from)]);
    expect(present({ ...directory, name: "com.acme.Stock" }, [], of).shown.size).toBe(0);
    expect(present({ ...directory, kind: "routers" }, [], of).shown.size).toBe(0);
  });
});

describe("when the registry has such a provider itself", () => {
  const elsewhere = [endpoint("10.0.1.1", { ...from, params: { application: "shop", side: "provider" } })];

  test("the same URL stands for all of them, since the proxy calls all", () => {
    const before = shownOf([], context(elsewhere));
    expect(shownOf([registered("&side=provider&pid=1")], context(elsewhere))).toEqual(before);
    expect(before).toHaveLength(1);
  });

  test("version 0.0.0 and none are one, written as the registry's provider has it", () => {
    const shown = shownOf([registered("&version=0.0.0")], context(elsewhere));
    expect(shown).toHaveLength(1);
    expect(shown[0]).toContain("trestle.from=nacos");
  });

  test("a provider that passes unchanged stands alone", () => {
    const name = registered("&ssl-enabled=true");
    expect(shownOf([name], context(elsewhere))).toEqual([decodeURIComponent(name)]);
  });

  test("another group makes no difference", () => {
    const shown = shownOf([registered("&group=g")], context(elsewhere));
    expect(shown.map((one) => one.includes("trestle.from"))).toEqual([true, false]);
  });

  test("methods of both are offered", () => {
    const shown = shownOf([registered("&methods=create")], context([endpoint("10.0.1.1", from)]));
    expect(shown[0]).toContain("methods=create,get,list");
  });
});

test("with nothing elsewhere no name is read", () => {
  const none = createPresentContext({ addresses: ["10.0.0.9:20880"] });
  const question = { interfaceName: "com.acme.Order", names: ["%"], led: [], asker: ANYBODY };
  expect(elsewhereUrls(question, none)).toEqual({ urls: [], waiting: [] });
});
