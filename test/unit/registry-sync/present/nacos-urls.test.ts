import { expect, test } from "vitest";
import {
  isDubboApplication,
  metadataOf,
  parseDubboServiceName,
  urlOfHost,
} from "../../../../src/registry-sync/present/nacos-urls.ts";
import { hostOf } from "../../../support/nacos-link.ts";

test.each([
  [
    "providers:com.acme.Order:1.0.0:g",
    { category: "providers", interfaceName: "com.acme.Order", version: "1.0.0", group: "g" },
  ],
  ["providers:com.acme.Order::", { category: "providers", interfaceName: "com.acme.Order", version: "", group: "" }],
  [
    "providers:com.acme.Order:1.0.0",
    { category: "providers", interfaceName: "com.acme.Order", version: "1.0.0", group: "" },
  ],
  [
    "consumers:com.acme.Order:1.0.0:g",
    { category: "consumers", interfaceName: "com.acme.Order", version: "1.0.0", group: "g" },
  ],
  ["orders", undefined],
  ["orders:a:b", undefined],
  ["providers:", undefined],
])("the name %s", (name, expected) => {
  expect(parseDubboServiceName(name)).toEqual(expected);
});

const PROVIDER = { protocol: "tri", path: "com.acme.Order", category: "providers", methods: "a" };

test("a provider's instance is a URL, without what metadata has beside its parameters", () => {
  expect(urlOfHost(hostOf("10.0.0.1:50051", PROVIDER))).toEqual({
    ...{ protocol: "tri", host: "10.0.0.1", port: 50_051, path: "com.acme.Order", params: { methods: "a" } },
  });
});

test("dubbo-go's path begins with a slash, and is the same path", () => {
  const host = hostOf("10.0.0.1:50051", { ...PROVIDER, path: "/com.acme.Order" });
  expect(urlOfHost(host)?.path).toBe("com.acme.Order");
});

test.each([
  ["no metadata", { ...hostOf("10.0.0.1:80"), metadata: null }],
  ["no protocol", hostOf("10.0.0.1:80", { path: "x" })],
  ["a protocol that is none", hostOf("10.0.0.1:80", { ...PROVIDER, protocol: "a b" })],
  ["a path with a question mark", hostOf("10.0.0.1:80", { ...PROVIDER, path: "a?b" })],
  ["no port", hostOf("10.0.0.1:0", PROVIDER)],
  ["a port out of range", hostOf("10.0.0.1:70000", PROVIDER)],
  [
    "too many keys",
    hostOf("10.0.0.1:80", {
      ...PROVIDER,
      ...Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, "v"])),
    }),
  ],
])("%s: no URL", (_name, host) => {
  expect(urlOfHost(host)).toBeUndefined();
});

test("there and back, values are what they were; keys that a URL cannot hold are left out", () => {
  const host = hostOf("10.0.0.1:80", { ...PROVIDER, note: "a&b", plain: "c%26d", "x=y": "z" });
  const url = urlOfHost(host)!;
  expect(url.params).toEqual({ methods: "a", note: "a%26b", plain: "c%26d" });
  expect(metadataOf(url, [host])).toEqual({ ...PROVIDER, note: "a&b", plain: "c%26d" });
});

test.each([
  ["a revision", { "dubbo.metadata.revision": "ab" }, true],
  ["endpoints", { "dubbo.endpoints": "[]" }, true],
  ["where its metadata service is", { "dubbo.metadata-service.url-params": "{}" }, true],
  ["Spring Cloud Alibaba's urls: its port speaks HTTP", { "dubbo.metadata-service.urls": "[]" }, false],
  ["nothing of Dubbo's", { "preserved.register.source": "SPRING_CLOUD" }, false],
])("an instance with %s", (_name, metadata, expected) => {
  expect(isDubboApplication(hostOf("10.0.0.1:80", metadata))).toBe(expected);
});
