import { describe, expect, test } from "vitest";
import { printServiceKey, type ServiceKey, serviceKey } from "../../../../src/model/service.ts";
import {
  applicationOf as applicationNamed,
  isLeadable,
  type LedBy,
  metadataServiceOf,
  proxyPorts,
  treatApplication,
} from "../../../../src/registry-sync/present/applications.ts";
import { applicationOf, instanceAt, offered } from "../../../support/applications.ts";

const PROXIES = proxyPorts(["10.9.0.1:20880", "10.9.0.1:20881"], ["10.9.0.1:50051", "10.9.0.1:50052"]);

function by(changes: Partial<LedBy> = {}): LedBy {
  return { proxies: PROXIES, notLed: () => undefined, ...changes };
}

function presented(application = SHOP, changes: Partial<LedBy> = {}) {
  const treatment = treatApplication(application, by(changes));
  return treatment.type === "led" ? treatment.presented : undefined;
}

const SHOP = applicationOf([instanceAt("10.0.0.1:20880"), instanceAt("10.0.0.2:20880")], {
  r1: [offered("a.B"), offered("a.C", { protocol: "tri", port: 50051 })],
});

test("one instance for each proxy, whose ports stand wherever consumers look for them", () => {
  const instances = presented()!.instances;
  expect(instances.map(({ address, port }) => `${address}:${port}`)).toEqual(["10.9.0.1:20880", "10.9.0.1:20881"]);
  const [first, second] = instances;
  expect(JSON.parse(first!.metadata["dubbo.endpoints"]!)).toEqual([
    { port: 20880, protocol: "dubbo" },
    { port: 50051, protocol: "tri" },
  ]);
  expect(JSON.parse(first!.metadata["dubbo.metadata-service.url-params"]!)).toMatchObject({
    ...{ port: "20880", protocol: "dubbo", version: "1.0.0", serialization: "hessian2" },
  });
  expect(first!.metadata).toMatchObject({ "dubbo.metadata.storage-type": "local", "meta-v": "1.0.0" });
  expect(second!.info.services.map(({ service, protocol, port }) => [service.interface, protocol, port])).toEqual([
    ["a.B", "dubbo", 20881],
    ["a.C", "tri", 50052],
  ]);
});

test("a revision stands for one content: it is another for each proxy, and in the instance's name", () => {
  const [first, second] = presented()!.instances;
  expect(first!.info.revision).not.toBe(second!.info.revision);
  for (const one of [first!, second!]) {
    expect(one.metadata["dubbo.metadata.revision"]).toBe(one.info.revision);
    expect(one.id.startsWith(one.info.revision.slice(0, 12))).toBe(true);
  }
});

test("providers come and go without a change of what is shown, as long as they offer the same", () => {
  const fewer = applicationOf([instanceAt("10.0.0.7:20880", { params: { timestamp: "1800000000000" } })], {
    r1: [...SHOP.revisions.get("r1")!],
  });
  expect(presented(fewer)!.instances.map(({ id }) => id)).toEqual(presented()!.instances.map(({ id }) => id));
});

test("parameters on which revisions do not agree are left out, methods are joined", () => {
  const application = applicationOf([instanceAt("h:1"), instanceAt("h:2", { revision: "r2" })], {
    r1: [offered("a.B", { params: { methods: "x", timeout: "100", zone: "a", revision: "1" } })],
    r2: [offered("a.B", { params: { methods: "y", timeout: "300", zone: "b", revision: "2" } })],
  });
  const [service] = presented(application)!.instances[0]!.info.services;
  expect({ ...service!.params }).toEqual({ application: "shop", interface: "a.B", methods: "x,y", timeout: "300" });
});

test("an application whose consumers need the interface level passes, and says why", () => {
  const needsInterface = (name: string) => (name === "shop" ? "providers of it have tags" : undefined);
  expect(treatApplication(SHOP, by({ needsInterface }))).toEqual({
    ...{ type: "passes", isInterface: true },
    reason: "shop's instances are not shown as the proxies, for providers of it have tags",
  });
});

describe("an application passes", () => {
  const refuse = (interfaceName: string, finding: boolean) => (service: ServiceKey) =>
    service.interface === interfaceName ? { reason: "a rule", finding } : undefined;
  const soon = { notLed: () => ({ reason: "soon", finding: false, soon: true }) };
  const shown = { type: "passes", isInterface: false };
  const shownSoon = { ...shown, isSoon: true };
  const hidden = { type: "passes", isInterface: true };
  test.each<[string, Partial<LedBy>, object]>([
    ["while no proxy serves", { proxies: [] }, hidden],
    ["while the proxies do not know a service", soon, shownSoon],
    ["while they do not know its MetadataService", { served: new Set(["a.B", "a.C"]) }, shownSoon],
    ["where a service is not taken", { notLed: refuse("a.B", false) }, hidden],
  ])("%s", (_, changes, treatment) => {
    expect(treatApplication(SHOP, by(changes))).toEqual(treatment);
  });

  test("where a service cannot be led, and says so", () => {
    expect(treatApplication(SHOP, by({ notLed: refuse("a.B", true) }))).toEqual({
      ...hidden,
      reason: "shop's instances are shown as they are, for a.B:dubbo is not led: a rule",
    });
  });

  test.each([
    [
      "a service of a protocol that is not carried",
      offered("a.R", { protocol: "rest" }),
      /rest:\/\/ is not led through/,
    ],
    [
      "a Triple service under another path",
      offered("a.P", { protocol: "tri", path: "x/a.P" }),
      /its calls name x\/a.P/,
    ],
    ["a service that takes TLS alone", offered("a.S", { params: { "ssl-enabled": "true" } }), /TLS connections alone/],
  ])("with %s", (_, service, reason) => {
    const treatment = treatApplication(applicationOf([instanceAt("h:1")], { r1: [offered("a.B"), service] }), by());
    expect(treatment).toMatchObject({ type: "passes", reason: expect.stringMatching(reason) });
  });

  test.each([
    ["nothing is known of its services yet", applicationOf([instanceAt("h:1")], {}), shownSoon],
    ["they could not be learned", applicationOf([instanceAt("h:1")], {}, ["r1"]), shown],
    ["its instances say no revision", applicationOf([instanceAt("h:1", { revision: "" })], {}), hidden],
    ["its name can be no group", { ...SHOP, name: "a/b" }, hidden],
  ])("where %s", (_, application, treatment) => {
    expect(treatApplication(application, by())).toEqual(treatment);
  });
});

test("instances of 2.7 stay as they are: those of 3.x beside them are led with all that is offered", () => {
  const old = instanceAt("h:1", { revision: "instance:h:1:0" });
  const revisions = { "instance:h:1:0": [offered("a.Old")], r1: [offered("a.New")] };
  expect(treatApplication(applicationOf([old], revisions), by())).toEqual({ type: "passes", isInterface: true });
  const both = presented(applicationOf([old, instanceAt("h:2")], revisions));
  expect(both?.instances[0]?.info.services.map(({ service }) => service.interface)).toEqual(["a.New", "a.Old"]);
  expect([both?.hides("h:1"), both?.hides("h:2")]).toEqual([false, true]);
});

test("a service that is offered in a carried protocol too is led by that", () => {
  const application = applicationOf([instanceAt("h:1")], {
    r1: [offered("a.B"), offered("a.B", { protocol: "rest" })],
  });
  expect(presented(application)!.instances[0]!.info.services.map(({ protocol }) => protocol)).toEqual(["dubbo"]);
});

test("once the proxies know its services and its MetadataService it is led", () => {
  const served = new Set(["a.B", "a.C", printServiceKey(metadataServiceOf("shop"))]);
  expect(presented(SHOP, { served })).toBeDefined();
  expect(printServiceKey(metadataServiceOf("shop"))).toBe("shop/org.apache.dubbo.metadata.MetadataService:1.0.0");
});

describe("an application with a service that the proxies do not know yet", () => {
  const news = { notLed: (service: ServiceKey) => soonFor("a.C", service) };

  test("stays at the proxies without it where it was there before", () => {
    const shown = presented(SHOP, { ...news, stays: () => true });
    expect(shown?.instances[0]?.info.services.map(({ service }) => service.interface)).toEqual(["a.B"]);
    expect(shown?.hides("10.0.0.1:20880")).toBe(true);
    expect(shown?.instances[0]?.id).not.toBe(presented()?.instances[0]?.id);
  });

  test("is shown as it is where it was not, and where nothing else is left", () => {
    const asItIs = { type: "passes", isInterface: false, isSoon: true };
    expect(treatApplication(SHOP, by({ ...news, stays: () => false }))).toEqual(asItIs);
    const alone = applicationOf([instanceAt("h:1")], { r1: [offered("a.C")] });
    expect(treatApplication(alone, by({ ...news, stays: () => true }))).toEqual(asItIs);
  });

  test("is asked after in no other case", () => {
    const stays = () => {
      throw new Error("asked");
    };
    expect(presented(SHOP, { stays })).toBeDefined();
  });
});

function soonFor(interfaceName: string, service: ServiceKey) {
  return service.interface === interfaceName ? { reason: "not told yet", finding: false, soon: true } : undefined;
}

describe("of the real nodes are kept from consumers:", () => {
  const application = applicationOf(
    [instanceAt("h:1"), instanceAt("h:2", { revision: "r2" }), instanceAt("h:3", { revision: "0" })],
    { r1: [offered("a.B")] },
    ["r2"],
  );
  test.each([
    ["an instance whose services are led", "h:1", true],
    ["one whose services could not be learned", "h:2", false],
    ["one that offers nothing", "h:3", false],
    ["one that is not known yet", "h:4", true],
    ["a node of another look", "6e0a", false],
  ])("%s", (_, id, hides) => {
    expect(presented(application)!.hides(id)).toBe(hides);
  });
});

test("the proxy's own names are not taken for real ones that are not known yet", () => {
  const shop = presented()!;
  expect(shop.instances.map(({ id }) => shop.hides(id))).toEqual([false, false]);
});

test("ports of both protocols are paired by host; a proxy without Triple carries no Triple service", () => {
  expect(proxyPorts(["a:1", "b:2", "[::1]:3", "x"], ["b:9", "[::1]:8"])).toEqual([
    { address: "a", dubbo: 1, tri: undefined },
    { address: "b", dubbo: 2, tri: 9 },
    { address: "::1", dubbo: 3, tri: 8 },
  ]);
  const [instance] = presented(SHOP, { proxies: proxyPorts(["a:1"], []) })!.instances;
  expect(instance!.info.services.map(({ service }) => service)).toEqual([serviceKey("a.B")]);
});

test("in whatever order a host's ports are told, its instances say the same", () => {
  const told = proxyPorts(["10.9.0.1:20881", "10.9.0.1:20880"], ["10.9.0.1:50052", "10.9.0.1:50051"]);
  expect(told).toEqual([...PROXIES].reverse());
  const revisions = (proxies: LedBy["proxies"]) => presented(SHOP, { proxies })!.instances.map(({ id }) => id);
  expect(revisions(told).reverse()).toEqual(revisions(PROXIES));
});

test("applications are found by name", () => {
  const list = [SHOP];
  expect([applicationNamed(list, "shop"), applicationNamed(list, "x")]).toEqual([SHOP, undefined]);
  expect([isLeadable("shop-1.a"), isLeadable("a b"), isLeadable("")]).toEqual([true, false, false]);
});
