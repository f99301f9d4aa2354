import { describe, expect, test } from "vitest";
import { restMappingOf, restSchemasOf, withRestMappings } from "../../../../src/control/rules/rest-entries.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import type { RestMappingRule } from "../../../../src/model/rule.ts";
import { printServiceKey, serviceKey } from "../../../../src/model/service.ts";

const at = { position: { file: "a.yaml", line: 1, column: 1 }, fields: {} };

function rule(key: string, more: Partial<RestMappingRule> = {}): RestMappingRule {
  const [name, group] = key.split("@");
  return {
    kind: "RestMapping",
    at,
    name: key,
    namespace: "shop",
    createdAtMs: undefined,
    service: serviceKey(name!, group),
    host: undefined,
    endpoints: [{ at, address: "10.0.0.7", port: 8080, labels: { zone: "a" } }],
    mapping: { methods: [], types: {}, dates: "iso" },
    ...more,
  };
}

const hostOf = (service: Entry["service"]) => printServiceKey(service).toLowerCase();
const web: Entry = {
  host: "stock.shop",
  service: serviceKey("stock.shop"),
  endpoints: [
    { ...endpoint("10.0.0.8"), protocol: "http" },
    { ...endpoint("10.0.0.9"), protocol: "tri" },
  ],
};

function endpoint(address: string): Entry["endpoints"][number] {
  const rest = { weight: 100, startedAtMs: 0, warmupMs: 0, tag: "", disabled: false, token: "", payloadBytes: 0 };
  return { address, port: 80, protocol: "dubbo", ...rest, params: {}, origin: "zk" };
}

describe("entries of RestMapping rules", () => {
  test("have the endpoints that the rule lists, each once", () => {
    const twice = [
      ...rule("a").endpoints,
      { at, address: "10.0.0.7", port: 8080 },
      { at, address: "10.0.0.6", port: 1 },
    ];
    const [entry] = withRestMappings([], [rule("com.acme.Order@g", { endpoints: twice })], hostOf);
    expect(entry).toMatchObject({ host: "g/com.acme.order", service: { interface: "com.acme.Order", group: "g" } });
    expect(
      entry?.endpoints.map(({ address, port, protocol, origin }) => `${protocol} ${address}:${port} ${origin}`),
    ).toEqual(["http 10.0.0.6:1 rules", "http 10.0.0.7:8080 rules"]);
  });

  test("have the HTTP endpoints of the service that the rule names", () => {
    const named = rule("com.acme.Order", { host: "stock.shop", endpoints: [] });
    const [, entry] = withRestMappings([web], [named], hostOf);
    expect(entry?.endpoints.map(({ address }) => address)).toEqual(["10.0.0.8"]);
    expect(withRestMappings([], [named], hostOf)[0]?.endpoints).toEqual([]);
  });

  test("are the same objects while nothing changed for them", () => {
    const named = rule("com.acme.Order", { host: "stock.shop", endpoints: [] });
    const first = withRestMappings([web], [named], hostOf)[1];
    expect(withRestMappings([web], [named], hostOf)[1]).toBe(first);
    expect(withRestMappings([{ ...web }], [named], hostOf)[1]).not.toBe(first);
  });

  test("give way to providers that a registry has, and take their place when they are gone", () => {
    const registered: Entry = { ...web, host: "com.acme.order", service: serviceKey("com.acme.Order") };
    expect(withRestMappings([registered], [rule("com.acme.Order")], hostOf)).toEqual([registered]);
    const left = withRestMappings([{ ...registered, endpoints: [] }], [rule("com.acme.Order")], hostOf);
    expect(left.map(({ host, mapped }) => [host, mapped])).toEqual([["com.acme.order", true]]);
  });

  test("are the oldest rule's", () => {
    const endpoints = [{ at, address: "10.0.0.1", port: 1 }];
    const added = withRestMappings([], [rule("com.acme.Order"), rule("com.acme.Order", { endpoints })], hostOf);
    expect(added.map(({ endpoints: [one] }) => one?.address)).toEqual(["10.0.0.7"]);
    const none: Entry[] = [];
    expect(withRestMappings(none, [], hostOf)).toBe(none);
  });

  test("are found by their service, the oldest rule first", () => {
    const [first, second] = [rule("com.acme.Order"), rule("com.acme.Order")];
    expect(restMappingOf(serviceKey("com.acme.Order"), [rule("com.acme.Stock"), first, second])).toBe(first);
    expect(restMappingOf(serviceKey("com.acme.Order", "g"), [first])).toBeUndefined();
  });

  test("have one schema for each interface", () => {
    const first = rule("com.acme.Order");
    expect(restSchemasOf([first, rule("com.acme.Order@g"), rule("com.acme.Stock")])).toEqual([
      { name: "com.acme.Order", rest: first.mapping },
      { name: "com.acme.Stock", rest: { methods: [], types: {}, dates: "iso" } },
    ]);
  });
});
