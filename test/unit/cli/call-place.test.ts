import { describe, expect, test } from "vitest";
import { type FindProviders, findPlace } from "../../../src/cli/call-place.ts";
import type { CallScheme } from "../../../src/cli/call-target.ts";
import type { ProviderAddress } from "../../../src/cli/dubbo/registry.ts";
import { parseServiceKey, serviceKey } from "../../../src/model/service.ts";

const orders = serviceKey("com.acme.Orders", "g", "1.0.0");
const options = { timeout: 1000 };

describe("in a registry", () => {
  const dubbo: ProviderAddress = { scheme: "dubbo", host: "10.0.0.1", port: 20880 };
  const tri: ProviderAddress = { scheme: "tri", host: "10.0.0.2", port: 50051 };
  const place = (providers: readonly ProviderAddress[], protocol?: CallScheme, oneWay?: boolean) => {
    const find: FindProviders = async (registry, service, schemes) => {
      expect([registry, service]).toEqual(["zookeeper://r", orders]);
      return providers.filter(({ scheme }) => schemes.includes(scheme));
    };
    const more = { ...(protocol && { protocol }), ...(oneWay && { oneWay }) };
    return findPlace(orders, { ...options, registry: "zookeeper://r", ...more }, find, async () => undefined);
  };

  test.each<[string, readonly ProviderAddress[], CallScheme | undefined, CallScheme, string]>([
    ["a Dubbo2 provider by dubbo", [dubbo], undefined, "dubbo", "10.0.0.1"],
    ["a Triple provider by tri", [tri], undefined, "tri", "10.0.0.2"],
    ["a Triple provider by grpc", [dubbo, tri], "grpc", "grpc", "10.0.0.2"],
    ["a Triple provider by http", [dubbo, tri], "http", "http", "10.0.0.2"],
    ["the one that is asked for", [dubbo, tri], "dubbo", "dubbo", "10.0.0.1"],
  ])("a service is called at %s", async (_, providers, protocol, scheme, host) => {
    const { address, service } = await place(providers, protocol);
    expect([address.scheme, address.host, service]).toEqual([scheme, host, orders]);
  });

  test("a one-way call goes to a Dubbo2 provider", async () => {
    expect((await place([tri, dubbo], undefined, true)).address).toEqual(dubbo);
  });

  test.each<[CallScheme | undefined, string]>([
    [undefined, "the registry lists no dubbo or tri provider of com.acme.Orders in that group and version"],
    [
      "grpc",
      "the registry lists no tri provider of com.acme.Orders, which --protocol grpc calls, in that group and version",
    ],
  ])("nobody who speaks %s is an error", async (protocol, text) => {
    await expect(place([], protocol)).rejects.toThrow(text);
  });
});

describe("through a running instance", () => {
  const workers = [
    { state: "draining", addresses: ["10.0.0.9:1", "tri://10.0.0.9:2"] },
    { state: "serving", addresses: ["10.0.0.5:20880", "tri://[::5]:50051"] },
  ];
  const known = ["g/com.acme.Orders:1.0.0", "com.acme.Stock:2.0", "h/com.acme.Orders:1.0.0"];
  const place = (key: string, protocol?: CallScheme, answers: Readonly<Record<string, unknown>> = {}) => {
    const said: Readonly<Record<string, unknown>> = {
      "/api/v1/services": { services: known.map((service) => ({ service })) },
      "/api/v1/status": { workers },
      "/api/v1/schemas?service=com.acme.Stock": { schemas: [{ name: "com.acme.Stock", protobuf: "AAAA" }] },
      "/api/v1/schemas?service=com.acme.Orders": { schemas: [] },
      ...answers,
    };
    const ask = async (_: string, path: string) => said[path] ?? expect.fail(`asked for ${path}`);
    const more = protocol && { protocol };
    return findPlace(parseServiceKey(key), { ...options, admin: "a:1", ...more }, async () => [], ask);
  };

  test.each<[CallScheme | undefined, CallScheme, string, number]>([
    [undefined, "dubbo", "10.0.0.5", 20880],
    ["dubbo", "dubbo", "10.0.0.5", 20880],
    ["tri", "tri", "::5", 50051],
    ["http", "http", "::5", 50051],
  ])("a call by %s goes to a port that serves", async (protocol, scheme, host, port) => {
    const { address, service, descriptors } = await place("g/com.acme.Orders:1.0.0", protocol);
    expect(address).toEqual({ scheme, host, port });
    expect([service, descriptors]).toEqual([orders, undefined]);
  });

  test("a call by grpc has the types that the instance knows", async () => {
    expect((await place("com.acme.Stock:2.0", "grpc")).descriptors).toBe("AAAA");
    expect((await place("g/com.acme.Orders:1.0.0", "grpc")).descriptors).toBeUndefined();
  });

  test("a service's group and version need not be said where one alone has its interface", async () => {
    expect((await place("com.acme.Stock", "tri")).service).toEqual(serviceKey("com.acme.Stock", "", "2.0"));
    expect((await place("com.acme.stock")).service.interface).toBe("com.acme.Stock");
  });

  test("without a Dubbo2 port the call goes by tri", async () => {
    const status = { workers: [{ state: "serving", addresses: ["tri://10.0.0.5:50051"] }] };
    expect((await place("com.acme.Stock", undefined, { "/api/v1/status": status })).address.scheme).toBe("tri");
  });

  test.each<[string, string, CallScheme | undefined, Readonly<Record<string, unknown>>, string]>([
    [
      "a service that it does not know",
      "a.B",
      undefined,
      {},
      "that instance knows no service a.B; see trestle services",
    ],
    [
      "a group that it does not know",
      "com.acme.Orders",
      undefined,
      {},
      "that instance knows no com.acme.Orders; say --group and --version of one of these: g/com.acme.Orders:1.0.0, h/com.acme.Orders:1.0.0",
    ],
    [
      "no port",
      "com.acme.Stock",
      "http",
      { "/api/v1/status": { workers: [] } },
      "that instance has no port for http calls that serves just now; it is proxy.tri",
    ],
  ])("%s is an error", async (_, key, protocol, answers, text) => {
    await expect(place(key, protocol, answers)).rejects.toThrow(text);
  });
});
