import { describe, expect, test } from "vitest";
import { serviceKey } from "../../../../../src/model/service.ts";
import { isForServiceKey, readDynamicConfig } from "../../../../../src/registry-sync/dubbo/overrides/dynamic-config.ts";
import { parseDubboUrl, printDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

const any = "group=*&version=*&application=*";

function read(text: string): { overrides: string[]; rest: readonly string[] } {
  const { overrides, rest } = readDynamicConfig(text);
  return { overrides: overrides.map(printDubboUrl), rest };
}

describe("dynamic configuration", () => {
  test.each<[name: string, configs: string, overrides: string[], rest: string[]]>([
    [
      "for all providers",
      "[{side: provider, parameters: {weight: 200}}]",
      [`override://0.0.0.0/*?${any}&weight=200`],
      [],
    ],
    [
      "for two providers, one with all its ports",
      "[{side: provider, addresses: ['10.0.0.1:20880', 10.0.0.2], parameters: {disabled: true}}]",
      [`override://0.0.0.0/*?${any}&providerAddresses=10.0.0.1:20880,10.0.0.2:0&disabled=true`],
      [],
    ],
    [
      "for one port of all hosts",
      "[{side: provider, addresses: ['0.0.0.0:20880'], parameters: {dubbo.tag: gray}}]",
      [`override://0.0.0.0:20880/*?${any}&dubbo.tag=gray`],
      [],
    ],
    [
      "for one address stands behind that for all",
      "[{side: provider, addresses: [10.0.0.1], parameters: {weight: 1}}, {side: provider, addresses: [0.0.0.0], parameters: {weight: 2}}]",
      [`override://0.0.0.0/*?${any}&weight=2`, `override://0.0.0.0/*?${any}&providerAddresses=10.0.0.1:0&weight=1`],
      [],
    ],
    [
      "for some applications",
      "[{side: provider, applications: [shop, web], parameters: {weight: 2}}]",
      [
        "override://0.0.0.0/*?group=*&version=*&application=shop&weight=2",
        "override://0.0.0.0/*?group=*&version=*&application=web&weight=2",
      ],
      [],
    ],
    [
      "for some services",
      "[{side: provider, services: ['a.B', 'g/a.C:1.0'], parameters: {weight: 2}}]",
      [`override://0.0.0.0/a.B?${any}&weight=2`, `override://0.0.0.0/g/a.C:1.0?${any}&weight=2`],
      [],
    ],
    [
      "of which a part is applied",
      "[{side: provider, parameters: {weight: 3, timeout: 9, threads: 5}}]",
      [`override://0.0.0.0/*?${any}&weight=3`],
      [],
    ],
    ["of which providers apply all", "[{side: provider, parameters: {timeout: 9, threads: 5}}]", [], []],
    [
      "of which consumers apply all",
      "[{side: consumer, applications: [a], parameters: {timeout: 9, retries: 1, cluster: failfast, mock: 'force:x'}}]",
      [],
      [],
    ],
    ["that chooses among the proxies", "[{side: consumer, parameters: {loadbalance: random}}]", [], ["loadbalance"]],
    [
      "for a provider that consumers do not see",
      "[{side: consumer, providerAddresses: ['10.0.0.1:20880'], parameters: {mock: 'force:x'}}]",
      [],
      ["mock"],
    ],
    ["of a warm-up", "[{side: provider, parameters: {warmup: 9}}]", [`override://0.0.0.0/*?${any}&warmup=9`], []],
    [
      "for all consumers",
      "[{side: consumer, providerAddresses: ['10.0.0.1:20880'], parameters: {weight: 3, timeout: 1}}]",
      [`override://0.0.0.0/*?${any}&side=consumer&providerAddresses=10.0.0.1:20880&weight=3`],
      ["timeout"],
    ],
    ["for some consumers", "[{side: consumer, addresses: [10.0.0.7], parameters: {weight: 3}}]", [], ["weight"]],
    [
      "for one application's consumers",
      "[{side: consumer, applications: [a], parameters: {weight: 3}}]",
      [],
      ["weight"],
    ],
    [
      "for consumers stands behind that for providers",
      "[{side: consumer, parameters: {weight: 1}}, {side: provider, addresses: [10.0.0.1], parameters: {weight: 2}}]",
      [
        `override://0.0.0.0/*?${any}&providerAddresses=10.0.0.1:0&weight=2`,
        `override://0.0.0.0/*?${any}&side=consumer&weight=1`,
      ],
      [],
    ],
    ["for no side", "[{parameters: {weight: 3}}]", [], ["weight"]],
    [
      "with a match, which v2.7 does not read",
      "[{side: provider, match: {param: [{key: region, value: {exact: hz}}]}, parameters: {weight: 3}}]",
      [`override://0.0.0.0/*?${any}&weight=3`],
      [],
    ],
    ["with a value that is a list", "[{side: provider, parameters: {weight: [3]}}]", [], ["weight"]],
    ["without parameters", "[{side: provider}, 7, null]", [], []],
    ["switched off by its item", "[{type: weight, enabled: false, side: provider, parameters: {weight: 3}}]", [], []],
    [
      "switched on by its item",
      "[{type: weight, enabled: true, side: provider, parameters: {weight: 3}}]",
      [`override://0.0.0.0/*?${any}&weight=3`],
      [],
    ],
  ])("%s", (_, configs, overrides, rest) => {
    expect(read(`configVersion: v2.7\nkey: a.B\nenabled: true\nconfigs: ${configs}`)).toEqual({ overrides, rest });
  });

  test.each<[name: string, text: string, rest: string]>([
    ["no YAML", "configs: [", "it is no YAML"],
    ["an alias", "a: &x [1]\nconfigs: *x", "it is no YAML"],
    ["Dubbo's list of URLs", '["override://0.0.0.0/a.B?weight=3"]', "a list of URLs in place of configs"],
    ["no configs", "enabled: true", "a text without configs"],
    ["too long a text", `configs: []\n#${"x".repeat(262_144)}`, "it is a text of more than 262144 characters"],
    [
      "too many settings",
      `configs: [{side: provider, applications: [${Array.from({ length: 300 }, (_, i) => `a${i}`)}], parameters: {weight: 1}}]`,
      "more than 256 settings",
    ],
  ])("%s is told and sets nothing", (_, text, rest) => {
    expect(read(text)).toEqual({ overrides: [], rest: [rest] });
  });

  test("names at most ten parameters that are not applied", () => {
    const parameters = Array.from({ length: 30 }, (_, i) => `p${i}: 1`);
    expect(read(`configs: [{parameters: {${parameters}}}]`).rest).toHaveLength(10);
  });
});

test.each<[path: string, isFor: boolean]>([
  ["*", true],
  ["a.B", true],
  ["g/a.B", true],
  ["g/a.B:1.0", true],
  ["a.B:1.0", true],
  ["a.B:2.0", false],
  ["h/a.B", false],
  ["a.C", false],
])("a setting for %s is for g/a.B:1.0: %s", (path, isFor) => {
  const reading = parseDubboUrl(`override://0.0.0.0/${path}`);
  if (reading.type === "fault") throw new Error(reading.message);
  expect(isForServiceKey(reading.url, serviceKey("a.B", "g", "1.0"))).toBe(isFor);
});

describe("the match of v3.0", () => {
  const readV3 = (config: string, more = "") => read(`configVersion: v3.0\n${more}configs: [${config}]`);

  test("goes with the setting", () => {
    const { overrides, rest } = readV3(
      "{side: provider, match: {app: {oneof: [{exact: shop}]}}, parameters: {weight: 3}}",
    );
    expect(overrides).toEqual([
      `override://0.0.0.0/*?${any}&trestle.match={"app":{"oneof":[{"exact":"shop"}]}}&weight=3`,
    ]);
    expect(rest).toEqual([]);
  });

  test.each([
    ["a regex", "side: provider, match: {service: {oneof: [{regex: .*}]}}", ""],
    ["consumers' addresses", "side: consumer, match: {address: {exact: 10.0.0.7}}", ""],
    ["consumers' applications", "side: consumer, match: {app: {oneof: [{exact: shop}]}}", ""],
    ["consumers of one application", "side: consumer", "scope: application\n"],
  ])("that is not applied in the consumers' place is told of: %s", (_, item, more) => {
    expect(readV3(`{${item}, parameters: {weight: 3}}`, more)).toEqual({ overrides: [], rest: ["weight"] });
  });
});
