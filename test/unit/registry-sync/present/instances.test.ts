import { describe, expect, test } from "vitest";
import type { Endpoint, World } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { hiddenInstances, isInstanceOf } from "../../../../src/registry-sync/present/instances.ts";
import { applicationOf, instanceAt } from "../../../support/applications.ts";

function endpoint(address: string, port: number, application: string | undefined, protocol = "dubbo"): Endpoint {
  return {
    address,
    port,
    protocol,
    weight: 100,
    startedAtMs: 0,
    warmupMs: 0,
    tag: "",
    disabled: false,
    token: "",
    payloadBytes: 0,
    params: application === undefined ? {} : { application },
    origin: "test",
  };
}

function world(...endpoints: Endpoint[]): World {
  return {
    name: "test",
    entries: [{ host: "com.acme.order", service: serviceKey("com.acme.Order"), endpoints }],
    consumers: [],
    findings: [],
  };
}

const dubboAlone = (_: unknown, __: string, protocol: string) => (protocol === "dubbo" ? undefined : "not carried");

function hidden(given: World, notLed: Parameters<typeof hiddenInstances>[1] = dubboAlone): string[] {
  const hides = hiddenInstances(given, notLed);
  const all = given.entries.flatMap(({ endpoints }) => endpoints);
  return all.flatMap(({ params, address, port }) => {
    const name = `${address}:${port}`;
    return params["application"] !== undefined && hides(params["application"], name)
      ? [`${params["application"]} ${name}`]
      : [];
  });
}

describe("instances that are hidden", () => {
  test("those whose application, host and port also stand at interface level", () => {
    expect(hidden(world(endpoint("10.0.0.2", 20880, "shop")))).toEqual(["shop 10.0.0.2:20880"]);
  });

  test("none of a service that is not led", () => {
    expect(hidden(world(endpoint("10.0.0.2", 20880, "shop")), () => "bypassed")).toEqual([]);
  });

  test("those of an application that speaks tri:// alone where Triple is carried, else none", () => {
    const triple = world(endpoint("10.0.0.2", 50051, "shop", "tri"));
    expect(hidden(triple, () => undefined)).toEqual(["shop 10.0.0.2:50051"]);
    expect(hidden(triple)).toEqual([]);
  });

  test("by the port of a second protocol, too, when dubbo is led on that host", () => {
    const both = world(endpoint("10.0.0.2", 20880, "shop"), endpoint("10.0.0.2", 50051, "shop", "tri"));
    expect(hidden(both)).toEqual(["shop 10.0.0.2:20880", "shop 10.0.0.2:50051"]);
  });

  test("not another application on the same host, and none where the application is not known", () => {
    const mixed = world(
      endpoint("10.0.0.2", 20880, "shop"),
      endpoint("10.0.0.2", 50051, "till", "tri"),
      endpoint("10.0.0.3", 1, undefined),
    );
    expect(hidden(mixed)).toEqual(["shop 10.0.0.2:20880"]);
  });
});

describe("a node of an application's folder is one of Dubbo's instances", () => {
  const world: World = { name: "zk", entries: [], consumers: [], findings: [] };

  test("by its look before the level is read, by what the registry holds then", () => {
    expect([isInstanceOf(undefined, "shop", "h:1"), isInstanceOf(world, "shop", "6e0a")]).toEqual([true, false]);
    const read = { ...world, applications: [applicationOf([instanceAt("h:1")], {})] };
    const asked = [
      ["shop", "h:1"],
      ["shop", "h:2"],
      ["store", "h:1"],
    ] as const;
    expect(asked.map(([name, id]) => isInstanceOf(read, name, id))).toEqual([true, false, false]);
  });

  test("and those of an application that stays the same are looked through once", () => {
    let looks = 0;
    const shop = applicationOf([instanceAt("h:1")], {});
    const counted = {
      ...shop,
      get instances() {
        looks++;
        return shop.instances;
      },
    };
    for (const name of ["store", "stall"]) {
      const read = { ...world, applications: [counted, { ...shop, name }] };
      expect(isInstanceOf(read, "shop", "h:1")).toBe(true);
    }
    expect(looks).toBe(1);
  });
});
