import { expect, test } from "vitest";
import { readServiceInfo } from "../../../../../src/codecs/nacos/service-info.ts";
import { buildPlainService, isDubboInstance } from "../../../../../src/registry-sync/sources/nacos/plain-service.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const dubbo = { "dubbo.metadata.revision": "abc", "dubbo.endpoints": "[]" };
const infoOf = (hosts: readonly object[], more: object = {}) =>
  readServiceInfo({ name: "order", groupName: "DEFAULT_GROUP", hosts, ...more }, 1_000)!.info;
const parts = (hosts: readonly object[], group = "DEFAULT_GROUP") => ({
  ...{ group, name: "order", info: infoOf(hosts), origin: "n" },
  isOwnAddress: (address: string, port: number) => address === "10.0.0.9" && port === 20880,
});

test("the instances of Spring Cloud are an HTTP service, those of Dubbo in the same one are left out", () => {
  const spring = { "preserved.register.source": "SPRING_CLOUD" };
  const hosts = [nacosHost("10.0.0.2", 8080, spring), nacosHost("10.0.0.1", 20880, dubbo), nacosHost("10.0.0.1", 8080)];
  const { entry, findings } = buildPlainService(parts(hosts), undefined);
  expect(entry?.service).toEqual({ interface: "order", group: "", version: "" });
  expect(entry?.endpoints.map(({ address, port, protocol }) => `${protocol}://${address}:${port}`)).toEqual([
    "http://10.0.0.1:8080",
    "http://10.0.0.2:8080",
  ]);
  expect(findings).toEqual([]);
});

test("an instance of Spring Cloud with Dubbo's metadata is Spring Cloud's", () => {
  const metadata = { ...dubbo, "preserved.register.source": "SPRING_CLOUD" };
  const [spring, other] = infoOf([nacosHost("a", 1, metadata), nacosHost("a", 2, dubbo)]).hosts;
  expect([isDubboInstance(spring!), isDubboInstance(other!)]).toEqual([false, true]);
});

test("another group than DEFAULT_GROUP is the service's group", () => {
  expect(buildPlainService(parts([nacosHost("a", 1)], "G1"), undefined).entry?.service.group).toBe("G1");
});

test("what says the same is the same object", () => {
  const one = parts([nacosHost("10.0.0.1", 1), nacosHost("10.0.0.2", 1)]);
  const before = buildPlainService(one, undefined);
  const same = buildPlainService(one, before);
  expect(same.entry).toBe(before.entry);
  const later = {
    ...one,
    info: { ...one.info, hosts: [...one.info.hosts, ...infoOf([nacosHost("10.0.0.3", 1)]).hosts] },
  };
  const after = buildPlainService(later, before);
  expect(after.entry?.endpoints.slice(0, 2).every((endpoint, i) => endpoint === before.entry?.endpoints[i])).toBe(true);
  const shielded = buildPlainService({ ...one, info: { ...one.info, reachProtectionThreshold: true } }, before);
  expect(shielded.made).not.toEqual(new Map());
});

test("of one address in two clusters the instance that takes calls counts", () => {
  const hosts = [nacosHost("a", 1, {}, { healthy: false }), nacosHost("a", 1, {}, { clusterName: "C2" })];
  const { entry } = buildPlainService(parts(hosts), undefined);
  expect(entry?.endpoints.map(({ disabled, params }) => [disabled, params["cluster"]])).toEqual([[false, "C2"]]);
});

test.each([
  ["the proxy itself", nacosHost("10.0.0.9", 20880), "TR0110", 0],
  ["an address that nobody can connect to", nacosHost("0.0.0.0", 80), "TR0111", 0],
  ["no port", nacosHost("a", 0), "TR0107", 0],
  ["a weight that is none", nacosHost("a", 1, {}, { weight: "NaN" }), "TR0103", 1],
])("told of: %s", (_, host, code, endpoints) => {
  const { entry, findings } = buildPlainService(parts([host]), undefined);
  expect(findings.map((one) => one.code)).toEqual([code]);
  expect(entry?.endpoints.length ?? 0).toBe(endpoints);
});

test("a service full of rubbish makes ten findings", () => {
  const hosts = Array.from({ length: 50 }, (_, i) => nacosHost(`h${i}`, 0));
  expect(buildPlainService(parts(hosts), undefined).findings).toHaveLength(10);
});
