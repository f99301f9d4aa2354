import { expect, test } from "vitest";
import { readInstance } from "../../../../../src/codecs/nacos/service-info.ts";
import {
  dubboUrlOf,
  httpEndpointOf,
  isOut,
  weightOf,
} from "../../../../../src/registry-sync/sources/nacos/instances.ts";
import type { DubboServiceName } from "../../../../../src/registry-sync/sources/nacos/service-names.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const instance = (metadata: Record<string, string> = {}, more: object = {}) =>
  readInstance(nacosHost("10.0.0.1", 8080, metadata, more))!;
const provider: DubboServiceName = { category: "providers", interfaceName: "a.B", version: "1.0.0", group: "g" };

test.each([
  [1, 1, 100],
  [0.25, 0.25, 25],
  [0.001, 0.001, 1],
  [1e9, 10_000, 1_000_000],
  [-5, 0, 0],
  [Number.NaN, 1, 100],
  [Number.POSITIVE_INFINITY, 10_000, 1_000_000],
])("a weight of %d counts as %d, and in an endpoint as %d", (weight, counted, endpointWeight) => {
  expect(weightOf({ weight })).toBe(counted);
  expect(httpEndpointOf({ ...instance(), weight }, false, "n").weight).toBe(endpointWeight);
});

test.each([
  ["healthy", {}, false, false],
  ["unhealthy", { healthy: false }, false, true],
  ["unhealthy, of a list that is protected", { healthy: false }, true, false],
  ["taken out by hand", { enabled: false }, true, true],
  ["without weight", { weight: 0 }, true, true],
])("whether it takes no calls: %s", (_, more, isProtected, isOff) => {
  expect(isOut(instance({}, more), isProtected)).toBe(isOff);
  expect(httpEndpointOf(instance({}, more), isProtected, "n").disabled).toBe(isOff);
});

test("an HTTP endpoint has the metadata, and the cluster where it is free", () => {
  const plain = httpEndpointOf(instance({ zone: "z1" }), false, "n");
  expect(plain).toMatchObject({ address: "10.0.0.1", port: 8080, protocol: "http", origin: "n" });
  expect(plain.params).toEqual({ zone: "z1", cluster: "DEFAULT" });
  const other = httpEndpointOf(instance({ secure: "true", cluster: "own" }, { ephemeral: false }), false, "n");
  expect(other.protocol).toBe("https");
  expect(other.params).toEqual({ secure: "true", cluster: "own", dynamic: "false" });
});

test("a provider's metadata are its URL's parameters, the same object where nothing has to be added", () => {
  const metadata = { protocol: "tri", path: "ctx/a.B", group: "g", version: "1.0.0", application: "p" };
  const one = instance(metadata);
  const url = dubboUrlOf(one, provider, false);
  expect(url).toMatchObject({ protocol: "tri", host: "10.0.0.1", port: 8080, path: "ctx/a.B" });
  expect(url.params).toBe(one.metadata);
});

test("dubbo-go's path begins with a slash, and is the same path", () => {
  expect(dubboUrlOf(instance({ protocol: "tri", path: "/a.B" }), provider, false).path).toBe("a.B");
});

test("what simplified metadata leave out is in the service's name", () => {
  const url = dubboUrlOf(instance(), provider, false);
  expect(url).toMatchObject({ protocol: "dubbo", path: "a.B" });
  expect(url.params).toEqual({ group: "g", version: "1.0.0" });
});

test.each([
  ["none of its own", undefined, 0.5, "50"],
  ["its own", "200", 0.5, "100"],
  ["its own, of next to nothing", "1", 0.001, "1"],
  ["as much as there is", "2147483647", 10_000, "2147483647"],
  ["one that is no number", "x", 0.5, "x"],
  ["none in Nacos", "200", 0, "0"],
])("a provider's weight is multiplied: %s", (_, own, weight, text) => {
  const metadata: Record<string, string> = own === undefined ? {} : { weight: own };
  expect(dubboUrlOf(instance(metadata, { weight }), provider, false).params["weight"]).toBe(text);
});

test("a provider that is out is disabled, a consumer is as it is", () => {
  expect(dubboUrlOf(instance({}, { healthy: false }), provider, false).params["disabled"]).toBe("true");
  const consumer = dubboUrlOf(
    instance({}, { healthy: false, weight: 2 }),
    { ...provider, category: "consumers" },
    false,
  );
  expect(consumer).toMatchObject({ protocol: "consumer", port: 0, params: { group: "g", version: "1.0.0" } });
  expect(consumer.params["disabled"]).toBeUndefined();
});
