import { expect, test } from "vitest";
import { compileMatch, namesConsumers } from "../../../../../src/registry-sync/dubbo/overrides/dynamic-match.ts";
import { parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

const reading = parseDubboUrl(
  "dubbo://10.0.1.7:20880/com.acme.Order?application=shop&interface=com.acme.Order&group=g&version=1.0&region=hz&empty=",
);
const provider = reading.type === "url" ? reading.url : undefined!;
const service = (...oneof: object[]) => ({ service: { oneof } });
const region = (value: object) => ({ param: [{ key: "region", value }] });

test.each<[name: string, match: object, meant: boolean]>([
  ["nothing at all", {}, true],
  ["its host", { address: { exact: "10.0.1.7" } }, true],
  ["another host", { address: { exact: "10.0.1.8" } }, false],
  ["a beginning of its host", { address: { wildcard: "10.0.*" } }, true],
  ["another beginning", { address: { wildcard: "10.1.*" } }, false],
  ["an ending of its host", { address: { wildcard: "*.7" } }, true],
  ["both ends of its host", { address: { wildcard: "10.*.7" } }, true],
  ["a wildcard without a star", { address: { wildcard: "10.0.1" } }, false],
  ["any host by a star", { address: { wildcard: "*" } }, true],
  ["any host by its name", { address: { wildcard: "0.0.0.0" } }, true],
  ["its network", { address: { cird: "10.0.0.0/16" } }, true],
  ["another network", { address: { cird: "10.1.0.0/16" } }, false],
  ["a network before a wildcard", { address: { cird: "10.1.0.0/16", wildcard: "*" } }, false],
  ["an address that says nothing", { address: {} }, false],
  ["its address with the port", { providerAddress: { exact: "10.0.1.7:20880" } }, true],
  ["a wildcard over the port", { providerAddress: { wildcard: "10.0.1.7:*" } }, true],
  ["another port", { providerAddress: { exact: "10.0.1.7:20881" } }, false],
  ["its service", service({ exact: "g/com.acme.Order:1.0" }), true],
  ["its interface alone, which is no key", service({ exact: "com.acme.Order" }), false],
  ["a beginning of its service, second", service({ exact: "x" }, { prefix: "g/com.acme." }), true],
  ["any service", service({ wildcard: "*" }), true],
  ["a service of none", service(), false],
  ["its application", { app: { oneof: [{ exact: "shop" }] } }, true],
  ["another application", { app: { oneof: [{ exact: "web" }] } }, false],
  ["a parameter", region({ exact: "hz" }), true],
  ["another value of a parameter", region({ exact: "bj" }), false],
  ["a parameter that is there", region({ noempty: "x" }), true],
  ["a parameter that is empty", { param: [{ key: "empty", value: { empty: "x" } }] }, true],
  ["a parameter that it has not", { param: [{ key: "zone", value: { empty: "x" } }] }, false],
  ["a condition that holds and one that does not", { ...region({ exact: "hz" }), address: { exact: "x" } }, false],
])("a match of %s", (_, match, meant) => {
  expect(compileMatch(match)?.(provider)).toBe(meant);
});

test.each<[string, unknown]>([
  ["a text", "x"],
  ["a list", []],
  ["a name that is not known", { zone: { exact: "x" } }],
  ["a regex", service({ regex: ".*" })],
  ["a range that is no CIDR", { address: { cird: "10.0.0.1-9" } }],
  ["a number for a range", { address: { cird: 7 } }],
  ["a wildcard that is a list", { address: { wildcard: [] } }],
  ["an address that is a text", { address: "10.0.0.1" }],
  ["services that are no list", { service: { oneof: "x" } }],
  ["a service that is a text", { service: { oneof: ["x"] } }],
  ["parameters that are no list", { param: {} }],
  ["a parameter without a name", { param: [{ value: { exact: "x" } }] }],
  ["a parameter without a value", { param: [{ key: "x" }] }],
  ["too many alternatives", service(...Array.from({ length: 1_001 }, () => ({ exact: "x" })))],
])("a match that is or has %s is not read", (_, match) => {
  expect(compileMatch(match)).toBeUndefined();
});

test("a match that says which consumers is known", () => {
  expect([{ address: {} }, { app: {} }, { providerAddress: {} }, "x"].map(namesConsumers)).toEqual([
    ...[true, true, false, false],
  ]);
});
